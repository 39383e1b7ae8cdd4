"""People stay in control: review and change, back, save and resume, papers, erase, leave quickly, more time."""

from __future__ import annotations

import base64
import re
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Locator, Route, expect

from tests.conversations.test_outcomes import OPENINGS
from tests.page.test_reach import VISIBLE_FOCUS
from tests.page.visitor import PARTS, Visitor, visitor

CODE = re.compile(r"\b\w{4}-\w{4}-\w{4}-\w{4}\b")
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAoAAAAKCAIAAAACUFjqAAAAEklEQVR4nGP4z8CAB+GTG8HSALfKY52fTcuYAAAAAElFTkSuQmCC"
)
FULL_NAME = {"en": "Maya Green", "zh-Hans": "赵小红", "zh-Hant": "林小紅"}


def _begin(person: Visitor) -> Visitor:
    return person.say(OPENINGS["submitted"][person.language])


def _reviewed(person: Visitor) -> dict[str, str]:
    pairs = person.page.locator("#review dl > div").all()
    return {pair.locator("dt").inner_text(): pair.locator("dd > span").inner_text() for pair in pairs}


def _described(person: Visitor) -> str:
    """What a screen reader tells of the element that has the focus."""
    session = person.context.new_cdp_session(person.page)
    session.send("Accessibility.enable")
    object_id = session.send("Runtime.evaluate", {"expression": "document.activeElement"})["result"]["objectId"]
    nodes = session.send("Accessibility.getPartialAXTree", {"objectId": object_id, "fetchRelatives": False})["nodes"]
    return str(nodes[0]["description"]["value"])


def test_every_answer_is_in_the_review_and_can_be_changed(person: Visitor) -> None:
    person.be_at("review")
    answers = person.state()["answers"]
    expect(person.page.locator("#review")).to_have_attribute("open", "")
    shown = _reviewed(person)
    assert len(shown) == len(set(answers) - {"language", "phone_e164", "signed_at", "receipt_numbers_reason"})
    for slot in ("full_name", "email", "problem_description", "mailing_address", "signature_name"):
        assert answers[slot] in shown.values(), slot
    assert answers["receipt_numbers"][0] in shown.values()
    assert person.axe() == []
    person.shot("review")
    before = dict(answers)
    person.press('/change_answer{"answer_name": "full_name"}')
    assert person.state()["asking"] == "full_name"
    assert not person.page.locator("[aria-live]").locator("visible=true").count() > 1
    person.say(FULL_NAME[person.language])
    state = person.state()
    assert state["asking"] == "review", "nothing else is asked again"
    assert state["answers"]["full_name"] == FULL_NAME[person.language]
    assert FULL_NAME[person.language] in _reviewed(person).values()
    same = [slot for slot in before if slot not in ("full_name", "signed_at")]
    assert {slot: state["answers"].get(slot) for slot in same} == {slot: before[slot] for slot in same}


def test_the_review_is_there_all_the_time(person: Visitor) -> None:
    person.be_at("full_name")
    person.page.click("#review > summary")
    assert len(_reviewed(person)) >= 4
    person.say(FULL_NAME[person.language])
    expect(person.page.locator("#review")).to_have_attribute("open", "")
    assert FULL_NAME[person.language] in _reviewed(person).values()


def test_back_one_question(person: Visitor) -> None:
    person.be_at("date_of_birth").press("/go_back")
    assert person.state()["asking"] == "full_name"


