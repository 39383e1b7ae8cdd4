"""What could not be handed over is tried again by itself: also after a crash, once, and never against the person."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from gateway import people, store
from gateway.database import migrate, open_engine
from gateway.tables import conversations
from tests.gateway.conftest import FrontDoor, Person, open_conversation
from tests.gateway.fake_rasa import FakeRasaServer

NUMBER = "CA-2345-6789-ABCD"
PATIENCE_SECONDS = 20.0
# Some rounds of looking for what is due.
A_WHILE_SECONDS = 1.2
FAST = {"GUIDE_UNSENT_FIRST_SECONDS": "0.2", "GUIDE_UNSENT_LONGEST_SECONDS": "0.5"}


@pytest.fixture(scope="module")
def eager(engine: FakeRasaServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FrontDoor]:
    """A front door that tries again soon."""
    running = FrontDoor(engine, tmp_path_factory.mktemp("relay"), GUIDE_SESSIONS_PER_MINUTE="10000", **FAST)
    yield running
    running.stop()


@pytest.fixture(autouse=True)
def up_again(engine: FakeRasaServer) -> Iterator[None]:
    yield
    engine.rasa.intake_up, engine.rasa.status, engine.rasa.delay, engine.rasa.drop_answers = True, 200, 0.0, 0


@pytest.fixture
def person(eager: FrontDoor) -> Iterator[Person]:
    with httpx.Client(base_url=eager.url, timeout=30, trust_env=False) as client:
        yield open_conversation(client)


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not true():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.05)


def row(door: FrontDoor, conversation_id: str) -> dict[str, Any]:
    with closing(sqlite3.connect(door.data / "gateway.db")) as database:
        database.row_factory = sqlite3.Row
        found = database.execute("SELECT * FROM conversations WHERE id = ?", (conversation_id,)).fetchone()
        return dict(found) if found else {}


def change(door: FrontDoor, statement: str, *values: Any) -> None:
    with closing(sqlite3.connect(door.data / "gateway.db", timeout=10)) as database, database:
        database.execute(statement, values)


def mine(door: FrontDoor, conversation_id: str, event: str = "retry") -> list[dict[str, Any]]:
    return [turn for turn in door.rasa.turns if turn["conversation_id"] == conversation_id and turn["event"] == event]


def say(door: FrontDoor, person: Person, text: str, message_id: str = "1") -> str:
    """Say something; returns the conversation's id."""
    answer = person.say(text, message_id)
    assert answer.status_code == 200, answer.text
    assert "pending" not in answer.json()
    assert "pending" not in answer.json()["state"]
    return str(next(turn["conversation_id"] for turn in reversed(door.rasa.turns) if turn["text"] == text))


def said(person: Person) -> list[str]:
    return [item["text"] for item in person.history().json()["messages"]]


def numbers(person: Person) -> int:
    """How often the person is told the tracking number."""
    return sum(NUMBER in text for text in said(person))


def test_sent_when_the_backend_is_back(eager: FrontDoor, person: Person) -> None:
    eager.rasa.intake_up = False
    conversation = say(eager, person, "unsent one")
    before = said(person)
    until(lambda: row(eager, conversation)["retry_tries"] >= 2)
    assert said(person) == before, "a try of which nothing came is not shown"
    assert row(eager, conversation)["retry_error"] == "stall"
    eager.rasa.intake_up = True
    until(lambda: numbers(person) == 1)
    history = person.history().json()
    assert history["messages"][-1]["from"] == "guide"
    assert NUMBER in history["messages"][-1]["text"]
    assert len(history["messages"]) == len(before) + 1
    assert history["state"]["tracking_number"] == NUMBER
    done = row(eager, conversation)
    assert (done["retry_kind"], done["retry_open"], done["retry_tries"]) == (None, None, 0)
    tries = len(mine(eager, conversation))
    time.sleep(A_WHILE_SECONDS)
    assert len(mine(eager, conversation)) == tries, "it is not tried again after it was sent"
    assert len({turn["message_id"] for turn in mine(eager, conversation)}) == tries


def test_the_pause_grows(eager: FrontDoor, person: Person) -> None:
    eager.rasa.intake_up = False
    conversation = say(eager, person, "unsent grows")
    until(lambda: row(eager, conversation)["retry_tries"] == 1)
    first = row(eager, conversation)
    until(lambda: row(eager, conversation)["retry_tries"] == 2)
    second = row(eager, conversation)
    assert first["retry_since"] == second["retry_since"]
    assert second["retry_next"] > first["retry_next"] + 200


def test_after_everything_was_killed(eager: FrontDoor, person: Person) -> None:
    eager.rasa.intake_up = False
    conversation = say(eager, person, "unsent killed")
    eager.kill()
    eager.engine.stop()
    eager.rasa.intake_up = True
    eager.engine.start()
    eager.start()
    until(lambda: numbers(person) == 1)
    assert mine(eager, conversation)


