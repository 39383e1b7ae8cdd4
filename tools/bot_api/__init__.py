"""A Bot API of our own on this machine, as strict as Telegram's, for tests and measurements; and people who use it."""
