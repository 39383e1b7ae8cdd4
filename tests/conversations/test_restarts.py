"""`kill -9` in the middle of a conversation: the person goes on at the same question, and nothing is done twice."""

from __future__ import annotations

import os
import signal
import threading
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.conversations.client import LANGUAGES, Chat
from tests.conversations.people import ANSWERS, go_on
from tests.conversations.running import NAMES, Running
from tests.conversations.test_outcomes import OPENINGS
from tools.launcher import settings
from tools.launcher.trial import running_system

QUESTION = "email"
PATIENCE_SECONDS = 120
# How far a turn may have come when the process dies.
INTO_THE_TURN_SECONDS = 0.03


@pytest.fixture(scope="module")
def own() -> Iterator[Running]:
    """A system of its own, so that nobody else's conversation is disturbed."""
    environment = {name: value for name, value in os.environ.items() if name not in settings.INSTALLATION}
    with running_system(environment) as trial:
        yield Running(trial.url, trial.data)


@dataclass
class Sent:
    """A message that was sent until it was answered.

    Attributes:
        statuses: What was answered before; 0 for no answer at all.
    """

    answer: dict[str, Any]
    statuses: list[int]


def send(chat: Chat, body: dict[str, str]) -> Sent:
    """Send a message, and the very same again until it is answered, as the page does."""
    statuses: list[int] = []
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        try:
            answer = httpx.post(
                f"{chat.base}/chat/messages", json=body, timeout=60, headers={"Authorization": f"Bearer {chat.token}"}
            )
        except httpx.TransportError:
            statuses.append(0)
        else:
            if answer.status_code == 200:
                return Sent(answer.json(), statuses)
            statuses.append(answer.status_code)
            assert answer.status_code == 503, answer.text[:300]
            assert set(answer.json()) == {"error", "message"}
            assert int(answer.headers["Retry-After"]) >= 1
        time.sleep(0.2)
    raise AssertionError(f"no answer within {PATIENCE_SECONDS} s: {statuses[-5:]}")


def kill_during(running: Running, name: str, chats: list[Chat], texts: list[str], wait: float) -> list[Sent]:
    """Kill a process while every conversation sends a message; each is sent once more when it was answered."""
    pid = running.pid(name)
    bodies = [{"id": uuid.uuid4().hex, "text": text} for text in texts]
    together = threading.Barrier(len(chats) + 1)

    def one(chat: Chat, body: dict[str, str]) -> Sent:
        together.wait()
        return send(chat, body)

    with ThreadPoolExecutor(len(chats)) as pool:
        going = [pool.submit(one, chat, body) for chat, body in zip(chats, bodies, strict=True)]
        if wait == 0:
            os.kill(pid, signal.SIGKILL)
        together.wait()
        if wait:
            time.sleep(wait)
            os.kill(pid, signal.SIGKILL)
        sent = [item.result() for item in going]
    deadline = time.monotonic() + PATIENCE_SECONDS
    while running.pid(name) == pid:
        assert time.monotonic() < deadline, f"{name} was not started again"
        time.sleep(0.1)
    for chat, body, first in zip(chats, bodies, sent, strict=True):
        again = send(chat, body)
        assert again.answer == first.answer
        messages = chat.request("GET", "/chat/history")["messages"]
        assert sum(item["from"] == "person" and item["text"] == body["text"] for item in messages) == 1
        assert messages[-1]["from"] == "guide"
        chat.said.append(body["text"])
        chat.replies, chat.state = first.answer["replies"], first.answer["state"]
        assert all(reply["language"] == chat.language for reply in chat.replies)
    return sent


@pytest.mark.parametrize("name", ["actions", "service", "engine"])
def test_a_killed_process_costs_nothing(own: Running, name: str) -> None:
    receipts = [f"IOE09{NAMES.index(name)}7700{number}42" for number in range(len(LANGUAGES))]
    chats = [Chat(own.url, language).open().say(OPENINGS["submitted"][language]) for language in LANGUAGES]
    for chat, receipt in zip(chats, receipts, strict=True):
        go_on(chat, str(chat.language), until=QUESTION, receipt_numbers=receipt)
        assert chat.asking == QUESTION
    before = [dict(chat.answers) for chat in chats]

    # Dead before the message comes: it is answered once the process is back.
    emails = [ANSWERS[language][QUESTION] for language in LANGUAGES]
    sent = kill_during(own, name, chats, emails, wait=0)
    if name == "service":
        assert all(0 in item.statuses for item in sent)
    for chat, answers, email in zip(chats, before, emails, strict=True):
        assert chat.answers == {**answers, QUESTION: email}
        assert chat.asking == "mailing_address"
        assert chat.outcome is None

    # Dead in the middle of sending the request: it is stored once.
    for chat in chats:
        go_on(chat, str(chat.language), until="review")
    reviews = [ANSWERS[language]["review"] for language in LANGUAGES]
    kill_during(own, name, chats, reviews, wait=INTO_THE_TURN_SECONDS)
    for chat, receipt in zip(chats, receipts, strict=True):
        if chat.outcome is None:  # "it could not be sent yet": said while the backend was away, and nothing is lost
            go_on(chat, str(chat.language))
        assert chat.outcome == "submitted"
        assert chat.answers["receipt_numbers"] == [receipt]
        assert own.requests_with(receipt) == 1


def test_everything_killed_at_once(own: Running) -> None:
    chats = [Chat(own.url, language).open().say(OPENINGS["submitted"][language]) for language in LANGUAGES]
    before = [chat.state for chat in chats]
    pids = [own.pid(name) for name in NAMES]
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    for chat, state in zip(chats, before, strict=True):
        language = str(chat.language)
        sent = send(chat, {"id": uuid.uuid4().hex, "text": ANSWERS[language]["form_type"]})
        assert state["asking"] == "form_type"
        assert sent.answer["state"]["answers"] == {**state["answers"], "form_type": "I-485"}
        assert sent.answer["state"]["asking"] == "contact_center_date"
