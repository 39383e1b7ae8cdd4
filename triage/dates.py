"""Calendar arithmetic for dates of which sometimes only the month is known."""
from __future__ import annotations

import calendar
import math
from datetime import date, timedelta


def last_day(value: str) -> date:
    """The latest day a partial date can mean.

    Args:
        value: ``YYYY-MM-DD``, ``YYYY-MM`` or ``YYYY``.

    Raises:
        ValueError: Not a date of one of these forms.
    """
    parts = [int(part) for part in value.split("-")]
    if len(parts) == 1:
        return date(parts[0], 12, 31)
    if len(parts) == 2:
        return date(parts[0], parts[1], calendar.monthrange(parts[0], parts[1])[1])
    return date(parts[0], parts[1], parts[2])


def first_day(value: str) -> date:
    """The earliest day a partial date can mean (same forms and errors as ``last_day``)."""
    parts = [int(part) for part in value.split("-")]
    return date(*[*parts, 1, 1][:3])


def add_months(day: date, months: float) -> date:
    """``day`` plus a number of months; a fraction counts as that part of 30 days, rounded up."""
    whole = math.floor(months)
    index = day.year * 12 + day.month - 1 + whole
    year, month = divmod(index, 12)
    moved = date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))
    return moved + timedelta(days=math.ceil((months - whole) * 30))
