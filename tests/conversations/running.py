"""The running system from inside: its processes, ports, secrets and files. Linux only, because of `/proc`."""

from __future__ import annotations

import ipaddress
import json
import os
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from intake.store.base import feedback_context, payload_context, unpack
from vault import Vault

NAMES = ("service", "engine", "actions")
_LISTENING = "0A"


@dataclass(frozen=True)
class Running:
    """A system started by `tools/launch.py`.

    Attributes:
        url: Address of the front door.
        data: Its data folder.
    """

    url: str
    data: Path

    def pid(self, name: str) -> int:
        """Process id of one of `NAMES` at this moment."""
        return int(json.loads((self.data / "run.json").read_text(encoding="utf-8"))[name])

    def secret(self, name: str) -> str:
        """A secret by its variable name; from the environment, where those given there are, or from the data folder."""
        stored = (line.partition("=") for line in (self.data / "secrets.env").read_text(encoding="utf-8").splitlines())
        found = {key.strip(): value.strip().strip("'\"") for key, _, value in stored}
        return found.get(name) or os.environ[name]

    def listening(self, name: str) -> set[tuple[str, int]]:
        """Addresses and ports on which a process and all that it started listen."""
        sockets = {inode for pid in _family(self.pid(name)) for inode in _sockets(pid)}
        return {place for table in ("tcp", "tcp6") for inode, place in _listeners(table) if inode in sockets}

    def inside(self, name: str) -> str:
        """Address of a process for requests from this machine."""
        ((_, port),) = self.listening(name)
        return f"http://127.0.0.1:{port}"

    def logs(self) -> list[Path]:
        """Every log file: what the processes said on standard output and standard error, and the launcher itself."""
        folders = (self.data / "logs", self.data.parent)
        return sorted(path for folder in folders for path in folder.glob("*.log*") if path.is_file())

    def requests_with(self, text: str) -> int:
        """How many stored requests contain a text in their answers, which only the key of the installation opens."""
        vault = Vault.from_settings(data_dir=self.data)
        opened = (
            unpack(vault.open(sealed, payload_context(number)))
            for number, sealed in self._intake("SELECT tracking_number, sealed FROM case_requests")
        )
        return sum(text in json.dumps(answers, ensure_ascii=False) for answers in opened)

    def feedback_with(self, text: str) -> int:
        """How many stored experiences and suggestions contain a text."""
        vault = Vault.from_settings(data_dir=self.data)
        opened = (
            unpack(vault.open(sealed, feedback_context(identifier)))
            for identifier, sealed in self._intake("SELECT id, sealed FROM feedback")
        )
        return sum(text in json.dumps(answers, ensure_ascii=False) for answers in opened)

    def _intake(self, query: str) -> list[tuple[str, bytes]]:
        with closing(sqlite3.connect(f"file:{self.data / 'intake.db'}?mode=ro", uri=True)) as database:
            return database.execute(query).fetchall()

    def for_review(self) -> dict[str, str]:
        """Id and everything else of each row of the review queue."""
        path = self.data / "review.db"
        if not path.exists():
            return {}
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
            return {str(row[0]): repr(row) for row in database.execute("SELECT * FROM review_messages")}


def _family(pid: int) -> set[int]:
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        except OSError:
            continue
        parents[int(path.parent.name)] = int(fields[1])
    found = {pid}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def _sockets(pid: int) -> set[str]:
    found = set()
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        try:
            target = str(entry.readlink())
        except OSError:
            continue
        if target.startswith("socket:["):
            found.add(target[len("socket:[") : -1])
    return found


def _listeners(table: str) -> list[tuple[str, tuple[str, int]]]:
    found = []
    for line in Path(f"/proc/net/{table}").read_text(encoding="ascii").splitlines()[1:]:
        fields = line.split()
        address, _, port = fields[1].partition(":")
        if fields[3] == _LISTENING:
            words = [bytes.fromhex(address[start : start + 8])[::-1] for start in range(0, len(address), 8)]
            found.append((fields[9], (str(ipaddress.ip_address(b"".join(words))), int(port, 16))))
    return found
