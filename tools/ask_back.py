"""Measure how often the guide asks back: ``python -m tools.ask_back FILE.tsv [--json OUT.json]`` (bot environment).

Every line of the file (columns as for ``tools.evaluate``) is sent as the first message of a conversation of its own,
through the real model and the real dialogue. Told are: the share of in-scope messages that are asked back; of the
messages whose likeliest intent is wrong, how many are asked back instead of acted upon; and how often the right one is
among the readings that are named. With a file of answers in context (columns id, asking, lang, text, slot, value) each
line is sent while its question is open, where asking back should be rare.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from actions.intake_client import Backend, IntakeClient
from actions.labels import Labels
from actions.memory import Memory, Standing
from actions.message import FALLBACK, message_from
from actions.settings import ROOT
from actions.turn import Turn
from actions.unclear import CLAIMS, COMMANDS, KIND
from actions.understanding import play
from actions.world import World
from bot.server import QUIET_ENVIRONMENT, newest_model
from triage.content import Content

OUT_OF_SCOPE = "out_of_scope"
# Answers that stand before a question is asked, so that it makes sense.
BEFORE: dict[str, Any] = {"grounds": ["uscis_error"], "form_type": "I-485", "requester_role": "applicant"}
CHANNELS = ("contact_center", "case_status_online", "infopass")


@dataclass(frozen=True)
class Played:
    """What became of one line.

    Attributes:
        gold: The right intent, or ``None`` for an answer in context.
        guess: The likeliest intent.
        readings: The readings that were asked about, likeliest first; none if it was acted upon.
    """

    gold: str | None
    guess: str
    readings: tuple[str, ...]


def a_world() -> World:
    """The world of the dialogue with no intake behind it: nothing is sent in a first message."""
    content = Content.load(ROOT / "content")
    intake = IntakeClient(Backend("http://127.0.0.1:1", "none"))
    return World(content, content.policy(), Labels.load(ROOT / "domain"), intake, datetime.now().astimezone().date())


async def readings_of(parse: Mapping[str, Any], text: str, world: World, asking: str = "grounds") -> tuple[str, ...]:
    """Play one message and return the readings the guide asks about.

    Args:
        parse: The parse data of the model.
        text: The message.
        world: From :func:`a_world`.
        asking: The open question.
    """
    meta = {"event": "text", "text": text, "at": datetime.now().astimezone().isoformat(), "message_id": "1"}
    answers = {} if asking == "grounds" else {name: value for name, value in BEFORE.items() if name != asking}
    for name in CHANNELS:
        if asking.startswith(f"{name}_"):
            answers[name] = "tried"
    memory = Memory(answers, Standing(asking=asking, told=["privacy", "window"], forced=None), "en")
    turn = Turn(message_from({**parse, "metadata": meta}), memory, world)
    await play(turn, "measured")
    pending = turn.memory.at.pending or {}
    return tuple(pending["readings"]) if pending.get("kind") == KIND else ()


def summary(played: Iterable[Played]) -> dict[str, Any]:
    """Count; shares are of the in-scope messages unless their name says otherwise."""
    rows = list(played)
    inside = [row for row in rows if row.gold is None or row.gold != OUT_OF_SCOPE]
    outside = [row for row in rows if row.gold == OUT_OF_SCOPE]
    wrong = [row for row in inside if row.gold is not None and row.guess != row.gold]
    costly = [row for row in wrong if row.guess in CLAIMS | COMMANDS]
    asked = [row for row in inside if row.readings]

    def caught(some: list[Played]) -> dict[str, Any]:
        hit = [row for row in some if row.readings]
        return {
            "n": len(some),
            "asked": len(hit),
            "share": _share(len(hit), len(some)),
            "right_one_named": sum(row.gold in row.readings for row in hit),
        }

    return {
        "in_scope": len(inside),
        "asked": len(asked),
        "asked_share": _share(len(asked), len(inside)),
        "asked_wrong_guess_share": _share(sum(row in wrong for row in asked), len(asked)),
        "wrong_guesses": caught(wrong),
        "wrong_guesses_with_consequences": caught(costly),
        "out_of_scope": caught(outside),
    }


def _share(part: int, whole: int) -> float:
    return round(part / whole, 4) if whole else 0.0


def read(file: Path) -> list[dict[str, str]]:
    """Read a table with a header line, columns separated by tabs, without quoting."""
    lines = file.read_text(encoding="utf-8-sig").splitlines()
    names = lines[0].split("\t")
    return [dict(zip(names, line.split("\t", len(names) - 1), strict=True)) for line in lines[1:] if line]


async def measure(file: Path, model: Path) -> tuple[dict[str, Any], list[tuple[dict[str, str], Played]]]:
    """Measure a file with a model; returns the summary and what became of each line."""
    from rasa.core.agent import Agent
    from rasa.core.channels.channel import UserMessage

    processor, world = Agent.load(str(model)).processor, a_world()
    done = []
    for row in read(file):
        text = f"／{row['text'][1:]}" if row["text"].startswith("/") else row["text"]
        parse = await processor.parse_message(UserMessage(text))
        names = [item["name"] for item in parse["intent_ranking"] if item["name"] != FALLBACK]
        readings = await readings_of(parse, row["text"], world, row.get("asking") or "grounds")
        done.append((row, Played(row.get("intent"), names[0] if names else FALLBACK, readings)))
    return summary(played for _, played in done), done


def main() -> int:
    """Parse the command line, measure and print."""
    parser = argparse.ArgumentParser(description="Measure how often the guide asks back what a message means.")
    parser.add_argument("file", type=Path)
    parser.add_argument("--json", type=Path, help="also write the result to this file")
    parser.add_argument("--model", type=Path, help="model file; default: the newest")
    parser.add_argument("--show", action="store_true", help="print every message that is asked back")
    arguments = parser.parse_args()
    for name, value in QUIET_ENVIRONMENT.items():
        os.environ.setdefault(name, value)

    from bot import logs

    logs.configure()
    result, rows = asyncio.run(measure(arguments.file, arguments.model or newest_model()))
    if arguments.show:
        for row, played in rows:
            if played.readings:
                right = "" if played.gold in (None, played.guess) else f" (meant: {played.gold})"
                print(f"{row['lang']:12}{row['text'][:60]}  → {', '.join(played.readings)}{right}")
    print(json.dumps(result, ensure_ascii=False, indent=2))
    if arguments.json:
        arguments.json.write_text(json.dumps(result, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
