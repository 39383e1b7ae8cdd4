"""What anyone may write or send: it stays text, it stays with its person, and nothing foreign gets in or out."""

from __future__ import annotations

import gzip
import re

import httpx
import pytest
from playwright.sync_api import Browser, expect

from tests.conversations.test_outcomes import OPENINGS
from tests.page.visitor import Visitor, visitor

NASTY = {
    "markup": '<script>document.title="broken"</script><img src=x onerror="document.title=1"><b>bold</b>',
    "link": "javascript:alert(1) https://evil.example/x data:text/html,x",
    "template": "{{ 7*7 }} {% raw %} ${7*7}",
    "direction": "\u202eabc\u202d \u2066 תשובה",
    "long": "w" * 8000,
    "chinese": "長" * 8000,
    "payload": '/case_delayed{"x":1}',
    "commands": "/restart",
    "stacked": "e" + "\u0301" * 400,
}
MOST_BYTES = 15_000


@pytest.mark.parametrize("name", NASTY)
def test_whatever_is_written_is_text(anyone: Visitor, name: str) -> None:
    anyone.say(OPENINGS["submitted"]["en"])
    before = {slot: value for slot, value in anyone.state()["answers"].items() if slot != "language"}
    anyone.say(NASTY[name])
    for _ in range(2):
        assert anyone.shown().count(NASTY[name].strip()) == 1
        assert "USCIS" in anyone.page.title()
        assert anyone.page.locator("#messages img, #messages b, #messages script").count() == 0
        assert (
            anyone.page.locator(
                "#messages .person a, #messages a[href^='javascript'], #messages a[href*='evil']"
            ).count()
            == 0
        )
        assert anyone.too_wide() == []
        anyone.page.reload()
    after = anyone.state()["answers"]
    assert {slot: after.get(slot) for slot in before} == before, "a command that is typed is no command"


def test_what_a_person_wrote_is_no_link_when_the_guide_repeats_it(anyone: Visitor) -> None:
    anyone.say(OPENINGS["submitted"]["en"])
    anyone.go_on("review", problem_description="See https://www.uscis.gov.evil.example/ and https://evil.example/ now.")
    assert "evil.example" in anyone.shown()[-1]
    assert anyone.page.locator("#messages a[href*='evil'], #review a").count() == 0


def test_too_much_is_told(browser: Browser, base: str, language: str) -> None:
    with visitor(browser, base, language) as person:
        person.open()
        person.page.evaluate("document.getElementById('answer').maxLength = 100000")
        text = "w " * 12_000
        person.page.fill("#answer", text)
        with person.page.expect_response("**/chat/messages") as answer:
            person.page.press("#answer", "Enter")
        assert answer.value.status == 413
        expect(person.page.locator("#banner")).to_be_visible()
        assert "20,000" in person.banner()
        expect(person.page.locator("#answer")).to_have_value(text)
        person.settle()
        assert len(person.shown()) == 1
        assert person.axe() == []
        person.shot("too-much")


def test_policy(base: str) -> None:
    looked_at = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document", "Accept": "text/html"}
    with httpx.Client(base_url=base) as client:
        answer = client.get("/chat/", headers=looked_at)
        policy = dict(part.strip().partition(" ")[::2] for part in answer.headers["content-security-policy"].split(";"))
        assert policy["default-src"] == "'none'"
        own = {"script-src", "style-src", "connect-src", "img-src", "form-action"}
        assert {policy[name] for name in own} == {"'self'"}
        assert policy["base-uri"] == "'none'"
        assert "frame-ancestors" in policy
        assert answer.headers["cache-control"] == "no-store"
        cookie = answer.headers["set-cookie"]
        assert re.search("httponly", cookie, re.IGNORECASE)
        assert re.search("samesite=(lax|strict)", cookie, re.IGNORECASE)
        assert "Path=/chat" in cookie


