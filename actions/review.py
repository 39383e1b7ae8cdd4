"""All answers in words: the review for the person, and the English statement for the office."""
from __future__ import annotations

from typing import Any

from actions.memory import ANSWER_SLOTS, Memory
from actions.words import Words
from actions.world import World
from triage import decide
from triage.facts import CHANNELS, NONE
from triage.statement import Statement

HIDDEN = frozenset({"phone_e164", "signed_at", "feedback_text", "receipt_numbers_reason"})
DATES = frozenset({"filing_date", "date_of_birth", *(f"{name}_date" for name in CHANNELS)})


def in_words(slot: str, value: Any, world: World, language: str) -> str:
    """One answer as a person reads it."""
    labels = world.labels
    if slot == "grounds":
        return labels.get("list_separator", language).join(labels.get(f"grounds_{name}", language) for name in value)
    if slot == "delay_verified":
        return labels.get(f"delay_{str(value).lower()}", language)
    if value == NONE:
        return labels.get("none", language)
    if isinstance(value, bool):
        return labels.get("yes" if value else "no", language)
    if slot in DATES:
        return world.day(value, language)
    if slot in CHANNELS:
        return labels.get(value, language)
    if slot in ("requester_role", "delivery"):
        return labels.get(f"{slot}_{value}", language)
    if slot == "documents":
        names = {item.key: item.name[language] for item in world.content.documents}
        value = [names.get(kind, kind) for kind in value]
    if isinstance(value, list):
        return labels.get("list_separator", language).join(value)
    return str(value)


def words_of(slot: str, value: Any, world: World) -> Words:
    """One answer as a person reads it, in every language."""
    return Words.by(lambda language: in_words(slot, value, world, language))


def line(slot: str, memory: Memory, world: World, language: str) -> str:
    """"Label: value" of one answer."""
    return world.labels.get("review_line", language, label=world.labels.get(slot, language),
                            value=in_words(slot, memory.answers[slot], world, language))


def summary(memory: Memory, world: World) -> Words:
    """Every answer on its own line, in the order of the interview."""
    shown = [slot for slot in ANSWER_SLOTS
             if slot in memory.answers and slot not in HIDDEN and memory.answers[slot] not in ([], "")]
    return Words.by(lambda language: "\n".join(line(slot, memory, world, language) for slot in shown))


def english_statement(memory: Memory, world: World) -> str:
    """The facts in English, each from one answer; the person's own words go with the request unchanged."""
    grounds = decide(memory.facts(), world.policy, world.today).grounds
    return Statement(world.content).text({**memory.answers, "grounds": grounds, "language": memory.language})
