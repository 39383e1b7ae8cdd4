"""Every state of the console for who cannot see it well: an accessibility checker finds nothing, also at 200 %."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.console.conftest import make_account, run_console
from tests.console.driver import CallTaker
from tests.console.fake_provider import CLIENT, CLIENT_SECRET, Provider
from tests.console.test_afterwards import book, code_of
from tests.console.test_conduct import TOLD
from tests.conversations.client import Chat
from tests.conversations.test_outcomes import OPENINGS

# 1366 × 768 at 200 %.
ZOOMED: Any = {"width": 683, "height": 384}


def fits(taker: CallTaker) -> CallTaker:
    """Nothing is cut off at the side."""
    assert taker.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    return taker


@pytest.fixture
def alone(open_page: Callable[[], Page], address: str, settings: dict[str, str]) -> tuple[CallTaker, str]:
    """Somebody with an account of their own, and its password."""
    account = make_account(settings, f"kim-{time.time_ns()}", "supervisor")
    return CallTaker(open_page(), address).sign_in(account.name, account.password), account.password


def test_locked_without_the_script(alone: tuple[CallTaker, str]) -> None:
    taker, password = alone
    page = taker.page
    csrf = page.locator("body").get_attribute("data-csrf") or ""
    page.context.request.post(f"{taker.address}/lock", form={"csrf": csrf})
    page.goto(f"{taker.address}/desk")
    expect(page.locator("main h1")).to_have_text("The console is locked")
    taker.check("locked-page")
    page.locator("#unlock-password").fill("wrong")
    page.keyboard.press("Enter")
    expect(page.locator(".problem")).to_contain_text("not right")
    taker.check("locked-page-wrong")
    page.locator("#unlock-password").fill(password)
    page.keyboard.press("Enter")
    expect(page.locator("main h1")).to_be_visible()


def test_account(alone: tuple[CallTaker, str]) -> None:
    taker, password = alone
    page = taker.page
    page.goto(f"{taker.address}/account")
    page.get_by_role("button", name="Set up an authenticator").press("Enter")
    expect(page.locator(".code")).to_be_visible()
    taker.check("account-totp")
    for old, shown in (("wrong", "problem"), (password, "notice")):
        page.goto(f"{taker.address}/account")
        page.locator("#old").fill(old)
        page.locator("#new").fill("correct horse battery staple")
        page.keyboard.press("Enter")
        expect(page.locator(f"main .{shown}")).to_be_visible()
        taker.check(f"account-{shown}")


def test_accounts_of_others(alone: tuple[CallTaker, str]) -> None:
    taker, _ = alone
    page = taker.page
    page.goto(f"{taker.address}/staff")
    page.locator("#new-name").fill(f"new-{time.time_ns()}")
    page.keyboard.press("Enter")
    expect(page.locator(".notice .code")).to_be_visible()
    taker.check("staff-password")
    page.locator("#new-name").fill("not a name")
    page.keyboard.press("Enter")
    expect(page.locator("main .problem")).to_be_visible()
    taker.check("staff-wrong")


def test_the_desk_with_everything_on_it(alone: tuple[CallTaker, str], language: str) -> None:
    taker, _ = alone
    page = taker.page
    taker.begin(language).say(TOLD[language])
    back = book(taker)
    taker.check("ended-call-back")
    page.set_viewport_size(ZOOMED)
    fits(taker).check("ended-zoomed").page.set_viewport_size({"width": 1366, "height": 768})
    taker.begin(language).say(TOLD[language])
    urgent = taker.call
    taker.finish("U1", reason="urgent", note="Hearing tomorrow").ended()
    taker.begin(language)
    broken_off = taker.call
    page.goto(f"{taker.address}/desk")
    for call in (back, urgent, broken_off):
        expect(page.locator("main")).to_contain_text(call)
    taker.check("desk-full")
    page.set_viewport_size(ZOOMED)
    fits(taker).check("desk-zoomed")
    page.set_viewport_size({"width": 1366, "height": 768})
    row = page.locator("section[aria-labelledby=urgent-title] tr", has_text=urgent)
    row.get_by_role("button", name="Looked after without opening").press("Enter")
    expect(row).to_contain_text("Taken by kim-")
    taker.check("desk-urgent-taken")


def test_questions_out_of_order_and_answers_corrected(taker: CallTaker) -> None:
    page = taker.page
    taker.begin("zh-Hans").say(TOLD["zh-Hans"])
    page.get_by_role("button", name="Ask now: Full name").press("Enter")
    page.wait_for_selector("#script[data-asking=full_name]")
    taker.settle().check("jump")
    page.get_by_role("button", name="Edit: Receipt number(s)").press("Enter")
    page.wait_for_selector("#script[data-asking=receipt_numbers]")
    taker.settle().check("edit")
    page.keyboard.press("Alt+t")
    page.keyboard.insert_text("lin 2190-01")
    expect(page.locator("#live")).to_contain_text("LIN 219 001")
    taker.check("live-receipt")


def test_what_a_caller_does_not_know(taker: CallTaker) -> None:
    taker.begin("zh-Hant").say(OPENINGS["submitted"]["zh-Hant"]).go_on("zh-Hant", until="full_name")
    taker.press("Alt+0").check("unknown").press("Alt+0").check("unknown-passed-over")


def test_the_transcript_as_a_page(taker: CallTaker) -> None:
    taker.begin("zh-Hant").say(TOLD["zh-Hant"])
    taker.page.goto(f"{taker.page.url}/transcript")
    expect(taker.page.locator("li.guide").first).to_be_visible()
    taker.check("transcript-page")


def test_the_guide_is_away(taker: CallTaker) -> None:
    page = taker.page
    taker.begin("en")
    away = "The guide does not answer at the moment."
    page.route("**/turn", lambda route: route.fulfill(status=503, headers={"Retry-After": "1"}, body=away))
    page.keyboard.press("Alt+t")
    page.keyboard.insert_text("my card is wrong")
    page.keyboard.press("Enter")
    expect(page.locator("#problem")).to_contain_text("does not answer")
    page.wait_for_selector("#call:not([aria-busy])")
    expect(page.locator("#text")).to_have_value("my card is wrong")
    taker.check("guide-away")


def test_the_end_at_200_percent(taker: CallTaker, base: str) -> None:
    page = taker.page
    taker.begin("zh-Hant").say(OPENINGS["submitted"]["zh-Hant"]).go_on("zh-Hant")
    page.set_viewport_size(ZOOMED)
    page.keyboard.press("Alt+e")
    expect(page.locator("#disposition")).to_be_focused()
    fits(taker).check("finish-zoomed")
    taker.finish("")
    expect(page.locator("#problem")).to_contain_text("read out twice")
    fits(taker).check("finish-refused-zoomed")
    taker.begin("en").say(TOLD["en"])
    Chat(base, "en").open(resume_code=code_of(taker))
    page.reload()
    expect(page.locator("main h1")).to_contain_text("not open here")
    fits(taker).check("gone-zoomed")


def test_signed_on(open_page: Callable[[], Page], tmp_path_factory: pytest.TempPathFactory) -> None:
    provider = Provider()
    provider.who = {"sub": "states", "preferred_username": "vera", "groups": ["desk"]}
    more = {
        "CONSOLE_OIDC_ISSUER": provider.issuer,
        "CONSOLE_OIDC_CLIENT_ID": CLIENT,
        "CONSOLE_OIDC_CLIENT_SECRET": CLIENT_SECRET,
        "CONSOLE_OIDC_ROLES": "desk=call_taker",
    }
    try:
        with run_console(tmp_path_factory.mktemp("signed-on"), **more) as own:
            taker = CallTaker(open_page(), own.url)
            taker.page.goto(own.url)
            taker.check("sign-in-organization")
            # The page leads on at once; here it does not get far.
            taker.page.route(f"{own.url}/", lambda route: route.fulfill(status=204))
            taker.page.get_by_role("link", name="Sign in with your organization").press("Enter")
            expect(taker.page.locator("main h1")).to_have_text("You are signed on.")
            taker.check("signed-on")
    finally:
        provider.stop()
