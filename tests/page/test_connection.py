"""Slow, dropping and missing connections: nothing is lost, nothing goes out twice, and the person knows."""

from __future__ import annotations

import re
import threading

import httpx
import pytest
from playwright.sync_api import Browser, Request, Route, expect

from tests.conversations.test_outcomes import OPENINGS
from tests.page.test_control import PNG
from tests.page.visitor import PARTS, Visitor, visitor

MESSAGES = "**/chat/messages"
OFFLINE = {"en": "no connection", "zh-Hans": "网络不通", "zh-Hant": "網路不通"}


def _said(person: Visitor) -> list[str]:
    return [one["text"] for one in person.history()["messages"] if one["from"] == "person"]


def test_offline_answers_are_kept_and_sent_once(person: Visitor) -> None:
    text = OPENINGS["submitted"][person.language]
    person.context.set_offline(True)
    person.page.fill("#answer", text)
    person.page.press("#answer", "Enter")
    expect(person.page.locator("#banner")).to_contain_text(OFFLINE[person.language])
    assert person.shown()[-1] == text, "the person sees the answer at once"
    assert person.page.input_value("#answer") == ""
    assert person.axe() == []
    person.shot("offline")
    person.after(lambda: person.context.set_offline(False))
    assert person.banner() == ""
    assert _said(person) == [text]
    assert person.shown().count(text) == 1


def test_an_answer_kept_offline_survives_a_reload(anyone: Visitor) -> None:
    text = OPENINGS["submitted"]["en"]
    anyone.page.route(MESSAGES, lambda route: route.abort())
    anyone.page.fill("#answer", text)
    anyone.page.click("#send")
    expect(anyone.page.locator("#banner")).to_contain_text("not sent yet")
    (sent,) = {post["id"] for post in anyone.posts}
    anyone.page.unroute(MESSAGES)
    anyone.after(anyone.page.reload)
    assert {post["id"] for post in anyone.posts} == {sent}, "the same answer has the same id"
    assert _said(anyone) == [text]
    assert anyone.shown().count(text) == 1


@pytest.mark.parametrize("lost", ["request", "answer"])
def test_a_dropped_connection_doubles_nothing(anyone: Visitor, lost: str) -> None:
    tries: list[str] = []

    def drop(route: Route) -> None:
        tries.append(route.request.post_data_json["id"])
        if len(tries) > 2:
            route.continue_()
        elif lost == "request":
            route.abort("connectionreset")
        else:
            route.fetch()
            route.abort("connectionreset")

    anyone.page.route(MESSAGES, drop)
    text = OPENINGS["submitted"]["en"]
    anyone.say(text)
    assert len(tries) == 3
    assert len(set(tries)) == 1
    assert _said(anyone) == [text]
    assert anyone.shown() == [one["text"] for one in anyone.history()["messages"]]


def test_a_refusal_for_a_while_is_tried_again(anyone: Visitor) -> None:
    tries: list[str] = []

    def busy(route: Route) -> None:
        tries.append(route.request.post_data_json["id"])
        if len(tries) > 1:
            route.continue_()
            return
        body = '{"error": "not_ready", "message": "Please wait a moment."}'
        route.fulfill(status=503, headers={"Retry-After": "1", "Content-Type": "application/json"}, body=body)

    anyone.page.route(MESSAGES, busy)
    anyone.page.fill("#answer", "I want to talk to a real person.")
    anyone.page.press("#answer", "Enter")
    expect(anyone.page.locator("#banner")).to_contain_text("Please wait a moment.")
    expect(anyone.page.locator("#banner")).to_be_hidden()
    assert len(tries) == 2
    assert len(set(tries)) == 1


def test_the_person_may_try_at_once(anyone: Visitor) -> None:
    anyone.page.clock.install()
    anyone.page.reload()
    anyone.page.route(MESSAGES, lambda route: route.abort())
    anyone.page.fill("#answer", "I want to talk to a real person.")
    anyone.page.press("#answer", "Enter")
    expect(anyone.page.locator("#again button")).to_be_visible()
    anyone.page.unroute(MESSAGES)
    anyone.after(lambda: anyone.page.click("#again button"))
    assert anyone.state()["outcome"] == "handed_to_human"


