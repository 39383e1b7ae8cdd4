"""Works for everyone: without a script, by keyboard, read out, narrow, magnified, in high contrast, on paper."""

from __future__ import annotations

import io
import re
from collections import Counter
from typing import Any

import httpx
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from tests.conversations.people import ANSWERS
from tests.conversations.test_outcomes import OPENINGS
from tests.page.visitor import MOST_TURNS, Visitor, visitor

SPACING = "* { line-height: 1.5 !important; letter-spacing: .12em !important; word-spacing: .16em !important; }"
SPACING += " p { margin-bottom: 2em !important; }"
# Text of a box that cannot be seen, because the box is too small for it.
CLIPPED = """() => [...document.querySelectorAll('main *, header *')].filter((one) => {
  const style = getComputedStyle(one);
  return !one.closest('.unseen, .skip, textarea, select') && one.clientWidth && style.overflow !== 'visible'
    && one.localName !== 'progress' && one.localName !== 'input'
    && (one.scrollWidth > one.clientWidth + 1 || one.scrollHeight > one.clientHeight + 1);
}).map((one) => one.outerHTML.slice(0, 120))"""
SMALL = """(least) => [...document.querySelectorAll('a, button, summary, input, textarea, select')].filter((one) => {
  const box = one.getBoundingClientRect();
  const inText = one.closest('#messages p[dir]');
  return box.width && !inText && !one.matches('.skip') && (box.height < least || box.width < least);
}).map((one) => `${one.outerHTML.slice(0, 90)} ${JSON.stringify(one.getBoundingClientRect())}`)"""


def _begun(person: Visitor) -> Visitor:
    return person.say(OPENINGS["submitted"][person.language])


def test_without_a_script(browser: Browser, base: str, language: str) -> None:
    """From the first page to a tracking number with forms alone; typing and pressing."""
    with visitor(browser, base, language, java_script_enabled=False) as person:
        page = person.page
        page.goto(f"{base}/chat/")
        pressed = 0
        text = OPENINGS["submitted"][language]
        for _ in range(MOST_TURNS):
            page.fill("#answer", text)
            with page.expect_navigation():
                page.click("#send")
            state = person.state()
            if state["asking"] == "requester_role":
                with page.expect_navigation():
                    page.locator("#choices button").first.click()
                pressed += 1
                state = person.state()
            if state["outcome"]:
                break
            text = ANSWERS[language][state["asking"]]
        assert state["outcome"] == "submitted"
        assert pressed
        assert state["tracking_number"] in page.inner_text("#more")
        assert page.url.startswith(f"{base}/chat/#")
        assert page.locator("[data-copy]").locator("visible=true").count() == 0, "no button that would do nothing"
        person.shot("no-script-done")
        page.reload()
        assert len(person.history()["messages"]) == len(person.shown())


def test_without_a_script_everything_else(browser: Browser, base: str, language: str) -> None:
    with visitor(browser, base, language, java_script_enabled=False) as person:
        page = person.page
        page.goto(f"{base}/chat/")
        page.fill("#answer", OPENINGS["submitted"][language])
        page.click("#send")
        page.click("#review > summary")
        page.locator("#review button").first.click()
        expect(page.locator("#messages > li.person")).to_have_count(2)
        assert person.state()["asking"] == "grounds"
        page.click("nav a[hreflang='en']")
        expect(page.locator("html")).to_have_attribute("lang", "en")
        code = person.save()
        page.click("#papers > summary")
        page.set_input_files("#file", {"name": "x.pdf", "mimeType": "application/pdf", "buffer": b"no"})
        page.click("#upload button")
        expect(page.locator("#banner"), "what went wrong is told in the page").to_be_visible()
        assert page.get_attribute("html", "lang") == "en"
        person.shot("no-script-refused")
        page.goto(f"{base}/chat/")
        page.click("#erase > summary")
        page.click("#erase button")
        expect(page.locator("#banner form[action='/chat/begin']")).to_be_visible()
        assert person.token == ""
        page.click("#banner button")
        expect(page.locator("#messages > li")).to_have_count(1)
        person.give_code(code)
        expect(page.locator("#banner"), "an erased conversation cannot be resumed").to_be_visible()