def test_save_and_go_on_elsewhere(person: Visitor, browser: Browser) -> None:
    person.be_at("full_name")
    saved = person.history()["messages"]
    code = person.save()
    assert CODE.fullmatch(code)
    assert person.page.evaluate("document.activeElement.id") == "banner"
    assert code in _described(person), "read out with the focus"
    assert code not in person.page.inner_text("#live"), "and not a second time"
    assert person.axe() == []
    person.shot("saved")
    with visitor(browser, person.base, person.language) as elsewhere:
        elsewhere.open()
        elsewhere.give_code(code.lower().replace("-", " "))
        expect(elsewhere.page.locator("#messages > li")).not_to_have_count(1)
        assert elsewhere.state()["asking"] == "full_name"
        assert elsewhere.shown()[: len(saved)] == [one["text"] for one in saved]
        elsewhere.give_code(code)
        expect(elsewhere.page.locator("#banner")).to_be_visible()
        assert elsewhere.axe() == []
        elsewhere.shot("wrong-code")
        assert elsewhere.state()["asking"] == "full_name", "a used code changes nothing"
    with person.page.expect_response("**/chat/messages") as refused:
        person.page.fill("#answer", "hello?")
        person.page.press("#answer", "Enter")
    assert refused.value.status == 401, "the saved conversation goes on in one place"


def test_a_scanned_code_is_not_sent_by_itself(anyone: Visitor, browser: Browser) -> None:
    code = _begin(anyone).save()
    with visitor(browser, anyone.base, "en") as elsewhere:
        elsewhere.open(f"/chat/#code={code}")
        expect(elsewhere.page.locator("#code")).to_have_value(code)
        assert elsewhere.page.url == f"{anyone.base}/chat/", "the code does not stay in the address"
        assert len(elsewhere.shown()) == 1
        elsewhere.page.keyboard.type("1978")
        elsewhere.page.keyboard.press("Enter")
        expect(elsewhere.page.locator("#messages > li.person")).to_have_count(1)


COPIED = {"en": "Copied", "zh-Hans": "已复制", "zh-Hant": "已複製"}


def _copy(person: Visitor, button: Locator) -> Locator:
    """Press a button that copies; gives back the word that then stands beside it."""
    person.page.evaluate("document.getElementById('live').replaceChildren()")
    button.click()
    word = button.locator("xpath=following-sibling::b")
    expect(word).to_be_visible()
    assert person.page.locator(".copied").count() == 1
    assert word.get_attribute("aria-hidden") == "true", "the region that is read out tells it, once"
    assert person.page.locator("#live p").all_inner_texts() == [word.inner_text()]
    return word


def test_copying_is_told_at_the_button(person: Visitor) -> None:
    person.context.grant_permissions(["clipboard-read", "clipboard-write"])
    person.be_at("review").say({"en": "yes", "zh-Hans": "同意", "zh-Hant": "同意"}[person.language])
    number = person.state()["tracking_number"]
    assert number
    code = person.save()
    phone = person.page.inner_text("#help a")
    for text, place in ((phone, "#help"), (code, "#banner"), (number, "#more section")):
        button = person.page.locator(f"{place} [data-copy='{text}']")
        assert COPIED[person.language] in _copy(person, button).inner_text()
        assert person.page.evaluate("navigator.clipboard.readText()") == text
    assert person.axe() == []
    person.shot("copied")
    expect(person.page.locator(".copied")).to_have_count(0)


def test_what_cannot_be_copied_is_told_at_the_button(person: Visitor) -> None:
    person.page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(new Error('not allowed')); }")
    button = person.page.locator("#help button").first
    word = _copy(person, button).inner_text()
    assert COPIED[person.language] not in word
    assert {"en": "copy it yourself", "zh-Hans": "自己", "zh-Hant": "自己"}[person.language] in word
    person.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    person.settle()
    expect(button).to_be_focused()


def test_papers(person: Visitor, tmp_path: Path) -> None:
    person.be_at("documents")
    papers = person.page.locator("#papers")
    expect(papers).to_have_attribute("open", "")
    assert person.page.get_attribute("#camera", "capture") == "environment"
    person.page.select_option("#kind", "receipt_notice")
    person.page.set_input_files("#file", {"name": "notice.png", "mimeType": "image/png", "buffer": PNG})
    person.page.click("#upload button")
    expect(papers.locator("form[action='/chat/remove'] li")).to_have_count(1)
    assert "notice.png" in papers.inner_text()
    expect(person.page.locator("#live")).to_contain_text("notice.png")
    assert person.state()["answers"]["documents"] == ["receipt_notice"]
    assert person.axe() == []
    person.shot("papers")
    person.page.set_input_files("#file", {"name": "note.pdf", "mimeType": "application/pdf", "buffer": b"no pdf"})
    person.page.click("#upload button")
    expect(person.page.locator("#banner")).to_be_visible()
    assert person.axe() == []
    person.shot("paper-refused")
    papers.locator("form[action='/chat/remove'] button").click()
    expect(papers.locator("form[action='/chat/remove']")).to_have_count(0)
    person.settle()
    assert not person.state()["answers"].get("documents")


