"""Arithmetic on dates of which sometimes only the month is known."""

from __future__ import annotations

from datetime import date

import pytest

from triage.dates import add_months, first_day, last_day


@pytest.mark.parametrize(
    ("value", "first", "last"),
    [
        ("2024-02-10", date(2024, 2, 10), date(2024, 2, 10)),
        ("2024-02", date(2024, 2, 1), date(2024, 2, 29)),
        ("2023", date(2023, 1, 1), date(2023, 12, 31)),
    ],
)
def test_partial_dates(value: str, first: date, last: date) -> None:
    assert first_day(value) == first
    assert last_day(value) == last


@pytest.mark.parametrize(
    ("day", "months", "expected"),
    [
        (date(2025, 1, 31), 1, date(2025, 2, 28)),
        (date(2025, 11, 30), 14, date(2027, 1, 30)),
        (date(2025, 1, 1), 7.5, date(2025, 8, 16)),
        (date(2024, 12, 15), 0, date(2024, 12, 15)),
    ],
)
def test_add_months(day: date, months: float, expected: date) -> None:
    assert add_months(day, months) == expected


def test_not_a_date() -> None:
    with pytest.raises(ValueError, match="soon"):
        last_day("soon")
