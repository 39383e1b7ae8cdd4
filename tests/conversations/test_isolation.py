"""The engine and the action server are nobody's but ours, and no conversation gets what belongs to another."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.conversations.client import LANGUAGES, Chat
from tests.conversations.people import go_on
from tests.conversations.running import NAMES, Running
from tests.conversations.test_outcomes import OPENINGS

LOOPBACK = "127.0.0.1"
WRONG: list[dict[str, str]] = [
    {},
    {"X-Guide-Secret": ""},
    {"X-Guide-Secret": "wrong"},
    {"X-Guide-Secret": "é"},
    {"Authorization": "Bearer wrong"},
]
TURN = {
    "conversation_id": "stranger",
    "message_id": "1",
    "event": "open",
    "text": "",
    "language": "en",
    "at": "2026-11-24T10:00:00+00:00",
}
CALL = {"next_action": "action_converse", "tracker": {"sender_id": "stranger"}, "domain": {}}


def headers_of(wrong: dict[str, str]) -> dict[str, bytes]:
    return {name: value.encode() for name, value in wrong.items()}


@pytest.mark.parametrize("name", NAMES)
def test_everything_listens_on_loopback_only(running: Running, name: str) -> None:
    places = running.listening(name)
    assert len(places) == 1
    assert {address for address, _ in places} == {LOOPBACK}


@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_the_engine_knows_nobody_without_the_secret(running: Running, wrong: dict[str, str]) -> None:
    engine, headers = running.inside("engine"), headers_of(wrong)
    asked = [
        httpx.post(f"{engine}/webhooks/internal/message", json=TURN, headers=headers, timeout=30),
        httpx.post(f"{engine}/webhooks/internal/message", content=b"not JSON", headers=headers, timeout=30),
        httpx.delete(f"{engine}/webhooks/internal/conversations/stranger", headers=headers, timeout=30),
    ]
    assert [answer.status_code for answer in asked] == [403, 403, 403]
    assert all(set(answer.json()) == {"error"} for answer in asked)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/webhooks/rest/webhook"),
        ("POST", "/webhooks/callback/webhook"),
        ("GET", "/conversations/x/tracker"),
        ("POST", "/conversations/x/messages"),
        ("POST", "/model/parse"),
        ("PUT", "/model"),
        ("DELETE", "/model"),
        ("POST", "/model/train"),
        ("GET", "/domain"),
        ("GET", "/status"),
        ("GET", "/socket.io/"),
    ],
)
def test_the_engine_has_no_interface_of_its_own(running: Running, method: str, path: str) -> None:
    for headers in ({}, {"X-Guide-Secret": running.secret("GUIDE_SECRET")}):
        answer = httpx.request(method, running.inside("engine") + path, headers=headers, timeout=30)
        assert answer.status_code in (403, 404, 405), path


@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_the_action_server_knows_nobody_without_the_secret(running: Running, wrong: dict[str, str]) -> None:
    actions, headers = running.inside("actions"), headers_of(wrong)
    asked = [
        httpx.post(f"{actions}/webhook", json=CALL, headers=headers, timeout=30),
        httpx.post(f"{actions}/webhook", content=b"not JSON", headers=headers, timeout=30),
        httpx.get(f"{actions}/actions", headers=headers, timeout=30),
        httpx.get(f"{actions}/nothing", headers=headers, timeout=30),
    ]
    assert [answer.status_code for answer in asked] == [403] * 4


def test_the_doors_open_with_the_secret(running: Running) -> None:
    """Else the tests above would hold for a server that is only broken."""
    headers = {"X-Guide-Secret": running.secret("GUIDE_SECRET")}
    engine = running.inside("engine")
    answer = httpx.post(f"{engine}/webhooks/internal/message", json=TURN, headers=headers, timeout=30)
    assert answer.status_code == 200
    assert answer.json()["replies"]
    erased = httpx.delete(f"{engine}/webhooks/internal/conversations/stranger", headers=headers, timeout=30)
    assert erased.status_code == 204
    assert httpx.get(f"{running.inside('actions')}/actions", headers=headers, timeout=30).status_code == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/case-requests"),
        ("GET", "/v1/case-requests/CA-2345-6789-ABCD"),
        ("POST", "/v1/feedback"),
        ("DELETE", "/v1/case-requests/CA-2345-6789-ABCD"),
        ("GET", "/v1/case-requests/CA-2345-6789-ABCD/form.pdf"),
    ],
)
def test_the_backend_knows_nobody_without_its_token(base: str, running: Running, method: str, path: str) -> None:
    session = Chat(base, "en").open().token
    for token in ("", "wrong", session, running.secret("GUIDE_SECRET")):
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        answer = httpx.request(method, base + path, headers=headers, timeout=30)
        assert answer.status_code == 401, path
        assert {"error", "message"} <= set(answer.json())


def test_many_conversations_at_once_never_mix(base: str) -> None:
    people = [_person(number, language) for number, language in enumerate(LANGUAGES * 2)]
    together = threading.Barrier(len(people))

    def talk(person: dict[str, Any]) -> Chat:
        language = person["language"]
        chat = Chat(base, language).open()
        together.wait()
        chat.say(OPENINGS["submitted"][language])
        return go_on(chat, language, **person["own"])

    with ThreadPoolExecutor(len(people)) as pool:
        chats = list(pool.map(talk, people))
    assert len({chat.state["tracking_number"] for chat in chats}) == len(people)
    for person, chat in zip(people, chats, strict=True):
        assert chat.outcome == "submitted"
        for slot, value in person["kept"].items():
            assert chat.answers[slot] == value
        heard = json.dumps([chat.turns, chat.state, chat.request("GET", "/chat/history")], ensure_ascii=False)
        others = [value for other in people if other is not person for value in other["marks"]]
        assert [value for value in others if value in heard] == []
        assert [value for value in person["marks"] if value not in heard] == []


def _person(number: int, language: str) -> dict[str, Any]:
    """Somebody whose answers nobody else has."""
    name = {"en": "Nora Field", "zh-Hans": "周明", "zh-Hant": "周明"}[language]
    name += {"en": [" Alder", " Birch"], "zh-Hans": ["远", "川"], "zh-Hant": ["遠", "山"]}[language][number // 3]
    receipt, email, story = f"IOE09{number}7700{number}11", f"mark{number}@example.org", f"qz{number}mark7"
    own = {
        "full_name": name,
        "signature_name": name,
        "receipt_numbers": receipt,
        "email": email,
        "date_of_birth": f"198{number}-03-27",
        "problem_description": f"{OPENINGS['submitted'][language]} {story}",
    }
    kept = {
        "full_name": name,
        "signature_name": name,
        "receipt_numbers": [receipt],
        "email": email,
        "date_of_birth": f"198{number}-03-27",
        "problem_description": own["problem_description"],
    }
    return {"language": language, "own": own, "kept": kept, "marks": [name, receipt, email, story]}
