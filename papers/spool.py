"""A file while it comes in: on disk, unnamed, and encrypted with a key that exists in memory only.

So a slow sender costs no memory, nothing readable reaches the disk, and a crash leaves nothing behind.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CTR

from papers.kinds import HEAD_BYTES

CHUNK_BYTES = 64 * 1024


class Spool:
    """Bytes that are written once and can be read several times.

    Args:
        folder: On which disk; the machine's usual place for temporary files if not given.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - closed in `close`
        self._cipher = Cipher(AES256(os.urandom(32)), CTR(os.urandom(16)))
        self._encryptor = self._cipher.encryptor()
        self._hash = hashlib.sha256()
        self.size = 0
        self.head = b""

    def write(self, data: bytes) -> None:
        """Add bytes."""
        self.size += len(data)
        self._hash.update(data)
        if len(self.head) < HEAD_BYTES:
            self.head = (self.head + data)[:HEAD_BYTES]
        self._file.write(self._encryptor.update(data))

    @property
    def sha256(self) -> str:
        """Of what was written so far, in hexadecimal digits."""
        return self._hash.hexdigest()

    def chunks(self) -> Iterator[bytes]:
        """Everything from the beginning, in pieces."""
        decryptor = self._cipher.decryptor()
        position = 0
        while True:
            self._file.seek(position)
            chunk = self._file.read(CHUNK_BYTES)
            if not chunk:
                return
            position += len(chunk)
            yield decryptor.update(chunk)

    def close(self) -> None:
        """Forget it."""
        self._file.close()

    def __enter__(self) -> Spool:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
