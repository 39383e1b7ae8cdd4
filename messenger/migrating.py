"""Bring the worker's tables up to date: `python -m messenger.migrating`, the database's address on standard input.

In a process of its own: what migrations need is needed once, and would stay in the worker's memory (10 MiB).
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from serving.database import open_engine

MIGRATIONS = Path(__file__).resolve().parent / "migrations"
# Any fixed number: names the lock under which tables are built.
_LOCK = 7_001_081


class TablesNotReady(Exception):
    """The tables could not be made; the text has the kind of the error, and no address."""


def bring_up_to_date(url: str) -> None:
    """Make the tables what this version needs.

    Raises:
        TablesNotReady: The database is away, or does not let it be done.
    """
    command = [sys.executable, "-m", "messenger.migrating"]
    done = subprocess.run(command, input=url, capture_output=True, text=True, check=False)  # noqa: S603 (our own)
    if done.returncode:
        raise TablesNotReady(done.stderr.strip()[-200:] or f"exit code {done.returncode}")


def main() -> int:
    """Do it; returns the exit code."""
    from serving import migrations

    engine = open_engine(sys.stdin.read())
    try:
        migrations.migrate(engine, MIGRATIONS, _LOCK)
    except SQLAlchemyError as error:
        sys.stderr.write(type(error).__name__)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
