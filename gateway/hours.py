"""When somebody answers the telephone: open or closed at a moment, told in the person's own time.

Pure but for reading its files once. Opening times are wall-clock times of the place where the telephone stands, so that
a change of the clocks there, or where the person is, moves nothing that should stay.
"""

from __future__ import annotations

import datetime
import re
import zoneinfo
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, cast

import yaml
from dateutil.rrule import rrulestr
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from gateway.chat import json_response
from gateway.language import DEFAULT, Language, from_header, from_tag
from gateway.settings import CONTENT, WEB
from gateway.strings import Strings
from triage.content import Channel, Content

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_ONE_DAY = datetime.timedelta(days=1)
# Longer than any stretch of weekend, holidays and closed days in a row.
_LOOK_AHEAD_DAYS = 30
_NOON = 12
_DEFAULT_PHONE = "contact_center"


@dataclass(frozen=True)
class Holiday:
    """A day off that comes every year.

    Attributes:
        rule: when, as an RRULE (RFC 5545).
        name: by language.
    """

    rule: str
    name: Mapping[str, str]


@dataclass(frozen=True, eq=False)
class Calendar:
    """Days off: those of every year, moved off the weekend as the law has it, and single ones.

    Attributes:
        before: a weekday (0 = Monday); a holiday that falls on it is kept the day before.
        after: likewise, the day after.
        closed_days: single days.
    """

    holidays: tuple[Holiday, ...]
    before: int
    after: int
    closed_days: frozenset[datetime.date]

    def holiday(self, day: datetime.date) -> Holiday | None:
        """The holiday that is kept on a day."""
        # The first of January may be kept in the year before.
        return self._kept(day.year).get(day) or self._kept(day.year + 1).get(day)

    @cache  # noqa: B019 - one calendar, made at start; a few years
    def _kept(self, year: int) -> Mapping[datetime.date, Holiday]:
        kept = {}
        start = datetime.datetime(year, 1, 1)
        for holiday in self.holidays:
            day = rrulestr(holiday.rule, dtstart=start)[0].date()
            shift = {self.before: -1, self.after: 1}.get(day.weekday(), 0)
            kept[day + shift * _ONE_DAY] = holiday
        return kept


@dataclass(frozen=True)
class Schedule:
    """The opening times of one telephone.

    Attributes:
        zone: of the times.
        days: weekdays, 0 = Monday.
        start: when it opens.
        end: when it closes, on the same day.
        on_holidays: whether it is open on those, too.
    """

    zone: zoneinfo.ZoneInfo
    days: frozenset[int]
    start: datetime.time
    end: datetime.time
    on_holidays: bool

    def opening(self, day: datetime.date, calendar: Calendar) -> tuple[datetime.datetime, datetime.datetime] | None:
        """From when until when it is open on a day; None if it stays closed."""
        if day.weekday() not in self.days or day in calendar.closed_days:
            return None
        if not self.on_holidays and calendar.holiday(day):
            return None
        return (
            datetime.datetime.combine(day, self.start, self.zone),
            datetime.datetime.combine(day, self.end, self.zone),
        )


@dataclass(frozen=True)
class Status:
    """Open or closed.

    Attributes:
        changes_at: when that changes.
        holiday: why it is closed on what would be a day of work.
    """

    open: bool
    changes_at: datetime.datetime
    holiday: Holiday | None


def status(schedule: Schedule, calendar: Calendar, now: datetime.datetime) -> Status:
    """Open or closed at a moment.

    Args:
        now: with a time zone, any.

    Raises:
        ValueError: it does not open within a month; the calendar is wrong.
    """
    today = now.astimezone(schedule.zone).date()
    for ahead in range(_LOOK_AHEAD_DAYS):
        opening = schedule.opening(today + ahead * _ONE_DAY, calendar)
        if opening is None or opening[1] <= now:
            continue
        if opening[0] <= now:
            return Status(True, opening[1], None)
        holiday = None
        if today.weekday() in schedule.days and not schedule.on_holidays:
            holiday = calendar.holiday(today)
        return Status(False, opening[0], holiday)
    raise ValueError(f"closed for {_LOOK_AHEAD_DAYS} days")


@cache
def _zones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())


def zone_of(name: str | None) -> zoneinfo.ZoneInfo | None:
    """A time zone by its name; None for what is none."""
    return zoneinfo.ZoneInfo(name) if name in _zones() else None


