"""What comes after a call: a supervisor, a call-back, an end that nobody chose, the case found again."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing

import httpx
import pytest
from playwright.sync_api import Locator, Page, expect

from console.calls import Calls
from console.database import Database
from console.dispositions import Dispositions
from console.settings import CONTENT, Settings, load_limits
from tests.console.conftest import Account, make_account
from tests.console.driver import CallTaker
from tests.console.test_conduct import TOLD, audit_of, find
from tests.console.test_handover import open_found
from tests.console.test_whole_calls import IN_TWO_DAYS
from tests.conversations.client import Chat
from tests.conversations.running import Running
from tests.conversations.test_outcomes import OPENINGS

DANGER = "I want to kill myself, I can't wait any longer"


def row_of(taker: CallTaker, call: str, list_id: str) -> Locator:
    """A call in a list of the desk."""
    taker.page.goto(f"{taker.address}/desk")
    return taker.page.locator(f"section[aria-labelledby={list_id}] tr", has_text=call)


def open_row(taker: CallTaker, row: Locator, button: str) -> CallTaker:
    """Open the case of a row, by keyboard."""
    row.get_by_role("button", name=button).press("Enter")
    taker.page.wait_for_url("**/calls/*")
    return taker.settle()


def book(taker: CallTaker) -> str:
    """End a call with a call-back; returns its id."""
    call = taker.call
    when = taker.page.evaluate(IN_TWO_DAYS)
    taker.finish("C1", reason="call_back_wanted", zone="Asia/Taipei", when=when).ended()
    return call


def code_of(taker: CallTaker) -> str:
    """A code for the caller."""
    taker.press("Alt+c", "/code")
    return taker.page.locator("#code-title ~ .code").inner_text()


# ---- urgent calls


def test_a_supervisor_goes_on_with_an_urgent_call_at_the_same_question(
    taker: CallTaker, language: str, sign_in: Callable[[str], CallTaker]
) -> None:
    taker.begin(language).say(TOLD[language])
    call, asking = taker.call, taker.asking
    taker.finish("U1", reason="urgent", note="Hearing tomorrow").ended()
    supervisor = sign_in("supervisor")
    row = row_of(supervisor, call, "urgent-title")
    expect(row).to_contain_text("Hearing tomorrow")
    open_row(supervisor, row, "I look after it, open the case")
    assert supervisor.asking == asking
    assert supervisor.page.locator(".say").last.get_attribute("lang") == language
    assert supervisor.how("Form") == "from record"
    supervisor.finish("U1", reason="told_by_supervisor").ended()
    worker = sign_in("case_worker")
    expect(row_of(worker, call, "urgent-title")).to_contain_text("Taken by supervisor-")
    assert {("look_up_reference", ""), ("urgent_seen", "open")} <= audit_of(supervisor, call)


def test_a_call_with_words_of_danger_is_urgent_however_it_ends(
    taker: CallTaker, sign_in: Callable[[str], CallTaker]
) -> None:
    taker.begin("en").say(OPENINGS["submitted"]["en"]).say(DANGER)
    call, asking = taker.call, taker.asking
    supervisor = sign_in("supervisor")
    expect(row_of(supervisor, call, "urgent-title")).to_contain_text("going on")
    taker.finish("D1", reason="line_dropped").ended()
    row = row_of(supervisor, call, "urgent-title")
    expect(row).to_contain_text("D1 (words of danger)")
    assert open_row(supervisor, row, "I look after it, open the case").asking == asking
    supervisor.finish("U1", reason="urgent").ended()


def test_only_urgent_calls_are_opened_as_such(
    taker: CallTaker, sign_in: Callable[[str], CallTaker], accounts: dict[str, Account]
) -> None:
    taker.begin("en").say(TOLD["en"])
    call = book(taker)
    supervisor = sign_in("supervisor")
    csrf = supervisor.page.goto(f"{taker.address}/desk") and supervisor.page.locator("body").get_attribute("data-csrf")
    cookies = {cookie["name"]: cookie["value"] for cookie in supervisor.page.context.cookies()}
    answer = httpx.post(f"{taker.address}/urgent/{call}", data={"csrf": csrf}, cookies=cookies, trust_env=False)
    assert answer.status_code == 404


# ---- call-backs


@pytest.mark.parametrize("first", ["caller", "staff"])
def test_a_call_back_and_the_code_of_the_caller_do_not_touch_each_other(
    taker: CallTaker, base: str, sign_in: Callable[[str], CallTaker], first: str
) -> None:
    taker.begin("zh-Hans").say(TOLD["zh-Hans"])
    asking, code = taker.asking, code_of(taker)
    call = book(taker)
    worker = sign_in("case_worker")

    def call_back() -> None:
        open_row(worker, row_of(worker, call, "backs-title"), "Call back now")
        assert worker.asking == asking
        assert worker.how("Form") == "from record"

    def go_on_at_home() -> None:
        assert Chat(base, "zh-Hans").open(resume_code=code).asking == asking

    for step in (go_on_at_home, call_back) if first == "caller" else (call_back, go_on_at_home):
        step()
    expect(row_of(worker, call, "backs-title")).to_have_count(0)
    assert {("look_up_reference", ""), ("call_back_opened", "open")} <= audit_of(sign_in("supervisor"), call)


def test_a_call_back_to_a_case_that_was_opened_elsewhere_during_the_call(taker: CallTaker, base: str) -> None:
    taker.begin("en").say(TOLD["en"])
    home = Chat(base, "en").open(resume_code=code_of(taker))
    taker.page.reload()
    expect(taker.page.locator("main h1")).to_contain_text("not open here")
    call = book(taker)
    open_row(taker, row_of(taker, call, "backs-title"), "Call back now")
    assert taker.asking == home.asking


def test_a_call_back_to_a_case_that_is_erased(taker: CallTaker, base: str, sign_in: Callable[[str], CallTaker]) -> None:
    taker.begin("en").say(TOLD["en"])
    code = code_of(taker)
    call = book(taker)
    home = Chat(base, "en").open(resume_code=code)
    home.request("DELETE", "/chat/session", expect=204)
    row_of(taker, call, "backs-title").get_by_role("button", name="Call back now").press("Enter")
    expect(taker.page.locator("main .problem")).to_contain_text("can't be opened")
    lines = {action for action, _ in audit_of(sign_in("supervisor"), call)}
    assert "look_up_reference" in lines
    # Still at the desk, so that the call-taker decides.
    row_of(taker, call, "backs-title").get_by_role("button", name="Done without opening").press("Enter")
    expect(row_of(taker, call, "backs-title")).to_have_count(0)


def test_a_call_back_tells_where_the_case_was_begun(
    taker: CallTaker, base: str, sign_in: Callable[[str], CallTaker]
) -> None:
    code = Chat(base, "en").open().say(TOLD["en"]).request("POST", "/chat/save", expect=201)["resume_code"]
    find(taker, code=code)
    open_found(taker)
    call = book(taker)
    open_row(taker, row_of(taker, call, "backs-title"), "Call back now")
    supervisor = sign_in("supervisor")
    supervisor.page.goto(f"{taker.address}/team")
    for each in (call, taker.call):
        expect(supervisor.page.locator("tr", has_text=each).locator("td").nth(4)).to_have_text("page")
    taker.finish("D1", reason="line_dropped").ended()


# ---- calls without an end


@pytest.fixture
def database(running: Running, settings: dict[str, str]) -> Iterator[Database]:
    """The tables of the running console."""
    made = Database(settings.get("GUIDE_DATABASE_URL") or f"sqlite:///{running.data / 'gateway.db'}")
    yield made
    made.close()


def test_a_call_without_an_end_stays_at_the_desk_until_it_ends_by_itself(
    taker: CallTaker, running: Running, database: Database, sign_in: Callable[[str], CallTaker]
) -> None:
    taker.begin("en").say(TOLD["en"])
    call = taker.call
    taker.begin("zh-Hant")
    other = taker.call
    own = sign_in("call_taker")
    own.page.goto(f"{taker.address}/desk")
    for each in (call, other):
        expect(own.page.get_by_role("link", name=each)).to_be_visible()
    with closing(sqlite3.connect(running.data / "gateway.db")) as tables, tables:
        # Two days ago.
        tables.execute("UPDATE console_calls SET active_at = active_at - 172800000 WHERE id = ?", (call,))
    own.page.reload()
    expect(own.page.get_by_role("link", name=call)).to_be_visible()
    calls = Calls(Settings(GUIDE_DATA=running.data, GUIDE_CONSOLE_SECRET="x" * 16).vault())
    ends = Dispositions(CONTENT / "dispositions.yml")
    database.do(lambda connection: calls.tidy(connection, load_limits(), ends))
    own.page.reload()
    expect(own.page.get_by_role("link", name=call)).to_have_count(0)
    expect(own.page.get_by_role("link", name=other)).to_be_visible()
    supervisor = sign_in("supervisor")
    assert ("dropped", "S1 D1") in audit_of(supervisor, call)
    supervisor.page.goto(f"{taker.address}/team")
    expect(supervisor.page.locator("tr", has_text=call)).to_contain_text("S1 → D1: The line dropped before the end")


def test_signing_out_ends_no_call(open_page: Callable[[], Page], address: str, settings: dict[str, str]) -> None:
    account = make_account(settings, f"lea-{time.time_ns()}", "call_taker")
    taker = CallTaker(open_page(), address).sign_in(account.name, account.password)
    taker.begin("en").say(TOLD["en"])
    call, asking = taker.call, taker.asking
    taker.page.get_by_role("button", name="Sign out").press("Enter")
    taker.page.wait_for_url("**/sign-in")
    taker.sign_in(account.name, account.password)
    taker.page.get_by_role("link", name=call).press("Enter")
    taker.page.wait_for_url(f"**/calls/{call}")
    assert taker.settle().asking == asking


# ---- finding


def test_found_by_tracking_number_with_the_end_of_the_last_call(taker: CallTaker) -> None:
    number, birth = "LIN2190077001", "1985-03-27"
    taker.begin("en").say(OPENINGS["submitted"]["en"]).go_on("en", receipt_numbers=number)
    assert taker.outcome == "submitted"
    tracking = taker.page.locator("#tracking-title ~ .number").inner_text().replace(" ", "")
    taker.press("Alt+n", "/read").press("Alt+n", "/read").finish("").ended()
    for proof in ({"receipt": number}, {"birth": birth}):
        taker.page.goto(f"{taker.address}/desk")
        find(taker, tracking=tracking.lower(), **proof)
        row = taker.page.locator("section[aria-labelledby=found-title] tbody tr")
        expect(row).to_have_count(1)
        expect(row).to_contain_text("sent to the office")
        expect(row).to_contain_text("H1 Handed over to the office")
        assert number not in row.inner_text()
    for wrong in ({"receipt": "LIN2190077002"}, {"birth": "1985-03-28"}):
        taker.page.goto(f"{taker.address}/desk")
        find(taker, tracking=tracking, **wrong)
        expect(taker.page.locator("main")).to_contain_text("Nothing was found")
    taker.page.goto(f"{taker.address}/desk")
    find(taker, tracking=tracking)
    expect(taker.page.locator("main > .problem")).to_contain_text("two of these")


def test_nothing_of_a_reference_is_readable_in_the_tables(taker: CallTaker, running: Running) -> None:
    taker.begin("en").say(TOLD["en"])
    call = book(taker)
    with closing(sqlite3.connect(f"file:{running.data / 'gateway.db'}?mode=ro", uri=True)) as tables:
        ((sealed,),) = tables.execute("SELECT sealed FROM console_calls WHERE id = ?", (call,))
    vault = Settings(GUIDE_DATA=running.data, GUIDE_CONSOLE_SECRET="x" * 16).vault()
    kept = json.loads(vault.open(sealed, f"console_calls.sealed:{call}"))
    assert kept["session"] == ""
    assert len(kept["reference"]) > 50
    assert kept["reference"].encode() not in sealed