def test_keyboard_alone(person: Visitor) -> None:
    """Every answer by keys, and the focus can always be seen and is never under something else."""
    page = person.page

    def tab_to(selector: str) -> None:
        for _ in range(60):
            page.keyboard.press("Tab")
            assert page.evaluate(VISIBLE_FOCUS) == [], "the focus can be seen"
            if page.evaluate("(one) => document.activeElement.matches(one)", selector):
                return
        raise AssertionError(f"{selector} cannot be reached")

    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    tab_to("#answer") if page.evaluate("document.activeElement.id") != "answer" else None
    page.keyboard.type(OPENINGS["submitted"][person.language])
    person.after(lambda: page.keyboard.press("Enter"))
    for _ in range(MOST_TURNS):
        state = person.state()
        if state["outcome"]:
            break
        assert page.evaluate("document.activeElement.id") == "answer", "the box has the focus after every answer"
        if person.buttons() and state["asking"] == "requester_role":
            page.keyboard.press("Shift+Tab")
            while page.evaluate("document.activeElement.previousElementSibling?.localName") == "button":
                page.keyboard.press("Shift+Tab")
            person.after(lambda: page.keyboard.press("Enter"))
            continue
        page.keyboard.type(ANSWERS[person.language][state["asking"]])
        person.after(lambda: page.keyboard.press("Enter"))
    assert state["outcome"] == "submitted"
    for selector in ("#messages a", "#help a", "#review summary", "#erase summary", "#code, #resume summary"):
        page.evaluate("document.activeElement.blur()")
        tab_to(selector)


VISIBLE_FOCUS = r"""() => {
  const one = document.activeElement;
  if (one === document.body) return [];
  const box = one.getBoundingClientRect(), style = getComputedStyle(one), wrong = [];
  const outlined = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2;
  if (!outlined) wrong.push('no outline: ' + one.outerHTML.slice(0, 80));
  const light = (color) => color.match(/[\d.]+/g).slice(0, 3).map((part) => part / 255)
    .map((part) => part <= .04045 ? part / 12.92 : ((part + .055) / 1.055) ** 2.4)
    .reduce((sum, part, at) => sum + part * [.2126, .7152, .0722][at], 0);
  // The outline stands outside, on what is behind the element.
  let behind = one.parentElement;
  while (behind && /, 0\)$|^transparent$/.test(getComputedStyle(behind).backgroundColor)) behind = behind.parentElement;
  const two = [light(style.outlineColor), behind ? light(getComputedStyle(behind).backgroundColor) : 1].sort();
  const contrast = (Math.max(...two) + .05) / (Math.min(...two) + .05);
  if (contrast < 3) wrong.push(`contrast ${contrast.toFixed(1)}: ` + one.outerHTML.slice(0, 80));
  const top = document.elementFromPoint(
    Math.min(Math.max(box.left + box.width / 2, 0), innerWidth - 1),
    Math.min(Math.max(box.top + box.height / 2, 0), innerHeight - 1));
  if (box.width && top && !one.contains(top) && !top.contains(one)) {
    wrong.push(one.outerHTML.slice(0, 80) + ' is covered by ' + top.outerHTML.slice(0, 80));
  }
  return wrong;
}"""


def test_every_answer_is_read_out_once(person: Visitor) -> None:
    assert person.page.locator("[aria-live], [role=status], [role=alert], [role=log]").count() == 1
    person.page.evaluate("""() => {
      window.heard = [];
      new MutationObserver((changes) => changes.forEach(({ addedNodes }) =>
        addedNodes.forEach((node) => heard.push(node.textContent)))).observe(
        document.getElementById('live'), { childList: true, subtree: true });
    }""")
    _begun(person)
    for slot in ("form_type", "contact_center_date"):
        person.go_on(slot)
    heard = person.page.evaluate("heard")
    turns = len(person.posts)
    assert len(heard) == turns, "one paragraph for every answer"
    said = [one for one in person.history()["messages"] if one["from"] == "guide"]
    assert re.sub(r"\s+", " ", said[-1]["text"]) in re.sub(r"\s+", " ", heard[-1])
    for title in person.buttons():
        assert title in heard[-1], "the choices are read out with it"
    assert str(len(person.buttons())) in heard[-1]
    assert person.page.locator("#messages").get_attribute("aria-live") is None
    assert person.page.locator("[aria-live], [role=status], [role=alert], [role=log]").count() == 1


def test_what_was_read_out_goes_away(anyone: Visitor) -> None:
    anyone.page.clock.install()
    anyone.page.reload()
    _begun(anyone)
    expect(anyone.page.locator("#live p")).to_have_count(1)
    anyone.page.clock.fast_forward(20_000)
    expect(anyone.page.locator("#live p")).to_have_count(0)


