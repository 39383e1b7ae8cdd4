"""Bring posted processing times into ``content/processing_times.yml``.

    make import-times FILE=export.csv

CSV needs a heading line with the columns form, months, as_of and source; JSON is a list of objects with those
names. Rows for forms already in the table replace them, the others are added; ``--replace`` also drops the forms
the file does not name. Every row is checked first: one bad row and nothing is written.
"""
from __future__ import annotations

import argparse
import csv
import json
import os
import re
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from triage.content import Content, ContentError, PostedTime, parse_day, parse_months

COLUMNS = ("form", "months", "as_of", "source")
CONTENT = Path(__file__).resolve().parent.parent / "content"
TABLE = "processing_times.yml"


@dataclass(frozen=True)
class BadRow:
    """A row that cannot be taken over, and where it stands."""

    place: str
    problem: str


class ImportRefused(ValueError):
    """The file cannot be imported; nothing was written."""

    def __init__(self, bad_rows: list[BadRow]) -> None:
        super().__init__("; ".join(f"{bad.place}: {bad.problem}" for bad in bad_rows))
        self.bad_rows = bad_rows


def read_rows(path: Path) -> Iterator[tuple[str, Mapping[str, object]]]:
    """The raw rows of a CSV or JSON file, each with its place for messages ("line 3").

    Raises:
        ImportRefused: The file as a whole cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ImportRefused([BadRow(path.name, f"cannot be read: {error}")]) from error
    if path.suffix.lower() == ".json":
        try:
            rows = json.loads(text)
        except json.JSONDecodeError as error:
            raise ImportRefused([BadRow(f"line {error.lineno}", f"is not JSON: {error.msg}")]) from error
        if not isinstance(rows, list):
            raise ImportRefused([BadRow(path.name, "must be a list of rows")])
        for number, row in enumerate(rows, 1):
            if not isinstance(row, dict):
                raise ImportRefused([BadRow(f"row {number}", "must be an object")])
            yield f"row {number}", row
        return
    reader = csv.DictReader(text.splitlines())
    missing = [column for column in COLUMNS if column not in (reader.fieldnames or ())]
    if missing:
        raise ImportRefused([BadRow("line 1", f"columns missing: {', '.join(missing)}")])
    for row in reader:
        yield f"line {reader.line_num}", row


def check_row(row: Mapping[str, object], content: Content, today: date) -> PostedTime:
    """Turn a raw row into a posted time.

    Raises:
        ValueError: With what is wrong.
    """
    form = str(row.get("form") or "").strip().upper()
    if form not in content.forms:
        raise ValueError(f"unknown form {form!r}" if form else "form is missing")
    if form in content.not_posted:
        raise ValueError(f"{form} stands under not_posted in {TABLE}; take it out there first")
    months = parse_months(row.get("months"))
    as_of = parse_day(row.get("as_of"))
    if as_of > today:
        raise ValueError(f"as_of {as_of} lies in the future")
    source = str(row.get("source") or "").strip()
    if not re.fullmatch(r"https?://\S+", source):
        raise ValueError(f"source must be a web address, not {source!r}")
    return PostedTime(form=form, months=months, as_of=as_of, source=source, example=False)


def check_rows(path: Path, content: Content, today: date) -> dict[str, PostedTime]:
    """All rows of a file, checked.

    Raises:
        ImportRefused: With every bad row.
    """
    times: dict[str, PostedTime] = {}
    bad_rows = []
    for place, row in read_rows(path):
        try:
            time = check_row(row, content, today)
            if time.form in times:
                raise ValueError(f"{time.form} is given twice")
        except ValueError as error:
            bad_rows.append(BadRow(place, str(error)))
        else:
            times[time.form] = time
    if not times and not bad_rows:
        bad_rows.append(BadRow(path.name, "has no rows"))
    if bad_rows:
        raise ImportRefused(bad_rows)
    return times


def differences(old: Mapping[str, PostedTime], new: Mapping[str, PostedTime]) -> list[str]:
    """What changes, one line a form: ``-`` dropped, ``+`` added, ``~`` changed."""
    lines = []
    for form in sorted(old.keys() | new.keys()):
        before, after = old.get(form), new.get(form)
        if before == after:
            continue
        if before is None and after is not None:
            lines.append(f"+ {form}: {_shown(after)}")
        elif after is None and before is not None:
            lines.append(f"- {form}: {_shown(before)}")
        elif before is not None and after is not None:
            lines.append(f"~ {form}: {_shown(before)} -> {_shown(after)}")
    return lines


def _shown(time: PostedTime) -> str:
    return f"{time.months} months ({'example' if time.example else time.as_of})"


def write_table(folder: Path, times: Mapping[str, PostedTime]) -> None:
    """Write the rows below ``times:``; the head of the file, comments included, stays as it is."""
    table = folder / TABLE
    head, _, _ = table.read_text(encoding="utf-8").partition("\ntimes:\n")
    lines = [
        f"  - {{form: {row.form}, months: {row.months}, as_of: {row.as_of}, source: {json.dumps(row.source)}"
        f"{', example: true' if row.example else ''}}}"
        for row in sorted(times.values(), key=lambda row: _order(row.form))
    ]
    handle, name = tempfile.mkstemp(dir=folder, suffix=".tmp")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(f"{head}\ntimes:\n" + "\n".join(lines) + "\n")
        os.chmod(name, table.stat().st_mode & 0o777)
        Path(name).replace(table)
    finally:
        Path(name).unlink(missing_ok=True)


def _order(form: str) -> tuple[str, int, str]:
    letters, _, rest = form.partition("-")
    number = re.match(r"\d*", rest)
    return letters, int(number.group() or 0) if number else 0, rest


def run(path: Path, folder: Path, today: date, replace: bool = False) -> list[str]:
    """Import a file.

    Args:
        path: The CSV or JSON file.
        folder: The ``content`` folder.
        today: Rows dated later are refused.
        replace: Drop the forms the file does not name.

    Returns:
        What changed, for the terminal.

    Raises:
        ImportRefused: Something is wrong with the file; nothing was written.
        ContentError: The present content files are broken.
    """
    content = Content.load(folder)
    rows = check_rows(path, content, today)
    times = rows if replace else {**content.posted_times, **rows}
    changes = differences(content.posted_times, times)
    if changes:
        write_table(folder, times)
    return changes


def main(arguments: list[str] | None = None) -> int:
    """Command line; the exit status is 1 when the import was refused."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("file", type=Path, help="CSV or JSON export")
    parser.add_argument("--content", type=Path, default=CONTENT, help="content folder")
    parser.add_argument("--replace", action="store_true", help="drop the forms the file does not name")
    options = parser.parse_args(arguments)
    try:
        changes = run(options.file, options.content, date.today(), options.replace)
    except ImportRefused as refused:
        print(f"Nothing was changed. {options.file}:", file=sys.stderr)
        for bad in refused.bad_rows:
            print(f"  {bad.place}: {bad.problem}", file=sys.stderr)
        return 1
    except ContentError as error:
        print(f"Nothing was changed. {error}", file=sys.stderr)
        return 1
    print("\n".join(changes) if changes else "No change.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
