"""Nothing is lost and nothing is doubled: restarts in the middle, and a storm of everything that can go wrong."""

from __future__ import annotations

import json
import random
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from messenger.texts import mask
from messenger.words import Words
from tests.conversations import people as words
from tests.conversations.running import Running
from tests.telegram.people import TAGS, go_on, link_of, open_page
from tests.telegram.test_manners import STORY
from tests.telegram.worker import Worker
from tools.bot_api.person import Person
from tools.bot_api.server import BotApi
from tools.launcher.settings import neutral_environment
from tools.launcher.trial import running_system

STORM_UPDATES = 500
STORM_PEOPLE = 20
FLOOD_PEOPLE = 41
FAULTS = ("429", "403", "500", "502", "drop_before", "drop_after")
SHARE = 0.2
_SECONDS = 400.0
# Each has an answer of its own.
QUESTIONS = (
    *("Does it cost anything?", "Who are you?", "Is it confidential?", "How can I reach the contact center?"),
    *("Which documents should I send?", "What is Form 7001?", "What is a receipt number?", "How long does it take?"),
)
# What belongs to one connection, and is not passed on.
_OF_ONE_LINE = ("host", "content-length", "connection", "accept-encoding", "transfer-encoding")
WORDS = Words()
# Nobody is told of these twice either, but they change nothing by being done again.
ONCE = ("sendMessage",)


def kind_of(number: int) -> str:
    """Of the updates of the storm, every tenth is a changed message and every fifth of the others' a pressed button."""
    return {9: "edit", 4: "tap", 0: "tap"}.get(number % 10, "text")


def language_button(person: Person) -> tuple[str, int]:
    """A button that may be pressed at any time, each one once: data, and number of its message."""
    person.say("/language")
    return person.find("English")


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


def test_who_erases_everything_and_shuts_us_out_is_forgotten(make_worker: Callable[..., Worker]) -> None:
    worker = make_worker().start()
    somebody = worker.person()
    somebody.say("/start")
    somebody.say(STORY["en"])
    somebody.say("/delete")
    name = worker.seal.person(somebody.chat)
    worker.api.blocked.add(somebody.chat)
    somebody.press(*somebody.find(0))
    assert worker.api.wait(lambda: worker.own("SELECT 1 FROM messenger_people WHERE person = ?", name) == [])
    for table in ("outbox", "keyboards", "inbox"):
        assert worker.own(f"SELECT count(*) FROM messenger_{table} WHERE person = ?", name) == [(0,)]
    assert worker.front_door("SELECT 1 FROM people WHERE person = ?", name) == []
    worker.api.blocked.clear()
    somebody.seen = len(worker.api.in_chat(somebody.chat))
    somebody.say("/start")
    assert "Before you write" in somebody.last[0].text


def test_who_shut_us_out_and_is_erased_on_the_page_is_forgotten(make_worker: Callable[..., Worker]) -> None:
    worker = make_worker().start()
    somebody = worker.person()
    somebody.say("/start")
    somebody.give(contact={"phone_number": "+12025550123", "first_name": "Ann"})
    somebody.wait()
    page = open_page(worker, somebody, "en")
    name = worker.seal.person(somebody.chat)
    worker.api.blocked.add(somebody.chat)
    somebody.send(STORY["en"])
    closed = "SELECT closed_at IS NOT NULL FROM messenger_people WHERE person = ?"
    assert worker.api.wait(lambda: worker.own(closed, name) == [(1,)])
    page.request("DELETE", "/chat/session", expect=204)
    assert worker.api.wait(lambda: worker.own("SELECT 1 FROM messenger_people WHERE person = ?", name) == [])
    assert worker.own("SELECT count(*) FROM messenger_outbox WHERE person = ?", name) == [(0,)]


# ---- the front door away


def test_the_front_door_away_for_a_while(make_worker: Callable[..., Worker], free_port: int) -> None:
    """The worker is told another address, at which nobody is; then somebody is."""
    worker = make_worker(GUIDE_FRONT_DOOR=f"http://127.0.0.1:{free_port}").start()
    somebody = worker.person()
    somebody.send("/start")
    assert not worker.api.wait(lambda: bool(answers(worker, somebody)), 2)
    with Relay(free_port, worker.running.url):
        somebody.wait()
        assert len(somebody.last) == 1
        somebody.say(STORY["en"])
        assert worker.state(somebody)["asking"] == "form_type"


