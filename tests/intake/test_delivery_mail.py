"""Requests delivered by email to a real server, once, and only over TLS with the right certificate."""

from __future__ import annotations

import io
import logging
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pypdf
import pytest
from pydantic import SecretStr

from intake.delivery import Deliverer, DeliverySettings, open_channel
from intake.roles import Role
from intake.store import Store
from intake.store.documents import Incoming
from tests.intake.conftest import CONTENT, DOCUMENT, NOW, Clock, Database, body, send, settings_for
from tests.intake.offices import PASSWORD, USER, Certificate, MailOffice, certificate, mail_office
from tests.intake.run_delivery import deliver
from tools.postgres import free_port
from vault.files import DiskStore, SealedFiles

GRACE = 120


@pytest.fixture(scope="module")
def trusted(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def office(trusted: Certificate) -> Iterator[MailOffice]:
    with mail_office(trusted) as server:
        yield server


@pytest.fixture
def with_files(store: Store, tmp_path: Path) -> Store:
    store.documents._files = SealedFiles(store.transactions.vault, DiskStore(tmp_path / "files"))
    return store


def options(office: MailOffice, made: Certificate, **changes: Any) -> dict[str, Any]:
    return {
        "channel": "email",
        "ca_file": made.authority,
        "smtp_host": "localhost",
        "smtp_port": office.port,
        "mail_from": "guide@agency.example",
        "mail_to": "office@dhs.example",
        "grace_seconds": GRACE,
        **changes,
    }


def deliverer(store: Store, settings: dict[str, Any], clock: Clock) -> Deliverer:
    delivery = DeliverySettings(**settings)
    limits = delivery.limits(settings_for("").content_dir)
    channel = open_channel(delivery, CONTENT, limits, clock)
    assert channel is not None
    return Deliverer(store, DOCUMENT, CONTENT, channel, limits, clock)


def number_of(client: httpx.Client, key: str = "k", **changes: Any) -> str:
    return str(send(client, key=key, **changes).raise_for_status().json()["tracking_number"])


def history(client: httpx.Client, number: str) -> list[str]:
    return [entry["status"] for entry in client.get(f"/v1/case-requests/{number}").json()["history"]]


def paper(store: Store, number: str, data: bytes = b"%PDF-1.7 paper", key: str = "p") -> None:
    name = "Wang Xiaoming passport.pdf"
    incoming = Incoming(key, "receipt_notice", name, "pdf", data, len(data), key * 8, 2, "clean")
    assert store.documents.add(number, incoming) is not None


def last_error(database: Database) -> object:
    return database.query("SELECT last_error FROM outbox ORDER BY id DESC")[0][0]


@pytest.mark.parametrize("implicit", [False, True], ids=["starttls", "implicit"])
def test_a_request_arrives_with_form_and_papers(
    client: httpx.Client,
    with_files: Store,
    clock: Clock,
    trusted: Certificate,
    implicit: bool,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    with mail_office(trusted, implicit=implicit, login=not implicit) as office:
        login = {} if implicit else {"smtp_user": USER, "smtp_password": SecretStr(PASSWORD)}
        security = "tls" if implicit else "starttls"
        worker = deliverer(with_files, options(office, trusted, smtp_security=security, **login), clock)
        number = number_of(client)
        paper(with_files, number)
        assert not worker.step(), "it waits for papers"
        clock.forward(seconds=GRACE)
        assert worker.step()
        assert not worker.step()
    (mail,) = office.mails
    assert office.envelopes == [("guide@agency.example", ["office@dhs.example"])]
    assert mail["Subject"] == f"Request for case assistance {number}"
    form, notice = mail.iter_attachments()
    assert form.get_content_type() == notice.get_content_type() == "application/pdf"
    assert "Xiaoming" in "".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(form.get_content())).pages)
    assert notice.get_content() == b"%PDF-1.7 paper"
    text = mail.get_body().get_content()  # type: ignore[union-attr]
    heads = "\n".join(f"{name}: {value}" for name, value in mail.items())
    names = f"{form.get_filename()} {notice.get_filename()}"
    for personal in ("Wang", "王小明", "wang@example.com", "LIN9999106498", "A012345678", "1980", "0143"):
        assert personal not in text + heads + names + caplog.text
    assert number not in caplog.text
    assert "2 page(s)" in text
    assert history(client, number) == ["received", "delivered"]


