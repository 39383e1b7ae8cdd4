"""What the console keeps, for how long, and under which key; its tables on both databases."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, insert, inspect, select, text, update

from console import accounts, audit, rotation
from console.accounts import Session
from console.audit import Action
from console.calls import Call, Calls
from console.commands import main
from console.database import MIGRATIONS, Database, migrate, now, open_engine
from console.dispositions import Dispositions
from console.proofs import digest
from console.roles import Role
from console.settings import CONTENT, KEY_FILE, load_limits
from console.sign_on import sign_on_place
from console.tables import audit as trail
from console.tables import calls as call_rows
from console.tables import metadata, sessions, sign_ons, staff
from tests.console.conftest import opened
from tests.migrating import config_for
from tests.postgres import postgres as postgres
from tools.postgres import Server
from vault import BadKeys, KeyRing, Vault, new_key
from vault.keys import write

LIMITS = load_limits()
ENDS = Dispositions(CONTENT / "dispositions.yml")
HOUR, DAY = 3_600_000, 86_400_000
KEY = new_key()
VERSIONS = "console_version"


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    write(tmp_path / KEY_FILE, (KEY,), replace=False)
    return Vault(KeyRing(path=tmp_path / KEY_FILE))


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    url = f"sqlite:///{tmp_path / 'gateway.db'}"
    if request.param == "postgresql":
        server: Server = request.getfixturevalue("postgres")
        url = server.url(server.create(f"keeping_{uuid.uuid4().hex[:8]}"))
    made = Database(url)
    migrate(made.engine)
    yield made
    made.close()


@pytest.fixture
def calls(vault: Vault) -> Calls:
    return Calls(vault)


def a_call(database: Database, calls: Calls, case: str = "0123456789ab", **values: Any) -> Call:
    """A call with columns as they are given."""

    def work(connection: Connection) -> Call:
        call = calls.begin(connection, "s-ann", opened(case))
        calls.change(connection, call, private=replace(call.private, note="a note", code="A-CODE"))
        if values:
            connection.execute(update(call_rows).where(call_rows.c.id == call.id).values(**values))
        return call

    return database.do(work)


def seen(database: Database, calls: Calls, call: Call) -> Call | None:
    return database.do(lambda connection: calls.find(connection, call.id))


# ---- calls


def test_calls_that_nobody_finished_stay_until_they_end_by_themselves(database: Database, calls: Calls) -> None:
    fresh = a_call(database, calls, proposed="S1", active_at=now() - int((LIMITS.open_call_hours - 0.1) * HOUR))
    old = a_call(database, calls, proposed="S1", active_at=now() - int((LIMITS.open_call_hours + 0.1) * HOUR))
    empty = a_call(database, calls, active_at=now() - 3 * DAY)
    danger = a_call(database, calls, proposed="U1", danger=True, active_at=now() - 3 * DAY)
    everything = {call.id for call in (fresh, old, empty, danger)}
    assert {call.id for call in database.do(lambda c: calls.open_ones(c, "s-ann"))} == everything
    database.do(lambda connection: calls.tidy(connection, LIMITS, ENDS))
    assert [call.id for call in database.do(lambda c: calls.open_ones(c, "s-ann"))] == [fresh.id]
    ended = {call.id: seen(database, calls, call) for call in (old, empty, danger)}
    assert {call_id: call and (call.proposed, call.disposition, call.reason) for call_id, call in ended.items()} == {
        old.id: ("S1", "D1", "line_dropped"),
        empty.id: ("D1", "D1", None),
        danger.id: ("U1", "D1", "line_dropped"),
    }
    # Nothing of the caller is kept, but the way back to somebody in danger.
    assert {call_id: call and call.private.reference for call_id, call in ended.items()} == {
        **{old.id: "", empty.id: "", danger.id: "a-reference"}
    }
    assert {call and (call.private.session, call.private.code, call.private.note) for call in ended.values()} == {
        ("", "", "a note")
    }
    lines = database.do(lambda connection: audit.latest(connection, 10, "dropped"))
    assert {(line.call, line.detail) for line in lines} == {
        *((old.id, "S1 D1"), (empty.id, "D1 D1"), (danger.id, "U1 D1"))
    }
    assert database.do(lambda c: calls.figures(c, now() - HOUR))["disposition"] == [("D1", 3)]
    assert [call.id for call in database.do(lambda c: calls.urgent(c, "U1", LIMITS))] == [danger.id]


def test_what_belongs_to_a_caller_is_forgotten_before_the_call(database: Database, calls: Calls) -> None:
    days = LIMITS.call_back_max_days
    ended: dict[str, Any] = {"ended_at": now(), "disposition": "S1"}
    kept = a_call(database, calls, **ended, active_at=now() - (days - 1) * DAY)
    stale = a_call(database, calls, **ended, active_at=now() - (days + 1) * DAY)
    booked: dict[str, Any] = {"call_back_at": now() - DAY, "call_back_zone": "Asia/Taipei"}
    due = a_call(database, calls, **ended, **booked, active_at=now() - (days + 1) * DAY)
    gone = a_call(database, calls, **ended, begun_at=now() - (LIMITS.call_days + 1) * DAY)
    old = a_call(database, calls, **ended, begun_at=now() - (LIMITS.call_days - 1) * DAY)
    database.do(lambda connection: calls.tidy(connection, LIMITS, ENDS))
    found = {call.id: seen(database, calls, call) for call in (kept, stale, due, old)}
    assert {call_id: call and call.private.note for call_id, call in found.items()} == {
        **{kept.id: "a note", stale.id: "", due.id: "a note", old.id: "a note"}
    }
    assert seen(database, calls, gone) is None


def test_an_urgent_call_shows_for_a_while_who_looks_after_it(database: Database, calls: Calls) -> None:
    ben = database.do(lambda connection: accounts.make(connection, "ben", Role.SUPERVISOR, "x"))
    call = a_call(database, calls, ended_at=now(), disposition="U1")
    a_call(database, calls, ended_at=now(), disposition="S1")
    database.do(lambda connection: calls.take_urgent(connection, call, ben.id))
    (shown,) = database.do(lambda c: calls.urgent(c, "U1", LIMITS))
    assert (shown.id, shown.seen_name) == (call.id, "ben")
    before = now() - int((LIMITS.urgent_taken_hours + 0.1) * HOUR)
    database.do(lambda connection: connection.execute(update(call_rows).values(seen_at=before)))
    assert database.do(lambda c: calls.urgent(c, "U1", LIMITS)) == []


def test_the_end_of_the_last_call_about_a_case(database: Database, calls: Calls) -> None:
    a_call(database, calls, "case-one", ended_at=now() - 2 * HOUR, disposition="S1")
    a_call(database, calls, "case-one", ended_at=now() - HOUR, disposition="C1")
    going_on = a_call(database, calls, "case-one")
    a_call(database, calls, "case-two")
    assert database.do(lambda c: calls.last_ends(c, ["case-one", "case-two"])) == {"case-one": "C1"}
    database.do(lambda connection: calls.forget_case(connection, going_on))
    assert database.do(lambda c: calls.last_ends(c, ["case-one"])) == {}


# ---- sessions and the trail


def test_sessions_and_sign_ons_that_are_over_are_forgotten(database: Database) -> None:
    ann = database.do(lambda connection: accounts.make(connection, "ann", Role.CALL_TAKER, "x"))
    tokens = [database.do(lambda connection: accounts.begin(connection, ann)) for _ in range(2)]
    moments = {"new": now(), "old": now() - int((LIMITS.sso_minutes + 1) * 60_000)}

    def age(connection: Connection) -> None:
        before = now() - int(LIMITS.session_hours * HOUR) - 1000
        this = sessions.c.token_hash == digest(tokens[0])
        connection.execute(update(sessions).where(this).values(created_at=before))
        for name, moment in moments.items():
            row = {"state_hash": name, "browser_hash": "", "sealed": b"", "session_hash": None, "created_at": moment}
            connection.execute(insert(sign_ons).values(**row))

    database.do(age)
    assert database.do(lambda connection: accounts.look(connection, tokens[0], LIMITS)) is None
    database.do(lambda connection: accounts.tidy(connection, LIMITS))
    left = database.do(lambda connection: connection.scalars(select(sessions.c.token_hash)).all())
    assert left == [digest(tokens[1])]
    assert database.do(lambda connection: connection.scalars(select(sign_ons.c.state_hash)).all()) == ["new"]


def look(database: Database, token: str) -> Session | None:
    found = database.do(lambda connection: accounts.look(connection, token, LIMITS))
    return found[0] if found else None


@pytest.mark.parametrize(("minutes", "locked"), [(9.9, False), (10.1, True)])
def test_a_session_locks_after_ten_minutes_without_use(database: Database, minutes: float, locked: bool) -> None:
    ann = database.do(lambda connection: accounts.make(connection, "ann", Role.CALL_TAKER, "x"))
    token = database.do(lambda connection: accounts.begin(connection, ann))
    before = now() - int(minutes * 60_000)
    database.do(lambda connection: connection.execute(update(sessions).values(active_at=before)))
    session = look(database, token)
    assert session is not None
    assert session.locked is locked


@pytest.mark.parametrize(("hours", "lives"), [(11.9, True), (12.1, False)])
def test_a_session_ends_after_twelve_hours_however_much_it_is_used(
    database: Database, hours: float, lives: bool
) -> None:
    ann = database.do(lambda connection: accounts.make(connection, "ann", Role.CALL_TAKER, "x"))
    token = database.do(lambda connection: accounts.begin(connection, ann))
    before = now() - int(hours * HOUR)
    database.do(lambda connection: connection.execute(update(sessions).values(created_at=before, active_at=now())))
    assert (look(database, token) is not None) is lives


def test_the_trail_is_kept_for_three_years(database: Database) -> None:
    for _ in range(2):
        database.do(lambda connection: audit.note(connection, Action.SIGN_IN, None))
    before = now() - LIMITS.audit_days * DAY
    database.do(lambda c: c.execute(update(trail).where(trail.c.seq == 1).values(at=before - 1000)))
    database.do(lambda connection: audit.forget(connection, before))
    assert LIMITS.audit_days == 3 * 365
    assert database.do(lambda connection: connection.scalars(select(trail.c.seq)).all()) == [2]


# ---- keys


def sealed_everywhere(database: Database, vault: Vault, calls: Calls) -> tuple[Call, str]:
    """Something in every place where the console seals."""
    ann = database.do(lambda connection: accounts.make(connection, "ann", Role.CALL_TAKER, "x"))
    secret = database.do(lambda connection: accounts.offer_totp(connection, vault, ann))
    database.do(lambda connection: connection.execute(update(staff).values(totp=staff.c.totp_new)))
    call = a_call(database, calls)
    a_call(database, calls, sealed=None)
    row = {"state_hash": "state", "browser_hash": "", "session_hash": None, "created_at": now()}
    sealed = vault.seal(b"a verifier", sign_on_place("state"))
    database.do(lambda connection: connection.execute(insert(sign_ons).values(**row, sealed=sealed)))
    return call, secret


def test_keys_are_changed_while_the_console_works(
    database: Database, vault: Vault, calls: Calls, tmp_path: Path
) -> None:
    call, secret = sealed_everywhere(database, vault, calls)
    tool = Vault(KeyRing(path=tmp_path / KEY_FILE))
    assert rotation.pending(database, tool) == 0
    assert rotation.rotate(database, tool) == 4
    assert rotation.pending(database, tool) == 0
    assert rotation.drop_old(database, tool) == 1
    keys = KeyRing(path=tmp_path / KEY_FILE).present()
    assert (len(keys), KEY in keys) == (1, False)
    # The one that ran all the time, with a key it had read before.
    found = seen(database, calls, call)
    assert found is not None
    assert found.private.note == "a note"
    place = accounts.totp_place
    for identifier, *both in database.do(lambda c: c.execute(select(staff.c.id, staff.c.totp, staff.c.totp_new)).all()):
        assert [vault.open(one, place(identifier)).decode() for one in both] == [secret, secret]


def test_a_change_that_broke_off_goes_on_with_the_same_key(
    database: Database, vault: Vault, calls: Calls, tmp_path: Path
) -> None:
    call, _ = sealed_everywhere(database, vault, calls)
    vault.ring.change(lambda keys: (new_key(), *keys))
    middle = vault.ring.present()
    assert rotation.pending(database, vault) == 4
    with pytest.raises(BadKeys, match="keys_needed"):
        rotation.drop_old(database, vault)
    assert rotation.rotate(database, vault) == 4
    assert KeyRing(path=tmp_path / KEY_FILE).present() == middle
    assert seen(database, calls, call) is not None


def test_the_command_changes_keys_and_forgets_the_old_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GUIDE_DATA", str(tmp_path))
    monkeypatch.setenv("GUIDE_CONSOLE_SECRET", "x" * 20)
    assert main(["rotate-keys"]) == 0
    assert "sealed nothing yet" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []
    write(tmp_path / KEY_FILE, (KEY,), replace=False)
    made = Database(f"sqlite:///{tmp_path / 'gateway.db'}")
    migrate(made.engine)
    a_call(made, Calls(Vault(KeyRing(path=tmp_path / KEY_FILE))))
    made.close()
    for arguments, said in (([], "1 things sealed anew"), (["--drop-old"], "1 old keys forgotten")):
        assert main(["rotate-keys", *arguments]) == 0
        assert said in capsys.readouterr().out
    monkeypatch.setenv("CONSOLE_KEYS", str(KeyRing(path=tmp_path / KEY_FILE).present()[0]))
    assert main(["rotate-keys", "--drop-old"]) == 1
    assert "stand in CONSOLE_KEYS" in capsys.readouterr().err
    monkeypatch.setenv("CONSOLE_KEYS", str(KEY))
    assert main(["rotate-keys"]) == 1
    assert "not among the keys" in capsys.readouterr().err


# ---- tables


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_up_and_down_and_up(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    url = f"sqlite:///{tmp_path / 'console.db'}"
    if kind == "postgresql":
        server: Server = request.getfixturevalue("postgres")
        url = server.url(server.create("console_tables"))
    engine = open_engine(url)
    with engine.begin() as connection:
        config = config_for(connection, MIGRATIONS)
        command.upgrade(config, "0001")
        connection.execute(
            text(
                "INSERT INTO console_calls (id, staff_id, begun_at, active_at, ended_at, begun_on, language, corrected,"
                " danger, interpreter, times_read, disposition, seen_by)"
                " VALUES ('c-1', 's-1', 1, 1, 2, 'page', 'en', '', false, 'none', 0, 'U1', 's-2')"
            )
        )
        command.upgrade(config, "head")
        assert connection.execute(text("SELECT unsure, seen_at FROM console_calls")).all() == [("", 2)]
        command.downgrade(config, "base")
        assert set(inspect(connection).get_table_names()) <= {VERSIONS}
        command.upgrade(config, "head")
        options = {"include_name": lambda name, what, _parents: what != "table" or name != VERSIONS}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, metadata) == []
    engine.dispose()
