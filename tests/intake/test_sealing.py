"""Nothing personal lies in clear; without the right keys nothing opens; keys can be changed and forgotten."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from intake import rotation
from intake.app import create_app
from intake.database import WrongKeys
from intake.roles import Role
from intake.store import Store
from intake.store.proofs import Proven
from service.rotate import drop_old, rotate
from tests.intake.conftest import (
    CONTENT,
    KEY,
    PERIODS,
    TESTS,
    TOKEN,
    Clock,
    Database,
    running,
    send,
    settings_for,
)
from vault import BadKeys, KeyRing, Vault, VaultError, new_key
from vault.files import DiskStore, SealedFiles
from vault.keys import write

NOTE = "Called Ms Canary-Note about the canary"
FEEDBACK = "网站的金丝雀反馈"
CANARIES = {
    "full_name": "金丝雀 Canary",
    "date_of_birth": "1971-03-09",
    "email": "canary@example.org",
    "phone": "(202) 555-0177",
    "phone_e164": "+12025550177",
    "a_number": "A987654321",
    "mailing_address": "9 Canary Row, Springfield",
    "problem_description": "金丝雀在矿井里唱歌",
    "hardship_detail": "canary hardship",
    "contact_center_detail": "canary call SR1234567",
    "english_statement": "The canary statement.",
    "signature_name": "Canary Signature",
}
RECEIPT = "LIN9898989898"


def store_canaries(client: httpx.Client, staff: dict[Role, httpx.Client]) -> str:
    number: str = send(client, receipt_numbers=[RECEIPT], **CANARIES).json()["tracking_number"]
    client.post("/v1/feedback", json={"feedback_text": FEEDBACK, "language": "zh-Hans"}).raise_for_status()
    path = f"/v1/staff/requests/{number}"
    staff[Role.CASE_WORKER].post(f"{path}/notes", json={"note": NOTE}).raise_for_status()
    staff[Role.SUPERVISOR].put(f"{path}/hold", json={"hold": True, "note": NOTE}).raise_for_status()
    staff[Role.CASE_WORKER].post("/v1/staff/requests/search", json={"receipt_number": RECEIPT}).raise_for_status()
    proof = {"tracking_number": number, "proof": {"date_of_birth": "1971-03-08"}}
    assert client.post("/v1/case-requests/lookup", json=proof).status_code == 404
    return number


def test_no_canary_lies_in_clear(client: httpx.Client, staff: dict[Role, httpx.Client], database: Database) -> None:
    store_canaries(client, staff)
    kept = database.raw()
    assert b"case_worker" in kept
    for secret in (*CANARIES.values(), RECEIPT, NOTE, FEEDBACK, "1971-03-08", "我的绿卡"):
        for written in (secret, json.dumps(secret)[1:-1], secret.replace("-", "")):
            assert written.encode() not in kept, secret
            assert written.encode("utf-16-le") not in kept, secret


def test_equal_dates_of_birth_do_not_look_equal(client: httpx.Client, database: Database) -> None:
    send(client, key="1")
    send(client, key="2")
    births = database.query("SELECT fingerprint FROM fingerprints WHERE kind = 'date_of_birth'")
    assert len(set(births)) == 2
    receipts = database.query("SELECT fingerprint FROM fingerprints WHERE kind = 'receipt_number'")
    assert (len(receipts), len(set(receipts))) == (4, 2)


def test_what_is_sealed_for_one_request_does_not_open_for_another(client: httpx.Client, database: Database) -> None:
    first, second = (send(client, key=key).json()["tracking_number"] for key in "ab")
    database.execute(
        f"UPDATE case_requests SET sealed = (SELECT sealed FROM case_requests WHERE tracking_number = '{first}') "
        f"WHERE tracking_number = '{second}'"
    )
    assert client.get(f"/v1/case-requests/{first}/form.pdf").status_code == 200
    answer = client.get(f"/v1/case-requests/{second}/form.pdf")
    assert (answer.status_code, answer.json()["error"]) == (503, "unavailable")


def test_wrong_keys_are_told_and_change_nothing(database: Database, clock: Clock) -> None:
    with running(database.url, clock) as url:
        number = send(httpx.Client(base_url=url, headers={"Authorization": f"Bearer {TOKEN}"})).json()[
            "tracking_number"
        ]
    before = database.rows("case_requests")
    other = new_key()
    with pytest.raises(WrongKeys, match=f"key {KEY.id}.*{other.id}"):
        create_app(settings_for(database.url, str(other)), clock, CONTENT)
    same_id = f"{KEY.id}:{str(other).partition(':')[2]}"
    with pytest.raises(WrongKeys):
        create_app(settings_for(database.url, same_id), clock, CONTENT)
    assert database.rows("case_requests") == before
    store = Store.open(settings_for(database.url), CONTENT, clock)
    assert store.requests.payload(number) is not None
    store.close()


def test_the_service_with_wrong_keys_stops_with_a_clear_word(database: Database, clock: Clock, tmp_path: Path) -> None:
    Store.open(settings_for(database.url), CONTENT, clock).close()
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.getcwd(),
        "GUIDE_DATA": str(tmp_path / "data"),
        "INTAKE_DATABASE_URL": database.url,
        "INTAKE_TOKEN": TOKEN,
        "GUIDE_SECRET": "secret-of-the-tests",
        "SESSION_KEY": "session-key-for-tests-0123456789abcdef",
        "PORT": "1",
    }
    command = [sys.executable, "-m", "service"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 78
    assert "is sealed with the key test" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "data.keys"
    write(path, (KEY,), replace=False)
    return path


def open_with(database: Database, key_file: Path, clock: Clock) -> Store:
    return Store(database.url, Vault(KeyRing(path=key_file)), CONTENT, PERIODS, clock)


def files_of(store: Store, key_file: Path) -> SealedFiles:
    return SealedFiles(store.transactions.vault, DiskStore(key_file.parent / "documents"))


def test_keys_are_changed_while_the_backend_works(
    client: httpx.Client, staff: dict[Role, httpx.Client], database: Database, clock: Clock, key_file: Path
) -> None:
    number = store_canaries(client, staff)
    tool, worker = open_with(database, key_file, clock), open_with(database, key_file, clock)
    files = files_of(tool, key_file)
    files.put("drafts/a1", b"canary")
    files.put("requests/b2", b"canary")
    assert rotate(tool, files) == 6
    assert rotation.pending(tool.transactions) == 0
    assert drop_old(tool, files_of(tool, key_file)) == 1
    keys = KeyRing(path=key_file).present()
    assert len(keys) == 1
    assert keys[0].id != KEY.id
    assert (files.get("drafts/a1"), files.get("requests/b2")) == (b"canary", b"canary")

    # The one that ran all the time, with keys it had read before.
    found = worker.requests.payload(number)
    assert found is not None
    assert found[1]["full_name"] == CANARIES["full_name"]
    assert worker.proofs.look_up(number, Proven(date_of_birth=CANARIES["date_of_birth"])) is not None
    assert worker.proofs.look_up(number, Proven(receipt_number=RECEIPT)) is not None
    assert [one.receipt_number for one in worker.requests.similar([RECEIPT])] == [RECEIPT]
    with running(database.url, clock, str(keys[0])) as url:
        http = httpx.Client(base_url=url, headers={"Authorization": f"Bearer {TOKEN}"})
        assert send(http, receipt_numbers=[RECEIPT], **CANARIES).status_code == 200
        assert send(http, receipt_numbers=[RECEIPT]).status_code == 409
    with pytest.raises(WrongKeys):
        Store.open(settings_for(database.url), CONTENT, clock)
    member = worker.staff.member(worker.staff.add_member("reader", Role.CASE_WORKER, TESTS))
    assert member is not None
    case = worker.staff.read(member, number)
    assert case is not None
    assert [note.text for note in case.notes] == [NOTE, NOTE]
    tool.close()
    worker.close()


def test_a_broken_off_change_goes_on_with_the_same_key(
    client: httpx.Client, database: Database, clock: Clock, key_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        send(client, key=str(number))
    tool = open_with(database, key_file, clock)
    monkeypatch.setattr(rotation, "_BATCH", 2)
    steps = list(rotation.STEPS)
    calls = iter(range(10))

    def broken(transactions: object) -> int:
        if next(calls) == 1:
            raise OSError("pulled the plug")
        return steps[0](transactions)  # type: ignore[arg-type]

    monkeypatch.setattr(rotation, "STEPS", [broken, *steps[1:]])
    with pytest.raises(OSError, match="plug"):
        rotate(tool, files_of(tool, key_file))
    middle = KeyRing(path=key_file).present()
    assert len(middle) == 2
    assert rotation.pending(tool.transactions) == 4  # three requests and the known word
    with pytest.raises(BadKeys, match="still sealed"):
        drop_old(tool, files_of(tool, key_file))
    monkeypatch.setattr(rotation, "STEPS", steps)
    assert rotate(tool, files_of(tool, key_file)) == 3
    assert KeyRing(path=key_file).present() == middle
    assert rotation.pending(tool.transactions) == 0
    tool.close()


def test_a_damaged_row_stops_the_change_and_keeps_the_old_key(
    client: httpx.Client, database: Database, clock: Clock, key_file: Path
) -> None:
    send(client)
    database.execute("UPDATE case_requests SET sealed = :bad", bad=b"\x01\x04testrubbish")
    tool = open_with(database, key_file, clock)
    with pytest.raises(VaultError):
        rotate(tool, files_of(tool, key_file))
    with pytest.raises(BadKeys):
        drop_old(tool, files_of(tool, key_file))
    assert KEY in KeyRing(path=key_file).present()
    tool.close()
