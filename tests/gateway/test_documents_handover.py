"""Documents on their way to the intake backend: after the request, once, whatever happens meanwhile."""

from __future__ import annotations

import io
import itertools
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pypdf
import pytest

from tests.gateway.conftest import INTAKE_TOKEN, FakeRasaServer, FrontDoor, Person, open_conversation
from tests.gateway.test_documents import QUICK, another_pdf, listed, stored, until, upload
from tests.intake.conftest import send
from tests.papers import files
from tests.papers.fake_clamd import FakeClamd

_counter = itertools.count()
BEARER = {"Authorization": f"Bearer {INTAKE_TOKEN}"}


class House:
    """Front door and intake backend, each a process of its own, and an engine that does as it is told."""

    def __init__(self, folder: Path, **intake: str) -> None:
        self.engine = FakeRasaServer()
        (folder / "door").mkdir()
        (folder / "intake").mkdir()
        self.intake = FrontDoor(self.engine, folder / "intake", program="service", **intake)
        environment = QUICK | {"INTAKE_URL": self.intake.url}
        self.door = FrontDoor(self.engine, folder / "door", **environment)

    def intake_client(self) -> httpx.Client:
        return httpx.Client(base_url=self.intake.url, headers=BEARER, timeout=60, trust_env=False)

    def new_request(self) -> str:
        """A stored request."""
        with self.intake_client() as http:
            return str(send(http, f"key-{next(_counter)}").json()["tracking_number"])

    def documents(self, number: str) -> list[dict[str, Any]]:
        """What the intake backend has."""
        with self.intake_client() as http:
            found: list[dict[str, Any]] = http.get(f"/v1/case-requests/{number}/documents").json()["documents"]
            return found

    def person(self) -> Person:
        return open_conversation(httpx.Client(base_url=self.door.url, timeout=120, trust_env=False))

    def stop(self) -> None:
        for process in (self.door, self.intake):
            if process.process.poll() is None:
                process.stop()
        self.engine.stop()


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    made = House(tmp_path_factory.mktemp("house"))
    yield made
    made.stop()


def staff_copy(house: House, number: str, document_id: str) -> bytes:
    """The file as the backend keeps it, opened with its own keys."""
    from intake.settings import Settings
    from intake.store import Store
    from tests.intake.conftest import CONTENT

    store = Store.open(Settings(data_dir=house.intake.data, token="x" * 20), CONTENT)
    try:
        return next(data for one, data in store.documents.contents(number) if one.document_id == document_id)
    finally:
        store.close()


def submit(person: Person, number: str) -> None:
    assert person.say(f"submit {number}", f"submit-{number}").json()["state"]["tracking_number"] == number


def test_photos_of_one_kind_arrive_as_one_pdf_and_pdfs_as_they_are(house: House) -> None:
    person, number = house.person(), house.new_request()
    notice = another_pdf()
    upload(person, files.jpeg(orientation=6), "front.jpg", "current_card")
    upload(person, notice, "notice.pdf", "receipt_notice")
    upload(person, files.heic(files.page_picture(1000, 700)), "back.heic", "current_card")
    upload(person, files.png(files.page_picture(500, 500)), "screen.png", "processing_time_page")
    assert house.documents(number) == []
    submit(person, number)
    until(lambda: len(house.documents(number)) == 3)
    arrived = {one["kind"]: one for one in house.documents(number)}
    assert {kind: (one["name"], one["pages"], one["media_type"]) for kind, one in arrived.items()} == {
        "current_card": ("front.pdf", 2, "application/pdf"),
        "receipt_notice": ("notice.pdf", 1, "application/pdf"),
        "processing_time_page": ("screen.pdf", 1, "application/pdf"),
    }
    assert {one["scan"] for one in arrived.values()} == {"not_scanned"}
    card = pypdf.PdfReader(io.BytesIO(staff_copy(house, number, arrived["current_card"]["document_id"])))
    # In the order in which they came: the first lay on its side.
    assert [page.images[0].image.size for page in card.pages] == [(1200, 900), (1000, 700)]  # type: ignore[union-attr]
    assert "green card" in str(card.metadata and card.metadata.title)
    text = pypdf.PdfReader(io.BytesIO(staff_copy(house, number, arrived["receipt_notice"]["document_id"])))
    assert "paper" in text.pages[0].extract_text()
    # Handed over, they are no longer kept here, and can't be taken back here.
    until(lambda: {one["state"] for one in listed(person)} == {"sent"})
    assert stored(house.door) == set()
    answer = person.client.delete(f"/chat/documents/{listed(person)[0]['document_id']}", headers=person.headers)
    assert (answer.status_code, answer.json()["error"]) == (409, "already_sent")


