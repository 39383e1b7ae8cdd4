"""The Rasa engine: understanding, the internal channel, stores and the patches Rasa 3.6 needs."""
