"""Uploads over HTTP: what is taken, what is refused and how that is said, what is kept and for how long."""

from __future__ import annotations

import hashlib
import http.client
import io
import itertools
import json
import os
import re
import socket
import sqlite3
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pikepdf
import pytest

from papers.limits import load_paper_limits
from tests.gateway.conftest import FakeRasaServer, FrontDoor, Person, open_conversation
from tests.papers import files
from tests.papers.fake_clamd import FakeClamd
from tools.postgres import NoPostgres
from tools.postgres import running as running_postgres

LIMITS = load_paper_limits()
KIND = "receipt_notice"
PATIENCE = 20.0
MIB = 1024 * 1024
QUICK = {"GUIDE_SESSIONS_PER_MINUTE": "10000", "GUIDE_HANDOVER_FIRST_SECONDS": "0.3"}
_counter = itertools.count()


@pytest.fixture
def client(door: FrontDoor) -> Iterator[httpx.Client]:
    """More patient than usual: looking into a large file takes a while."""
    with httpx.Client(base_url=door.url, timeout=120, trust_env=False) as made:
        yield made


def upload(person: Person, data: bytes, name: str = "notice.pdf", kind: str = KIND, **headers: str) -> httpx.Response:
    return person.client.post(
        "/chat/documents", files={"file": (name, data)}, data={"kind": kind}, headers=person.headers | headers
    )


def listed(person: Person) -> list[dict[str, Any]]:
    answer = person.client.get("/chat/documents", headers=person.headers)
    assert answer.status_code == 200
    documents: list[dict[str, Any]] = answer.json()["documents"]
    return documents


def stored(door: FrontDoor) -> set[str]:
    return {path.name for path in (door.data / "documents").rglob("*") if path.is_file()}


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def another_pdf() -> bytes:
    return files.pdf(text=f"paper {next(_counter)}")


# ---- what is taken


@pytest.mark.parametrize(
    ("make", "name"),
    [(files.pdf, "notice.pdf"), (files.jpeg, "photo.jpg"), (files.png, "screen.png"), (files.heic, "IMG_0001.HEIC")],
)
def test_an_upload_is_taken_and_answered_as_agreed(
    door: FrontDoor, person: Person, make: Callable[[], bytes], name: str
) -> None:
    data = make()
    answer = upload(person, data, name)
    assert answer.status_code == 201
    assert set(answer.json()) == {"document_id", "name", "size", "sha256"}
    assert answer.json()["name"] == name
    assert answer.json()["size"] == len(data)
    assert answer.json()["sha256"] == hashlib.sha256(data).hexdigest()
    (there,) = listed(person)
    assert there["document_id"] == answer.json()["document_id"]
    assert (there["kind"], there["label"], there["state"], there["pages"]) == (KIND, "receipt notice", "kept", 1)
    assert answer.json()["document_id"] in stored(door)


def test_the_engine_is_told_and_its_reply_is_in_the_history(door: FrontDoor, person: Person) -> None:
    upload(person, files.pdf(3), kind="error_proof")
    turn = door.rasa.turns[-1]
    assert turn["event"] == "documents"
    assert json.loads(turn["text"]) == {
        "kinds": ["error_proof"],
        "count": 1,
        "change": "added",
        "kind": "error_proof",
        "pages": 3,
    }
    last = person.history().json()["messages"][-1]
    assert (last["from"], last["key"]) == ("guide", "utter_ask_grounds")
    assert person.history().json()["state"]["answers"]["documents"] == ["error_proof"]


def test_content_counts_and_neither_name_nor_type(person: Person) -> None:
    answer = person.client.post(
        "/chat/documents",
        files={"file": ("virus.exe", files.png(), "application/x-msdownload")},
        data={"kind": KIND},
        headers=person.headers,
    )
    assert answer.status_code == 201
    assert answer.json()["name"] == "virus.exe.png"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../../../etc/cron.d/x.pdf", "x.pdf"),
        ("C:\\temp\\notice.pdf", "notice.pdf"),
        ("no\u202efdp.pdf", "nofdp.pdf"),
        ("收據通知.pdf", "收據通知.pdf"),
        ("a" * 400 + ".pdf", "a" * 100 + ".pdf"),
        ("", "document.pdf"),
    ],
)
def test_names_are_made_harmless(door: FrontDoor, person: Person, name: str, shown: str) -> None:
    boundary = "b0undary"
    body = (
        (
            f'--{boundary}\r\nContent-Disposition: form-data; name="kind"\r\n\r\n{KIND}\r\n'
            f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
        ).encode()
        + another_pdf()
        + f"\r\n--{boundary}--\r\n".encode()
    )
    answer = person.client.post(
        "/chat/documents",
        content=body,
        headers=person.headers | {"Content-Type": f"multipart/form-data; boundary={boundary}"},
    )
    assert (answer.status_code, answer.json()["name"]) == (201, shown)
    outside = [path for path in door.data.rglob("*") if path.is_file() and path.parent.name != "drafts"]
    assert not [path for path in outside if path.name.endswith((".pdf", ".x")) or "cron" in str(path)]


