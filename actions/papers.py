"""Papers: the checklist, and what is said when one is uploaded or removed beside the talk."""
from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from actions.turn import Turn
from actions.words import Words
from triage.documents import OTHER, checklist

EVENT = "documents"
SLOT = "documents"


def lines(turn: Turn, grounds: Iterable[str]) -> Words:
    """The checklist of this person, one paper a line with its reason; what is there already is ticked off."""
    there = turn.memory.answers.get(SLOT) or []
    shown = []
    for paper in checklist(turn.world.content.documents, turn.memory.facts(), grounds):
        mark = "there" if paper.kind in there else "required" if paper.required else "helpful"
        shown.append(turn.label(f"paper_{mark}", label=Words(paper.item.label),
                                reason=Words(paper.item.reason)))
    return Words.by(lambda language: "\n".join(line[language] for line in shown))


def name(turn: Turn, kind: str) -> Words:
    """A kind in short words."""
    names = {item.key: item.name for item in turn.world.content.documents}
    return Words(names.get(kind, names[OTHER]))


def take(turn: Turn) -> None:
    """Play the event by which the front door tells of a change: the kinds that are there now, and what changed."""
    news: dict[str, Any] = json.loads(turn.message.text)
    at, memory = turn.memory.at, turn.memory
    if at.outcome == "cancelled":
        memory.erase()
        at = memory.at
    kinds = list(news["kinds"])
    stored = bool(at.tracking_number)
    if kinds:
        turn.put(SLOT, kinds)
    else:
        memory.answers.pop(SLOT, None)
    if at.asking == SLOT and not stored:
        # The question stays until the person says that this is all.
        at.forced = SLOT if kinds else None
        at.misses = 0
        turn.hold = bool(kinds)
    elif stored or at.pending:
        turn.hold = True
    paper = name(turn, news["kind"])
    count = news["count"]
    if news["change"] == "added":
        pages = turn.label("pages_one") if news["pages"] == 1 else turn.label("pages", count=news["pages"])
        if stored:
            turn.say("utter_document_added_later", paper=paper, pages=pages, count=count,
                     tracking_number=at.tracking_number)
        else:
            turn.say("utter_document_received_more" if turn.hold and at.asking == SLOT else "utter_document_received",
                     paper=paper, pages=pages, count=count)
    elif news["change"] == "infected":
        turn.say("utter_document_infected", paper=paper)
    else:
        turn.say("utter_document_removed", paper=paper)
