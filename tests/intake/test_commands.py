"""The commands of the backend, as they are typed."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.intake.conftest import KEY, TOKEN, Clock, Database, running, send
from vault.keys import KeyRing, write


@dataclass(frozen=True)
class Installation:
    """A data folder with a key, and a database that holds a request."""

    folder: Path
    database: Database


@pytest.fixture
def data(tmp_path: Path, database: Database) -> Installation:
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    write(folder / "data.keys", (KEY,), replace=False)
    with (
        running(database.url, Clock()) as address,
        httpx.Client(base_url=address, headers={"Authorization": f"Bearer {TOKEN}"}) as http,
    ):
        send(http).raise_for_status()
    return Installation(folder, database)


def run(data: Installation, *command: str, status: int = 0) -> str:
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.getcwd(),
        "GUIDE_DATA": str(data.folder),
        "INTAKE_DATABASE_URL": data.database.url,
    }
    done = subprocess.run(
        [sys.executable, "-m", *command], env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == status, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout + done.stderr


def test_staff_come_in_and_go_out_and_all_is_recorded(data: Installation) -> None:
    shown = run(data, "intake.commands", "staff-token", "ann", "case_worker")
    token = shown.splitlines()[-1]
    assert len(token) >= 43
    database = data.database
    assert token.encode() not in database.raw()
    with running(database.url, Clock()) as address:
        headers = {"Authorization": f"Bearer {token}"}
        assert httpx.get(f"{address}/v1/staff/me", headers=headers).json()["name"] == "ann"
        assert "in already" in run(data, "intake.commands", "staff-token", "ann", "manager", status=1)
        assert "Which role" in run(data, "intake.commands", "staff-token", "bo", status=2)
        assert "is out" in run(data, "intake.commands", "staff-token", "ann", "--remove")
        assert httpx.get(f"{address}/v1/staff/me", headers=headers).status_code == 401
    assert "Nobody" in run(data, "intake.commands", "staff-token", "ann", "--remove", status=1)
    checked = run(data, "intake.commands", "audit-check")
    assert "3 entries, none changed" in checked
    last = checked.split()[-1]
    assert "none changed" in run(data, "intake.commands", "audit-check", "--last", last)
    assert "cut off" in run(data, "intake.commands", "audit-check", "--last", "0" * 63 + "1", status=1)
    table = " ON audit" if database.server else ""
    database.execute(f"DROP TRIGGER {'audit_no_change' if table else 'audit_no_update'}{table}")
    database.execute("UPDATE audit SET actor = 'nobody' WHERE id = 1")
    assert "entry 1 does not follow" in run(data, "intake.commands", "audit-check", status=1)


def test_purging(data: Installation) -> None:
    database = data.database
    assert "removed: 0 requests" in run(data, "intake.commands", "purge")
    database.execute("UPDATE case_requests SET status_since = '2001-01-01 00:00:00.000000'")
    assert "would be removed: 1 requests" in run(data, "intake.commands", "purge", "--dry-run")
    database.execute("UPDATE case_requests SET legal_hold = :hold", hold=True)
    assert "legal hold: 1" in run(data, "intake.commands", "purge")
    database.execute("UPDATE case_requests SET legal_hold = :hold", hold=False)
    assert "removed: 1 requests" in run(data, "intake.commands", "purge")
    assert database.rows("case_requests") == []


def test_changing_keys(data: Installation) -> None:
    assert "1 things sealed anew" in run(data, "service.rotate")
    keys = KeyRing(path=data.folder / "data.keys").present()
    assert [key == KEY for key in keys] == [False, True]
    assert "1 old keys forgotten" in run(data, "service.rotate", "--drop-old")
    assert "0 requests" in run(data, "intake.commands", "purge")
    write(data.folder / "data.keys", (KEY,), replace=True)
    for command in (("intake.commands", "purge"), ("service.rotate",)):
        assert f"sealed with the key {keys[0].id}" in run(data, *command, status=1)


def test_what_could_not_be_delivered_is_listed_and_tried_again(data: Installation) -> None:
    assert "given up or refused: 0" in run(data, "intake.commands", "deliveries")
    data.database.execute("UPDATE outbox SET state = 'dead', tries = 35, last_error = 'timeout'")
    listed = run(data, "intake.commands", "deliveries", status=1)
    assert "request_stored  dead  35 tries  timeout" in listed
    assert "tried again: 1" in run(data, "intake.commands", "deliveries", "--again")
    assert data.database.query("SELECT state, tries FROM outbox") == [("waiting", 0)]
    assert ("outbox_requeued",) in data.database.query("SELECT action FROM audit")
    run(data, "intake.commands", "deliveries")