def test_a_document_uploaded_after_the_request_follows_it(house: House) -> None:
    person, number = house.person(), house.new_request()
    submit(person, number)
    upload(person, another_pdf(), kind="error_proof")
    until(lambda: [one["kind"] for one in house.documents(number)] == ["error_proof"])


def test_documents_of_a_cancelled_request_go_nowhere(house: House) -> None:
    person, number = house.person(), house.new_request()
    upload(person, another_pdf())
    person.say("stop", "stop")
    submit(person, number)
    upload(person, another_pdf(), kind="error_proof")
    until(lambda: len(house.documents(number)) == 1)
    assert [one["kind"] for one in house.documents(number)] == ["error_proof"]


def test_while_the_backend_is_away_documents_wait_through_every_restart(house: House) -> None:
    person, number = house.person(), house.new_request()
    upload(person, another_pdf())
    upload(person, files.jpeg(), "card.jpg", "current_card")
    house.intake.kill()
    submit(person, number)
    upload(person, another_pdf(), kind="error_proof")
    house.door.kill()
    house.door.start()
    time.sleep(0.5)
    assert {one["state"] for one in listed(person)} == {"kept"}
    house.intake.start()
    until(lambda: len(house.documents(number)) == 3)
    until(lambda: {one["state"] for one in listed(person)} == {"sent"})
    assert len(house.documents(number)) == 3
    assert stored(house.door) == set()


def test_while_the_scanner_of_the_backend_is_away_documents_wait_here(tmp_path: Path) -> None:
    clamd = FakeClamd()
    clamd.mode = "hang_up"
    house = House(tmp_path, CLAMD_URL=clamd.url)
    try:
        person, number = house.person(), house.new_request()
        upload(person, another_pdf())
        submit(person, number)
        until(lambda: "document not handed over" in house.door.log.read_text())
        assert [one["state"] for one in listed(person)] == ["kept"]
        assert house.documents(number) == []
        assert len(stored(house.door)) == 1
        clamd.mode = "work"
        until_slowly(lambda: [one["state"] for one in listed(person)] == ["sent"])
        assert [one["scan"] for one in house.documents(number)] == ["clean"]
        assert stored(house.door) == set()
    finally:
        house.stop()
        clamd.stop()


def test_killed_again_and_again_each_document_arrives_once(house: House) -> None:
    person, number = house.person(), house.new_request()
    for kind in ("receipt_notice", "error_proof", "delivery_proof", "contact_proof"):
        upload(person, another_pdf(), kind=kind)
    submit(person, number)
    for pause in (0.0, 0.15, 0.3, 0.45, 0.6):
        time.sleep(pause)
        house.door.kill()
        house.door.start()
    until_slowly(lambda: {one["state"] for one in listed(person)} == {"sent"})
    kinds = [one["kind"] for one in house.documents(number)]
    assert sorted(kinds) == ["contact_proof", "delivery_proof", "error_proof", "receipt_notice"]


def test_when_the_request_is_erased_meanwhile_its_documents_go(house: House) -> None:
    person, number = house.person(), house.new_request()
    with house.intake_client() as http:
        assert http.delete(f"/v1/case-requests/{number}").status_code == 204
    submit(person, number)
    upload(person, another_pdf())
    until(lambda: stored(house.door) == set())
    assert [one["state"] for one in listed(person)] == ["refused"]


def until_slowly(condition: Callable[[], bool]) -> None:
    # What a killed process had begun is free again for the others only after a while.
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.2)
