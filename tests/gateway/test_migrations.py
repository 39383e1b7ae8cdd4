"""The front door's tables can be made, taken back and made again, on both databases, and are those of the code."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect, text

from gateway import store
from gateway.database import MIGRATIONS, open_engine
from gateway.tables import metadata
from tests.migrating import config_for
from tests.postgres import postgres as postgres
from tools.postgres import Server

VERSIONS = "gateway_version"


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_up_and_down_and_up(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    url = f"sqlite:///{tmp_path / 'gateway.db'}"
    if kind == "postgresql":
        server: Server = request.getfixturevalue("postgres")
        url = server.url(server.create("front_door"))
    engine = open_engine(url)
    with engine.begin() as connection:
        config = config_for(connection, MIGRATIONS)
        command.upgrade(config, "head")
        command.downgrade(config, "base")
        assert set(inspect(connection).get_table_names()) <= {VERSIONS}
        command.upgrade(config, "head")
        options = {"include_name": lambda name, what, _parents: what != "table" or name != VERSIONS}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, metadata) == []
    engine.dispose()


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_without_the_second_factor_no_code_opens_alone_that_had_one(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = f"sqlite:///{tmp_path / 'gateway.db'}"
    if kind == "postgresql":
        server: Server = request.getfixturevalue("postgres")
        url = server.url(server.create("second_factor"))
    engine = open_engine(url)
    with engine.begin() as connection:
        config = config_for(connection, MIGRATIONS)
        command.upgrade(config, "head")
        for name, birth_hash in (("alone", None), ("with a year", "hash")):
            store.create_conversation(connection, name, "en", 1)
            store.save_code(connection, name, name, 9, birth_hash)
        command.downgrade(config, "0006")
        assert connection.execute(text("SELECT code_hash FROM resume_codes")).scalars().all() == ["alone"]
        command.upgrade(config, "head")
        opened = store.try_code(connection, "alone", None, 1, 5)
        assert isinstance(opened, store.Session), "a code from before opens as it did"
    engine.dispose()
