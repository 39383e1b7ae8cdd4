"""Pure decisions: facts to next question, grounds and outcome. No Rasa, no network, no clock, no wording."""
from __future__ import annotations

from triage.facts import Facts, facts_from
from triage.policy import Policy
from triage.rules import Decision, decide

__all__ = ["Decision", "Facts", "Policy", "decide", "facts_from"]
