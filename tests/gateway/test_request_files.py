"""The request to take along: front door and intake backend as they are started for real."""

from __future__ import annotations

from pathlib import Path

import httpx

from tests.gateway.conftest import INTAKE_TOKEN, FrontDoor, open_conversation
from tests.gateway.fake_rasa import FakeRasaServer
from tests.intake.conftest import send
from tests.intake.pdf import page_texts

READING = {"zh-Hant": "案件協助請求：中文對照", "zh-Hans": "个案协助请求：中文对照", "en": None}


def test_the_reading_copy_is_in_the_language_of_the_talk(engine: FakeRasaServer, tmp_path: Path) -> None:
    running = FrontDoor(engine, tmp_path, program="service")
    try:
        bearer = {"Authorization": f"Bearer {INTAKE_TOKEN}"}
        with httpx.Client(base_url=running.url, headers=bearer, timeout=60, trust_env=False) as intake:
            number = send(intake, language="zh-Hans").json()["tracking_number"]
        for language, reading in READING.items():
            with httpx.Client(base_url=running.url, timeout=60, trust_env=False) as client:
                answer = open_conversation(client, language=language).say(f"take {number}", "1").json()
                request, english = answer["replies"][0]["attachments"]
                assert english["url"].endswith("/request-english.pdf")
                whole, short = client.get(request["url"]), client.get(english["url"])
                assert whole.headers["Content-Disposition"] == f'attachment; filename="request-{number}.pdf"'
                pages = page_texts(short.content)
                assert page_texts(whole.content)[: len(pages)] == pages
                more = page_texts(whole.content)[len(pages) :]
                assert (reading in "".join(more)) if reading else not more
    finally:
        running.stop()
