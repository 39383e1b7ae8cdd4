"""One turn: what to say and what to remember.

The order of interpretation is the heart of the dialogue: emergencies; the open status question; an open yes/no;
the person's own words where a story is asked for; asking back what is in doubt; commands; the answer to the open
question; other facts in the same message; questions of the person; small talk; not understood.
"""
from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from actions.intake_client import Similar
from actions.memory import Memory
from actions.message import Message
from actions.words import Words, worded
from actions.world import World
from triage import Decision, decide
from triage.interview import ON_THE_PAGE

LEAD_INS = 3


@dataclass(frozen=True)
class Say:
    """One reply: a key of the wording catalogue and its values.

    Attributes:
        key: Name in the catalogue.
        values: What stands in its places; ``Words`` where that depends on the language.
        buttons: ``title`` (may be ``Words``) and ``payload``, which is the same in all languages.
        attachments: ``title`` (may be ``Words``) and ``url``.
    """

    key: str
    values: dict[str, Any] = field(default_factory=dict)
    buttons: tuple[dict[str, Any], ...] = ()
    attachments: tuple[dict[str, Any], ...] = ()

    def values_in(self, language: str) -> dict[str, Any]:
        """The values as they stand in one language."""
        return {name: worded(value, language) for name, value in self.values.items()}

    def titles_in(self, language: str) -> list[str]:
        """The titles of the buttons that are not in the catalogue."""
        return [worded(button["title"], language) for button in self.buttons]

    def signature(self) -> str:
        """Two replies with the same signature read the same (a hash, so that nothing personal is kept)."""
        return f"{self.key}:{hash_of(repr(sorted(self.values.items())) + repr(self.buttons))}"


def hash_of(text: str) -> str:
    """A short stable digest."""
    return hashlib.sha256(text.encode()).hexdigest()[:10]


class Turn:
    """The message, the memory and the world of one turn, and the replies so far.

    Attributes:
        changed: Slots whose answer changed in this turn.
        noted: Slots that were filled without being asked for.
        handled: The message needs no "not understood".
        hold: The open question stays open without being said again (a reply has just put it in other words).
        explain: The open question is to be said in other words.
        similar: Other requests for the same receipt number, as the backend told when it stored this one.
        abandoned: What giving the request up came to: ``nothing``, ``withdrawn`` or ``unknown``.
        doubts: Why the message may teach something: ``not_understood``, ``asked_back``.
        withheld: Something was said in a messenger that belongs on the page, and was not taken.
        meant: Row of the review queue and the reading that the person chose for the message in it.
    """

    def __init__(self, message: Message, memory: Memory, world: World) -> None:
        self.message = message
        self.memory = memory
        self.world = world
        self.replies: list[Say] = []
        self.changed: list[str] = []
        self.noted: list[str] = []
        self.handled = False
        self.hold = False
        self.explain = False
        self.similar: tuple[Similar, ...] = ()
        self.abandoned = "nothing"
        self.doubts: list[str] = []
        self.withheld = False
        self.meant: tuple[str, str] | None = None

    @property
    def language(self) -> str:
        """Language of this turn's replies."""
        return self.memory.language

    def say(self, key: str, *, buttons: Sequence[dict[str, Any]] = (), attachments: Sequence[dict[str, Any]] = (),
            **values: Any) -> None:
        """Add a reply; the message counts as handled."""
        self.replies.append(Say(key, values, tuple(buttons), tuple(attachments)))
        self.handled = True

    @staticmethod
    def reply(key: str, **values: Any) -> Say:
        """A reply that is not added yet."""
        return Say(key, values)

    def label(self, key: str, /, **values: Any) -> Words:
        """A label in every language."""
        return self.world.labels.words(key, **values)

    def day(self, value: str | date) -> Words:
        """A date in words of every language."""
        return Words.by(lambda language: self.world.day(value, language))

    def put(self, slot: str, value: Any) -> None:
        """Store an answer and remember that it changed."""
        if self.memory.put(slot, value):
            self.changed.append(slot)

    def withhold(self, slot: str) -> bool:
        """Leave aside what was said for ``slot`` if that belongs on the page and not in a messenger.

        Returns:
            Whether it does.
        """
        if not self.message.elsewhere or slot not in ON_THE_PAGE:
            return False
        self.withheld = self.handled = True
        return True

    def decide(self) -> Decision:
        """What ``triage`` says now."""
        return decide(self.memory.facts(), self.world.policy, self.world.today)

    def told_once(self, note: str) -> bool:
        """Whether a note is told for the first time (and mark it as told)."""
        if note in self.memory.at.told:
            return False
        self.memory.at.told.append(note)
        return True

    def vary(self) -> None:
        """Put a lead-in first where a reply would come a third time running."""
        at = self.memory.at
        at.turns += 1
        if self._tiresome():
            self.replies.insert(0, Say(f"utter_still_open_{at.turns % LEAD_INS + 1}"))
        at.recent = [*at.recent, [reply.signature() for reply in self.replies]][-2:]

    def _tiresome(self) -> bool:
        current = [reply.signature() for reply in self.replies]
        turns = [*self.memory.at.recent, current]
        if len(turns) >= 3 and turns[-1] == turns[-2] == turns[-3]:
            return True
        flat = [signature for turn in turns for signature in turn]
        return any(flat[i] == flat[i - 1] == flat[i - 2] for i in range(max(2, len(flat) - len(current)), len(flat)))
