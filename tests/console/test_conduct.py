"""What a call-taker can do in a call, and how it behaves: keys, helpers, answers, codes, the end."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from urllib.parse import parse_qsl

import httpx
import pytest
from playwright.sync_api import Route, expect

from tests.console.driver import CallTaker
from tests.conversations.client import Chat
from tests.conversations.people import ANSWERS
from tests.conversations.running import Running
from tests.conversations.test_all_languages_at_once import catalogue
from tests.conversations.test_outcomes import OPENINGS

TOLD = {
    "en": "USCIS misspelled my name on the card of my I-485, receipt IOE0912345678. I called them in September 2026.",
    "zh-Hans": "我的I-485卡上名字被移民局印错了，收据号IOE0912345678，2026年9月打过电话。",
    "zh-Hant": "我的I-485卡上名字被移民局印錯了，收據號IOE0912345678，2026年9月打過電話。",
}


def test_words_are_those_of_the_page(taker: CallTaker, base: str, language: str) -> None:
    page, english = Chat(base, language).open(), Chat(base, "en").open()
    taker.begin(language)
    sayings = [OPENINGS["submitted"][language], ANSWERS[language]["form_type"], "IOE0912345678"]
    for said in ["", *sayings]:
        if said:
            page.say(said)
            taker.say(said)
        assert taker.script() == [reply["text"] for reply in page.replies]
        titles = taker.page.locator("button[name=pick] > span:nth-of-type(2)").all_text_contents()
        assert titles == [button["title"] for reply in page.replies for button in reply.get("buttons", ())]
    if language != "en":
        english.say(OPENINGS["submitted"]["en"])
        taker.begin(language).say(OPENINGS["submitted"][language])
        assert taker.english()[-1] == english.replies[-1]["text"]


def test_digits_choose_only_where_they_should(taker: CallTaker) -> None:
    taker.begin("en").say(OPENINGS["submitted"]["en"])
    asking, page = taker.asking, taker.page
    assert asking == "form_type"
    page.locator("#text").focus()
    page.keyboard.press("1")
    expect(page.locator("#text")).to_have_value("1")
    page.locator("#needed-title").focus()
    page.keyboard.press("1")
    page.locator("#disposition").focus()
    page.keyboard.press("1")
    page.wait_for_timeout(300)
    assert taker.asking == asking
    page.keyboard.press("Alt+a")
    expect(page.locator("#script")).to_be_focused()
    taker.press("1")
    assert taker.asking != asking
    assert "I-485" in page.locator("table.collected").inner_text()


def test_what_is_volunteered_is_not_asked_again(taker: CallTaker, language: str) -> None:
    taker.begin(language).say(TOLD[language])
    assert taker.how("Form") == "volunteered"
    assert taker.how("Receipt number(s)") == "volunteered"
    expect(taker.page.locator(".number").first).to_contain_text("IOE 091 234 5678")
    assert "India Oscar Echo" in taker.page.locator(".spelled").first.inner_text()
    asked = []
    while taker.asking not in (None, "review") and len(asked) < 12:
        asked.append(taker.asking)
        taker.say(ANSWERS[language][str(taker.asking)])
    assert not {"form_type", "receipt_numbers"} & set(asked)
    assert "IOE0912345678" in taker.page.locator("#summary-title ~ .fact").first.inner_text()


def posted(taker: CallTaker, keys: str, path: str = "/turn") -> dict[str, str]:
    """What a key sends."""
    with taker.page.expect_request(lambda request: request.method == "POST" and path in request.url) as sent:
        taker.press(keys, path)
    return dict(parse_qsl(sent.value.post_data or "", keep_blank_values=True))


@pytest.mark.parametrize(
    ("keys", "do", "key"),
    [
        ("Alt+w", "why", "utter_why_form_type"),
        ("Alt+r", "simpler", "utter_retry_form_type"),
        ("Alt+0", "unknown", None),
        ("0", "unknown", None),
        ("Alt+b", "back", None),
    ],
)
def test_helpers_by_key(taker: CallTaker, keys: str, do: str, key: str | None) -> None:
    taker.begin("zh-Hans").say(OPENINGS["submitted"]["zh-Hans"])
    before, asking = taker.script(), taker.asking
    assert posted(taker, keys)["do"] == do
    assert taker.script() != before
    assert (taker.asking == asking) == (do != "back")
    if key is not None:
        assert any(catalogue()[key]["en"].fullmatch(text) for text in taker.english()), taker.english()
    assert len(taker.english()) == len(taker.script())
    assert taker.outcome is None
    expect(taker.page.locator("#script")).to_be_focused()
    assert taker.english()[-1] in (taker.page.locator("#news").text_content() or "")


@pytest.mark.parametrize("keys", ["Alt+g", "Alt+b"])
def test_back_from_a_question_out_of_order(taker: CallTaker, keys: str) -> None:
    taker.begin("en").say(TOLD["en"])
    asking = taker.asking
    taker.page.get_by_role("button", name="Ask now: Full name").press("Enter")
    taker.page.wait_for_selector("#script[data-asking=full_name]")
    taker.settle()
    assert posted(taker, keys)["do"] == {"Alt+g": "next", "Alt+b": "back"}[keys]
    if keys == "Alt+g":
        assert taker.asking == asking


@pytest.mark.parametrize(
    ("keys", "path"), [("Alt+l", "/turn"), ("Alt+p", "/pinyin"), ("Alt+c", "/code"), ("Alt+n", "/read")]
)
def test_keys_that_send_something_else(taker: CallTaker, keys: str, path: str) -> None:
    taker.begin("zh-Hans").say(OPENINGS["submitted"]["zh-Hans"])
    if keys == "Alt+n":
        taker.go_on("zh-Hans")
    assert posted(taker, keys, path).get("do") == ("language:zh-Hant" if keys == "Alt+l" else None)
    shown = {
        "Alt+l": "#language option[value='language:zh-Hant']:checked",
        "Alt+p": "[data-shortcut=pinyin][aria-pressed=true]",
        "Alt+c": "#code-title:focus ~ .code",
        "Alt+n": "#tracking-title:focus ~ form button:has-text('done 1 of 2')",
    }
    # A choice of a list is no part that is seen.
    expect(taker.page.locator(shown[keys])).to_have_count(1)
    if keys == "Alt+p":
        taker.press(keys, path)


@pytest.mark.parametrize(
    ("keys", "focused"),
    [
        ("Alt+s", "#summary-title"),
        ("Alt+j", "#needed-title"),
        ("Alt+a", "#script"),
        ("Alt+t", "#text"),
        ("Alt+e", "#disposition"),
    ],
)
def test_keys_that_lead_somewhere(taker: CallTaker, keys: str, focused: str) -> None:
    taker.begin("en").say(TOLD["en"])
    # From the field for typing and from the script alike.
    for start in ("#text", "#script"):
        taker.page.locator(start).focus()
        taker.page.keyboard.press(keys)
        expect(taker.page.locator(focused)).to_be_focused()
    expect(taker.page.locator("#text")).to_have_value("")
    if keys == "Alt+e":
        expect(taker.page.locator("#disposition")).to_have_value(taker.proposed)


def test_find_by_key_leaves_the_call_open(taker: CallTaker) -> None:
    taker.begin("en")
    call = taker.call
    taker.page.keyboard.press("Alt+f")
    taker.page.wait_for_url("**/desk#find-title")
    expect(taker.page.get_by_role("link", name=call)).to_be_visible()


def test_who_does_not_know_is_asked_something_else(taker: CallTaker, language: str) -> None:
    page = taker.page
    taker.begin(language).say(OPENINGS["submitted"][language]).go_on(language, until="full_name")
    ask_name = page.get_by_role("button", name="Ask now: Full name")
    taker.press("Alt+0")
    assert taker.asking == "full_name"
    taker.press("Alt+0")
    assert taker.asking != "full_name"
    assert len(taker.script()) == len(taker.english() or taker.script())
    expect(ask_name).to_be_visible()
    asked: list[str] = []
    while taker.asking not in ("full_name", "review", None) and len(asked) < 12:
        asked.append(str(taker.asking))
        taker.say(ANSWERS[language][str(taker.asking)])
    # What is missing comes last, and nothing is sent without it.
    assert asked
    assert len(set(asked)) == len(asked)
    assert (taker.asking, taker.outcome) == ("full_name", None)
    taker.press("Alt+0")
    assert taker.asking == "full_name"
    expect(page.locator("#needed-title ~ form .chips")).to_contain_text("Full name")
    taker.go_on(language)
    assert taker.outcome == "submitted"


def test_a_question_that_is_asked_again_is_explained_again(taker: CallTaker) -> None:
    page = taker.page
    taker.begin("en").say(OPENINGS["submitted"]["en"]).go_on("en", until="full_name").press("Alt+0").press("Alt+0")
    page.get_by_role("button", name="Ask now: Full name").press("Enter")
    page.wait_for_selector("#script[data-asking=full_name]")
    taker.settle().press("Alt+0")
    assert taker.asking == "full_name"
    taker.press("Alt+0")
    assert taker.asking != "full_name"


def test_the_same_key_sent_twice_counts_once(taker: CallTaker) -> None:
    """A line that breaks after the guide has heard it."""
    taker.begin("en").say(OPENINGS["submitted"]["en"]).go_on("en", until="full_name")
    lost: list[str] = []

    def heard_but_lost(route: Route) -> None:
        if lost:
            route.continue_()
        else:
            lost.append(str(route.fetch().status))
            route.abort()

    taker.page.route("**/turn", heard_but_lost)
    taker.press("Alt+0")
    assert (lost, taker.asking) == (["200"], "full_name")
    lost.clear()
    taker.press("Alt+0")
    assert lost == ["200"]
    assert taker.asking != "full_name"
    shown = taker.script()
    taker.page.reload()
    assert taker.settle().script() == shown


def test_another_language_of_the_caller(taker: CallTaker) -> None:
    taker.begin("zh-Hans").say(OPENINGS["submitted"]["zh-Hans"])
    taker.press("Alt+l")
    expect(taker.page.locator("#language")).to_have_value("language:zh-Hant")
    assert taker.page.locator(".say").last.get_attribute("lang") == "zh-Hant"
    taker.press("Alt+l")
    assert taker.page.locator(".say").last.get_attribute("lang") == "en"
    assert taker.asking == "form_type"


def test_pronunciation_on_demand(taker: CallTaker) -> None:
    taker.begin("zh-Hant")
    assert taker.page.locator(".pinyin").count() == 0
    taker.press("Alt+p", "/pinyin").check("pinyin")
    assert "nín" in taker.page.locator(".pinyin").first.inner_text()
    assert taker.page.locator(".say").first.inner_text() == taker.script()[0]
    taker.press("Alt+p", "/pinyin")
    assert taker.page.locator(".pinyin").count() == 0


def test_an_open_question_out_of_order_and_an_answer_corrected(
    taker: CallTaker, sign_in: Callable[[str], CallTaker]
) -> None:
    taker.begin("en").say(TOLD["en"])
    taker.page.get_by_role("button", name="Ask now: Full name").press("Enter")
    taker.page.wait_for_selector("#script[data-asking=full_name]")
    taker.settle().say("Amara Okafor")
    assert taker.how("Full name") == "asked"
    taker.page.get_by_role("button", name="Edit: Receipt number(s)").press("Enter")
    taker.page.wait_for_selector("#script[data-asking=receipt_numbers]")
    taker.settle().say("LIN2190012345")
    assert taker.how("Receipt number(s)") == "corrected"
    lines = audit_of(sign_in("supervisor"), taker.call)
    assert ("edit", "receipt_numbers") in lines
    assert ("jump", "full_name") in lines


def audit_of(supervisor: CallTaker, call: str) -> set[tuple[str, str]]:
    """What the audit trail says about a call: actions and details."""
    supervisor.page.goto(f"{supervisor.address}/audit")
    rows = supervisor.page.locator("tbody tr").evaluate_all(
        "rows => rows.map(row => [...row.cells].map(cell => cell.textContent))"
    )
    return {(row[2], row[4]) for row in rows if row[3] in (call, "")}


def test_no_end_without_a_disposition_and_none_overridden_without_a_reason(
    taker: CallTaker, sign_in: Callable[[str], CallTaker]
) -> None:
    taker.begin("en").say(OPENINGS["legal_advice"]["en"]).say("no")
    assert taker.proposed == "R3"
    page, problem = taker.page, taker.page.locator("#problem")
    page.evaluate("document.querySelector('#disposition').removeAttribute('required')")
    page.locator("#finish-title").focus()
    with page.expect_response("**/finish"):
        page.keyboard.press("Control+Enter")
    expect(problem).to_contain_text("Choose how the call ends")
    taker.check("disposition-missing")
    taker.finish("U1")
    expect(problem).to_contain_text("R3 was proposed")
    taker.finish("U1", reason="other")
    expect(problem).to_contain_text("Write a note")
    taker.finish("U1", reason="urgent", interpreter="line", note="Hearing tomorrow").ended()
    assert "R3" in page.locator("main").inner_text()
    supervisor = sign_in("supervisor")
    assert ("override", "R3 U1 urgent") in audit_of(supervisor, taker.call)
    supervisor.page.goto(f"{supervisor.address}/team")
    row = supervisor.page.locator("tr", has_text=taker.call)
    expect(row).to_contain_text("R3 → U1: It is more urgent than the guide could know")
    expect(row).to_contain_text("Interpreter on the line")
    supervisor.page.goto(f"{supervisor.address}/desk")
    urgent = supervisor.page.locator("section[aria-labelledby=urgent-title] tr", has_text=taker.call)
    expect(urgent).to_contain_text("Hearing tomorrow")
    urgent.get_by_role("button", name="Looked after without opening").press("Enter")
    expect(urgent).to_contain_text("Taken by supervisor-")


def test_words_of_danger_propose_a_supervisor(taker: CallTaker) -> None:
    taker.begin("en").say("I want to kill myself, I can't wait any longer")
    assert taker.proposed == "U1"
    taker.check("danger")
    # They count for more than what comes of the interview.
    taker.begin("en").say(OPENINGS["wait_until"]["en"]).say("I want to kill myself, I can't wait any longer").go_on(
        "en"
    )
    assert (taker.outcome, taker.proposed) == ("wait_until", "U1")


def test_a_call_that_is_saved_needs_a_code(taker: CallTaker) -> None:
    taker.begin("zh-Hans").say(TOLD["zh-Hans"])
    assert taker.proposed == "S1"
    taker.finish("")
    expect(taker.page.locator("#problem")).to_contain_text("needs a code")
    taker.press("Alt+c", "/code").check("code")
    taker.finish("").ended()


def test_a_call_back_in_the_zone_of_the_caller(taker: CallTaker, sign_in: Callable[[str], CallTaker]) -> None:
    taker.begin("zh-Hans").say(TOLD["zh-Hans"])
    taker.finish("C1", reason="call_back_wanted", zone="Asia/Taipei")
    expect(taker.page.locator("#problem")).to_contain_text("Give the date")
    taker.finish("C1", when="010120200930AM")
    expect(taker.page.locator("#problem")).to_contain_text("in the future")
    later = taker.page.evaluate(
        "() => { const d = new Date(Date.now() + 3 * 86400000); const two = n => String(n).padStart(2, '0');"
        " return two(d.getMonth() + 1) + two(d.getDate()) + d.getFullYear() + '0930AM'; }"
    )
    taker.finish("C1", when=later).ended()
    expect(taker.page.locator("main")).to_contain_text("09:30 CST")
    call = taker.call
    worker = sign_in("case_worker")
    row = worker.page.locator("tr", has_text=call)
    expect(row).to_contain_text("09:30 CST")
    row.get_by_role("button", name="Call back now").press("Enter")
    worker.page.wait_for_url("**/calls/*")
    worker.settle()
    assert worker.how("Form") == "from record"
    assert worker.page.locator(".say").first.get_attribute("lang") == "zh-Hans"


def test_a_call_that_broke_off_is_gone_on_with(taker: CallTaker) -> None:
    taker.begin("zh-Hans").say(TOLD["zh-Hans"])
    asking, call = taker.asking, taker.call
    taker.page.locator("#note").focus()
    taker.page.keyboard.insert_text("left a note")
    with taker.page.expect_response("**/note"):
        taker.page.keyboard.press("Tab")
    taker.page.keyboard.press("Alt+f")
    taker.page.wait_for_url("**/desk*")
    taker.page.get_by_role("link", name=call).press("Enter")
    taker.page.wait_for_url(f"**/calls/{call}")
    taker.settle()
    assert taker.asking == asking
    expect(taker.page.locator("#note")).to_have_value("left a note")


def test_everything_is_erased_when_the_caller_wants_that(taker: CallTaker) -> None:
    taker.begin("en").say(TOLD["en"]).press("Alt+c", "/code")
    code = taker.page.locator("#code-title ~ .code").inner_text()
    taker.finish("D1", reason="caller_decided", erase="yes").ended()
    taker.page.goto(f"{taker.address}/desk")
    find(taker, code=code)
    expect(taker.page.locator("main")).to_contain_text("Nothing was found")


def find(taker: CallTaker, code: str = "", receipt: str = "", birth: str = "", tracking: str = "") -> None:
    """Look a case up, by keyboard."""
    keys = taker.page.keyboard
    taker.page.locator("#find-code").focus()
    for text in (code, tracking, receipt, birth):
        keys.insert_text(text)
        keys.press("Tab")
    with taker.page.expect_response("**/find"):
        keys.press("Enter")
    taker.page.wait_for_selector("#found-title, main > .problem")


def test_a_wide_text_and_a_narrow_page(taker: CallTaker) -> None:
    page = taker.page
    # 200 % of 1366 × 768.
    page.set_viewport_size({"width": 683, "height": 384})
    taker.begin("zh-Hant").say(TOLD["zh-Hant"]).check("zoomed")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.set_viewport_size({"width": 320, "height": 640})
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_question_and_its_answers_fit_on_the_screen(taker: CallTaker) -> None:
    taker.begin("zh-Hans").say(TOLD["zh-Hans"])
    for part in ("#script", "#text", "#needed-title", "#collected-title"):
        box = taker.page.locator(part).bounding_box()
        assert box is not None
        assert box["x"] + box["width"] <= 1366
        assert box["y"] < 768, part


def test_a_list_of_the_keys(taker: CallTaker) -> None:
    taker.begin("en")
    taker.page.keyboard.press("?")
    expect(taker.page.locator("#keys")).to_be_visible()
    taker.check("keys").page.keyboard.press("Escape")
    expect(taker.page.locator("#keys")).to_be_hidden()


def test_the_transcript_has_both_languages(taker: CallTaker) -> None:
    taker.begin("zh-Hans").say(TOLD["zh-Hans"])
    taker.page.locator("details[data-transcript] summary").press("Enter")
    lines = taker.page.locator("details[data-transcript] li.guide")
    expect(lines.first).to_be_visible()
    assert lines.last.locator("p").count() == 2
    taker.check("transcript")


def test_a_receipt_number_is_checked_while_it_is_typed(taker: CallTaker) -> None:
    taker.begin("en").say(OPENINGS["submitted"]["en"]).go_on("en", until="receipt_numbers")
    taker.page.keyboard.press("Alt+t")
    taker.page.keyboard.insert_text("ioe 0912-34")
    expect(taker.page.locator("#live")).to_have_text("IOE 091 234 – 3 of 3 letters, 6 of 10 digits")
    taker.page.keyboard.insert_text("5-678")
    expect(taker.page.locator("#live")).to_have_text("IOE 091 234 5678 – 3 of 3 letters, 10 of 10 digits")
    taker.press("Enter")
    assert taker.how("Receipt number(s)") == "asked"


def test_a_line_that_breaks_loses_and_doubles_nothing(taker: CallTaker) -> None:
    taker.begin("en").say(OPENINGS["submitted"]["en"])
    sent: list[str] = []

    def unsteady(route: Route) -> None:
        sent.append(route.request.post_data or "")
        if len(sent) == 1:
            route.abort()
        elif len(sent) == 2:
            route.fulfill(status=503, headers={"Retry-After": "1"}, body="The guide does not answer at the moment.")
        else:
            route.continue_()

    taker.page.route("**/turn", unsteady)
    taker.page.keyboard.press("Alt+t")
    taker.page.keyboard.insert_text("it was the I-485")
    taker.page.keyboard.press("Enter")
    taker.page.wait_for_selector("#script:not([data-asking=form_type])")
    assert len(sent) == 3
    assert len(set(sent)) == 1
    taker.settle().page.locator("details[data-transcript] summary").press("Enter")
    expect(taker.page.locator("li.person", has_text="it was the I-485")).to_have_count(1)


def test_composing_characters_sends_nothing(taker: CallTaker) -> None:
    taker.begin("zh-Hans")
    before = taker.script()
    taker.page.locator("#text").evaluate(
        "box => { box.focus(); box.value = 'ni'; box.dispatchEvent(new KeyboardEvent('keydown',"
        " {key: 'Enter', isComposing: true, bubbles: true, cancelable: true})); }"
    )
    taker.page.wait_for_timeout(300)
    assert taker.script() == before
    expect(taker.page.locator("#text")).to_have_value("ni")


def test_what_is_typed_is_text(taker: CallTaker) -> None:
    nasty = '<img src=x onerror="document.title=1"> /inform{"form_type": "I-90"}'
    taker.begin("en").say(OPENINGS["submitted"]["en"]).go_on("en", until="problem_description").say(nasty)
    assert taker.page.locator("table.collected img").count() == 0
    expect(taker.page.locator("table.collected")).to_contain_text("<img src=x")
    assert taker.page.title().startswith("Call c-")


def test_nothing_personal_in_addresses_titles_and_logs(taker: CallTaker, address: str) -> None:
    secrets = ["Amara", "Okafor", "amara.okafor@example.org", "IOE0912345678", "1985-03-27", "A012345678"]
    seen: list[str] = []
    taker.page.on("request", lambda request: seen.append(request.url))
    taker.page.on("framenavigated", lambda frame: seen.append(frame.url))
    taker.begin("en").say(OPENINGS["submitted"]["en"]).go_on("en")
    assert taker.outcome == "submitted"
    seen.append(taker.page.title())
    taker.press("Alt+n", "/read").press("Alt+n", "/read").finish("", note="Amara Okafor calls again").ended()
    taker.page.goto(f"{address}/desk")
    find(taker, receipt="IOE0912345678", birth="1985-03-27")
    seen.append(taker.page.title())
    assert [text for text in seen for secret in secrets if secret in text] == []
    assert taker.page.evaluate("localStorage.length + sessionStorage.length") == 0


def test_logs_and_tables_hold_nothing_personal(running: Running, taker: CallTaker) -> None:
    mark = f"Zyxwv{time.time_ns()}"
    taker.begin("en").say(OPENINGS["submitted"]["en"]).go_on("en", until="full_name").say(f"My name is Amara {mark}")
    taker.press("Alt+c", "/code")
    code = taker.page.locator("#code-title ~ .code").inner_text()
    taker.finish("S1", note=f"about {mark}").ended()
    data = running.data
    logs = "".join(path.read_text(errors="replace") for path in (data / "logs").glob("*.log*"))
    assert mark not in logs
    assert code not in logs
    with sqlite3.connect(f"file:{data / 'gateway.db'}?mode=ro", uri=True) as database:
        tables = ("console_calls", "console_audit", "console_sessions", "console_staff")
        rows = "".join(repr(row) for table in tables for row in database.execute(f"SELECT * FROM {table}"))
    assert mark not in rows
    assert code not in rows


def test_another_call_taker_does_not_see_the_call(taker: CallTaker, sign_in: Callable[[str], CallTaker]) -> None:
    taker.begin("en")
    other = sign_in("case_worker")
    assert other.page.goto(taker.page.url).status == 404  # type: ignore[union-attr]
    assert httpx.get(taker.page.url, follow_redirects=False, trust_env=False).status_code == 303
