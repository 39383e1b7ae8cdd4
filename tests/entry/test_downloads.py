"""What a person takes along: all of it, in their language, for nobody else, and with no code in any address."""

from __future__ import annotations

import datetime
import re
from html import unescape

import httpx
import icalendar
import pytest
import segno
from playwright.sync_api import Browser, expect

from gateway.language import LANGUAGES, Language
from gateway.links import CALENDARS, calendar_file
from gateway.settings import WEB
from gateway.strings import Strings
from tests.entry.conftest import Watched
from tests.gateway.conftest import FrontDoor, Person, open_conversation

CODE = re.compile(r"(?:[2-9A-Z]{4}-){3}[2-9A-Z]{4}")
BAD_TEXT = "first\r\nAssistant: I promise everything\nthird\rfourth\u2028fifth\x07 案件 \u202egnorw <b>&"


@pytest.fixture
def person(client: httpx.Client) -> Person:
    return open_conversation(client, language="en")


def transcript(person: Person, **query: str) -> httpx.Response:
    return person.client.get("/chat/transcript.txt", params=query, headers=person.headers)


# ---- the conversation as text


def test_transcript_says_who_said_what(person: Person) -> None:
    person.say("It has been two years", "m1")
    person.say("done", "m2")
    answer = transcript(person)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="conversation.txt"'
    assert answer.headers["cache-control"] == "no-store"
    text = answer.content.decode("utf-8")
    assert not text.startswith("\ufeff")
    assert re.sub("\r\n", "", text).count("\n") == re.sub("\r\n", "", text).count("\r") == 0
    lines = text.split("\r\n")
    assert lines[0] == "Help with a USCIS case"
    assert "Eastern Time" in lines[1]
    talk = [line for line in lines if line.startswith("    ") or re.match(r"\d\d:\d\d ", line)]
    assert [re.sub(r"^\d\d:\d\d ", "", line) for line in talk] == [
        "Assistant:",
        "    Hello. What is wrong with your case?",
        "    ○ It takes too long",
        "You:",
        "    It has been two years",
        "Assistant:",
        "    2: It has been two years",
        "You:",
        "    done",
        "Assistant:",
        "    3: done",
        "    File: Your request",
        "    File: Calendar",
        "    Link: USCIS, https://egov.uscis.gov/",
    ]
    assert "/chat/files" not in text


@pytest.mark.parametrize(
    ("language", "title", "guide", "you"),
    [("zh-Hans", "USCIS 个案求助", "助手：", "您："), ("zh-Hant", "USCIS 案件求助", "助手：", "您：")],
)
def test_transcript_in_another_language(person: Person, language: str, title: str, guide: str, you: str) -> None:
    person.say("two years", "m1")
    answer = transcript(person, language=language)
    assert answer.headers["content-language"] == language
    lines = answer.text.split("\r\n")
    assert lines[0] == title
    assert f"    [{language}] 2: two years" in lines  # the guide's part
    assert "    two years" in lines  # the person's own words
    assert sum(line.endswith(guide) for line in lines) == 2
    assert sum(line.endswith(you) for line in lines) == 1


def test_nobody_is_made_to_say_something(person: Person) -> None:
    person.say(BAD_TEXT, "m1")
    text = transcript(person).content.decode("utf-8")
    assert "\x07" not in text
    at_the_margin = [line for line in text.split("\r\n") if line and not line.startswith("    ")]
    assert not any("promise" in line for line in at_the_margin)
    for line in ("first", "Assistant: I promise everything", "third", "fourth", "fifth 案件 \u202egnorw <b>&"):
        assert f"    {line}" in text.split("\r\n")


def test_times_in_the_persons_own_zone(person: Person) -> None:
    times = {
        zone: re.findall(r"^(\d\d:\d\d) ", transcript(person, zone=zone).text, re.MULTILINE)[0]
        for zone in ("UTC", "Asia/Shanghai", "Asia/Kolkata")
    }
    hours = {zone: int(time[:2]) * 60 + int(time[3:]) for zone, time in times.items()}
    assert (hours["Asia/Shanghai"] - hours["UTC"]) % 1440 == 480
    assert (hours["Asia/Kolkata"] - hours["UTC"]) % 1440 == 330
    assert "your time" in transcript(person, zone="Asia/Shanghai").text
    assert "Eastern Time" in transcript(person, zone="../../etc/passwd").text


def test_tracking_number_stands_in_it(person: Person) -> None:
    person.say("submit CA-2345-6789-ABCD", "m1")
    assert "Tracking number: CA-2345-6789-ABCD" in transcript(person).text


def test_only_for_who_holds_the_session(client: httpx.Client, person: Person) -> None:
    assert client.get("/chat/transcript.txt").status_code == 401
    assert client.get("/chat/transcript.txt", headers={"Authorization": "Bearer x"}).status_code == 401
    other = open_conversation(client)
    person.say("my own secret", "m1")
    assert "my own secret" not in transcript(other).text
    assert transcript(person, language="xx").status_code == 400


def test_the_cookie_opens_it_too(client: httpx.Client, person: Person) -> None:
    person.say("by cookie", "m1")
    answer = client.get("/chat/transcript.txt", headers={"Cookie": f"guide_session={person.opened['session']}"})
    assert "by cookie" in answer.text


def links_of(person: Person) -> dict[str, str]:
    """The downloads that the page shows: address by title."""
    page = person.client.get("/chat/", headers={**person.headers, "Accept": "text/html"})
    found = re.findall(r'<a class="button" href="([^"]+)" download>([^<]+)</a>', page.text)
    return {unescape(title): unescape(url) for url, title in found}


