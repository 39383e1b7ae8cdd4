"""Stores of files: the folder and the S3-style store, alone and behind the vault."""

from __future__ import annotations

import stat
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.vault import fake_s3
from tests.vault.fake_s3 import FakeS3
from vault import Damaged, Key, KeyRing, Vault, new_key
from vault.files import (
    DiskStore,
    FileMissing,
    FileStore,
    NoStore,
    S3Access,
    SealedFiles,
    StoreUnavailable,
    open_store,
)

CONTENT = b"Receipt IOE0912345678 of Amara Okafor" * 1000
ACCESS = S3Access("", fake_s3.REGION, fake_s3.KEY_ID, fake_s3.SECRET)


@pytest.fixture
def s3() -> Iterator[FakeS3]:
    fake = FakeS3()
    yield fake
    fake.stop()


def s3_store(fake: FakeS3, secret: str = fake_s3.SECRET) -> FileStore:
    access = S3Access(fake.url, fake_s3.REGION, fake_s3.KEY_ID, secret)
    return open_store(f"s3://{fake_s3.BUCKET}/guide", Path("/unused"), access)


@pytest.fixture(params=["disk", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path, s3: FakeS3) -> FileStore:
    return open_store("", tmp_path / "documents") if request.param == "disk" else s3_store(s3)


def test_what_is_put_is_there_until_it_is_deleted(store: FileStore) -> None:
    store.put("drafts/a1", CONTENT)
    store.put("requests/a1", b"")
    store.put("drafts/b2", b"b")
    assert store.get("drafts/a1") == CONTENT
    assert store.get("requests/a1") == b""
    store.put("drafts/a1", b"anew")
    assert store.get("drafts/a1") == b"anew"
    listed = {entry.name: entry.changed_at for entry in store.entries("drafts")}
    assert set(listed) == {"drafts/a1", "drafts/b2"}
    assert all(abs(datetime.now(UTC) - at) < timedelta(minutes=1) for at in listed.values())
    store.delete("drafts/a1")
    store.delete("drafts/a1")
    with pytest.raises(FileMissing):
        store.get("drafts/a1")
    assert [entry.name for entry in store.entries("drafts")] == ["drafts/b2"]


@pytest.mark.parametrize("name", ["../a", "/etc/passwd", "a/../../b", "", "a//b", "a\0b", "A", "a/", "drafts/é", "a b"])
def test_names_lead_nowhere_else(store: FileStore, name: str) -> None:
    for work in (lambda: store.put(name, b""), lambda: store.get(name), lambda: store.delete(name)):
        with pytest.raises(ValueError, match="not a name"):
            work()


def test_files_on_disk_are_for_their_owner_only(tmp_path: Path) -> None:
    DiskStore(tmp_path / "documents").put("drafts/a1", CONTENT)
    path = tmp_path / "documents" / "drafts" / "a1"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(path.parent.parent.stat().st_mode) == 0o700
    assert [one.name for one in path.parent.iterdir()] == ["a1"]


def test_readers_never_see_half_a_file(tmp_path: Path) -> None:
    store = DiskStore(tmp_path)
    versions = [bytes([number]) * 300_000 for number in range(2)]
    store.put("drafts/a1", versions[0])
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            for version in versions:
                store.put("drafts/a1", version)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        assert {store.get("drafts/a1") for _ in range(200)} <= set(versions)
    finally:
        stop.set()
        writer.join()


def test_a_full_disk_is_told_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    store = DiskStore(tmp_path)
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreUnavailable, match="No space"):
        store.put("drafts/a1", CONTENT)
    assert list((tmp_path / "drafts").iterdir()) == []


def test_every_request_to_s3_is_signed(s3: FakeS3) -> None:
    s3_store(s3).put("drafts/a1", CONTENT)
    assert s3.objects["guide/drafts/a1"][0] == CONTENT
    assert s3.refused == 0
    wrong = s3_store(s3, secret="another-secret")
    with pytest.raises(StoreUnavailable) as raised:
        wrong.put("drafts/b2", CONTENT)
    assert s3.refused >= 1
    assert "another-secret" not in str(raised.value)
    assert set(s3.objects) == {"guide/drafts/a1"}


def test_an_s3_store_that_is_away_is_told(s3: FakeS3) -> None:
    store = s3_store(s3)
    store.put("drafts/a1", b"a")
    s3.broken = True
    for work in (
        lambda: store.put("drafts/a1", b"b"),
        lambda: store.get("drafts/a1"),
        lambda: store.delete("drafts/a1"),
        lambda: list(store.entries("drafts")),
    ):
        with pytest.raises(StoreUnavailable):
            work()
    s3.broken = False
    assert store.get("drafts/a1") == b"a"


@pytest.mark.parametrize("url", ["http://host/x", "s3:///prefix", "file:relative", "bucket"])
def test_an_address_that_is_none_is_refused(url: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="DOCUMENTS_URL"):
        open_store(url, tmp_path, ACCESS)


def test_a_folder_can_be_given(tmp_path: Path) -> None:
    open_store(f"file://{tmp_path}/elsewhere", tmp_path / "unused").put("drafts/a1", b"a")
    assert (tmp_path / "elsewhere" / "drafts" / "a1").exists()
    assert not (tmp_path / "unused").exists()


def test_nothing_readable_is_stored_and_swapping_is_noticed(store: FileStore) -> None:
    files = SealedFiles(Vault(KeyRing((Key("k1", b"k" * 32),))), store)
    files.put("drafts/a1", CONTENT)
    files.put("drafts/b2", b"another")
    assert files.get("drafts/a1") == CONTENT
    assert b"Okafor" not in store.get("drafts/a1")
    store.put("drafts/b2", store.get("drafts/a1"))
    with pytest.raises(Damaged):
        files.get("drafts/b2")
    store.put("drafts/a1", store.get("drafts/a1")[:-1])
    with pytest.raises(Damaged):
        files.get("drafts/a1")


def test_after_a_change_of_keys_every_file_is_sealed_with_the_new_one(store: FileStore) -> None:
    old, new = new_key(), new_key()
    SealedFiles(Vault(KeyRing((old,))), store).put("drafts/a1", CONTENT)
    SealedFiles(Vault(KeyRing((old,))), store).put("requests/b2", b"b")
    changing = SealedFiles(Vault(KeyRing((new, old))), store)
    assert changing.pending("drafts", "requests") == 2
    assert changing.reseal_all("drafts", "requests") == 2
    assert changing.reseal_all("drafts", "requests") == 0
    assert changing.pending("drafts", "requests") == 0
    after = SealedFiles(Vault(KeyRing((new,))), store)
    assert (after.get("drafts/a1"), after.get("requests/b2")) == (CONTENT, b"b")


def test_where_no_store_is_set_up_nothing_is_claimed() -> None:
    store = NoStore()
    with pytest.raises(StoreUnavailable):
        store.put("drafts/a1", b"a")
    with pytest.raises(StoreUnavailable):
        store.delete("drafts/a1")
    assert list(store.entries("drafts")) == []
