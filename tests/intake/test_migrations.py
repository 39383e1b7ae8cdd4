"""The migrations build exactly the tables the code uses, keep what is stored, and can be taken back."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect

from gateway.tables import metadata as tables_of_the_front_door
from intake.database import migrate, open_engine
from intake.schema import CaseRequestIn, read
from intake.store import Store
from intake.store.base import canonical
from intake.store.proofs import Proven
from intake.tables import Base
from tests.intake.conftest import CONTENT, NOW, Clock, Database, body, settings_for, vault_of

NUMBER = "CA-2345-6789-ABCH"
NULS = "a\x00b\ud83d"
CLAIM = timedelta(minutes=1)


def old_hash(payload: dict[str, object]) -> str:
    return hashlib.sha256(canonical(payload).encode()).hexdigest()


def store_as_before(database: Database, payload: dict[str, object]) -> None:
    """What the first revision had: everything in clear."""
    values = {"at": f"{NOW:%Y-%m-%d %H:%M:%S}.000000" if database.path else NOW, "payload": json.dumps(payload)}
    database.execute(
        "INSERT INTO case_requests (id, tracking_number, outcome, status, received_at, payload) "
        f"VALUES (7, '{NUMBER}', 'submitted', 'received', :at, :payload)",
        **values,
    )
    database.execute("INSERT INTO history (id, request_id, status, at) VALUES (1, 7, 'received', :at)", at=values["at"])
    database.execute(
        "INSERT INTO outbox (id, request_id, event, created_at) VALUES (1, 7, 'request_stored', :at)", at=values["at"]
    )
    database.execute(
        "INSERT INTO idempotency_keys (key, body_hash, request_id, created_at) VALUES ('k', :hash, 7, :at)",
        hash=old_hash(payload),
        at=values["at"],
    )
    database.execute(
        "INSERT INTO idempotency_keys (key, body_hash, created_at) VALUES ('gone', '', :at)", at=values["at"]
    )
    database.execute(
        "INSERT INTO erasure_receipts (receipt, tracking_hash, erased_at) VALUES ('r', 'h', :at)", at=values["at"]
    )
    feedback = json.dumps({"feedback_text": NULS, "language": "en"})
    database.execute(
        "INSERT INTO feedback (id, received_at, payload) VALUES ('f', :at, :payload)",
        at=values["at"],
        payload=feedback,
    )


def test_migrations_and_tables_agree(database: Database) -> None:
    engine = open_engine(database.url)
    migrate(engine, vault_of())
    migrate(engine, vault_of())
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": "intake_version"})
        assert compare_metadata(context, Base.metadata) == []
    engine.dispose()


def test_everything_can_be_taken_back(database: Database) -> None:
    engine = open_engine(database.url)
    migrate(engine, vault_of())
    migrate(engine, vault_of(), "base")
    assert set(inspect(engine).get_table_names()) == {"intake_version"}
    if database.server:
        assert database.query("SELECT 1 FROM pg_proc WHERE proname = 'audit_is_append_only'") == []
    migrate(engine, vault_of())
    engine.dispose()


@pytest.mark.parametrize("first_form", [True, False])
def test_what_was_stored_in_clear_is_sealed_and_works_as_before(
    database: Database, clock: Clock, first_form: bool
) -> None:
    engine = open_engine(database.url)
    migrate(engine, vault_of(), "0001")
    payload = body(problem_description=f"{NULS} 王小明")
    store_as_before(database, payload)
    if first_form:
        database.execute("ALTER TABLE erasure_receipts RENAME TO erasures")
        if database.server:
            database.execute("ALTER INDEX pk_erasure_receipts RENAME TO pk_erasures")
            database.execute("ALTER INDEX uq_erasure_receipts_tracking_hash RENAME TO uq_erasures_tracking_hash")
    engine.dispose()

    store = Store.open(settings_for(database.url), CONTENT, clock)
    found = store.requests.payload(NUMBER)
    assert found is not None
    assert found[1] == payload
    assert found[0].history == (("received", NOW),)
    assert store.proofs.look_up(NUMBER, Proven(receipt_number="IOE*123456789")) is not None
    assert store.proofs.look_up(NUMBER, Proven(date_of_birth="1980-02-29")) is not None
    assert [one.tracking_number for one in store.outbox.claim(5, CLAIM)] == [NUMBER]
    assert store.erasing.receipt("r") is not None
    keys = dict(database.query("SELECT key, state FROM idempotency_keys"))
    assert keys == {"k": "used", "gone": "erased"}
    kept = database.raw()
    for secret in ("王小明", "wang@example.com", "LIN9999106498", "1980-02-29", old_hash(payload)):
        assert secret.encode() not in kept
        assert json.dumps(secret)[1:-1].encode() not in kept
    store.close()


def test_the_way_back_opens_what_was_sealed(database: Database) -> None:
    engine = open_engine(database.url)
    migrate(engine, vault_of(), "0001")
    payload = body(problem_description=NULS)
    store_as_before(database, payload)
    migrate(engine, vault_of())
    migrate(engine, vault_of(), "0001")
    ((stored, status),) = database.query("SELECT payload, status FROM case_requests")
    assert (json.loads(stored) if isinstance(stored, str) else stored) == payload
    assert status == "received"
    keys = dict(database.query("SELECT key, body_hash FROM idempotency_keys"))
    assert keys == {"k": old_hash(payload), "gone": ""}
    assert len(database.rows("erasure_receipts")) == 1
    engine.dispose()


def test_holds_get_a_clock_and_notices_of_erasures_go_on_the_way_back(database: Database, clock: Clock) -> None:
    store = Store.open(settings_for(database.url), CONTENT, clock)
    number = store.requests.add("k", read(CaseRequestIn, body(), CONTENT.settings, NOW), body()).id
    gone = store.requests.add("gone", read(CaseRequestIn, body(), CONTENT.settings, NOW), body()).id
    for entry in store.outbox.claim(2, CLAIM):
        store.outbox.mark_delivered(entry)
    assert store.proofs.erase(gone, Proven(date_of_birth="1980-02-29")) is not None
    migrate(store.transactions.engine, vault_of(), "0004")
    assert len(database.rows("outbox")) == 1
    database.execute("UPDATE case_requests SET legal_hold = :hold", hold=True)
    migrate(store.transactions.engine, vault_of())
    ((held_since, status_since),) = database.query("SELECT held_since, status_since FROM case_requests")
    assert held_since == status_since
    assert store.requests.status(number) is not None
    assert database.query("SELECT event, state, resent FROM outbox") == [("request_stored", "delivered", 0)]
    store.close()


def test_an_unknown_revision_is_refused(database: Database) -> None:
    engine = open_engine(database.url)
    migrate(engine, vault_of())
    database.execute("UPDATE intake_version SET version_num = '9999'")
    with pytest.raises(Exception, match="9999"):
        migrate(engine, vault_of())
    engine.dispose()


def test_front_door_and_backend_can_share_a_database(database: Database, tmp_path: Path) -> None:
    from gateway.database import migrate as migrate_front_door
    from gateway.database import open_engine as open_front_door

    assert not set(tables_of_the_front_door.tables) & set(Base.metadata.tables)
    front_door, backend = open_front_door(database.url), open_engine(database.url)
    migrate_front_door(front_door)
    migrate(backend, vault_of())
    assert set(inspect(backend).get_table_names()) >= {*tables_of_the_front_door.tables, *Base.metadata.tables}
    front_door.dispose()
    backend.dispose()
