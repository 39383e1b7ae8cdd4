"""One case on the page, at the console and in a messenger: by code, by receipt number and date of birth."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from playwright.sync_api import expect

from tests.console.driver import CallTaker
from tests.console.test_conduct import TOLD, audit_of, find
from tests.conversations.client import Chat
from tests.conversations.people import ANSWERS, go_on
from tests.conversations.running import Running
from tests.conversations.test_outcomes import OPENINGS


def open_found(taker: CallTaker) -> CallTaker:
    """Open the first case that was found."""
    expect(taker.page.locator("#found-title")).to_be_focused()
    taker.page.get_by_role("button", name="Open 1").press("Enter")
    taker.page.wait_for_url("**/calls/*")
    return taker.settle()


def test_begun_on_the_page_gone_on_with_by_telephone_and_back(
    taker: CallTaker, base: str, language: str, sign_in: Callable[[str], CallTaker]
) -> None:
    page = Chat(base, language).open().say(TOLD[language])
    asking, answers = page.asking, page.answers
    code = page.request("POST", "/chat/save", expect=201)["resume_code"]
    find(taker, code=code)
    row = taker.page.locator("tbody tr").first
    expect(row).to_contain_text("page")
    assert "IOE0912345678" not in row.inner_text()
    taker.check(f"found-{language}")
    open_found(taker)
    assert taker.asking == asking
    assert taker.how("Form") == "from record"
    assert taker.how("Receipt number(s)") == "from record"
    page.request("GET", "/chat/history", expect=401)
    taker.go_on(language, until="full_name")
    taker.press("Alt+c", "/code")
    back = taker.page.locator("#code-title ~ .code").inner_text()
    assert re.fullmatch(r"[A-Z0-9]+(-[A-Z0-9]+)+", back)
    taker.finish("").ended()
    home = Chat(base, language).open(resume_code=back)
    assert home.asking == "full_name"
    assert home.answers.items() >= {**answers}.items()
    go_on(home, language)
    assert home.outcome == "submitted"
    trail = audit_of(sign_in("supervisor"), taker.call)
    assert {action for action, _ in trail} >= {"look_up_code", "case_opened", "code_given", "finished"}


def test_the_code_of_a_caller_is_used_up(taker: CallTaker, base: str) -> None:
    code = Chat(base, "en").open().say(TOLD["en"]).request("POST", "/chat/save", expect=201)["resume_code"]
    find(taker, code=code)
    open_found(taker).page.goto(f"{taker.address}/desk")
    find(taker, code=code)
    expect(taker.page.locator("main")).to_contain_text("Nothing was found")


def test_by_receipt_number_and_date_of_birth(taker: CallTaker, base: str) -> None:
    page = Chat(base, "zh-Hant").open().say(TOLD["zh-Hant"].replace("IOE0912345678", "WAC2190055577"))
    go_on(page, "zh-Hant", until="email")
    find(taker, receipt="WAC2190055577", birth="1985-03-28")
    expect(taker.page.locator("main")).to_contain_text("Nothing was found")
    taker.check("found-nothing")
    find(taker, receipt="wac 2190 055577", birth="1985-03-27")
    open_found(taker)
    assert taker.asking == "email"
    # The caller's own session goes on: nobody took over with a code.
    assert page.request("GET", "/chat/history")["state"]["asking"] == "email"


@pytest.mark.parametrize("fields", [{}, {"receipt": "IOE0912345678"}, {"birth": "1985-03-27", "receipt": ""}])
def test_half_a_look_up_is_none(taker: CallTaker, fields: dict[str, str]) -> None:
    find(taker, **fields)
    expect(taker.page.locator("main > .problem")).to_contain_text("or two of these: tracking number")


def test_every_look_up_is_in_the_trail(taker: CallTaker, sign_in: Callable[[str], CallTaker]) -> None:
    supervisor = sign_in("supervisor")

    def count() -> tuple[int, int]:
        supervisor.page.goto(f"{taker.address}/audit")
        cells = supervisor.page.locator("tbody td:nth-child(3)").all_text_contents()
        return cells.count("look_up_code"), cells.count("look_up_receipt")

    before = count()
    find(taker, code="ABCD-EFGH-JKLM-NPQR")
    find(taker, receipt="IOE0912345678", birth="1950-01-01")
    after = count()
    assert (after[0] - before[0], after[1] - before[1]) == (1, 1)


def test_a_case_opened_elsewhere_is_said_so_and_the_call_still_ends(taker: CallTaker, base: str) -> None:
    taker.begin("en").say(TOLD["en"]).press("Alt+c", "/code")
    code = taker.page.locator("#code-title ~ .code").inner_text()
    Chat(base, "en").open(resume_code=code)
    taker.page.keyboard.press("Alt+t")
    taker.page.keyboard.insert_text("my email is a@example.org")
    with taker.page.expect_response("**/turn"):
        taker.page.keyboard.press("Enter")
    expect(taker.page.locator("#problem")).to_contain_text("opened somewhere else")
    expect(taker.page.locator("#text")).to_have_value("my email is a@example.org")
    taker.page.reload()
    taker.check("gone")
    taker.finish("S1").ended()


class Messenger:
    """Somebody at the interface that the worker of a messenger uses."""

    def __init__(self, base: str, secret: str) -> None:
        self._person = f"tg-{uuid.uuid4().hex}{uuid.uuid4().hex[:16]}"
        self._client = httpx.Client(
            base_url=f"{base}/internal/people",
            headers={"Authorization": f"Bearer {secret}"},
            trust_env=False,
            timeout=60,
        )

    def ask(self, what: str, **fields: str) -> dict[str, Any]:
        """One request."""
        answer = self._client.post(f"/{what}", json={"person": self._person, **fields})
        assert answer.is_success, (what, answer.status_code, answer.text)
        return dict(answer.json())


def test_begun_in_a_messenger_gone_on_with_by_telephone_and_back(
    taker: CallTaker, base: str, language: str, running: Running
) -> None:
    messenger = Messenger(base, running.secret("GUIDE_WORKER_SECRET"))
    messenger.ask("open", place="telegram", tag=language)
    said = messenger.ask("messages", id=uuid.uuid4().hex, text=OPENINGS["submitted"][language])
    find(taker, code=messenger.ask("save")["resume_code"])
    expect(taker.page.locator("tbody tr").first).to_contain_text("Telegram")
    open_found(taker)
    assert taker.asking == said["state"]["asking"]
    assert taker.page.locator(".say").last.get_attribute("lang") == language
    taker.say(ANSWERS[language]["form_type"])
    asking = taker.asking
    taker.press("Alt+c", "/code")
    code = taker.page.locator("#code-title ~ .code").inner_text()
    taker.finish("").ended()
    back = messenger.ask("resume", place="telegram", code=code)
    assert back["state"]["asking"] == asking
    assert back["state"]["language"] == language
