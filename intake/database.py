"""The database of the intake backend: connection and migrations."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import URL, Connection, Engine, create_engine, event, insert, make_url, select, text, update

from intake.tables import VaultCheck
from vault import Vault, VaultError

MIGRATIONS = Path(__file__).resolve().parent / "migrations"
READ_ONLY = "read_only"
_BUSY_MILLISECONDS = 10_000
# As many as requests can be worked on at once (threads of the pool that FastAPI uses).
_CONNECTIONS = 40
# Any fixed number: names the lock under which tables are built.
_MIGRATION_LOCK = 7_001_001
_SEALED_SINCE = "0002"
_SEALED_TABLES = ("case_requests", "feedback", "idempotency_keys")
_CHECK_ROW = 1
_CHECK_WORD = b"the keys fit"
_CHECK_CONTEXT = "vault_check.sealed"


class WrongKeys(Exception):
    """The keys of this installation are not those the data was sealed with."""

    def __init__(self, needed: str, given: str) -> None:
        super().__init__(
            f"The personal data in the intake database is sealed with the key {needed}; the keys of this installation "
            f"(the current one is {given}) do not open it. Give the right keys in GUIDE_DATA_KEYS or "
            "GUIDE_DATA_KEY_FILE, or put back the file data.keys of the data folder. Nothing was changed."
        )


def open_engine(url: str) -> Engine:
    """Connect to a database. An SQLite file is readable by its owner only and uses write-ahead logging.

    Statements and their values never appear in error messages.
    """
    parsed = _with_driver(make_url(url))
    if parsed.get_backend_name() != "sqlite":
        return create_engine(parsed, hide_parameters=True, pool_size=_CONNECTIONS, max_overflow=0)
    if parsed.database and parsed.database != ":memory:":
        path = Path(parsed.database)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        path.chmod(0o600)
    engine = create_engine(parsed, hide_parameters=True, connect_args={"timeout": _BUSY_MILLISECONDS / 1000})

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: Any) -> None:
        # The driver's own transaction handling starts too late for read-then-write; ours is in `_begin`.
        connection.isolation_level = None
        # A person hears "stored" after the commit, so a commit must outlive a power cut (synchronous), and what
        # is erased must be gone from the file (secure_delete).
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            "secure_delete=ON",
            f"busy_timeout={_BUSY_MILLISECONDS}",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        reads = connection.get_execution_options().get(READ_ONLY)
        connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")

    return engine


def _with_driver(url: URL) -> URL:
    """An address of PostgreSQL as others write it, with the driver that is used here."""
    return url.set(drivername="postgresql+psycopg") if url.drivername in ("postgresql", "postgres") else url


def migrate(engine: Engine, vault: Vault, revision: str = "head") -> None:
    """Bring the tables up to date, or to an older revision, and make sure that the keys are those of the data.

    Args:
        engine: The database.
        vault: Seals what was stored in clear before there were keys.
        revision: Where to go; an older one loses what only newer ones have.

    Raises:
        WrongKeys: The data was sealed with other keys.
    """
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.begin() as connection:
        # Two processes that start at once must not both build the tables; SQLite's lock is taken already.
        if engine.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _MIGRATION_LOCK})
        config.attributes.update(connection=connection, vault=vault)
        before = _revision(connection)
        if before is not None and before >= _SEALED_SINCE:
            _check_keys(connection, vault)
        (command.upgrade if _is_up(before, revision) else command.downgrade)(config, revision)
        after = _revision(connection)
        if after is not None and after >= _SEALED_SINCE:
            _check_keys(connection, vault)
    if before is not None and before < _SEALED_SINCE:
        _rewrite(engine)


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection, opts={"version_table": "intake_version"}).get_current_revision()


def _is_up(before: str | None, revision: str) -> bool:
    return before is None or revision == "head" or (revision != "base" and revision >= before)


def _check_keys(connection: Connection, vault: Vault) -> None:
    known = connection.scalar(select(VaultCheck.sealed).where(VaultCheck.id == _CHECK_ROW))
    if known is None:
        sealed = vault.seal(_CHECK_WORD, _CHECK_CONTEXT)
        connection.execute(insert(VaultCheck), {"id": _CHECK_ROW, "sealed": sealed})
        return
    try:
        vault.open(known, _CHECK_CONTEXT)
    except VaultError:
        raise WrongKeys(vault.key_id(known), vault.current_key_id) from None


def reseal_check(connection: Connection, vault: Vault) -> None:
    """Put the known word under the current key; the last step of a change of keys."""
    sealed = vault.seal(_CHECK_WORD, _CHECK_CONTEXT)
    connection.execute(update(VaultCheck).where(VaultCheck.id == _CHECK_ROW).values(sealed=sealed))


def _rewrite(engine: Engine) -> None:
    """Write the tables anew, so that nothing of what was in clear is left in unused parts of the files."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if engine.dialect.name == "sqlite":
            raw = connection.connection.cursor()
            raw.execute("VACUUM")
            raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            raw.close()
        else:
            for table in _SEALED_TABLES:
                connection.exec_driver_sql(f"VACUUM FULL {table}")
