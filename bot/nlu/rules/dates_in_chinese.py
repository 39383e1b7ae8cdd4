"""Dates in Chinese, over a simplified copy: years of the Republic, numerals, and days told from today."""

from __future__ import annotations

import re
from dataclasses import replace

from bot.nlu.rules.date_readings import (
    HOLIDAYS,
    POINT_AFTER,
    ROC_OFFSET,
    ROC_YEARS,
    UNITS,
    WORDS,
    Y4,
    YEARS,
    Context,
    Hit,
    Reading,
    Rules,
    by_word,
    claimed,
    day_alone,
    day_away,
    either,
    latest,
    latest_day,
    latest_season,
    month_away,
    season_of,
    time_ago,
    two_figure_years,
    weekday_before,
    weekday_in_week,
)
from bot.nlu.rules.numerals import CHINESE_DIGIT_CLASS, CHINESE_NUMBER_CLASS, chinese_int

_DAYS_ZH = by_word(WORDS["days_zh"])
_YEARS_ZH: dict[str, int] = WORDS["years_zh"]
_MONTHS_ZH: dict[str, int] = WORDS["months_zh"]
_WEEKS_ZH: dict[str, int] = WORDS["weeks_zh"]
_VAGUE_ZH: dict[str, float] = WORDS["vague_zh"]
_PARTS_ZH: dict[str, int] = WORDS["year_parts_zh"]
_CHINESE_WEEKDAYS = {str(key): value for key, value in WORDS["chinese_weekdays"].items()}
_DURATION_BEFORE = re.compile(rf"(?:{either(WORDS['duration_before'])})\s?$")
_DURATION_AFTER = re.compile(rf"\s?(?:{either(WORDS['duration_after'])})")
_CN = CHINESE_NUMBER_CLASS
_N = rf"(?:[0-9]{{1,2}}(?![0-9])|[{_CN}]{{1,3}})"
_NO_DAY = r"(?![0-9.:]|\s?(?:点|个|时|次|份|天|万|块|元|年|张|位|人|小|多|几|封|岁|月|周|星|礼))"
_SAID_DAY = r"(?:[二三]?十[一二三四五六七八九]?|廿[一二三四五六七八九]?|卅一?)(?![一二三四五六七八九十几])"
_AGE = r"(?:[二三四五六七八九]十[一二三四五六七八九]?|[2-9][0-9])(?=\s?(?:$|[,;.!?，。；！？]))"
_MD = (
    rf"(?P<m>{_N})(?:\s?[-~到至、/]\s?{_N})?\s?月份?的?\s?"
    rf"(?:(?P<d>{_N})\s?[日号曰]|(?P<d2>[0-9]{{1,2}}|{_SAID_DAY}){_NO_DAY})?(?:[初底末]|[上中下]旬|中(?![国文美介心]))?"
)
_ZH_SEASON = r"(?P<season>[春夏秋冬])[天季]?"
_ZH_PART = rf"(?P<part>{either(_PARTS_ZH)})(?![国文美介心])"
# "年尾11月", "去年底12月", "大前年开春三月": the month counts.
_ZH_PART_MONTH = rf"(?:(?:{either([*_PARTS_ZH, *WORDS['before_month_zh']])})的?\s?){{0,2}}{_MD}"
_ZH_HOLIDAY = rf"(?P<holiday>{either(word for word in HOLIDAYS if not word.isascii())})"
_ZH_NUMBER = rf"(?:[0-9]{{1,3}}|[{_CN}]{{1,4}})"
_ZH_FULL = re.compile(
    rf"(?<![0-9a-z.{_CN}])(?P<roc>(?:中华)?民国\s?|roc\s?)?(?P<y>{Y4}|[0-9]{{1,3}}|[{_CN}o]{{2,7}})"
    rf"(?P<unit>\s?年|[ ,./-](?={_N}\s?月))\s?的?\s?(?:{_ZH_PART_MONTH}|{_ZH_SEASON}|{_ZH_PART}|{_ZH_HOLIDAY})?"
)
_ZH_MONTH_DAY = re.compile(
    rf"(?<![0-9a-z个几数每/.{_CN}-]){_MD}(?:\s?,?\s?(?P<y>{Y4})(?![0-9]|[-/.])(?!\s?年?\s?{_N}\s?月)年?)?"
)
_NOT_A_MONTH = re.compile(r"[亮饼薪租票供入费经嫂子球光收]|工资")
_ZH_REL_YEAR = re.compile(
    rf"(?:(?<![以之{_CN}])(?P<rel>{either(_YEARS_ZH)})(?!纪|\s?(?:都|已经|刚)?\s?(?:{_ZH_NUMBER}\s?岁|{_AGE}))|(?<![以之{_CN}0-9])(?P<n>{_ZH_NUMBER})\s?年[之以]?前的?(?=\s?(?:{_N}\s?月|[春夏秋冬])))"
    rf"的?\s?(?:{_ZH_PART_MONTH}|{_ZH_SEASON}|{_ZH_PART}|{_ZH_HOLIDAY})?"
)
_ZH_REL_MONTH = re.compile(
    rf"(?:(?P<rel>{either(_MONTHS_ZH)})|(?<![个上这本今当下年0-9份{_CN}])月(?=初|底))(?:的|份)?\s?"
    rf"(?:(?P<d>{_N})\s?[日号]|[初底末]|[上中下]旬|中(?![国文美介心]))?"
)
_ZH_DAY_ONLY = re.compile(
    rf"(?:^|(?<=[在于是从自到了,。、\s]))(?P<d>{_N})\s?[日号]"
    r"(?=左右|那天|的时候|上午|下午|晚上|早上|就|我|交|递|寄|打|去|收|提|来|查|[,。!?\s]|$)"
)
_ZH_UNITS = r"天|日|星期|礼拜|周|月|年"
_ZH_AGO = re.compile(
    rf"(?:(?P<years>{_ZH_NUMBER})\s?年[零又]?(?={_ZH_NUMBER}\s?个))?(?P<n>{_ZH_NUMBER}|{either(_VAGUE_ZH)})\s?(?P<ge>个)?(?P<half>半)?[多来几]?\s?(?P<unit>{_ZH_UNITS})(?P<half2>半)?[多]?"
    r"(?:的时间)?\s?[之以]?前(?![往台面途提列任夫妻男女进来后年])"
)
_ZH_FEW_BEFORE = re.compile(
    r"(?<![年月日天期拜周之以])前(?P<n>[几两二三四五六七八九十]|[0-9]{1,2})\s?个?(?P<unit>天|星期|礼拜|周|月|年)(?!的?(?:时间|内|里))"
)
_ZH_DAY_WORD = re.compile(either(_DAYS_ZH))
_ZH_WEEK = re.compile(
    rf"(?<![每一二两三四五六七八九十几0-9数个逢])(?:(?P<rel>{either(_WEEKS_ZH)})\s?(?:周|星期|礼拜)(?P<wd>[一二三四五六日天末1-6])?"
    r"|(?:周|星期|礼拜)(?P<alone>[一二三四五六日])(?![0-9]))"
)
_ZH_WEEK_RANGE = re.compile(r"\s?[到至~-]|[日天]?报")
_ZH_DATE_BEFORE = re.compile(r"[日号]\s?\(?$")
_ZH_YEAR_EDGE = re.compile(rf"(?<!年)年(?P<edge>[初头底末尾])(?:的?\s?{_MD})?")
_ZH_SEASON_ALONE = re.compile(
    r"(?:^|(?<=[在,。\s]))(?P<season>[春夏秋冬])[天季](?=的时候|时|就|我|交|递|寄|提|申请|打|去|[,。\s]|$)"
)
_ZH_HOLIDAY_ALONE = re.compile(_ZH_HOLIDAY)
# Sayings with a month in them.
_NOT_DATES = re.compile(either(WORDS["not_dates"]))


