"""The keys of an installation: from a setting, or from a file that only its owner can read.

Both hold ``id:key`` entries, the key as 32 bytes in base64; the first one seals, the others only open what was sealed
with them before. A file has one entry a line and may hold comments (``#``); a setting separates entries with commas.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
import secrets
import stat
import tempfile
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

KEY_BYTES = 32
FILE_NAME = "data.keys"
_ID = re.compile(r"[A-Za-z0-9_.-]{1,32}")
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


class BadKeys(ValueError):
    """The keys can't be read. The text says what is wrong and never holds a key."""


@dataclass(frozen=True)
class Key:
    """One key.

    Attributes:
        id: Short name, stored in clear beside everything the key has sealed.
        secret: 32 random bytes.
    """

    id: str
    secret: bytes = field(repr=False)

    def __str__(self) -> str:
        return f"{self.id}:{base64.b64encode(self.secret).decode()}"


def new_key(taken: Iterable[str] = ()) -> Key:
    """Make a key whose id is not among the ``taken`` ones."""
    others = set(taken)
    while (name := secrets.token_hex(4)) in others:
        continue
    return Key(name, secrets.token_bytes(KEY_BYTES))


def parse(text: str, where: str) -> tuple[Key, ...]:
    """Read ``id:key`` entries, separated by commas or line ends.

    Args:
        text: The entries.
        where: For messages: the setting or file they come from.

    Raises:
        BadKeys: An entry is malformed, an id comes twice, or there is no entry.
    """
    keys: dict[str, Key] = {}
    for number, entry in enumerate(re.split(r"[,\n]", re.sub(r"#[^\n]*", "", text)), 1):
        if not entry.strip():
            continue
        name, colon, encoded = entry.strip().partition(":")
        try:
            secret = base64.b64decode(encoded.replace("-", "+").replace("_", "/") + "==", validate=False)
        except (binascii.Error, ValueError):
            secret = b""
        if not colon or not _ID.fullmatch(name) or len(secret) != KEY_BYTES:
            raise BadKeys(f"{where}, entry {number}: expected id:key, the key as {KEY_BYTES} bytes in base64")
        if name in keys:
            raise BadKeys(f"{where}: the id {name} comes twice")
        keys[name] = Key(name, secret)
    if not keys:
        raise BadKeys(f"{where} holds no key")
    return tuple(keys.values())


class KeyRing:
    """The keys, the current one first. Keys from a file are read again when the file has changed.

    So a running process goes on through a change of keys without a restart.

    Args:
        keys: Fixed keys.
        path: Or the file they are in.
    """

    def __init__(self, keys: tuple[Key, ...] = (), path: Path | None = None) -> None:
        self._fixed = keys
        self._path = path
        self._read: tuple[tuple[int, int, int], tuple[Key, ...]] | None = None
        self._lock = threading.Lock()
        self.present()

    @classmethod
    def from_settings(cls, keys: str = "", key_file: Path | None = None, data_dir: Path | None = None) -> KeyRing:
        """The keys of a setting, else of a file, else of ``data.keys`` in the data folder, made when it is missing.

        Raises:
            BadKeys: What was given can't be read, or nothing was given.
        """
        if keys.strip():
            return cls(parse(keys, "GUIDE_DATA_KEYS"))
        if key_file is not None:
            return cls(path=key_file)
        if data_dir is None:
            raise BadKeys("Neither keys nor a key file nor a data folder is given")
        path = data_dir / FILE_NAME
        if not path.exists():
            data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
            write(path, (new_key(),), replace=False)
        return cls(path=path)

    @property
    def path(self) -> Path | None:
        """The file the keys are in, if any."""
        return self._path

    def present(self) -> tuple[Key, ...]:
        """All keys, the current one first.

        Raises:
            BadKeys: The file is missing, readable by others, or malformed.
        """
        if self._path is None:
            return self._fixed
        try:
            found = os.stat(self._path)
        except OSError as error:
            raise BadKeys(f"{self._path} can't be read: {error.strerror}") from None
        version = (found.st_mtime_ns, found.st_ino, found.st_size)
        known = self._read
        if known is not None and known[0] == version:
            return known[1]
        with self._lock:
            if stat.S_IMODE(found.st_mode) & _OTHERS:
                raise BadKeys(f"{self._path} is open to other users of this machine; close it: chmod 600 {self._path}")
            try:
                keys = parse(self._path.read_text(encoding="utf-8"), str(self._path))
            except OSError as error:
                raise BadKeys(f"{self._path} can't be read: {error.strerror}") from None
            self._read = (version, keys)
            return keys

    def change(self, change: Callable[[tuple[Key, ...]], tuple[Key, ...]]) -> tuple[Key, ...]:
        """Write other keys into the file, in one step.

        Raises:
            BadKeys: The keys come from a setting, which can't be changed from here.
        """
        if self._path is None:
            raise BadKeys("The keys stand in GUIDE_DATA_KEYS; change them where that is set")
        keys = change(self.present())
        write(self._path, keys, replace=True)
        return keys


def write(path: Path, keys: Iterable[Key], *, replace: bool) -> None:
    """Write a key file for its owner only, whole or not at all.

    Args:
        path: The file.
        keys: The current one first.
        replace: Whether a file that is there may be replaced; otherwise it stays as it is.
    """
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")  # created with mode 600
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write("# Keys of the data at rest; the first one seals. Without them the data can't be read.\n")
            file.writelines(f"{key}\n" for key in keys)
            file.flush()
            os.fsync(file.fileno())
        if replace:
            os.replace(temporary, path)
        else:
            try:
                os.link(temporary, path)
            except FileExistsError:
                return
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    finally:
        Path(temporary).unlink(missing_ok=True)
