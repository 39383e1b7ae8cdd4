"""The evaluation sets: what stands in the files of ``tests/nlu``, and what they are measured with.

Every file is a table of lines separated by tabs, without quoting, with or without a header line; ``\\n`` in a text of
the sets is a new line. ``sets.yml`` beside them holds what is common to all: the day of the messages and the answers
given before a question in context.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import yaml

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "tests" / "nlu"
SETTINGS = "sets.yml"

INTENT_COLUMNS = ("id", "intent", "lang", "style", "text")
VALUE_COLUMNS = ("id", "lang", "style", "text", "value")
CONTEXT_COLUMNS = ("id", "asking", "lang", "style", "text", "slot", "value")
CONTEXT_COLUMNS_WITHOUT_STYLE = ("id", "asking", "lang", "text", "slot", "value")

INTENTS = "intents"
CONTEXTUAL = "contextual"
# Sets whose value is a list of found stretches of text with what they mean, and the entity that finds them.
SPAN_SETS = {"receipts": "receipt_number", "dates": "date", "forms": "form_type"}
CHANNELS = "channels"
PERSONS = "persons"
VALUE_SETS = (*SPAN_SETS, CHANNELS, PERSONS)
ALL_SETS = (INTENTS, *VALUE_SETS, CONTEXTUAL)


class Case(NamedTuple):
    """One message and its intent."""

    id: str
    intent: str
    lang: str
    style: str
    text: str


class ValueCase(NamedTuple):
    """One message and what is to be found in it; the shape of ``value`` depends on the set."""

    id: str
    lang: str
    style: str
    text: str
    value: Any


class ContextCase(NamedTuple):
    """One answer to an open question and what one slot holds afterwards."""

    id: str
    asking: str
    lang: str
    style: str
    text: str
    slot: str
    value: Any


@dataclass(frozen=True)
class Settings:
    """What the sets have in common.

    Attributes:
        as_of: The day on which all messages are written.
        answers: Slot → the answer given when the interview passed it, for getting to a question in context.
        before: Open question → answers that differ from these for the interview to get to it.
        targets: Group → figure to be reached.
    """

    as_of: date
    answers: Mapping[str, Any]
    before: Mapping[str, Mapping[str, Any]]
    targets: Mapping[str, float]


def read_settings(folder: Path = FOLDER) -> Settings:
    """Read ``sets.yml``."""
    content = yaml.safe_load((folder / SETTINGS).read_text(encoding="utf-8"))
    return Settings(content["as_of"], content["answers"], content["before"], content["targets"])


def rows(file: Path, *layouts: Sequence[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """Read a table.

    Args:
        file: Tab-separated lines.
        layouts: Possible columns; the header line decides between them, without one it is the first.

    Yields:
        Line number and the fields by column.

    Raises:
        ValueError: A line does not have the columns.
    """
    columns = layouts[0]
    with file.open(encoding="utf-8-sig", newline="") as lines:
        for number, raw in enumerate(lines, 1):
            line = raw.rstrip("\r\n")
            if not line:
                continue
            if number == 1:
                header = tuple(field.strip().lower() for field in line.split("\t"))
                known = next((layout for layout in layouts if header == tuple(layout)), None)
                if known is not None:
                    columns = known
                    continue
            fields = line.split("\t", len(columns) - 1)
            if len(fields) != len(columns):
                raise ValueError(f"{file}:{number}: {len(fields)} columns instead of {len(columns)}")
            yield number, dict(zip(columns, fields, strict=True))


def read_intents(file: Path) -> list[Case]:
    """Read a file of messages with their intents.

    Raises:
        ValueError: A line does not have five columns.
    """
    return [Case(**fields) for _, fields in rows(file, INTENT_COLUMNS)]


def read_values(file: Path) -> list[ValueCase]:
    """Read a file of messages with what is to be found in them.

    Raises:
        ValueError: A line does not have five columns, or its value is not JSON.
    """
    return [
        ValueCase(**{**fields, "value": _json(file, number, fields["value"])})
        for number, fields in rows(file, VALUE_COLUMNS)
    ]


def read_context(file: Path) -> list[ContextCase]:
    """Read a file of answers to open questions.

    Raises:
        ValueError: A line does not have the columns, or its value is not JSON.
    """
    return [
        ContextCase(**{"style": "", **fields, "value": _json(file, number, fields["value"])})
        for number, fields in rows(file, CONTEXT_COLUMNS, CONTEXT_COLUMNS_WITHOUT_STYLE)
    ]


def read_set(name: str, folder: Path = FOLDER) -> list[Any]:
    """Read one set by its name.

    Raises:
        FileNotFoundError: There is no such set.
        ValueError: A line is not as it should be.
    """
    readers: dict[str, Callable[[Path], list[Any]]] = {INTENTS: read_intents, CONTEXTUAL: read_context}
    read: Callable[[Path], list[Any]] = readers.get(name, read_values)
    return [case._replace(text=case.text.replace("\\n", "\n")) for case in read(folder / f"{name}.tsv")]


def _json(file: Path, number: int, text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        raise ValueError(f"{file}:{number}: the value is not JSON") from None
