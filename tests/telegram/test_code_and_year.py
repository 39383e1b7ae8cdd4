"""A code that needs the year of birth is not opened in Telegram, which does not ask for it, but on the page."""

from __future__ import annotations

import httpx

from messenger.words import Words
from tests.telegram.people import TAGS, link_of
from tests.telegram.test_manners import STORY
from tests.telegram.worker import Worker

WORDS = Words()
HOME = {"Sec-Fetch-Site": "same-origin"}


def test_a_code_with_a_year_is_opened_on_the_page(worker: Worker, language: str) -> None:
    with httpx.Client(base_url=worker.running.url, timeout=60, trust_env=False) as page:
        opened = page.post("/chat/session", json={"language": language}).json()
        headers = {"Authorization": f"Bearer {opened['session']}"}
        page.post("/chat/messages", json={"id": "1", "text": STORY[language]}, headers=headers).raise_for_status()
        code = page.post("/chat/save", json={"birth_year": 1978}, headers=headers).json()["resume_code"]

    somebody = worker.person(TAGS[language])
    somebody.say("/start")
    before = worker.state(somebody)
    for _ in range(6):
        told = somebody.say(f"/resume {code}")
        values = {"phone": WORDS.phone, "minutes": "10"}
        assert told.startswith(WORDS("resume_on_page", language, values))  # type: ignore[arg-type]
        assert code not in told
    assert worker.state(somebody) == before, "it goes on as it was"

    path = link_of(somebody)
    assert path
    with httpx.Client(base_url=worker.running.url, headers=HOME, timeout=60, trust_env=False) as browser:
        assert browser.post(path).status_code == 303
        form = {"code": code, "birth_year": "1978"}
        assert browser.post("/chat/resume", data=form).status_code == 303, "asking in Telegram was no wrong try"
        said = [item["text"] for item in browser.get("/chat/history").json()["messages"] if item["from"] == "person"]
    assert said == [STORY[language]]


def test_a_code_from_telegram_needs_no_year(worker: Worker) -> None:
    somebody = worker.person("en")
    somebody.say("/start")
    somebody.say("/save")
    code = next(word for word in somebody.text.split() if word.count("-") == 3)
    with httpx.Client(base_url=worker.running.url, timeout=60, trust_env=False) as page:
        assert page.post("/chat/session", json={"resume_code": code}).status_code == 201