def test_a_kind_nobody_knows_is_filed_as_another_paper(person: Person) -> None:
    assert upload(person, another_pdf(), kind="my_cousins_letter").status_code == 201
    assert listed(person)[0]["kind"] == "other_important"


def test_the_same_file_again_is_the_same_document(door: FrontDoor, person: Person) -> None:
    data = another_pdf()
    first = upload(person, data).json()
    again = upload(person, data, "other-name.pdf")
    assert (again.status_code, again.json()) == (201, first)
    corrected = upload(person, data, kind="error_proof")
    assert corrected.json()["document_id"] == first["document_id"]
    assert [(one["document_id"], one["kind"]) for one in listed(person)] == [(first["document_id"], "error_proof")]
    assert person.history().json()["state"]["answers"]["documents"] == ["error_proof"]


def test_the_same_file_many_times_at_once_is_one_document(door: FrontDoor, person: Person) -> None:
    data, before = another_pdf(), stored(door)
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: upload(person, data), range(6)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["document_id"] for answer in answers}) == 1
    assert len(stored(door) - before) == 1


def test_people_do_not_see_one_anothers_documents(client: httpx.Client, person: Person) -> None:
    document_id = upload(person, another_pdf()).json()["document_id"]
    other = open_conversation(client)
    assert listed(other) == []
    answer = client.delete(f"/chat/documents/{document_id}", headers=other.headers)
    assert (answer.status_code, answer.json()["error"]) == (404, "no_document")
    assert len(listed(person)) == 1


# ---- what is refused


