"""What the office gets: the official form filled in where it is installed, our own pages where it is not."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import httpx
import pytest
import yaml
from pydantic import SecretStr
from pypdf import PdfReader

from intake.delivery import Deliverer, DeliverySettings, open_channel
from intake.document import Document
from intake.store import Store
from tests.intake.conftest import CONTENT, Clock, Database, running, send, settings_for
from tests.intake.offices import certificate, mail_office, web_office
from tests.intake.pdf import page_texts, squashed
from tests.intake.test_document_official import FIELDS, MAPPING, build_form
from tests.intake.test_document_official import fields as fields_of

NUMBERS = [f"LIN21900{index:05}" for index in range(5)]


@pytest.fixture(params=[True, False], ids=["installed", "absent"])
def document(request: pytest.FixtureRequest, tmp_path: Path) -> Document:
    (tmp_path / MAPPING).write_text(yaml.safe_dump(FIELDS), encoding="utf-8")
    if request.param:
        build_form(tmp_path / "dhs-7001.pdf")
    return Document(CONTENT, tmp_path)


def delivered(store: Store, document: Document, settings: DeliverySettings, clock: Clock) -> bool:
    limits = settings.limits(settings_for("").content_dir)
    channel = open_channel(settings, CONTENT, limits, clock)
    assert channel is not None
    return Deliverer(store, document, CONTENT, channel, limits, clock).step()


def check(form: bytes, document: Document, number: str) -> None:
    pages = page_texts(form)
    text = squashed("".join(pages))
    assert squashed(number) in text
    if document.has_official:
        read = fields_of(form)
        assert (read["Email"], read["More"]) == ("wang@example.com", "See attachment")
        assert squashed("Attachment to the filled-in DHS Form 7001") in text
    else:
        assert not PdfReader(io.BytesIO(form)).get_fields()
        assert "Attachment to the filled-in" not in "".join(pages)
    # What does not fit the form stands on the continuation sheet, in both.
    assert "Section 4, continued" in pages[-1]
    assert all(one in text for one in NUMBERS)


def test_by_email(client: httpx.Client, store: Store, clock: Clock, document: Document, tmp_path: Path) -> None:
    trusted = certificate(tmp_path)
    number = send(client, receipt_numbers=NUMBERS).json()["tracking_number"]
    with mail_office(trusted) as office:
        settings = DeliverySettings(
            channel="email", ca_file=trusted.authority, smtp_host="localhost", smtp_port=office.port,
            mail_from="guide@agency.example", mail_to="office@dhs.example", grace_seconds=0.001,
        )  # fmt: skip
        clock.forward(seconds=1)
        assert delivered(store, document, settings, clock)
    (mail,) = office.mails
    (form,) = mail.iter_attachments()
    check(form.get_content(), document, number)


def test_by_webhook(client: httpx.Client, store: Store, clock: Clock, document: Document) -> None:
    number = send(client, receipt_numbers=NUMBERS).json()["tracking_number"]
    with web_office() as office:
        settings = DeliverySettings(
            channel="webhook", webhook_url=office.url, webhook_key=SecretStr("k" * 32), grace_seconds=0.001
        )
        clock.forward(seconds=1)
        assert delivered(store, document, settings, clock)
    (body,) = office.bodies
    check(base64.b64decode(body["form"]["content"]), document, number)


def test_the_one_who_sends_a_request_hears_whether_there_is_an_official_form(
    database: Database, clock: Clock, document: Document
) -> None:
    with running(database.url, clock, document=document) as url, httpx.Client(base_url=url, timeout=20) as http:
        http.headers["Authorization"] = f"Bearer {settings_for(database.url).token.get_secret_value()}"
        for _ in range(2):
            links = send(http, receipt_numbers=NUMBERS).json()["links"]
            assert ("official" in links) == document.has_official
        check(http.get(links["pdf"], params={"part": "office"}).content, document, links["self"].rpartition("/")[2])
        if document.has_official:
            assert fields_of(http.get(links["official"]).content)["Email"] == "wang@example.com"
