"""The state that every answer of the chat interface carries."""
from __future__ import annotations

from typing import Any

from actions.memory import ANSWER_SLOTS, Memory
from triage.interview import progress

# Told to the front door while a key is still to be taken back.
REVOCATION = {"kind": "revocation", "error": None, "after": None, "unsettled": True}
# While one of these yes/no questions is open, no slot is being asked.
SILENT = ("stop", "restart")


def asking(memory: Memory) -> str | None:
    """The slot now asked for, ``review``, or ``None``."""
    at = memory.at
    if at.pending and at.pending.get("kind") in SILENT:
        return None
    return at.asking


def pending_of(memory: Memory) -> dict[str, Any] | None:
    """What the front door has to know besides the state, and the person does not see.

    Returns:
        ``kind``: what it has to have tried again later (``request``, ``feedback``, ``revocation``), or ``None``;
        ``error`` and ``after``: why, and the seconds the backend asked for; ``unsettled``: before the conversation is
        erased, the request has to be given up (event ``abandon``). ``None`` when there is nothing of all this.
    """
    at = memory.at
    unsettled = bool(at.offered or at.revoking) and not at.tracking_number
    if at.waiting:
        return {"kind": at.waiting["kind"], "error": at.waiting["error"], "after": at.waiting["after"],
                "unsettled": True}
    if at.revoking:
        return REVOCATION
    return {"kind": None, "error": None, "after": None, "unsettled": True} if unsettled else None


def state_of(memory: Memory) -> dict[str, Any]:
    """Contract state: what is asked, how far the interview is, what has been answered."""
    at = memory.at
    step, steps = progress(at.asking, bool(at.outcome))
    answers = {name: memory.answers[name] for name in ANSWER_SLOTS if name in memory.answers}
    if answers or at.language_chosen:
        answers = {"language": memory.language, **answers} if at.outcome != "cancelled" else {}
    return {"language": memory.language, "asking": asking(memory), "step": step, "steps": steps, "outcome": at.outcome,
            "tracking_number": at.tracking_number, "grounds": list(at.grounds), "answers": answers,
            "skipped": list(at.skipped)}
