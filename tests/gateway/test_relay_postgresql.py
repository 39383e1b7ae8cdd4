"""Sending later on PostgreSQL, with two front doors that both look for what is due."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import httpx
import pytest

from tests.gateway.conftest import FrontDoor, Person, open_conversation
from tests.gateway.fake_rasa import FakeRasaServer
from tests.postgres import postgres as postgres
from tools.postgres import Server

NUMBER = "CA-2345-6789-ABCD"
PATIENCE_SECONDS = 20.0
FAST = {"GUIDE_UNSENT_FIRST_SECONDS": "0.2", "GUIDE_UNSENT_LONGEST_SECONDS": "0.5"}


@pytest.fixture(scope="module")
def doors(
    engine: FakeRasaServer, postgres: Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[FrontDoor]]:
    url = postgres.url(postgres.create("relay"))
    data = tmp_path_factory.mktemp("relay")
    running = [FrontDoor(engine, data, GUIDE_DATABASE_URL=url, **FAST) for _ in range(2)]
    yield running
    for door in running:
        door.stop()


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not true():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.05)


def numbers(person: Person) -> int:
    return sum(NUMBER in item["text"] for item in person.history().json()["messages"])


def test_sent_once_when_the_backend_is_back(doors: list[FrontDoor]) -> None:
    rasa = doors[0].rasa
    with httpx.Client(base_url=doors[0].url, timeout=30, trust_env=False) as client:
        person = open_conversation(client)
        rasa.intake_up = False
        try:
            assert person.say("unsent on PG", "1").status_code == 200
            conversation = next(turn for turn in rasa.turns if turn["text"] == "unsent on PG")["conversation_id"]
            until(lambda: sum(turn["conversation_id"] == conversation for turn in rasa.turns) >= 4)
        finally:
            rasa.intake_up = True
        until(lambda: numbers(person) == 1)
        tries = sum(turn["conversation_id"] == conversation for turn in rasa.turns)
        time.sleep(1.2)
        assert numbers(person) == 1
        assert sum(turn["conversation_id"] == conversation for turn in rasa.turns) == tries
        assert rasa.most_at_once[conversation] == 1


def test_erased_means_taken_back_first(doors: list[FrontDoor]) -> None:
    rasa = doors[0].rasa
    with httpx.Client(base_url=doors[0].url, timeout=30, trust_env=False) as client:
        person = open_conversation(client)
        rasa.intake_up = False
        try:
            assert person.say("unsent and erased", "1").status_code == 200
            conversation = next(turn for turn in rasa.turns if turn["text"] == "unsent and erased")["conversation_id"]
            assert client.delete("/chat/session", headers=person.headers).status_code == 204
            assert conversation not in rasa.erased
        finally:
            rasa.intake_up = True
        until(lambda: conversation in rasa.erased)
