"""A person at the dialogue itself: messages as the model would have read them, played by the real actions."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import Any

from actions import keeping
from actions.memory import Memory, Standing
from actions.message import message_from
from actions.review_queue import ReviewQueue
from actions.turn import Say, Turn
from actions.understanding import play
from actions.world import World
from bot.nlu.rules import extract_all
from bot.nlu.script import message_language
from tools.ask_back import a_world

TODAY = date(2026, 11, 24)


@lru_cache(maxsize=1)
def world() -> World:
    """The real content and wording; no intake behind it."""
    return a_world()


@dataclass
class Talk:
    """One conversation without HTTP and without a model.

    Attributes:
        memory: What the conversation remembers; goes through the slots after every turn, as it really does.
        queue: Where messages are kept for review, if anywhere.
        elsewhere: The person writes in a messenger.
    """

    language: str = "en"
    asking: str | None = "grounds"
    answers: dict[str, Any] = field(default_factory=dict)
    told: tuple[str, ...] = ("privacy", "window")
    queue: ReviewQueue | None = None
    conversation: str = "c-1"
    elsewhere: bool = False
    replies: list[Say] = field(default_factory=list)
    turns: int = 0

    def __post_init__(self) -> None:
        self.memory = Memory(dict(self.answers), Standing(asking=self.asking, told=list(self.told)), self.language)

    def say(self, text: str, *ranking: tuple[str, float], segments: Sequence[dict[str, Any]] = ()) -> Talk:
        """Write something that the model reads as ``ranking``; entities are found by the real rules."""
        entities = [entity.as_dict() for entity in extract_all(text, TODAY)]
        parse = {"intent_ranking": [{"name": name, "confidence": share} for name, share in ranking],
                 "entities": entities, "segments": list(segments), "script": {"language": message_language(text)}}
        return self._play("text", text, parse)

    def press(self, payload: str) -> Talk:
        """Press a button."""
        from bot.channel import parse_payload

        intents = ["affirm", "deny", "inform", "stop", "talk_to_human", "repeat_question", "ask_capabilities", "skip"]
        return self._play("payload", payload, parse_payload(payload, intents))

    def _play(self, event: str, text: str, parse: dict[str, Any]) -> Talk:
        self.turns += 1
        meta = {"event": event, "text": text, "at": f"{TODAY}T10:00:00+00:00", "message_id": f"m{self.turns}",
                "elsewhere": self.elsewhere}
        turn = Turn(message_from({**parse, "metadata": meta}), self.memory, world())
        start = keeping.Start.of(turn)

        async def run() -> None:
            await play(turn, self.conversation)
            if self.queue is not None:
                await keeping.keep(self.queue, turn, self.conversation, start)

        asyncio.run(run())
        self.replies = turn.replies
        self.memory = Memory.from_slots(turn.memory.to_slots())
        return self

    @property
    def keys(self) -> list[str]:
        """Keys of the last replies."""
        return [reply.key for reply in self.replies]

    @property
    def buttons(self) -> dict[str, str]:
        """Payload by title of the buttons last shown."""
        return {title: button["payload"] for reply in self.replies
                for title, button in zip(reply.titles_in(self.memory.language), reply.buttons, strict=True)}

    @property
    def pending(self) -> dict[str, Any]:
        """The open choice, if any."""
        return self.memory.at.pending or {}

    @property
    def readings(self) -> list[str]:
        """The readings that were named."""
        return list(self.pending.get("readings", ()))
