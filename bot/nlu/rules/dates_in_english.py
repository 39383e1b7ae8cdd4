"""Dates in English: names of months, seasons, weekdays, spoken years, and days told from today."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date

from bot.nlu.rules.date_readings import (
    AMENDS,
    FUTURE_REACH,
    HAN_FROM,
    HOLIDAYS,
    LEAD_MONTH_DAY,
    POINT_AFTER,
    UNITS,
    WORDS,
    Y4,
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
    weekday_before,
    weekday_in_week,
    year_in_figures,
)
from bot.nlu.rules.numerals import ENGLISH_NUMBER, ENGLISH_ORDINAL, ENGLISH_YEAR, english_int, english_year

_MONTHS = by_word(WORDS["months"])
_WEEKDAYS = by_word(WORDS["weekdays"])
_DAYS_EN = by_word(WORDS["days_en"])
_YEARS_EN: dict[str, int] = WORDS["years_en"]
_VAGUE_EN: dict[str, float] = WORDS["vague_en"]
_PARTS_EN: dict[str, int] = WORDS["year_parts_en"]
_IN_DOUBT = frozenset(WORDS["months_in_doubt"])
_SHORT_WEEKDAYS = frozenset(WORDS["weekdays_short"])
_STREET_AFTER = re.compile(rf"\s(?:[a-z]{{2,20}}\s)?(?:{either(WORDS['streets'])})(?![a-z])")
_MEASURE_AFTER = re.compile(rf"\s?(?:{either(WORDS['measures'])}|%)(?![a-z])")
_BEFORE_MONTH = re.compile(rf"(?<![a-z])(?:{either(WORDS['before_month'])})[\s-](?:the\s)?$")
_HEDGE_AFTER = re.compile(rf"\s?,?\s?(?:{either(WORDS['hedges_after'])})(?![a-z])")
_CLOSES = re.compile(r"\s?(?:$|[;!?，。；！？)]|[,.](?![0-9]))")
_PLAIN_BEFORE = re.compile(r"(?:[a-z'][a-z]|[\u3400-\u9fff]|[,;.!?，。；！？(])\s?$")
_LABEL_BEFORE = re.compile(rf"(?:{either(WORDS['labels_before'])})\s?$")
_AFTER_CHINESE_YEAR = re.compile(rf"(?:{either(WORDS['years_zh'])})\s?的?\s?$")
_DID_BEFORE = re.compile(
    rf"(?<![a-z])(?:{either(WORDS['did_before'])})(?:\s(?:them|uscis|there|it|back|in|again|up))?,?\s$"
)
_BEFORE_FEAST = re.compile(rf"(?<![a-z])(?:{either(WORDS['before_feast'])})\s(?:the\s)?$")
_BEFORE_YEAR = re.compile(rf"(?<![a-z])(?:{either(WORDS['before_year'])})[\s-](?:the\syear\s)?$")


def _en_holiday(match: re.Match[str], context: Context) -> Hit | None:
    start, end = match.span()
    if not (match["y"] or context.whole(start, end) or _BEFORE_FEAST.search(context.before(start))):
        return None
    month, day = HOLIDAYS[match["holiday"]]
    if match["y"]:
        reading: Reading | None = replace(_english_year(match["y"], context), month=month, day=day)
    else:
        reading = latest(context.today, month, day)
    return claimed(match, replace(reading, approx=True) if reading else None)


_MON = either(_MONTHS)
_DAY = rf"(?:[0-9]{{1,2}}(?:\s?(?:st|nd|rd|th)(?![a-z]))?(?![0-9])|{ENGLISH_ORDINAL}(?![a-z]))"
_REL_YEAR = either(_YEARS_EN)
_YEARS_AGO = rf"(?:[0-9]{{1,2}}|{ENGLISH_NUMBER}|a)\syears?\sago"
_YEAR_EN = rf"(?P<y>{Y4}(?![0-9])|{_REL_YEAR}|{_YEARS_AGO}|{ENGLISH_YEAR}(?![a-z])|'?[0-9]{{2}}(?![0-9/:%]|[.-][0-9]))"
_TO_YEAR = rf"(?:[\s,./-]{{0,3}}(?:(?:of|in|,)\s)?{_YEAR_EN})?"
_EN_MONTH = re.compile(
    rf"(?<![a-z])(?:(?P<rel>last|this|next|this\spast|past)\s)?(?P<mon>{_MON})(?![a-z])"
    rf"(?:\.?[\s,/-]{{0,3}}(?:the\s)?(?P<d>{_DAY})(?![:%$/]?[0-9]))?{_TO_YEAR}"
)
_EN_SPOKEN = re.compile(
    rf"(?<![a-z])(?P<mon>{_MON})\s(?P<d>{ENGLISH_NUMBER}),?\s(?P<y>{Y4}(?![0-9])|{ENGLISH_YEAR}(?![a-z]))"
)
_EN_DAY_MONTH = re.compile(
    rf"(?<![a-z0-9/$.#-])(?:the\s)?(?P<d>{_DAY})(?P<of>\s(?:day\s)?of\s|\s?[./-]?\s?)(?P<mon>{_MON})(?![a-z]){_TO_YEAR}"
)
_EN_YEAR_FIRST = re.compile(
    rf"(?<![a-z0-9/$.#-])(?P<y>{Y4})\s?[年,./-]?\s?(?:in\s)?(?P<mon>{_MON})(?![a-z])(?:[\s,/-]{{0,2}}(?P<d>{_DAY})(?![:%$/]?[0-9]))?"
)
# "May, no wait, June"; "not May, June"; "March or April 2024".
_MONTH_BESIDE = re.compile(
    rf"(?<![a-z])(?:{_MON})(?:\s(?:[0-9]{{1,2}}|{Y4}))?\s?[,/.]{{0,3}}\s?(?:(?:or|no|wait|sorry|actually|i\smean|not|rather)[\s,]{{1,2}}){{0,4}}$"
    r"|(?<![a-z])(?:wait|sorry|actually|mean|not|or)[\s,]{1,2}$"
)
_YEAR_OF_NEXT = re.compile(rf"\s?(?:/|-|or|to|and|through)\s?(?:{_MON})\.?,?\s(?:of\s)?(?P<y>{Y4})(?![0-9])")
_AGAIN_YEAR = re.compile(r"[\s,]{0,2}\(?((?:19|20)[0-9]{2})\)?(?![0-9]|[-/.][0-9])")
_EN_SEASON = re.compile(
    rf"(?<![a-z])(?:(?P<rel>last|this|next|past|early|late)\s)?(?P<season>spring|summer|fall|autumn|winter)(?![a-z])"
    rf"(?:[\s,]{{1,2}}(?:(?:of|in)\s)?(?P<y>{Y4}(?![0-9])|{_REL_YEAR}|{_YEARS_AGO}|{ENGLISH_YEAR}(?![a-z])|'?[0-9]{{2}}(?![0-9/:.%-]|\s?[a-z])))?"
)
_EN_YEAR_SEASON = re.compile(
    rf"(?<![a-z0-9/$.#-])(?P<y>{Y4})\s?年?的?\s?(?P<season>spring|summer|fall|autumn|winter)(?![a-z])"
)
_EN_BEFORE_AMOUNT = re.compile(
    rf"(?<![a-z])before\s(?P<n>[0-9]{{1,2}}|{ENGLISH_NUMBER})\s(?P<unit>days|weeks|months|years)(?=\s?(?:$|[,.;!]|only))"
)
_EN_SHORT_YEAR = re.compile(r"(?<![a-z])(?:since|in|from|back\sin|of)\s(?P<y>'[0-9]{2})(?![0-9a-z])")
_EN_PART = re.compile(
    rf"(?<![a-z])(?P<part>{either(_PARTS_EN)})[\s-](?:the\syear\s)?(?P<y>{Y4}(?![0-9])|{_REL_YEAR}|{ENGLISH_YEAR}(?![a-z]))"
)
_EN_UNITS = either(word for word in UNITS if word.isascii())
_EN_AMOUNT = rf"(?:[0-9]{{1,3}}(?:\.5)?|{ENGLISH_NUMBER}|{either(_VAGUE_EN)})"
_EN_AGO = re.compile(
    rf"(?<![a-z0-9.$-])(?:(?P<years>[0-9]{{1,2}}|{ENGLISH_NUMBER}|a)\syears?,?\s(?:and\s)?(?=[a-z0-9]{{1,9}}\s(?:month|mo)))?"
    rf"(?:(?P<n>{_EN_AMOUNT})(?P<half>\sand\sa\shalf)?[\s-]?)?(?P<unit>{_EN_UNITS})(?P<half2>\sand\sa\shalf)?"
    rf"(?:\sor\sso)?\s(?:ago|back|before\snow)(?![a-z])(?:,?\s(?:in|on)\s(?P<mon>{_MON})(?![a-z])(?:\s(?P<d>{_DAY}))?)?"
)
_EN_REL_YEAR_MONTH = re.compile(
    rf"(?<![a-z])(?P<y>{_REL_YEAR}),?\s(?:(?:in|on|around|(?:in\s)?(?:the\s)?month\sof)\s)?(?P<mon>{_MON})(?![a-z])(?:\s(?P<d>{_DAY}))?"
)
_EN_DAY_WORD = re.compile(rf"(?<![a-z])(?:{either(_DAYS_EN)})(?![a-z])")
_EN_REL_UNIT = re.compile(
    r"(?<![a-z])(?<!the\s)(?P<rel>last|this|next)\s(?P<unit>week|month|year)(?![a-z])(?!\sand\sa\shalf)|"
    r"(?<![a-z])the\s(?P<before>week|month|year)\sbefore\slast(?![a-z])"
)
_WD = either(_WEEKDAYS)
_EN_WEEKDAY = re.compile(
    rf"(?<![a-z])(?:(?P<rel>last|this|next|past|on|since|by|until)\s)?(?P<wd>{_WD})(?![a-z])(?P<of>[\s,]{{1,2}}(?:of\s)?last\sweek)?"
    rf"|(?:(?<![a-z])last\sweek,?\s(?:on\s)?|上个?周?\s?)(?P<wd2>{_WD})(?![a-z])"
)
_DATE_FOLLOWS = re.compile(
    rf"[\s,]{{1,2}}(?:the\s)?(?:(?:{_MON})(?![a-z])|[0-9]{{1,4}}[/月年.-]|[0-9]{{1,2}}(?:st|nd|rd|th))"
)
_EN_DAY_ONLY = re.compile(
    rf"(?<![a-z])(?P<lead>on\sthe\s|the\s|(?:wait|sorry|actually|mean),?\s|last\smonth,?\s(?:on\s)?the\s)(?P<d>[0-9]{{1,2}}(?:st|nd|rd|th)|{ENGLISH_ORDINAL})(?![a-z])"
    rf"(?P<of>\sof\s(?P<month>last|this)\smonth)?(?!\s(?:of\s)?(?:{_MON})(?![a-z]))"
)
_DAY_ONLY_ENDS = re.compile(
    r"\s*(?:$|[.,;!?)]|(?:of|and|i|we|he|she|they|but|then|at|to|by|my|in|uscis|around|for)(?![a-z]))"
)
_YEAR_ALONE = re.compile(rf"(?<![a-z0-9$/.,#-])(?P<y>{Y4}|{ENGLISH_YEAR}(?![a-z]))(?![0-9年月/-]|\s年|[a-z]|[.,][0-9])")
_EN_HOLIDAY = re.compile(
    rf"(?<![a-z])(?P<holiday>{either(re.escape(word) for word in HOLIDAYS if word.isascii())})(?![a-z])"
    rf"(?:[\s,]{{1,2}}(?:of\s)?(?P<y>{Y4}(?![0-9])|{_REL_YEAR}))?"
)


def _english_year(text: str, context: Context) -> Reading:
    """Read a year in figures, in words, or told from this year."""
    text = text.strip()
    if text.lstrip("'").isdecimal():
        return year_in_figures(text.lstrip("'"), context)
    if text in _YEARS_EN:
        return Reading(context.today.year + _YEARS_EN[text])
    if text.endswith("ago"):
        count = text.split(" year")[0]
        return Reading(context.today.year - (1 if count == "a" else english_int(count) or 0))
    return Reading(english_year(text) or 0)


def _told_from_now(text: str) -> bool:
    return text in _YEARS_EN or text.endswith("ago")


def _english_date(match: re.Match[str], context: Context, day_text: str | None) -> Hit | None:
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
        return claimed(match, replace(year_in_figures(day_text, context), month=month))
    if year_text is None:
        return claimed(match, latest(context.today, month, day), end=end)
    year = _english_year(year_text, context)
    if _told_from_now(year_text):
        again = _AGAIN_YEAR.match(context.text, end)
        if again and int(again.group(1)) == year.year:
            end = again.end()
    return claimed(match, replace(year, month=month, day=day), end=end)


def _en_month(match: re.Match[str], context: Context) -> Hit | None:
    word, start = match["mon"], match.start()
    if _STREET_AFTER.match(context.text, match.end()):
        return None
    if match["d"] is None and match["y"] is None:
        led = (
            match["rel"] or _BEFORE_MONTH.search(context.before(start)) or _HEDGE_AFTER.match(context.text, match.end())
        )
        after = context.text[match.end() : match.end() + 2]
        if context.cased[match.start("mon")].isupper():
            after = after.lstrip()
        in_chinese = context.text[start - 1 : start] > HAN_FROM or after[:1] > HAN_FROM
        beside = _CLOSES.match(context.text, match.end()) and _MONTH_BESIDE.search(context.before(start))
        if not (led or in_chinese or beside or context.whole(start, match.end())):
            return None
        year = _YEAR_OF_NEXT.match(context.text, match.end())
        if year and not match["rel"]:
            return claimed(match, Reading(int(year["y"]), _MONTHS[word]))
    chinese_year = None if match["y"] else _AFTER_CHINESE_YEAR.search(context.before(start))
    if chinese_year:
        year = context.today.year + WORDS["years_zh"][re.sub(r"[\s的]", "", chinese_year.group())]
        day = english_int(match["d"]) if match["d"] else None
        return claimed(match, Reading(year, _MONTHS[word], day), start=start - len(chinese_year.group()))
    if match["rel"] and match["y"] is None:
        return claimed(match, _relative_month(context.today, match["rel"], _MONTHS[word], match["d"]))
    if (
        word == "may"
        and match["d"]
        and not match["y"]
        and not (match["d"][-1].isalpha() or context.cased[match.start("mon")] == "M")
    ):
        led = _BEFORE_MONTH.search(context.before(start)) or LEAD_MONTH_DAY.search(context.before(start))
        follows = context.text[match.end() : match.end() + 2].strip()
        if not led and follows[:1].isalpha():
            return None
    return _english_date(match, context, match["d"])


def _relative_month(today: date, rel: str, month: int, day_text: str | None) -> Reading | None:
    day = english_int(day_text) if day_text else None
    if rel == "this":
        return Reading(today.year, month, day)
    if rel == "next":
        return Reading(today.year if month > today.month else today.year + 1, month, day)
    year = today.year if month < today.month else today.year - 1
    return Reading(year, month, day)


def _en_year_first(match: re.Match[str], context: Context) -> Hit | None:
    follows = context.text[match.end() : match.end() + 2].strip()
    is_name = context.cased[match.start("mon")].isupper()
    if match["mon"] in _IN_DOUBT and match["d"] is None and follows.isascii() and follows.isalpha() and not is_name:
        return None
    return _english_date(match, context, match["d"])


def _en_spoken(match: re.Match[str], context: Context) -> Hit | None:
    return _english_date(match, context, match["d"])


def _en_day_month(match: re.Match[str], context: Context) -> Hit | None:
    if _STREET_AFTER.match(context.text, match.end()):
        return None
    if match["y"] is None and match["mon"] in _IN_DOUBT and match["d"].isdecimal() and "of" not in match["of"]:
        start = match.start()
        led = LEAD_MONTH_DAY.search(context.before(start)) or context.whole(start, match.end())
        if not led and not context.cased[match.start("mon")].isupper():
            return None
    return _english_date(match, context, match["d"])


def _en_season(match: re.Match[str], context: Context) -> Hit | None:
    rel, season = match["rel"], match["season"]
    if match["y"]:
        end = match.end()
        year = _english_year(match["y"], context)
        again = _AGAIN_YEAR.match(context.text, end) if _told_from_now(match["y"]) else None
        if again and int(again.group(1)) == year.year:
            end = again.end()
        return claimed(match, season_of(year.year, season), end=end)
    if rel in ("last", "this", "next", "past"):
        return claimed(match, latest_season(context.today, season, rel))
    before = context.before(match.start())
    if (
        _BEFORE_MONTH.search(before)
        or re.search(r"(?:in|since|during)\sthe\s$", before)
        or context.whole(*match.span())
    ):
        return claimed(match, latest_season(context.today, season))
    return None


def _en_part(match: re.Match[str], context: Context) -> Hit:
    year = _english_year(match["y"], context)
    return claimed(match, replace(year, month=_PARTS_EN[match["part"]], approx=True))


def _en_ago(match: re.Match[str], context: Context) -> Hit | None:
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
    unit = UNITS[match["unit"]]
    if match["years"] and unit == "month":
        amount += 12 * (1 if match["years"] == "a" else english_int(match["years"]) or 0)
    if match["mon"]:
        if unit != "year" or amount != int(amount):
            return claimed(match, time_ago(context.today, amount, unit))
        day = english_int(match["d"]) if match["d"] else None
        return claimed(match, Reading(context.today.year - int(amount), _MONTHS[match["mon"]], day))
    return claimed(match, time_ago(context.today, amount, unit))


def _en_rel_year_month(match: re.Match[str], context: Context) -> Hit:
    day = english_int(match["d"]) if match["d"] else None
    return claimed(match, Reading(context.today.year + _YEARS_EN[match["y"]], _MONTHS[match["mon"]], day))


def _en_year_season(match: re.Match[str], context: Context) -> Hit:
    return claimed(match, season_of(int(match["y"]), match["season"]))


def _en_before_amount(match: re.Match[str], context: Context) -> Hit | None:
    amount = int(match["n"]) if match["n"].isdecimal() else english_int(match["n"])
    return claimed(match, time_ago(context.today, amount, UNITS[match["unit"]])) if amount else None


def _en_short_year(match: re.Match[str], context: Context) -> Hit:
    return claimed(match, year_in_figures(match["y"][1:], context), start=match.start("y"))


def _en_day_word(match: re.Match[str], context: Context) -> Hit:
    return claimed(match, day_away(context.today, _DAYS_EN[match.group()]))


def _en_rel_unit(match: re.Match[str], context: Context) -> Hit:
    steps = {"last": -1, "this": 0, "next": 1}[match["rel"]] if match["rel"] else -2
    unit = match["unit"] or match["before"]
    if unit == "week":
        return claimed(match, day_away(context.today, 7 * steps, approx=True))
    if unit == "month":
        return claimed(match, month_away(context.today, steps))
    year = Reading(context.today.year + steps)
    again = _AGAIN_YEAR.match(context.text, match.end())
    end = again.end() if again and int(again.group(1)) == year.year else match.end()
    return claimed(match, year, end=end)


def _en_weekday(match: re.Match[str], context: Context) -> Hit | None:
    if match["wd2"]:
        return claimed(match, weekday_in_week(context.today, -1, _WEEKDAYS[match["wd2"]]))
    weekday, rel = _WEEKDAYS[match["wd"]], match["rel"]
    told = rel or match["of"] or (
        _CLOSES.match(context.text, match.end())
        and (context.whole(*match.span()) or _DID_BEFORE.search(context.before(match.start())))
    )
    if not told or _DATE_FOLLOWS.match(context.text, match.end()):
        return None
    if match["wd"] in _SHORT_WEEKDAYS and rel is None and not context.whole(*match.span()):
        return None
    if match["of"]:
        return claimed(match, weekday_in_week(context.today, -1, weekday))
    if rel in ("this", "next"):
        return claimed(match, weekday_in_week(context.today, int(rel == "next"), weekday))
    return claimed(match, weekday_before(context.today, weekday))


def _en_day_only(match: re.Match[str], context: Context) -> Hit | None:
    day = english_int(match["d"]) or 0
    lead = match["lead"]
    if match["month"] or lead.startswith("last"):
        months = -1 if lead.startswith("last") or match["month"] == "last" else 0
        return claimed(match, replace(month_away(context.today, months), day=day))
    if context.whole(*match.span()):
        return day_alone(match, latest_day(context.today, day))
    if AMENDS.search(context.before(match.start())):
        return day_alone(match, latest_day(context.today, day))
    if not lead.startswith("on") or not _DAY_ONLY_ENDS.match(context.text, match.end()):
        return None
    return day_alone(match, latest_day(context.today, day))


def _stands_apart(context: Context, start: int, end: int) -> bool:
    """Say whether a year closes its clause behind a plain word ("hired 2014, ...") or another clause."""
    return bool(
        _CLOSES.match(context.text, end)
        and _PLAIN_BEFORE.search(context.before(start))
        and not _LABEL_BEFORE.search(context.before(start))
    )


def _year_alone(match: re.Match[str], context: Context) -> Hit | None:
    year = _english_year(match["y"], context)
    if year.year > context.today.year + FUTURE_REACH:
        return None
    if _MEASURE_AFTER.match(context.text, match.end()) or _STREET_AFTER.match(context.text, match.end()):
        return None
    start, end = match.span()
    if (
        context.whole(start, end)
        or _BEFORE_YEAR.search(context.before(start))
        or POINT_AFTER.match(context.text, end)
        or _stands_apart(context, start, end)
        or _HEDGE_AFTER.match(context.text, end)
    ):
        return claimed(match, year)
    return None


ENGLISH_RULES: Rules = (
    (_EN_MONTH, _en_month),
    (_EN_SPOKEN, _en_spoken),
    (_EN_YEAR_FIRST, _en_year_first),
    (_EN_DAY_MONTH, _en_day_month),
    (_EN_SEASON, _en_season),
    (_EN_YEAR_SEASON, _en_year_season),
    (_EN_BEFORE_AMOUNT, _en_before_amount),
    (_EN_PART, _en_part),
    (_EN_AGO, _en_ago),
    (_EN_REL_YEAR_MONTH, _en_rel_year_month),
    (_EN_DAY_WORD, _en_day_word),
    (_EN_REL_UNIT, _en_rel_unit),
    (_EN_WEEKDAY, _en_weekday),
    (_EN_DAY_ONLY, _en_day_only),
    (_EN_HOLIDAY, _en_holiday),
)
YEAR_RULES: Rules = ((_YEAR_ALONE, _year_alone), (_EN_SHORT_YEAR, _en_short_year))
HAS_ENGLISH_DATE = re.compile(
    rf"(?<![a-z])(?:{_MON}|{_WD})(?![a-z])|ago|back|now|day|week|month|year|night|morning|afternoon|evening|the\s"
    r"|early|late|mid|half|spring|summer|fall|autumn|winter|christmas|thanksgiving|halloween|tomorrow|nineteen|twenty|thousand"
)
