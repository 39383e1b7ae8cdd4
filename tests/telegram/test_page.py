"""From Telegram to the page and back: one-time links, two sessions on one conversation, and what is never said here."""

from __future__ import annotations

import re
import time

import httpx
import pytest

from messenger.words import Words
from tests.conversations import people as words
from tests.conversations.client import Chat
from tests.telegram.people import LINK, TAGS, go_on, link_of, open_page
from tests.telegram.test_manners import STORY
from tests.telegram.worker import Worker
from tools.bot_api.person import Person
from triage.interview import ON_THE_PAGE

WORDS = Words()


@pytest.fixture
def person(worker: Worker, language: str) -> Person:
    """Somebody whose next answers belong on the page."""
    somebody = worker.person(TAGS[language])
    somebody.say("/start")
    somebody.say(STORY[language])
    go_on(worker, somebody, language, by_buttons=True)
    assert worker.state(somebody)["asking"] == "full_name"
    return somebody


def browser(worker: Worker) -> httpx.Client:
    """A browser without a script."""
    return httpx.Client(base_url=worker.running.url, trust_env=False)


# ---- the link


def test_a_link_is_long_works_once_and_looking_at_it_does_not_count(worker: Worker, person: Person) -> None:
    path = link_of(person)
    assert path
    assert LINK.fullmatch(path)
    with browser(worker) as one:
        for _ in range(3):
            shown = one.get(path)
            assert (shown.status_code, "<script" in shown.text) == (200, False)
            assert shown.headers["cache-control"] == "no-store"
            assert one.head(path).status_code in (200, 405)
        first = one.post(path)
        assert (first.status_code, first.headers["location"]) == (303, "/chat/")
        cookie = first.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=" in cookie
        again = one.post(path)
        assert again.status_code == 404
        assert "set-cookie" not in again.headers
        assert one.get(path).status_code == 404


@pytest.mark.parametrize("path", ["x", "A" * 22, "A" * 23, "..%2f..%2fetc", "%00" * 22])
def test_other_links_lead_nowhere(worker: Worker, path: str) -> None:
    with browser(worker) as one:
        for answer in (one.get(f"/chat/continue/{path}"), one.post(f"/chat/continue/{path}")):
            assert answer.status_code == 404
            assert "set-cookie" not in answer.headers


