"""From the page to a messenger: a link that works once takes the same conversation along."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.gateway.conftest import FrontDoor
from tests.gateway.fake_rasa import FakeRasaServer

SECRET = "worker-secret-for-tests-0123456789"
LINK = re.compile(r'href="https://t\.me/case_guide_bot\?start=([A-Za-z0-9_-]{22})"')
LOOKED_AT = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document", "Accept": "text/html"}


@pytest.fixture(scope="module")
def door_with_bot(engine: FakeRasaServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FrontDoor]:
    """A front door that knows the name of the bot."""
    folder = tmp_path_factory.mktemp("gateway")
    running = FrontDoor(engine, folder, GUIDE_WORKER_SECRET=SECRET, TELEGRAM_BOT="case_guide_bot")
    yield running
    running.stop()


@pytest.fixture
def browser(door_with_bot: FrontDoor) -> Iterator[httpx.Client]:
    """A browser at it."""
    with httpx.Client(base_url=door_with_bot.url, timeout=30, trust_env=False) as made:
        yield made


def saved(browser: httpx.Client) -> str:
    """The page after saving, in a conversation in which something was said."""
    browser.get("/chat/", headers=LOOKED_AT)
    form = {"message": "1", "text": "hello", "language": "en"}
    assert browser.post("/chat/say", data=form).status_code == 303
    page = browser.post("/chat/code", data={"birth_year": "1985"}, headers={"Sec-Fetch-Site": "same-origin"})
    assert page.status_code == 200, page.text
    return page.text


def arrive(browser: httpx.Client, person: str, token: Any, **more: Any) -> httpx.Response:
    """What the worker asks when somebody comes with a link."""
    body = {"person": f"tg-{person * 40}", "place": "telegram", "token": token, **more}
    return browser.post("/internal/people/arrive", json=body, headers={"Authorization": f"Bearer {SECRET}"})


def test_without_a_bot_there_is_no_link(client: httpx.Client) -> None:
    assert "t.me" not in saved(client)


def test_the_conversation_goes_on_and_the_link_is_used_up(browser: httpx.Client) -> None:
    (token,) = LINK.findall(saved(browser))
    first = arrive(browser, "a", token)
    assert first.status_code == 200, first.text
    again = arrive(browser, "a", token)
    assert (again.status_code, again.json()) == (200, first.json()), "asked again, it is the same answer"
    other = arrive(browser, "b", token)
    assert (other.status_code, other.json()["error"]) == (404, "unknown_code")
    said = browser.post(
        "/internal/people/messages",
        json={"person": f"tg-{'a' * 40}", "id": "7", "text": "from Telegram"},
        headers={"Authorization": f"Bearer {SECRET}"},
    )
    assert said.status_code == 200
    texts = [message["text"] for message in browser.get("/chat/history").json()["messages"]]
    assert "hello" in texts
    assert "from Telegram" in texts, "the page stays in the same conversation"


@pytest.mark.parametrize("token", ["", "x", "A" * 22, "A" * 23, "..%2f..%2fetc%2fpasswd_"])
def test_other_links_lead_nowhere(browser: httpx.Client, token: str) -> None:
    answer = arrive(browser, "c", token)
    assert (answer.status_code, answer.json()["error"]) == (404, "unknown_code")


def test_what_is_no_question_of_the_worker(browser: httpx.Client) -> None:
    (token,) = LINK.findall(saved(browser))
    assert arrive(browser, "d", token, place="Not A Place").json()["error"] == "malformed"
    assert arrive(browser, "d", 7).json()["error"] == "malformed"
    assert browser.post("/internal/people/arrive", json={"token": token}).status_code == 401
    assert arrive(browser, "d", token).status_code == 200, "nothing of this has used it up"
