"""Whether the telephone is answered: at the edges of the hours, on days off, when clocks change, far away."""

from __future__ import annotations

import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx
import pytest
import yaml

from gateway.hours import Hours, status
from gateway.language import LANGUAGES, Language
from gateway.settings import CONTENT

EASTERN = ZoneInfo("America/New_York")
HOURS = Hours.load()
SCHEDULE = HOURS.schedules["contact_center"]


def eastern(text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(text).replace(tzinfo=EASTERN)


# Moment in Eastern Time, open or not, when that changes.
MOMENTS = [
    ("2026-11-24T07:59:59", False, "2026-11-24T08:00"),
    ("2026-11-24T08:00:00", True, "2026-11-24T20:00"),
    ("2026-11-24T19:59:59", True, "2026-11-24T20:00"),
    ("2026-11-24T20:00:00", False, "2026-11-25T08:00"),
    ("2026-11-20T20:00:00", False, "2026-11-23T08:00"),  # Friday evening
    ("2026-11-21T12:00:00", False, "2026-11-23T08:00"),  # Saturday
    ("2026-11-22T23:59:59", False, "2026-11-23T08:00"),  # Sunday
    ("2026-11-25T20:00:00", False, "2026-11-27T08:00"),  # evening before Thanksgiving
    ("2026-11-26T12:00:00", False, "2026-11-27T08:00"),  # Thanksgiving
    ("2026-12-24T21:00:00", False, "2026-12-28T08:00"),  # Christmas on a Friday, then the weekend
    ("2026-07-03T12:00:00", False, "2026-07-06T08:00"),  # Independence Day on a Saturday, kept on Friday
    ("2027-07-05T12:00:00", False, "2027-07-06T08:00"),  # Independence Day on a Sunday, kept on Monday
    ("2027-12-31T12:00:00", False, "2028-01-03T08:00"),  # New Year of 2028 on a Saturday, kept in the year before
    ("2028-01-03T12:00:00", True, "2028-01-03T20:00"),
    ("2026-03-06T20:30:00", False, "2026-03-09T08:00"),  # clocks go forward on Sunday, March 8
    ("2026-03-09T08:00:00", True, "2026-03-09T20:00"),
    ("2026-10-30T19:59:00", True, "2026-10-30T20:00"),  # clocks go back on Sunday, November 1
    ("2026-11-01T01:30:00", False, "2026-11-02T08:00"),
    ("2026-11-02T07:59:00", False, "2026-11-02T08:00"),
]


@pytest.mark.parametrize(("moment", "is_open", "changes"), MOMENTS)
@pytest.mark.parametrize("seen_from", ["America/New_York", "UTC", "Asia/Shanghai"])
def test_open_or_closed(moment: str, is_open: bool, changes: str, seen_from: str) -> None:
    now = eastern(moment).astimezone(ZoneInfo(seen_from))
    state = status(SCHEDULE, HOURS.calendar, now)
    assert (state.open, state.changes_at.astimezone(EASTERN)) == (is_open, eastern(changes))


# As the Office of Personnel Management has them.
HOLIDAYS = {
    2026: "01-01 01-19 02-16 05-25 06-19 07-03 09-07 10-12 11-11 11-26 12-25",
    2027: "01-01 01-18 02-15 05-31 06-18 07-05 09-06 10-11 11-11 11-25 12-24 12-31",
    2028: "01-17 02-21 05-29 06-19 07-04 09-04 10-09 11-10 11-23 12-25",
    2029: "01-01 01-15 02-19 05-28 06-19 07-04 09-03 10-08 11-12 11-22 12-25",
}


@pytest.mark.parametrize("year", HOLIDAYS)
def test_federal_holidays(year: int) -> None:
    days = [datetime.date(year, 1, 1) + datetime.timedelta(days=n) for n in range(366)]
    kept = [f"{day:%m-%d}" for day in days if day.year == year and HOURS.calendar.holiday(day)]
    assert kept == HOLIDAYS[year].split()


# Language, Eastern moment, zone of the person, what is said.
SAID: list[tuple[Language, str, str | None, str]] = [
    ("en", "2026-11-24T07:59", None, "Closed now. It opens at 8:00 a.m. today (Eastern Time)."),
    ("en", "2026-11-24T08:00", None, "Open now, until 8:00 p.m. today (Eastern Time)."),
    ("en", "2026-11-24T20:00", None, "Closed now. It opens at 8:00 a.m. tomorrow (Eastern Time)."),
    ("en", "2026-11-21T12:00", None, "Closed now. It opens at 8:00 a.m. on Monday (Eastern Time)."),
    (
        "en",
        "2026-11-26T12:00",
        None,
        "Closed now for a U.S. holiday, Thanksgiving Day. It opens at 8:00 a.m. tomorrow (Eastern Time).",
    ),
    ("en", "2026-11-24T12:00", "America/Los_Angeles", "Open now, until 5:00 p.m. today (your time)."),
    ("en", "2026-11-24T12:00", "Asia/Kolkata", "Open now, until 6:30 a.m. tomorrow (your time)."),
    ("en", "2026-11-24T12:00", "No/Where", "Open now, until 8:00 p.m. today (Eastern Time)."),
    ("zh-Hans", "2026-11-24T08:00", "Asia/Shanghai", "现在有人接听，到明天 9:00 为止（您当地时间）。"),
    ("zh-Hans", "2026-07-15T08:00", "Asia/Shanghai", "现在有人接听，到明天 8:00 为止（您当地时间）。"),
    ("zh-Hans", "2026-11-24T20:00", "Asia/Shanghai", "现在没有人接听，今天 21:00 开始（您当地时间）。"),
    # Friday evening there, Saturday morning here; Monday evening here is Monday morning there.
    ("zh-Hans", "2026-11-20T20:00", "Asia/Shanghai", "现在没有人接听，星期一 21:00 开始（您当地时间）。"),
    # The clocks go back there between closing and opening, and it opens an hour later here.
    ("zh-Hant", "2026-10-30T20:00", "Asia/Taipei", "現在沒有人接聽，星期一 21:00 開始（您當地時間）。"),
    ("zh-Hant", "2026-10-29T20:00", "Asia/Taipei", "現在沒有人接聽，今天 20:00 開始（您當地時間）。"),
    ("zh-Hant", "2026-11-26T12:00", None, "現在是美國聯邦假日（感恩節），沒有人接聽。明天 8:00 開始（美國東部時間）。"),
]


@pytest.mark.parametrize(("language", "moment", "zone", "said"), SAID)
def test_told_in_the_persons_own_time(language: Language, moment: str, zone: str | None, said: str) -> None:
    assert HOURS.told(language, eastern(moment), zone)["now"] == said


def test_a_single_closed_day(tmp_path: Path) -> None:
    for path in CONTENT.glob("*.yml"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    table = yaml.safe_load((tmp_path / "hours.yml").read_text(encoding="utf-8"))
    table["closed_days"] = [{"day": datetime.date(2026, 12, 24), "source": "project"}]
    (tmp_path / "hours.yml").write_text(yaml.safe_dump(table, allow_unicode=True), encoding="utf-8")
    hours = Hours.load(tmp_path)
    state = status(hours.schedules["contact_center"], hours.calendar, eastern("2026-12-24T12:00"))
    assert (state.open, state.changes_at) == (False, eastern("2026-12-28T08:00"))


def test_the_hours_are_not_out_of_date() -> None:
    table = yaml.safe_load((CONTENT / "hours.yml").read_text(encoding="utf-8"))
    assert table["as_of"] <= datetime.date.today() <= table["review_by"]
    assert all(entry["source"] for entry in (*table["phones"].values(), *table["closed_days"]))


def test_hours_are_those_that_people_read() -> None:
    """The sentence in channels.yml and the times in hours.yml say the same."""
    posted = HOURS.channels["contact_center"].hours
    assert posted is not None
    assert "Monday to Friday, 8 a.m. to 8 p.m. Eastern Time" in posted["en"]
    assert (SCHEDULE.start.hour, SCHEDULE.end.hour, SCHEDULE.days) == (8, 20, frozenset(range(5)))


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_route(client: httpx.Client, language: Language) -> None:
    query = {"language": language, "zone": "Asia/Shanghai"}
    before = HOURS.told(language, datetime.datetime.now(datetime.UTC), "Asia/Shanghai")
    told = client.get("/chat/hours", params=query).json()
    after = HOURS.told(language, datetime.datetime.now(datetime.UTC), "Asia/Shanghai")
    assert told in (before, after)
    assert told["zone"] == "Asia/Shanghai"
    assert (told["phone"], told["phone_link"]) == ("1-800-375-5283", "tel:+18003755283")


@pytest.mark.parametrize("query", ["", "?zone=", "?zone=No/Where", "?zone=../../etc/passwd&language=xx", "?zone=%00"])
def test_the_route_without_a_zone_of_use(client: httpx.Client, query: str) -> None:
    told = client.get(f"/chat/hours{query}", headers={"Accept-Language": "zh-TW"}).json()
    assert told["zone"] == "America/New_York"
    assert "美國東部時間" in told["now"]
