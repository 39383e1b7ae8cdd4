"""The front door as it really runs: a process of its own, HTTP, an SQLite file; only the engine is a fake."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.gateway.fake_rasa import SECRET, FakeRasa, FakeRasaServer

ROOT = Path(__file__).resolve().parent.parent.parent
START_SECONDS = 60
INTAKE_TOKEN = "intake-token-for-tests"


def free_port() -> int:
    """A port nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class FrontDoor:
    """One process of the front door; several can share a data folder."""

    def __init__(
        self, engine: FakeRasaServer, data: Path, program: str = "tests.gateway.run_gateway", **environment: str
    ) -> None:
        self.program = program
        self.engine = engine
        self.data = data
        self.port = free_port()
        self.log = data / f"service-{self.port}.log"
        self.environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "HOST": "127.0.0.1",
            "PORT": str(self.port),
            "GUIDE_DATA": str(data),
            "RASA_URL": f"http://127.0.0.1:{engine.port}",
            "GUIDE_SECRET": SECRET,
            "INTAKE_TOKEN": INTAKE_TOKEN,
            "SESSION_KEY": "session-key-for-tests-0123456789abcdef",
            **environment,
        }
        self.url = f"http://127.0.0.1:{self.port}"
        self.start()

    @property
    def rasa(self) -> FakeRasa:
        """What the fake engine saw, and its knobs."""
        return self.engine.rasa

    def start(self) -> None:
        """Start (again) and wait until it listens."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", self.program],
                env=self.environment,
                stdout=log,
                stderr=log,
                cwd=self.data,
            )
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                httpx.get(f"{self.url}/chat/assets/icon.svg", timeout=2, trust_env=False)
                return
            except httpx.HTTPError:
                if time.monotonic() > deadline or self.process.poll() is not None:
                    raise AssertionError(self.log.read_text()) from None
                time.sleep(0.05)

    def kill(self) -> None:
        """As `kill -9`."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        """Stop in good order."""
        self.process.terminate()
        self.process.wait(10)


@dataclass
class Person:
    """Somebody with a conversation."""

    client: httpx.Client
    opened: dict[str, Any]

    @property
    def headers(self) -> dict[str, str]:
        """With the session's token."""
        return {"Authorization": f"Bearer {self.opened['session']}"}

    def post(self, path: str, body: Any = None, **headers: str) -> httpx.Response:
        """POST JSON in the session."""
        return self.client.post(path, json=body, headers=self.headers | headers)

    def say(self, text: str, message_id: str) -> httpx.Response:
        """Send a typed text."""
        return self.post("/chat/messages", {"id": message_id, "text": text})

    def history(self) -> httpx.Response:
        """Look back."""
        return self.client.get("/chat/history", headers=self.headers)


@pytest.fixture(scope="module")
def engine() -> Iterator[FakeRasaServer]:
    server = FakeRasaServer()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def door(engine: FakeRasaServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FrontDoor]:
    running = FrontDoor(engine, tmp_path_factory.mktemp("gateway"), GUIDE_SESSIONS_PER_MINUTE="10000")
    yield running
    running.stop()


@pytest.fixture
def client(door: FrontDoor) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=door.url, timeout=30, trust_env=False) as made:
        yield made


def caller(door: FrontDoor, number: int) -> httpx.Client:
    """A client with an address of its own, for what is limited for each address."""
    transport = httpx.HTTPTransport(local_address=f"127.0.0.{number}")
    return httpx.Client(base_url=door.url, timeout=30, trust_env=False, transport=transport)


def open_conversation(client: httpx.Client, **body: Any) -> Person:
    """A person who has just opened the page."""
    response = client.post("/chat/session", json=body)
    assert response.status_code == 201, response.text
    return Person(client, response.json())


@pytest.fixture
def person(client: httpx.Client) -> Person:
    return open_conversation(client)
