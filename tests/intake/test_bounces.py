"""Mails that come back: what is read in them, and what becomes of the request, from SMTP to the person's status."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from intake.delivery.bounces import Bounce, read
from intake.roles import Role
from intake.store import Store
from tests.intake.conftest import KEY, Clock, Database
from tests.intake.offices import Certificate, MailOffice, certificate, mail_office
from tests.intake.returned_mails import JUNK, MAILS, OFFICE, postfix
from tests.intake.test_delivery_mail import GRACE, deliverer, number_of, options, paper, withdraw
from vault.files import DiskStore, SealedFiles

NAME = "7-0123456789abcdef01234567"
PERSONAL = ("Wang", "王小明", "wang@example.com", "LIN9999106498", "dhs.example")


@pytest.mark.parametrize("kind", MAILS)
def test_what_a_mail_says(kind: str) -> None:
    write, expected = MAILS[kind]
    mail = write(f"<{NAME}@agency.example>")
    for same in (mail, mail.replace(b"\r\n", b"\n")):
        found = read(same, OFFICE)
        assert found == (Bounce(7, NAME, expected) if expected else None)
    assert read(write("<20261124.ABC@agency.example>"), OFFICE) is None, "not a mail of ours"
    cut = read(mail[: len(mail) // 3], OFFICE)
    assert cut is None or cut == found


@pytest.mark.parametrize("junk", JUNK)
def test_junk_says_nothing(junk: bytes) -> None:
    assert read(junk, OFFICE) is None


@given(st.binary(max_size=2000), st.sampled_from(sorted(MAILS)), st.integers(0, 3000))
def test_any_bytes_can_be_read(noise: bytes, kind: str, place: int) -> None:
    mail = MAILS[kind][0](f"<{NAME}@agency.example>")
    found = read(mail[:place] + noise + mail[place:], OFFICE)
    assert found is None or found.identifier == NAME


@pytest.fixture(scope="module")
def trusted(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def office(trusted: Certificate) -> Iterator[MailOffice]:
    with mail_office(trusted) as server:
        yield server


def pipe(database: Database, mail: bytes, folder: Path, status: int = 0) -> str:
    """What the command says, run as a mail server runs it."""
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.getcwd(),
        "GUIDE_DATA": str(folder),
        "INTAKE_DATABASE_URL": database.url,
        "GUIDE_DATA_KEYS": str(KEY),
        "INTAKE_MAIL_TO": OFFICE,
    }
    command = [sys.executable, "-m", "intake", "bounces"]
    done = subprocess.run(command, input=mail, env=environment, capture_output=True, timeout=120, check=False)
    said = (done.stdout + done.stderr).decode()
    assert done.returncode == status, said
    assert "Traceback" not in said
    assert not any(personal in said for personal in PERSONAL)
    return said


def history(client: httpx.Client, number: str) -> list[str]:
    """As the person sees it."""
    asked = {"tracking_number": number, "proof": {"date_of_birth": "1980-02-29"}}
    answer = client.post("/v1/case-requests/lookup", json=asked).raise_for_status().json()
    assert answer["status"] == answer["history"][-1]["status"]
    return [entry["status"] for entry in answer["history"]]


def test_a_delivered_request_that_comes_back_is_bounced_once(
    client: httpx.Client,
    store: Store,
    clock: Clock,
    office: MailOffice,
    trusted: Certificate,
    database: Database,
    staff: dict[Role, httpx.Client],
    tmp_path: Path,
) -> None:
    worker = deliverer(store, options(office, trusted), clock)
    number, other = number_of(client, "1"), number_of(client, "2", full_name="Li Lei")
    clock.forward(seconds=GRACE)
    assert worker.step()
    assert worker.step()
    name = str(office.mails[0]["Message-ID"])
    forged = f"<1-{'0' * 24}@agency.example>"
    for mail in (postfix(forged), postfix("<99-0123456789abcdef01234567@agency.example>"), MAILS["delayed"][0](name)):
        assert "nothing changed" in pipe(database, mail, tmp_path)
    assert history(client, number) == ["received", "delivered"]

    assert "bounced (mail_5.1.1)" in pipe(database, postfix(name), tmp_path)
    assert history(client, number) == ["received", "delivered", "bounced"]
    assert history(client, other) == ["received", "delivered"]
    (stuck,) = staff[Role.CASE_WORKER].get("/v1/outbox/dead").json()["entries"]
    assert (stuck["tracking_number"], stuck["last_error"]) == (number, "mail_5.1.1")
    trail = staff[Role.SUPERVISOR].get("/v1/staff/audit", params={"tracking_number": number}).json()["entries"]
    (line,) = [one for one in trail if one["action"] == "status_set"]
    assert (line["role"], line["before"], line["after"]) == ("command", {"status": "delivered"}, {"status": "bounced"})

    assert "nothing changed" in pipe(database, postfix(name), tmp_path), "told twice"
    assert history(client, number) == ["received", "delivered", "bounced"]

    # Sent again, it goes under a new name; the old report, which may come once more, says nothing about it.
    staff[Role.SUPERVISOR].post(f"/v1/outbox/{stuck['id']}/requeue").raise_for_status()
    assert worker.step()
    assert history(client, number)[-1] == "delivered"
    assert "nothing changed" in pipe(database, postfix(name), tmp_path)
    assert history(client, number)[-1] == "delivered"
    again = str(office.mails[-1]["Message-ID"])
    assert "bounced" in pipe(database, MAILS["exchange_in_chinese"][0](again), tmp_path)
    assert history(client, number)[-1] == "bounced"


def test_what_somebody_works_on_or_is_withdrawn_stays_as_it_is(
    client: httpx.Client,
    store: Store,
    clock: Clock,
    office: MailOffice,
    trusted: Certificate,
    database: Database,
    staff: dict[Role, httpx.Client],
    tmp_path: Path,
) -> None:
    worker = deliverer(store, options(office, trusted), clock)
    taken, gone = number_of(client, "1"), number_of(client, "2", full_name="Li Lei")
    clock.forward(seconds=GRACE)
    assert worker.step()
    assert worker.step()
    staff[Role.CASE_WORKER].post(f"/v1/staff/requests/{taken}/status", json={"status": "in_review"}).raise_for_status()
    withdraw(client, gone)
    for mail in office.mails[:2]:
        assert "settled already" in pipe(database, postfix(str(mail["Message-ID"])), tmp_path)
    assert history(client, taken)[-1] == "in_review"
    assert history(client, gone)[-1] == "withdrawn"


def test_papers_that_come_back_are_on_the_list_and_the_request_stays_delivered(
    client: httpx.Client,
    store: Store,
    clock: Clock,
    office: MailOffice,
    trusted: Certificate,
    database: Database,
    staff: dict[Role, httpx.Client],
    tmp_path: Path,
) -> None:
    store.documents._files = SealedFiles(store.transactions.vault, DiskStore(tmp_path / "files"))
    worker = deliverer(store, options(office, trusted), clock)
    number = number_of(client)
    clock.forward(seconds=GRACE)
    assert worker.step()
    paper(store, number)
    clock.forward(seconds=GRACE)
    assert worker.step()
    assert "bounced" in pipe(database, postfix(str(office.mails[1]["Message-ID"])), tmp_path)
    (stuck,) = staff[Role.CASE_WORKER].get("/v1/outbox/dead").json()["entries"]
    assert (stuck["event"], stuck["state"]) == ("papers_added", "bounced")
    assert history(client, number)[-1] == "delivered"


def test_a_report_that_is_faster_than_our_own_note_is_kept_for_later(
    client: httpx.Client,
    store: Store,
    clock: Clock,
    office: MailOffice,
    trusted: Certificate,
    database: Database,
    tmp_path: Path,
) -> None:
    said: list[str] = []
    # While the server has the mail and has not answered, the worker's claim holds by the clock of this machine, too.
    worker = deliverer(store, options(office, trusted), clock)
    number = number_of(client)
    clock.forward(seconds=GRACE, days=3650)
    office.on_data = lambda mail: said.append(pipe(database, postfix(str(mail["Message-ID"])), tmp_path, status=75))
    assert worker.step()
    assert "read this mail again later" in said[0]
    assert history(client, number)[-1] == "delivered"
    assert "bounced" in pipe(database, postfix(str(office.mails[0]["Message-ID"])), tmp_path)
    assert history(client, number)[-1] == "bounced"


def test_without_the_database_the_mail_is_kept_for_later(tmp_path: Path) -> None:
    database = Database("postgresql://nobody@127.0.0.1:1/nothing")
    said = pipe(database, postfix(f"<{NAME}@agency.example>"), tmp_path, status=75)
    assert "does not answer" in said
