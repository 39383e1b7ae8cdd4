"""One case in two places at once, both real: the chat page in a browser or the worker for Telegram, and the console."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.console.driver import CallTaker
from tests.console.test_afterwards import code_of
from tests.console.test_conduct import TOLD, find
from tests.console.test_handover import open_found
from tests.conversations.people import ANSWERS
from tests.conversations.running import Running
from tests.page.visitor import visitor
from tests.telegram.people import TAGS
from tests.telegram.worker import Worker
from tools.bot_api.server import BotApi

CODE = re.compile(r"[A-Z0-9]{4}(?:-[A-Z0-9]{4}){3}")


@pytest.fixture(scope="module")
def worker(running: Running, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    """The worker, between a Bot API of ours and the running system."""
    with BotApi() as api:
        one = Worker(api, running, tmp_path_factory.mktemp("worker")).start()
        yield one
        assert one.lives(), one.log.read_text(encoding="utf-8")[-3000:]
        assert one.stop() == 0


def test_telegram_and_the_console(taker: CallTaker, worker: Worker, language: str) -> None:
    person = worker.person(TAGS[language])
    person.say("/start")
    person.say(TOLD[language])
    person.say("/save")
    asking = worker.state(person)["asking"]
    (saved,) = CODE.findall(person.text)
    find(taker, code=saved)
    expect(taker.page.locator("tbody tr").first).to_contain_text("Telegram")
    open_found(taker)
    assert taker.asking == asking
    assert taker.page.locator(".say").last.get_attribute("lang") == language
    assert taker.how("Form") == "from record"
    taker.say(ANSWERS[language][str(asking)])
    answered, code = taker.asking, code_of(taker)
    assert answered != asking
    taker.finish("").ended()
    person.say(f"/resume {code}")
    state = worker.state(person)
    assert (state["asking"], state["language"]) == (answered, language)
    assert state["answers"]["receipt_numbers"] == ["IOE0912345678"]


def test_the_page_and_the_console(taker: CallTaker, browser: Browser, base: str, language: str) -> None:
    with visitor(browser, base, language) as person:
        person.open().say(TOLD[language])
        asking = person.state()["asking"]
        find(taker, code=person.save())
        expect(taker.page.locator("tbody tr").first).to_contain_text("page")
        open_found(taker)
        assert taker.asking == asking
        assert taker.page.locator(".say").last.get_attribute("lang") == language
        taker.say(ANSWERS[language][str(asking)])
        answered, code = taker.asking, code_of(taker)
        assert answered != asking
        taker.finish("").ended()
        assert person.complaints == []
    with visitor(browser, base, language) as home:
        home.open()
        home.give_code(code)
        expect(home.page.locator("#messages > li")).not_to_have_count(1)
        home.settle()
        state = home.state()
        assert (state["asking"], state["language"]) == (answered, language)
        assert state["answers"]["receipt_numbers"] == ["IOE0912345678"]
        # What was said on the telephone stands on the page.
        expect(home.page.locator("#messages")).to_contain_text(ANSWERS[language][str(asking)])
        assert home.complaints == []
