"""Go through the messages that were not understood: ``python -m tools.review`` (bot environment, ``make review``).

Shows the review queue grouped by similarity. A person labels, rewrites or discards; what is labelled is added to
``data/nlu`` as text that ``git diff`` shows, and leaves the queue. Nothing is learned by itself. For reviewers without
this terminal: ``--export FILE.tsv``, fill in the column ``label`` (an intent, or ``discard``; empty: later) and, if the
text has to change, ``new_text``; then ``--import FILE.tsv``.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import date
from pathlib import Path

from actions.review_queue import Entry, ReviewQueue
from bot.server import QUIET_ENVIRONMENT, newest_model
from tools.launcher import settings
from tools.reviewing.grouping import LIKENESS, grouped
from tools.reviewing.session import Session
from tools.reviewing.training_files import TrainingFiles
from triage.content import Content

COLUMNS = ("id", "group", "language", "asking", "reason", "chosen", "guesses", "text", "label", "new_text")
DISCARD = "discard"
GUESSES = 3


def open_queue() -> ReviewQueue:
    """The queue of this installation, by the environment and ``.env``. Reading and removing need no key."""
    found = settings.load()
    url = found.environment.get("GUIDE_REVIEW_DATABASE_URL") or f"sqlite:///{found.data / 'review.db'}"
    numbers = Content.load(settings.ROOT / "content").settings
    return ReviewQueue(url, "", numbers.review_queue_days, numbers.review_queue_per_conversation)


async def guess_again(entries: Sequence[Entry], model: Path) -> list[Entry]:
    """The entries with the guesses of a model instead of those of the day."""
    from rasa.core.agent import Agent
    from rasa.core.channels.channel import UserMessage

    processor = Agent.load(str(model)).processor
    found = []
    for entry in entries:
        ranking = (await processor.parse_message(UserMessage(entry.text)))["intent_ranking"]
        guesses = [(item["name"], item["confidence"]) for item in ranking if item["name"] != "nlu_fallback"]
        found.append(replace(entry, guesses=tuple(guesses[:GUESSES])))
    return found


def export(groups: Sequence[Sequence[Entry]], file: Path) -> None:
    """Write the queue as a table: columns ``COLUMNS``, separated by tabs, one message a line."""
    lines = ["\t".join(COLUMNS)]
    for number, group in enumerate(groups, 1):
        for entry in group:
            guesses = " ".join(f"{name}:{confidence:.2f}" for name, confidence in entry.guesses)
            values = (
                entry.id,
                str(number),
                entry.language,
                entry.asking or "",
                entry.reason,
                entry.chosen or "",
                guesses,
                entry.text,
                "",
                "",
            )
            lines.append("\t".join(_as_cell(value) for value in values))
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _as_cell(value: str) -> str:
    """A value that a spreadsheet takes for text: what a stranger wrote must not be run as a formula."""
    value = value.replace("\t", " ")
    return f"'{value}" if value.startswith(("=", "+", "-", "@")) else value


def bring_in(file: Path, queue: ReviewQueue, files: TrainingFiles, today: date) -> int:
    """Take a table that a reviewer has filled in; the same checks as in the terminal.

    Returns:
        How many lines were not taken; each is told with its reason.
    """
    there = {entry.id: entry for entry in queue.entries(today)}
    lines = file.read_text(encoding="utf-8-sig").splitlines()
    names = lines[0].split("\t") if lines else []
    if not {"id", "label", "text"} <= set(names):
        print(f"{file}: the first line must name the columns {', '.join(COLUMNS)}")
        return 1
    added, discarded, refused = 0, 0, 0
    for number, line in enumerate(lines[1:], 2):
        row = dict(zip(names, line.split("\t"), strict=False))
        label, entry = row.get("label", "").strip(), there.get(row.get("id", ""))
        if not label:
            continue
        if entry is None:
            print(f"line {number}: no longer in the queue")
            refused += 1
        elif label == DISCARD:
            queue.remove([entry.id])
            discarded += 1
        elif label not in files.intents:
            print(f"line {number}: {label} is no intent")
            refused += 1
        else:
            text = row.get("new_text", "").strip() or entry.text
            problems = files.problems(text)
            if problems and files.known_as(text) != label:
                print(f"line {number}: {'; '.join(problems)}")
                refused += 1
                continue
            if not problems:
                files.add(text, label, entry.language)
                added += 1
            queue.remove([entry.id])
    print(f"{added} examples added, {discarded} messages discarded, {refused} lines not taken.")
    return refused


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the command line and review."""
    parser = argparse.ArgumentParser(description="Review the messages that were not understood.")
    parser.add_argument("--export", type=Path, metavar="FILE", help="write the queue to a table and stop")
    parser.add_argument("--import", type=Path, metavar="FILE", dest="bring_in", help="take a table that was filled in")
    parser.add_argument("--again", action="store_true", help="show the guesses of the newest model, not of the day")
    parser.add_argument(
        "--likeness", type=float, default=LIKENESS, help=f"0 to 1, default {LIKENESS}: less, fewer groups"
    )
    given = parser.parse_args(arguments)
    for name, value in QUIET_ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    queue, files, today = open_queue(), TrainingFiles(), date.today()
    queue.expire(today)
    if given.bring_in:
        return 1 if bring_in(given.bring_in, queue, files, today) else 0
    entries = queue.entries(today)
    if not entries:
        print("The queue is empty.")
        return 0
    if given.again:
        entries = asyncio.run(guess_again(entries, newest_model()))
    groups = grouped(entries, given.likeness)
    if given.export:
        export(groups, given.export)
        print(f"{len(entries)} messages in {len(groups)} groups written to {given.export}")
        return 0
    session = Session(queue, files, groups)
    with suppress(ImportError):
        import readline

        readline.set_completer(session.complete)
        readline.set_completer_delims(" ")
        readline.parse_and_bind("tab: complete")
    session.run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