def test_who_waits_is_told_so_once(make_worker: Callable[..., Worker], free_port: int, language: str) -> None:
    worker = make_worker(GUIDE_FRONT_DOOR=f"http://127.0.0.1:{free_port}").start()
    somebody = worker.person(TAGS[language])
    with Relay(free_port, worker.running.url):
        somebody.say("/start")
    somebody.send(STORY[language])
    started = time.monotonic()
    somebody.wait()
    assert 14 < time.monotonic() - started < 30
    hold_on = WORDS("hold_on", language, {"phone": WORDS.phone})  # type: ignore[arg-type]
    assert somebody.text == hold_on
    worker.stop(signal.SIGKILL)
    worker.start()
    time.sleep(18)
    assert len(answers(worker, somebody)) == 2, "it is said once, whatever happens to the worker"
    with Relay(free_port, worker.running.url):
        somebody.wait()
    assert worker.state(somebody)["asking"] == "form_type"
    assert len(answers(worker, somebody)) == 3


def test_what_cannot_be_answered_does_not_hold_up_the_rest(make_worker: Callable[..., Worker], free_port: int) -> None:
    """The front door's answer to one message is nonsense, however often it is asked for."""
    worker = make_worker(GUIDE_FRONT_DOOR=f"http://127.0.0.1:{free_port}").start()
    somebody = worker.person()
    with Relay(free_port, worker.running.url, nonsense=b"NONSENSE") as relay:
        somebody.say("/start")
        somebody.send("NONSENSE please")
        somebody.send(STORY["en"])
        somebody.wait(2)
        assert somebody.last[0].text == WORDS("hold_on", "en", {"phone": WORDS.phone})
        assert worker.state(somebody)["asking"] == "form_type"
        assert relay.spoilt == 3
    assert "ALARM an update was left unanswered" in worker.log.read_text(encoding="utf-8")
    assert "NONSENSE" not in worker.log.read_text(encoding="utf-8")


class Relay:
    """Passes every request on to the running system; one with `nonsense` in it gets an answer that says nothing."""

    def __init__(self, port: int, target: str, nonsense: bytes | None = None) -> None:
        self.spoilt = 0

        async def relay(request: Request) -> Response:
            body = await request.body()
            if nonsense is not None and nonsense in body:
                self.spoilt += 1
                return Response(b"{}", media_type="application/json")
            async with httpx.AsyncClient(base_url=target, trust_env=False, timeout=60) as client:
                answer = await client.request(
                    request.method,
                    request.url.path + (f"?{request.url.query}" if request.url.query else ""),
                    content=body,
                    headers={name: value for name, value in request.headers.items() if name not in _OF_ONE_LINE},
                )
            return Response(answer.content, answer.status_code, media_type="application/json")

        app = Starlette(routes=[Route("/{path:path}", relay, methods=["GET", "POST"])])
        self._server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="critical"))
        self._thread = threading.Thread(target=self._server.run, daemon=True)

    def __enter__(self) -> Relay:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.force_exit = self._server.should_exit = True
        self._thread.join(10)


# ---- the tracking number comes later


def test_a_request_that_could_not_be_sent_at_once(tmp_path: Path, free_port: int) -> None:
    """Intake is away when the page sends the request; when it is back, the tracking number comes to Telegram."""
    later = {"INTAKE_URL": f"http://127.0.0.1:{free_port}", "GUIDE_UNSENT_FIRST_PAUSE_SECONDS": "1"}
    with running_system(neutral_environment(), later) as trial, BotApi() as api:
        worker = Worker(api, Running(trial.url, trial.data), tmp_path).start()
        somebody = worker.person()
        somebody.say("/start")
        somebody.say(STORY["en"])
        go_on(worker, somebody, "en", by_buttons=True)
        page = open_page(worker, somebody, "en")
        words.go_on(page, "en", until="review")
        page.say(words.ANSWERS["en"]["review"])
        assert page.state["tracking_number"] is None
        before = len(answers(worker, somebody))
        with Relay(free_port, trial.url):
            somebody.wait(seconds=90)
        number = worker.state(somebody)["tracking_number"]
        assert number
        assert number in somebody.text
        assert link_of(somebody)
        time.sleep(1)
        assert len(answers(worker, somebody)) == before + len(somebody.last), "it is told once"
        assert worker.stop() == 0