@pytest.mark.parametrize("dsn", [True, False])
def test_reports_are_asked_for_without_the_mail_where_the_server_knows_them(
    client: httpx.Client, store: Store, clock: Clock, office: MailOffice, trusted: Certificate, dsn: bool
) -> None:
    office.dsn = dsn
    worker = deliverer(store, options(office, trusted), clock)
    number_of(client)
    clock.forward(seconds=GRACE)
    assert worker.step()
    name = str(office.mails[0]["Message-ID"]).strip("<>").partition("@")[0]
    assert office.asked == ([f"ENVID={name.upper()}", "RET=HDRS", "NOTIFY=FAILURE"] if dsn else [])


def test_two_workers_deliver_each_request_once(
    client: httpx.Client, database: Database, clock: Clock, office: MailOffice, trusted: Certificate
) -> None:
    total = 6
    numbers = [number_of(client, key=str(n)) for n in range(total)]
    clock.forward(seconds=GRACE)
    together = threading.Barrier(2)

    def work(_: int) -> None:
        store = Store.open(settings_for(database.url), CONTENT, clock)
        worker = deliverer(store, options(office, trusted), clock)
        together.wait()
        while worker.step():
            pass
        store.close()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(work, range(2)))
    assert sorted(str(mail["Subject"])[-17:] for mail in office.mails) == sorted(numbers)
    assert len({mail["Message-ID"] for mail in office.mails}) == total


@pytest.mark.parametrize("step", ["recipient_answer", "data_answer"])
def test_a_temporary_refusal_is_tried_again_and_given_up_in_the_end(
    client: httpx.Client,
    store: Store,
    clock: Clock,
    office: MailOffice,
    trusted: Certificate,
    staff: dict[Role, httpx.Client],
    step: str,
) -> None:
    setattr(office, step, "451 try later")
    worker = deliverer(store, options(office, trusted, tries=3), clock)
    number = number_of(client)
    clock.forward(seconds=GRACE)
    assert worker.step()
    assert not worker.step(), "there is a pause"
    clock.forward(seconds=76)
    assert worker.step()
    clock.forward(seconds=76)
    assert not worker.step(), "the pause has grown"
    clock.forward(seconds=76)
    assert worker.step()
    (entry,) = staff[Role.CASE_WORKER].get("/v1/outbox/dead").json()["entries"]
    assert (entry["state"], entry["tries"], entry["last_error"][-3:]) == ("dead", 3, "451")
    assert history(client, number) == ["received"]
    setattr(office, step, None)
    staff[Role.SUPERVISOR].post(f"/v1/outbox/{entry['id']}/requeue").raise_for_status()
    assert worker.step()
    assert len(office.mails) == 1
    assert history(client, number) == ["received", "delivered"]


def test_a_refusal_for_good_bounces_and_keeps_nobody_else_waiting(
    client: httpx.Client, store: Store, clock: Clock, office: MailOffice, trusted: Certificate, database: Database
) -> None:
    worker = deliverer(store, options(office, trusted), clock)
    first, second = number_of(client, "1"), number_of(client, "2", full_name="Li Lei")
    clock.forward(seconds=GRACE)
    office.recipient_answer = "550 no such mailbox"
    assert worker.step()
    office.recipient_answer = None
    assert worker.step()
    assert history(client, first) == ["received", "bounced"]
    assert history(client, second) == ["received", "delivered"]
    assert database.query("SELECT state, last_error FROM outbox ORDER BY id") == [
        ("bounced", "smtp_recipient_550"),
        ("delivered", None),
    ]


def test_what_cannot_be_made_is_given_up_without_blocking(
    client: httpx.Client, store: Store, clock: Clock, office: MailOffice, trusted: Certificate, database: Database
) -> None:
    worker = deliverer(store, options(office, trusted, tries=1), clock)
    number_of(client, "1")
    database.execute("UPDATE case_requests SET sealed = :broken", broken=b"broken")
    good = number_of(client, "2")
    clock.forward(seconds=GRACE)
    assert worker.step()
    assert worker.step()
    assert database.query("SELECT state FROM outbox ORDER BY id") == [("dead",), ("delivered",)]
    assert history(client, good)[-1] == "delivered"


def test_a_line_dropped_after_the_data_is_tried_again_under_the_same_name(
    client: httpx.Client, store: Store, clock: Clock, office: MailOffice, trusted: Certificate, database: Database
) -> None:
    worker = deliverer(store, options(office, trusted), clock)
    number = number_of(client)
    clock.forward(seconds=GRACE)
    office.drop = True
    worker.step()
    assert last_error(database) == "dropped"
    assert history(client, number) == ["received"]
    office.drop = False
    clock.forward(seconds=90)
    worker.step()
    first, second = office.mails
    assert first["Message-ID"] == second["Message-ID"]
    assert first["Date"] == second["Date"]
    assert history(client, number) == ["received", "delivered"]


