"""The worker's tables can be made, taken back and made again, on both databases, and are those of the code."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, Engine, inspect

from messenger import database, keeping, settings
from messenger.database import metadata
from messenger.migrating import MIGRATIONS, TablesNotReady
from messenger.sealing import Seal
from messenger.updates import Event
from serving.database import open_engine
from tests.migrating import config_for
from tests.postgres import postgres as postgres
from tests.telegram.test_parts import GIVEN
from tools.postgres import Server

VERSIONS = "messenger_version"


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """An empty database of each kind."""
    url = f"sqlite:///{tmp_path / 'messenger.db'}"
    if request.param == "postgresql":
        server: Server = request.getfixturevalue("postgres")
        url = server.url(server.create(f"worker_{secrets.token_hex(4)}"))
    one = open_engine(url)
    yield one
    one.dispose()


def differences(connection: Connection) -> list[object]:
    """What is otherwise than the code has it."""
    options = {"include_name": lambda name, what, _parents: what != "table" or name != VERSIONS}
    return compare_metadata(MigrationContext.configure(connection, opts=options), metadata)


def test_up_and_down_and_up(engine: Engine) -> None:
    with engine.begin() as connection:
        config = config_for(connection, MIGRATIONS)
        command.upgrade(config, "head")
        command.downgrade(config, "base")
        assert set(inspect(connection).get_table_names()) <= {VERSIONS}
        command.upgrade(config, "head")
        assert differences(connection) == []


def test_a_database_from_before_there_were_migrations_keeps_what_is_in_it(engine: Engine) -> None:
    seal = Seal(settings.load(GIVEN))
    person = seal.person(42)
    with engine.begin() as connection:
        metadata.create_all(connection)
        assert keeping.receive(connection, Event(5, 42, "text", text="hello", message_id=7), person, seal, 1000)
        plan = keeping.Plan([keeping.Out("send", {"text": "a"}, ({"title": "x", "payload": "/affirm"},), "1")])
        keeping.keep_plan(connection, person, 4, plan, seal, 1002, done=False)
        keeping.set_note(connection, "news", 4)
    for _ in range(2):
        one = database.Database(engine.url.render_as_string(hide_password=False))
        try:
            with one.engine.begin() as connection:
                row, out = keeping.next_update(connection, person), keeping.next_out(connection, person)
                assert row is not None
                assert seal.open(row.body)["text"] == "hello"
                assert out is not None
                assert keeping.find_keyboard(connection, person, out.keyboard, seal) is not None
                assert keeping.note(connection, "news") == 4
                versions = inspect(connection).get_table_names().count(VERSIONS)
                assert versions == 1
                assert differences(connection) == []
        finally:
            one.close()


def test_a_database_that_is_away_is_told_without_its_address() -> None:
    with pytest.raises(TablesNotReady) as told:
        database.Database("postgresql+psycopg://somebody:secret@127.0.0.1:1/nowhere")
    assert "secret" not in str(told.value)
    assert "somebody" not in str(told.value)
    assert "OperationalError" in str(told.value)
