"""How calls end: `content/dispositions.yml`, what is proposed, and whether a choice is complete."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml

OTHER_REASON = "other"
# Why a call ends by itself as another one than was proposed.
DROPPED_REASON = "line_dropped"


@dataclass(frozen=True)
class Disposition:
    """One way for a call to end.

    Attributes:
        code: Such as `H1`.
        name: Short, for the list.
        meaning: When it is the right one.
        within: Within what time somebody helps; `{…}` stands for a date.
        within_no_date: The same while the date is not known.
        date: Which date that is.
        needs: What must have been done before.
    """

    code: str
    name: str
    meaning: str
    within: str
    within_no_date: str
    date: str | None
    needs: tuple[str, ...]

    def time_frame(self, dates: Mapping[str, str | None]) -> str:
        """Within what time, with the date if it is known."""
        if self.date is None:
            return self.within
        found = dates.get(self.date)
        return self.within.replace(f"{{{self.date}}}", found) if found else self.within_no_date


class Dispositions:
    """The list.

    Args:
        path: `content/dispositions.yml`.

    Raises:
        KeyError: Something is missing in it.
    """

    def __init__(self, path: Path) -> None:
        table: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
        self.all = {
            code: Disposition(
                code,
                entry["name"],
                entry["meaning"],
                entry["within"],
                entry.get("within_no_date", entry["within"]),
                entry.get("date"),
                tuple(entry["needs"]),
            )
            for code, entry in table["dispositions"].items()
        }
        self._by_outcome: dict[str, str] = {
            outcome: code for code, entry in table["dispositions"].items() for outcome in entry["outcomes"]
        }
        self.unfinished = str(table["unfinished"])
        self.empty = str(table["empty"])
        self.danger = str(table["danger"])
        self.dropped = str(table["dropped"])
        self.danger_keys = frozenset(table["danger_keys"])
        self.reasons: dict[str, str] = dict(table["reasons"])
        self.zones: dict[str, str] = dict(table["zones"])
        self.office_zone = ZoneInfo(table["office_zone"])
        self.interpreters: dict[str, str] = dict(table["interpreters"])

    def propose(self, outcome: str | None, answered: bool, danger: bool) -> str:
        """The code that follows from where the call stands.

        Args:
            outcome: Of the guide.
            answered: Whether anything was answered.
            danger: Whether words were said that name a danger; they count for more than any outcome.
        """
        if danger:
            return self.danger
        if outcome is not None and outcome in self._by_outcome:
            return self._by_outcome[outcome]
        return self.unfinished if answered else self.empty

    def moment(self, text: str, zone: str) -> datetime.datetime | None:
        """A date and time as a form gives it, in one of the zones; None when there is no such moment."""
        if zone not in self.zones:
            return None
        try:
            given = datetime.datetime.fromisoformat(text)
        except ValueError:
            return None
        if given.tzinfo is not None:
            return None
        moment = given.replace(tzinfo=ZoneInfo(zone))
        # Clocks that are put forward leave an hour out.
        back = moment.astimezone(datetime.UTC).astimezone(ZoneInfo(zone))
        return moment if back.replace(tzinfo=None) == given else None
