"""The public front door: chat over HTTP and the chat page."""
