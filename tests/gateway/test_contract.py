"""Every promise of the chat interface, over HTTP."""

from __future__ import annotations

import datetime
import html
import json
import re
from typing import Any

import httpx
import pytest

from tests.gateway.conftest import FrontDoor, Person, open_conversation
from tests.gateway.fake_rasa import BUTTON, GREETING

STATE_KEYS = {
    "language", "asking", "step", "steps", "outcome", "tracking_number", "grounds", "answers", "skipped"
}  # fmt: skip


def later(text: str) -> datetime.timedelta:
    return datetime.datetime.fromisoformat(text) - datetime.datetime.now(datetime.UTC)


def test_open(client: httpx.Client) -> None:
    opened = open_conversation(client).opened
    assert set(opened) == {"session", "expires_at", "language", "greeting", "state"}
    assert set(opened["state"]) == STATE_KEYS
    assert opened["greeting"][0]["key"] == "utter_greet"
    assert datetime.timedelta(0) < later(opened["expires_at"]) <= datetime.timedelta(hours=24)


@pytest.mark.parametrize(
    ("body", "accept", "language"),
    [
        ({"language": "zh-Hant"}, None, "zh-Hant"),
        ({"language": "zh-Hans"}, "en", "zh-Hans"),
        ({"language": "zh-TW"}, None, "zh-Hant"),
        ({"language": "fr"}, "zh-HK,en;q=0.5", "zh-Hant"),
        ({}, "en-US;q=0.3, zh-CN;q=0.9", "zh-Hans"),
        ({}, "fr", "en"),
        ({}, None, "en"),
        (None, "zh", "zh-Hans"),
    ],
)
def test_first_guess_of_the_language(client: httpx.Client, body: Any, accept: str | None, language: str) -> None:
    headers = {"Accept-Language": accept} if accept else {}
    response = (
        client.post("/chat/session", json=body, headers=headers)
        if body is not None
        else client.post("/chat/session", headers=headers)
    )
    assert response.status_code == 201
    assert response.json()["language"] == language
    assert response.json()["greeting"][0]["text"] == GREETING[language]


def test_the_engine_is_told_no_language_when_there_is_no_hint(door: FrontDoor, client: httpx.Client) -> None:
    open_conversation(client)
    assert door.rasa.turns[-1]["language"] is None


def test_message(door: FrontDoor, person: Person) -> None:
    answer = person.say("/restart", "a").json()
    assert answer["id"] == "a"
    assert answer["replies"] == [{"key": "utter_ask_grounds", "text": "2: /restart", "language": "en"}]
    assert set(answer["state"]) == STATE_KEYS
    told = door.rasa.turns[-1]
    assert (told["event"], told["text"], told["message_id"]) == ("text", "/restart", "m:a")
    assert re.fullmatch(r"[0-9a-f]{32}", told["conversation_id"])
    assert abs(later(told["at"])) < datetime.timedelta(seconds=10)


def test_a_pressed_button(door: FrontDoor, person: Person) -> None:
    answer = person.post("/chat/messages", {"id": "b", "payload": BUTTON["payload"]})
    assert answer.status_code == 200
    assert (door.rasa.turns[-1]["event"], door.rasa.turns[-1]["text"]) == ("payload", BUTTON["payload"])
    said = [item["text"] for item in person.history().json()["messages"] if item["from"] == "person"]
    assert said == [BUTTON["title"]]


def test_a_typed_title_or_payload_is_text(door: FrontDoor, person: Person) -> None:
    for number, text in enumerate((BUTTON["title"], BUTTON["payload"])):
        assert person.say(text, f"t{number}").status_code == 200
        assert (door.rasa.turns[-1]["event"], door.rasa.turns[-1]["text"]) == ("text", text)


def test_only_buttons_of_this_conversation(client: httpx.Client, person: Person) -> None:
    response = person.post("/chat/messages", {"id": "c", "payload": "/restart"})
    assert (response.status_code, response.json()["error"]) == (400, "unknown_payload")
    assert person.history().json()["messages"][-1]["from"] == "guide"


def test_history(person: Person) -> None:
    person.say("first", "1")
    person.say("请用中文", "2")
    looked = person.history().json()
    messages = looked["messages"]
    assert [item["from"] for item in messages] == ["guide", "person", "guide", "person", "guide"]
    assert [item["text"] for item in messages if item["from"] == "person"] == ["first", "请用中文"]
    assert [item["language"] for item in messages] == ["en", "en", "en", "zh-Hans", "zh-Hans"]
    assert all({"from", "text", "language", "at"} <= set(item) for item in messages)
    assert [item["at"] for item in messages] == sorted(item["at"] for item in messages)
    assert looked["state"]["language"] == "zh-Hans"


def test_save_and_resume(door: FrontDoor, client: httpx.Client, person: Person) -> None:
    person.say("remember me", "1")
    first = person.post("/chat/save", {}).json()["resume_code"]
    saved = person.post("/chat/save").json()
    code = saved["resume_code"]
    assert re.fullmatch(r"([23456789ABCDEFGHJKMNPQRSTVWXYZ]{4}-){3}[23456789ABCDEFGHJKMNPQRSTVWXYZ]{4}", code)
    assert datetime.timedelta(days=29, hours=23) < later(saved["expires_at"]) <= datetime.timedelta(days=30)
    refused = client.post("/chat/session", json={"resume_code": first})
    assert refused.status_code == 404, "a newer code replaces the older one"

    typed = "  " + code.lower().replace("-", " – ") + " "
    again = open_conversation(client, resume_code=typed)
    assert door.rasa.turns[-1]["event"] == "resume"
    assert again.opened["session"] != person.opened["session"]
    assert again.opened["greeting"]
    assert person.history().status_code == 401, "the old session has ended"
    assert "remember me" in [item["text"] for item in again.history().json()["messages"]]
    assert again.say("remember me", "1").json()["replies"][0]["text"] == "2: remember me", "same id, same answer"
    assert client.post("/chat/session", json={"resume_code": code}).status_code == 404, "used up"


