"""The guide on a page of somebody else: another origin, another site, a real browser."""

from __future__ import annotations

import re

import httpx
import pytest
from playwright.sync_api import Browser, FrameLocator, Locator, expect

from gateway.settings import WEB
from gateway.strings import Strings
from tests.entry.conftest import ForeignSite, Watched
from tests.gateway.conftest import FrontDoor, open_conversation
from tests.gateway.fake_rasa import GREETING

WORDS = Strings(WEB / "strings" / "embed.yml")
BLOCKED_AFTER_MS = 20_000


def tag(door: FrontDoor, attributes: str = "") -> str:
    return f'<script src="{door.url}/embed.js" {attributes} async></script>'


def opener(window: Watched) -> Locator:
    return window.page.locator("button[aria-haspopup=dialog]")


def guide(window: Watched) -> FrameLocator:
    return window.page.frame_locator("iframe")


def open_dialog(window: Watched) -> FrameLocator:
    opener(window).click()
    expect(window.page.locator("dialog")).to_be_visible()
    return guide(window)


def own(window: Watched, door: FrontDoor) -> list[str]:
    """What was asked of the guide, without the script itself."""
    return [one.url for one in window.requests if one.url.startswith(door.url) and not one.url.endswith("/embed.js")]


def focused(window: Watched) -> str:
    """Tag and class of what has the focus, in the page or in what the script put there."""
    return str(
        window.page.evaluate(
            "() => { let one = document.activeElement; while (one.shadowRoot) one = one.shadowRoot.activeElement;"
            " return `${one.localName}.${one.className}`; }"
        )
    )


# data-lang, language of the page, of the browser's own (en-US in these tests), language of the button.
LANGUAGES = [
    ('data-lang="zh-Hant"', "en", "zh-Hant"),
    ('data-lang="zh-TW"', "en", "zh-Hant"),
    ('data-lang="en"', "zh-Hans", "en"),
    ("", "zh-HK", "zh-Hant"),
    ("", "zh", "zh-Hans"),
    ("", "es", "en"),
    ('data-lang="xx"', "zh-CN", "zh-Hans"),
]


@pytest.mark.parametrize(("attributes", "page", "language"), LANGUAGES)
def test_button_in_the_right_language(
    window: Watched, door: FrontDoor, agency: ForeignSite, attributes: str, page: str, language: str
) -> None:
    window.page.goto(agency.page(tag(door, attributes), page))
    expect(opener(window)).to_have_text(WORDS("button", language))  # type: ignore[arg-type]
    assert window.page.locator("div[lang]").get_attribute("lang") == language
    assert own(window, door) == []  # nothing of the guide is loaded before somebody wants it


def test_a_conversation_in_the_dialog(window: Watched, door: FrontDoor, agency: ForeignSite) -> None:
    window.page.goto(agency.page(tag(door, 'data-lang="zh-Hant"')))
    assert window.axe() == []
    inside = open_dialog(window)
    expect(inside.locator("#messages")).to_contain_text(GREETING["zh-Hant"])
    assert inside.locator("html").get_attribute("lang") == "zh-Hant"
    inside.locator("#answer").fill("拖了兩年")
    inside.locator("#answer").press("Enter")
    expect(inside.locator("#messages")).to_contain_text("2: 拖了兩年")
    window.shot("embed-zh-Hant")
    sent = next(one for one in window.requests if one.url.endswith("/chat/messages"))
    assert sent.all_headers()["authorization"].startswith("Bearer ")
    assert "cookie" not in sent.all_headers()
    assert window.axe() == []
    assert window.complaints == []


def test_keyboard(window: Watched, door: FrontDoor, agency: ForeignSite) -> None:
    window.page.goto(agency.page(tag(door)))
    expect(opener(window)).to_be_visible()
    window.page.keyboard.press("Tab")
    assert focused(window) == "button.open"
    window.page.keyboard.press("Enter")
    expect(window.page.locator("dialog")).to_be_visible()
    assert focused(window) == "button.close"
    window.page.keyboard.press("Escape")
    expect(window.page.locator("dialog")).to_be_hidden()
    assert focused(window) == "button.open"
    # From inside the guide, with something half written, and back again.
    window.page.keyboard.press("Enter")
    box = guide(window).locator("#answer")
    expect(guide(window).locator("#messages li")).to_have_count(1)
    box.focus()
    window.page.keyboard.type("half an ans")
    window.page.keyboard.press("Escape")
    expect(window.page.locator("dialog")).to_be_hidden()
    assert focused(window) == "button.open"
    window.page.keyboard.press("Enter")
    assert box.input_value() == "half an ans"
    expect(guide(window).locator("#messages li")).to_have_count(1)
    # The page below can't be reached while the dialog is open.
    for _ in range(60):
        window.page.keyboard.press("Tab")
        assert not focused(window).startswith("button.open")