def test_another_site_cannot_press_the_button(worker: Worker, person: Person) -> None:
    path = link_of(person)
    assert path
    with browser(worker) as one:
        assert one.post(path, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 404
        assert one.post(path, headers={"Origin": "https://evil.example"}).status_code == 404
        assert one.post(path, headers={"Sec-Fetch-Site": "same-origin"}).status_code == 303


def test_a_link_ends_after_its_minutes(worker: Worker, person: Person) -> None:
    rows = worker.front_door("SELECT expires_at FROM transfers ORDER BY expires_at DESC LIMIT 1")
    left = rows[0][0] / 1000 - time.time()
    assert 8 * 60 < left <= 10 * 60
    token = str(link_of(person)).rpartition("/")[2]
    assert all(token not in str(row) for row in worker.front_door("SELECT * FROM transfers")), "stored hashed only"


def test_a_new_link_can_be_had(worker: Worker, person: Person, language: str) -> None:
    first = link_of(person)
    person.tap(WORDS("page_link", language))  # type: ignore[arg-type]
    second = link_of(person)
    assert second
    assert second != first
    open_page(worker, person, language)


# ---- what is personal stays out of Telegram


def test_nothing_typed_here_is_taken_for_a_personal_answer(worker: Worker, person: Person, language: str) -> None:
    before = worker.state(person)["answers"]
    for text in (words.ANSWERS[language][slot] for slot in ("full_name", "date_of_birth", "email", "consent")):
        person.say(text)
        assert link_of(person), text
    after = worker.state(person)
    assert after["asking"] == "full_name"
    assert {name for name in after["answers"] if name in ON_THE_PAGE} == set()
    assert after["answers"] == before


WHO = {
    "en": "I-485, my name is Amara Okafor, born March 27 1985, a@b.org, A012345678",
    "zh-Hans": "I-485，我叫赵明华，1985年3月27日出生，邮箱 a@b.org，A012345678",
    "zh-Hant": "I-485，我叫林曉嵐，1985年3月27日出生，電郵 a@b.org，A012345678",
}
LATER = {"en": "so I did not keep them", "zh-Hans": "稍后我会发链接给您", "zh-Hant": "稍後我會傳連結給您"}
ABOUT_THE_PERSON = ("Amara", "赵明华", "林曉嵐", "1985", "a@b.org", "012345678")


def test_who_somebody_is_is_not_taken_before_it_is_asked_for(worker: Worker, language: str) -> None:
    somebody = worker.person(TAGS[language])
    somebody.say("/start")
    somebody.say(STORY[language])
    assert worker.state(somebody)["asking"] == "form_type"
    somebody.say(WHO[language])
    assert LATER[language] in somebody.text
    state = worker.state(somebody)
    assert state["answers"]["form_type"] == "I-485"
    assert ON_THE_PAGE.isdisjoint(state["answers"])
    somebody.say(WHO[language])
    somebody.say("/review")
    assert ON_THE_PAGE.isdisjoint(worker.state(somebody)["answers"])
    everything = "\n".join(sent.text for sent in worker.api.in_chat(somebody.chat))
    assert everything.count(LATER[language]) == 1
    assert not any(value in everything for value in ABOUT_THE_PERSON)


def test_a_correction_of_a_personal_answer_leads_to_the_page(worker: Worker, language: str) -> None:
    somebody = worker.person(TAGS[language])
    somebody.say("/start")
    somebody.say(STORY[language])
    somebody.give(contact={"phone_number": "+12025550123", "first_name": "Ann"})
    somebody.wait()
    page = open_page(worker, somebody, language)
    words.go_on(page, language, until="delivery")
    before = worker.state(somebody)["answers"]
    changed = {
        "en": "my email was wrong, it is a@b.org",
        "zh-Hans": "我的邮箱写错了，应该是 a@b.org",
        "zh-Hant": "我的電郵寫錯了，應該是 a@b.org",
    }
    somebody.say(changed[language])
    assert worker.state(somebody)["answers"]["email"] == before["email"]
    assert "a@b.org" not in somebody.text
    assert link_of(somebody)


def test_own_words_are_shown_only_where_they_were_written(worker: Worker, language: str) -> None:
    detail = words.ANSWERS[language]["contact_center_detail"]
    for on_the_page in (True, False):
        somebody = worker.person(TAGS[language])
        somebody.say("/start")
        somebody.say(STORY[language])
        if on_the_page:
            somebody.give(contact={"phone_number": "+12025550123", "first_name": "Ann"})
            somebody.wait()
            page = open_page(worker, somebody, language)
            words.go_on(page, language, until="case_status_online", contact_center_detail=f"{detail} 202-555-0123")
        else:
            go_on(worker, somebody, language, by_buttons=False, contact_center_detail=f"{detail} 202-555-0123")
        assert worker.state(somebody)["answers"]["contact_center_detail"] == f"{detail} 202-555-0123"
        somebody.say("/review")
        assert (WORDS("summary_hidden", language) in somebody.text) is on_the_page  # type: ignore[arg-type]
        assert (f"{detail} ******23" in somebody.text) is not on_the_page
        assert "555-0123" not in somebody.text


def test_meanwhile_questions_commands_and_emergencies_are_heard(worker: Worker, person: Person, language: str) -> None:
    person.say({"en": "Does it cost anything?", "zh-Hans": "要收费吗？", "zh-Hant": "要收費嗎？"}[language])
    assert re.search("free|免费|免費", person.text)
    assert link_of(person)
    person.say({"en": "I want to kill myself", "zh-Hans": "我想自杀", "zh-Hant": "我想自殺"}[language])
    assert "988" in person.text
    person.say("/back")
    assert worker.state(person)["asking"] != "full_name"
    assert link_of(person) is None


# ---- one conversation, two ways in


def test_both_sessions_stay_alive(worker: Worker, person: Person, language: str) -> None:
    page = open_page(worker, person, language)
    page.say(words.ANSWERS[language]["full_name"])
    person.say("/review")
    assert WORDS("summary_hidden", language) in person.text  # type: ignore[arg-type]
    assert words.ANSWERS[language]["full_name"] not in person.text
    page.say(words.ANSWERS[language]["date_of_birth"])
    assert page.answers["date_of_birth"] == "1985-03-27"
    history = page.request("GET", "/chat/history")["messages"]
    assert STORY[language] in [message["text"] for message in history if message["from"] == "person"]


def test_a_button_from_before_the_page_is_old_afterwards(worker: Worker, language: str) -> None:
    somebody = worker.person(TAGS[language])
    somebody.say("/start")
    somebody.say(STORY[language])
    data, number = somebody.find("I-485")
    somebody.give(contact={"phone_number": "+12025550123", "first_name": "Ann"})
    somebody.wait()
    page = open_page(worker, somebody, language)
    page.say("I-765")
    somebody.press(data, number)
    somebody.wait()
    assert somebody.text == WORDS("stale", language)  # type: ignore[arg-type]
    assert worker.state(somebody)["answers"]["form_type"] == "I-765"


def test_the_tracking_number_comes_back_and_files_stay_on_the_page(
    worker: Worker, person: Person, language: str
) -> None:
    page = open_page(worker, person, language)
    words.go_on(page, language)
    assert page.outcome == "submitted"
    person.wait()
    number = page.state["tracking_number"]
    assert person.text.count(number) >= 1
    assert person.last[0].protected
    assert link_of(person)
    time.sleep(0.7)
    assert len(worker.api.in_chat(person.chat)) == person.seen, "it is told once"
    everything = "\n".join(sent.text for sent in worker.api.in_chat(person.chat))
    for slot in ("full_name", "email", "signature_name"):
        assert words.ANSWERS[language][slot] not in everything
    assert "1985" not in everything
    assert "/chat/files/" not in everything
    person.say(f"/status {number}")
    assert worker.state(person)["asking"] == "request_proof"
    assert WORDS("proof_hint", language) in person.text  # type: ignore[arg-type]
    person.say("IOE0912345678")
    assert worker.state(person)["asking"] is None


def test_erased_on_the_page_is_forgotten_by_the_worker(worker: Worker, person: Person, language: str) -> None:
    page = open_page(worker, person, language)
    name = worker.seal.person(person.chat)
    page.request("DELETE", "/chat/session", expect=204)
    assert worker.api.wait(
        lambda: worker.own("SELECT count(*) FROM messenger_people WHERE person = ?", name) == [(0,)], 40
    )
    person.say("/start")
    assert person.last[0].text.startswith(WORDS("notice", language)[:40])  # type: ignore[arg-type]


def test_a_code_from_here_opens_the_page_and_the_chat_goes_on(worker: Worker, person: Person, language: str) -> None:
    person.say("/save")
    code = next(word for word in re.split(r"[\s：:]", person.text) if word.count("-") == 3)
    page = Chat(worker.running.url, language).open(code)
    assert page.asking == "full_name"
    person.say("/back")
    assert worker.state(person)["asking"] == "requester_role"


def test_a_link_takes_the_conversation_along_into_telegram(worker: Worker, person: Person, language: str) -> None:
    """Links of both directions are of one kind; the page makes its own in tests/gateway/test_to_telegram.py."""
    token = str(link_of(person)).rpartition("/")[2]
    people_before = worker.front_door("SELECT count(*) FROM conversations")
    other = worker.person("en" if language != "en" else "zh-hans")
    other.say(f"/start {token}")
    assert other.last[0].text.startswith(WORDS("notice", language)[:40])  # type: ignore[arg-type]
    assert worker.state(other)["asking"] == "full_name"
    assert worker.state(other)["answers"]["form_type"] == "I-485"
    assert worker.front_door("SELECT count(*) FROM conversations") == people_before, "none is begun in vain"
    somebody = worker.person(TAGS[language])
    somebody.say(f"/start {token}")
    assert somebody.last[0].text.startswith(WORDS("notice", language)[:40])  # type: ignore[arg-type]
    assert WORDS("arrive_gone", language) in somebody.text  # type: ignore[arg-type]
    assert worker.state(somebody)["asking"] == "grounds"
    somebody.say(f"/start {'A' * 22}")
    assert somebody.text.startswith(WORDS("arrive_gone", language))  # type: ignore[arg-type]
    assert worker.state(somebody)["asking"] == "grounds"


# ---- the way in for workers


@pytest.mark.parametrize("secret", ["", "wrong", "Bearer"])
def test_without_the_secret_there_is_no_way_in(worker: Worker, person: Person, secret: str) -> None:
    headers = {"Authorization": f"Bearer {secret}"} if secret else {}
    name = worker.seal.person(person.chat)
    with httpx.Client(base_url=worker.running.url, trust_env=False, headers=headers) as one:
        for path in ("open", "welcome", "resume", "arrive", "messages", "answers", "save", "link", "erase"):
            answer = one.post(f"/internal/people/{path}", json={"person": name, "place": "telegram"})
            assert answer.status_code == 401, path
        assert one.get("/internal/news?place=telegram").status_code == 401
    assert worker.state(person)


def test_news_wait_until_the_worker_is_there(worker: Worker, person: Person, language: str) -> None:
    page = open_page(worker, person, language)
    worker.stop()
    words.go_on(page, language)
    worker.start()
    person.wait()
    assert page.state["tracking_number"] in person.text
