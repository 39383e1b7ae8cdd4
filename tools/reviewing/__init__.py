"""Reviewing what was not understood: grouping, checking, and adding to the training files."""
