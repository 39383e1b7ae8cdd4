"""The front door on PostgreSQL: the same answers as on SQLite, also from two processes at once."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.gateway.conftest import FrontDoor, open_conversation
from tests.gateway.fake_rasa import FakeRasaServer
from tests.postgres import postgres as postgres
from tools.postgres import Server


@pytest.fixture(scope="module")
def doors(
    engine: FakeRasaServer, postgres: Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[FrontDoor]]:
    """Two processes that share a database; its address is given as other programs write it."""
    url = postgres.url(postgres.create("front_door")).replace("postgresql+psycopg://", "postgresql://")
    data = tmp_path_factory.mktemp("doors")
    running = [FrontDoor(engine, data, DATABASE_URL=url, GUIDE_SESSIONS_PER_MINUTE="10000") for _ in range(2)]
    yield running
    for door in running:
        door.stop()


def test_a_conversation_with_reload_resume_and_erasure(doors: list[FrontDoor]) -> None:
    first, second = (httpx.Client(base_url=door.url, timeout=30, trust_env=False) for door in doors)
    person = open_conversation(first, language="zh-Hant")
    answer = person.say("你好 \U0001f642", "m1")
    assert answer.status_code == 200
    again = second.post("/chat/messages", json={"id": "m1", "text": "你好 \U0001f642"}, headers=person.headers)
    assert again.json() == answer.json()
    texts = [one["text"] for one in second.get("/chat/history", headers=person.headers).json()["messages"]]
    assert "你好 \U0001f642" in texts
    code = person.post("/chat/save").json()["resume_code"]
    resumed = second.post("/chat/session", json={"resume_code": code})
    assert resumed.status_code == 201
    assert person.history().status_code == 401
    headers = {"Authorization": f"Bearer {resumed.json()['session']}"}
    assert second.delete("/chat/session", headers=headers).status_code == 204
    assert first.get("/chat/history", headers=headers).status_code == 401


def test_one_message_sent_to_both_at_once_is_played_once(doors: list[FrontDoor]) -> None:
    with httpx.Client(base_url=doors[0].url, timeout=30, trust_env=False) as http:
        person = open_conversation(http)
        before = len(doors[0].rasa.turns)

        def say(door: FrontDoor) -> str:
            url = f"{door.url}/chat/messages"
            answer = httpx.post(
                url, json={"id": "same", "text": "hello"}, headers=person.headers, timeout=60, trust_env=False
            )
            assert answer.status_code == 200
            return answer.text

        with ThreadPoolExecutor(8) as pool:
            answers = set(pool.map(say, doors * 4))
        assert len(answers) == 1
        assert len(doors[0].rasa.turns) == before + 1


def test_nothing_is_left_in_the_data_folder(doors: list[FrontDoor]) -> None:
    assert not list(Path(doors[0].data).glob("gateway.db*"))
