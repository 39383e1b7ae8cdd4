"""The request to take along: front door and intake backend as they are started for real."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import yaml

from tests.gateway.conftest import INTAKE_TOKEN, FrontDoor, open_conversation
from tests.gateway.fake_rasa import FakeRasaServer
from tests.intake.conftest import send
from tests.intake.pdf import page_texts
from tests.intake.test_document_official import FIELDS, MAPPING, build_form
from tests.intake.test_document_official import fields as fields_of

READING = {"zh-Hant": "案件協助請求：中文對照", "zh-Hans": "个案协助请求：中文对照", "en": None}
NUMBER = "CA-2345-6789-ABCD"


@contextmanager
def service(engine: FakeRasaServer, folder: Path, **environment: str) -> Iterator[tuple[FrontDoor, str]]:
    """The service, and the number of a request that it has stored."""
    running = FrontDoor(engine, folder, program="service", **environment)
    try:
        bearer = {"Authorization": f"Bearer {INTAKE_TOKEN}"}
        with httpx.Client(base_url=running.url, headers=bearer, timeout=60, trust_env=False) as intake:
            yield running, send(intake, language="zh-Hans").json()["tracking_number"]
    finally:
        running.stop()


def test_the_reading_copy_is_in_the_language_of_the_talk(engine: FakeRasaServer, tmp_path: Path) -> None:
    with service(engine, tmp_path) as (running, number):
        for language, reading in READING.items():
            with httpx.Client(base_url=running.url, timeout=60, trust_env=False) as client:
                answer = open_conversation(client, language=language).say(f"take {number}", "1").json()
                request, english, official = answer["replies"][0]["attachments"]
                assert english["url"].endswith("/request-english.pdf")
                whole, short = client.get(request["url"]), client.get(english["url"])
                assert whole.headers["Content-Disposition"] == f'attachment; filename="request-{number}.pdf"'
                pages = page_texts(short.content)
                assert page_texts(whole.content)[: len(pages)] == pages
                more = page_texts(whole.content)[len(pages) :]
                assert (reading in "".join(more)) if reading else not more
                # The form may have been taken away since the link was made: then it is our own pages.
                assert page_texts(client.get(official["url"]).content) == pages


def test_the_official_form_comes_filled_in_where_it_is_installed(engine: FakeRasaServer, tmp_path: Path) -> None:
    content = tmp_path / "content"
    shutil.copytree("content", content)
    build_form(content / "forms" / "dhs-7001.pdf")
    (content / "forms" / MAPPING).write_text(yaml.safe_dump(FIELDS), encoding="utf-8")
    with (
        service(engine, tmp_path, CONTENT_DIR=str(content)) as (running, number),
        httpx.Client(base_url=running.url, timeout=60, trust_env=False) as client,
    ):
        person = open_conversation(client, language="zh-Hant")
        *_, official = person.say(f"take {number}", "1").json()["replies"][0]["attachments"]
        assert official["url"].endswith("/dhs-7001.pdf")
        file = client.get(official["url"])
    assert file.headers["Content-Disposition"] == f'attachment; filename="dhs-7001-{number}.pdf"'
    assert fields_of(file.content)["Email"] == "wang@example.com"
    assert "Attachment to the filled-in DHS Form 7001" in "".join(page_texts(file.content))


@pytest.mark.parametrize("path", ["", None])
def test_an_intake_without_a_pdf_is_asked_for_none(engine: FakeRasaServer, tmp_path: Path, path: str | None) -> None:
    environment = {} if path is None else {"INTAKE_PDF_PATH": path}
    running = FrontDoor(engine, tmp_path, **environment)
    try:
        with httpx.Client(base_url=running.url, timeout=60, trust_env=False) as client:
            person = open_conversation(client, language="en")
            reply = person.say(f"take {NUMBER}", "1").json()["replies"][0]
            assert len(reply.get("attachments", [])) == (3 if path is None else 0)
            person.say(f"submit {NUMBER}", "2")
            assert ("request.pdf" in client.get("/chat/", headers=person.headers).text) == (path is None)
    finally:
        running.stop()
