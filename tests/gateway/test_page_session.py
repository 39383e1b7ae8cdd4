"""The page's session: its cookie, more time, and the buttons that are always there."""

from __future__ import annotations

import html
import re
from typing import Any

import httpx
import pytest

from tests.gateway.conftest import FrontDoor, Person

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
    banner = re.search(r'<section id="banner".*?<p>([^<]*)</p>', answer.text, re.DOTALL)
    assert banner
    assert said in banner[1]