# ---- as fast as Telegram allows


def test_many_people_at_once_and_a_long_answer_are_not_too_fast(make_worker: Callable[..., Worker]) -> None:
    """With the pauses that are set when nothing is: a Bot API that counts never has to refuse anything."""
    worker = make_worker(TELEGRAM_CHAT_PAUSE_SECONDS="")
    worker.api.floods = True
    worker.start()
    talker, *others = (worker.person() for _ in range(FLOOD_PEOPLE))
    talker.say("/start")
    talker.say("I have no case, I only want to make a suggestion so that USCIS gets better.")
    talker.say("\n\n".join(f"Paragraph {number}: " + "x" * 225 for number in range(17)))
    began = time.monotonic()
    for person in others:
        person.send("/start")
        person.send("Does it cost anything?")
    talker.send("/review")
    assert len(talker.wait(2)) == 2
    for person in others:
        person.wait(2)
        first, second = person.last
        assert second.at - first.at >= 0.95
    sent = [call for call in worker.api.of("sendMessage") if call.at > began]
    assert len(sent) == 2 * len(others) + 2
    assert [call.method for call in worker.api.calls if call.code == 429] == []


# ---- the storm


def test_a_storm_of_faults(make_worker: Callable[..., Worker]) -> None:
    """500 updates of 20 people, a fifth of all calls going wrong, a kill in the middle: every answer once, in order."""
    worker = make_worker().start()
    luck = random.Random(7)
    people = [worker.person() for _ in range(STORM_PEOPLE)]
    buttons = {}
    for person in people:
        person.say("/start")
        buttons[person.chat] = [language_button(person) for _ in range(STORM_UPDATES // STORM_PEOPLE // 5 + 1)]
    before = {person.chat: len(answers(worker, person)) for person in people}
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
        for place, person in enumerate(people):
            kind = kind_of(number + place)
            if kind == "edit":
                person.edit(f"Changed {number}")
            elif kind == "tap":
                person.press(*buttons[person.chat].pop())
            else:
                # Each answer can be told from the others.
                person.send(QUESTIONS[number % len(QUESTIONS)])
        if number == per_person // 2:
            worker.stop(signal.SIGKILL)
            worker.start()

    closed = "SELECT count(*) FROM messenger_people WHERE person = ? AND closed_at IS NOT NULL"

    def everything() -> bool:
        behind = [person for person in people if len(answers(worker, person)) < before[person.chat] + per_person]
        for person in behind:
            if worker.own(closed, worker.seal.person(person.chat)) != [(0,)]:
                person.api.push({"my_chat_member": back(person)})
        return not behind

    deadline = time.monotonic() + _SECONDS
    while not everything() and time.monotonic() < deadline:
        time.sleep(1.5)
    worker.api.fault = None
    time.sleep(2)
    counts = {person.chat: len(answers(worker, person)) - before[person.chat] for person in people}
    assert set(counts.values()) == {per_person}, (counts, faults)
    for place, person in enumerate(people):
        turns = [row[0] for row in worker.front_door(
            "SELECT m.answer FROM messages m JOIN people p ON p.conversation_id = m.conversation_id WHERE p.person = ? "
            "AND m.event IN ('text', 'payload') ORDER BY m.seq", worker.seal.person(person.chat),
        )]  # fmt: skip
        said = list(zip(map(kind_of, range(place, place + per_person)), answers(worker, person)[before[person.chat] :],
                        strict=True))  # fmt: skip
        assert {text for kind, text in said if kind == "edit"} == {WORDS("edited", "en")}
        assert in_order(turns, [text for kind, text in said if kind != "edit"])
    assert set(faults) == set(FAULTS), faults
    assert sum(faults.values()) > 100