def _parts(match: re.Match[str], year: int) -> Reading | None:
    """Read month and day, season, part of the year or feast day of a Chinese match whose year is known."""
    groups = match.groupdict()
    if groups.get("m"):
        month, day = chinese_int(groups["m"]), None
        if groups.get("d") or groups.get("d2"):
            day = chinese_int(groups.get("d") or groups["d2"])
        if not month or (day is not None and not day):
            return None
        return Reading(year, month, day) if month <= 12 else None
    if groups.get("season"):
        return season_of(year, groups["season"])
    if groups.get("part"):
        return Reading(year, _PARTS_ZH[groups["part"]], approx=True)
    if groups.get("holiday"):
        month, day = HOLIDAYS[groups["holiday"]]
        return Reading(year, month, day, approx=True)
    return Reading(year)


def _zh_full(match: re.Match[str], context: Context) -> Hit | None:
    figures = match["y"]
    year = chinese_int(figures)
    has_rest = any(match[name] for name in ("m", "season", "part", "holiday"))
    if year is None or (match["unit"].strip() != "年" and len(figures) != 4):
        return None
    digits_only = figures.isdecimal() or all(sign in CHINESE_DIGIT_CLASS + "o" for sign in figures)
    if match["roc"]:
        return claimed(match, _parts(match, year + ROC_OFFSET)) if year in ROC_YEARS else None
    if year in YEARS and (len(figures) == 4 or not digits_only):
        return claimed(match, _parts(match, year))
    start, end = match.span()
    spoken_of = has_rest and (match["m"] or match["season"] or match["part"])
    if not spoken_of:
        if _DURATION_BEFORE.search(context.before(start)) or _DURATION_AFTER.match(context.text, end):
            return None
        if not POINT_AFTER.match(context.text, end) and not (100 < year < 151 and len(figures) == 3):
            return None
    if (len(figures) == 3 and digits_only) or (not digits_only and 100 < year < 151):
        return claimed(match, _parts(match, year + ROC_OFFSET)) if year in ROC_YEARS else None
    if not (10 <= year < 100 or (digits_only and len(figures) == 2)):
        return None
    if not digits_only and not (match["m"] or POINT_AFTER.match(context.text, end)):
        return None
    reading = _parts(match, 2000)
    if reading is None:
        return claimed(match, None)
    years = two_figure_years(year, context, cohort=context.text.startswith("次", end))
    reading = replace(reading, year=years[0], other_years=tuple(years[1:]), two_figures=year)
    return claimed(match, reading)


