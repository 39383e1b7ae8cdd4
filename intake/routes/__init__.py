"""The HTTP routes of the intake backend, by topic."""
