"""Whatever comes in: a clear error or a normal answer; the conversation stands where it stood, with all answers."""

from __future__ import annotations

import json
import re
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from gateway.tokens import Tokens
from tests.conversations.client import LANGUAGES, Chat
from tests.conversations.people import go_on
from tests.conversations.running import Running
from tests.conversations.test_outcomes import OPENINGS

SENTENCES: dict[str, dict[str, str]] = yaml.safe_load(
    (Path(__file__).resolve().parents[2] / "web" / "strings" / "errors.yml").read_text(encoding="utf-8")
)
JSON = "application/json"
QUESTION = "receipt_numbers"
MOST = 20_000
ZERO_WIDTH = "\u200b\u200c\u200d\u2060\ufeff"
RIGHT_TO_LEFT = "\u202e\u2067\u200f"
INNARDS = re.compile(r"traceback|exception|site-packages|\.py\b|rasa|sanic|sqlalchemy|starlette|uvicorn", re.IGNORECASE)
ACCEPT = {"en": "en-US", "zh-Hans": "zh-CN", "zh-Hant": "zh-TW"}


def message(**fields: Any) -> bytes:
    """A body with an id of its own; `fields` go before."""
    return json.dumps({"id": uuid.uuid4().hex, **fields}).encode()


def message_in_utf8(text: str) -> bytes:
    """The same with every character as it is; as escapes, emoji would be three times as long."""
    return json.dumps({"id": uuid.uuid4().hex, "text": text}, ensure_ascii=False).encode("utf-8", "surrogatepass")