def test_a_code_is_not_used_up_while_the_engine_is_away(door: FrontDoor, client: httpx.Client, person: Person) -> None:
    code = person.post("/chat/save", {}).json()["resume_code"]
    door.rasa.status = 400
    assert client.post("/chat/session", json={"resume_code": code}).status_code == 503
    door.rasa.status = 200
    assert person.history().status_code == 200
    assert open_conversation(client, resume_code=code).say("on", "1").status_code == 200


def test_erase(door: FrontDoor, client: httpx.Client, person: Person) -> None:
    person.say("secret", "1")
    code = person.post("/chat/save", {}).json()["resume_code"]
    conversation_id = door.rasa.turns[-1]["conversation_id"]
    response = client.delete("/chat/session", headers=person.headers)
    assert (response.status_code, response.content) == (204, b"")
    assert conversation_id in door.rasa.erased
    assert person.history().status_code == 401
    assert person.say("secret", "1").status_code == 401
    assert client.delete("/chat/session", headers=person.headers).status_code == 401
    assert client.post("/chat/session", json={"resume_code": code}).status_code == 404


def test_who_stopped_leaves_nothing_behind(person: Person) -> None:
    first = person.say("my name is Canary", "1").json()
    person.say("stop", "2")
    messages = person.history().json()["messages"]
    assert [item["text"] for item in messages if item["from"] == "person"] == ["stop"]
    assert person.say("my name is Canary", "1").json() == first
    person.say("something new", "3")
    assert "stop" in [item["text"] for item in person.history().json()["messages"]]


def test_files(client: httpx.Client, person: Person) -> None:
    answer = person.say("done", "1").json()
    request, calendar, elsewhere = answer["replies"][0]["attachments"]
    assert elsewhere == {"title": "USCIS", "url": "https://egov.uscis.gov/"}
    assert all(item["url"].startswith("/chat/files/") for item in (request, calendar))
    assert "CA-2345" not in request["url"]
    response = client.get(calendar["url"])
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/calendar; charset=utf-8"
    assert "DTSTART;VALUE=DATE:20270301" in response.text
    assert person.say("done", "1").json() == answer
    # No intake backend answers here.
    assert client.get(request["url"]).status_code in (404, 503)
    broken = calendar["url"].replace("/chat/files/", "/chat/files/x")
    assert client.get(broken).status_code == 404
    client.delete("/chat/session", headers=person.headers)
    assert client.get(calendar["url"]).status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/webhooks/internal/message", 404),
        ("POST", "/webhooks/rest/webhook", 404),
        ("GET", "/conversations/x/tracker", 404),
        ("PUT", "/model", 404),
        ("GET", "/docs", 404),
        ("GET", "/openapi.json", 404),
        ("GET", "/chat/nothing", 404),
        ("GET", "/chat/assets/..%2f..%2fpyproject.toml", 404),
        ("GET", "/chat/assets/index.html", 404),
        ("GET", "/chat/files/x/request.pdf", 404),
        ("PUT", "/chat/documents", 405),
        ("PUT", "/chat/session", 405),
        ("GET", "/chat/messages", 405),
    ],
)
def test_nothing_else_answers(client: httpx.Client, method: str, path: str, status: int) -> None:
    response = client.request(method, path, headers={"Accept-Language": "zh-TW"})
    assert response.status_code == status
    assert set(response.json()) == {"error", "message"}
    assert re.search(r"[\u4e00-\u9fff]", response.json()["message"])


@pytest.mark.parametrize("language", ["en", "zh-Hans", "zh-Hant"])
def test_page(client: httpx.Client, language: str) -> None:
    response = client.get("/chat/", headers={"Accept-Language": language})
    assert response.status_code == 200
    assert f'<html lang="{language}">' in response.text
    assert "tel:+18558828100" in response.text
    assert "{{" not in response.text
    policy = response.headers["content-security-policy"]
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert not re.search(r"<script(?![^>]*\bsrc=)|\sstyle=|\son\w+=", response.text), "nothing inline"
    for address in re.findall(r'(?:src|href)="(/chat/assets/[^"]+)"', response.text):
        assert client.get(address).status_code == 200


def test_the_script_uses_only_words_that_exist(client: httpx.Client) -> None:
    script = client.get("/chat/assets/chat.js").text
    page = client.get("/chat/", headers={"Accept-Language": "en"}).text
    words = json.loads(html.unescape(page.partition(' data-words="')[2].partition('"')[0]))
    assert set(words) == set(re.findall(r'"(\w+)"', " ".join(re.findall(r"\bword\([^;]*", script)))) & set(words)
    assert set(re.findall(r'\bword\("(\w+)"', script)) <= set(words)
    assert not re.search(r"innerHTML|insertAdjacent|document\.write|\beval\b|localStorage", script)


def test_health_and_start_page(client: httpx.Client) -> None:
    assert client.get("/health").json()["status"] == "ok"
    assert 'href="/chat/?lang=en"' in client.get("/").text
    assert client.get("/chat").headers["location"] == "/chat/"


def test_every_answer_is_guarded(client: httpx.Client, person: Person) -> None:
    for response in (client.get("/nothing"), person.history(), client.get("/chat/")):
        assert response.headers["x-content-type-options"] == "nosniff"
        assert response.headers["referrer-policy"] in ("no-referrer", "same-origin")
        assert "frame-ancestors 'none'" in response.headers["content-security-policy"]
        assert "access-control-allow-origin" not in response.headers
    assert json.loads(client.get("/nothing").text)
