"""Papers of requests at the intake backend: taken once, kept sealed, read as files by the staff, gone with them."""

from __future__ import annotations

import hashlib
import io
import itertools
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import httpx
import pikepdf
import pypdf
import pytest

from intake.roles import Role
from intake.store import Store
from tests.intake.conftest import KEY, Clock, Database, running, send, vault_of
from tests.papers import files
from tests.papers.fake_clamd import FakeClamd
from vault import new_key
from vault.files import DiskStore, SealedFiles

_counter = itertools.count()


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the files of a test lie."""
    monkeypatch.setenv("DOCUMENTS_URL", f"file://{tmp_path}/documents")
    return tmp_path / "documents"


@pytest.fixture
def number(client: httpx.Client) -> str:
    """A stored request."""
    return str(send(client).json()["tracking_number"])


def add(
    client: httpx.Client, number: str, data: bytes, key: str | None = None, kind: str = "receipt_notice", **fields: str
) -> httpx.Response:
    headers = {} if key is None else {"Idempotency-Key": key}
    return client.post(
        f"/v1/case-requests/{number}/documents",
        files={"file": (fields.pop("name", "notice.pdf"), data)},
        data={"kind": kind, **fields},
        headers=headers,
        timeout=120,
    )


def paper() -> bytes:
    return files.pdf(text=f"paper {next(_counter)}")


def on_disk(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_a_document_is_stored_once_and_listed(client: httpx.Client, number: str) -> None:
    data = files.pdf(2)
    first = add(client, number, data, "key-1", name="收据.pdf", scan="clean")
    assert first.status_code == 201
    shown = first.json()
    assert shown["sha256"] == hashlib.sha256(data).hexdigest()
    assert (shown["kind"], shown["name"], shown["size"]) == ("receipt_notice", "收据.pdf", len(data))
    assert (shown["pages"], shown["scan"], shown["media_type"]) == (2, "clean", "application/pdf")
    again = add(client, number, data, "key-1", name="收据.pdf")
    assert (again.status_code, again.json()) == (200, shown)
    other = add(client, number, paper(), "key-1")
    assert (other.status_code, other.json()["error"]) == (409, "key_reused")
    listed = client.get(f"/v1/case-requests/{number.lower().replace('-', ' ')}/documents")
    assert listed.json() == {"documents": [shown]}
    assert listed.headers["Cache-Control"] == "no-store"


def test_without_a_key_the_same_content_is_the_same_document(client: httpx.Client, number: str) -> None:
    data = paper()
    assert add(client, number, data).status_code == 201
    assert add(client, number, data).status_code == 200
    assert add(client, number, paper()).status_code == 201
    assert len(client.get(f"/v1/case-requests/{number}/documents").json()["documents"]) == 2


def test_the_longest_keys_are_told_apart(client: httpx.Client, number: str) -> None:
    data, longest = paper(), "k" * 199
    assert add(client, number, data, longest + "1").status_code == 201
    assert add(client, number, data, longest + "1").status_code == 200
    assert add(client, number, paper(), longest + "2").status_code == 201


def test_the_same_document_many_times_at_once(client: httpx.Client, number: str, folder: Path) -> None:
    data = paper()
    with ThreadPoolExecutor(5) as pool:
        answers = list(pool.map(lambda _: add(client, number, data, "at-once"), range(5)))
    assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 200, 201]
    assert len({answer.json()["document_id"] for answer in answers}) == 1
    assert len(on_disk(folder)) == 1


REFUSED = [
    (b"MZ\x90\0" * 100, 415, "wrong_file_type"),
    (b"<html>", 415, "wrong_file_type"),
    (b"", 400, "empty_file"),
    (files.pdf(2)[:-500], 415, "damaged"),
    (files.pdf(encryption=pikepdf.Encryption(owner="o", user="u")), 415, "encrypted"),
    (files.png_bomb(), 413, "too_many_pixels"),
    (files.pdf() + b"%" + b"x" * 10 * 1024 * 1024, 413, "too_large"),
]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize(("data", "status", "code"), REFUSED)
def test_what_is_no_good_file_is_refused(
    client: httpx.Client, number: str, folder: Path, data: bytes, status: int, code: str
) -> None:
    answer = add(client, number, data)
    assert (answer.status_code, answer.json()["error"]) == (status, code)
    assert on_disk(folder) == []


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_who_may_add_and_to_what(client: httpx.Client, number: str) -> None:
    unknown = add(client, "CA-2345-6789-ABCD", paper())
    assert (unknown.status_code, unknown.json()["error"]) == (404, "not_found")
    stranger = httpx.post(
        f"{client.base_url}/v1/case-requests/{number}/documents", files={"file": ("a", b"x")}, data={"kind": "x"}
    )
    assert stranger.status_code == 401
    for kind in ("", "../x", "x" * 65):
        assert add(client, number, paper(), kind=kind).json()["error"] == "bad_kind"
    no_form = client.post(f"/v1/case-requests/{number}/documents", json={})
    assert (no_form.status_code, no_form.json()["error"]) == (415, "wrong_type")
    broken = client.post(
        f"/v1/case-requests/{number}/documents",
        content=b"--x\r\n",
        headers={"Content-Type": "multipart/form-data; boundary=x"},
    )
    assert (broken.status_code, broken.json()["error"]) == (400, "malformed")


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_what_acts_is_taken_out_and_what_is_clean_stays_as_it_is(
    client: httpx.Client, staff: dict[Role, httpx.Client], number: str
) -> None:
    plain, armed = files.pdf(2), files.armed_pdf()
    ids = [add(client, number, data).json()["document_id"] for data in (plain, armed)]
    kept = [staff[Role.CASE_WORKER].get(f"/v1/staff/requests/{number}/documents/{one}").content for one in ids]
    assert kept[0] == plain
    assert b"JavaScript" not in kept[1]
    assert len(pypdf.PdfReader(io.BytesIO(kept[1])).pages) == 2


def test_the_staff_reads_it_as_a_file_and_that_is_recorded(
    client: httpx.Client, staff: dict[Role, httpx.Client], number: str
) -> None:
    data = paper()
    document_id = add(client, number, data, name='we"ird 收据\r\n.pdf').json()["document_id"]
    path = f"/v1/staff/requests/{number}/documents"
    worker = staff[Role.CASE_WORKER]
    assert worker.get(path).json()["documents"][0]["scan"] == "not_scanned"
    answer = worker.get(f"{path}/{document_id}")
    assert (answer.status_code, answer.content) == (200, data)
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Disposition"].startswith("attachment; ")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["X-Malware-Scan"] == "not_scanned"
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Cache-Control"] == "no-store"
    trail = staff[Role.SUPERVISOR].get("/v1/staff/audit", params={"tracking_number": number}).json()["entries"]
    read = next(entry for entry in trail if entry["action"] == "document_read")
    assert read["actor"] == "case_worker-1"
    assert read["after"] == {"document_id": document_id, "kind": "receipt_notice"}
    assert staff[Role.MANAGER].get(f"{path}/{document_id}").status_code == 403
    assert client.get(f"{path}/{document_id}").status_code == 401
    assert worker.get(f"{path}/{'0' * 32}").status_code == 404


def test_nothing_readable_is_kept(client: httpx.Client, number: str, folder: Path, database: Database) -> None:
    add(client, number, files.pdf(text="Visible words"), name="Wang-Xiaoming.pdf")
    (path,) = on_disk(folder)
    assert b"%PDF" not in path.read_bytes()
    assert b"Wang-Xiaoming" not in database.raw()


def test_documents_go_with_the_request(client: httpx.Client, number: str, folder: Path, database: Database) -> None:
    add(client, number, paper())
    add(client, number, paper())
    assert len(on_disk(folder)) == 2
    assert client.delete(f"/v1/case-requests/{number}").status_code == 204
    assert on_disk(folder) == []
    assert database.rows("documents") == []
    late = add(client, number, paper())
    assert (late.status_code, late.json()["error"]) == (410, "erased")
    assert on_disk(folder) == []


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_request_has_so_many_documents_at_most(client: httpx.Client, number: str, folder: Path) -> None:
    answers = [add(client, number, paper()) for _ in range(21)]
    assert [answer.status_code for answer in answers] == [201] * 20 + [413]
    assert answers[-1].json()["error"] == "too_many_documents"
    assert len(on_disk(folder)) == 20


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_what_belongs_to_nothing_is_swept_up(client: httpx.Client, number: str, folder: Path, store: Store) -> None:
    add(client, number, paper())
    orphan = folder / "requests" / "0123abcd"
    orphan.write_bytes(b"left by a crash")
    assert store.documents.sweep(timedelta(hours=1)) == 0
    assert store.documents.sweep(timedelta(0)) == 1
    assert not orphan.exists()
    assert len(on_disk(folder)) == 1


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_names_and_files_follow_a_change_of_keys(client: httpx.Client, number: str, folder: Path, store: Store) -> None:
    data = paper()
    document_id = add(client, number, data, name="notice.pdf").json()["document_id"]
    fresh = new_key()
    changing = vault_of(fresh, KEY)
    store.documents._vault = changing
    store.documents._files = SealedFiles(changing, DiskStore(folder))
    assert store.documents.pending() == 2
    assert store.documents.reseal() == 2
    assert store.documents.reseal() == store.documents.pending() == 0
    store.documents._vault = vault_of(fresh)
    store.documents._files = SealedFiles(vault_of(fresh), DiskStore(folder))
    ((document, content),) = store.documents.contents(number)
    assert (document.document_id, document.name, content) == (document_id, "notice.pdf", data)


@pytest.fixture
def clamd() -> Iterator[FakeClamd]:
    """A scanner."""
    fake = FakeClamd()
    yield fake
    fake.stop()


@pytest.fixture
def scanned(
    database: Database, clock: Clock, clamd: FakeClamd, monkeypatch: pytest.MonkeyPatch
) -> Iterator[httpx.Client]:
    """A backend with a scanner of its own."""
    monkeypatch.setenv("CLAMD_URL", clamd.url)
    with running(database.url, clock) as url, httpx.Client(base_url=url, headers=_bearer(), timeout=60) as http:
        yield http


def _bearer() -> dict[str, str]:
    from tests.intake.conftest import TOKEN

    return {"Authorization": f"Bearer {TOKEN}"}


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_the_backend_scans_what_the_sender_did_not(scanned: httpx.Client, folder: Path) -> None:
    number = send(scanned).json()["tracking_number"]
    assert add(scanned, number, paper()).json()["scan"] == "clean"
    bad = files.pdf().replace(b"%%EOF", b"%" + files.EICAR + b"\n%%EOF")
    answer = add(scanned, number, bad, scan="not_scanned")
    assert (answer.status_code, answer.json()["error"]) == (415, "infected")
    assert len(on_disk(folder)) == 1


@pytest.mark.parametrize("mode", ["hang_up", "error"])
def test_while_the_scanner_is_away_nothing_is_taken_unscanned(
    scanned: httpx.Client, clamd: FakeClamd, folder: Path, database: Database, mode: str
) -> None:
    number, data = send(scanned).json()["tracking_number"], paper()
    clamd.mode = mode
    answer = add(scanned, number, data, "key", scan="not_scanned")
    assert (answer.status_code, answer.json()["error"]) == (503, "scanner_away")
    assert int(answer.headers["Retry-After"]) > 0
    assert database.rows("documents") == []
    assert on_disk(folder) == []
    assert add(scanned, number, paper(), scan="clean").status_code == 201, "the sender's scanner has seen it"
    clamd.mode = "work"
    answer = add(scanned, number, data, "key", scan="not_scanned")
    assert (answer.status_code, answer.json()["scan"]) == (201, "clean")