def _zh_month_day(match: re.Match[str], context: Context) -> Hit | None:
    month = chinese_int(match["m"]) or 0
    if not 1 <= month <= 12 or (match["d"] is None and _NOT_A_MONTH.match(context.text, match.end())):
        return None
    if match["y"]:
        return claimed(match, _parts(match, int(match["y"])))
    partial = _parts(match, 2000)
    return claimed(match, partial and latest(context.today, month, partial.day))


def _zh_rel_year(match: re.Match[str], context: Context) -> Hit | None:
    if match["rel"]:
        year = context.today.year + _YEARS_ZH[match["rel"]]
    else:
        count = chinese_int(match["n"])
        if not count or count > 100:
            return None
        year = context.today.year - count
    return claimed(match, _parts(match, year))


def _zh_rel_month(match: re.Match[str], context: Context) -> Hit | None:
    if match["rel"] is None and match.group() == "月底" and context.today.day < 25:
        return claimed(match, month_away(context.today, -1))
    reading = month_away(context.today, _MONTHS_ZH[match["rel"]] if match["rel"] else 0)
    return claimed(match, replace(reading, day=chinese_int(match["d"])) if match["d"] else reading)


def _zh_day_only(match: re.Match[str], context: Context) -> Hit | None:
    return day_alone(match, latest_day(context.today, chinese_int(match["d"]) or 0))


def _zh_ago(match: re.Match[str], context: Context) -> Hit | None:
    word = match["n"]
    amount = _VAGUE_ZH[word] if word in _VAGUE_ZH else chinese_int(word)
    unit = UNITS[match["unit"]]
    if amount is None or (unit == "month" and not (match["ge"] or word == "半")):
        return None
    if match["half"] or match["half2"]:
        amount += 0.5
    if match["years"] and unit == "month":
        amount += 12 * (chinese_int(match["years"]) or 0)
    return claimed(match, time_ago(context.today, amount, unit))


def _zh_few_before(match: re.Match[str], context: Context) -> Hit | None:
    word = match["n"]
    amount = _VAGUE_ZH[word] if word in _VAGUE_ZH else chinese_int(word)
    return claimed(match, time_ago(context.today, amount, UNITS[match["unit"]])) if amount else None


def _zh_day_word(match: re.Match[str], context: Context) -> Hit:
    return claimed(match, day_away(context.today, _DAYS_ZH[match.group()]))


def _zh_week(match: re.Match[str], context: Context) -> Hit | None:
    if match["alone"]:
        between = context.text[max(0, match.start() - 1) : match.start()] in ("到", "至", "-", "~", "姓")
        if (
            between
            or _ZH_DATE_BEFORE.search(context.before(match.start()))
            or _ZH_WEEK_RANGE.match(context.text, match.end())
        ):
            return None
        return claimed(match, weekday_before(context.today, _CHINESE_WEEKDAYS[match["alone"]]))
    weeks = _WEEKS_ZH[match["rel"]]
    if match["wd"]:
        reading = weekday_in_week(context.today, weeks, _CHINESE_WEEKDAYS[match["wd"]])
        return claimed(match, replace(reading, approx=match["wd"] == "末"))
    return claimed(match, day_away(context.today, 7 * weeks, approx=True))


def _zh_year_edge(match: re.Match[str], context: Context) -> Hit | None:
    first = match["edge"] in "初头"
    if match["m"]:
        partial = _parts(match, context.today.year)
        month = partial.month if partial else None
        return claimed(match, partial if first or not month else latest(context.today, month, partial and partial.day))
    year = context.today.year if first or context.today.month == 12 else context.today.year - 1
    return claimed(match, Reading(year, 1 if first else 12, approx=True))


def _zh_season_alone(match: re.Match[str], context: Context) -> Hit:
    return claimed(match, latest_season(context.today, match["season"]))


def _zh_not_a_date(match: re.Match[str], context: Context) -> Hit:
    return Hit(*match.span(), None)


def _zh_holiday_alone(match: re.Match[str], context: Context) -> Hit:
    month, day = HOLIDAYS[match["holiday"]]
    reading = latest(context.today, month, day)
    return claimed(match, replace(reading, approx=True) if reading else None)


CHINESE_RULES: Rules = (
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
    (_ZH_HOLIDAY_ALONE, _zh_holiday_alone),
    (_NOT_DATES, _zh_not_a_date),
)
HAS_CHINESE_DATE = re.compile(r"[年月日号天周星礼前春夏秋冬]|圣诞|平安夜|元旦|感恩节|[今昨明][早晚儿朝]|[寻琴噚]晚")
