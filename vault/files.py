"""Where sealed files are kept: a folder of this machine, or a store that speaks the S3 protocol.

A store takes names and bytes and knows nothing of what they are. ``SealedFiles`` puts the vault in front of it, so that
nothing readable ever reaches the disk or the network.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from vault.sealing import Vault

_NAME = re.compile(r"[a-z0-9]+(?:[-_][a-z0-9]+)*(?:/[a-z0-9]+(?:[-_][a-z0-9]+)*)*")
_TEMPORARY = ".part-"
_S3_SECONDS = 30


class FileMissing(KeyError):
    """There is no file of this name."""


class StoreUnavailable(Exception):
    """The store could not do it now. The text says why and holds no content."""


@dataclass(frozen=True)
class Entry:
    """A stored file.

    Attributes:
        name: Its name.
        changed_at: When it was written.
    """

    name: str
    changed_at: datetime


class FileStore(Protocol):
    """Keeps bytes under names such as ``drafts/0f3a``."""

    def put(self, name: str, data: bytes) -> None:
        """Keep ``data``; whole or not at all, and on stable storage when this returns.

        Raises:
            StoreUnavailable: It could not be kept.
        """

    def get(self, name: str) -> bytes:
        """What was kept.

        Raises:
            FileMissing: There is no such file.
            StoreUnavailable: The store does not answer.
        """

    def delete(self, name: str) -> None:
        """Remove a file; one that is not there is removed already.

        Raises:
            StoreUnavailable: It may still be there.
        """

    def entries(self, folder: str) -> Iterator[Entry]:
        """Every file below a folder, in no order.

        Raises:
            StoreUnavailable: The store does not answer.
        """


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError("not a name of a stored file")
    return name


class DiskStore:
    """Files in a folder that only its owner can enter.

    Args:
        root: The folder; made when something is put there.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    def _path(self, name: str) -> Path:
        return self._root.joinpath(*_checked(name).split("/"))

    def put(self, name: str, data: bytes) -> None:
        """See ``FileStore``."""
        path = self._path(name)
        temporary = ""
        try:
            for folder in (self._root, path.parent):
                folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=_TEMPORARY)  # created with mode 600
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
            _sync(path.parent)
        except OSError as error:
            if temporary:
                Path(temporary).unlink(missing_ok=True)
            raise StoreUnavailable(os.strerror(error.errno or 0)) from None

    def get(self, name: str) -> bytes:
        """See ``FileStore``."""
        try:
            return self._path(name).read_bytes()
        except FileNotFoundError:
            raise FileMissing(name) from None
        except OSError as error:
            raise StoreUnavailable(os.strerror(error.errno or 0)) from None

    def delete(self, name: str) -> None:
        """See ``FileStore``."""
        path = self._path(name)
        try:
            path.unlink(missing_ok=True)
            if path.parent.exists():
                _sync(path.parent)
        except OSError as error:
            raise StoreUnavailable(os.strerror(error.errno or 0)) from None

    def entries(self, folder: str) -> Iterator[Entry]:
        """See ``FileStore``. What a crash left half-written is removed on the way."""
        root = self._path(folder)
        now = datetime.now(UTC)
        for path in root.rglob("*"):
            try:
                if not path.is_file():
                    continue
                changed_at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
                if path.name.startswith(_TEMPORARY):
                    if now - changed_at > timedelta(hours=1):
                        path.unlink(missing_ok=True)
                    continue
            except FileNotFoundError:
                continue
            yield Entry(path.relative_to(self._root).as_posix(), changed_at)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@dataclass(frozen=True)
class S3Access:
    """How to reach an S3-style store.

    Attributes:
        endpoint: Its address; empty for Amazon's own.
        region: Its region.
        key_id: Access key.
        secret: Secret key; empty: from the machine's own role.
    """

    endpoint: str = ""
    region: str = ""
    key_id: str = ""
    secret: str = ""


class S3Store:
    """Objects of a bucket.

    Args:
        bucket: The bucket.
        prefix: Before every name.
        access: Where and with which keys.
    """

    def __init__(self, bucket: str, prefix: str, access: S3Access) -> None:
        # Only an installation that keeps its files there has to load the client.
        import obstore
        from obstore.store import S3Store as Client

        options: dict[str, str] = {"aws_virtual_hosted_style_request": "false" if access.endpoint else "true"}
        if access.endpoint:
            options["aws_endpoint"] = access.endpoint
        if access.region:
            options["aws_region"] = access.region
        if access.key_id:
            options |= {"aws_access_key_id": access.key_id, "aws_secret_access_key": access.secret}
        plain = access.endpoint.startswith("http://")
        self._obstore = obstore
        self._client = Client(
            bucket,
            prefix=prefix or None,
            config=options,  # type: ignore[arg-type]
            client_options={"allow_http": plain, "timeout": f"{_S3_SECONDS}s"},
            retry_config={"max_retries": 2, "retry_timeout": timedelta(seconds=_S3_SECONDS)},
        )

    def put(self, name: str, data: bytes) -> None:
        """See ``FileStore``."""
        with _told():
            # One request: the object is there whole or not at all.
            self._obstore.put(self._client, _checked(name), data, use_multipart=False)

    def get(self, name: str) -> bytes:
        """See ``FileStore``."""
        with _told(name):
            return bytes(self._obstore.get(self._client, _checked(name)).bytes())

    def delete(self, name: str) -> None:
        """See ``FileStore``."""
        try:
            with _told(name):
                self._obstore.delete(self._client, _checked(name))
        except FileMissing:
            return

    def entries(self, folder: str) -> Iterator[Entry]:
        """See ``FileStore``."""
        with _told():
            for batch in self._obstore.list(self._client, prefix=_checked(folder)):
                for item in batch:
                    yield Entry(str(item["path"]), item["last_modified"])


