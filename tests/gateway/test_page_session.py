"""The page's session: its cookie, more time, and the buttons that are always there."""

from __future__ import annotations

import html
import json
import re
import sqlite3
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.tokens import Tokens
from tests.gateway.conftest import FrontDoor, Person
from tests.gateway.fake_rasa import FakeRasaServer

LOOKED_AT = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document", "Accept": "text/html"}


def test_more_time(client: httpx.Client, person: Person) -> None:
    renewed = person.post("/chat/session/renew")
    assert renewed.status_code == 200
    assert set(renewed.json()) == {"session", "expires_at"}
    assert renewed.json()["expires_at"] >= person.opened["expires_at"]
    assert renewed.json()["session"] != person.opened["session"]
    assert "set-cookie" not in renewed.headers
    assert person.say("with the old one, on its way", "1").status_code == 200
    headers = {"Authorization": f"Bearer {renewed.json()['session']}"}
    assert client.get("/chat/history", headers=headers).json() == person.history().json()
    assert client.post("/chat/session/renew").status_code == 401


def test_the_cookie_is_a_session(client: httpx.Client) -> None:
    page = client.get("/chat/", headers=LOOKED_AT)
    assert client.get("/chat/history").json()["messages"]
    first = client.cookies["guide_session"]
    assert client.post("/chat/session/renew", headers={"Sec-Fetch-Site": "same-origin"}).status_code == 200
    assert client.cookies["guide_session"] != first
    assert client.post("/chat/session/renew", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 401
    assert client.get("/chat/", headers=LOOKED_AT).text.count("<li class=") == page.text.count("<li class=")


@pytest.mark.parametrize(
    ("payload", "status", "title"),
    [
        ('/change_answer{"answer_name": "email"}', 200, "Change: Email"),
        ("/go_back", 200, "Back one question"),
        ('/switch_language{"language":"zh-Hant"}', 200, "用繁體中文繼續"),
        ('/change_answer{"answer_name": "nothing"}', 400, None),
        ('/change_answer{"answer_name": "email"} ', 400, None),
        ('/switch_language{"language":"fr"}', 400, None),
        ("/restart", 400, None),
    ],
)
def test_standing_buttons(person: Person, payload: str, status: int, title: str | None) -> None:
    answer = person.post("/chat/messages", {"id": "1", "payload": payload})
    assert answer.status_code == status
    said = [one["text"] for one in person.history().json()["messages"] if one["from"] == "person"]
    assert said == ([title] if title else [])


def test_what_the_page_knows_does_not_travel_again(client: httpx.Client) -> None:
    client.get("/chat/", headers={**LOOKED_AT, "Accept-Language": "en"})
    assert "<ol" not in client.get("/chat/?said=1&shown=en").text
    for other in ("said=1&shown=zh-Hans", "said=2&shown=en", "shown=en", ""):
        assert "<ol" in client.get(f"/chat/?{other}").text


def test_a_form_sent_twice_is_one_answer(door: FrontDoor, client: httpx.Client) -> None:
    page = client.get("/chat/", headers=LOOKED_AT).text
    found = re.search(r'<form id="form".*?name="message" value="(\w+)"', page, re.DOTALL)
    assert found
    form: dict[str, Any] = {"message": found[1], "text": "hello\r\nthere"}
    for _ in range(2):
        answer = client.post("/chat/say", data=form)
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/chat/")
    said = [one for one in client.get("/chat/history").json()["messages"] if one["from"] == "person"]
    assert [one["text"] for one in said] == ["hello\nthere"]


def test_the_first_answer_opens_the_conversation(client: httpx.Client) -> None:
    answer = client.post("/chat/say", data={"message": "1", "text": "你好", "language": "zh-Hant"})
    assert answer.status_code == 303
    assert "你好" in html.unescape(client.get("/chat/").text)


@pytest.mark.parametrize(
    ("form", "said"),
    [({"message": "1", "text": "  "}, "empty"), ({"text": "x"}, "id"), ({"message": "1"}, "button"), ({}, "id")],
)
def test_a_refused_form_is_the_page(client: httpx.Client, form: dict[str, str], said: str) -> None:
    client.get("/chat/", headers={**LOOKED_AT, "Accept-Language": "en"})
    answer = client.post("/chat/say", data=form, headers={"Accept-Language": "en"})
    assert answer.status_code == 400
    banner = re.search(r'<section id="banner".*?<p id="told">([^<]*)</p>', answer.text, re.DOTALL)
    assert banner
    assert said in banner[1]


def _ends_in(door: FrontDoor, client: httpx.Client, minutes: int) -> None:
    """Have the one session of a browser end then."""
    tokens = Tokens(door.environment["SESSION_KEY"])
    expires_at = int((time.time() + minutes * 60 + 30) * 1000)
    old = tokens.read_session(client.cookies["guide_session"], 0)
    token, token_hash = tokens.new_session(expires_at)
    with sqlite3.connect(door.data / "gateway.db") as database:
        database.execute(
            "UPDATE sessions SET token_hash = ?, expires_at = ? WHERE token_hash = ?", (token_hash, expires_at, old)
        )
    client.cookies.set("guide_session", token, domain="127.0.0.1", path="/chat")


def _ending(page: str) -> tuple[bool, str]:
    """Whether more time is offered, and with which words."""
    found = re.search(r'<form id="ending"([^>]*)><p>([^<]*)</p><button', page)
    assert found
    return "hidden" not in found[1], html.unescape(found[2])


@pytest.mark.parametrize(
    ("language", "said"), [("en", "in 9 minutes"), ("zh-Hans", "再过 9 分钟"), ("zh-Hant", "再過 9 分鐘")]
)
def test_the_end_is_told_without_a_script(door: FrontDoor, client: httpx.Client, language: str, said: str) -> None:
    page = client.get(f"/chat/?lang={language}", headers=LOOKED_AT).text
    assert _ending(page) == (False, "")
    _ends_in(door, client, 9)
    offered, words = _ending(client.get("/chat/").text)
    assert offered
    assert said in words
    assert client.post("/chat/renew", data={}).status_code == 303
    assert _ending(client.get("/chat/").text) == (False, "")


def test_a_session_that_has_just_ended_takes_no_answer(door: FrontDoor, client: httpx.Client) -> None:
    client.get("/chat/", headers={**LOOKED_AT, "Accept-Language": "en"})
    before = len(door.rasa.turns)
    _ends_in(door, client, -1)
    answer = client.post("/chat/say", data={"message": "1", "text": "My name is <b>", "language": "en"})
    assert answer.status_code == 401
    assert "no longer open" in answer.text
    assert ">My name is &lt;b&gt;</textarea>" in answer.text, "kept"
    assert [turn["event"] for turn in door.rasa.turns[before:]] == ["open"], "and told to nobody"
    assert client.post("/chat/say", data={"message": "2", "text": "again"}).status_code == 303


def test_a_full_house_keeps_the_answer(door: FrontDoor, client: httpx.Client) -> None:
    """No new conversation can be opened in place of one that is over."""
    client.get("/chat/", headers={**LOOKED_AT, "Accept-Language": "en"})
    _ends_in(door, client, -1)
    door.rasa.status = 503
    try:
        answer = client.post("/chat/say", data={"message": "1", "text": "all of this", "language": "en"})
    finally:
        door.rasa.status = 200
    assert answer.status_code == 503
    assert ">all of this</textarea>" in answer.text


def test_leaving_waits_for_nothing_and_always_leads_away(engine: FakeRasaServer, tmp_path: Path) -> None:
    """Also when the database is busy, and when it is broken; that is noted, without saying who left."""
    door = FrontDoor(engine, tmp_path)
    try:
        with httpx.Client(base_url=door.url, timeout=30, trust_env=False) as client:
            client.get("/chat/", headers=LOOKED_AT)
            token = client.cookies["guide_session"]
            with sqlite3.connect(tmp_path / "gateway.db", isolation_level=None) as database:
                database.execute("BEGIN EXCLUSIVE")
                began = time.monotonic()
                assert _leaves(client)
                assert time.monotonic() - began < 2
                database.execute("ROLLBACK")
                database.execute("DROP TABLE sessions")
            client.cookies.set("guide_session", token, domain="127.0.0.1", path="/chat")
            assert _leaves(client)
            client.cookies.set("guide_session", "x", domain="127.0.0.1", path="/chat")
            assert _leaves(client)
    finally:
        door.stop()
    lines = [json.loads(line) for line in door.log.read_text(encoding="utf-8").splitlines()]
    noted = [line for line in lines if line["event"] == "a session was left but not ended"]
    assert noted
    assert {line["reason"] for line in noted} == {"OperationalError"}
    assert token not in door.log.read_text(encoding="utf-8")


def _leaves(client: httpx.Client) -> bool:
    """Whether leaving leads away, and leaves nothing behind."""
    answer = client.get("/chat/leave")
    assert answer.status_code == 303
    assert "storage" in answer.headers["clear-site-data"]
    assert "guide_session" not in client.cookies
    return answer.headers["location"].startswith("https://")