REFUSED = [
    (b"MZ\x90\0" + b"\0" * 500, 415, "wrong_file_type"),
    (b"PK\x03\x04" + b"\0" * 500, 415, "wrong_file_type"),
    (b"GIF89a" + b"\0" * 500, 415, "wrong_file_type"),
    (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", 415, "wrong_file_type"),
    (b"<html><!-- %PDF-1.7 -->", 415, "wrong_file_type"),
    (b"", 400, "empty_file"),
    (files.jpeg()[:-3000], 415, "damaged_file"),
    (files.png()[:-900], 415, "damaged_file"),
    (files.pdf(3)[:-600], 415, "damaged_file"),
    (b"%PDF-1.7\nnot really\n%%EOF", 415, "damaged_file"),
    (files.pdf(encryption=pikepdf.Encryption(owner="o", user="u")), 415, "encrypted_file"),
    (files.png_bomb(), 413, "picture_too_large"),
    (files.pdf_bomb(), 413, "file_too_complex"),
]


@pytest.mark.parametrize(("data", "status", "code"), REFUSED)
def test_what_is_no_good_file_is_refused(door: FrontDoor, person: Person, data: bytes, status: int, code: str) -> None:
    before = stored(door)
    answer = upload(person, data)
    assert (answer.status_code, answer.json()["error"]) == (status, code)
    assert listed(person) == []
    assert stored(door) == before


@pytest.mark.parametrize("language", ["en", "zh-Hans", "zh-Hant"])
def test_refusals_are_in_the_language_of_the_person(client: httpx.Client, language: str) -> None:
    person = open_conversation(client, language=language)
    answer = upload(person, files.pdf(encryption=pikepdf.Encryption(owner="o", user="u")))
    assert answer.headers["Content-Language"] == language
    told = {"en": "needs a password", "zh-Hans": "有密码，没有人打得开", "zh-Hant": "有密碼，沒有人打得開"}
    assert told[language] in answer.json()["message"]


def test_the_limit_of_one_file(person: Person) -> None:
    page = files.pdf()
    filler = b"\n%" + b"x" * (10 * MIB - len(page) - 8) + b"\n%%EOF"
    exactly = page + filler
    assert len(exactly) == 10 * MIB
    assert upload(person, exactly).status_code == 201
    for more in (exactly + b"\n", exactly + b"x" * MIB, exactly * 3):
        answer = upload(person, more)
        assert (answer.status_code, answer.json()["error"]) == (413, "file_too_large")
        assert "10 MB" in answer.json()["message"]
    assert len(listed(person)) == 1


def test_a_body_beyond_all_measure_is_cut_off(door: FrontDoor, person: Person) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", door.port, timeout=60)
    connection.putrequest("POST", "/chat/documents")
    connection.putheader("Authorization", person.headers["Authorization"])
    connection.putheader("Content-Type", "multipart/form-data; boundary=b")
    connection.putheader("Content-Length", str(5_000_000_000))
    connection.endheaders()
    answer = connection.getresponse()
    assert (answer.status, json.loads(answer.read())["error"]) == (413, "file_too_large")
    assert answer.headers["Connection"] == "close"
    connection.close()


def test_a_polite_sender_is_told_before_it_sends(door: FrontDoor, person: Person) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", door.port, timeout=60)
    connection.putrequest("POST", "/chat/documents")
    for name, value in {
        "Authorization": person.headers["Authorization"],
        "Content-Type": "multipart/form-data; boundary=b",
        "Content-Length": str(11 * MIB),
        "Expect": "100-continue",
    }.items():
        connection.putheader(name, value)
    connection.endheaders()
    assert connection.getresponse().status == 413
    connection.close()


def test_the_limit_of_all_files_holds_also_when_all_come_at_once(door: FrontDoor, person: Person) -> None:
    most, before = LIMITS.documents_max, stored(door)
    papers = [another_pdf() for _ in range(most + 4)]
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda data: upload(person, data), papers))
    assert sorted(answer.status_code for answer in answers) == [201] * most + [413] * 4
    refused = next(answer for answer in answers if answer.status_code == 413)
    assert refused.json()["error"] == "too_many_documents"
    assert str(most) in refused.json()["message"]
    assert len(listed(person)) == most
    assert len(stored(door) - before) == most
    # One goes, one may come.
    person.client.delete(f"/chat/documents/{listed(person)[0]['document_id']}", headers=person.headers)
    assert upload(person, another_pdf()).status_code == 201


BOUNDARY = "multipart/form-data; boundary=xyz"
HEAD = b'--xyz\r\nContent-Disposition: form-data; name="kind"\r\n\r\nreceipt_notice\r\n'
FILE = b'--xyz\r\nContent-Disposition: form-data; name="file"; filename="a.pdf"\r\n\r\n%PDF-1.7\r\n'
END = b"--xyz--\r\n"
MALFORMED: list[tuple[str, bytes, int, str]] = [
    ("application/json", b'{"file": "x"}', 415, "wrong_form"),
    ("application/x-www-form-urlencoded", b"file=x&kind=y", 415, "wrong_form"),
    ("", b"", 415, "wrong_form"),
    ("multipart/mixed; boundary=xyz", HEAD + FILE + END, 415, "wrong_form"),
    ("multipart/form-data", HEAD + FILE + END, 400, "malformed"),
    ("multipart/form-data; boundary=" + "x" * 200, HEAD, 400, "malformed"),
    (BOUNDARY, b"", 400, "malformed"),
    (BOUNDARY, b"nothing of the kind", 400, "malformed"),
    (BOUNDARY, HEAD + FILE, 400, "malformed"),
    (BOUNDARY, HEAD + FILE[:-20], 400, "malformed"),
    (BOUNDARY, HEAD + FILE + FILE + END, 400, "malformed"),
    (BOUNDARY, HEAD + END, 400, "no_file"),
    (BOUNDARY, FILE + END, 400, "bad_kind"),
    (BOUNDARY, HEAD.replace(b"receipt_notice", b"../../etc") + FILE + END, 400, "bad_kind"),
    (BOUNDARY, HEAD.replace(b"receipt_notice", b"x" * 5000) + FILE + END, 400, "malformed"),
    (BOUNDARY, b"--xyz\r\n" + b"X-Header: y\r\n" * 5000 + b"\r\n" + END, 400, "malformed"),
    (BOUNDARY, b"".join(HEAD.replace(b'"kind"', b'"k%d"' % n) for n in range(50)) + FILE + END, 400, "malformed"),
    (BOUNDARY, HEAD + FILE.replace(b"form-data;", b"attachment;") + END, 400, "malformed"),
]