def test_papers_can_be_removed_by_keys(anyone: Visitor) -> None:
    anyone.say(OPENINGS["submitted"]["en"])
    anyone.page.click("#papers > summary")
    anyone.page.set_input_files("#file", {"name": "notice.png", "mimeType": "image/png", "buffer": PNG})
    anyone.page.focus("#upload button")
    anyone.page.keyboard.press("Enter")
    there = anyone.page.locator("#papers form[action='/chat/remove'] li")
    expect(there).to_have_count(1)
    anyone.page.focus("#papers > summary")
    for _ in range(5):
        anyone.page.keyboard.press("Tab")
        if anyone.page.evaluate("document.activeElement.name") == "document":
            break
    anyone.page.keyboard.press("Enter")
    expect(there).to_have_count(0)
    expect(anyone.page.locator("#banner")).to_be_focused()
    assert anyone.page.evaluate(VISIBLE_FOCUS) == []
    assert "removed" in _described(anyone)


def test_erase_asks_first(person: Visitor) -> None:
    _begin(person)
    token = person.token
    person.page.fill("#answer", "not sent yet")
    person.page.click("#erase > summary")
    person.shot("erase")
    expect(person.page.locator("#erase form p")).to_be_visible()
    assert httpx.get(f"{person.base}/chat/history", cookies={"guide_session": token}).status_code == 200
    person.page.click("#erase button")
    expect(person.page.locator("#banner form[action='/chat/begin']")).to_be_visible()
    person.settle()
    assert person.shown() == []
    assert person.token == ""
    assert person.stored() == {}
    assert httpx.get(f"{person.base}/chat/history", cookies={"guide_session": token}).status_code == 401
    assert person.axe() == []
    person.shot("erased")
    person.page.click("#banner button")
    expect(person.page.locator("#messages > li")).to_have_count(1)


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_leaving_quickly(browser: Browser, base: str, script: bool) -> None:
    """From the start page, over the skip link, and away: Back leads to nothing that was said."""
    outside: list[str] = []

    def neutral(route: Route) -> None:
        outside.append(route.request.url)
        route.fulfill(status=200, content_type="text/html", body="<title>Weather</title>")

    with visitor(browser, base, "en", java_script_enabled=script) as person:
        page = person.page
        person.context.route(re.compile(r"^https://"), neutral)
        page.goto(f"{base}/")
        page.click("main a.button")
        page.wait_for_selector("#messages > li")
        page.focus(".skip")
        page.keyboard.press("Enter")
        if script:
            assert page.evaluate("document.activeElement.id") == "answer"
            assert "#" not in page.url, "no entry of its own in the history"
        page.fill("#answer", OPENINGS["submitted"]["en"])
        page.click("#send")
        expect(page.locator("#messages > li.person")).to_have_count(1)
        if script:
            person.settle()
            page.fill("#answer", "nobody may see this")
            assert "nobody may see this" in person.stored()["draft"]
        token = person.token
        page.click("#exit")
        page.wait_for_url("https://**")
        assert page.title() == "Weather"
        assert outside
        assert person.token == ""
        for _ in range(40):
            status = httpx.get(f"{base}/chat/history", cookies={"guide_session": token}).status_code
            if status == 401:
                break
            page.wait_for_timeout(50)
        assert status == 401, "the session has ended"
        page.go_back()
        if script:
            assert page.url == f"{base}/", "the chat is not in the history any more"
        while page.url.startswith(base):
            assert OPENINGS["submitted"]["en"] not in page.content()
            if page.go_back() is None:
                break
        page.goto(f"{base}/chat/")
        page.wait_for_selector("#messages > li")
        assert page.input_value("#answer") == ""
        assert len(person.shown()) == 1, "nothing of it is left in this browser"
        if script:
            assert person.stored() == {}


