"""A real intake backend for each test: uvicorn on a free port, SQLite in a temporary folder."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from pydantic import SecretStr

from intake.app import create_app
from intake.settings import Settings

TOKEN = "a-token-for-the-tests-only"
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


class Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **delta: float) -> None:
        self.now += timedelta(**delta)


@contextmanager
def running(url: str, clock: Callable[[], datetime]) -> Iterator[str]:
    """Run the backend on a database and give its address."""
    app = create_app(Settings(database_url=url, token=SecretStr(TOKEN)), clock)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        server = uvicorn.Server(uvicorn.Config(app, log_level="info", access_log=False))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        deadline = time.monotonic() + 20
        while not server.started:
            assert time.monotonic() < deadline, "the backend did not start"
            time.sleep(0.01)
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            server.should_exit = True
            thread.join(10)
            app.state.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "intake.db"


@pytest.fixture
def address(database: Path, clock: Clock) -> Iterator[str]:
    with running(f"sqlite:///{database}", clock) as url:
        yield url


@pytest.fixture
def client(address: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=address, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=20) as http:
        yield http


def body(**changes: Any) -> dict[str, Any]:
    """A complete request sent online, with some answers changed; None takes an answer out."""
    complete: dict[str, Any] = {
        "outcome": "submitted",
        "language": "zh-Hans",
        "submitted_at": "2026-11-24T11:59:00Z",
        "grounds": ["delay", "hardship"],
        "form_type": "I-485",
        "receipt_numbers": ["LIN9999106498", "IOE*123456789"],
        "filing_date": "2023-05",
        "delay_verified": True,
        "hardship_detail": "我丢了工作。",
        "contact_center": "tried",
        "contact_center_detail": "等回信",
        "contact_center_date": "2026-09-01",
        "case_status_online": "tried",
        "infopass": "not_tried",
        "requester_role": "applicant",
        "full_name": "王小明 Xiaoming Wang",
        "date_of_birth": "1980-02-29",
        "email": "wang@example.com",
        "phone": "(202) 555-0143",
        "phone_e164": "+12025550143",
        "a_number": "A012345678",
        "mailing_address": "1 Main St\nSpringfield, IL 62701",
        "problem_description": "我的绿卡申请等了三年多。\n《#let x = *1*》 $a$ @b",
        "documents": ["receipt_notice"],
        "delivery": "online",
        "consent": True,
        "signature_name": "王小明",
        "signed_at": "2026-11-24T11:58:30Z",
        "english_statement": "The applicant filed Form I-485 in May 2023 and has had no decision.",
    }
    complete.update(changes)
    return {key: value for key, value in complete.items() if value is not None}


def send(client: httpx.Client, key: str = "conversation-1", **changes: Any) -> httpx.Response:
    return client.post("/v1/case-requests", json=body(**changes), headers={"Idempotency-Key": key})