def test_a_try_that_broke_off_is_told_before_the_next_message(eager: FrontDoor, person: Person) -> None:
    conversation = say(eager, person, "unsent broken off")
    eager.rasa.delay = 1.5
    until(lambda: eager.rasa.conversations[conversation]["now"] == 1)
    assert row(eager, conversation)["retry_open"]
    eager.kill()
    until(lambda: len(mine(eager, conversation)) == 1)
    eager.rasa.delay = 0
    change(eager, "UPDATE conversations SET retry_next = 9000000000000 WHERE id = ?", conversation)
    eager.start()
    assert numbers(person) == 0
    assert person.say("what now", "2").status_code == 200
    assert NUMBER in said(person)[-3], "the answer that was under way comes first"
    assert numbers(person) == 1
    assert len(mine(eager, conversation)) == 1, "the engine had played it, and gives its answer again"


def test_an_unanswered_message_comes_first(eager: FrontDoor, person: Person) -> None:
    eager.rasa.intake_up = False
    conversation = say(eager, person, "unsent waits")
    change(eager, "UPDATE conversations SET retry_next = 9000000000000 WHERE id = ?", conversation)
    tries = len(mine(eager, conversation))
    eager.rasa.status = 503
    assert person.say("sent again by its client", "2").status_code == 503
    eager.rasa.status, eager.rasa.intake_up = 200, True
    change(eager, "UPDATE conversations SET retry_next = 1 WHERE id = ?", conversation)
    time.sleep(A_WHILE_SECONDS)
    assert len(mine(eager, conversation)) == tries
    assert person.say("sent again by its client", "2").status_code == 200


def test_a_message_that_changes_it_ends_the_waiting(eager: FrontDoor, person: Person) -> None:
    eager.rasa.intake_up = False
    conversation = say(eager, person, "unsent changed")
    say(eager, person, "my mail address is another one", "2")
    tries = len(mine(eager, conversation))
    eager.rasa.intake_up = True
    time.sleep(A_WHILE_SECONDS)
    assert len(mine(eager, conversation)) == tries
    assert row(eager, conversation)["retry_kind"] is None


def test_two_front_doors_try_once(eager: FrontDoor, engine: FakeRasaServer, person: Person) -> None:
    other = FrontDoor(engine, eager.data, **FAST)
    try:
        eager.rasa.delay = 0.3
        conversation = say(eager, person, "unsent twice", "1")
        until(lambda: numbers(person) == 1)
        time.sleep(A_WHILE_SECONDS)
    finally:
        eager.rasa.delay = 0
        other.stop()
    assert len(mine(eager, conversation)) == 1
    assert eager.rasa.most_at_once[conversation] == 1


def test_the_backend_says_when(eager: FrontDoor, person: Person) -> None:
    eager.rasa.intake_up = False
    conversation = say(eager, person, "unsent after")
    until(lambda: row(eager, conversation)["retry_next"] - row(eager, conversation)["retry_since"] >= 500)


def test_on_another_device(eager: FrontDoor, person: Person) -> None:
    eager.rasa.intake_up = False
    say(eager, person, "unsent elsewhere")
    code = person.post("/chat/save").json()["resume_code"]
    eager.rasa.intake_up = True
    until(lambda: numbers(person) == 1)
    elsewhere = open_conversation(person.client, resume_code=code)
    assert numbers(elsewhere) == 1


def test_the_engine_is_away(eager: FrontDoor, person: Person) -> None:
    eager.rasa.intake_up = False
    conversation = say(eager, person, "unsent engine")
    eager.engine.stop()
    before = row(eager, conversation)["retry_tries"]
    time.sleep(A_WHILE_SECONDS)
    assert row(eager, conversation)["retry_tries"] <= before + 1, "not counted as tries"
    eager.rasa.intake_up = True
    eager.engine.start()
    until(lambda: numbers(person) == 1)


def test_it_stays_though_nobody_can_open_it(eager: FrontDoor, person: Person) -> None:
    eager.rasa.intake_up = False
    conversation = say(eager, person, "unsent stays")
    change(eager, "UPDATE conversations SET created_at = 1 WHERE id = ?", conversation)
    change(eager, "UPDATE sessions SET expires_at = 1 WHERE conversation_id = ?", conversation)
    eager.stop()
    eager.start()
    time.sleep(A_WHILE_SECONDS)
    assert row(eager, conversation)["retry_kind"] == "request"
    eager.rasa.intake_up = True
    until(lambda: row(eager, conversation)["retry_kind"] is None)


def test_erased_means_taken_back_first(eager: FrontDoor, person: Person) -> None:
    eager.rasa.intake_up = False
    conversation = say(eager, person, "unsent erased")
    assert person.client.delete("/chat/session", headers=person.headers).status_code == 204
    assert row(eager, conversation) == {}
    tries = len(mine(eager, conversation))
    assert mine(eager, conversation, "undo")
    assert conversation not in eager.rasa.erased, "the engine still has to take it back"
    eager.rasa.intake_up = True
    eager.stop()
    eager.start()
    until(lambda: conversation in eager.rasa.erased)
    assert len(mine(eager, conversation)) == tries


def test_erased_after_the_review_was_shown(eager: FrontDoor, person: Person) -> None:
    conversation = say(eager, person, "offered")
    assert person.client.delete("/chat/session", headers=person.headers).status_code == 204
    assert mine(eager, conversation, "undo")
    assert conversation in eager.rasa.erased