def test_a_worker_killed_before_it_could_say_so_leaves_one_repetition_under_the_same_name(
    client: httpx.Client, store: Store, clock: Clock, office: MailOffice, trusted: Certificate, database: Database
) -> None:
    number = number_of(client)
    clock.forward(seconds=GRACE)
    settings = options(office, trusted)
    process = multiprocessing.get_context("spawn").Process(target=deliver, args=(database.url, clock.now, settings))
    office.on_data = lambda _: os.kill(process.pid or 0, signal.SIGKILL)
    process.start()
    process.join(120)
    assert process.exitcode == -signal.SIGKILL
    office.on_data = None
    worker = deliverer(store, settings, clock)
    assert not worker.step(), "the claim of the dead one still holds"
    clock.forward(seconds=901)
    assert worker.step()
    assert not worker.step()
    first, second = office.mails
    assert first["Message-ID"] == second["Message-ID"]
    assert history(client, number) == ["received", "delivered"]


def test_an_entry_that_kills_its_workers_is_given_up(
    client: httpx.Client, store: Store, clock: Clock, office: MailOffice, trusted: Certificate, database: Database
) -> None:
    worker = deliverer(store, options(office, trusted, tries=2), clock)
    number_of(client)
    clock.forward(seconds=GRACE)
    for _ in range(2):
        (_claimed,) = store.outbox.claim(1, worker._limits.lease)
        clock.forward(seconds=901)
    assert worker.step()
    assert office.mails == []
    assert database.query("SELECT state, last_error FROM outbox") == [("dead", "no_result")]


@pytest.mark.parametrize(
    ("case", "error"),
    [
        ("other_authority", "certificate"),
        ("other_name", "certificate"),
        ("no_tls", "no_tls_or_login"),
        ("wrong_login", "login"),
        ("nobody_there", "connection"),
    ],
)
def test_a_wrong_connection_is_never_used(
    client: httpx.Client,
    store: Store,
    clock: Clock,
    database: Database,
    trusted: Certificate,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    case: str,
    error: str,
) -> None:
    other = certificate(tmp_path, "elsewhere.example")
    offered = {"no_tls": None, "other_name": other}.get(case, trusted)
    authority = other if case in ("other_authority", "other_name") else trusted
    with mail_office(offered, login=case == "wrong_login") as office:
        settings = options(office, authority)
        if case == "wrong_login":
            settings |= {"smtp_user": USER, "smtp_password": SecretStr("wrong secret")}
        if case == "nobody_there":
            settings["smtp_port"] = free_port()
        worker = deliverer(store, settings, clock)
        number = number_of(client)
        clock.forward(seconds=GRACE)
        assert not worker.step(), "the others need not be tried at once"
    assert office.mails == []
    assert last_error(database) == error
    assert history(client, number) == ["received"]
    assert ("ALARM" in caplog.text) == (error != "connection")
    assert "wrong secret" not in caplog.text


@pytest.mark.parametrize("told_by", ["settings", "server"])
def test_papers_that_are_too_large_are_named_instead(
    client: httpx.Client, with_files: Store, clock: Clock, trusted: Certificate, told_by: str
) -> None:
    number = number_of(client)
    paper(with_files, number, b"%PDF" + b"x" * 900_000, "a")
    paper(with_files, number, b"%PDF small", "b")
    clock.forward(seconds=GRACE)
    most = 800_000 if told_by == "server" else 33554432
    with mail_office(trusted, most=most) as office:
        limit = {"attachments_max_mib": 0.5} if told_by == "settings" else {}
        assert deliverer(with_files, options(office, trusted, **limit), clock).step()
    (mail,) = office.mails
    _, small = mail.iter_attachments()
    assert small.get_content() == b"%PDF small"
    text = mail.get_body().get_content()  # type: ignore[union-attr]
    assert text.index("- 2.") < text.index("too large") < text.index("- 1.")
    assert history(client, number)[-1] == "delivered"


def test_papers_that_come_later_follow_their_request(
    client: httpx.Client, with_files: Store, clock: Clock, office: MailOffice, trusted: Certificate
) -> None:
    worker = deliverer(with_files, options(office, trusted), clock)
    number = number_of(client)
    clock.forward(seconds=GRACE)
    office.data_answer = "451 later"
    worker.step()
    # Tried already: what goes with it stays as it is. Both go together.
    paper(with_files, number, b"%PDF one", "a")
    paper(with_files, number, b"%PDF two", "b")
    clock.forward(seconds=GRACE)
    worker.step()
    clock.forward(seconds=3)
    assert not worker.step(), "not before the request has arrived"
    office.data_answer = None
    clock.forward(seconds=200)
    assert [worker.step() for _ in range(3)] == [True, True, False]
    request, papers = office.mails
    assert len(list(request.iter_attachments())) == 1
    assert papers["Subject"] == f"Papers for request {number}"
    assert [part.get_content() for part in papers.iter_attachments()] == [b"%PDF one", b"%PDF two"]
    paper(with_files, number, b"%PDF three", "c")
    clock.forward(seconds=GRACE)
    worker.step()
    assert [part.get_content() for part in office.mails[2].iter_attachments()] == [b"%PDF three"]
    assert history(client, number) == ["received", "delivered"]


