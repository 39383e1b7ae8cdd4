"""Sent twice, at once, in the middle of a crash, too fast: one turn, one answer, nothing lost."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.gateway.conftest import FrontDoor, Person, open_conversation
from tests.gateway.fake_rasa import BUTTON, FakeRasaServer


def turns(door: FrontDoor, text: str) -> int:
    return sum(turn["text"] == text for turn in door.rasa.turns)


def all_at_once(calls: list[Callable[[], Any]]) -> list[Any]:
    with ThreadPoolExecutor(len(calls)) as pool:
        return [future.result() for future in [pool.submit(call) for call in calls]]


def test_the_same_id_again(door: FrontDoor, person: Person) -> None:
    first = person.say("once", "1").json()
    person.say("between", "2")
    before = person.history().json()
    assert person.say("once", "1").json() == first
    assert person.say("something else", "1").json() == first
    assert person.post("/chat/messages", {"id": "1", "payload": BUTTON["payload"]}).json() == first
    assert person.history().json() == before
    assert turns(door, "once") == 1


def test_twenty_at_the_same_moment(door: FrontDoor, person: Person) -> None:
    door.rasa.delay = 0.2
    try:
        answers = all_at_once([lambda: person.say("twenty", "same")] * 20)
    finally:
        door.rasa.delay = 0
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    assert turns(door, "twenty") == 1


def test_one_after_the_other_in_a_conversation(door: FrontDoor, person: Person) -> None:
    door.rasa.delay = 0.05
    try:
        answers = all_at_once([lambda n=n: person.say(f"queue {n}", f"q{n}") for n in range(10)])
    finally:
        door.rasa.delay = 0
    assert {answer.status_code for answer in answers} == {200}
    assert door.rasa.most_at_once[door.rasa.turns[-1]["conversation_id"]] == 1
    assert sorted(answer.json()["state"]["answers"]["said"] for answer in answers) == list(range(2, 12))


def test_others_do_not_wait(door: FrontDoor, client: httpx.Client) -> None:
    people = [open_conversation(client) for _ in range(8)]
    door.rasa.delay = 0.4
    started = time.monotonic()
    try:
        all_at_once([lambda p=p: p.say("at once", "1") for p in people])
    finally:
        door.rasa.delay = 0
    assert time.monotonic() - started < 2.4


def test_two_processes_on_one_database(door: FrontDoor, engine: FakeRasaServer, person: Person) -> None:
    other = FrontDoor(engine, door.data)
    try:
        with httpx.Client(base_url=other.url, timeout=30, trust_env=False) as client:
            elsewhere = Person(client, person.opened)
            door.rasa.delay = 0.1
            same = all_at_once([lambda p=p: p.say("both doors", "same") for p in [person, elsewhere] * 5])
            mixed = all_at_once(
                [lambda p=p, n=n: p.say(f"door {n}", f"d{n}") for n, p in enumerate([person, elsewhere] * 4)]
            )
    finally:
        door.rasa.delay = 0
        other.stop()
    assert len({answer.content for answer in same}) == 1
    assert turns(door, "both doors") == 1
    assert {answer.status_code for answer in mixed} == {200}
    assert door.rasa.most_at_once[door.rasa.turns[-1]["conversation_id"]] == 1


def test_an_answer_lost_on_the_way(door: FrontDoor, person: Person) -> None:
    door.rasa.drop_answers = 2
    assert person.say("lost", "1").status_code == 200
    assert turns(door, "lost") == 1


@pytest.mark.parametrize("status", [500, 503])
def test_the_engine_recovers_in_time(door: FrontDoor, person: Person, status: int) -> None:
    door.rasa.status = status
    threading.Timer(0.7, lambda: setattr(door.rasa, "status", 200)).start()
    assert person.say("patience", f"{status}").status_code == 200


def test_the_engine_stays_away(door: FrontDoor, person: Person) -> None:
    door.engine.stop()
    started = time.monotonic()
    try:
        answers = all_at_once([lambda: person.say("kept", "1")] * 5)
        health = person.client.get("/health")
        opened = person.client.post("/chat/session", json={})
    finally:
        door.engine.start()
    assert time.monotonic() - started < 25
    for response in (*answers, opened):
        assert response.status_code == 503
        assert response.headers["retry-after"] == "2"
        assert response.json()["error"] == "not_ready"
    assert health.status_code == 503
    again = person.say("kept", "1")
    assert again.status_code == 200
    assert turns(door, "kept") == 1
    assert person.say("kept", "1").json() == again.json()


def test_a_crash_in_the_middle_of_a_turn(door: FrontDoor, person: Person) -> None:
    person.say("before", "1")
    door.rasa.delay = 1.0
    outcome: list[Any] = []

    def send() -> None:
        try:
            outcome.append(person.say("crash", "2"))
        except httpx.HTTPError as error:
            outcome.append(error)

    thread = threading.Thread(target=send)
    thread.start()
    time.sleep(0.4)
    door.kill()
    thread.join()
    assert isinstance(outcome[0], httpx.HTTPError)
    time.sleep(0.8)
    door.rasa.delay = 0
    door.start()
    with httpx.Client(base_url=door.url, timeout=30, trust_env=False) as client:
        back = Person(client, person.opened)
        assert back.say("crash", "2").status_code == 200
        assert turns(door, "crash") == 1
        said = [item["text"] for item in back.history().json()["messages"] if item["from"] == "person"]
        assert said == ["before", "crash"]


def test_erased_while_the_engine_is_away(door: FrontDoor, client: httpx.Client, person: Person) -> None:
    person.say("x", "1")
    conversation_id = door.rasa.turns[-1]["conversation_id"]
    door.rasa.status = 503
    try:
        assert client.delete("/chat/session", headers=person.headers).status_code == 204
    finally:
        door.rasa.status = 200
    assert person.history().status_code == 401
    assert conversation_id not in door.rasa.erased
    door.stop()
    door.start()
    deadline = time.monotonic() + 5
    while conversation_id not in door.rasa.erased and time.monotonic() < deadline:
        time.sleep(0.05)
    assert conversation_id in door.rasa.erased


def test_nobody_can_open_it_any_more(door: FrontDoor, client: httpx.Client) -> None:
    kept, saved, expired = (open_conversation(client) for _ in range(3))
    for person, text in ((kept, "kept by its session"), (saved, "kept by its code"), (expired, "gone")):
        assert person.say(text, "1").status_code == 200
    code = saved.post("/chat/save").json()["resume_code"]
    by_text = {turn["text"]: turn["conversation_id"] for turn in door.rasa.turns}
    door.stop()
    with sqlite3.connect(door.data / "gateway.db") as database:
        database.execute("UPDATE conversations SET created_at = created_at - 7200000")
        for text in ("gone", "kept by its code"):
            database.execute("UPDATE sessions SET expires_at = 1 WHERE conversation_id = ?", (by_text[text],))
    database.close()
    door.start()
    deadline = time.monotonic() + 5
    while by_text["gone"] not in door.rasa.erased and time.monotonic() < deadline:
        time.sleep(0.05)
    assert by_text["gone"] in door.rasa.erased
    assert by_text["kept by its code"] not in door.rasa.erased
    with httpx.Client(base_url=door.url, timeout=30, trust_env=False) as fresh:
        assert Person(fresh, kept.opened).history().status_code == 200
        assert Person(fresh, expired.opened).history().status_code == 401
        assert open_conversation(fresh, resume_code=code).history().status_code == 200


@pytest.fixture
def strict_door(engine: FakeRasaServer, tmp_path: Path) -> Iterator[FrontDoor]:
    running = FrontDoor(engine, tmp_path, GUIDE_RATE_PER_MINUTE="5", GUIDE_SESSIONS_PER_MINUTE="3")
    yield running
    running.stop()


def test_limits(strict_door: FrontDoor) -> None:
    with httpx.Client(base_url=strict_door.url, timeout=30, trust_env=False) as client:
        person, other, _ = (open_conversation(client) for _ in range(3))
        refused = client.post("/chat/session", json={})
        assert (refused.status_code, refused.json()["error"]) == (429, "too_many_sessions")
        assert 1 <= int(refused.headers["retry-after"]) <= 60

        answers = [person.say("fast", str(number)) for number in range(6)]
        assert [answer.status_code for answer in answers] == [200] * 5 + [429]
        assert answers[-1].json()["error"] == "too_many_messages"
        assert 1 <= int(answers[-1].headers["retry-after"]) <= 60
        assert person.say("fast", "0").json() == answers[0].json(), "an answer that is there costs nothing"
        assert other.say("fast", "1").status_code == 200
        assert turns(strict_door, "fast") == 6

        code = person.post("/chat/save").json()["resume_code"]
        tries = [client.post("/chat/session", json={"resume_code": "2345-6789-ABCD-EFGH"}) for _ in range(6)]
        assert [answer.status_code for answer in tries] == [404] * 5 + [429]
        assert int(tries[-1].headers["retry-after"]) <= 60
        assert client.post("/chat/session", json={"resume_code": code}).status_code == 429


def test_files_are_for_their_owner_only(door: FrontDoor) -> None:
    for path in door.data.glob("gateway.db*"):
        assert path.stat().st_mode & 0o077 == 0, path
