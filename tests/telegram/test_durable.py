"""Nothing is lost and nothing is doubled: restarts in the middle, and a storm of everything that can go wrong."""

from __future__ import annotations

import json
import random
import signal
import threading
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from messenger.texts import mask
from tests.telegram.test_manners import STORY
from tests.telegram.worker import Worker
from tools.bot_api.person import Person

STORM_UPDATES = 500
STORM_PEOPLE = 20
FAULTS = ("429", "403", "500", "502", "drop_before", "drop_after")
SHARE = 0.2
_SECONDS = 400.0
# Each has an answer of its own.
QUESTIONS = (
    *("Does it cost anything?", "Who are you?", "Is it confidential?", "How can I reach the contact center?"),
    *("Which documents should I send?", "What is Form 7001?", "What is a receipt number?", "How long does it take?"),
)
# Nobody is told of these twice either, but they change nothing by being done again.
ONCE = ("sendMessage",)


def in_order(turns: list[str], said: list[str]) -> bool:
    """Whether each message has in it what the front door answered in the turn at its place."""
    pairs = zip(turns, said, strict=True)
    return all(mask(reply["text"]) in text for turn, text in pairs for reply in json.loads(turn)["replies"])


def back(person: Person) -> dict[str, Any]:
    """Somebody lets the bot in again."""
    us = {"id": 123456, "is_bot": True, "first_name": "Guide"}
    return {
        "chat": {"id": person.chat, "type": "private"},
        "from": {"id": person.chat, "is_bot": False, "first_name": "Somebody"},
        "date": 1,
        "old_chat_member": {"status": "kicked", "user": us, "until_date": 0},
        "new_chat_member": {"status": "member", "user": us},
    }


def answers(worker: Worker, person: Person) -> list[str]:
    """What the bot said in a chat, without what was deleted."""
    return [sent.text for sent in worker.api.in_chat(person.chat)]


# ---- one thing that goes wrong


@pytest.mark.parametrize(("trouble", "times"), [*((trouble, 2) for trouble in FAULTS), ("drop_after", 1), ("429", 1)])
def test_an_answer_arrives_once_whatever_happens_to_it(
    make_worker: Callable[..., Worker], trouble: str, times: int
) -> None:
    worker = make_worker().start()
    somebody = worker.person()
    somebody.say("/start")
    left = [trouble] * times

    def fault(method: str, _parameters: dict[str, Any]) -> str | None:
        return left.pop() if method in ONCE and left else None

    worker.api.fault = fault
    somebody.send(STORY["en"])
    if trouble == "403":  # shut out: the answer waits until they write again
        time.sleep(1)
        for _ in range(times):
            somebody.send("I-485")
            time.sleep(0.6)
        assert worker.api.wait(lambda: len(answers(worker, somebody)) >= 2 + times)
    else:
        assert worker.api.wait(lambda: len(answers(worker, somebody)) >= 2)
    time.sleep(1.5)
    said = answers(worker, somebody)
    assert len(said) == (2 + times if trouble == "403" else 2), said
    assert "Which form" in said[1]


def test_a_message_that_arrived_is_not_sent_again_among_many_others(make_worker: Callable[..., Worker]) -> None:
    """The lost answer's number is looked for although other chats have taken numbers meanwhile."""
    worker = make_worker().start()
    people = [worker.person() for _ in range(6)]
    unlucky = people[3].chat
    left = ["drop_after"]

    def fault(method: str, parameters: dict[str, Any]) -> str | None:
        return left.pop() if method in ONCE and left and int(parameters["chat_id"]) == unlucky else None

    worker.api.fault = fault
    for person in people:
        person.send("/start")
    for person in people:
        assert worker.api.wait(lambda: len(answers(worker, person)) >= 1)  # noqa: B023
    time.sleep(1.5)
    assert [len(answers(worker, person)) for person in people] == [1] * 6


# ---- restarts


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_restart_in_the_middle(make_worker: Callable[..., Worker], number: signal.Signals) -> None:
    worker = make_worker().start()
    people = [worker.person() for _ in range(4)]
    for person in people:
        person.say("/start")
    for person in people:
        person.send(STORY["en"])
        person.send("I-485")
        person.send("/back")
    time.sleep(0.15)
    worker.stop(number)
    worker.start()
    for person in people:
        assert worker.api.wait(lambda: len(answers(worker, person)) >= 4)  # noqa: B023
    time.sleep(1)
    for person in people:
        said = answers(worker, person)
        assert len(said) == 4, said
        assert "Which form" in said[1]
        assert worker.turns(person) == 3


def test_killed_between_sending_and_noting(make_worker: Callable[..., Worker]) -> None:
    worker = make_worker().start()
    somebody = worker.person()
    somebody.say("/start")
    arrived = threading.Event()

    def fault(method: str, _parameters: dict[str, Any]) -> str | None:
        if method in ONCE and not arrived.is_set():
            arrived.set()
            return "drop_after"
        return "drop_before" if arrived.is_set() and method != "getUpdates" else None

    worker.api.fault = fault
    somebody.send(STORY["en"])
    assert arrived.wait(10)
    time.sleep(0.2)
    worker.stop(signal.SIGKILL)
    worker.api.fault = None
    worker.start()
    somebody.send("I-485")
    assert worker.api.wait(lambda: len(answers(worker, somebody)) >= 3)
    time.sleep(1)
    said = answers(worker, somebody)
    assert len(said) == 3, said


