"""Front door and intake backend in one process, as it is started for real."""

from __future__ import annotations

from pathlib import Path

import httpx

from tests.gateway.conftest import INTAKE_TOKEN, FrontDoor, open_conversation
from tests.gateway.fake_rasa import FakeRasaServer


def test_both_parts(engine: FakeRasaServer, tmp_path: Path) -> None:
    running = FrontDoor(engine, tmp_path, program="service")
    try:
        with httpx.Client(base_url=running.url, timeout=30, trust_env=False) as client:
            assert client.get("/health").status_code == 200
            assert client.get("/v1/health").status_code == 200
            unknown = "/v1/case-requests/CA-2345-6789-ABCD"
            assert client.get(unknown).status_code == 401
            assert client.get(unknown, headers={"Authorization": f"Bearer {INTAKE_TOKEN}"}).status_code == 404
            assert client.get("/v1x").json()["error"] == "not_found"
            answer = open_conversation(client).say("done", "1").json()
            link = answer["replies"][0]["attachments"][0]["url"]
            assert client.get(link).status_code == 404, "the front door asked the backend, which has no such request"
            assert "server" not in client.get("/health").headers
    finally:
        running.stop()
    assert running.process.returncode in (0, -15)
    assert all(path.stat().st_mode & 0o077 == 0 for path in tmp_path.glob("*.db*"))
