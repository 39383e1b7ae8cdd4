"""The database of the intake backend: connection and migrations."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, Engine, insert, select, update

from intake.tables import VaultCheck
from serving import database
from serving.migrations import have_tables_alone
from vault import Vault, VaultError

MIGRATIONS = Path(__file__).resolve().parent / "migrations"
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
    """Connect to a database, see `serving.database.open_engine`.

    A person hears "stored" after the commit, so a commit must outlive a power cut.
    """
    return database.open_engine(url, synchronous="FULL", server={"pool_size": _CONNECTIONS, "max_overflow": 0})


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
        have_tables_alone(connection, _MIGRATION_LOCK)
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