@pytest.mark.parametrize(("content_type", "body", "status", "code"), MALFORMED)
def test_forms_that_are_none(person: Person, content_type: str, body: bytes, status: int, code: str) -> None:
    headers = person.headers | ({"Content-Type": content_type} if content_type else {})
    answer = person.client.post("/chat/documents", content=body, headers=headers)
    assert (answer.status_code, answer.json()["error"]) == (status, code)
    assert answer.json()["message"]


def test_without_a_session_nothing_is_taken(client: httpx.Client) -> None:
    for headers in ({}, {"Authorization": "Bearer nonsense"}):
        answer = client.post("/chat/documents", files={"file": ("a", b"x" * 9 * MIB)}, headers=headers)
        assert (answer.status_code, answer.json()["error"]) == (401, "no_session")
        assert client.get("/chat/documents", headers=headers).status_code == 401
        assert client.delete("/chat/documents/abc", headers=headers).status_code == 401


def test_too_many_uploads_a_minute_are_slowed_down(client: httpx.Client) -> None:
    person = open_conversation(client)
    answers = [upload(person, b"no file of ours") for _ in range(LIMITS.uploads_per_minute + 1)]
    assert {answer.status_code for answer in answers[:-1]} == {415}
    assert (answers[-1].status_code, answers[-1].json()["error"]) == (429, "too_many_requests")
    assert int(answers[-1].headers["Retry-After"]) > 0


def test_a_sender_that_breaks_off_leaves_nothing(door: FrontDoor, person: Person) -> None:
    before = stored(door)
    with socket.create_connection(("127.0.0.1", door.port)) as line:
        head = (
            f"POST /chat/documents HTTP/1.1\r\nHost: x\r\nAuthorization: {person.headers['Authorization']}\r\n"
            f"Content-Type: {BOUNDARY}\r\nContent-Length: 5000000\r\n\r\n"
        )
        line.sendall(head.encode() + HEAD + FILE[:-2] + b"x" * 200_000)
    assert person.say("still there", "after").status_code == 200
    assert listed(person) == []
    assert stored(door) == before


# ---- what is kept


def test_nothing_readable_lies_on_the_disk(door: FrontDoor, person: Person) -> None:
    name = "Okafor-Amara-notice.pdf"
    upload(person, files.pdf(text="Visible words of a notice"), name)
    whole = b"".join(path.read_bytes() for path in door.data.rglob("*") if path.is_file())
    assert b"%PDF" not in whole
    assert b"Okafor" not in whole
    for path in (door.data / "documents").rglob("*"):
        assert path.stat().st_mode & 0o077 == 0


def test_there_is_no_way_to_get_a_file_back(person: Person) -> None:
    document_id = upload(person, another_pdf()).json()["document_id"]
    for path in (
        f"/chat/documents/{document_id}",
        f"/chat/files/{document_id}/document.pdf",
        f"/documents/{document_id}",
    ):
        answer = person.client.get(path, headers=person.headers)
        assert answer.status_code in (404, 405)
        assert b"%PDF" not in answer.content


def test_a_removed_document_is_gone_at_once_and_the_engine_is_told(door: FrontDoor, person: Person) -> None:
    kept = upload(person, another_pdf(), kind="error_proof").json()["document_id"]
    gone = upload(person, another_pdf()).json()["document_id"]
    answer = person.client.delete(f"/chat/documents/{gone}", headers=person.headers)
    assert (answer.status_code, answer.content) == (204, b"")
    assert gone not in stored(door)
    assert kept in stored(door)
    told = json.loads(door.rasa.turns[-1]["text"])
    assert told == {"kinds": ["error_proof"], "count": 1, "change": "removed", "kind": KIND, "pages": 1}
    again = person.client.delete(f"/chat/documents/{gone}", headers=person.headers)
    assert (again.status_code, again.json()["error"]) == (404, "no_document")


@pytest.mark.parametrize("how", ["erased", "cancelled", "restarted"])
def test_documents_go_with_the_draft(door: FrontDoor, person: Person, how: str) -> None:
    document_id = upload(person, another_pdf()).json()["document_id"]
    assert document_id in stored(door)
    if how == "erased":
        assert person.client.delete("/chat/session", headers=person.headers).status_code == 204
    else:
        person.say({"cancelled": "stop", "restarted": "restart"}[how], "end")
        assert listed(person) == []
    until(lambda: document_id not in stored(door))
    with closing(sqlite3.connect(door.data / "gateway.db")) as database:
        assert (
            database.execute("SELECT count(*) FROM draft_documents WHERE document_id = ?", (document_id,)).fetchone()[0]
            == 0
        )