@pytest.mark.parametrize("text", ["我的工卡一直没到", "我的工卡一直沒到"])
def test_input_method(anyone: Visitor, text: str) -> None:
    """Enter while characters are being composed chooses one and sends nothing; Enter after that sends."""
    page = anyone.page
    page.focus("#answer")
    ime = anyone.context.new_cdp_session(page)
    ime.send("Input.imeSetComposition", {"text": "wodegongka", "selectionStart": 10, "selectionEnd": 10})
    key = {"key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 229}
    ime.send("Input.dispatchKeyEvent", {"type": "rawKeyDown", **key})
    ime.send("Input.dispatchKeyEvent", {"type": "keyUp", **key})
    page.evaluate("""() => document.getElementById('answer').dispatchEvent(
      new KeyboardEvent('keydown', { key: 'Enter', keyCode: 13, isComposing: true, bubbles: true }))""")
    page.wait_for_timeout(300)
    assert anyone.posts == []
    assert "wodegongka" in page.input_value("#answer")
    ime.send("Input.imeSetComposition", {"text": "", "selectionStart": 0, "selectionEnd": 0})
    ime.send("Input.insertText", {"text": text})
    anyone.after(lambda: page.keyboard.press("Enter"))
    assert [post["text"] for post in anyone.posts] == [text]


def test_shift_enter_is_a_new_line(anyone: Visitor) -> None:
    anyone.page.focus("#answer")
    anyone.page.keyboard.type("one")
    anyone.page.keyboard.press("Shift+Enter")
    anyone.page.keyboard.type("two")
    assert anyone.page.input_value("#answer") == "one\ntwo"
    assert anyone.posts == []


WINDOWS: dict[str, Any] = {
    "320": {"viewport": {"width": 320, "height": 640}},
    # 1280 × 1024 at 400 %.
    "400%": {"viewport": {"width": 320, "height": 256}, "device_scale_factor": 4},
    "desk": {"viewport": {"width": 1280, "height": 800}},
    "wide": {"viewport": {"width": 2560, "height": 1440}},
}


@pytest.mark.parametrize("window", WINDOWS)
def test_reflow(browser: Browser, base: str, language: str, window: str) -> None:
    with visitor(browser, base, language, **WINDOWS[window]) as person:
        person.open().be_at("full_name")
        person.page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        assert person.too_wide() == []
        if window == "320":
            assert person.axe() == []
        person.page.screenshot(path=_path(person, f"reflow-{window.rstrip('%')}"), full_page=True)


def _path(person: Visitor, name: str) -> str:
    from tests.page.visitor import SHOTS

    SHOTS.mkdir(parents=True, exist_ok=True)
    return str(SHOTS / f"{name}-{person.language}.png")


@pytest.mark.parametrize("how", ["spacing", "200%"])
def test_larger_text_is_not_cut_off(person: Visitor, how: str) -> None:
    person.be_at("full_name")
    person.page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    # Through the developer's door: the page's own policy lets no foreign style in.
    session = person.context.new_cdp_session(person.page)
    session.send("Page.enable")
    style = SPACING if how == "spacing" else "html { font-size: 225% !important; }"
    person.page.evaluate(
        """(text) => { const sheet = new CSSStyleSheet(); sheet.replaceSync(text);
        document.adoptedStyleSheets = [sheet]; }""",
        style,
    )
    assert person.page.evaluate(CLIPPED) == []
    assert person.too_wide() == []
    person.page.screenshot(path=_path(person, f"text-{how.rstrip('%')}"), full_page=True)


@pytest.mark.parametrize("asking", ["grounds", "requester_role", "documents", "consent", "review"])
def test_targets_are_large_enough(person: Visitor, asking: str) -> None:
    if asking == "grounds":
        person.say(
            {"en": "I need help with my case.", "zh-Hans": "我的案子要帮忙。", "zh-Hant": "我的案子要幫忙。"}[
                person.language
            ]
        )
        assert person.state()["asking"] == asking
    else:
        person.be_at(asking)
    person.page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    assert person.page.evaluate(SMALL, 24) == []
    heights = [one.bounding_box()["height"] for one in person.page.locator("#choices button").all()]  # type: ignore[index]
    assert heights
    assert min(heights) >= 44
    assert person.page.evaluate(SMALL, 44) == []
    lines = person.page.locator("#messages p[dir] a")
    assert all((one.bounding_box() or {})["height"] > 0 for one in lines.all())


# Asks for another language without saying which one.
WHICH_LANGUAGE = {"en": "Can I use another language?", "zh-Hans": "可以换一种语言吗？", "zh-Hant": "可以換一種語言嗎？"}


def _languages_on_their_buttons(person: Visitor) -> None:
    """Each button that names a language is marked as being in it; the language of the page needs no mark."""
    marked = {one.inner_text(): one.get_attribute("lang") for one in person.page.locator("#choices button").all()}
    names = {"English": "en", "简体中文": "zh-Hans", "繁體中文": "zh-Hant"}
    assert {name: marked.pop(name) for name in names} == {
        name: None if tag == person.language else tag for name, tag in names.items()
    }
    assert set(marked.values()) <= {None}


def test_language_of_the_page_and_its_parts(person: Visitor) -> None:
    assert person.page.get_attribute("html", "lang") == person.language
    for link in person.page.locator("nav a").all():
        assert link.get_attribute("lang") == link.get_attribute("hreflang")
    _languages_on_their_buttons(person)
    person.page.evaluate("document.body.dataset.here = '1'")
    person.say(WHICH_LANGUAGE[person.language])
    assert person.page.evaluate("document.body.dataset.here") == "1", "shown by the script, not by a new page"
    _languages_on_their_buttons(person)
    person.page.reload()
    _languages_on_their_buttons(person)
    fonts = _fonts(person, "#messages p[dir]")
    if person.language != "en":
        wanted = "SC" if person.language == "zh-Hans" else "TC"
        assert any(font.endswith(f"CJK {wanted}") for font in fonts), fonts
        line = person.page.evaluate("""() => {
            const style = getComputedStyle(document.querySelector('#messages p[dir]'));
            return parseFloat(style.lineHeight) / parseFloat(style.fontSize); }""")
        assert line == pytest.approx(1.7, abs=0.01)


def _fonts(person: Visitor, selector: str) -> list[str]:
    session = person.context.new_cdp_session(person.page)
    for domain in ("DOM", "CSS"):
        session.send(f"{domain}.enable")
    document = session.send("DOM.getDocument")["root"]["nodeId"]
    node = session.send("DOM.querySelector", {"nodeId": document, "selector": selector})["nodeId"]
    return [one["familyName"] for one in session.send("CSS.getPlatformFontsForNode", {"nodeId": node})["fonts"]]


def test_numbers_never_break(person: Visitor) -> None:
    person.be_at("full_name").say("IOE0912345678")
    person.page.click("#review > summary")
    person.page.set_viewport_size({"width": 320, "height": 640})
    numbers = person.page.locator(".n").locator("visible=true")
    assert numbers.count() > 3
    for number in numbers.all():
        boxes = number.evaluate("(one) => one.getClientRects().length")
        assert boxes == 1, number.inner_text()
    assert "IOE0912345678" in numbers.all_inner_texts()


def test_telephone_links(person: Visitor) -> None:
    phones = person.page.locator("a[href^='tel:']").all()
    assert phones
    for phone in phones:
        digits = re.sub(r"\D", "", phone.inner_text())
        assert (phone.get_attribute("href") or "").removeprefix("tel:+") == (
            digits if len(digits) == 11 else f"1{digits}"
        )


def test_hours_are_told_in_the_persons_own_time(browser: Browser, base: str, language: str) -> None:
    """In Shanghai, also after the language was changed; without the script it is the time of the telephone."""
    with visitor(browser, base, language, timezone_id="Asia/Shanghai", java_script_enabled=False) as posted:
        posted.page.goto(f"{base}/chat/")
        eastern = posted.page.inner_text("#hours-now")
        assert EASTERN[language] in eastern
    with visitor(browser, base, language, timezone_id="Asia/Shanghai") as person:
        person.open()
        for now in (language, "en" if language != "en" else "zh-Hant"):
            if now != language:
                person.after(lambda tag=now: person.page.click(f"nav a[hreflang='{tag}']"))
                assert person.page.get_attribute("html", "lang") == now
            own = {"language": now, "zone": "Asia/Shanghai"}
            told = httpx.get(f"{base}/chat/hours", params=own, timeout=30).json()["now"]
            assert OWN_TIME[now] in told
            expect(person.page.locator("#hours-now")).to_have_text(told)
        person.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        person.settle()
        expect(person.page.locator("#hours-now"), "also when the page has looked again").to_have_text(told)


EASTERN = {"en": "Eastern Time", "zh-Hans": "美国东部时间", "zh-Hant": "美國東部時間"}
OWN_TIME = {"en": "your time", "zh-Hans": "您当地时间", "zh-Hant": "您當地時間"}


def test_help_is_always_in_the_same_place(person: Visitor) -> None:
    def place(page: Page) -> list[str]:
        return list(page.evaluate("[...document.querySelectorAll('main > [id]')].map((one) => one.id)"))

    before = place(person.page)
    person.be_at("review")
    assert place(person.page) == before
    assert person.page.locator("#help a[href^='tel:']").count() >= 2
    assert person.page.inner_text("#hours-now").strip()


def test_privacy_comes_first(browser: Browser, base: str, language: str) -> None:
    with visitor(browser, base, language) as person:
        bodies: list[str] = []
        person.page.on("request", lambda request: bodies.append(request.url) if request.method != "GET" else None)
        person.open()
        order = person.page.evaluate(
            """() => document.getElementById('notice').compareDocumentPosition(document.getElementById('answer'))
            & Node.DOCUMENT_POSITION_FOLLOWING"""
        )
        assert order, "the notice stands before the box"
        assert person.page.inner_text("#notice").strip()
        assert bodies == [], "nothing is sent before the person writes"


@pytest.mark.parametrize("scheme", ["forced-light", "forced-dark", "print"])
def test_other_looks(browser: Browser, base: str, language: str, scheme: str) -> None:
    _, _, ground = scheme.partition("-")
    options = {"forced_colors": "active", "color_scheme": ground} if ground else {}
    with visitor(browser, base, language, **options) as person:
        person.open().be_at("requester_role")
        if scheme == "print":
            person.page.emulate_media(media="print")
            for hidden in ("nav", "#choices", "#form", "#erase"):
                assert not person.page.is_visible(hidden), hidden
            for shown in ("#messages", "#help"):
                assert person.page.is_visible(shown), shown
            assert person.page.pdf().startswith(b"%PDF")
        else:
            borders = person.page.evaluate(
                "[...document.querySelectorAll('#choices button')].map((one) => getComputedStyle(one).borderStyle)"
            )
            assert set(borders) == {"solid"}
            person.save()
            for least, selector in ((3, "#bar"), (4.5, "#told"), (4.5, "#banner .code"), (4.5, "#banner .qr svg")):
                assert _contrast(person, selector) >= least, selector
            for selector in ("header > p", "h1", "nav", "#messages", "#choices", "#help", "#send"):
                assert _contrast(person, selector) >= 4.5, selector
            edges = person.page.evaluate("getComputedStyle(document.getElementById('banner')).borderStyle")
            assert edges == "solid"
            # Axe takes the colours of the style sheet for those that are seen.
            assert [one for one in person.axe() if "color-contrast" not in one] == []
        person.page.screenshot(path=_path(person, scheme), full_page=True)


def _contrast(person: Visitor, selector: str) -> float:
    """Between the colour that most of an element has, and the one in it that is told from that best."""
    picture = Image.open(io.BytesIO(person.page.locator(selector).screenshot())).convert("RGB")
    colours = Counter(picture.get_flattened_data())
    most = colours.most_common(1)[0][0]
    few = picture.width * picture.height / 100
    lights = [_light(colour) for colour, times in colours.items() if times >= few]
    found = [(max(one, _light(most)) + 0.05) / (min(one, _light(most)) + 0.05) for one in lights]
    return max(found)


def _light(colour: tuple[int, int, int]) -> float:
    """The relative luminance of a colour (WCAG)."""
    parts = [part / 255 / 12.92 if part / 255 <= 0.04045 else ((part / 255 + 0.055) / 1.055) ** 2.4 for part in colour]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def test_nothing_moves_for_who_wants_it_so(browser: Browser, base: str) -> None:
    for wish, behaviour in (("reduce", "auto"), ("no-preference", "smooth")):
        with visitor(browser, base, "en", reduced_motion=wish) as person:
            person.open()
            assert person.page.evaluate("getComputedStyle(document.documentElement).scrollBehavior") == behaviour
            moving = "document.getAnimations().length"
            assert person.page.evaluate(moving) == 0
