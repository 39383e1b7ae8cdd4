"""A real intake backend for each test: uvicorn on a free port, on SQLite and on a PostgreSQL of the tests' own."""

from __future__ import annotations

import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
import uvicorn
from pydantic import SecretStr
from sqlalchemy import create_engine, make_url, text

from intake.app import create_app
from intake.document import Document
from intake.roles import Role
from intake.settings import Settings
from intake.store import Store
from intake.store.audit import Actor
from intake.store.retention import Periods
from tests.postgres import postgres as postgres
from tools.postgres import Server
from triage.content import Content
from vault import Key, KeyRing, Vault

TOKEN = "a-token-for-the-tests-only"
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
KEY = Key("test", b"k" * 32)
# Gone with the run of the tests.
_DATA = tempfile.TemporaryDirectory(prefix="guide-intake-")
TESTS = Actor("tests", "command")
CONTENT = Content.load(Path("content"))
DOCUMENT = Document(CONTENT, Path("content/forms"))
PERIODS = Periods.load(Path("content"))


class Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **delta: float) -> None:
        self.now += timedelta(**delta)


@dataclass(frozen=True)
class Database:
    """An empty database of one test.

    Attributes:
        url: SQLAlchemy address.
        path: The file, for SQLite.
        server: The server, for PostgreSQL.
    """

    url: str
    path: Path | None = None
    server: Server | None = None

    def query(self, statement: str, **values: Any) -> list[tuple[Any, ...]]:
        """Ask the database itself, past the backend."""
        engine = create_engine(self.url)
        try:
            with engine.connect() as connection:
                return [tuple(row) for row in connection.execute(text(statement), values)]
        finally:
            engine.dispose()

    def execute(self, statement: str, **values: Any) -> None:
        """Change the database itself, past the backend."""
        engine = create_engine(self.url)
        try:
            with engine.begin() as connection:
                connection.execute(text(statement), values)
        finally:
            engine.dispose()

    def rows(self, table: str) -> list[tuple[Any, ...]]:
        """Everything in a table."""
        return self.query(f"SELECT * FROM {table}")

    def raw(self) -> bytes:
        """Everything the database keeps, as it lies on the disk: files with logs, or every value of every table."""
        if self.path is not None:
            return b"".join(path.read_bytes() for path in sorted(self.path.parent.glob(f"{self.path.name}*")))
        tables = self.query("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        with psycopg.connect(_address(self.url)) as connection:
            parts = []
            for (table,) in tables:
                with connection.cursor().copy(f"COPY {table} TO STDOUT (FORMAT binary)") as copy:
                    parts += [bytes(block) for block in copy]
        return b"".join(parts)


def empty_postgres_database(server: Server) -> Database:
    """The database of the tests on a server, made empty: cheaper than a new one for each test."""
    url = server.url("tests")
    with psycopg.connect(_address(server.url("postgres")), autocommit=True) as connection:
        there = connection.execute("SELECT 1 FROM pg_database WHERE datname = 'tests'").fetchone()
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'tests'")
    if not there:
        server.create("tests")
    with psycopg.connect(_address(url), autocommit=True) as connection:
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
    return Database(url, server=server)


def _address(url: str) -> str:
    return make_url(url).set(drivername="postgresql").render_as_string()


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Database:
    """An empty database, of each kind."""
    if request.param == "sqlite":
        path = tmp_path / "intake.db"
        return Database(f"sqlite:///{path}", path=path)
    return empty_postgres_database(request.getfixturevalue("postgres"))


def settings_for(url: str, keys: str = str(KEY)) -> Settings:
    """Settings of a backend on a database."""
    return Settings(database_url=url, token=SecretStr(TOKEN), data_keys=SecretStr(keys), data_dir=Path(_DATA.name))


@contextmanager
def running(
    url: str, clock: Callable[[], datetime], keys: str = str(KEY), document: Document = DOCUMENT
) -> Iterator[str]:
    """Run the backend on a database and give its address."""
    app = create_app(settings_for(url, keys), clock, CONTENT, document)
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
def address(database: Database, clock: Clock) -> Iterator[str]:
    with running(database.url, clock) as url:
        yield url


@pytest.fixture
def client(address: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=address, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=20) as http:
        yield http


@pytest.fixture
def store(database: Database, clock: Clock) -> Iterator[Store]:
    """The store alone, on the same database as the backend of the test, if there is one."""
    opened = Store.open(settings_for(database.url), CONTENT, clock)
    yield opened
    opened.close()


@pytest.fixture
def staff(address: str, store: Store) -> Iterator[dict[Role, httpx.Client]]:
    """A client for each role."""
    clients = {
        role: httpx.Client(
            base_url=address,
            headers={"Authorization": f"Bearer {store.staff.add_member(f'{role}-1', role, TESTS)}"},
            timeout=20,
        )
        for role in Role
    }
    yield clients
    for one in clients.values():
        one.close()


def vault_of(*keys: Key) -> Vault:
    """A vault with some keys."""
    return Vault(KeyRing(keys or (KEY,)))


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