def test_one_answer_is_on_its_way_at_a_time(anyone: Visitor) -> None:
    under_way = 0
    most = 0

    def begun(request: Request) -> None:
        nonlocal under_way, most
        under_way += request.method == "POST"
        most = max(most, under_way)

    def done(request: Request) -> None:
        nonlocal under_way
        under_way -= request.method == "POST"

    anyone.page.on("request", begun)
    anyone.page.on("requestfinished", done)
    for text in ("My name is misspelled on my card.", "It is the I-485.", "IOE0912345678"):
        anyone.page.fill("#answer", text)
        anyone.page.press("#answer", "Enter")
    expect(anyone.page.locator("#messages > li.person")).to_have_count(3)
    for _ in range(100):
        if not anyone.stored().get("queue"):
            break
        anyone.page.wait_for_timeout(100)
    anyone.settle()
    assert most == 1
    assert _said(anyone) == ["My name is misspelled on my card.", "It is the I-485.", "IOE0912345678"]


def test_somebody_who_waits_is_told_so(anyone: Visitor) -> None:
    held: list[Route] = []
    anyone.page.route(MESSAGES, lambda route: held.append(route))
    anyone.page.fill("#answer", "I want to talk to a real person.")
    anyone.page.press("#answer", "Enter")
    expect(anyone.page.locator("#waiting")).to_be_visible()
    assert anyone.page.locator("#waiting").get_attribute("aria-live") is None
    anyone.after(lambda: held[0].continue_())
    expect(anyone.page.locator("#waiting")).to_be_hidden()


def test_a_double_press_is_one_answer(person: Visitor) -> None:
    person.be_at("requester_role")
    button = person.page.locator("#choices button").first
    person.after(lambda: button.dblclick())
    assert len({post["id"] for post in person.posts if "payload" in post}) == 1
    person.page.wait_for_timeout(300)
    assert sum("payload" in post for post in person.posts) == 1


def test_the_same_message_twice_at_the_same_moment(anyone: Visitor) -> None:
    answers: list[httpx.Response] = []
    cookies = {"guide_session": anyone.token}

    def post() -> None:
        body = {"id": "twice", "text": "I want to talk to a real person."}
        answers.append(httpx.post(f"{anyone.base}/chat/messages", json=body, cookies=cookies, timeout=30))

    threads = [threading.Thread(target=post) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.text for answer in answers}) == 1
    assert _said(anyone) == ["I want to talk to a real person."]


def test_reload_and_second_tab_show_the_same(person: Visitor) -> None:
    person.say(OPENINGS["submitted"][person.language])
    shown, buttons, step = person.shown(), person.buttons(), person.page.inner_text("#ask")
    other = person.context.new_page()
    person.watch(other)
    other.goto(f"{person.base}/chat/")
    for page in (other, person.page):
        if page is person.page:
            page.reload()
        assert [text.strip() for text in page.locator("#messages > li > p[dir]").all_inner_texts()] == shown
        assert page.locator("#choices button").all_inner_texts() == buttons
        assert page.inner_text("#ask") == step


def test_an_answer_in_a_second_tab_arrives_in_the_first(anyone: Visitor) -> None:
    first = anyone.page
    anyone.page = anyone.context.new_page()
    anyone.watch(anyone.page)
    anyone.open().say(OPENINGS["submitted"]["en"])
    shown = anyone.shown()
    anyone.page = first
    with first.expect_response(PARTS):
        first.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(first.locator("#messages > li")).to_have_count(len(shown))
    assert anyone.shown() == shown


