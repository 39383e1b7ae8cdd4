"""Dates in English and Chinese: exact ones, months, years, seasons, and those told from today.

Readings follow American use: month before day, a month without a year is the latest one that has begun. Years of the
Republic of China count from 1912. Lengths of time ("pending two years", 等了14个月) are no dates.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date
from typing import Any

from bot.nlu.rules.date_readings import (
    AMENDS,
    BIRTH_BEFORE,
    ROC_OFFSET,
    WINDOW,
    WORDS,
    Context,
    Handler,
    Hit,
    Reading,
    either,
)
from bot.nlu.rules.dates_in_chinese import CHINESE_RULES, HAS_CHINESE_DATE
from bot.nlu.rules.dates_in_english import ENGLISH_RULES, HAS_ENGLISH_DATE, YEAR_RULES
from bot.nlu.rules.dates_in_figures import DIGIT_RULES
from bot.nlu.rules.entity import Entity
from bot.nlu.rules.norm import normal
from bot.nlu.rules.numerals import Normalised, normalise
from triage.dates import first_day

_APPROX_BEFORE = re.compile(rf"(?:{either(WORDS['approx_before'])})\s?(?:in|on|是|在)?\s?(?:the\s)?$")
_APPROX_AFTER = re.compile(rf"\s?(?:{either(WORDS['approx_after'])})")
_BIRTH_AFTER = re.compile(rf"[\s,的]{{0,2}}(?:{either(WORDS['birth_after'])})")
_NOT_BIRTH = re.compile(rf"(?:{either(WORDS['not_birth'])})")
_APPOSITION = re.compile(r"[\s,、(/=]{0,2}(?:(?:也?就|即)?是|即|or|i\.e\.|that is|meaning)?[\s,:(]{0,2}(?:公元|西元)?")
# "not in May, in June": the date is told to be wrong.
_DENIED = re.compile(rf"(?:{either(WORDS['denied_before'])})\s?(?:in\s|on\s|the\s|from\s|在)?(?:the\s)?$")
_AMENDED_WITHIN = 24
_LEAD = re.compile(r"(?:on\s)?the\s(?=[0-9]{1,2}(?:st|nd|rd|th)\s)|on\s(?=[a-z])")
_HAS_DIGIT = re.compile(r"[0-9]")
_BETWEEN_HAN = re.compile(r"(?<=[\u3400-\u9fff]) {1,2}(?=[\u3400-\u9fff])")


def extract(text: str, today: date) -> list[Entity]:
    """Find dates.

    Args:
        text: The message as typed.
        today: The day of the message; relative dates count from it.

    Returns:
        Entities ``date`` in order of appearance. ``value`` is ``YYYY-MM-DD``, ``YYYY-MM`` or ``YYYY`` as ``precision``
        (``day``, ``month``, ``year``) says; ``approx`` marks vague ones, ``future`` those that begin after ``today``,
        ``denied`` those that are told to be wrong ("not May, June"); ``either`` has both years where two figures
        before 年 may be of either calendar.
        The role is ``birth`` where the words beside the date say so, else None. A date that is given twice in
        different words ("前年交的，2024年1月31日") gives two entities.
    """
    norm = _without_gaps(normalise(text))
    form = normal(norm.text)
    context = Context(form.text, norm.text, today)
    hits = _apart(_all_hits(context, form.han, form.latin))
    roles = _roles(context, hits)
    readings = [_settled(index, hits, roles[index], today) for index in range(len(hits))]
    readings = [_in_the_month_before(index, hits, readings, context) for index in range(len(hits))]
    return [
        _entity(context, hit, reading, role, norm.span(*_trimmed(context, hit)), norm.original)
        for hit, reading, role in zip(hits, readings, roles, strict=True)
        if reading is not None
    ]


def _without_gaps(norm: Normalised) -> Normalised:
    """Take blanks between Chinese characters away."""
    if " " not in norm.text or norm.text.isascii():
        return norm
    return norm.replaced([(*hit.span(), "") for hit in _BETWEEN_HAN.finditer(norm.text)])


def _all_hits(context: Context, han: bool, latin: bool) -> Iterator[Hit]:
    text = context.text
    rules: list[tuple[re.Pattern[str], Handler]] = []
    if _HAS_DIGIT.search(text):
        rules.extend(DIGIT_RULES)
        rules.extend(YEAR_RULES)
    elif latin and ("nineteen" in text or "twenty" in text or "thousand" in text):
        rules.extend(YEAR_RULES)
    if han and HAS_CHINESE_DATE.search(text):
        rules.extend(CHINESE_RULES)
    if latin and HAS_ENGLISH_DATE.search(text):
        rules.extend(ENGLISH_RULES)
    for pattern, handler in rules:
        for match in pattern.finditer(text):
            hit = handler(match, context)
            if hit is not None:
                yield hit


def _apart(hits: Iterable[Hit]) -> list[Hit]:
    """Keep the leftmost and of those the longest, so that no two overlap."""
    kept: list[Hit] = []
    for hit in sorted(hits, key=lambda hit: (hit.start, -hit.end)):
        if not kept or hit.start >= kept[-1].end:
            kept.append(hit)
    return kept


def _roles(context: Context, hits: list[Hit]) -> list[str | None]:
    roles: list[str | None] = []
    end = 0
    for hit in hits:
        window = context.text[max(end, hit.start - WINDOW) : hit.start]
        cue = BIRTH_BEFORE.search(window)
        birth = bool(cue and not _NOT_BIRTH.search(cue.group()))
        told_after = _BIRTH_AFTER.match(context.text, hit.end)
        birth = birth or told_after is not None
        if roles and roles[-1] == "birth" and _is_same_date(context, hits[len(roles) - 1], hit):
            birth = True
        roles.append("birth" if birth else None)
        end = told_after.end() if told_after else hit.end
    for index in range(len(hits) - 1, 0, -1):
        if roles[index] == "birth" and _is_same_date(context, hits[index - 1], hits[index]):
            roles[index - 1] = "birth"
    return roles


def _is_same_date(context: Context, first: Hit, second: Hit) -> bool:
    """Say whether the second date only says the first one again ("..., that is, ...")."""
    one, other = first.reading, second.reading
    if one is None or other is None or not _APPOSITION.fullmatch(context.text, first.end, second.start):
        return False
    return (
        not {one.year, *one.other_years}.isdisjoint({other.year, *other.other_years})
        and (one.month == other.month or None in (one.month, other.month))
        and (one.day == other.day or None in (one.day, other.day))
    )


def _settled(index: int, hits: list[Hit], role: str | None, today: date) -> Reading | None:
    """Choose among the years that two figures can mean: as told elsewhere in the message, and no birth to come."""
    reading = hits[index].reading
    if reading is None or not reading.other_years:
        return reading
    years = (reading.year, *reading.other_years)
    for other in hits[max(0, index - 2) : index + 3]:
        same = other.reading
        if same and same.two_figures is None and same.year in years and same.month in (reading.month, None):
            return replace(reading, year=same.year, two_figures=None)
    if role == "birth":
        past = [year for year in years if date(year, reading.month or 1, 1) <= today]
        reading = replace(reading, year=past[0] if past else reading.year)
    return reading


def _in_the_month_before(
    index: int, hits: list[Hit], readings: list[Reading | None], context: Context
) -> Reading | None:
    """Give a date the month or year of the one that it corrects ("March 3, no wait, the 5th")."""
    reading, before = readings[index], readings[index - 1] if index else None
    if reading is None or before is None or not before.month:
        return reading
    if not (reading.day_alone and before.day) and not (reading.year_guessed and not before.year_guessed):
        return reading
    between = context.text[hits[index - 1].end : hits[index].start]
    if len(between) > _AMENDED_WITHIN or not AMENDS.search(between):
        return reading
    amended = replace(reading, year=before.year, month=before.month if reading.day_alone else reading.month)
    return amended if amended.exists() else reading


def _trimmed(context: Context, hit: Hit) -> tuple[int, int]:
    """Leave out what leads to a date and what only joins it to the next word."""
    start, end = hit.start, hit.end
    lead = _LEAD.match(context.text, start, end)
    if lead:
        start = lead.end()
    while end > start + 1 and (context.text[end - 1].isspace() or context.text[end - 1] == "的"):
        end -= 1
    return start, end


def _two_calendars(reading: Reading, written: str) -> list[int]:
    """The years that two figures before 年 can mean, in the Western and in the Republic's calendar."""
    if reading.two_figures is None or "年" not in written:
        return []
    return [1900 + reading.two_figures, ROC_OFFSET + reading.two_figures]


def _entity(
    context: Context, hit: Hit, reading: Reading, role: str | None, span: tuple[int, int], original: str
) -> Entity:
    value, precision = f"{reading.year:04d}", "year"
    if reading.month:
        value, precision = f"{value}-{reading.month:02d}", "month"
    if reading.month and reading.day:
        value, precision = f"{value}-{reading.day:02d}", "day"
    approx = reading.approx or bool(
        _APPROX_BEFORE.search(context.before(hit.start)) or _APPROX_AFTER.match(context.text, hit.end)
    )
    denied = _DENIED.search(context.before(hit.start)) is not None
    extras: dict[str, Any] = {
        **({"denied": True} if denied else {}),
        "precision": precision,
        "approx": approx,
        "future": first_day(value) > context.today,
        **({"either": two} if (two := _two_calendars(reading, original[slice(*span)])) else {}),
    }
    return Entity("date", value, *span, original[slice(*span)], role=role, extras=extras)