REFUSED: dict[str, tuple[bytes, int, str]] = {
    "empty text": (message(text=""), 400, "empty_text"),
    "white space": (message(text=" \t\r\n\u3000\u00a0"), 400, "empty_text"),
    "zero width only": (message(text=ZERO_WIDTH), 400, "empty_text"),
    "right-to-left marks only": (message(text=RIGHT_TO_LEFT), 400, "empty_text"),
    "NUL only": (message(text="\0\0"), 400, "empty_text"),
    "one character too many": (message(text="x" * (MOST + 1)), 413, "text_too_long"),
    "one Chinese character too many": (message(text="字" * (MOST + 1)), 413, "text_too_long"),
    "body over 128 KiB": (message(text="x" * (128 * 1024)), 413, "body_too_large"),
    "small message in a large body": (message(text="hello", more="x" * (128 * 1024)), 413, "body_too_large"),
    "nothing": (b"", 400, "malformed"),
    "binary": (bytes(range(256)) * 8, 400, "malformed"),
    "a picture": (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", 400, "malformed"),
    "compressed": (b"\x1f\x8b\x08\x00\x00\x00\x00\x00", 400, "malformed"),
    "half a JSON": (b'{"id": "1", "text": "hel', 400, "malformed"),
    "two JSONs": (b'{"id": "1", "text": "a"}{"id": "2", "text": "b"}', 400, "malformed"),
    "not UTF-8": ('{"id": "1", "text": "姓名"}'.encode("gbk"), 400, "malformed"),
    "deep JSON": (b"[" * 60_000, 400, "malformed"),
    "a form": (b"id=1&text=hello", 400, "malformed"),
    "a list": (b'[{"id": "1", "text": "hello"}]', 400, "malformed"),
    "a string": (b'"hello"', 400, "malformed"),
    "a number": (b"5", 400, "malformed"),
    "null": (b"null", 400, "malformed"),
    "text as number": (message(text=5), 400, "malformed"),
    "text as list": (message(text=["hello"]), 400, "malformed"),
    "text as object": (message(text={"$ne": None}), 400, "malformed"),
    "payload as object": (message(payload={"intent": "affirm"}), 400, "malformed"),
    "no id": (b'{"text": "hello"}', 400, "bad_message_id"),
    "id as number": (message(id=5, text="hello"), 400, "bad_message_id"),
    "id as list": (message(id=["a"], text="hello"), 400, "bad_message_id"),
    "empty id": (message(id="", text="hello"), 400, "bad_message_id"),
    "long id": (message(id="i" * 101, text="hello"), 400, "bad_message_id"),
    "very long id": (message(id="i" * 50_000, text="hello"), 400, "bad_message_id"),
    "NUL in the id": (message(id="a\0b", text="hello"), 400, "bad_message_id"),
    "half a character in the id": (message(id="\ud800", text="hello"), 400, "bad_message_id"),
    "neither": (message(), 400, "text_or_payload"),
    "both": (message(text="yes", payload="/affirm"), 400, "text_or_payload"),
    "empty payload": (message(payload=""), 400, "unknown_payload"),
    "unknown payload": (message(payload="/no_such_intent"), 400, "unknown_payload"),
    "payload that is no payload": (message(payload="hello"), 400, "unknown_payload"),
    "broken payload": (message(payload='/inform{"consent":'), 400, "unknown_payload"),
    "payload never offered": (message(payload='/inform{"consent": true}'), 400, "unknown_payload"),
    "outcome as payload": (message(payload='/inform{"outcome": "submitted"}'), 400, "unknown_payload"),
    "command as payload": (message(payload="/restart"), 400, "unknown_payload"),
    "huge payload": (message(payload="/" + "a" * 60_000), 400, "unknown_payload"),
    "half a character as payload": (message(payload="\ud83d"), 400, "unknown_payload"),
}

# Text that says nothing about a receipt number, however odd: a normal answer.
ODD = {
    "exactly as much as allowed": "x" * MOST,
    "as many emoji as allowed": "\U0001f600" * MOST,
    "one emoji": "\U0001f600",
    "a family": "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466",
    "flags and hearts": "\U0001f1fa\U0001f1f8❤️",
    "HTML tags": "<p><q></p><!-- -->",
    "SQL signs": "1'='1'; --",
    "right-to-left marks": f"{RIGHT_TO_LEFT}abc{RIGHT_TO_LEFT}",
    "right-to-left words": "אבג",
    "NUL inside": "qw\0zx",
    "half a character": "qw\ud800zx",
    "combining marks only": "\u0301\u0302\u0303",
    "stacked marks": "q" + "\u0301" * 500,
    "control characters": "\x07\x1b[31mqwzx\x1b[0m",
    "line ends": "qw\r\nzx\u2028\u2029qw",
    "format strings": "{0} {} {0!r} %s %n ${7*7} {{7*7}}",
    "punctuation": "...",
    "one very long word": "qwzx" * 2_000,
    "full-width": "ｑｗｚｘ",
    "mathematical letters": "𝔮𝔴𝔷𝔵",
}

# The same with words in it, which also tell in which language to go on.
WORDY = {
    "HTML": "<script>alert(document.cookie)</script><img src=x onerror=alert(1)>",
    "SQL": "'; DROP TABLE messages; --",
    "a template": "{text} {asking} {language} {{config}}",
    "JSON": '{"asking": null, "outcome": "submitted"}',
    "a path": "../../../../etc/passwd",
    "answer as text": '/inform{"consent": true}',
    "own command as text": '/inform{"delivery": "online"}',
    "payload of a button as text": '/inform{"receipt_numbers":"none"}',
    "engine command as text": "/session_start",
    "as much Chinese as allowed": "字" * MOST,
}


_stood: dict[str, Chat] = {}


@pytest.fixture
def standing(base: str, language: str) -> Chat:
    """A conversation that stands at the receipt number with answers before it; the same for many tests."""
    chat = _stood.get(language)
    if chat is None or chat.request("GET", "/chat/history")["state"] != chat.state:
        chat = go_on(Chat(base, language).open().say(OPENINGS["submitted"][language]), language, until=QUESTION)
        assert chat.asking == QUESTION
        _stood[language] = chat
    return chat


def send(chat: Chat, body: bytes, content_type: str | None = JSON, token: str | None = None) -> httpx.Response:
    """Send a body as it is."""
    headers = {"Authorization": f"Bearer {chat.token if token is None else token}"}
    if content_type:
        headers["Content-Type"] = content_type
    return httpx.post(f"{chat.base}/chat/messages", content=body, headers=headers, timeout=60)


def check_refusal(answer: httpx.Response, status: int, error: str, language: str) -> None:
    """A refusal has its status, its code and its sentence in the language, and nothing else."""
    body = answer.json()
    assert (answer.status_code, body["error"]) == (status, error), body
    assert set(body) == {"error", "message"}
    begins, _, ends = SENTENCES[error][language].partition("{limit}")
    assert body["message"].startswith(begins)
    assert body["message"].endswith(ends)
    assert not INNARDS.search(answer.text)


def check_standing(chat: Chat) -> None:
    """The conversation is where it was."""
    state = chat.request("GET", "/chat/history")["state"]
    assert state["asking"] == QUESTION
    assert state["outcome"] is None
    assert state["answers"] == chat.answers


@lru_cache
def opened(base: str) -> Chat:
    """A conversation to knock on doors with."""
    return Chat(base, "en").open()


@pytest.mark.parametrize("name", REFUSED)
def test_refused(standing: Chat, name: str) -> None:
    body, status, error = REFUSED[name]
    check_refusal(send(standing, body), status, error, str(standing.language))
    check_standing(standing)


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/xml",
        "application/json; charset=gbk",
        "application/octet-stream",
    ],
)
def test_wrong_content_type(standing: Chat, content_type: str | None) -> None:
    check_refusal(send(standing, message(text="hello"), content_type), 415, "wrong_type", str(standing.language))
    check_standing(standing)