def test_in_a_frame_the_address_itself_opens_it(client: httpx.Client, person: Person) -> None:
    person.say("in a frame", "m1")
    url = links_of(person)["This conversation as a text file"]
    assert "in a frame" in client.get(url).text
    assert client.get(url.replace("/chat/transcript/", "/chat/transcript/x")).status_code == 404
    client.delete("/chat/session", headers=person.headers)
    assert client.get(url).status_code == 404


def test_the_page_offers_what_there_is(person: Person) -> None:
    assert list(links_of(person)) == ["This conversation as a text file"]
    person.say("done", "m1")
    person.say("submit CA-2345-6789-ABCD", "m2")
    links = links_of(person)
    assert list(links) == ["This conversation as a text file", "Your request (PDF)", "Calendar"]
    assert links["Your request (PDF)"].endswith("/request.pdf")
    calendar = person.client.get(links["Calendar"])
    assert calendar.headers["content-type"].startswith("text/calendar")
    assert b"DTSTART;VALUE=DATE:20270301" in calendar.content


DAY = datetime.date(2028, 2, 29)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", CALENDARS)
def test_calendar_files(kind: str, language: Language) -> None:
    words = Strings(WEB / "strings" / "calendar.yml")
    body = calendar_file(kind, DAY, language, words, "label")
    (entry,) = icalendar.Calendar.from_ical(body).walk("VEVENT")
    assert (entry["dtstart"].dt, entry["dtend"].dt) == (DAY, datetime.date(2028, 3, 1))
    assert entry["summary"] == words(f"{kind}_summary", language)
    assert entry["summary"].params["LANGUAGE"] == language
    assert entry["description"] == words(f"{kind}_description", language)
    assert calendar_file(kind, DAY, language, words, "label") == body  # taken twice, it is there once
    assert all(len(line) <= 75 for line in body.split(b"\r\n"))


# ---- the code


def saved(person: Person) -> str:
    return str(person.post("/chat/save").json()["resume_code"])


def sheet(person: Person, code: str, **headers: str) -> httpx.Response:
    return person.client.post("/chat/sheet", data={"code": code}, headers=person.headers | headers)


def test_sheet_with_code_and_picture(door: FrontDoor, person: Person) -> None:
    code = saved(person)
    answer = sheet(person, code)
    assert answer.status_code == 200
    assert f">{code}</strong>" in answer.text
    assert f"<b>{door.url}/chat/</b>" in answer.text
    drawn = re.search(r'<path[^>]* stroke="#000" d="([^"]+)"', answer.text)
    wanted = segno.make(f"{door.url}/chat/#code={code}", error="m", micro=False).svg_inline(border=4)
    assert drawn is not None
    assert drawn[1] in wanted
    assert code not in door.log.read_text()


@pytest.mark.parametrize("given", ["", "ABCD", "2345-6789-ABCD-EFGH", "<script>"])
def test_no_sheet_for_another_code(person: Person, given: str) -> None:
    saved(person)
    answer = sheet(person, given)
    assert answer.status_code == 404
    assert "<svg" not in answer.text


def test_no_sheet_for_a_code_that_no_longer_works(client: httpx.Client, person: Person) -> None:
    first, second = saved(person), saved(person)
    assert sheet(person, first).status_code == 404
    assert sheet(open_conversation(client), second).status_code == 404
    assert sheet(person, second).status_code == 200
    assert client.post("/chat/sheet", data={"code": second}).status_code == 401


def test_no_other_site_gets_a_sheet(person: Person) -> None:
    assert sheet(person, saved(person), **{"Sec-Fetch-Site": "cross-site"}).status_code == 403


def test_save_print_and_go_on_elsewhere(browser: Browser, door: FrontDoor, window: Watched) -> None:
    """The whole way in a browser: save, look at the sheet, open what the picture says on another device."""
    page = window.page
    page.goto(f"{door.url}/chat/?lang=en")
    page.wait_for_selector("#messages li")
    page.fill("#answer", "I started here")
    page.press("#answer", "Enter")
    page.wait_for_selector("#messages >> text=2: I started here")
    page.click("#save > summary")
    page.fill("#year", "1978")
    page.click("#save button")
    code = page.locator("#banner .code").inner_text()
    assert CODE.fullmatch(code)
    assert page.locator("#banner .qr svg").bounding_box()["width"] >= 150  # type: ignore[index]
    assert window.axe() == []
    with page.context.expect_page() as opened:
        page.click("form[action='/chat/sheet'] button")
    printed = Watched(opened.value)
    printed.page.wait_for_selector("svg")
    assert printed.axe() == []
    printed.shot("sheet")
    assert printed.page.locator(".code").inner_text() == code
    printed.page.emulate_media(media="print")
    printed.shot("sheet-printed")
    assert not printed.page.is_visible("button")
    assert printed.page.is_visible(".qr svg")

    context = browser.new_context(locale="en-US")
    elsewhere = context.new_page()
    asked: list[str] = []
    elsewhere.on("request", lambda request: asked.append(request.url))
    elsewhere.goto(f"{door.url}/chat/#code={code}")
    expect(elsewhere.locator("#code")).to_have_value(code)
    assert elsewhere.evaluate("location.hash") == ""
    assert elsewhere.locator("#messages").inner_text().count("I started here") == 0
    elsewhere.fill("#born", "1978")
    elsewhere.click("form[action='/chat/resume'] button")
    elsewhere.wait_for_selector("#messages >> text=2: I started here")
    assert not any(code in url.split("#")[0] for url in asked)
    assert code not in door.log.read_text()
    context.close()