def test_a_button_of_the_agencys_own(window: Watched, door: FrontDoor, agency: ForeignSite) -> None:
    button = '<button type="button" id="help">Help</button>'
    window.page.goto(agency.page(button + tag(door, 'data-button="#help"')))
    window.page.wait_for_selector("div[lang]", state="attached")
    assert opener(window).count() == 0
    window.page.click("#help")
    expect(window.page.locator("dialog")).to_be_visible()
    window.page.locator("dialog .close").click()
    assert window.page.evaluate("document.activeElement.id") == "help"


def test_on_a_page_with_a_strict_policy(window: Watched, door: FrontDoor, agency: ForeignSite) -> None:
    policy = f"default-src 'none'; script-src {door.url}; frame-src {door.url}"
    window.page.goto(agency.page(tag(door), Content_Security_Policy=policy))
    inside = open_dialog(window)
    expect(inside.locator("#messages")).to_contain_text(GREETING["en"])
    assert opener(window).evaluate("one => getComputedStyle(one).position") == "fixed"
    # The browser itself asks for a picture for the tab, which this policy has no place for.
    assert [one for one in window.complaints if "favicon" not in one] == []


def test_a_plain_frame(window: Watched, door: FrontDoor, agency: ForeignSite) -> None:
    window.page.goto(agency.page(f'<iframe src="{door.url}/chat/?lang=zh-Hans" title="Guide"></iframe>'))
    expect(guide(window).locator("#messages")).to_contain_text(GREETING["zh-Hans"])
    assert window.page.frames[1].evaluate("document.cookie") == ""
    guide(window).locator("#answer").fill("still here")
    guide(window).locator("#answer").press("Enter")
    expect(guide(window).locator("#messages")).to_contain_text("2: still here")
    # Also where the browser lets a frame of another site keep nothing at all.
    window.page.reload()
    expect(guide(window).locator("#messages")).to_contain_text(GREETING["zh-Hans"])
    assert window.complaints == []


def test_a_code_and_a_year_in_the_frame(window: Watched, door: FrontDoor, agency: ForeignSite) -> None:
    """Where no cookie is kept: what is wrong is told beside the field, and the conversation here stays meanwhile."""
    with httpx.Client(base_url=door.url, timeout=30, trust_env=False) as client:
        elsewhere = open_conversation(client)
        elsewhere.say("from the library", "1")
        code = elsewhere.post("/chat/save", {"birth_year": 1978}).json()["resume_code"]
    window.page.goto(agency.page(f'<iframe src="{door.url}/chat/?lang=en" title="Guide" height="700"></iframe>'))
    inside = guide(window)
    expect(inside.locator("#messages")).to_contain_text(GREETING["en"])
    inside.locator("#answer").fill("still here")
    inside.locator("#answer").press("Enter")
    expect(inside.locator("#messages")).to_contain_text("2: still here")
    inside.locator("#resume > summary").click()
    inside.locator("#code").fill(code)
    for year, field, words in (
        ("", "#born", "saved with a year of birth"),
        ("78", "#born", "four digits"),
        ("1979", "#code", "Nothing is saved under this"),
    ):
        inside.locator("#born").fill(year)
        inside.locator("#resume button").click()
        expect(inside.locator(f".wrong + {field}[aria-invalid]")).to_be_focused()
        expect(inside.locator(".wrong")).to_have_text(re.compile(words))
        expect(inside.locator("#code")).to_have_value(code)
    assert len(inside.locator("[aria-invalid]").all()) == 1
    inside.locator("#answer").fill("and here")
    inside.locator("#answer").press("Enter")
    expect(inside.locator("#messages")).to_contain_text("3: and here")
    inside.locator("#born").fill("1978")
    inside.locator("#resume button").click()
    expect(inside.locator("#messages")).to_contain_text("2: from the library")
    expect(inside.locator("#messages")).not_to_contain_text("and here")
    # The browser tells of every refusal by itself.
    assert [one for one in window.complaints if "Failed to load resource" not in one] == []


