"""No log and no error output holds anything a person wrote, sent or is called; and what is erased is gone."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import httpx

from tests.gateway.conftest import FrontDoor, Person, open_conversation
from tests.gateway.fake_rasa import FakeRasaServer

CANARY = "canary-7f3a-王小明-ioe0912345678"


def test_canaries(engine: FakeRasaServer, tmp_path: Path) -> None:
    door = FrontDoor(engine, tmp_path)
    refusals: list[str] = []
    try:
        with httpx.Client(base_url=door.url, timeout=30, trust_env=False) as client:
            person = open_conversation(client)
            token = person.opened["session"]
            person.say(CANARY, "1")
            person.say(CANARY, CANARY)
            for body in (
                {"id": "2", "payload": CANARY},
                {"id": CANARY, "text": 5, "more": CANARY},
                {"id": "2", "text": CANARY * 1000},
                {"resume_code": CANARY},
            ):
                refusals.append(person.post("/chat/messages", body).text)
            refusals.append(client.post("/chat/session", json={"resume_code": CANARY, "language": CANARY}).text)
            refusals.append(client.get(f"/chat/history?name={CANARY}", headers=person.headers).headers.__repr__())
            refusals.append(client.get(f"/{CANARY}?{CANARY}").text)
            refusals.append(client.get(f"/chat/files/{CANARY}/{CANARY}").text)
            refusals.append(client.get("/chat/history", headers={"Authorization": f"Bearer {CANARY.encode()!r}"}).text)
            refusals.append(client.request("CANARY-7F3A", "/chat/").text)
            refusals.append(client.post("/chat/messages", content=CANARY, headers=person.headers).text)
            code = person.post("/chat/save").json()["resume_code"]
            link = person.say("done", "3").json()["replies"][0]["attachments"][1]["url"]
            client.get(link)
            door.rasa.status = 503
            person.say(CANARY + "503", "4")
            door.rasa.status = 200
            conversation_id = door.rasa.turns[-1]["conversation_id"]
            client.delete("/chat/session", headers=person.headers)
    finally:
        door.rasa.status = 200
        door.stop()
    log = door.log.read_text(encoding="utf-8")
    lines = [json.loads(line) for line in log.splitlines()]
    assert sum(line["event"] == "request" for line in lines) > 15
    secrets = ("canary", "CANARY", "王小明", "0912345678", token, code, code.replace("-", ""), link, conversation_id)
    for secret in (*secrets, door.environment["SESSION_KEY"], door.environment["GUIDE_SECRET"]):
        assert secret not in log
    assert not any("127.0.0.1" in json.dumps(line) for line in lines if line["event"] == "request")
    for text in refusals:
        assert not any(secret in text for secret in ("canary", "王小明", "0912345678", "Traceback")), text
    for path in tmp_path.glob("gateway.db*"):
        assert "王小明".encode() not in path.read_bytes(), f"{path.name} still holds what was erased"


def test_an_error_of_the_database_says_nothing(engine: FakeRasaServer, tmp_path: Path) -> None:
    door = FrontDoor(engine, tmp_path)
    try:
        with httpx.Client(base_url=door.url, timeout=30, trust_env=False) as client:
            person = open_conversation(client, language="zh-Hans")
            with sqlite3.connect(tmp_path / "gateway.db") as database:
                database.execute("ALTER TABLE messages RENAME TO messages_away")
            database.close()
            response = person.say(CANARY, "1")
            assert response.status_code == 503
            assert response.json()["error"] == "not_ready"
            assert "retry-after" in response.headers
            assert client.get("/chat/").status_code == 200
    finally:
        door.stop()
    log = door.log.read_text(encoding="utf-8")
    assert "canary" not in log
    assert "OperationalError" in log


def test_tokens_and_codes_are_stored_hashed(door: FrontDoor, person: Person) -> None:
    code = person.post("/chat/save").json()["resume_code"].replace("-", "")
    stored = b"".join(path.read_bytes() for path in door.data.glob("gateway.db*"))
    assert person.opened["session"].encode() not in stored
    assert code.encode() not in stored
