"""One message of the person as the NLU understood it, in a form that is easy to ask things of."""
from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

FALLBACK = "nlu_fallback"
# Below this nobody should act on a guess; measured with the fallback threshold of config.yml.
SURE = 0.5
CLEAR_SIGN = 0.8


@dataclass(frozen=True)
class Segment:
    """A sentence of a longer message with its own reading."""

    text: str
    intent: str
    confidence: float


@dataclass(frozen=True)
class Message:
    """What came in.

    Attributes:
        event: ``open``, ``resume``, ``text``, ``payload`` (a pressed button) or ``documents`` (one was uploaded or
            removed; ``text`` says which); without a person ``retry`` (send what waits), ``abandon`` (the conversation
            is about to be erased) or ``undo`` (likewise, by a person who has heard of no receipt).
        text: As typed.
        at: ISO time at which the front door received it.
        ranking: Intent to confidence, best first, without the fallback.
        entities: Flat entity dictionaries (see ``bot.nlu.rules``).
        segments: Its sentences, when there are several.
        script: Language of the words in it, or ``None``.
        guess: Language given when the conversation was opened.
        elsewhere: It came through a messenger, where answers to personal questions are not taken.
    """

    event: str
    text: str
    at: str
    ranking: tuple[tuple[str, float], ...] = ()
    entities: tuple[Mapping[str, Any], ...] = ()
    segments: tuple[Segment, ...] = ()
    script: str | None = None
    guess: str | None = None
    message_id: str = ""
    elsewhere: bool = False

    @property
    def intent(self) -> str:
        """The best intent, whatever its confidence."""
        return self.ranking[0][0] if self.ranking else FALLBACK

    @property
    def confidence(self) -> float:
        """Confidence of the best intent."""
        return self.ranking[0][1] if self.ranking else 0.0

    def p(self, *intents: str) -> float:
        """Summed confidence of some intents."""
        return sum(confidence for name, confidence in self.ranking if name in intents)

    def sure(self, *intents: str, at_least: float = SURE) -> bool:
        """Whether the whole message is surely one of ``intents``."""
        return self.intent in intents and self.confidence >= at_least

    def any_sentence(self, *intents: str, at_least: float = SURE) -> bool:
        """Whether the message or one of its sentences is surely one of ``intents``."""
        return self.sure(*intents, at_least=at_least) or any(
            segment.intent in intents and segment.confidence >= at_least for segment in self.segments)

    def all(self, entity: str, role: str | None = None) -> Iterator[Mapping[str, Any]]:
        """The entities of a kind, in order."""
        for item in self.entities:
            if item["entity"] == entity and (role is None or item.get("role") == role):
                yield item

    def first(self, entity: str, role: str | None = None) -> Mapping[str, Any] | None:
        """The first entity of a kind, or ``None``."""
        return next(self.all(entity, role), None)

    def cue(self, *names: str) -> bool:
        """Whether one of these cues is in the message."""
        return any(item["value"] in names for item in self.all("cue"))

    @property
    def ordinal(self) -> int | None:
        """Number of the choice named ("the second one", "2"), -1 for the last."""
        found = self.first("ordinal")
        return int(found["value"]) if found else None

    @property
    def is_question(self) -> bool:
        """Whether it asks something rather than answers."""
        return self.cue("question") or self.text.rstrip().endswith(("?", "？"))

    @property
    def length(self) -> int:
        """Length in "words": a Han character counts as half a word."""
        han = sum("\u3400" <= char <= "\u9fff" for char in self.text)
        rest = "".join(" " if "\u3400" <= char <= "\u9fff" else char for char in self.text)
        return len(rest.split()) + (han + 1) // 2


def message_from(latest: Mapping[str, Any]) -> Message:
    """Read Rasa's ``latest_message``.

    Args:
        latest: As the action server receives it, with ``metadata`` of the internal channel.
    """
    meta = latest.get("metadata") or {}
    ranking = tuple((item["name"], float(item["confidence"])) for item in latest.get("intent_ranking") or []
                    if item["name"] != FALLBACK)
    if not ranking and latest.get("intent"):
        ranking = ((latest["intent"]["name"], float(latest["intent"].get("confidence") or 0.0)),)
    text = meta.get("text") or ""
    if meta.get("event", "text") == "text" and not any(char.isalnum() for char in text):
        # A lone heart or dots say little: only a clear sign (a thumb up) is believed.
        ranking = ranking if ranking and ranking[0][1] >= CLEAR_SIGN else ()
    segments = tuple(Segment(item["text"], item["intent"], float(item["confidence"]))
                     for item in latest.get("segments") or [])
    script = (latest.get("script") or {}).get("language")
    return Message(event=meta.get("event", "text"), text=text, at=meta.get("at") or "",
                   ranking=ranking, entities=tuple(latest.get("entities") or ()), segments=segments, script=script,
                   guess=meta.get("language"), message_id=meta.get("message_id") or "",
                   elsewhere=bool(meta.get("elsewhere")))