def test_a_frame_without_a_script_leads_to_a_window(browser: Browser, door: FrontDoor, agency: ForeignSite) -> None:
    context = browser.new_context(java_script_enabled=False, locale="en-US")
    page = context.new_page()
    page.goto(agency.page(f'<iframe src="{door.url}/chat/?lang=zh-Hant" title="Guide"></iframe>'))
    with context.expect_page() as opened:
        page.frame_locator("iframe").locator("#begin button").click()
    opened.value.wait_for_load_state()
    expect(opened.value.locator("#messages")).to_contain_text(GREETING["zh-Hant"])
    opened.value.fill("#answer", "not lost")
    opened.value.click("#send")
    expect(opened.value.locator("#messages")).to_contain_text("2: not lost")
    context.close()


def test_downloads_and_quick_exit_in_the_frame(window: Watched, door: FrontDoor, agency: ForeignSite) -> None:
    window.page.context.route("https://www.weather.gov/**", lambda route: route.fulfill(body="weather"))
    window.page.goto(agency.page(tag(door)))
    inside = open_dialog(window)
    expect(inside.locator("#messages li")).to_have_count(1)
    with window.page.expect_download() as download:
        inside.locator("a[download]").first.click()
    text = download.value.path().read_text(encoding="utf-8")
    assert GREETING["en"] in text
    inside.locator("#exit").click()
    window.page.wait_for_url("https://www.weather.gov/**")


def test_a_stranger_is_refused(window: Watched, door: FrontDoor, stranger: ForeignSite) -> None:
    window.page.goto(stranger.page(tag(door)))
    inside = open_dialog(window)
    note = window.page.locator("dialog p")
    expect(note).to_have_text(WORDS("blocked", "en"), timeout=BLOCKED_AFTER_MS)
    window.shot("embed-refused")
    assert inside.locator("#messages").count() == 0
    assert any("frame-ancestors" in one for one in window.complaints)
    away = window.page.locator("dialog a")
    assert away.get_attribute("href") == f"{door.url}/chat/?lang=en"
    with window.page.context.expect_page() as opened:
        away.click()
    opened.value.wait_for_selector("#messages li")


def test_a_stranger_gets_nothing_by_a_frame_or_a_form(window: Watched, door: FrontDoor, stranger: ForeignSite) -> None:
    frame = f'<iframe src="{door.url}/chat/" title="Guide"></iframe>'
    form = f'<form method="post" action="{door.url}/chat/erase"><button>Win a prize</button></form>'
    window.page.goto(f"{door.url}/chat/")
    window.page.wait_for_selector("#messages li")
    window.page.goto(stranger.page(frame + form))
    assert guide(window).locator("#messages").count() == 0
    with window.page.expect_navigation() as navigation:
        window.page.click("text=Win a prize")
    assert navigation.value.status == 403
    window.page.goto(f"{door.url}/chat/")
    expect(window.page.locator("#messages")).to_contain_text(GREETING["en"])


PATHS = [("/chat/", True), ("/", False), ("/chat/history", False), ("/nowhere", False)]


@pytest.mark.parametrize(("path", "framed"), PATHS)
def test_only_the_chat_may_be_shown_in_a_frame(
    client: httpx.Client, agency: ForeignSite, path: str, framed: bool
) -> None:
    headers = client.get(path).headers
    policy = headers["content-security-policy"]
    allowed = f"frame-ancestors 'self' https://agency.example {agency.origin}"
    assert (allowed in policy) == framed
    assert ("frame-ancestors 'none'" in policy) == (not framed)
    assert ("x-frame-options" in headers) == (not framed)


def test_the_script_may_be_fetched_by_any_site(client: httpx.Client) -> None:
    answer = client.get("/embed.js")
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "max-age=3600" in answer.headers["cache-control"]
    assert "{{" not in answer.text
    assert "set-cookie" not in answer.headers
