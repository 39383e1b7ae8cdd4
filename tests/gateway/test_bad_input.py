"""Whatever is sent: a clear refusal or a normal answer, never a crash, and nothing is lost."""

from __future__ import annotations

import json
import socket
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.bodies import clean, is_blank
from tests.gateway.conftest import FrontDoor, Person, caller, open_conversation

BIDI = "\u202e\u2066\u200f"
ZERO_WIDTH = "\u200b\u200c\u200d\ufeff\u2060"


def raw(person: Person, body: bytes, content_type: str | None = "application/json") -> httpx.Response:
    headers = dict(person.headers)
    if content_type:
        headers["Content-Type"] = content_type
    return person.client.post("/chat/messages", content=body, headers=headers)


@pytest.mark.parametrize(
    ("body", "status", "error"),
    [
        (b"", 400, "malformed"),
        (b"{", 400, "malformed"),
        (b"[]", 400, "malformed"),
        (b'"text"', 400, "malformed"),
        (b"null", 400, "malformed"),
        (b"\x00\xff\xfe\x89PNG", 400, "malformed"),
        ('{"id": "1", "text": "é"}'.encode("latin-1"), 400, "malformed"),
        (b"[" * 100_000, 400, "malformed"),
        (b'{"id": "1", "text": ' + b"9" * 5000 + b"}", 400, "malformed"),
        (b"{}", 400, "bad_message_id"),
        (b'{"text": "x"}', 400, "bad_message_id"),
        (b'{"id": 7, "text": "x"}', 400, "bad_message_id"),
        (b'{"id": "", "text": "x"}', 400, "bad_message_id"),
        (b'{"id": null, "text": "x"}', 400, "bad_message_id"),
        (json.dumps({"id": "i" * 101, "text": "x"}).encode(), 400, "bad_message_id"),
        (b'{"id": "\\ud800", "text": "x"}', 400, "bad_message_id"),
        (b'{"id": "a\\u0000", "text": "x"}', 400, "bad_message_id"),
        (b'{"id": "1"}', 400, "text_or_payload"),
        (b'{"id": "1", "text": null}', 400, "text_or_payload"),
        (b'{"id": "1", "text": "x", "payload": "/affirm"}', 400, "text_or_payload"),
        (b'{"id": "1", "text": ["x"]}', 400, "malformed"),
        (b'{"id": "1", "payload": 5}', 400, "malformed"),
        (b'{"id": "1", "payload": ""}', 400, "unknown_payload"),
        (b'{"id": "1", "payload": "\\ud83d"}', 400, "unknown_payload"),
        (b'{"id": "1", "text": ""}', 400, "empty_text"),
        (b'{"id": "1", "text": " \\n\\t\\u3000"}', 400, "empty_text"),
        (json.dumps({"id": "1", "text": ZERO_WIDTH + BIDI}).encode(), 400, "empty_text"),
        (b'{"id": "1", "text": "\\u0000\\u0007"}', 400, "empty_text"),
        (json.dumps({"id": "1", "text": "字" * 20_001}, ensure_ascii=False).encode(), 413, "text_too_long"),
        (json.dumps({"id": "1", "text": "x" * 20_001}).encode(), 413, "text_too_long"),
        (json.dumps({"id": "1", "text": "x" * 140_000}).encode(), 413, "body_too_large"),
        (b"x" * 2_000_000, 413, "body_too_large"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_refused(person: Person, body: bytes, status: int, error: str) -> None:
    response = raw(person, body)
    assert response.status_code == status
    assert response.json()["error"] == error
    assert set(response.json()) == {"error", "message"}
    assert person.say("still here", "after").status_code == 200


@pytest.mark.parametrize(
    "text",
    [
        "\U0001f600\U0001f468\u200d\U0001f469\u200d\U0001f467",
        "<script>alert(1)</script><img src=x onerror=alert(1)>",
        "'; DROP TABLE messages; --",
        f"{BIDI}abc{BIDI}",
        f"IOE{ZERO_WIDTH}0912345678",
        "ＩＯＥ０９１２３４５６７８",
        "字" * 20_000,
        "\U0001f600" * 20_000,
        "/restart",
        '/inform{"grounds": "delay"}',
        "{{7*7}} ${7*7} %s %n {0}",
        "\u0301\u0301\u0301",
        "line\r\nline\u2028line",
        "?",
    ],
    ids=lambda value: ascii(value)[:30],
)
def test_taken_as_written(door: FrontDoor, person: Person, text: str) -> None:
    response = person.say(text, "1")
    assert response.status_code == 200
    assert door.rasa.turns[-1]["text"] == text
    assert person.history().json()["messages"][1]["text"] == text


@pytest.mark.parametrize(
    ("sent", "kept"),
    [(b"a\\u0000b", "ab"), (b"a\\ud800b", "a\ufffdb"), (b"\\ud83d\\ude00", "\U0001f600")],
)
def test_what_no_database_can_take(door: FrontDoor, person: Person, sent: bytes, kept: str) -> None:
    assert raw(person, b'{"id": "1", "text": "' + sent + b'"}').status_code == 200
    assert door.rasa.turns[-1]["text"] == kept
    assert person.history().json()["messages"][1]["text"] == kept


@pytest.mark.parametrize(
    "content_type", [None, "text/plain", "application/x-www-form-urlencoded", "application/json; charset=gbk", "json"]
)
def test_wrong_type(person: Person, content_type: str | None) -> None:
    response = raw(person, b'{"id": "1", "text": "x"}', content_type)
    assert (response.status_code, response.json()["error"]) == (415, "wrong_type")


def test_a_long_body_without_a_length(person: Person) -> None:
    def chunks() -> Any:
        for _ in range(200):
            yield b"x" * 1024

    response = person.client.post(
        "/chat/messages", content=chunks(), headers={**person.headers, "Content-Type": "application/json"}
    )
    assert (response.status_code, response.json()["error"]) == (413, "body_too_large")


def test_an_announced_flood_is_not_read(door: FrontDoor, person: Person) -> None:
    with socket.create_connection(("127.0.0.1", door.port), timeout=10) as line:
        line.sendall(
            b"POST /chat/messages HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Content-Length: 99999999999\r\nAuthorization: " + person.headers["Authorization"].encode() + b"\r\n\r\n{"
        )
        assert line.recv(4096).startswith(b"HTTP/1.1 413")


@pytest.mark.parametrize(
    "authorization",
    [None, "", "Bearer", "Bearer x", "Bearer " + "A" * 54, "Basic abc", "Bearer é", "Bearer " + "x" * 5000],
)
@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/chat/messages"), ("GET", "/chat/history"), ("POST", "/chat/save"), ("DELETE", "/chat/session")],
)
def test_no_session(client: httpx.Client, method: str, path: str, authorization: str | None) -> None:
    headers = {"Accept-Language": b"zh-CN", "Content-Type": b"application/json"}
    if authorization is not None:
        headers["Authorization"] = authorization.encode()
    response = client.request(method, path, content=b'{"id": "1", "text": "x"}', headers=headers)
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == "Bearer"
    assert response.json() == {
        "error": "no_session",
        "message": "这次对话已经结束，或者没有在这里打开。请重新开始，或者用您的继续码接着填。",
    }


def test_a_changed_token(client: httpx.Client, person: Person) -> None:
    token = person.opened["session"]
    for place in (0, 25, len(token) - 2):
        other = "A" if token[place] != "A" else "B"
        changed = token[:place] + other + token[place + 1 :]
        assert client.get("/chat/history", headers={"Authorization": f"Bearer {changed}"}).status_code == 401


@pytest.mark.parametrize(
    "body", [b"[]", b"{", b'{"language": 5}', b'{"resume_code": 5}', b'{"resume_code": ["x"]}', b"\xff"]
)
def test_bad_session_body(client: httpx.Client, body: bytes) -> None:
    response = client.post("/chat/session", content=body, headers={"Content-Type": "application/json"})
    assert (response.status_code, response.json()["error"]) == (400, "malformed")


NO_CODES = ["", "-", "ABCD", "0" * 16, "2345-6789-ABCD-EFGH", "x" * 50_000, "\u0000", "\ud800"]


@pytest.mark.parametrize(("number", "code"), list(enumerate(NO_CODES, start=20)))
def test_unknown_code(door: FrontDoor, number: int, code: str) -> None:
    body = json.dumps({"resume_code": code, "language": "zh-Hant"}).encode()
    with caller(door, number) as client:
        response = client.post("/chat/session", content=body, headers={"Content-Type": "application/json"})
    assert (response.status_code, response.json()["error"]) == (404, "unknown_code")
    assert "繼續碼" in response.json()["message"]


def test_refusals_speak_the_language_of_the_session(client: httpx.Client) -> None:
    person = open_conversation(client, language="zh-Hant")
    response = person.post("/chat/messages", {"id": "1", "text": " "}, **{"Accept-Language": "en"})
    assert response.json()["message"] == "您的訊息是空的。請寫下您的回答，再傳一次。"
    assert response.headers["content-language"] == "zh-Hant"


@given(st.text(max_size=200))
@settings(max_examples=300, deadline=None)
def test_cleaned_text_can_always_be_written(text: str) -> None:
    cleaned = clean(text)
    cleaned.encode("utf-8")
    assert "\0" not in cleaned
    assert not is_blank(cleaned + "x")