def test_buttons_from_before_a_restart_still_work(make_worker: Callable[..., Worker]) -> None:
    worker = make_worker().start()
    somebody = worker.person()
    somebody.say("/start")
    somebody.say(STORY["en"])
    worker.stop(signal.SIGKILL)
    worker.start()
    somebody.tap("I-485")
    assert worker.state(somebody)["answers"]["form_type"] == "I-485"


# ---- people who shut us out


def test_who_blocked_the_bot_is_left_alone_until_they_are_back(make_worker: Callable[..., Worker]) -> None:
    worker = make_worker().start()
    somebody = worker.person()
    somebody.say("/start")
    worker.api.blocked.add(somebody.chat)
    somebody.send(STORY["en"])
    name = worker.seal.person(somebody.chat)
    closed = "SELECT closed_at IS NOT NULL FROM messenger_people WHERE person = ?"
    assert worker.api.wait(lambda: worker.own(closed, name) == [(1,)])
    calls = len(worker.api.of("sendMessage"))
    time.sleep(1)
    assert len(worker.api.of("sendMessage")) == calls
    worker.api.blocked.clear()
    somebody.say("I-485")
    time.sleep(0.5)
    said = answers(worker, somebody)
    assert len(said) == 3
    assert "Which form" in said[1]


# ---- the front door away


def test_the_front_door_away_for_a_while(make_worker: Callable[..., Worker], free_port: int) -> None:
    """The worker is told another address, at which nobody is; then somebody is."""
    worker = make_worker(GUIDE_FRONT_DOOR=f"http://127.0.0.1:{free_port}").start()
    somebody = worker.person()
    somebody.send("/start")
    assert not worker.api.wait(lambda: bool(answers(worker, somebody)), 2)
    with _Relay(free_port, worker.running.url):
        somebody.wait()
        assert len(somebody.last) == 1
        somebody.say(STORY["en"])
        assert worker.state(somebody)["asking"] == "form_type"


class _Relay:
    """Passes every request on to the running system."""

    def __init__(self, port: int, target: str) -> None:
        async def relay(request: Request) -> Response:
            async with httpx.AsyncClient(base_url=target, trust_env=False, timeout=60) as client:
                answer = await client.request(
                    request.method,
                    request.url.path + (f"?{request.url.query}" if request.url.query else ""),
                    content=await request.body(),
                    headers={k: v for k, v in request.headers.items() if k in ("authorization", "content-type")},
                )
            return Response(answer.content, answer.status_code, media_type="application/json")

        app = Starlette(routes=[Route("/{path:path}", relay, methods=["GET", "POST"])])
        self._server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="critical"))
        self._thread = threading.Thread(target=self._server.run, daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._server.force_exit = self._server.should_exit = True
        self._thread.join(10)


# ---- the storm


def test_a_storm_of_faults(make_worker: Callable[..., Worker]) -> None:
    """500 updates of 20 people, a fifth of all calls going wrong, a kill in the middle: every answer once, in order."""
    worker = make_worker().start()
    luck = random.Random(7)
    people = [worker.person() for _ in range(STORM_PEOPLE)]
    for person in people:
        person.say("/start")
    faults: dict[str, int] = {}

    def fault(method: str, _parameters: dict[str, Any]) -> str | None:
        if luck.random() >= SHARE:
            return None
        kinds = FAULTS if method in ONCE else tuple(kind for kind in FAULTS if kind != "403")
        chosen = luck.choice(kinds)
        faults[chosen] = faults.get(chosen, 0) + 1
        return chosen

    worker.api.fault = fault
    per_person = STORM_UPDATES // STORM_PEOPLE
    for number in range(per_person):
        for person in people:
            # Each answer can be told from the others: the form is named in it.
            person.send(QUESTIONS[number % len(QUESTIONS)])
        if number == per_person // 2:
            worker.stop(signal.SIGKILL)
            worker.start()
    want = 1 + per_person

    closed = "SELECT count(*) FROM messenger_people WHERE person = ? AND closed_at IS NOT NULL"

    def everything() -> bool:
        behind = [person for person in people if len(answers(worker, person)) < want]
        for person in behind:
            if worker.own(closed, worker.seal.person(person.chat)) != [(0,)]:
                person.api.push({"my_chat_member": back(person)})
        return not behind

    deadline = time.monotonic() + _SECONDS
    while not everything() and time.monotonic() < deadline:
        time.sleep(1.5)
    worker.api.fault = None
    time.sleep(2)
    counts = {person.chat: len(answers(worker, person)) for person in people}
    assert set(counts.values()) == {want}, (counts, faults)
    for person in people:
        turns = [row[0] for row in worker.front_door(
            "SELECT m.answer FROM messages m JOIN people p ON p.conversation_id = m.conversation_id WHERE p.person = ? "
            "AND m.event IN ('text', 'payload') ORDER BY m.seq", worker.seal.person(person.chat),
        )]  # fmt: skip
        assert len(turns) == per_person
        assert in_order(turns, answers(worker, person)[1:])
    assert set(faults) == set(FAULTS), faults
    assert sum(faults.values()) > 100