def test_the_end_is_told_before_it_comes(person: Visitor) -> None:
    person.page.clock.install()
    person.page.reload()
    left = int(person.page.get_attribute("#top", "data-left") or 0)
    assert left > 3600
    person.page.clock.fast_forward((left - 121) * 1000)
    expect(person.page.locator("#ending")).to_be_hidden()
    person.page.clock.fast_forward(2000)
    expect(person.page.locator("#ending button")).to_be_visible()
    told = person.banner()
    assert told
    assert told in person.page.inner_text("#live")
    assert person.axe() == []
    person.shot("ending")
    old = person.token
    person.page.focus("#banner, #messages a, #exit")
    for _ in range(12):
        person.page.keyboard.press("Tab")
        if person.page.evaluate("document.activeElement.closest('#ending') !== null"):
            break
    person.page.keyboard.press("Enter")
    expect(person.page.locator("#ending")).to_be_hidden()
    person.settle()
    assert person.token != old
    assert person.banner() == ""
    person.say("hello")


def test_the_end(anyone: Visitor) -> None:
    anyone.page.clock.install()
    anyone.page.reload()
    anyone.page.clock.fast_forward("24:00:01")
    expect(anyone.page.locator("#banner")).to_contain_text("has closed")
    expect(anyone.page.locator("#ending")).to_be_hidden()


@pytest.mark.parametrize("how", ["link", "deep link", "lang"])
def test_language_in_the_middle(anyone: Visitor, how: str) -> None:
    _begin(anyone).say("It is the I-485.")
    before = anyone.state()
    if how == "link":
        anyone.after(lambda: anyone.page.click("nav a[hreflang='zh-Hant']"))
    else:
        name = "lang" if how == "lang" else "language"
        anyone.page.goto(f"{anyone.base}/chat/?{name}=zh-Hant")
    after = anyone.state()
    assert after["language"] == "zh-Hant"
    assert {**after["answers"], "language": ""} == {**before["answers"], "language": ""}
    assert after["asking"] == before["asking"]
    assert anyone.page.get_attribute("html", "lang") == "zh-Hant"
    assert anyone.page.get_attribute("nav a[aria-current]", "hreflang") == "zh-Hant"
    first = anyone.shown()[0]
    assert re.search("[\u4e00-\u9fff]", first), "what was said before is shown in the new script"
    assert OPENINGS["submitted"]["en"] in anyone.shown(), "what the person wrote stays as it is"
    lang = anyone.page.locator("#messages > li.person > p[dir]").first.get_attribute("lang")
    assert lang == "en"
    assert anyone.axe() == []


def test_a_chosen_file_is_not_lost(anyone: Visitor) -> None:
    """Picking a file hides the page for a moment; when it comes back it looks for news."""
    anyone.say(OPENINGS["submitted"]["en"])
    anyone.page.click("#papers > summary")
    anyone.page.select_option("#kind", "other_important")
    anyone.page.set_input_files("#file", {"name": "notice.png", "mimeType": "image/png", "buffer": PNG})
    with anyone.page.expect_response(PARTS):
        anyone.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    anyone.settle()
    assert anyone.page.evaluate("document.getElementById('file').files.length") == 1
    assert anyone.page.input_value("#kind") == "other_important"
    anyone.page.click("#upload button")
    expect(anyone.page.locator("#papers form[action='/chat/remove'] li")).to_have_count(1)


def test_focus_stays_where_it_was(anyone: Visitor) -> None:
    anyone.say(OPENINGS["submitted"]["en"])
    for selector in ("nav a[hreflang='zh-Hans']", "#review > summary", "#help a", "#code, #resume > summary"):
        anyone.page.locator(selector).first.focus()
        before = anyone.page.evaluate("document.activeElement.outerHTML")
        with anyone.page.expect_response(PARTS):
            anyone.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        anyone.settle()
        assert anyone.page.evaluate("document.activeElement.outerHTML") == before
