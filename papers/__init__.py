"""What is done to a file that somebody sends, before anybody trusts it. Knows nothing of chats and requests."""
