"""The dialogue: one Rasa action a turn, slots to ``triage`` to slots and response names."""