@contextmanager
def _told(name: str = "") -> Iterator[None]:
    """Turn the client's errors, whose texts may hold addresses and keys, into ours."""
    from obstore import exceptions

    try:
        yield
    except (exceptions.NotFoundError, FileNotFoundError):
        raise FileMissing(name) from None
    except (exceptions.BaseError, OSError) as error:
        raise StoreUnavailable(type(error).__name__) from None


class NoStore:
    """Where nothing is kept, for work that has nothing to do with files."""

    def put(self, name: str, data: bytes) -> None:
        """See ``FileStore``; always refuses."""
        raise StoreUnavailable("no store of files is set up here")

    def get(self, name: str) -> bytes:
        """See ``FileStore``; there is nothing."""
        raise FileMissing(name)

    def delete(self, name: str) -> None:
        """See ``FileStore``; cannot say that it is gone from wherever it is kept."""
        raise StoreUnavailable("no store of files is set up here")

    def entries(self, folder: str) -> Iterator[Entry]:
        """See ``FileStore``; there are none."""
        return iter(())


def open_store(url: str, folder: Path, access: S3Access | None = None) -> FileStore:
    """The store of an installation.

    Args:
        url: ``s3://bucket/prefix``, ``file:///folder``, or empty for ``folder``.
        folder: Where files go without a setting.
        access: For S3.

    Raises:
        ValueError: Another kind of address.
    """
    if not url:
        return DiskStore(folder)
    parts = urlsplit(url)
    if parts.scheme == "file" and parts.path.startswith("/"):
        return DiskStore(Path(parts.path))
    if parts.scheme == "s3" and parts.netloc:
        return S3Store(parts.netloc, parts.path.strip("/"), access or S3Access())
    raise ValueError("DOCUMENTS_URL must be s3://bucket/prefix or file:///folder")


class SealedFiles:
    """Files that are unreadable where they lie. Each is sealed for its own name: swapping two is noticed.

    Args:
        vault: Seals and opens.
        store: Keeps.
    """

    def __init__(self, vault: Vault, store: FileStore) -> None:
        self._vault = vault
        self._store = store

    @staticmethod
    def _context(name: str) -> str:
        return f"file/{name}"

    def put(self, name: str, data: bytes) -> None:
        """Keep ``data`` sealed. Raises ``StoreUnavailable``."""
        self._store.put(name, self._vault.seal(data, self._context(name)))

    def get(self, name: str) -> bytes:
        """What was kept. Raises ``FileMissing``, ``StoreUnavailable``, ``WrongKey`` or ``Damaged``."""
        return self._vault.open(self._store.get(name), self._context(name))

    def delete(self, name: str) -> None:
        """Remove a file. Raises ``StoreUnavailable``."""
        self._store.delete(name)

    def entries(self, folder: str) -> Iterator[Entry]:
        """Every file below a folder. Raises ``StoreUnavailable``."""
        return self._store.entries(folder)

    def reseal(self, name: str) -> bool:
        """Seal a file with the current key, as a change of keys needs it.

        Returns:
            Whether it was sealed with another key before.
        """
        sealed = self._store.get(name)
        if self._vault.key_id(sealed) == self._vault.current_key_id:
            return False
        self.put(name, self._vault.open(sealed, self._context(name)))
        return True

    def reseal_all(self, *folders: str) -> int:
        """Seal every file below some folders with the current key; one that is removed meanwhile is left out.

        Returns:
            How many were sealed with another key before.
        """
        changed = 0
        for folder in folders:
            for entry in list(self._store.entries(folder)):
                try:
                    changed += self.reseal(entry.name)
                except FileMissing:
                    continue
        return changed

    def pending(self, *folders: str) -> int:
        """How many files below some folders are sealed with another key than the current one."""
        left = 0
        for folder in folders:
            for entry in list(self._store.entries(folder)):
                try:
                    left += self._vault.key_id(self._store.get(entry.name)) != self._vault.current_key_id
                except FileMissing:
                    continue
        return left
