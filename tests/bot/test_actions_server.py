"""The action server: closed without the secret, quiet about what it was sent."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
import time
import zlib
from collections.abc import Iterator
from contextlib import suppress
from datetime import date
from pathlib import Path

import pytest

from actions.review_queue import Entry, ReviewQueue

ROOT = Path(__file__).resolve().parents[2]
SECRET = "test-secret"
CANARY = "CANARY-IOE0912345678"


class Server:
    """One action server process."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.folder = folder
        self.log = folder / "actions.log"
        environment = {
            **os.environ,
            "GUIDE_SECRET": SECRET,
            "ACTIONS_PORT": str(self.port),
            "GUIDE_DATA": str(folder),
            "INTAKE_TOKEN": "x",
            "INTAKE_URL": "http://127.0.0.1:1",
        }
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "actions.server"], cwd=ROOT, env=environment, stdout=log, stderr=log
            )
        for _ in range(300):
            assert self.process.poll() is None, self.log.read_text()
            try:
                if self.request("GET", "/health")[0] == 200:
                    return
            except OSError:
                pass
            time.sleep(0.1)
        raise AssertionError(self.log.read_text())

    def request(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, str]:
        """Send one request; returns status and content."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = Server(tmp_path_factory.mktemp("actions"))
    yield running
    running.process.kill()
    running.process.wait()


@pytest.fixture(autouse=True)
def _quiet(server: Server) -> Iterator[None]:
    yield
    assert CANARY not in server.log.read_text()


@pytest.mark.parametrize("headers", [{}, {"X-Guide-Secret": ""}, {"X-Guide-Secret": "wrong"}])
@pytest.mark.parametrize(("method", "path"), [("POST", "/webhook"), ("GET", "/actions"), ("GET", "/")])
def test_closed_without_the_secret(server: Server, method: str, path: str, headers: dict[str, str]) -> None:
    assert server.request(method, path, b"{}" if method == "POST" else None, headers)[0] == 403


def test_the_actions_are_found(server: Server) -> None:
    status, content = server.request("GET", "/actions", headers={"X-Guide-Secret": SECRET})
    assert status == 200
    assert "action_converse" in {action["name"] for action in json.loads(content)}


@pytest.mark.parametrize("encoding", ["deflate", "gzip", "br"])
def test_compressed_bodies_are_refused(server: Server, encoding: str) -> None:
    headers = {"X-Guide-Secret": SECRET, "Content-Encoding": encoding}
    assert server.request("POST", "/webhook", zlib.compress(b"{}"), headers)[0] == 415


def test_large_bodies_are_refused(server: Server) -> None:
    with suppress(BrokenPipeError, ConnectionResetError):
        assert server.request("POST", "/webhook", b"x" * (9 * 1024 * 1024), {"X-Guide-Secret": SECRET})[0] == 413
    assert server.request("GET", "/health")[0] == 200


@pytest.mark.parametrize(
    "body", [CANARY.encode(), b"[]", json.dumps({"next_action": CANARY, "tracker": {}}).encode(), b"\xff\x00"]
)
def test_errors_do_not_quote_the_request(server: Server, body: bytes) -> None:
    status, content = server.request("POST", "/webhook", body, {"X-Guide-Secret": SECRET})
    assert status >= 400
    assert "tracker" not in content
    if b"next_action" not in body:
        assert CANARY not in content


def test_erasing_a_conversation(server: Server) -> None:
    """Its messages leave the review queue, and only its."""
    queue, today = ReviewQueue(f"sqlite:///{server.folder / 'review.db'}", SECRET, 90, 20), date.today()
    for conversation in ("c-1", "c-2"):
        entry = Entry(queue.row_id(conversation, "m1"), "what now", "en", None, "not_understood", (), None, today)
        assert queue.keep(conversation, entry)
    assert server.request("DELETE", "/conversations/c-1")[0] == 403
    assert len(queue.entries(date.today())) == 2
    for _ in range(2):
        assert server.request("DELETE", "/conversations/c-1", headers={"X-Guide-Secret": SECRET})[0] == 204
        assert [entry.id for entry in queue.entries(date.today())] == [queue.row_id("c-2", "m1")]


def test_without_a_secret_it_does_not_start() -> None:
    environment = {name: value for name, value in os.environ.items() if name != "GUIDE_SECRET"}
    done = subprocess.run(
        [sys.executable, "-m", "actions.server"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert "GUIDE_SECRET" in done.stderr