def test_a_conversation_that_ended_elsewhere(anyone: Visitor) -> None:
    anyone.say(OPENINGS["submitted"]["en"])
    headers = {"Authorization": f"Bearer {anyone.token}"}
    assert httpx.delete(f"{anyone.base}/chat/session", headers=headers).status_code == 204
    anyone.page.fill("#answer", "hello?")
    anyone.page.press("#answer", "Enter")
    expect(anyone.page.locator("#banner")).to_contain_text("has closed")
    assert anyone.page.input_value("#answer") == "hello?", "what was written is not lost"
    anyone.page.reload()
    expect(anyone.page.locator("#banner")).to_contain_text("no longer open")
    assert len(anyone.shown()) == 1


def test_an_upload_that_gets_no_answer_comes_to_an_end(anyone: Visitor) -> None:
    """The person is told, the file is still chosen, and may be sent again."""
    anyone.page.clock.install()
    anyone.page.reload()
    anyone.say(OPENINGS["submitted"]["en"])
    held: list[Route] = []
    anyone.page.route("**/chat/documents", lambda route: held.append(route))
    anyone.page.click("#papers > summary")
    anyone.page.set_input_files("#file", {"name": "notice.png", "mimeType": "image/png", "buffer": PNG})
    anyone.page.click("#upload button")
    expect(anyone.page.locator("#sent")).to_be_visible()
    anyone.page.clock.fast_forward(50_000)
    expect(anyone.page.locator("#sent"), "there is patience").to_be_visible()
    anyone.page.clock.fast_forward(200_000)
    expect(anyone.page.locator("#banner")).to_contain_text("was not added")
    expect(anyone.page.locator("#sent")).to_be_hidden()
    assert len(held) == 1
    anyone.page.unroute("**/chat/documents")
    assert anyone.page.evaluate("document.getElementById('file').files.length") == 1
    anyone.page.click("#upload button")
    expect(anyone.page.locator("#papers form[action='/chat/remove'] li")).to_have_count(1)


def test_the_server_is_away_at_the_first_visit(browser: Browser, base: str, language: str) -> None:
    with visitor(browser, base, language) as somebody:
        calls = 0

        def away(route: Route) -> None:
            nonlocal calls
            calls += 1
            if calls > 1:
                route.continue_()
            else:
                # Not shown to anybody: so no conversation is opened, as when the engine is away.
                response = route.fetch(headers={**route.request.headers, "sec-fetch-mode": "cors"})
                route.fulfill(response=response)

        somebody.page.route(re.compile(r"/chat/$"), away)
        somebody.open()
        assert len(somebody.shown()) == 1
        assert somebody.token


def test_a_browser_that_keeps_no_cookie(browser: Browser, base: str) -> None:
    """As in a frame of another site: the session stays in the tab, and survives a reload."""
    with visitor(browser, base, "en") as person:

        def without_cookie(route: Route) -> None:
            asked = route.request
            headers = {name: value for name, value in asked.headers.items() if name != "cookie"}
            answer = httpx.request(asked.method, asked.url, headers=headers, content=asked.post_data_buffer)
            dropped = ("set-cookie", "content-encoding", "content-length")
            kept = {name: value for name, value in answer.headers.items() if name not in dropped}
            route.fulfill(status=answer.status_code, headers=kept, body=answer.content)

        person.context.route(f"{base}/chat/**", without_cookie)
        person.open()
        text = OPENINGS["submitted"]["en"]
        person.page.fill("#answer", text)
        person.page.press("#answer", "Enter")
        expect(person.page.locator("#messages > li.person")).to_have_count(1)
        expect(person.page.locator("#messages > li.guide")).not_to_have_count(1)
        person.settle()
        shown = person.shown()
        token = person.stored()["token"]
        history = httpx.get(f"{base}/chat/history", headers={"Authorization": f"Bearer {token}"}).json()
        assert [one["text"] for one in history["messages"]] == shown
        assert len({post["id"] for post in person.posts}) == 1
        person.page.reload()
        expect(person.page.locator("#messages > li")).to_have_count(len(shown))
        assert person.shown() == shown
        assert person.complaints == []
