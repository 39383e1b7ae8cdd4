"""What a stretch of text can mean as a date, and the calendar arithmetic that all date rules share."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cached_property

from dateutil.relativedelta import relativedelta

from bot.nlu.rules.lexicon import lexicon

WORDS = lexicon("dates").tree
ROC_OFFSET = 1911
ROC_YEARS = range(1, 151)
YEARS = range(1900, 2101)
FUTURE_REACH = 5


def by_word(table: dict[int, list[str]]) -> dict[str, int]:
    """Turn {number: words} into {word: number}."""
    return {word: int(key) for key, words in table.items() for word in words}


def either(words: Iterable[str]) -> str:
    """Alternatives, longest first."""
    return "|".join(sorted(words, key=len, reverse=True))


_SEASONS: dict[str, int] = WORDS["seasons"]
UNITS = {word: unit for unit, words in WORDS["units"].items() for word in words}
HOLIDAYS: dict[str, list[int]] = WORDS["holidays"]
HAN_FROM = "\u3400"
BIRTH_BEFORE = re.compile(rf"(?:{either(WORDS['birth_before'])})[^。;.!?\n]{{0,24}}$")
POINT_AFTER = re.compile(rf"\s?(?:{either(WORDS['point_after'])})")
# In front of a date that corrects the one before it.
AMENDS = re.compile(rf"(?<![a-z])(?:{either(WORDS['amends'])})[\s,，:：]{{0,2}}(?:it\s(?:is|was)|on|the|是|系)?\s?$")
_WORDS_ONLY = re.compile(r"[^\s.,!?。、()](?:.*[^\s.,!?。、()])?", re.DOTALL)
WINDOW = 32


@dataclass(frozen=True)
class Reading:
    """What a stretch of text means as a date.

    Attributes:
        year: Gregorian year.
        month: 1-12, or None where only the year is known.
        day: 1-31, or None where only the month is known.
        approx: Whether the text itself is vague.
        other_years: Further years that the same two figures can mean.
        two_figures: The year as written in two figures, where it was.
        year_guessed: Whether no year was said.
        day_alone: Whether only the day was said ("the 3rd"); month and year are guessed.
    """

    year: int
    month: int | None = None
    day: int | None = None
    approx: bool = False
    other_years: tuple[int, ...] = ()
    two_figures: int | None = None
    year_guessed: bool = False
    day_alone: bool = False

    def exists(self) -> bool:
        """Say whether the calendar has this date."""
        if self.year not in YEARS:
            return False
        try:
            date(self.year, self.month or 1, self.day or 1)
        except ValueError:
            return False
        return True


@dataclass(frozen=True)
class Hit:
    """A span of the copy that speaks of a date; without a reading where the calendar has no such date."""

    start: int
    end: int
    reading: Reading | None


@dataclass(frozen=True)
class Context:
    """The message while it is read: ``text`` is lower case and simplified, ``cased`` has the same length."""

    text: str
    cased: str
    today: date

    @cached_property
    def _bounds(self) -> tuple[int, int]:
        words = _WORDS_ONLY.search(self.text)
        return words.span() if words else (0, 0)

    def whole(self, start: int, end: int) -> bool:
        """Say whether nothing but blanks and marks stands around the span."""
        first, last = self._bounds
        return start <= first and end >= last

    def before(self, start: int) -> str:
        """Return the text just before a span."""
        return self.text[max(0, start - WINDOW) : start]

    @cached_property
    def is_traditional(self) -> bool:
        """Whether a character of the message is written in its traditional form."""
        return any(typed != read and typed > HAN_FROM for typed, read in zip(self.cased, self.text, strict=True))


Handler = Callable[["re.Match[str]", Context], "Hit | None"]
Rules = tuple[tuple["re.Pattern[str]", Handler], ...]


def claimed(match: re.Match[str], reading: Reading | None, start: int | None = None, end: int | None = None) -> Hit:
    """Return a hit of the match; a reading the calendar does not know keeps its place but gives no date."""
    first = match.start() if start is None else start
    last = match.end() if end is None else end
    return Hit(first, last, reading if reading and reading.exists() else None)


def day_alone(match: re.Match[str], reading: Reading | None) -> Hit:
    """Return a hit of a match that names no month."""
    return claimed(match, replace(reading, day_alone=True) if reading else None)


def latest(today: date, month: int, day: int | None = None) -> Reading | None:
    """Return the latest such month or day that has begun, today included."""
    for year in range(today.year, today.year - 9, -1):
        reading = Reading(year, month, day, year_guessed=True)
        if reading.exists() and date(year, month, day or 1) <= today:
            return reading
    return None


def month_away(today: date, months: int) -> Reading:
    """Return the month so many months from now."""
    there = today + relativedelta(months=months)
    return Reading(there.year, there.month)


def day_away(today: date, days: float, approx: bool = False) -> Reading:
    """Return the day so many days from now."""
    there = today + timedelta(days=round(days))
    return Reading(there.year, there.month, there.day, approx)


def time_ago(today: date, amount: float, unit: str) -> Reading | None:
    """Return the reading of "``amount`` ``unit`` ago": days and weeks give a day, all else a month; always vague."""
    if unit in ("day", "week"):
        days = amount * (7 if unit == "week" else 1)
        return day_away(today, -days, approx=True) if days <= 1500 else None
    months = amount * (12 if unit == "year" else 1)
    if months < 1:
        return day_away(today, -30 * months, approx=True)
    if months > 1200:
        return None
    there = today - relativedelta(months=int(months)) - timedelta(days=round(30 * (months % 1)))
    return Reading(there.year, there.month, approx=True)


def season_of(year: int, season: str) -> Reading:
    """Return the middle of a season that belongs to a named year; its winter is the one at its end."""
    month = _SEASONS[season]
    return Reading(year, 12 if month == 1 else month, approx=True)


def latest_season(today: date, season: str, rel: str = "") -> Reading:
    """Return the middle of a season: the last one that is over, ``this``, the ``next``, or the latest begun ("")."""
    month = _SEASONS[season]
    if rel == "this":
        return Reading(today.year, month, approx=True)
    if rel == "next":
        year = today.year if month > today.month else today.year + 1
        return Reading(year, month, approx=True)
    last_month = month + 1 if rel in ("last", "past") else month
    year = today.year if last_month < today.month else today.year - 1
    return Reading(year, month, approx=True)


def weekday_before(today: date, weekday: int) -> Reading:
    """Return the latest such weekday (Monday is 0) before today."""
    return day_away(today, -((today.weekday() - weekday - 1) % 7 + 1))


def weekday_in_week(today: date, weeks: int, weekday: int) -> Reading:
    """Return that weekday of the week so many weeks from now; weeks begin on Monday."""
    return day_away(today, weeks * 7 - today.weekday() + weekday)


Y4 = r"(?:19|20)[0-9]{2}"
LEAD_MONTH_DAY = re.compile(
    r"(?<![a-z])(?:on|since|from|by|dated|filed|sent|mailed|submitted|until|after|before)\s$|[在于从自]\s?$"
)


def year_in_figures(figures: str, context: Context) -> Reading:
    """Read a year in four or two figures; two are this century as long as that is not far ahead."""
    year = int(figures)
    if len(figures) == 4:
        return Reading(year)
    if 2000 + year > context.today.year + FUTURE_REACH:
        return Reading(1900 + year, two_figures=year)
    return Reading(2000 + year, other_years=(1900 + year,), two_figures=year)


def two_figure_years(year: int, context: Context, cohort: bool) -> list[int]:
    """Return what two figures before 年 can mean, likeliest first.

    In traditional script years of the Republic of China are usual (always with 年次); else the latest year of this
    or the last century that is not ahead.
    """
    roc, this_century, last_century = year + ROC_OFFSET, 2000 + year, 1900 + year
    if cohort:
        return [roc]
    if this_century <= context.today.year:
        return [this_century, last_century, roc]
    if context.is_traditional:
        return [roc, last_century]
    return [last_century, roc]


def latest_day(today: date, day: int) -> Reading | None:
    """Return the latest such day of a month, today included."""
    for months in range(0, -4, -1):
        reading = replace(month_away(today, months), day=day)
        if day and reading.exists() and date(reading.year, reading.month or 1, day) <= today:
            return reading
    return None
