"""Without a script: saving, going on elsewhere, papers, erasing, and what is told when the session ends."""

from __future__ import annotations

from urllib.parse import urlsplit

import httpx
from playwright.sync_api import Browser, Page, expect

from tests.conversations.test_outcomes import OPENINGS
from tests.page.test_control import CODE, PNG
from tests.page.visitor import Visitor, visitor

PAPER = {"name": "notice.png", "mimeType": "image/png", "buffer": PNG}
NOT_OPEN = {"en": "no longer open", "zh-Hans": "已经关闭", "zh-Hant": "已經關閉"}


def _start(person: Visitor) -> Page:
    person.page.goto(f"{person.base}/chat/")
    person.page.fill("#answer", OPENINGS["submitted"][person.language])
    person.page.click("#send")
    expect(person.page.locator("#messages > li.person")).to_have_count(1)
    return person.page


def _axe(browser: Browser, person: Visitor) -> list[str]:
    """What axe finds wrong with the page as it is shown; axe itself is a script, and runs on a copy of it."""
    shown = person.page.content()
    with visitor(browser, person.base, person.language) as copy:
        copy.page.route("**/chat.js*", lambda route: route.abort())
        copy.page.route("**/chat/", lambda route: route.fulfill(content_type="text/html; charset=utf-8", body=shown))
        copy.page.goto(f"{person.base}/chat/")
        assert copy.page.locator("html.on").count() == 0
        return copy.axe()


def _address(page: Page) -> str:
    return urlsplit(page.url).path


def test_save_and_go_on_elsewhere(browser: Browser, base: str, language: str) -> None:
    with (
        visitor(browser, base, language, java_script_enabled=False) as person,
        visitor(browser, base, language, java_script_enabled=False) as elsewhere,
    ):
        _start(person)
        question, said = person.state()["asking"], person.shown()
        code = person.save()
        assert CODE.fullmatch(code)
        person.page.reload()
        assert person.page.inner_text("#banner .code") == code, "a reload makes no other code than the one written down"
        assert _axe(browser, person) == []
        elsewhere.page.goto(f"{base}/chat/")
        elsewhere.give_code(code)
        expect(elsewhere.page.locator("#messages > li.person")).to_have_count(1)
        assert _address(elsewhere.page) == "/chat/"
        assert elsewhere.state()["asking"] == question
        assert elsewhere.shown()[: len(said)] == said


def test_a_paper_is_added_and_removed(browser: Browser, base: str, language: str) -> None:
    with visitor(browser, base, language, java_script_enabled=False) as person:
        page = _start(person)
        there = page.locator("#papers form[action='/chat/remove'] li")

        def reloaded() -> None:
            assert _address(page) == "/chat/", "answered with a redirection, so that a reload sends nothing again"
            page.reload()
            if page.get_attribute("#papers", "open") is None:
                page.click("#papers > summary")

        page.click("#papers > summary")
        page.select_option("#kind", "receipt_notice")
        page.set_input_files("#file", PAPER)
        page.click("#upload button")
        expect(page.locator("#banner")).to_be_visible()
        told = person.banner()
        reloaded()
        expect(there).to_have_count(1)
        assert "notice.png" in there.inner_text()
        assert person.state()["answers"]["documents"] == ["receipt_notice"]
        assert _axe(browser, person) == []
        person.shot("no-script-papers")
        there.locator("button").click()
        expect(page.locator("#banner")).to_be_visible()
        assert person.banner() not in ("", told)
        reloaded()
        expect(there).to_have_count(0)
        assert not person.state()["answers"].get("documents")


def test_erasing(browser: Browser, base: str, language: str) -> None:
    with visitor(browser, base, language, java_script_enabled=False) as person:
        page = _start(person)
        token = person.token
        page.click("#erase > summary")
        page.click("#erase button")
        for _ in range(2):
            assert _address(page) == "/chat/"
            assert page.get_attribute("html", "lang") == language
            assert page.locator("#banner form[action='/chat/begin']").is_visible()
            assert person.banner()
            assert person.token == "", "nothing is opened again before the person says so"
            page.reload()
        assert httpx.get(f"{base}/chat/history", cookies={"guide_session": token}).status_code == 401
        assert _axe(browser, person) == []
        page.click("#banner button")
        expect(page.locator("#messages > li")).to_have_count(1)


def test_an_answer_to_a_conversation_that_is_over_comes_back(browser: Browser, base: str, language: str) -> None:
    with visitor(browser, base, language, java_script_enabled=False) as person:
        page = _start(person)
        over = {"Authorization": f"Bearer {person.token}"}
        assert httpx.delete(f"{base}/chat/session", headers=over, timeout=30).status_code == 204
        text = OPENINGS["submitted"][language] + "\nIOE0912345678"
        page.fill("#answer", text)
        page.click("#send")
        assert NOT_OPEN[language] in person.banner()
        assert page.input_value("#answer") == text
        assert len(person.shown()) == 1, "nothing was said in the new conversation"
        assert len(person.history()["messages"]) == 1
        assert _axe(browser, person) == []
        person.shot("no-script-over")
        page.click("#send")
        expect(page.locator("#messages > li.person")).to_have_count(1)
        assert person.banner() == ""


def test_nobody_else_has_the_page_tell_something(browser: Browser, base: str) -> None:
    """What a form has done is told after the form only, not by a link on another site."""
    for site, told in (("cross-site", False), ("same-origin", True)):
        looked_at = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document", "Sec-Fetch-Site": site}
        answer = httpx.get(f"{base}/chat/?told=erased&language=en", headers=looked_at, timeout=30)
        assert ("is erased" in answer.text) is told
