"""What a turn needs besides the message: content, policy, labels, the intake backend and the day."""
from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from babel.dates import format_date, format_skeleton

from actions.intake_client import IntakeClient
from actions.labels import Labels
from triage import Policy
from triage.content import Content
from triage.dates import first_day

_LOCALES = {"en": "en_US", "zh-Hans": "zh_Hans", "zh-Hant": "zh_Hant"}


@dataclass(frozen=True)
class World:
    """Shared by all turns; nothing in it belongs to a person.

    Attributes:
        today: The day of the turn, in the zone of the machine.
    """

    content: Content
    policy: Policy
    labels: Labels
    intake: IntakeClient
    today: date

    def day(self, value: str | date, language: str) -> str:
        """A date in words of a language; ISO texts may be a month or a year only."""
        locale = _LOCALES[language]
        if isinstance(value, date):
            return str(format_date(value, "long", locale=locale))
        parts = value.count("-")
        if parts == 2:
            return str(format_date(first_day(value), "long", locale=locale))
        return str(format_skeleton("yMMMM" if parts == 1 else "y", first_day(value), locale=locale))