def check_normal(chat: Chat, text: str) -> dict[str, Any]:
    """A normal answer: the question again, with all answers; returns the state."""
    chat.said.append(text)
    answer = send(chat, message_in_utf8(text) if len(text) == MOST else message(text=text))
    assert answer.status_code == 200, answer.text[:300]
    body = answer.json()
    state: dict[str, Any] = body["state"]
    assert body["replies"]
    assert all(reply["text"].strip() and reply["language"] == state["language"] for reply in body["replies"])
    assert not INNARDS.search("".join(reply["text"] for reply in body["replies"]).replace(text[:200], ""))
    assert state["asking"] == QUESTION, [reply["key"] for reply in body["replies"]]
    assert state["outcome"] is None
    assert {**state["answers"], "language": None} == {**chat.answers, "language": None}
    return state


@pytest.mark.parametrize("name", ODD)
def test_odd_text_gets_a_normal_answer(standing: Chat, name: str) -> None:
    assert check_normal(standing, ODD[name])["language"] == standing.language


@pytest.mark.parametrize("name", WORDY)
def test_odd_text_with_words_gets_a_normal_answer(standing: Chat, name: str) -> None:
    check_normal(standing, WORDY[name])


def test_a_typed_command_is_only_words(standing: Chat) -> None:
    """Words can be understood, then there is a question back; nothing is done."""
    before, language = dict(standing.answers), str(standing.language)
    typed = Chat(standing.base, None, standing.token, said=standing.said).say("/restart")
    assert typed.outcome is None
    assert {**typed.answers, "language": None} == {**before, "language": None}
    if typed.asking is None:
        typed.say({"en": "no, go on", "zh-Hans": "不，继续", "zh-Hant": "不，繼續"}[language])
    assert typed.asking == QUESTION
    assert typed.answers == before


@pytest.mark.parametrize(
    "written",
    [
        "ＩＯＥ０９１２３４５６７８",
        f"IOE{ZERO_WIDTH}0912{ZERO_WIDTH}345678",
        f"{RIGHT_TO_LEFT}IOE0912345678\u202c",
        "IOE\u00a00912\u2011345\u2011678",
        "i o e 0 9 1 2 3 4 5 6 7 8",
        "ioe０９１２-345-678",
    ],
    ids=["full width", "zero width inside", "right-to-left", "typographic", "spaced", "half and half"],
)
def test_a_receipt_number_however_it_is_written(base: str, written: str) -> None:
    said = {
        "en": "USCIS printed the wrong name on my card. My receipt number is ",
        "zh-Hans": "移民局把我卡上的名字印错了。收据号是 ",
        "zh-Hant": "移民局把我卡上的名字印錯了。收據號碼是 ",
    }
    for language in LANGUAGES:
        chat = Chat(base, language).open().say(said[language] + written)
        assert chat.answers.get("receipt_numbers") == ["IOE0912345678"], language


def test_a_replayed_id_keeps_its_first_text(base: str, language: str) -> None:
    chat = Chat(base, language).open()
    first, second = OPENINGS["submitted"][language], OPENINGS["feedback"][language]
    answers = [send(chat, message(id="again", text=text)) for text in (first, second, first)]
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert answers[0].json() == answers[1].json() == answers[2].json()
    history = chat.request("GET", "/chat/history")
    assert [item["text"] for item in history["messages"] if item["from"] == "person"] == [first]
    assert history["state"] == answers[0].json()["state"]


def test_simultaneous_duplicates_are_one_message(base: str, language: str) -> None:
    chat = Chat(base, language).open()
    body = message(id="all at once", text=OPENINGS["submitted"][language])
    together = threading.Barrier(20)

    def one(_: int) -> httpx.Response:
        together.wait()
        return send(chat, body)

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(one, range(20)))
    assert {answer.status_code for answer in answers} == {200}
    assert all(answer.json() == answers[0].json() for answer in answers)
    history = chat.request("GET", "/chat/history")["messages"]
    assert sum(item["from"] == "person" for item in history) == 1


# --- Who is asking ----------------------------------------------------------------------------------------------------


def tokens(chat: Chat, running: Running) -> dict[str, str]:
    """Tokens that open nothing."""
    ours = Tokens(running.secret("SESSION_KEY"))
    ended = Chat(chat.base, "en").open()
    ended.request("DELETE", "/chat/session", expect=204)
    return {
        "none": "",
        "nonsense": "nonsense",
        "expired": ours.new_session(1_000)[0],
        "ours, of no conversation": ours.new_session(2**45)[0],
        "signed by another": Tokens("another key, another installation").new_session(2**45)[0],
        "ended": ended.token,
        "changed": chat.token[:-3] + ("AAA" if chat.token[-3:] != "AAA" else "BBB"),
        "two": f"{chat.token},{chat.token}",
        "the secret of the engine": running.secret("GUIDE_SECRET"),
        "the token of the backend": running.secret("INTAKE_TOKEN"),
    }