def test_an_ordinary_message_leaves_documents_alone(door: FrontDoor, person: Person) -> None:
    document_id = upload(person, another_pdf()).json()["document_id"]
    person.say("and another thing", "more")
    assert document_id in stored(door)
    assert len(listed(person)) == 1


def test_the_checklist_follows_the_answers_and_the_language(client: httpx.Client) -> None:
    person = open_conversation(client, language="zh-Hant")
    upload(person, another_pdf(), kind="current_card")
    body = client.get("/chat/documents", headers=person.headers).json()
    by_kind = {item["kind"]: item for item in body["checklist"]}
    # The engine of the tests says: I-485, delay.
    assert {"receipt_notice", "processing_time_page", "current_card"} <= set(by_kind)
    assert "hardship_proof" not in by_kind
    assert by_kind["receipt_notice"]["label"] == "收據通知 (I-797)，每份表格一張"
    assert by_kind["receipt_notice"]["reason"]
    assert [kind for kind, item in by_kind.items() if item["there"]] == ["current_card"]
    assert (body["most"], body["most_bytes"]) == (20, 10 * MIB)


def test_nothing_of_a_person_is_in_the_logs(door: FrontDoor, person: Person) -> None:
    upload(person, files.jpeg(), "Okafor-Amara-secret.jpg")
    upload(person, b"MZ", "Okafor-Amara-virus.exe")
    log = door.log.read_text()
    assert "Okafor" not in log
    assert files.SECRET not in log
    assert '"route": "upload"' in log


# ---- when the engine is away


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Callable[..., FrontDoor]]:
    """Front doors of this test's own."""
    engine, doors = FakeRasaServer(), []

    def start(**environment: str) -> FrontDoor:
        doors.append(FrontDoor(engine, tmp_path, **QUICK | environment))
        return doors[-1]

    yield start
    for door in doors:
        if door.process.poll() is None:
            door.stop()
    engine.stop()


def person_at(door: FrontDoor) -> Person:
    return open_conversation(httpx.Client(base_url=door.url, timeout=120, trust_env=False))


def test_an_upload_while_the_engine_is_away_is_kept_and_told_later(own: Callable[..., FrontDoor]) -> None:
    door = own()
    person = person_at(door)
    door.rasa.status = 503
    answer = upload(person, another_pdf())
    assert answer.status_code == 201
    assert len(listed(person)) == 1
    door.kill()
    door.start()
    door.rasa.status = 200
    until(lambda: person.history().json()["state"]["answers"].get("documents") == [KIND])
    told = [turn for turn in door.rasa.turns if turn["event"] == "documents"]
    assert len(told) == 1


def test_a_store_that_takes_nothing_is_no_end(own: Callable[..., FrontDoor]) -> None:
    door = own()
    person = person_at(door)
    (door.data / "documents").write_bytes(b"in the way of the folder")
    answer = upload(person, files.pdf())
    assert (answer.status_code, answer.json()["error"]) == (503, "not_ready")
    assert int(answer.headers["Retry-After"]) > 0
    (door.data / "documents").unlink()
    assert upload(person, files.pdf()).status_code == 201


# ---- the scanner


def test_without_a_scanner_that_is_written_down(door: FrontDoor, person: Person) -> None:
    document_id = upload(person, another_pdf()).json()["document_id"]
    with closing(sqlite3.connect(door.data / "gateway.db")) as database:
        query = "SELECT scan FROM draft_documents WHERE document_id = ?"
        assert database.execute(query, (document_id,)).fetchone() == ("not_scanned",)


def test_what_the_scanner_finds_is_refused_and_not_kept(own: Callable[..., FrontDoor]) -> None:
    clamd = FakeClamd()
    door = own(CLAMD_URL=clamd.url)
    person = person_at(door)
    bad = files.pdf().replace(b"%%EOF", b"%" + files.EICAR + b"\n%%EOF")
    answer = upload(person, bad)
    assert (answer.status_code, answer.json()["error"]) == (415, "infected_file")
    assert stored(door) == set()
    good = upload(person, files.pdf())
    assert good.status_code == 201
    assert [one["state"] for one in listed(person)] == ["kept"]
    assert clamd.seen == [len(bad), len(files.pdf())]
    clamd.stop()


