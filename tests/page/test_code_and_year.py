"""Saving asks for the year of birth, and going on elsewhere needs it; what is wrong is told beside the field."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

import httpx
import pytest
from playwright.sync_api import Browser, Locator, expect

from tests.conversations.test_outcomes import OPENINGS
from tests.page.visitor import LOCALES, Visitor, visitor

MOST_WRONG = 5
NEEDED = {"en": "saved with a year of birth", "zh-Hans": "保存时填了出生年份", "zh-Hant": "儲存時填了出生年份"}
NO_YEAR = {"en": "four digits", "zh-Hans": "四位数字", "zh-Hant": "四位數字的西元年"}
NOTHING = {"en": "Nothing is saved under this", "zh-Hans": "找不到保存的内容", "zh-Hant": "找不到儲存的內容"}
LOCKED = {"en": "this code is locked", "zh-Hans": "已经锁住", "zh-Hant": "已經鎖住"}
_ADDRESSES = (f"127.9.{number // 250}.{number % 250 + 1}" for number in count())


@contextmanager
def elsewhere(browser: Browser, person: Visitor, script: bool = True) -> Iterator[Visitor]:
    """The same person at another device."""
    with visitor(browser, person.base, person.language, java_script_enabled=script) as somebody:
        somebody.page.goto(f"{person.base}/chat/")
        expect(somebody.page.locator("#messages > li")).to_have_count(1)
        yield somebody
        assert somebody.complaints == []
        assert somebody.elsewhere == []


def use_up_tries(base: str, code: str) -> None:
    """Wrong years by others, each from an address of their own: the browser's own tries are limited, too."""
    for year in range(1950, 1950 + MOST_WRONG):
        transport = httpx.HTTPTransport(local_address=next(_ADDRESSES))
        with httpx.Client(base_url=base, transport=transport, timeout=30) as other:
            assert other.post("/chat/session", json={"resume_code": code, "birth_year": year}).status_code == 404


def refused_at(person: Visitor, field: str, told: dict[str, str]) -> Locator:
    """The field is open, marked, has the focus, and what is wrong stands beside it and belongs to it."""
    box = person.page.locator(f"#{field}")
    expect(box).to_be_focused()
    expect(box).to_have_attribute("aria-invalid", "true")
    assert "wrong" in str(box.get_attribute("aria-describedby")).split()
    problem = person.page.locator(".wrong")
    expect(problem).to_have_count(1)
    expect(problem).to_contain_text(told[person.language])
    assert problem.evaluate("(one, field) => one.nextElementSibling === document.getElementById(field)", field)
    return box


def paste(person: Visitor, field: str, text: str) -> None:
    """Put a text into a field from the clipboard, as people do."""
    person.context.grant_permissions(["clipboard-read", "clipboard-write"])
    person.page.evaluate("text => navigator.clipboard.writeText(text)", text)
    person.page.focus(f"#{field}")
    person.page.keyboard.press("Control+V")


def test_saved_with_a_year_and_opened_with_it(person: Visitor, browser: Browser) -> None:
    person.say(OPENINGS["submitted"][person.language])
    asking, said = person.state()["asking"], person.shown()
    page = person.page
    page.click("#save > summary")
    field = page.locator("#year")
    assert field.get_attribute("autocomplete") == "bday-year"
    assert field.get_attribute("inputmode") == "numeric"
    assert field.get_attribute("required") is not None
    assert page.locator("#year-hint").inner_text(), "why it is asked"
    assert person.axe() == []
    assert person.too_wide() == []
    person.shot("save")
    field.fill("78")
    page.click("#save button")
    refused_at(person, "year", NO_YEAR)
    assert person.axe() == []
    person.shot("save-wrong")
    page.fill("#year", "１９７８")
    page.keyboard.press("Enter")
    code = page.locator("#banner .code").inner_text()
    expect(page.locator(".wrong")).to_have_count(0)
    expect(page.locator("#save[open]")).to_have_count(0)

    with elsewhere(browser, person) as other:
        other.give_code(code, "")
        refused_at(other, "born", NEEDED)
        expect(other.page.locator("#code")).to_have_value(code)
        other.page.keyboard.type("民國67")
        other.page.keyboard.press("Enter")
        refused_at(other, "born", NO_YEAR)
        other.give_code(code, "1979")
        refused_at(other, "code", NOTHING)
        assert other.axe() == []
        other.shot("wrong-year")
        paste(other, "born", " 1978 ")
        other.page.keyboard.press("Enter")
        expect(other.page.locator("#messages > li.person")).to_have_count(1)
        expect(other.page.locator("#answer")).to_be_focused()
        assert other.state()["asking"] == asking
        assert other.shown()[: len(said)] == said
        assert "1978" not in other.page.url + str(other.stored())