@pytest.mark.parametrize("accepted", LANGUAGES)
def test_tokens_that_open_nothing(base: str, running: Running, accepted: str) -> None:
    chat = opened(base)
    for name, token in tokens(chat, running).items():
        for method, path in (
            ("POST", "/chat/messages"),
            ("GET", "/chat/history"),
            ("POST", "/chat/save"),
            ("DELETE", "/chat/session"),
        ):
            headers = {"Accept-Language": ACCEPT[accepted], "Content-Type": JSON}
            headers |= {"Authorization": f"Bearer {token}"} if token else {}
            body = message(text="hello") if path == "/chat/messages" else b""
            answer = httpx.request(method, base + path, content=body, headers=headers, timeout=60)
            assert answer.status_code == 401, (name, path)
            check_refusal(answer, 401, "no_session", accepted)
    assert chat.request("GET", "/chat/history")["state"]["outcome"] is None


@pytest.mark.parametrize("code", ["", "x", "2345-6789-ABCD-EFGH", "'; DROP TABLE codes; --", "x" * 50_000, "\ud800"])
def test_codes_that_open_nothing(base: str, code: str) -> None:
    body = json.dumps({"resume_code": code, "language": "zh-Hant"}).encode()
    for _ in range(2):
        answer = httpx.post(f"{base}/chat/session", content=body, headers={"Content-Type": JSON}, timeout=60)
        if answer.status_code == 429:
            check_refusal(answer, 429, "too_many_codes", "zh-Hant")
            assert int(answer.headers["Retry-After"]) > 0
        else:
            check_refusal(answer, 404, "unknown_code", "zh-Hant")


# --- Addresses --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("accepted", LANGUAGES)
@pytest.mark.parametrize(
    "path",
    [
        "/webhooks",
        "/webhooks/rest/webhook",
        "/webhooks/internal/message",
        "/webhooks/internal/health",
        "/conversations",
        "/conversations/x/tracker",
        "/conversations/x/messages",
        "/model",
        "/model/parse",
        "/model/train",
        "/status",
        "/version",
        "/domain",
        "/webhook",
        "/actions",
        "/socket.io/",
        "/docs",
        "/openapi.json",
        "/metrics",
        "/.env",
        "/chat/nothing",
        "/chat/messages/",
        "/chat/assets/../../secrets.env",
        "/chat/assets/%2e%2e%2fsecrets.env",
        "//chat",
        "/%00",
        "/chat/%ff%fe",
        "/姓名",
    ],
)
def test_nothing_at_this_address(base: str, path: str, accepted: str) -> None:
    for method in ("GET", "POST"):
        answer = httpx.request(method, base + path, headers={"Accept-Language": ACCEPT[accepted]}, timeout=60)
        check_refusal(answer, 404, "not_found", accepted)


@pytest.mark.parametrize("accepted", LANGUAGES)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/chat/messages"),
        ("PUT", "/chat/messages"),
        ("DELETE", "/chat/messages"),
        ("POST", "/chat/history"),
        ("GET", "/chat/session"),
        ("PATCH", "/chat/session"),
        ("GET", "/chat/save"),
        ("POST", "/chat/"),
        ("PROPFIND", "/chat/"),
    ],
)
def test_method_not_allowed(base: str, method: str, path: str, accepted: str) -> None:
    answer = httpx.request(method, base + path, headers={"Accept-Language": ACCEPT[accepted]}, timeout=60)
    check_refusal(answer, 405, "method_not_allowed", accepted)
    assert answer.headers["Allow"]


@pytest.mark.parametrize("body", [b"[]", b"{", b'{"language": 5}', b'{"resume_code": ["x"]}', b"\xff", b"[" * 60_000])
def test_a_session_that_is_asked_for_wrongly(base: str, body: bytes) -> None:
    headers = {"Content-Type": JSON, "Accept-Language": "zh-TW"}
    answer = httpx.post(f"{base}/chat/session", content=body, headers=headers, timeout=60)
    check_refusal(answer, 400, "malformed", "zh-Hant")


@pytest.mark.parametrize("wanted", ["tlh", "", "zh-Hans-CN", "x" * 5_000, "<b>", "../en"])
def test_an_odd_language_gets_a_conversation_in_one_of_ours(base: str, wanted: str) -> None:
    answer = httpx.post(f"{base}/chat/session", json={"language": wanted}, timeout=60)
    assert answer.status_code == 201
    assert answer.json()["language"] in LANGUAGES
    assert {reply["language"] for reply in answer.json()["greeting"]} == {answer.json()["language"]}
