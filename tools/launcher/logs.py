"""Log files of the processes: only the owner can read them, and they do not grow without end."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import IO

MAX_BYTES = 5_000_000
KEPT = 3


class RotatingLog:
    """One log file. When it is full it becomes `.1`, that one `.2` and so on; the oldest goes.

    Args:
        path: The file.
        max_bytes: When it counts as full.
        kept: How many full ones are kept.
    """

    def __init__(self, path: Path, max_bytes: int = MAX_BYTES, kept: int = KEPT) -> None:
        self.path = path
        self._max_bytes = max_bytes
        self._kept = kept
        self._lock = threading.Lock()
        self._file = self._open()

    def _open(self) -> IO[bytes]:
        handle = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.fchmod(handle, 0o600)
        return os.fdopen(handle, "ab", buffering=0)

    def write(self, line: bytes) -> None:
        """Append a line; it reaches the file at once."""
        with self._lock:
            if self._file.tell() and self._file.tell() + len(line) > self._max_bytes:
                self._rotate()
            self._file.write(line)

    def _rotate(self) -> None:
        self._file.close()
        for number in range(self._kept, 0, -1):
            older = self.path.with_name(f"{self.path.name}.{number}")
            newer = self.path if number == 1 else self.path.with_name(f"{self.path.name}.{number - 1}")
            if newer.exists():
                os.replace(newer, older)
        self._file = self._open()

    def follow(self, stream: IO[bytes]) -> threading.Thread:
        """Copy everything a process writes, until it ends."""

        def copy() -> None:
            with stream:
                for line in stream:
                    self.write(line)

        thread = threading.Thread(target=copy, name=f"log of {self.path.stem}", daemon=True)
        thread.start()
        return thread

    def tail(self, lines: int) -> str:
        """The last lines of the present file."""
        with self.path.open("rb") as file:
            file.seek(max(0, self.path.stat().st_size - 64 * 1024))
            return b"\n".join(file.read().splitlines()[-lines:]).decode("utf-8", "replace")