@pytest.mark.parametrize("verdict", ["clean", "infected"])
def test_while_the_scanner_is_away_a_file_waits(own: Callable[..., FrontDoor], verdict: str) -> None:
    clamd = FakeClamd()
    port = clamd.port
    clamd.stop()
    door = own(CLAMD_URL=f"tcp://127.0.0.1:{port}")
    person = person_at(door)
    document = pikepdf.open(io.BytesIO(files.pdf()))
    if verdict == "infected":
        document.pages[0].Contents = document.make_stream(b"%" + files.EICAR + b"\n")
    out = io.BytesIO()
    document.save(out)
    assert upload(person, out.getvalue()).status_code == 201
    assert [one["state"] for one in listed(person)] == ["waiting_for_scan"]
    clamd = FakeClamd(port=port)
    if verdict == "clean":
        until(lambda: [one["state"] for one in listed(person)] == ["kept"])
    else:
        until(lambda: listed(person) == [])
        until(lambda: stored(door) == set())
        until(lambda: json.loads(door.rasa.turns[-1]["text"] or "{}").get("change") == "infected")
    clamd.stop()


def test_an_office_may_refuse_what_can_not_be_scanned(own: Callable[..., FrontDoor]) -> None:
    clamd = FakeClamd()
    clamd.mode = "error"
    door = own(CLAMD_URL=clamd.url, CLAMD_DOWN="refuse")
    answer = upload(person_at(door), files.pdf())
    assert (answer.status_code, answer.json()["error"]) == (503, "scan_unavailable")
    assert int(answer.headers["Retry-After"]) > 0
    assert stored(door) == set()
    clamd.stop()


# ---- the service stays small


def test_hostile_files_do_not_cost_the_service_its_memory(own: Callable[..., FrontDoor]) -> None:
    door = own()
    person = person_at(door)
    hostile = [
        files.png_bomb(),
        files.pdf_bomb(),
        files.png(files.page_picture(9000, 9000)),
        files.jpeg(files.page_picture(8000, 9000)),
        b"%PDF-1.7\n" + b"<<" * 2 * MIB + b"\n%%EOF",
        files.pdf() + b"\n%" + b"x" * 9 * MIB + b"\n%%EOF",
    ]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda data: upload(person, data), hostile))
    assert {answer.status_code for answer in answers} <= {201, 413, 415}
    assert person.say("still there", "after").status_code == 200
    status = Path(f"/proc/{door.process.pid}/status").read_text()
    peak = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert peak is not None
    assert int(peak[1]) < 250 * 1024


# ---- after a crash, and with another database


def test_files_that_belong_to_nothing_are_swept_up(own: Callable[..., FrontDoor]) -> None:
    door = own()
    kept = upload(person_at(door), another_pdf()).json()["document_id"]
    door.stop()
    folder = door.data / "documents" / "drafts"
    long_ago = time.time() - (LIMITS.orphan_minutes + 5) * 60
    for name in ("0" * 32, ".part-left", kept):
        (folder / name).touch()
        os.utime(folder / name, (long_ago, long_ago))
    (folder / ("1" * 32)).write_bytes(b"just being stored")
    door.start()
    until(lambda: stored(door) == {kept, "1" * 32})


def test_the_same_holds_on_postgresql(own: Callable[..., FrontDoor]) -> None:
    try:
        with running_postgres(durable=False) as postgres:
            door = own(GUIDE_DATABASE_URL=postgres.url("postgres"))
            person = person_at(door)
            papers = [another_pdf() for _ in range(LIMITS.documents_max + 2)]
            papers.append(papers[0])
            with ThreadPoolExecutor(6) as pool:
                answers = list(pool.map(lambda data: upload(person, data), papers))
            assert len([one for one in answers if one.status_code == 413]) in (2, 3)
            assert len(listed(person)) == len(stored(door)) == LIMITS.documents_max
            document_id = listed(person)[0]["document_id"]
            person.client.delete(f"/chat/documents/{document_id}", headers=person.headers)
            assert document_id not in stored(door)
            assert person.client.delete("/chat/session", headers=person.headers).status_code == 204
            until(lambda: stored(door) == set())
            door.stop()
    except NoPostgres as error:
        pytest.skip(str(error))