@pytest.mark.parametrize("language", ["en", "zh-Hans", "zh-Hant"])
def test_small(base: str, language: str) -> None:
    """HTML, CSS and JavaScript of the first page as they come over the line."""
    headers = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document", "Accept-Language": language}
    headers["Accept-Encoding"] = "gzip"
    total = 0
    with httpx.Client(base_url=base, headers=headers) as client:
        page = client.get("/chat/")
        addresses = ["/chat/", *re.findall(r'/chat/assets/chat[^"]+', page.text)]
        assert len(addresses) == 3
        for address in addresses:
            with client.stream("GET", address) as answer:
                assert answer.headers["content-encoding"] == "gzip"
                raw = b"".join(answer.iter_raw())
                assert gzip.decompress(raw)
                total += len(raw)
    assert total <= MOST_BYTES


def test_nobody_else_gets_in(anyone: Visitor) -> None:
    anyone.say(OPENINGS["submitted"]["en"])
    # Not the last character: some of its bits say nothing.
    changed = anyone.token[:-9] + ("A" if anyone.token[-9] != "A" else "B") + anyone.token[-8:]
    for cookies in ({}, {"guide_session": "x"}, {"guide_session": changed}):
        for method, path in (("GET", "/chat/history"), ("POST", "/chat/messages"), ("GET", "/chat/documents")):
            answer = httpx.request(
                method, anyone.base + path, cookies=cookies, json=None if method == "GET" else {"id": "1", "text": "x"}
            )
            assert answer.status_code == 401
        page = httpx.get(f"{anyone.base}/chat/", cookies=cookies)
        assert OPENINGS["submitted"]["en"] not in page.text


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
    ],
)
@pytest.mark.parametrize("path", ["begin", "say", "code", "resume", "renew", "erase", "upload", "remove"])
def test_another_site_can_do_nothing(anyone: Visitor, path: str, headers: dict[str, str]) -> None:
    cookies = {"guide_session": anyone.token}
    before = anyone.history()
    form = {"message": "1", "text": "I want to stop", "language": "en"}
    answer = httpx.post(
        f"{anyone.base}/chat/{path}", data=form, cookies=cookies, headers={**headers, "Accept": "text/html"}
    )
    assert answer.status_code in (401, 403)
    assert "set-cookie" not in answer.headers
    own = httpx.post(f"{anyone.base}/chat/messages", json={"id": "1", "text": "stop"}, cookies=cookies, headers=headers)
    assert own.status_code == 401
    assert httpx.delete(f"{anyone.base}/chat/session", cookies=cookies, headers=headers).status_code == 401
    assert anyone.history() == before


@pytest.mark.parametrize(
    "headers",
    [{}, {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document", "Sec-Purpose": "prefetch"},
     {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe", "Sec-Fetch-Site": "cross-site"}],
    ids=["program", "prefetch", "foreign frame"],
)  # fmt: skip
def test_only_a_person_opens_a_conversation(base: str, headers: dict[str, str]) -> None:
    answer = httpx.get(f"{base}/chat/", headers=headers)
    assert answer.status_code == 200
    assert "set-cookie" not in answer.headers
    assert 'action="/chat/begin"' in answer.text


PAGES = [("GET", "/chat/nothing", 404), ("GET", "/chat/files/x/request.pdf", 404), ("GET", "/chat/messages", 405),
         ("POST", "/chat/say", 400), ("POST", "/chat/resume", 404), ("POST", "/chat/code", 401),
         ("POST", "/chat/erase", 401), ("POST", "/chat/renew", 401), ("POST", "/chat/remove", 401)]  # fmt: skip


@pytest.mark.parametrize(("method", "path", "status"), PAGES)
@pytest.mark.parametrize(("tag", "language"), [("en-US", "en"), ("zh-CN", "zh-Hans"), ("zh-HK", "zh-Hant")])
def test_every_error_is_a_page(base: str, method: str, path: str, status: int, tag: str, language: str) -> None:
    headers = {"Accept": "text/html,*/*", "Accept-Language": tag}
    answer = httpx.request(method, base + path, headers=headers)
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("text/html")
    assert f'<html lang="{language}">' in answer.text
    assert 'href="tel:+1' in answer.text
    assert re.search(r'<section id="banner"[^>]*data-part>\s*<p id="told">[^<]+</p>', answer.text)
    assert not re.search(r"Traceback|Exception|\{\{", answer.text)