@dataclass(frozen=True)
class Hours:
    """Telephones with their opening times, and the words for them."""

    schedules: Mapping[str, Schedule]
    calendar: Calendar
    channels: Mapping[str, Channel]
    words: Strings

    @classmethod
    def load(cls, content: Path = CONTENT, words: Path = WEB / "strings" / "hours.yml") -> Hours:
        """Read `content/hours.yml` and what it goes with.

        Raises:
            KeyError, ValueError: something in them is missing or wrong.
        """
        table: dict[str, Any] = yaml.safe_load((content / "hours.yml").read_text(encoding="utf-8"))
        calendar = Calendar(
            tuple(Holiday(entry["rule"], entry["name"]) for entry in table["holidays"].values()),
            _DAYS.index(table["observed"]["before"]),
            _DAYS.index(table["observed"]["after"]),
            frozenset(entry["day"] for entry in table["closed_days"]),
        )
        schedules = {key: _schedule(entry) for key, entry in table["phones"].items()}
        channels = {key: channel for key, channel in Content.load(content).channels.items() if key in schedules}
        if channels.keys() != schedules.keys():
            raise ValueError("hours.yml: a telephone is not in channels.yml")
        return cls(schedules, calendar, channels, Strings(words))

    @property
    def posted_zone(self) -> zoneinfo.ZoneInfo:
        """The time zone in which times are told to somebody whose own is not known."""
        return self.schedules[_DEFAULT_PHONE].zone

    def told(
        self, language: Language, now: datetime.datetime, zone: str | None = None, phone: str = _DEFAULT_PHONE
    ) -> dict[str, Any]:
        """What a page shows of a telephone: number, posted hours, whether somebody answers now.

        Args:
            now: with a time zone, any.
            zone: name of the person's own, such as `Asia/Shanghai`; without one, or with an unknown one, the time of
                the telephone's own place is told.
            phone: key in `content/hours.yml`.
        """
        schedule, channel = self.schedules[phone], self.channels[phone]
        state = status(schedule, self.calendar, now)
        own = zone_of(zone)
        shown = own or schedule.zone
        values = {
            "when": self._when(state.changes_at.astimezone(shown), now.astimezone(shown).date(), language),
            "zone": self.words("zone_own" if own else "zone_posted", language),
        }
        key = "open" if state.open else "closed"
        if state.holiday:
            key, values["holiday"] = "closed_holiday", state.holiday.name[language]
        number = str(channel.phone)
        return {
            "key": phone,
            "name": channel.name[language],
            "phone": number,
            "phone_link": _link(number),
            "tty": channel.tty,
            "tty_link": _link(channel.tty) if channel.tty else None,
            "hours": channel.hours[language] if channel.hours else "",
            "languages": channel.languages_note[language] if channel.languages_note else "",
            "open": state.open,
            "now": self.words(key, language, values),
            "changes_at": state.changes_at.astimezone(datetime.UTC).isoformat().replace("+00:00", "Z"),
            "zone": shown.key,
        }

    def _when(self, moment: datetime.datetime, today: datetime.date, language: Language) -> str:
        time = self.words(
            "before_noon" if moment.hour < _NOON else "after_noon",
            language,
            {
                "hour12": str(moment.hour % _NOON or _NOON),
                "hour": str(moment.hour),
                "minute": f"{moment.minute:02}",
            },
        )
        ahead = (moment.date() - today).days
        key = {0: "today", 1: "tomorrow"}.get(ahead, "weekday")
        day = self.words("days", language).split(",")[moment.weekday()]
        return self.words(key, language, {"time": time, "day": day})


class HoursRoute:
    """`GET /chat/hours`: for the page's script, which knows the person's time zone. Needs no session.

    Args:
        clock: what time it is, with a time zone.
    """

    def __init__(self, hours: Hours, clock: Callable[[], datetime.datetime]) -> None:
        self._hours = hours
        self._clock = clock

    async def hours(self, request: Request) -> Response:
        """The route: `?language=` (or the browser's), `?zone=`."""
        asked = from_tag(request.query_params.get("language") or request.query_params.get("lang") or "")
        language = asked or from_header(request.headers.get("accept-language")) or DEFAULT
        return json_response(self._hours.told(language, self._clock(), request.query_params.get("zone")))

    def router(self) -> APIRouter:
        """The routes."""
        router = APIRouter()
        router.add_route("/chat/hours", self.hours, methods=["GET"])
        return router


def utc_now() -> datetime.datetime:
    """The present moment."""
    return datetime.datetime.now(datetime.UTC)


def _schedule(entry: Mapping[str, Any]) -> Schedule:
    return Schedule(
        zoneinfo.ZoneInfo(entry["time_zone"]),
        frozenset(_DAYS.index(day) for day in entry["days"]),
        datetime.time.fromisoformat(entry["from"]),
        datetime.time.fromisoformat(entry["until"]),
        cast("bool", entry["open_on_holidays"]),
    )


def _link(number: str) -> str:
    digits = re.sub(r"\D", "", number)
    return "tel:+" + digits
