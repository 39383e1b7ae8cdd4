"""One turn of one conversation, as the channel, the wording and the store see it."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any


class TurnIncompleteError(Exception):
    """The turn ended without a reply or without a state, so nothing of it may be kept."""


@dataclass
class Turn:
    """What a message leads to, collected while Rasa works on it.

    Attributes:
        conversation_id: The conversation.
        message_id: The message that is answered.
        replies: Replies in the shape of the HTTP contract.
        state: State of the conversation after the turn, in the shape of the HTTP contract.
        pending: What the front door has to have tried again later; not for the person.
        origins: How each answer was got; for staff, not for the person.
        may_be_silent: Nobody wrote, so nothing need be said.
    """

    conversation_id: str
    message_id: str
    replies: list[dict[str, Any]] = field(default_factory=list)
    state: dict[str, Any] | None = None
    pending: dict[str, Any] | None = None
    may_be_silent: bool = False
    origins: dict[str, str] | None = None

    def answer(self) -> dict[str, Any]:
        """Return the whole answer.

        Raises:
            TurnIncompleteError: No reply or no state came; an action or a wording failed on the way.
        """
        if self.state is None:
            raise TurnIncompleteError("the turn left no state")
        if not self.replies and not self.may_be_silent:
            raise TurnIncompleteError("the turn left no reply")
        beside = {"pending": self.pending, "origins": self.origins}
        more = {name: value for name, value in beside.items() if value is not None}
        return {"replies": self.replies, "state": self.state, **more}


current_turn: ContextVar[Turn | None] = ContextVar("current_turn", default=None)
