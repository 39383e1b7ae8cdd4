"""Dates written in figures only: 2023-05-12, 05/12/2023 (American order), 113/05/03, 20230512."""

from __future__ import annotations

import re
from dataclasses import replace

from bot.nlu.rules.date_readings import (
    BIRTH_BEFORE,
    LEAD_MONTH_DAY,
    POINT_AFTER,
    ROC_OFFSET,
    ROC_YEARS,
    WINDOW,
    Y4,
    Context,
    Hit,
    Reading,
    Rules,
    claimed,
    latest,
    two_figure_years,
    year_in_figures,
)

_M = r"(?:1[0-2]|0?[1-9])(?![0-9])"
_D = r"(?:3[01]|[12][0-9]|0?[1-9])(?![0-9])"
_NOT_MORE = r"(?![0-9]|[-/.][0-9])"
_FREE = r"(?<![0-9a-z$#])(?<![0-9a-z][-/.])"
_YEAR_FIRST = re.compile(rf"{_FREE}(?P<y>{Y4})\s?([-/. ])\s?(?P<m>[0-9]{{1,2}})\s?\2\s?(?P<d>[0-9]{{1,2}}){_NOT_MORE}")
_YEAR_MONTH = re.compile(rf"{_FREE}(?P<y>{Y4})[-/.](?P<m>{_M}){_NOT_MORE}")
_YEAR_LAST = re.compile(
    rf"{_FREE}(?P<a>[0-9]{{1,2}})\s?([-/. ])\s?(?P<b>[0-9]{{1,2}})\s?\2\s?(?P<y>{Y4}|'?[0-9]{{2}}){_NOT_MORE}"
)
_MONTH_YEAR = re.compile(rf"{_FREE}(?P<m>{_M})\s?[-/.]\s?(?P<y>{Y4}){_NOT_MORE}")
_ROC_NUMERIC = re.compile(
    rf"{_FREE}(?P<roc>(?:中华)?民国\s?|roc\s?)?(?P<y>[0-9]{{2,3}})\s?([-/.])\s?(?P<m>[0-9]{{1,2}})\s?\3\s?(?P<d>[0-9]{{1,2}}){_NOT_MORE}"
)
_EIGHT_DIGITS = re.compile(
    r"(?<![0-9a-z#.$/-])(?P<y>(?:19|20)[0-9]{2})(?P<m>0[1-9]|1[0-2])(?P<d>[0-2][0-9]|3[01])(?![0-9a-z]|[-/.][0-9])"
)
_MONTH_DAY = re.compile(rf"{_FREE}(?P<m>{_M})/(?P<d>{_D})(?![0-9/%.])")
_CLOSES = re.compile(r"\s?(?:$|[,.;!?)。，;](?![0-9]))")
_FRACTIONS = frozenset({"1/2", "1/3", "2/3", "1/4", "3/4", "1/1"})
_LABEL_BEFORE = re.compile(r"(?:[A-Z]{2,4}[ -]?|[Nn]umber\s?|[Nn]o\.?\s?|号\s?|號\s?|#\s?)$")


def _is_bare(match: re.Match[str], context: Context) -> bool:
    """Say whether only blanks part the figures and nothing says that they are a date."""
    return (
        match.group(2) == " "
        and not context.whole(*match.span())
        and not BIRTH_BEFORE.search(context.before(match.start()))
    )


def _year_first(match: re.Match[str], context: Context) -> Hit | None:
    if _is_bare(match, context):
        return None
    return claimed(match, Reading(int(match["y"]), int(match["m"]), int(match["d"])))


def _year_month(match: re.Match[str], context: Context) -> Hit | None:
    if "." in match.group() and not context.whole(*match.span()) and len(match["m"]) == 2:
        return None
    return claimed(match, Reading(int(match["y"]), int(match["m"])))


def _year_last(match: re.Match[str], context: Context) -> Hit | None:
    if _is_bare(match, context):
        return None
    month, day = int(match["a"]), int(match["b"])
    figures = match["y"].lstrip("'")
    if month > 31 and len(figures) == 2:
        years = two_figure_years(month, context, cohort=False)
        return claimed(match, Reading(years[0], day, int(figures), False, tuple(years[1:]), month))
    if month > 12 >= day:
        month, day = day, month
    if len(figures) == 2 and match.group(2) == "." and not context.whole(*match.span()):
        return None
    return claimed(match, replace(year_in_figures(figures, context), month=month, day=day))


def _month_year(match: re.Match[str], context: Context) -> Hit:
    return claimed(match, Reading(int(match["y"]), int(match["m"])))


def _roc_numeric(match: re.Match[str], context: Context) -> Hit | None:
    year = int(match["y"])
    if year not in ROC_YEARS or not (match["roc"] or year > 99):
        return None
    return claimed(match, Reading(year + ROC_OFFSET, int(match["m"]), int(match["d"])))


def _eight_digits(match: re.Match[str], context: Context) -> Hit | None:
    before = context.cased[max(0, match.start() - WINDOW) : match.start()]
    if _LABEL_BEFORE.search(before) and not BIRTH_BEFORE.search(before.lower()):
        return None
    return claimed(match, Reading(int(match["y"]), int(match["m"]), int(match["d"])))


def _month_day(match: re.Match[str], context: Context) -> Hit | None:
    led = LEAD_MONTH_DAY.search(context.before(match.start())) or POINT_AFTER.match(context.text, match.end())
    closes = _CLOSES.match(context.text, match.end()) and match.group() not in _FRACTIONS
    if not (led or closes or context.whole(*match.span())):
        return None
    return claimed(match, latest(context.today, int(match["m"]), int(match["d"])))


DIGIT_RULES: Rules = (
    (_YEAR_FIRST, _year_first),
    (_YEAR_LAST, _year_last),
    (_ROC_NUMERIC, _roc_numeric),
    (_YEAR_MONTH, _year_month),
    (_MONTH_YEAR, _month_year),
    (_EIGHT_DIGITS, _eight_digits),
    (_MONTH_DAY, _month_day),
)