def sent_unheard(door: FrontDoor, person: Person, text: str) -> str:
    """Have a request sent by itself that its person was told is not sent yet."""
    door.rasa.intake_up = False
    conversation = say(door, person, text)
    door.rasa.intake_up = True
    until(lambda: row(door, conversation)["retry_kind"] is None)
    return conversation


def test_erased_by_who_has_not_heard_that_it_was_sent(eager: FrontDoor, person: Person) -> None:
    conversation = sent_unheard(eager, person, "unsent unheard")
    assert person.client.delete("/chat/session", headers=person.headers).status_code == 204
    assert mine(eager, conversation, "undo")
    assert not mine(eager, conversation, "abandon")
    until(lambda: conversation in eager.rasa.erased)


HEARD = {
    "in the history": lambda person: numbers(person) == 1,
    "in an answer": lambda person: person.say("hello?", "2").status_code == 200,
    "on another device": lambda person: open_conversation(
        person.client, resume_code=person.post("/chat/save").json()["resume_code"]
    ),
}


@pytest.mark.parametrize("how", HEARD)
def test_erased_by_who_has_heard_that_it_was_sent(eager: FrontDoor, person: Person, how: str) -> None:
    conversation = sent_unheard(eager, person, "unsent heard")
    heard = HEARD[how](person)
    assert heard
    session = heard if isinstance(heard, Person) else person
    assert session.client.delete("/chat/session", headers=session.headers).status_code == 204
    assert not mine(eager, conversation, "undo")
    assert not mine(eager, conversation, "abandon")
    assert conversation in eager.rasa.erased


def test_who_agreed_and_never_came_back_keeps_the_request(eager: FrontDoor, person: Person) -> None:
    conversation = sent_unheard(eager, person, "unsent and away")
    change(eager, "UPDATE conversations SET created_at = 1 WHERE id = ?", conversation)
    change(eager, "UPDATE sessions SET expires_at = 1 WHERE conversation_id = ?", conversation)
    eager.stop()
    eager.start()
    until(lambda: conversation in eager.rasa.erased)
    assert not mine(eager, conversation, "undo")


def test_erased_while_an_answer_with_a_number_was_lost(eager: FrontDoor, person: Person) -> None:
    """The engine may have the number already, though nothing of it came through to here."""
    eager.rasa.intake_up = False
    conversation = say(eager, person, "unsent and lost")
    assert person.client.delete("/chat/session", headers=person.headers).status_code == 204
    assert mine(eager, conversation, "undo")


def test_what_a_messenger_passes_on_is_heard(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'gateway.db'}")
    migrate(engine)
    state = {"language": "en", "outcome": "submitted", "tracking_number": NUMBER}
    finished = store.Finished("c", "retry-1", '{"replies": []}', state, "en", {})
    with engine.begin() as connection:
        store.create_conversation(connection, "c", "en", 1)
        people.attach(connection, "somebody", "telegram", "c", "greeting")
        store.add_beside(connection, "c", store.Beside("retry-1", "retry", ""), 2)
        store.finish_retry(connection, finished, True, lambda _tries: 0, 1, 3)
        unheard = select(conversations.c.unheard)
        assert connection.scalar(unheard) is True
        assert [row[1] for row in people.read_news(connection, "telegram", 0)] == ["somebody"]
        assert connection.scalar(unheard) is False
    engine.dispose()


def unsent(door: FrontDoor, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "gateway.unsent", *arguments],
        env={**os.environ, **door.environment},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )


def test_left_to_staff_after_some_days(eager: FrontDoor, person: Person) -> None:
    eager.rasa.intake_up = False
    conversation = say(eager, person, "unsent for long")
    change(eager, "UPDATE conversations SET retry_since = 1 WHERE id = ?", conversation)
    until(lambda: row(eager, conversation)["retry_dead"] is not None)
    tries = len(mine(eager, conversation))
    time.sleep(A_WHILE_SECONDS)
    assert len(mine(eager, conversation)) == tries

    listed = unsent(eager)
    assert listed.returncode == 1
    (line,) = [line for line in listed.stdout.splitlines() if "left to staff" in line]
    assert "request" in line
    assert "stall" in line
    assert "1970-01-01" in line
    assert conversation not in listed.stdout
    assert "unsent for long" not in listed.stdout

    eager.rasa.intake_up = True
    assert "1 taken up again." in unsent(eager, "--again").stdout
    until(lambda: numbers(person) == 1)
    assert unsent(eager).returncode == 0


def test_a_database_that_takes_nothing_is_not_ready(eager: FrontDoor, person: Person) -> None:
    with closing(sqlite3.connect(eager.data / "gateway.db", timeout=10, isolation_level=None)) as database:
        database.execute("BEGIN EXCLUSIVE")
        answer = person.say("nobody can store this", "1")
        database.execute("ROLLBACK")
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) >= 1
    assert set(answer.json()) == {"error", "message"}
    assert person.say("nobody can store this", "1").status_code == 200