def withdraw(client: httpx.Client, number: str) -> None:
    proof = {"proof": {"date_of_birth": "1980-02-29"}}
    client.post(f"/v1/case-requests/{number}/withdraw", json=proof).raise_for_status()


def test_a_withdrawal_is_told_when_the_request_may_have_arrived(
    client: httpx.Client, store: Store, clock: Clock, office: MailOffice, trusted: Certificate
) -> None:
    worker = deliverer(store, options(office, trusted), clock)
    untold, uncertain = number_of(client, "1"), number_of(client, "2", full_name="Li Lei")
    withdraw(client, untold)
    clock.forward(seconds=GRACE)
    office.drop = True
    worker.step()
    office.drop = False
    withdraw(client, uncertain)
    clock.forward(seconds=GRACE)
    while worker.step():
        pass
    assert [mail["Subject"] for mail in office.mails] == [
        f"Request for case assistance {uncertain}",
        f"Withdrawn: request {uncertain}",
    ]


def test_an_erasure_is_told_by_a_mail_without_attachments(
    client: httpx.Client, store: Store, clock: Clock, office: MailOffice, trusted: Certificate
) -> None:
    worker = deliverer(store, options(office, trusted), clock)
    number = number_of(client)
    clock.forward(seconds=GRACE)
    assert worker.step()
    client.delete(f"/v1/case-requests/{number}").raise_for_status()
    clock.forward(seconds=GRACE)
    assert worker.step()
    mail = office.mails[-1]
    assert mail["Subject"] == f"Erased: request {number}"
    assert list(mail.iter_attachments()) == []
    assert "do not work on it" in " ".join(mail.get_body().get_content().split())  # type: ignore[union-attr]


def test_paper_requests_and_what_is_erased_are_not_delivered(
    client: httpx.Client, store: Store, clock: Clock, office: MailOffice, trusted: Certificate
) -> None:
    worker = deliverer(store, options(office, trusted), clock)
    number_of(client, "1", outcome="prepared", delivery="mail", consent=None, signature_name=None, signed_at=None)
    erased = number_of(client, "2", full_name="Li Lei")
    client.delete(f"/v1/case-requests/{erased}").raise_for_status()
    clock.forward(seconds=GRACE)
    while worker.step():
        pass
    assert office.mails == []
    assert store.outbox.stuck(10) == []


def test_the_staff_says_that_it_came_back_and_has_it_sent_again(
    client: httpx.Client,
    store: Store,
    clock: Clock,
    office: MailOffice,
    trusted: Certificate,
    staff: dict[Role, httpx.Client],
) -> None:
    worker = deliverer(store, options(office, trusted), clock)
    number = number_of(client)
    clock.forward(seconds=GRACE)
    worker.step()
    path = f"/v1/staff/requests/{number}/status"
    staff[Role.CASE_WORKER].post(path, json={"status": "bounced"}).raise_for_status()
    proof = {"proof": {"receipt_number": body()["receipt_numbers"][0]}, "tracking_number": number}
    assert client.post("/v1/case-requests/lookup", json=proof).json()["status"] == "bounced"
    (entry,) = staff[Role.SUPERVISOR].get("/v1/outbox/dead").json()["entries"]
    staff[Role.SUPERVISOR].post(f"/v1/outbox/{entry['id']}/requeue").raise_for_status()
    worker.step()
    assert history(client, number) == ["received", "delivered", "bounced", "received", "delivered"]


def test_without_a_channel_everything_waits_and_nothing_complains(
    client: httpx.Client, database: Database, clock: Clock, store: Store
) -> None:
    delivery = DeliverySettings()
    assert open_channel(delivery, CONTENT, delivery.limits(settings_for("").content_dir), clock) is None
    number = number_of(client)
    clock.forward(days=400)
    assert database.query("SELECT state, tries FROM outbox") == [("waiting", 0)]
    assert store.outbox.stuck(10) == []
    assert history(client, number) == ["received"]
    assert clock() > NOW
