"""What was said, shown again in another language, and with English beside it; by default as it was said, no more."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import Any

import httpx
import pytest

from tests.gateway.conftest import FrontDoor, Person, open_conversation
from tests.gateway.fake_rasa import BUTTON, GREETING

LANGUAGES = tuple(GREETING)
REPLY = {"key", "text", "language", "buttons", "attachments"}


def look_back(person: Person, **query: str) -> dict[str, Any]:
    response = person.client.get("/chat/history", params=query, headers=person.headers)
    assert response.status_code == 200, response.text
    return dict(response.json())


def said(history: dict[str, Any], by: str) -> list[dict[str, Any]]:
    return [message for message in history["messages"] if message["from"] == by]


def test_by_default_nothing_more_than_the_contract_has(client: httpx.Client) -> None:
    person = open_conversation(client)
    answer = person.say("done", "1").json()
    history = person.history().json()
    assert set(answer) == {"id", "replies", "state"}
    for reply in [*person.opened["greeting"], *answer["replies"], *said(history, "guide")]:
        assert set(reply) - {"from", "at"} <= REPLY
    assert history == look_back(person)
    assert "[zh-Hans]" not in json.dumps([person.opened, answer, history])


@pytest.mark.parametrize("language", LANGUAGES)
def test_looking_back_in_another_language(client: httpx.Client, language: str) -> None:
    person = open_conversation(client, language="en")
    person.say("hello there", "1")
    person.say("done", "2")
    before, after = look_back(person), look_back(person, language=language)
    greeting, echo, done = said(after, "guide")
    assert greeting["text"] == GREETING[language]
    prefix = "" if language == "en" else f"[{language}] "
    assert greeting["buttons"] == [{"title": prefix + BUTTON["title"], "payload": BUTTON["payload"]}]
    assert echo["text"] == f"{prefix}2: hello there"
    assert [item["title"] for item in done["attachments"]] == [
        f"{prefix}{title}" for title in ("Your request", "Calendar", "USCIS")
    ]
    assert {reply["language"] for reply in said(after, "guide")} == {language}
    assert said(after, "person") == said(before, "person"), "the person's own words stay"
    assert after["state"] == before["state"], "and so does the language of the talk"


def test_a_file_comes_in_the_language_that_is_read(client: httpx.Client) -> None:
    person = open_conversation(client, language="en")
    person.say("done", "1")
    files = {}
    for language in LANGUAGES:
        (done,) = [item for item in said(look_back(person, language=language), "guide") if "attachments" in item]
        url = next(item["url"] for item in done["attachments"] if item["url"].endswith(".ics"))
        files[language] = client.get(url, headers=person.headers)
        assert done["attachments"][-1]["url"] == "https://egov.uscis.gov/"
    assert {response.status_code for response in files.values()} == {200}
    assert len({response.text for response in files.values()}) == 3


@pytest.mark.parametrize("language", LANGUAGES)
def test_english_beside_it(client: httpx.Client, language: str) -> None:
    opened = client.post("/chat/session", params={"beside": "en"}, json={"language": language}).json()
    person = Person(client, opened)
    answers = [
        client.post("/chat/messages", params={"beside": "en"}, json={"id": "1", "text": "done"}, headers=person.headers)
        for _ in range(2)
    ]
    assert answers[0].json() == answers[1].json(), "the same message again"
    shown = said(look_back(person, beside="en"), "guide")
    replies = [*opened["greeting"], *answers[0].json()["replies"]]
    english = said(look_back(person, language="en"), "guide")
    for reply, again, alone in zip(replies, shown, english, strict=True):
        assert reply["language"] == language
        assert reply["beside"] == again["beside"]
        assert reply["beside"] == {
            "language": "en",
            "text": alone["text"],
            "buttons": [button["title"] for button in alone.get("buttons", [])],
            "attachments": [item["title"] for item in alone.get("attachments", [])],
        }
    # Without being asked for, it is not there, also for the same message.
    assert "beside" not in json.dumps(person.say("done", "1").json())


def test_both_at_once(client: httpx.Client) -> None:
    person = open_conversation(client, language="zh-Hans")
    (greeting,) = said(look_back(person, language="zh-Hant", beside="en"), "guide")
    assert (greeting["text"], greeting["beside"]["text"]) == (GREETING["zh-Hant"], GREETING["en"])


@pytest.mark.parametrize("name", ["language", "beside"])
@pytest.mark.parametrize("value", ["fr", "", "EN", "zh"])
def test_no_language_of_ours(client: httpx.Client, name: str, value: str) -> None:
    person = open_conversation(client)
    response = client.get("/chat/history", params={name: value}, headers=person.headers)
    assert (response.status_code, response.json()["error"]) == (400, "malformed")


def test_answers_from_before_are_shown_as_they_were(client: httpx.Client, door: FrontDoor) -> None:
    door.rasa.old = True
    try:
        person = open_conversation(client, language="zh-Hans")
        person.say("done", "1")
    finally:
        door.rasa.old = False
    with closing(sqlite3.connect(door.data / "gateway.db")) as database, database:
        # As the row was written before there was such a column.
        database.execute("UPDATE messages SET wording = NULL WHERE message_id = 'm:1'")
    assert look_back(person, language="en", beside="en") == look_back(person)
    answer = client.post("/chat/messages", params={"beside": "en"}, json={"id": "1", "text": "done"},
                         headers=person.headers)  # fmt: skip
    assert answer.json() == person.say("done", "1").json()


def test_a_stopped_request_leaves_no_words_behind(client: httpx.Client, door: FrontDoor) -> None:
    person = open_conversation(client)
    person.say("my name is Amara", "1")
    person.say("stop", "2")
    with closing(sqlite3.connect(door.data / "gateway.db")) as database:
        kept = database.execute("SELECT wording FROM messages WHERE wording LIKE '%Amara%'").fetchall()
    assert kept == []
