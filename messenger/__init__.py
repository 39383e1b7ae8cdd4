"""The worker that lets people use the guide in Telegram."""
