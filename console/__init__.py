"""The call console: a call-taker reads the guide aloud and puts in what the caller says. A process of its own."""
