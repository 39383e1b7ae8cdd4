"""Measuring the understanding: the sets, the running, the figures, the page, and what it is compared with."""
