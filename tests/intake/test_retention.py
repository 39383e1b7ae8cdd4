"""Retention: each status has its time, a hold stops the clock, and what is due goes with all that belongs to it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
import yaml
from sqlalchemy import Connection

from intake.roles import Role
from intake.store import Store
from intake.store.retention import Periods
from tests.intake.conftest import CONTENT, DOCUMENT, NOW, PERIODS, Clock, Database, send, settings_for, vault_of
from triage.content import ContentError

FIRST = {"submitted": "received", "prepared": "prepared"}
PAPER = {"outcome": "prepared", "delivery": "mail", "consent": None, "signature_name": None, "signed_at": None}


@pytest.mark.parametrize("outcome", ["submitted", "prepared"])
@pytest.mark.parametrize(
    "status", ["received", "prepared", "delivered", "bounced", "in_review", "contacted_uscis", "closed", "withdrawn"]
)
def test_each_status_has_its_time(tmp_path: Path, clock: Clock, outcome: str, status: str) -> None:
    database = Database(f"sqlite:///{tmp_path / 'intake.db'}", path=tmp_path / "intake.db")
    store = Store(database.url, vault_of(), CONTENT, PERIODS, clock)
    from intake.database import migrate

    migrate(store.transactions.engine, vault_of())
    database.execute(
        "INSERT INTO case_requests (tracking_number, outcome, status, received_at, status_since, legal_hold, sealed) "
        f"VALUES ('CA-2345-6789-ABCH', '{outcome}', '{status}', '{NOW:%Y-%m-%d %H:%M:%S}.000000', "
        f"'{NOW:%Y-%m-%d %H:%M:%S}.000000', 0, x'00')"
    )
    by_status = PERIODS.requests[outcome]
    days = by_status.get(status, by_status["other"])
    clock.forward(days=days, seconds=-1)
    assert store.retention.purge().requests == 0
    clock.forward(seconds=1)
    assert store.retention.purge(dry_run=True).requests == 1
    assert store.retention.purge().requests == 1
    assert store.retention.purge().requests == 0
    store.close()


def test_what_is_due_goes_with_everything(client: httpx.Client, store: Store, database: Database, clock: Clock) -> None:
    number = send(client, key="old").json()["tracking_number"]
    client.post("/v1/feedback", json={"feedback_text": "x", "language": "en"}, headers={"Idempotency-Key": "f"})
    erased: list[int] = []

    def eraser(_connection: Connection, request_id: int) -> Callable[[], None]:
        return lambda: erased.append(request_id)

    store.erasing.erasers.append(eraser)
    clock.forward(days=PERIODS.requests["submitted"]["other"])
    recent = send(client, key="new").json()["tracking_number"]
    counted = store.retention.purge(dry_run=True)
    assert (counted.requests, counted.feedback) == (1, 1)
    assert len(database.rows("case_requests")) == 2
    assert erased == []
    removed = store.retention.purge()
    assert (removed.requests, removed.held, removed.feedback) == (1, 0, 1)
    assert len(erased) == 1
    assert [row[0] for row in database.query("SELECT tracking_number FROM case_requests")] == [recent]
    for table in ("history", "outbox"):
        assert len(database.rows(table)) == 1
    assert database.query("SELECT reason FROM erasure_receipts") == [("retention",)]
    assert client.delete(f"/v1/case-requests/{number}").headers["Erasure-Receipt"]
    assert number.encode() not in database.raw()
    assert send(client, key="old").status_code == 410
    clock.forward(days=PERIODS.spent_keys)
    assert store.retention.purge().keys == 1
    assert {key for (key,) in database.query("SELECT key FROM idempotency_keys")} == {"new"}


def test_a_hold_stops_the_clock(
    client: httpx.Client, store: Store, clock: Clock, staff: dict[Role, httpx.Client]
) -> None:
    number = send(client).json()["tracking_number"]
    path = f"/v1/staff/requests/{number}/hold"
    staff[Role.SUPERVISOR].put(path, json={"hold": True, "note": "letter"}).raise_for_status()
    clock.forward(days=5000)
    removed = store.retention.purge()
    assert (removed.requests, removed.held) == (0, 1)
    staff[Role.SUPERVISOR].put(path, json={"hold": False}).raise_for_status()
    assert store.retention.purge().requests == 0


@pytest.mark.parametrize("change", [None, "note", "again", "status"])
def test_a_lifted_hold_lets_the_clock_go_on_where_it_stood(
    client: httpx.Client, store: Store, clock: Clock, staff: dict[Role, httpx.Client], change: str | None
) -> None:
    number = send(client).json()["tracking_number"]
    path, supervisor = f"/v1/staff/requests/{number}/hold", staff[Role.SUPERVISOR]
    days = PERIODS.requests["submitted"]["other"]
    ran = 0
    for wanted in ("in_review", "contacted_uscis"):
        clock.forward(days=100)
        ran += 100
        supervisor.put(path, json={"hold": True}).raise_for_status()
        clock.forward(days=3000)
        if change == "again":
            supervisor.put(path, json={"hold": True}).raise_for_status()
        elif change == "status":
            # It starts the clock anew, and that stands still as well.
            supervisor.post(f"/v1/staff/requests/{number}/status", json={"status": wanted}).raise_for_status()
            ran = 0
        clock.forward(days=3000)
        supervisor.put(path, json={"hold": False}).raise_for_status()
        supervisor.put(path, json={"hold": False}).raise_for_status()
    clock.forward(days=days - ran, seconds=-1)
    assert store.retention.purge().requests == 0
    clock.forward(seconds=1)
    assert store.retention.purge().requests == 1


def test_a_new_status_starts_the_clock_anew(
    client: httpx.Client, store: Store, clock: Clock, staff: dict[Role, httpx.Client]
) -> None:
    number = send(client).json()["tracking_number"]
    clock.forward(days=1000)
    path = f"/v1/staff/requests/{number}/status"
    staff[Role.CASE_WORKER].post(path, json={"status": "closed"}).raise_for_status()
    clock.forward(days=PERIODS.requests["submitted"]["closed"] - 1)
    assert store.retention.purge().requests == 0
    clock.forward(days=1)
    assert store.retention.purge().requests == 1


def test_many_are_removed_in_batches(
    client: httpx.Client, store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("intake.store.retention._BATCH", 3)
    for number in range(8):
        send(client, key=str(number), **PAPER)
    clock.forward(days=PERIODS.requests["prepared"]["other"])
    assert store.retention.purge().requests == 8


def test_expired_wrong_proofs_are_forgotten(
    client: httpx.Client, store: Store, clock: Clock, database: Database
) -> None:
    lookup = {"tracking_number": "CA-2222-2222-2222", "proof": {"date_of_birth": "1980-02-29"}}
    client.post("/v1/case-requests/lookup", json=lookup)
    assert store.retention.purge().failed_lookups == 0
    clock.forward(hours=2)
    assert store.retention.purge().failed_lookups == 1
    assert database.rows("failed_lookups") == []


def wait_until_empty(database: Database, table: str) -> None:
    deadline = time.monotonic() + 60
    while database.rows(table):
        assert time.monotonic() < deadline
        time.sleep(0.05)


async def test_the_service_removes_what_is_due_by_itself(database: Database, clock: Clock) -> None:
    from intake.app import create_app

    app = create_app(settings_for(database.url), clock, CONTENT, DOCUMENT)
    database.execute(
        "INSERT INTO erasure_receipts (receipt, tracking_hash, erased_at, reason) VALUES ('r', 'h', :at, 'person')",
        at=f"{NOW:%Y-%m-%d %H:%M:%S}.000000",
    )
    database.execute(
        "INSERT INTO failed_lookups (tracking_hash, since, failures) VALUES ('x', :at, 1)",
        at=f"{NOW - timedelta(days=1):%Y-%m-%d %H:%M:%S}.000000",
    )
    async with app.router.lifespan_context(app):
        await asyncio.to_thread(wait_until_empty, database, "failed_lookups")
    app.state.close()


BROKEN = [
    ("requests", None),
    ("requests.submitted.other", None),
    ("requests.submitted.closed.days", 0),
    ("requests.submitted.closed.days", "soon"),
    ("others.feedback", None),
]


@pytest.mark.parametrize(("path", "value"), BROKEN)
def test_a_broken_file_is_refused(tmp_path: Path, path: str, value: object) -> None:
    content = yaml.safe_load((Path("content") / "retention.yml").read_text(encoding="utf-8"))
    *parents, last = path.split(".")
    place = content
    for name in parents:
        place = place[name]
    if value is None:
        del place[last]
    else:
        place[last] = value
    (tmp_path / "retention.yml").write_text(yaml.safe_dump(content), encoding="utf-8")
    with pytest.raises(ContentError, match=r"retention\.yml"):
        Periods.load(tmp_path)
