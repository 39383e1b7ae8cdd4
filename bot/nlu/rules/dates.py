"""Dates in English and Chinese: exact ones, months, years, seasons, and those told from today.

Readings follow American use: month before day, a month without a year is the latest one that has begun. Years of the
Republic of China count from 1912. Lengths of time ("pending two years", 等了14个月) are no dates.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cached_property
from typing import Any

from dateutil.relativedelta import relativedelta

from bot.nlu.rules.entity import Entity
from bot.nlu.rules.lexicon import lexicon
from bot.nlu.rules.norm import normal
from bot.nlu.rules.numerals import (
    CHINESE_DIGIT_CLASS,
    CHINESE_NUMBER_CLASS,
    ENGLISH_NUMBER,
    ENGLISH_ORDINAL,
    ENGLISH_YEAR,
    chinese_int,
    english_int,
    english_year,
    normalise,
)
from triage.dates import first_day

_WORDS = lexicon("dates").tree
_ROC_OFFSET = 1911
_ROC_YEARS = range(1, 151)
_YEARS = range(1900, 2101)
_FUTURE_REACH = 5


def _flat(table: dict[int, list[str]]) -> dict[str, int]:
    return {word: int(key) for key, words in table.items() for word in words}


def _either(words: Iterable[str]) -> str:
    """Alternatives, longest first."""
    return "|".join(sorted(words, key=len, reverse=True))


_MONTHS = _flat(_WORDS["months"])
_WEEKDAYS = _flat(_WORDS["weekdays"])
_SEASONS: dict[str, int] = _WORDS["seasons"]
_DAYS_EN = _flat(_WORDS["days_en"])
_DAYS_ZH = _flat(_WORDS["days_zh"])
_YEARS_EN: dict[str, int] = _WORDS["years_en"]
_YEARS_ZH: dict[str, int] = _WORDS["years_zh"]
_MONTHS_ZH: dict[str, int] = _WORDS["months_zh"]
_WEEKS_ZH: dict[str, int] = _WORDS["weeks_zh"]
_UNITS = {word: unit for unit, words in _WORDS["units"].items() for word in words}
_VAGUE_EN: dict[str, float] = _WORDS["vague_en"]
_VAGUE_ZH: dict[str, float] = _WORDS["vague_zh"]
_PARTS_EN: dict[str, int] = _WORDS["year_parts_en"]
_PARTS_ZH: dict[str, int] = _WORDS["year_parts_zh"]
_HOLIDAYS: dict[str, list[int]] = _WORDS["holidays"]
_CHINESE_WEEKDAYS = {str(key): value for key, value in _WORDS["chinese_weekdays"].items()}
_IN_DOUBT = frozenset(_WORDS["months_in_doubt"])
_SHORT_WEEKDAYS = frozenset(_WORDS["weekdays_short"])

_STREET_AFTER = re.compile(rf"\s(?:[a-z]{{2,20}}\s)?(?:{_either(_WORDS['streets'])})(?![a-z])")
_MEASURE_AFTER = re.compile(rf"\s?(?:{_either(_WORDS['measures'])}|%)(?![a-z])")
_BEFORE_MONTH = re.compile(rf"(?<![a-z])(?:{_either(_WORDS['before_month'])})[\s-](?:the\s)?$")
_HEDGE_AFTER = re.compile(rf"\s?,?\s?(?:{_either(_WORDS['hedges_after'])})(?![a-z])")
_HAN_FROM = "\u3400"
_BEFORE_YEAR = re.compile(rf"(?<![a-z])(?:{_either(_WORDS['before_year'])})[\s-](?:the\syear\s)?$")
_APPROX_BEFORE = re.compile(rf"(?:{_either(_WORDS['approx_before'])})\s?(?:in|on|是|在)?\s?(?:the\s)?$")
_APPROX_AFTER = re.compile(rf"\s?(?:{_either(_WORDS['approx_after'])})")
_BIRTH_BEFORE = re.compile(rf"(?:{_either(_WORDS['birth_before'])})[^。;.!?\n]{{0,24}}$")
_BIRTH_AFTER = re.compile(rf"[\s,的]{{0,2}}(?:{_either(_WORDS['birth_after'])})")
_NOT_BIRTH = re.compile(rf"(?:{_either(_WORDS['not_birth'])})")
_APPOSITION = re.compile(r"[\s,、(/=]{0,2}(?:(?:也?就|即)?是|即|or|i\.e\.|that is|meaning)?[\s,:(]{0,2}(?:公元|西元)?")
_DURATION_BEFORE = re.compile(rf"(?:{_either(_WORDS['duration_before'])})\s?$")
_POINT_AFTER = re.compile(rf"\s?(?:{_either(_WORDS['point_after'])})")
_DURATION_AFTER = re.compile(rf"\s?(?:{_either(_WORDS['duration_after'])})")
_WORDS_ONLY = re.compile(r"[^\s.,!?。、()](?:.*[^\s.,!?。、()])?", re.DOTALL)
_WINDOW = 32


@dataclass(frozen=True)
class _Reading:
    """What a stretch of text means as a date.

    Attributes:
        year: Gregorian year.
        month: 1-12, or None where only the year is known.
        day: 1-31, or None where only the month is known.
        approx: Whether the text itself is vague.
        other_years: Further years that the same two figures can mean.
        two_figures: The year as written in two figures, where it was.
    """

    year: int
    month: int | None = None
    day: int | None = None
    approx: bool = False
    other_years: tuple[int, ...] = ()
    two_figures: int | None = None

    def exists(self) -> bool:
        """Say whether the calendar has this date."""
        if self.year not in _YEARS:
            return False
        try:
            date(self.year, self.month or 1, self.day or 1)
        except ValueError:
            return False
        return True


@dataclass(frozen=True)
class _Hit:
    start: int
    end: int
    reading: _Reading | None


@dataclass(frozen=True)
class _Context:
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
        return self.text[max(0, start - _WINDOW) : start]

    @cached_property
    def is_traditional(self) -> bool:
        """Whether a character of the message is written in its traditional form."""
        return any(typed != read and typed > "\u3400" for typed, read in zip(self.cased, self.text))


_Handler = Callable[["re.Match[str]", _Context], "_Hit | None"]


def _claimed(match: re.Match[str], reading: _Reading | None, start: int | None = None, end: int | None = None) -> _Hit:
    """Return a hit of the match; a reading the calendar does not know keeps its place but gives no date."""
    first = match.start() if start is None else start
    last = match.end() if end is None else end
    return _Hit(first, last, reading if reading and reading.exists() else None)


def _latest(today: date, month: int, day: int | None = None) -> _Reading | None:
    """Return the latest such month or day that has begun, today included."""
    for year in range(today.year, today.year - 9, -1):
        reading = _Reading(year, month, day)
        if reading.exists() and date(year, month, day or 1) <= today:
            return reading
    return None


def _month_away(today: date, months: int) -> _Reading:
    there = today + relativedelta(months=months)
    return _Reading(there.year, there.month)


def _day_away(today: date, days: float, approx: bool = False) -> _Reading:
    there = today + timedelta(days=round(days))
    return _Reading(there.year, there.month, there.day, approx)


def _ago(today: date, amount: float, unit: str) -> _Reading | None:
    """Return the reading of "``amount`` ``unit`` ago": days and weeks give a day, longer times a month, always vague."""
    if unit in ("day", "week"):
        days = amount * (7 if unit == "week" else 1)
        return _day_away(today, -days, approx=True) if days <= 1500 else None
    months = amount * (12 if unit == "year" else 1)
    if months < 1:
        return _day_away(today, -30 * months, approx=True)
    if months > 1200:
        return None
    there = today - relativedelta(months=int(months)) - timedelta(days=round(30 * (months % 1)))
    return _Reading(there.year, there.month, approx=True)


def _season(year: int, season: str) -> _Reading:
    """Return the middle of a season that belongs to a named year; its winter is the one at its end."""
    month = _SEASONS[season]
    return _Reading(year, 12 if month == 1 else month, approx=True)


def _latest_season(today: date, season: str, rel: str = "last") -> _Reading:
    month = _SEASONS[season]
    if rel == "this":
        return _Reading(today.year, month, approx=True)
    if rel == "next":
        year = today.year if month > today.month else today.year + 1
        return _Reading(year, month, approx=True)
    year = today.year if month < today.month else today.year - 1
    return _Reading(year, month, approx=True)


def _weekday_before(today: date, weekday: int) -> _Reading:
    return _day_away(today, -((today.weekday() - weekday - 1) % 7 + 1))


def _weekday_in_week(today: date, weeks: int, weekday: int) -> _Reading:
    return _day_away(today, weeks * 7 - today.weekday() + weekday)


# --- numerals only -------------------------------------------------------------------------------------------------

_Y4 = r"(?:19|20)[0-9]{2}"
_M = r"(?:1[0-2]|0?[1-9])(?![0-9])"
_D = r"(?:3[01]|[12][0-9]|0?[1-9])(?![0-9])"
_NOT_MORE = r"(?![0-9]|[-/.][0-9])"
_FREE = r"(?<![0-9a-z$#])(?<![0-9a-z][-/.])"

_YEAR_FIRST = re.compile(rf"{_FREE}(?P<y>{_Y4})\s?([-/. ])\s?(?P<m>[0-9]{{1,2}})\s?\2\s?(?P<d>[0-9]{{1,2}}){_NOT_MORE}")
_YEAR_MONTH = re.compile(rf"{_FREE}(?P<y>{_Y4})[-/.](?P<m>{_M}){_NOT_MORE}")
_YEAR_LAST = re.compile(
    rf"{_FREE}(?P<a>[0-9]{{1,2}})\s?([-/. ])\s?(?P<b>[0-9]{{1,2}})\s?\2\s?(?P<y>{_Y4}|'?[0-9]{{2}}){_NOT_MORE}"
)
_MONTH_YEAR = re.compile(rf"{_FREE}(?P<m>{_M})\s?[-/.]\s?(?P<y>{_Y4}){_NOT_MORE}")
_ROC_NUMERIC = re.compile(
    rf"{_FREE}(?P<roc>(?:中华)?民国\s?|roc\s?)?(?P<y>[0-9]{{2,3}})\s?([-/.])\s?(?P<m>[0-9]{{1,2}})\s?\3\s?(?P<d>[0-9]{{1,2}}){_NOT_MORE}"
)
_EIGHT_DIGITS = re.compile(
    r"(?<![0-9a-z#.$/-])(?P<y>(?:19|20)[0-9]{2})(?P<m>0[1-9]|1[0-2])(?P<d>[0-2][0-9]|3[01])(?![0-9a-z]|[-/.][0-9])"
)
_MONTH_DAY = re.compile(rf"{_FREE}(?P<m>{_M})/(?P<d>{_D})(?![0-9/%.])")
_LEAD_MONTH_DAY = re.compile(
    r"(?<![a-z])(?:on|since|from|by|dated|filed|sent|mailed|submitted|until|after|before)\s$|[在于从自]\s?$"
)
_LABEL_BEFORE = re.compile(r"(?:[A-Z]{2,4}[ -]?|[Nn]umber\s?|[Nn]o\.?\s?|号\s?|號\s?|#\s?)$")


def _is_bare(match: re.Match[str], context: _Context) -> bool:
    """Say whether only blanks part the figures and nothing says that they are a date."""
    return (
        match.group(2) == " "
        and not context.whole(*match.span())
        and not _BIRTH_BEFORE.search(context.before(match.start()))
    )


def _year_first(match: re.Match[str], context: _Context) -> _Hit | None:
    if _is_bare(match, context):
        return None
    return _claimed(match, _Reading(int(match["y"]), int(match["m"]), int(match["d"])))


def _year_month(match: re.Match[str], context: _Context) -> _Hit | None:
    if "." in match.group() and not context.whole(*match.span()) and len(match["m"]) == 2:
        return None
    return _claimed(match, _Reading(int(match["y"]), int(match["m"])))


def _year_last(match: re.Match[str], context: _Context) -> _Hit | None:
    if _is_bare(match, context):
        return None
    month, day = int(match["a"]), int(match["b"])
    figures = match["y"].lstrip("'")
    if month > 31 and len(figures) == 2:
        years = _two_figure_years(month, context, cohort=False)
        return _claimed(match, _Reading(years[0], day, int(figures), False, tuple(years[1:]), month))
    if month > 12 >= day:
        month, day = day, month
    if len(figures) == 2 and match.group(2) == "." and not context.whole(*match.span()):
        return None
    return _claimed(match, replace(_figures(figures, context), month=month, day=day))


def _month_year(match: re.Match[str], context: _Context) -> _Hit:
    return _claimed(match, _Reading(int(match["y"]), int(match["m"])))


def _roc_numeric(match: re.Match[str], context: _Context) -> _Hit | None:
    year = int(match["y"])
    if year not in _ROC_YEARS or not (match["roc"] or year > 99):
        return None
    return _claimed(match, _Reading(year + _ROC_OFFSET, int(match["m"]), int(match["d"])))


def _eight_digits(match: re.Match[str], context: _Context) -> _Hit | None:
    before = context.cased[max(0, match.start() - _WINDOW) : match.start()]
    if _LABEL_BEFORE.search(before) and not _BIRTH_BEFORE.search(before.lower()):
        return None
    return _claimed(match, _Reading(int(match["y"]), int(match["m"]), int(match["d"])))


def _month_day(match: re.Match[str], context: _Context) -> _Hit | None:
    led = _LEAD_MONTH_DAY.search(context.before(match.start()))
    if not (led or context.whole(*match.span()) or _POINT_AFTER.match(context.text, match.end())):
        return None
    return _claimed(match, _latest(context.today, int(match["m"]), int(match["d"])))


def _figures(figures: str, context: _Context) -> _Reading:
    """Read a year in four or two figures; two are this century as long as that is not far ahead."""
    year = int(figures)
    if len(figures) == 4:
        return _Reading(year)
    candidates = (2000 + year, 1900 + year)
    if candidates[0] > context.today.year + _FUTURE_REACH:
        candidates = (1900 + year,)
    return _Reading(candidates[0], other_years=candidates[1:], two_figures=year)


# --- Chinese -------------------------------------------------------------------------------------------------------

_CN = CHINESE_NUMBER_CLASS
_N = rf"(?:[0-9]{{1,2}}(?![0-9])|[{_CN}]{{1,3}})"
_NO_DAY = r"(?![0-9.:]|\s?(?:点|个|时|次|份|天|万|块|元|年|张|位|人|小|多|几|封|岁|月|周|星|礼))"
_MD = (
    rf"(?P<m>{_N})(?:\s?[-~到至、/]\s?{_N})?\s?月份?的?\s?"
    rf"(?:(?P<d>{_N})\s?[日号]|(?P<d2>[0-9]{{1,2}}){_NO_DAY})?(?:[初底末]|[上中下]旬|中(?![国文美介心]))?"
)
_ZH_SEASON = r"(?P<season>[春夏秋冬])[天季]?"
_ZH_PART = rf"(?P<part>{_either(_PARTS_ZH)})(?![国文美介心])"
_ZH_HOLIDAY = rf"(?P<holiday>{_either(word for word in _HOLIDAYS if not word.isascii())})"
_ZH_NUMBER = rf"(?:[0-9]{{1,3}}|[{_CN}]{{1,4}})"

_ZH_FULL = re.compile(
    rf"(?<![0-9a-z.{_CN}])(?P<roc>(?:中华)?民国\s?|roc\s?)?(?P<y>{_Y4}|[0-9]{{1,3}}|[{_CN}o]{{2,7}})"
    rf"(?P<unit>\s?年|[ ,./-](?={_N}\s?月))\s?的?\s?(?:{_MD}|{_ZH_SEASON}|{_ZH_PART}|{_ZH_HOLIDAY})?"
)
_ZH_MONTH_DAY = re.compile(
    rf"(?<![0-9a-z个几数每/.{_CN}-]){_MD}(?:\s?,?\s?(?P<y>{_Y4})(?![0-9]|[-/.])(?!\s?年?\s?{_N}\s?月)年?)?"
)
_NOT_A_MONTH = re.compile(r"[亮饼薪租票供入费经嫂子球光收]|工资")
_ZH_REL_YEAR = re.compile(
    rf"(?<![以之{_CN}0-9])(?:(?P<rel>{_either(_YEARS_ZH)})(?!纪)|(?P<n>{_ZH_NUMBER})\s?年[之以]?前的?(?=\s?(?:{_N}\s?月|[春夏秋冬])))"
    rf"的?\s?(?:{_MD}|{_ZH_SEASON}|{_ZH_PART}|{_ZH_HOLIDAY})?"
)
_ZH_REL_MONTH = re.compile(
    rf"(?:(?P<rel>{_either(_MONTHS_ZH)})|(?<![个上这本今当下年0-9份{_CN}])月(?=初|底))(?:的|份)?\s?"
    rf"(?:(?P<d>{_N})\s?[日号]|[初底末]|[上中下]旬|中(?![国文美介心]))?"
)
_ZH_DAY_ONLY = re.compile(
    rf"(?:^|(?<=[在于是从自到了,。、\s]))(?P<d>{_N})\s?[日号]"
    r"(?=左右|那天|的时候|上午|下午|晚上|早上|就|我|交|递|寄|打|去|收|提|来|查|[,。!?\s]|$)"
)
_ZH_UNITS = r"天|日|星期|礼拜|周|月|年"
_ZH_AGO = re.compile(
    rf"(?:(?P<years>{_ZH_NUMBER})\s?年[零又]?(?={_ZH_NUMBER}\s?个))?(?P<n>{_ZH_NUMBER}|{_either(_VAGUE_ZH)})\s?(?P<ge>个)?(?P<half>半)?[多来几]?\s?(?P<unit>{_ZH_UNITS})(?P<half2>半)?[多]?"
    r"(?:的时间)?\s?[之以]?前(?![往台面途提列任夫妻男女进来后年])"
)
_ZH_FEW_BEFORE = re.compile(
    r"(?<![年月日天期拜周之以])前(?P<n>[几两二三四五六七八九十]|[0-9]{1,2})\s?个?(?P<unit>天|星期|礼拜|周|月|年)(?!的?(?:时间|内|里))"
)
_ZH_DAY_WORD = re.compile(_either(_DAYS_ZH))
_ZH_WEEK = re.compile(
    rf"(?<![每一二两三四五六七八九十几0-9数个逢])(?:(?P<rel>{_either(_WEEKS_ZH)})\s?(?:周|星期|礼拜)(?P<wd>[一二三四五六日天末1-6])?"
    r"|(?:周|星期|礼拜)(?P<alone>[一二三四五六日])(?![0-9]))"
)
_ZH_WEEK_RANGE = re.compile(r"\s?[到至~-]|[日天]?报")
_ZH_YEAR_EDGE = re.compile(r"(?<!年)年(?:初|底|末|尾)")
_ZH_SEASON_ALONE = re.compile(
    r"(?:^|(?<=[在,。\s]))(?P<season>[春夏秋冬])[天季](?=的时候|时|就|我|交|递|寄|提|申请|打|去|[,。\s]|$)"
)
_ZH_HOLIDAY_ALONE = re.compile(_ZH_HOLIDAY)


def _parts(match: re.Match[str], year: int) -> _Reading | None:
    """Read month and day, season, part of the year or feast day of a Chinese match whose year is known."""
    groups = match.groupdict()
    if groups.get("m"):
        month, day = chinese_int(groups["m"]), None
        if groups.get("d") or groups.get("d2"):
            day = chinese_int(groups.get("d") or groups["d2"])
        if not month or (day is not None and not day):
            return None
        return _Reading(year, month, day) if month <= 12 else None
    if groups.get("season"):
        return _season(year, groups["season"])
    if groups.get("part"):
        return _Reading(year, _PARTS_ZH[groups["part"]], approx=True)
    if groups.get("holiday"):
        month, day = _HOLIDAYS[groups["holiday"]]
        return _Reading(year, month, day, approx=True)
    return _Reading(year)


def _zh_full(match: re.Match[str], context: _Context) -> _Hit | None:
    figures = match["y"]
    year = chinese_int(figures)
    has_rest = any(match[name] for name in ("m", "season", "part", "holiday"))
    if year is None or (match["unit"].strip() != "年" and len(figures) != 4):
        return None
    digits_only = figures.isdecimal() or all(sign in CHINESE_DIGIT_CLASS + "o" for sign in figures)
    if match["roc"]:
        return _claimed(match, _parts(match, year + _ROC_OFFSET)) if year in _ROC_YEARS else None
    if year in _YEARS and (len(figures) == 4 or not digits_only):
        return _claimed(match, _parts(match, year))
    start, end = match.span()
    spoken_of = has_rest and (match["m"] or match["season"] or match["part"])
    if not spoken_of:
        if _DURATION_BEFORE.search(context.before(start)) or _DURATION_AFTER.match(context.text, end):
            return None
        if not _POINT_AFTER.match(context.text, end) and not (100 < year < 151 and len(figures) == 3):
            return None
    if (len(figures) == 3 and digits_only) or (not digits_only and 100 < year < 151):
        return _claimed(match, _parts(match, year + _ROC_OFFSET)) if year in _ROC_YEARS else None
    if not (10 <= year < 100 or (digits_only and len(figures) == 2)):
        return None
    if not digits_only and not (match["m"] or _POINT_AFTER.match(context.text, end)):
        return None
    reading = _parts(match, 2000)
    if reading is None:
        return _claimed(match, None)
    years = _two_figure_years(year, context, cohort=context.text.startswith("次", end))
    reading = replace(reading, year=years[0], other_years=tuple(years[1:]), two_figures=year)
    return _claimed(match, reading)


def _two_figure_years(year: int, context: _Context, cohort: bool) -> list[int]:
    """Return what two figures before 年 can mean, likeliest first.

    In traditional script years of the Republic of China are usual (always with 年次); else the latest year of this
    or the last century that is not ahead.
    """
    roc, this_century, last_century = year + _ROC_OFFSET, 2000 + year, 1900 + year
    if cohort:
        return [roc]
    if this_century <= context.today.year:
        return [this_century, last_century, roc]
    if context.is_traditional:
        return [roc, last_century]
    return [last_century, roc]


def _zh_month_day(match: re.Match[str], context: _Context) -> _Hit | None:
    month = chinese_int(match["m"]) or 0
    if not 1 <= month <= 12 or (match["d"] is None and _NOT_A_MONTH.match(context.text, match.end())):
        return None
    if match["y"]:
        return _claimed(match, _parts(match, int(match["y"])))
    partial = _parts(match, 2000)
    return _claimed(match, partial and _latest(context.today, month, partial.day))


def _zh_rel_year(match: re.Match[str], context: _Context) -> _Hit | None:
    if match["rel"]:
        year = context.today.year + _YEARS_ZH[match["rel"]]
    else:
        count = chinese_int(match["n"])
        if not count or count > 100:
            return None
        year = context.today.year - count
    return _claimed(match, _parts(match, year))


def _zh_rel_month(match: re.Match[str], context: _Context) -> _Hit | None:
    if match["rel"] is None and match.group() == "月底" and context.today.day < 25:
        return _claimed(match, _month_away(context.today, -1))
    reading = _month_away(context.today, _MONTHS_ZH[match["rel"]] if match["rel"] else 0)
    return _claimed(match, replace(reading, day=chinese_int(match["d"])) if match["d"] else reading)


def _zh_day_only(match: re.Match[str], context: _Context) -> _Hit | None:
    return _claimed(match, _latest_day(context.today, chinese_int(match["d"]) or 0))


def _latest_day(today: date, day: int) -> _Reading | None:
    """Return the latest such day of a month, today included."""
    for months in range(0, -4, -1):
        reading = replace(_month_away(today, months), day=day)
        if day and reading.exists() and date(reading.year, reading.month or 1, day) <= today:
            return reading
    return None


def _zh_ago(match: re.Match[str], context: _Context) -> _Hit | None:
    word = match["n"]
    amount = _VAGUE_ZH[word] if word in _VAGUE_ZH else chinese_int(word)
    unit = _UNITS[match["unit"]]
    if amount is None or (unit == "month" and not (match["ge"] or word == "半")):
        return None
    if match["half"] or match["half2"]:
        amount += 0.5
    if match["years"] and unit == "month":
        amount += 12 * (chinese_int(match["years"]) or 0)
    return _claimed(match, _ago(context.today, amount, unit))


def _zh_few_before(match: re.Match[str], context: _Context) -> _Hit | None:
    word = match["n"]
    amount = _VAGUE_ZH[word] if word in _VAGUE_ZH else chinese_int(word)
    return _claimed(match, _ago(context.today, amount, _UNITS[match["unit"]])) if amount else None


def _zh_day_word(match: re.Match[str], context: _Context) -> _Hit:
    return _claimed(match, _day_away(context.today, _DAYS_ZH[match.group()]))


def _zh_week(match: re.Match[str], context: _Context) -> _Hit | None:
    if match["alone"]:
        between = context.text[max(0, match.start() - 1) : match.start()] in ("到", "至", "-", "~", "姓")
        if between or _ZH_WEEK_RANGE.match(context.text, match.end()):
            return None
        return _claimed(match, _weekday_before(context.today, _CHINESE_WEEKDAYS[match["alone"]]))
    weeks = _WEEKS_ZH[match["rel"]]
    if match["wd"]:
        reading = _weekday_in_week(context.today, weeks, _CHINESE_WEEKDAYS[match["wd"]])
        return _claimed(match, replace(reading, approx=match["wd"] == "末"))
    return _claimed(match, _day_away(context.today, 7 * weeks, approx=True))


def _zh_year_edge(match: re.Match[str], context: _Context) -> _Hit:
    first = match.group().endswith("初")
    year = context.today.year if first or context.today.month == 12 else context.today.year - 1
    return _claimed(match, _Reading(year, 1 if first else 12, approx=True))


def _zh_season_alone(match: re.Match[str], context: _Context) -> _Hit:
    return _claimed(match, _latest_season(context.today, match["season"]))


def _holiday_alone(match: re.Match[str], context: _Context) -> _Hit:
    month, day = _HOLIDAYS[match["holiday"]]
    reading = _latest(context.today, month, day)
    if match.groupdict().get("y"):
        year = _english_year(match["y"], context)
        reading = replace(year, month=month, day=day)
    return _claimed(match, replace(reading, approx=True) if reading else None)


# --- English -------------------------------------------------------------------------------------------------------

_MON = _either(_MONTHS)
_DAY = rf"(?:[0-9]{{1,2}}(?:\s?(?:st|nd|rd|th)(?![a-z]))?(?![0-9])|{ENGLISH_ORDINAL}(?![a-z]))"
_REL_YEAR = _either(_YEARS_EN)
_YEARS_AGO = rf"(?:[0-9]{{1,2}}|{ENGLISH_NUMBER}|a)\syears?\sago"
_YEAR_EN = rf"(?P<y>{_Y4}(?![0-9])|{_REL_YEAR}|{_YEARS_AGO}|{ENGLISH_YEAR}(?![a-z])|'?[0-9]{{2}}(?![0-9/:%]|[.-][0-9]))"
_TO_YEAR = rf"(?:[\s,./-]{{0,3}}(?:(?:of|in|,)\s)?{_YEAR_EN})?"
_EN_MONTH = re.compile(
    rf"(?<![a-z])(?:(?P<rel>last|this|next|past)\s)?(?P<mon>{_MON})(?![a-z])"
    rf"(?:\.?[\s,/-]{{0,3}}(?:the\s)?(?P<d>{_DAY})(?![:%$/]?[0-9]))?{_TO_YEAR}"
)
_EN_SPOKEN = re.compile(
    rf"(?<![a-z])(?P<mon>{_MON})\s(?P<d>{ENGLISH_NUMBER}),?\s(?P<y>{_Y4}(?![0-9])|{ENGLISH_YEAR}(?![a-z]))"
)
_EN_DAY_MONTH = re.compile(
    rf"(?<![a-z0-9/$.#-])(?:the\s)?(?P<d>{_DAY})(?P<of>\s(?:day\s)?of\s|\s?[./-]?\s?)(?P<mon>{_MON})(?![a-z]){_TO_YEAR}"
)
_EN_YEAR_FIRST = re.compile(
    rf"(?<![a-z0-9/$.#-])(?P<y>{_Y4})\s?[年,./-]?\s?(?P<mon>{_MON})(?![a-z])(?:[\s,/-]{{0,2}}(?P<d>{_DAY})(?![:%$/]?[0-9]))?"
)
_AGAIN_YEAR = re.compile(r"[\s,]{0,2}\(?((?:19|20)[0-9]{2})\)?(?![0-9]|[-/.][0-9])")
_EN_SEASON = re.compile(
    rf"(?<![a-z])(?:(?P<rel>last|this|next|past|early|late)\s)?(?P<season>spring|summer|fall|autumn|winter)(?![a-z])"
    rf"(?:[\s,]{{1,2}}(?:(?:of|in)\s)?(?P<y>{_Y4}(?![0-9])|{_REL_YEAR}|{ENGLISH_YEAR}(?![a-z])|'[0-9]{{2}}))?"
)
_EN_PART = re.compile(
    rf"(?<![a-z])(?P<part>{_either(_PARTS_EN)})[\s-](?:the\syear\s)?(?P<y>{_Y4}(?![0-9])|{_REL_YEAR}|{ENGLISH_YEAR}(?![a-z]))"
)
_EN_UNITS = _either(word for word in _UNITS if word.isascii())
_EN_AMOUNT = rf"(?:[0-9]{{1,3}}(?:\.5)?|{ENGLISH_NUMBER}|{_either(_VAGUE_EN)})"
_EN_AGO = re.compile(
    rf"(?<![a-z0-9.$-])(?:(?P<years>[0-9]{{1,2}}|{ENGLISH_NUMBER}|a)\syears?,?\s(?:and\s)?(?=[a-z0-9]{{1,9}}\s(?:month|mo)))?"
    rf"(?:(?P<n>{_EN_AMOUNT})(?P<half>\sand\sa\shalf)?[\s-]?)?(?P<unit>{_EN_UNITS})(?P<half2>\sand\sa\shalf)?"
    rf"(?:\sor\sso)?\s(?:ago|back|before\snow)(?![a-z])(?:,?\s(?:in|on)\s(?P<mon>{_MON})(?![a-z])(?:\s(?P<d>{_DAY}))?)?"
)
_EN_REL_YEAR_MONTH = re.compile(
    rf"(?<![a-z])(?P<y>{_REL_YEAR}),?\s(?:(?:in|on|around)\s)?(?P<mon>{_MON})(?![a-z])(?:\s(?P<d>{_DAY}))?"
)
_EN_DAY_WORD = re.compile(rf"(?<![a-z])(?:{_either(_DAYS_EN)})(?![a-z])")
_EN_REL_UNIT = re.compile(
    r"(?<![a-z])(?<!the\s)(?P<rel>last|this|next)\s(?P<unit>week|month|year)(?![a-z])(?!\sand\sa\shalf)|"
    r"(?<![a-z])the\s(?P<before>week|month|year)\sbefore\slast(?![a-z])"
)
_WD = _either(_WEEKDAYS)
_EN_WEEKDAY = re.compile(
    rf"(?<![a-z])(?:(?P<rel>last|this|next|past|on|since|by|until)\s)?(?P<wd>{_WD})(?![a-z])(?P<of>[\s,]{{1,2}}(?:of\s)?last\sweek)?"
    rf"|(?<![a-z])last\sweek,?\s(?:on\s)?(?P<wd2>{_WD})(?![a-z])"
)
_DATE_FOLLOWS = re.compile(
    rf"[\s,]{{1,2}}(?:the\s)?(?:(?:{_MON})(?![a-z])|[0-9]{{1,4}}[/月年.-]|[0-9]{{1,2}}(?:st|nd|rd|th))"
)
_EN_DAY_ONLY = re.compile(
    rf"(?<![a-z])(?P<lead>on\sthe\s|the\s|last\smonth,?\s(?:on\s)?the\s)(?P<d>[0-9]{{1,2}}(?:st|nd|rd|th)|{ENGLISH_ORDINAL})(?![a-z])"
    rf"(?P<of>\sof\s(?P<month>last|this)\smonth)?(?!\s(?:of\s)?(?:{_MON})(?![a-z]))"
)
_DAY_ONLY_ENDS = re.compile(
    r"\s*(?:$|[.,;!?)]|(?:of|and|i|we|he|she|they|but|then|at|to|by|my|in|uscis|around|for)(?![a-z]))"
)
_YEAR_ALONE = re.compile(
    rf"(?<![a-z0-9$/.,#-])(?P<y>{_Y4}|{ENGLISH_YEAR}(?![a-z]))(?![0-9年月/-]|\s年|[a-z]|[.,][0-9])"
)
_EN_HOLIDAY = re.compile(
    rf"(?<![a-z])(?P<holiday>{_either(re.escape(word) for word in _HOLIDAYS if word.isascii())})(?![a-z])"
    rf"(?:[\s,]{{1,2}}(?:of\s)?(?P<y>{_Y4}(?![0-9])|{_REL_YEAR}))?"
)


def _english_year(text: str, context: _Context) -> _Reading:
    """Read a year in figures, in words, or told from this year."""
    text = text.strip()
    if text.lstrip("'").isdecimal():
        return _figures(text.lstrip("'"), context)
    if text in _YEARS_EN:
        return _Reading(context.today.year + _YEARS_EN[text])
    if text.endswith("ago"):
        count = text.split(" year")[0]
        return _Reading(context.today.year - (1 if count == "a" else english_int(count) or 0))
    return _Reading(english_year(text) or 0)


def _told_from_now(text: str) -> bool:
    return text in _YEARS_EN or text.endswith("ago")


def _english_date(match: re.Match[str], context: _Context, day_text: str | None) -> _Hit | None:
    """Put month, day and year of an English match together."""
    month = _MONTHS[match["mon"]]
    day = english_int(day_text) if day_text else None
    end = match.end()
    year_text = match["y"]
    if year_text and year_text.isdecimal() and len(year_text) == 2 and _MEASURE_AFTER.match(context.text, end):
        year_text, end = None, match.start("y")
        end = len(context.text[:end].rstrip(" ,./-"))
    elif day and not year_text and _MEASURE_AFTER.match(context.text, end):
        return None
    if year_text is None and day and day > 31 and day_text and day_text.isdecimal():
        return _claimed(match, replace(_figures(day_text, context), month=month))
    if year_text is None:
        return _claimed(match, _latest(context.today, month, day), end=end)
    year = _english_year(year_text, context)
    if _told_from_now(year_text):
        again = _AGAIN_YEAR.match(context.text, end)
        if again and int(again.group(1)) == year.year:
            end = again.end()
    return _claimed(match, replace(year, month=month, day=day), end=end)


def _en_month(match: re.Match[str], context: _Context) -> _Hit | None:
    word, start = match["mon"], match.start()
    if _STREET_AFTER.match(context.text, match.end()):
        return None
    if match["d"] is None and match["y"] is None:
        led = (
            match["rel"] or _BEFORE_MONTH.search(context.before(start)) or _HEDGE_AFTER.match(context.text, match.end())
        )
        in_chinese = (
            context.text[start - 1 : start] > _HAN_FROM or context.text[match.end() : match.end() + 1] > _HAN_FROM
        )
        if not (led or in_chinese or context.whole(start, match.end())):
            return None
    if match["rel"] and match["y"] is None:
        return _claimed(match, _relative_month(context.today, match["rel"], _MONTHS[word], match["d"]))
    if (
        word == "may"
        and match["d"]
        and not match["y"]
        and not (match["d"][-1].isalpha() or context.cased[match.start("mon")] == "M")
    ):
        led = _BEFORE_MONTH.search(context.before(start)) or _LEAD_MONTH_DAY.search(context.before(start))
        follows = context.text[match.end() : match.end() + 2].strip()
        if not led and follows[:1].isalpha():
            return None
    return _english_date(match, context, match["d"])


def _relative_month(today: date, rel: str, month: int, day_text: str | None) -> _Reading | None:
    day = english_int(day_text) if day_text else None
    if rel == "this":
        return _Reading(today.year, month, day)
    if rel == "next":
        return _Reading(today.year if month > today.month else today.year + 1, month, day)
    year = today.year if month < today.month else today.year - 1
    return _Reading(year, month, day)


def _en_year_first(match: re.Match[str], context: _Context) -> _Hit | None:
    if (
        match["mon"] in _IN_DOUBT
        and match["d"] is None
        and context.text[match.end() : match.end() + 2].strip().isascii()
    ):
        if context.text[match.end() : match.end() + 2].strip().isalpha():
            return None
    return _english_date(match, context, match["d"])


def _en_spoken(match: re.Match[str], context: _Context) -> _Hit | None:
    return _english_date(match, context, match["d"])


def _en_day_month(match: re.Match[str], context: _Context) -> _Hit | None:
    if _STREET_AFTER.match(context.text, match.end()):
        return None
    if match["y"] is None and match["mon"] in _IN_DOUBT and match["d"].isdecimal() and "of" not in match["of"]:
        start = match.start()
        led = _LEAD_MONTH_DAY.search(context.before(start)) or context.whole(start, match.end())
        if not led and not context.cased[match.start("mon")].isupper():
            return None
    return _english_date(match, context, match["d"])


def _en_season(match: re.Match[str], context: _Context) -> _Hit | None:
    rel, season = match["rel"], match["season"]
    if match["y"]:
        end = match.end()
        year = _english_year(match["y"], context)
        again = _AGAIN_YEAR.match(context.text, end) if _told_from_now(match["y"]) else None
        if again and int(again.group(1)) == year.year:
            end = again.end()
        return _claimed(match, _season(year.year, season), end=end)
    if rel in ("last", "this", "next", "past"):
        return _claimed(match, _latest_season(context.today, season, rel))
    before = context.before(match.start())
    if (
        _BEFORE_MONTH.search(before)
        or re.search(r"(?:in|since|during)\sthe\s$", before)
        or context.whole(*match.span())
    ):
        return _claimed(match, _latest_season(context.today, season))
    return None


def _en_part(match: re.Match[str], context: _Context) -> _Hit:
    year = _english_year(match["y"], context)
    return _claimed(match, replace(year, month=_PARTS_EN[match["part"]], approx=True))


def _en_ago(match: re.Match[str], context: _Context) -> _Hit | None:
    word = match["n"]
    if word is None:
        amount: float | None = None if match["unit"].endswith("s") else 1
    elif word in _VAGUE_EN:
        amount = _VAGUE_EN[word]
    else:
        amount = float(word) if word[0].isdecimal() else english_int(word)
    if amount is None:
        return None
    if match["half"] or match["half2"]:
        amount += 0.5
    unit = _UNITS[match["unit"]]
    if match["years"] and unit == "month":
        amount += 12 * (1 if match["years"] == "a" else english_int(match["years"]) or 0)
    if match["mon"]:
        if unit != "year" or amount != int(amount):
            return _claimed(match, _ago(context.today, amount, unit))
        day = english_int(match["d"]) if match["d"] else None
        return _claimed(match, _Reading(context.today.year - int(amount), _MONTHS[match["mon"]], day))
    return _claimed(match, _ago(context.today, amount, unit))


def _en_rel_year_month(match: re.Match[str], context: _Context) -> _Hit:
    day = english_int(match["d"]) if match["d"] else None
    return _claimed(match, _Reading(context.today.year + _YEARS_EN[match["y"]], _MONTHS[match["mon"]], day))


def _en_day_word(match: re.Match[str], context: _Context) -> _Hit:
    return _claimed(match, _day_away(context.today, _DAYS_EN[match.group()]))


def _en_rel_unit(match: re.Match[str], context: _Context) -> _Hit:
    steps = {"last": -1, "this": 0, "next": 1}[match["rel"]] if match["rel"] else -2
    unit = match["unit"] or match["before"]
    if unit == "week":
        return _claimed(match, _day_away(context.today, 7 * steps, approx=True))
    if unit == "month":
        return _claimed(match, _month_away(context.today, steps))
    year = _Reading(context.today.year + steps)
    again = _AGAIN_YEAR.match(context.text, match.end())
    end = again.end() if again and int(again.group(1)) == year.year else match.end()
    return _claimed(match, year, end=end)


def _en_weekday(match: re.Match[str], context: _Context) -> _Hit | None:
    if match["wd2"]:
        return _claimed(match, _weekday_in_week(context.today, -1, _WEEKDAYS[match["wd2"]]))
    weekday, rel = _WEEKDAYS[match["wd"]], match["rel"]
    if not (rel or match["of"]) or _DATE_FOLLOWS.match(context.text, match.end()):
        return None
    if match["wd"] in _SHORT_WEEKDAYS and rel is None:
        return None
    if match["of"]:
        return _claimed(match, _weekday_in_week(context.today, -1, weekday))
    if rel in ("this", "next"):
        return _claimed(match, _weekday_in_week(context.today, int(rel == "next"), weekday))
    return _claimed(match, _weekday_before(context.today, weekday))


def _en_day_only(match: re.Match[str], context: _Context) -> _Hit | None:
    day = english_int(match["d"]) or 0
    lead = match["lead"]
    if match["month"] or lead.startswith("last"):
        months = -1 if lead.startswith("last") or match["month"] == "last" else 0
        return _claimed(match, replace(_month_away(context.today, months), day=day))
    if context.whole(*match.span()):
        return _claimed(match, _latest_day(context.today, day))
    if not lead.startswith("on") or not _DAY_ONLY_ENDS.match(context.text, match.end()):
        return None
    return _claimed(match, _latest_day(context.today, day))


def _year_alone(match: re.Match[str], context: _Context) -> _Hit | None:
    year = _english_year(match["y"], context)
    if year.year > context.today.year + _FUTURE_REACH:
        return None
    if _MEASURE_AFTER.match(context.text, match.end()) or _STREET_AFTER.match(context.text, match.end()):
        return None
    start, end = match.span()
    if (
        context.whole(start, end)
        or _BEFORE_YEAR.search(context.before(start))
        or _POINT_AFTER.match(context.text, end)
        or _HEDGE_AFTER.match(context.text, end)
    ):
        return _claimed(match, year)
    return None


# --- all together --------------------------------------------------------------------------------------------------

_DIGIT_RULES: tuple[tuple[re.Pattern[str], _Handler], ...] = (
    (_YEAR_FIRST, _year_first),
    (_YEAR_LAST, _year_last),
    (_ROC_NUMERIC, _roc_numeric),
    (_YEAR_MONTH, _year_month),
    (_MONTH_YEAR, _month_year),
    (_EIGHT_DIGITS, _eight_digits),
    (_MONTH_DAY, _month_day),
)
_CHINESE_RULES: tuple[tuple[re.Pattern[str], _Handler], ...] = (
    (_ZH_FULL, _zh_full),
    (_ZH_REL_YEAR, _zh_rel_year),
    (_ZH_MONTH_DAY, _zh_month_day),
    (_ZH_REL_MONTH, _zh_rel_month),
    (_ZH_AGO, _zh_ago),
    (_ZH_FEW_BEFORE, _zh_few_before),
    (_ZH_DAY_WORD, _zh_day_word),
    (_ZH_DAY_ONLY, _zh_day_only),
    (_ZH_WEEK, _zh_week),
    (_ZH_YEAR_EDGE, _zh_year_edge),
    (_ZH_SEASON_ALONE, _zh_season_alone),
    (_ZH_HOLIDAY_ALONE, _holiday_alone),
)
_ENGLISH_RULES: tuple[tuple[re.Pattern[str], _Handler], ...] = (
    (_EN_MONTH, _en_month),
    (_EN_SPOKEN, _en_spoken),
    (_EN_YEAR_FIRST, _en_year_first),
    (_EN_DAY_MONTH, _en_day_month),
    (_EN_SEASON, _en_season),
    (_EN_PART, _en_part),
    (_EN_AGO, _en_ago),
    (_EN_REL_YEAR_MONTH, _en_rel_year_month),
    (_EN_DAY_WORD, _en_day_word),
    (_EN_REL_UNIT, _en_rel_unit),
    (_EN_WEEKDAY, _en_weekday),
    (_EN_DAY_ONLY, _en_day_only),
    (_EN_HOLIDAY, _holiday_alone),
)
_YEAR_RULES: tuple[tuple[re.Pattern[str], _Handler], ...] = ((_YEAR_ALONE, _year_alone),)
_HAS_DIGIT = re.compile(r"[0-9]")
_HAS_CHINESE_DATE = re.compile(r"[年月日号天周星礼前春夏秋冬]|圣诞|平安夜|元旦|感恩节|[今昨明][早晚儿朝]|[寻琴噚]晚")
_HAS_ENGLISH_DATE = re.compile(
    rf"(?<![a-z])(?:{_MON}|{_WD})(?![a-z])|ago|back|now|day|week|month|year|night|morning|afternoon|evening|the\s"
    r"|early|late|mid|half|spring|summer|fall|autumn|winter|christmas|thanksgiving|halloween|tomorrow|nineteen|twenty|thousand"
)


def extract(text: str, today: date) -> list[Entity]:
    """Find dates.

    Args:
        text: The message as typed.
        today: The day of the message; relative dates count from it.

    Returns:
        Entities ``date`` in order of appearance. ``value`` is ``YYYY-MM-DD``, ``YYYY-MM`` or ``YYYY`` as ``precision``
        (``day``, ``month``, ``year``) says; ``approx`` marks vague ones, ``future`` those that begin after ``today``.
        The role is ``birth`` where the words beside the date say so, else None. A date that is given twice in
        different words ("前年交的，2024年1月31日") gives two entities.
    """
    norm = normalise(text)
    form = normal(norm.text)
    context = _Context(form.text, norm.text, today)
    hits = _apart(_all_hits(context, form.han, form.latin))
    roles = _roles(context, hits)
    readings = [_settled(index, hits, roles[index], today) for index in range(len(hits))]
    return [
        _entity(context, hit, reading, role, norm.span(hit.start, hit.end), norm.original)
        for hit, reading, role in zip(hits, readings, roles)
        if reading is not None
    ]


def _all_hits(context: _Context, han: bool, latin: bool) -> Iterator[_Hit]:
    text = context.text
    rules: list[tuple[re.Pattern[str], _Handler]] = []
    if _HAS_DIGIT.search(text):
        rules.extend(_DIGIT_RULES)
        rules.extend(_YEAR_RULES)
    elif latin and ("nineteen" in text or "twenty" in text or "thousand" in text):
        rules.extend(_YEAR_RULES)
    if han and _HAS_CHINESE_DATE.search(text):
        rules.extend(_CHINESE_RULES)
    if latin and _HAS_ENGLISH_DATE.search(text):
        rules.extend(_ENGLISH_RULES)
    for pattern, handler in rules:
        for match in pattern.finditer(text):
            hit = handler(match, context)
            if hit is not None:
                yield hit


def _apart(hits: Iterable[_Hit]) -> list[_Hit]:
    """Keep the leftmost and of those the longest, so that no two overlap."""
    kept: list[_Hit] = []
    for hit in sorted(hits, key=lambda hit: (hit.start, -hit.end)):
        if not kept or hit.start >= kept[-1].end:
            kept.append(hit)
    return kept


def _roles(context: _Context, hits: list[_Hit]) -> list[str | None]:
    roles: list[str | None] = []
    end = 0
    for hit in hits:
        window = context.text[max(end, hit.start - _WINDOW) : hit.start]
        cue = _BIRTH_BEFORE.search(window)
        birth = bool(cue and not _NOT_BIRTH.search(cue.group()))
        birth = birth or _BIRTH_AFTER.match(context.text, hit.end) is not None
        if roles and roles[-1] == "birth" and _APPOSITION.fullmatch(context.text, end, hit.start):
            birth = True
        roles.append("birth" if birth else None)
        end = hit.end
    for index in range(len(hits) - 1, 0, -1):
        between = (hits[index - 1].end, hits[index].start)
        if roles[index] == "birth" and _APPOSITION.fullmatch(context.text, *between) and between[0] < between[1]:
            roles[index - 1] = "birth"
    return roles


def _settled(index: int, hits: list[_Hit], role: str | None, today: date) -> _Reading | None:
    """Choose among the years that two figures can mean: as told elsewhere in the message, and no birth to come."""
    reading = hits[index].reading
    if reading is None or not reading.other_years:
        return reading
    years = (reading.year, *reading.other_years)
    for other in hits[max(0, index - 2) : index + 3]:
        same = other.reading
        if same and same.two_figures is None and same.year in years and same.month in (reading.month, None):
            return replace(reading, year=same.year)
    if role == "birth":
        past = [year for year in years if date(year, reading.month or 1, 1) <= today]
        reading = replace(reading, year=past[0] if past else reading.year)
    return reading


def _entity(
    context: _Context, hit: _Hit, reading: _Reading, role: str | None, span: tuple[int, int], original: str
) -> Entity:
    value, precision = f"{reading.year:04d}", "year"
    if reading.month:
        value, precision = f"{value}-{reading.month:02d}", "month"
    if reading.month and reading.day:
        value, precision = f"{value}-{reading.day:02d}", "day"
    approx = reading.approx or bool(
        _APPROX_BEFORE.search(context.before(hit.start)) or _APPROX_AFTER.match(context.text, hit.end)
    )
    extras: dict[str, Any] = {
        "precision": precision,
        "approx": approx,
        "future": first_day(value) > context.today,
    }
    return Entity("date", value, *span, original[slice(*span)], role=role, extras=extras)