def test_a_locked_code(person: Visitor, browser: Browser) -> None:
    person.say(OPENINGS["submitted"][person.language])
    code = person.save()
    use_up_tries(person.base, code)
    with elsewhere(browser, person) as other:
        other.give_code(code)
        refused_at(other, "code", LOCKED)
        assert "1-855-882-8100" in other.page.locator(".wrong").inner_text()
        assert other.axe() == []
        other.shot("locked")
        assert len(other.shown()) == 1
        again = person.save("1980")
        other.give_code(again, "1980")
        expect(other.page.locator("#messages > li.person")).to_have_count(1)


def test_without_a_script(browser: Browser, base: str, language: str) -> None:
    with visitor(browser, base, language, java_script_enabled=False) as person:
        page = person.page
        page.goto(f"{base}/chat/")
        page.fill("#answer", OPENINGS["submitted"][language])
        page.click("#send")
        asking = person.state()["asking"]
        page.click("#save > summary")
        page.fill("#year", "1899")
        page.click("#save button")
        refused_at(person, "year", NO_YEAR)
        page.fill("#year", "1978")
        page.click("#save button")
        code = page.inner_text("#banner .code")
        with page.context.expect_page() as opened:
            page.click("form[action='/chat/sheet'] button")
        sheet = opened.value.locator("main")
        needed = {"en": "your year of birth", "zh-Hans": "您的出生年份", "zh-Hant": "您的出生年份"}
        expect(sheet).to_contain_text(needed[language])
        anybody = {"en": "Whoever has the code", "zh-Hans": "谁有继续码", "zh-Hant": "誰有繼續碼"}
        assert anybody[language] not in sheet.inner_text()
        assert "1978" not in sheet.inner_text()
        with elsewhere(browser, person, script=False) as other:
            other.give_code(code, "")
            refused_at(other, "born", NEEDED)
            expect(other.page.locator("#code")).to_have_value(code)
            other.page.fill("#born", "78")
            other.page.keyboard.press("Enter")
            refused_at(other, "born", NO_YEAR)
            other.shot("no-script-no-year")
            other.page.fill("#born", "1978")
            other.page.click("#resume button")
            expect(other.page.locator("#messages > li.person")).to_have_count(1)
            assert other.state()["asking"] == asking
            second = other.save()
            use_up_tries(base, second)
        with elsewhere(browser, person, script=False) as third:
            third.give_code(second)
            refused_at(third, "code", LOCKED)


def test_a_scanned_code_waits_for_the_year(anyone: Visitor, browser: Browser) -> None:
    code = anyone.say(OPENINGS["submitted"]["en"]).save()
    with visitor(browser, anyone.base, "en") as other:
        other.open(f"/chat/#code={code}")
        expect(other.page.locator("#code")).to_have_value(code)
        expect(other.page.locator("#born")).to_be_focused()
        other.page.keyboard.press("Enter")
        refused_at(other, "born", NEEDED)


def test_what_is_being_typed_stays(anyone: Visitor) -> None:
    """Looking something up in another window does not empty the fields."""
    anyone.say(OPENINGS["submitted"]["en"])
    anyone.page.click("#save > summary")
    anyone.page.fill("#year", "19")
    anyone.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    anyone.settle()
    assert anyone.page.input_value("#year") == "19"


def test_too_many_tries_keep_the_code_in_the_form(base: str, language: str) -> None:
    code = "2345-6789-ABCD-EFGH"
    headers = {"Accept": "text/html", "Accept-Language": LOCALES[language], "Sec-Fetch-Site": "same-origin"}
    transport = httpx.HTTPTransport(local_address=next(_ADDRESSES))
    with httpx.Client(base_url=base, headers=headers, transport=transport, timeout=30) as other:
        form = {"code": code, "birth_year": "1978"}
        answers = [other.post("/chat/resume", data=form) for _ in range(MOST_WRONG + 1)]
    assert [answer.status_code for answer in answers] == [404] * MOST_WRONG + [429]
    assert int(answers[-1].headers["retry-after"]) <= 60
    for answer in answers:
        assert '<p id="wrong" class="wrong">' in answer.text
        assert f'value="{code}"' in answer.text
        assert "1978" not in answer.text.partition('id="resume"')[2], "the year is not given back"


@pytest.mark.parametrize("year", ["", None])
def test_the_page_saves_nothing_without_a_year(anyone: Visitor, year: str | None) -> None:
    data = {} if year is None else {"birth_year": year}
    headers = {"Accept": "text/html", "Sec-Fetch-Site": "same-origin"}
    answer = httpx.post(f"{anyone.base}/chat/code", data=data, cookies={"guide_session": anyone.token}, headers=headers)
    assert answer.status_code == 400
    assert 'class="n code"' not in answer.text
