"""A PostgreSQL server of one's own for tests and measurements: free port, temporary folder, gone afterwards."""

from __future__ import annotations

import contextlib
import ctypes
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from tools.launcher.packages import postgres_folder

_START_SECONDS = 60
_STOP_SECONDS = 20
_USER = "guide"
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)


class NoPostgres(Exception):
    """PostgreSQL is not installed, or there is no user to run it as."""


@dataclass(frozen=True)
class Server:
    """A running server.

    Attributes:
        port: On 127.0.0.1.
    """

    port: int

    def url(self, database: str) -> str:
        """SQLAlchemy address of a database."""
        return f"postgresql+psycopg://{_USER}@127.0.0.1:{self.port}/{database}"

    def address(self, database: str) -> str:
        """Address of a database for psycopg."""
        return f"postgresql://{_USER}@127.0.0.1:{self.port}/{database}"

    def create(self, database: str) -> str:
        """Make an empty database; gives its name back."""
        with psycopg.connect(self.address("postgres"), autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(database)))
        return database


@contextlib.contextmanager
def running(durable: bool) -> Iterator[Server]:
    """Run a server.

    Args:
        durable: Whether a commit outlives a power cut, as in real use; without it, tests are faster.

    Raises:
        NoPostgres: It can't be run here.
    """
    programs = postgres_folder()
    if programs is None:
        raise NoPostgres("PostgreSQL is not installed (Debian, Ubuntu: apt-get install postgresql)")
    with tempfile.TemporaryDirectory(prefix="guide-postgres-") as name:
        folder = Path(name)
        owner = server_owner()
        if owner:
            shutil.chown(folder, owner["user"], owner["group"])
        data = folder / "data"
        made = subprocess.run(
            [programs / "initdb", "-D", data, "-U", _USER, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"],
            capture_output=True,
            text=True,
            cwd=folder,
            check=False,
            **owner,
        )
        if made.returncode != 0:
            raise NoPostgres(f"initdb failed: {made.stderr.strip()}")
        port = free_port()
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(port),
            "unix_socket_directories": str(folder),
            "max_connections": "200",
            **({} if durable else {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}),
        }
        options = [part for item in settings.items() for part in ("-c", "=".join(item))]
        with (folder / "server.log").open("wb") as log:
            server = subprocess.Popen(
                [programs / "postgres", "-D", data, *options],
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=_end_with_parent,
                **owner,
            )
        try:
            _wait(programs, port, server, folder / "server.log")
            yield Server(port)
        finally:
            server.send_signal(signal.SIGQUIT)  # "immediate shutdown": nothing of this data is needed again
            with contextlib.suppress(subprocess.TimeoutExpired):
                server.wait(_STOP_SECONDS)
            server.kill()
            server.wait()


def server_owner() -> dict[str, Any]:
    """PostgreSQL refuses to run as root; whom to run it as then."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    raise NoPostgres("there is no user postgres or nobody to run PostgreSQL as")


def _end_with_parent() -> None:
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGQUIT)


def free_port() -> int:
    """A port of this machine nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(programs: Path, port: int, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    command = [str(programs / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(port), "-U", _USER]
    while subprocess.run(command, check=False).returncode != 0:
        if server.poll() is not None or time.monotonic() > deadline:
            raise NoPostgres(f"PostgreSQL did not start: {log.read_text(errors='replace')[-2000:]}")
        time.sleep(0.05)
