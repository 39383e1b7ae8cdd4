"""What the call console may do at the front door, and what nobody else may."""

from __future__ import annotations

import json
import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.gateway.conftest import FrontDoor, Person, caller, open_conversation
from tests.gateway.fake_rasa import GREETING, FakeRasaServer

SECRET = "console-secret-for-tests"
NUMBER, BORN = "IOE0912345678", "1985-03-27"
ROUTES = [
    ("POST", "conversations"),
    ("DELETE", "conversation"),
    ("POST", "lookup"),
    ("POST", "open"),
    ("POST", "messages"),
    ("GET", "state"),
    ("GET", "history"),
    ("POST", "code"),
    ("POST", "close"),
]


@pytest.fixture(scope="module")
def door(engine: FakeRasaServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FrontDoor]:
    """A front door that knows a call console."""
    data = tmp_path_factory.mktemp("assist")
    running = FrontDoor(engine, data, GUIDE_SESSIONS_PER_MINUTE="10000", GUIDE_CONSOLE_SECRET=SECRET)
    yield running
    running.stop()


class Desk:
    """A call-taker with at most one open case."""

    def __init__(self, client: httpx.Client, taker: str | None = None) -> None:
        self.client = client
        self.headers = {"Authorization": f"Bearer {SECRET}", "X-Guide-Agent": taker or uuid.uuid4().hex}

    def ask(self, method: str, path: str, body: Any = None, expect: int = 200, **query: str) -> Any:
        response = self.client.request(
            method, f"/internal/assist/{path}", json=body, headers=self.headers, params=query
        )
        assert response.status_code == expect, (response.status_code, response.text)
        return response.json() if response.content else None

    def _taken(self, opened: dict[str, Any]) -> dict[str, Any]:
        self.headers["X-Guide-Session"] = opened["session"]
        return opened

    def begin(self, language: str = "en") -> dict[str, Any]:
        return self._taken(self.ask("POST", "conversations", {"language": language}, 201))

    def find(self, **by: str) -> list[dict[str, Any]]:
        return list(self.ask("POST", "lookup", by)["matches"])

    def take(self, match: dict[str, Any]) -> dict[str, Any]:
        return self._taken(self.ask("POST", "open", {"ref": match["ref"]}, 201))

    def say(self, expect: int = 200, message_id: str = "", **what: Any) -> Any:
        return self.ask("POST", "messages", {"id": message_id or uuid.uuid4().hex, **what}, expect)

    def code(self) -> str:
        return str(self.ask("POST", "code", expect=201)["resume_code"])


@pytest.fixture
def desk(client: httpx.Client) -> Desk:
    return Desk(client)


def person_with_a_case(client: httpx.Client, number: str, born: str = BORN) -> Person:
    person = open_conversation(client)
    person.say(f"case {number} {born}", "1")
    return person


def a_number() -> str:
    return f"IOE{uuid.uuid4().int % 10**10:010d}"


# ---- who may


@pytest.mark.parametrize(("method", "path"), ROUTES)
@pytest.mark.parametrize("shown", [None, "Bearer", "Bearer wrong", f"Basic {SECRET}", f"Bearer {SECRET}x"])
def test_only_with_the_secret(client: httpx.Client, method: str, path: str, shown: str | None) -> None:
    person = open_conversation(client)
    headers = {"X-Guide-Session": person.opened["session"], "X-Guide-Agent": "a7"}
    if shown is not None:
        headers["Authorization"] = shown
    response = client.request(method, f"/internal/assist/{path}", headers=headers)
    assert (response.status_code, response.json()["error"]) == (401, "no_session")


def test_without_a_secret_in_the_settings_there_is_no_way_in(engine: FakeRasaServer, tmp_path: Path) -> None:
    door = FrontDoor(engine, tmp_path)
    try:
        for method, path in ROUTES:
            for shown in ("Bearer", f"Bearer {SECRET}"):
                headers = {"Authorization": shown}
                url = f"{door.url}/internal/assist/{path}"
                assert httpx.request(method, url, headers=headers, trust_env=False).status_code == 404
    finally:
        door.stop()


@pytest.mark.parametrize(
    ("method", "path"), [route for route in ROUTES if route[1] not in ("conversations", "lookup", "open")]
)
@pytest.mark.parametrize("session", ["", "nonsense"])
def test_only_in_an_open_case(desk: Desk, method: str, path: str, session: str) -> None:
    desk.headers["X-Guide-Session"] = session
    body = {"id": "1", "text": "hello"} if method == "POST" else None
    assert desk.ask(method, path, body, 401)["error"] == "no_session"


def test_the_person_on_the_page_hears_nothing_of_it(client: httpx.Client) -> None:
    person = person_with_a_case(client, a_number())
    answer = person.say("hello", "2").json()
    assert set(answer) == {"id", "replies", "state"}
    assert "origins" not in json.dumps([answer, person.history().json()])
    payload = {"id": "3", "payload": '/inform{"jump": "email"}'}
    assert person.post("/chat/messages", payload).json()["error"] == "unknown_payload"


# ---- a call


@pytest.mark.parametrize("language", list(GREETING))
def test_a_call_begins_in_the_language_of_the_caller(desk: Desk, language: str) -> None:
    opened = desk.begin(language)
    (greeting,) = opened["replies"]
    assert (greeting["text"], greeting["beside"]["text"]) == (GREETING[language], GREETING["en"])
    assert opened["language"] == opened["state"]["language"] == language
    first = opened["questions"][0]
    assert (first["slot"], first["status"], first["needed"], first["can"]) == ("grounds", "asking", True, [])
    assert first["label_en"] == "Problem"
    assert (first["label"] == "Problem") == (language == "en")
    assert opened["needed"][0] == "grounds"


def test_what_is_said_is_answered_with_everything_beside_it(desk: Desk) -> None:
    desk.begin("zh-Hans")
    view = desk.say(text=f"case {NUMBER} {BORN}", message_id="1")
    assert [reply["beside"]["language"] for reply in view["replies"]] == ["en"]
    shown = {item["slot"]: item for item in view["questions"]}
    assert (shown["date_of_birth"]["how"], shown["date_of_birth"]["value_en"]) == ("volunteered", "March 27, 1985")
    assert shown["date_of_birth"]["value"] == "1985年3月27日"
    assert (shown["full_name"]["how"], shown["full_name"]["can"]) == ("record", ["change"])
    assert shown["email"]["can"] == ["jump"]
    assert not {"receipt_numbers", "date_of_birth", "full_name"} & set(view["needed"])
    assert "Amara Okafor" in view["summary"]
    assert NUMBER in view["summary"]
    again = desk.say(text="something else", message_id="1")
    assert again["replies"] == view["replies"], "the same message again"
    state = desk.ask("GET", "state")
    assert {name: state[name] for name in view if name != "id"} == {name: view[name] for name in view if name != "id"}
    assert state["replies"] == view["replies"]


def test_an_action_does_what_its_key_says(desk: Desk, door: FrontDoor) -> None:
    desk.begin("zh-Hant")
    for do, sent in {
        "back": "/go_back",
        "unknown": "/unsure",
        "why": '/inform{"ask": "why"}',
        "simpler": "/repeat_question",
        "skip": "/skip",
        "next": '/inform{"jump": ""}',
    }.items():
        desk.say(action={"do": do})
        assert (door.rasa.turns[-1]["event"], door.rasa.turns[-1]["text"]) == ("payload", sent)
    desk.say(action={"do": "jump", "slot": "email"})
    assert door.rasa.turns[-1]["text"] == '/inform{"jump": "email"}'
    desk.say(action={"do": "language", "language": "zh-Hans"})
    assert door.rasa.turns[-1]["text"] == '/switch_language{"language":"zh-Hans"}'
    desk.say(text=f"case {NUMBER} {BORN}")
    desk.say(action={"do": "change", "slot": "date_of_birth"})
    assert door.rasa.turns[-1]["text"] == '/change_answer{"answer_name": "date_of_birth"}'
    said = [message["text"] for message in desk.ask("GET", "history")["messages"] if message["from"] == "person"]
    assert said[:2] == ["回到上一題", "不知道"]
    assert not any(text.startswith("/") for text in said), "what a caller reads later is no payload"


@pytest.mark.parametrize(
    ("action", "status", "code"),
    [
        ({"do": "jump", "slot": "date_of_birth"}, 409, "not_open"),
        ({"do": "jump", "slot": "grounds"}, 409, "not_open"),
        ({"do": "jump", "slot": "representative_name"}, 409, "not_open"),
        ({"do": "jump", "slot": "review"}, 409, "not_open"),
        ({"do": "jump", "slot": 'email"}'}, 409, "not_open"),
        ({"do": "change", "slot": "email"}, 409, "not_open"),
        ({"do": "jump"}, 400, "malformed"),
        ({"do": "change", "slot": 7}, 400, "malformed"),
        ({"do": "erase"}, 400, "malformed"),
        ({"do": ["back"]}, 400, "malformed"),
        ({"do": "language", "language": "fr"}, 400, "malformed"),
        ({}, 400, "malformed"),
        ("back", 400, "malformed"),
    ],
)
def test_what_cannot_be_done_now(desk: Desk, action: Any, status: int, code: str) -> None:
    desk.begin()
    desk.say(text=f"case {NUMBER} {BORN}")
    assert desk.say(status, action=action)["error"] == code


def test_an_action_sent_again_gives_the_same_answer(desk: Desk, door: FrontDoor) -> None:
    """Also when by now the question is answered, so that the same action would be refused."""
    desk.begin()
    first = desk.say(action={"do": "jump", "slot": "date_of_birth"}, message_id="j")
    desk.say(text=f"case {NUMBER} {BORN}")
    turns = len(door.rasa.turns)
    assert desk.say(action={"do": "jump", "slot": "date_of_birth"}, message_id="j")["replies"] == first["replies"]
    assert len(door.rasa.turns) == turns


@pytest.mark.parametrize(
    "body", [{}, {"id": "1"}, {"id": "1", "text": ""}, {"id": "1", "text": "a", "action": {"do": "back"}}]
)
def test_a_malformed_message(desk: Desk, body: dict[str, Any]) -> None:
    desk.begin()
    desk.ask("POST", "messages", body, 400)


def test_a_payload_must_have_been_shown(desk: Desk) -> None:
    desk.begin()
    assert desk.say(400, payload="/affirm")["error"] == "unknown_payload"
    assert desk.say(payload='/inform{"grounds": "delay"}')["replies"]


# ---- finding a case again


def test_found_by_receipt_number_and_date_of_birth(client: httpx.Client, desk: Desk) -> None:
    number = a_number()
    person = person_with_a_case(client, number)
    (match,) = desk.find(receipt_number=f"{number[:3].lower()} {number[3:7]}-{number[7:]}", date_of_birth=BORN)
    assert set(match) == {
        *("ref", "case", "begun_at", "active_at", "language", "begun_on", "step", "steps", "asking", "outcome")
    }
    assert match["begun_on"] == "page"
    assert not {number, BORN, "Amara"} & set(json.dumps(match).split('"')), "nothing personal before it is opened"
    opened = desk.take(match)
    assert (opened["case"], opened["begun_on"]) == (match["case"], "page")
    assert opened["state"]["asking"] == person.history().json()["state"]["asking"]
    assert opened["state"]["answers"]["receipt_numbers"] == [number]
    assert person.say("still here", "2").status_code == 200, "the person's own session stays alive"
    assert desk.say(text="hello")["replies"]


@pytest.mark.parametrize(
    ("typed", "born"),
    [("CA-2345-6789-ABCD", "1971-01-01"), ("ca 2345 6789 abcd", "1972-02-02"), ("CA23456789ABCD", "1973-03-03")],
)
def test_found_by_tracking_number_and_a_proof(client: httpx.Client, typed: str, born: str) -> None:
    number = a_number()
    person = person_with_a_case(client, number, born)
    (one, two) = (Desk(client), Desk(client))
    for desk, proof in ((one, {"receipt_number": number}), (two, {"date_of_birth": born})):
        desk.ask("POST", "lookup", {"tracking_number": typed, **proof}, 404)
    person.say("submit CA-2345-6789-ABCD", "2")
    for desk, proof in ((one, {"receipt_number": number.lower()}), (two, {"date_of_birth": born})):
        desk.ask("POST", "lookup", {"tracking_number": "CA-2345-6789-ABCE", **proof}, 404)
        opened = desk.take(desk.find(tracking_number=typed, **proof)[0])
        assert opened["state"]["answers"]["receipt_numbers"] == [number]
    one.ask("POST", "lookup", {"tracking_number": typed, "receipt_number": a_number()}, 404)


def test_tries_are_limited_for_each_tracking_number(client: httpx.Client) -> None:
    for day in range(1, 11):
        body = {"tracking_number": "CA-3333-4444-5555", "date_of_birth": f"1970-01-{day:02}"}
        Desk(client).ask("POST", "lookup", body, 404)
    Desk(client).ask("POST", "lookup", {"tracking_number": "CA-3333-4444-5555", "date_of_birth": BORN}, 429)


def test_each_number_of_several_and_each_case_of_a_person(client: httpx.Client, desk: Desk) -> None:
    one, two = a_number(), a_number()
    person_with_a_case(client, f"{one} {two}")
    second = Desk(client)
    second.begin()
    second.say(text=f"case {two} {BORN}")
    assert len(desk.find(receipt_number=one, date_of_birth=BORN)) == 1
    assert [match["begun_on"] for match in desk.find(receipt_number=two, date_of_birth=BORN)] == ["console", "page"]


def test_a_corrected_number_no_longer_leads_there(client: httpx.Client, desk: Desk) -> None:
    old, new = a_number(), a_number()
    person = person_with_a_case(client, old)
    person.say(f"case {new} {BORN}", "2")
    assert desk.ask("POST", "lookup", {"receipt_number": old, "date_of_birth": BORN}, 404)
    assert len(desk.find(receipt_number=new, date_of_birth=BORN)) == 1


@pytest.mark.parametrize("ending", ["erased", "stopped", "erased by the call-taker"])
def test_an_erased_case_is_not_found(client: httpx.Client, desk: Desk, door: FrontDoor, ending: str) -> None:
    number = a_number()
    person = person_with_a_case(client, number)
    if ending == "erased":
        client.delete("/chat/session", headers=person.headers)
    elif ending == "stopped":
        person.say("stop", "2")
    else:
        desk.take(desk.find(receipt_number=number, date_of_birth=BORN)[0])
        desk.ask("DELETE", "conversation", expect=204)
    desk.ask("POST", "lookup", {"receipt_number": number, "date_of_birth": BORN}, 404)
    if ending != "stopped":
        assert person.history().status_code == 401
    with closing(sqlite3.connect(door.data / "gateway.db")) as database:
        left = database.execute(
            "SELECT 1 FROM case_fingerprints WHERE conversation_id NOT IN (SELECT id FROM conversations)"
        ).fetchall()
    assert left == []


def test_only_a_keyed_hash_is_kept(client: httpx.Client, door: FrontDoor) -> None:
    number = a_number()
    person_with_a_case(client, number)
    with closing(sqlite3.connect(door.data / "gateway.db")) as database:
        rows = database.execute("SELECT fingerprint FROM case_fingerprints").fetchall()
    assert rows
    assert all(len(row[0]) == 64 and number not in row[0] for row in rows)


def test_wrong_and_unknown_are_answered_alike(client: httpx.Client, desk: Desk) -> None:
    number = a_number()
    person_with_a_case(client, number)
    answers = [
        desk.ask("POST", "lookup", body, 404)
        for body in (
            {"receipt_number": number, "date_of_birth": "1985-03-28"},
            {"receipt_number": a_number(), "date_of_birth": BORN},
            {"resume_code": "AAAA-BBBB-CCCC-DDDD"},
            {"resume_code": "no code at all"},
        )
    ]
    assert [answer["error"] for answer in answers] == ["unknown_case"] * 4
    assert len({json.dumps(answer) for answer in answers}) == 1


def test_tries_are_limited_for_each_call_taker(client: httpx.Client) -> None:
    number = a_number()
    person_with_a_case(client, number)
    desk = Desk(client)
    for _ in range(10):
        desk.ask("POST", "lookup", {"receipt_number": a_number(), "date_of_birth": BORN}, 404)
    refused = desk.ask("POST", "lookup", {"receipt_number": number, "date_of_birth": BORN}, 429)
    assert refused["error"] == "too_many_lookups"
    assert desk.ask("POST", "lookup", {"resume_code": "AAAA-BBBB-CCCC-DDDD"}, 429)
    assert len(Desk(client).find(receipt_number=number, date_of_birth=BORN)) == 1, "others may go on"


def test_tries_are_limited_for_each_receipt_number(client: httpx.Client) -> None:
    """Whoever asks: dates of birth cannot be gone through by many call-takers, either."""
    number = a_number()
    person_with_a_case(client, number)
    for day in range(1, 11):
        Desk(client).ask("POST", "lookup", {"receipt_number": number, "date_of_birth": f"1970-01-{day:02}"}, 404)
    assert Desk(client).ask("POST", "lookup", {"receipt_number": number, "date_of_birth": BORN}, 429)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"receipt_number": NUMBER},
        {"date_of_birth": BORN},
        {"resume_code": 7},
        {"receipt_number": "IOE1", "date_of_birth": BORN},
        {"receipt_number": NUMBER, "date_of_birth": "27 March"},
        {"receipt_number": NUMBER, "date_of_birth": BORN, "resume_code": "AAAA-BBBB-CCCC-DDDD"},
        {"tracking_number": "CA-2345-6789-ABCD"},
        {"tracking_number": "CA-2345-6789-ABCD", "receipt_number": "IOE1"},
        {"tracking_number": "!", "date_of_birth": BORN},
        {"tracking_number": "CA-2345-6789-ABCD", "receipt_number": NUMBER, "date_of_birth": BORN},
    ],
)
def test_a_malformed_lookup(desk: Desk, body: dict[str, Any]) -> None:
    assert desk.ask("POST", "lookup", body, 400)["error"] == "malformed"


def test_a_lookup_must_say_for_whom(desk: Desk) -> None:
    del desk.headers["X-Guide-Agent"]
    desk.ask("POST", "lookup", {"receipt_number": NUMBER, "date_of_birth": BORN}, 400)


@pytest.mark.parametrize("ref", [None, "", "nonsense", 7])
def test_a_reference_cannot_be_made_up(desk: Desk, ref: object) -> None:
    assert desk.ask("POST", "open", {"ref": ref}, 404)["error"] == "unknown_case"


def test_the_link_of_a_file_is_no_reference(client: httpx.Client, desk: Desk) -> None:
    person = open_conversation(client)
    url = person.say("done", "1").json()["replies"][0]["attachments"][0]["url"]
    desk.ask("POST", "open", {"ref": url.split("/")[3]}, 404)


# ---- from one place to another


def test_from_the_page_to_the_desk_and_back(client: httpx.Client, desk: Desk) -> None:
    person = open_conversation(client, language="zh-Hans")
    person.say("hello", "1")
    before = person.history().json()["state"]["asking"]
    code = person.post("/chat/save").json()["resume_code"]
    (match,) = desk.find(resume_code=code.lower().replace("-", " "))
    opened = desk.take(match)
    assert opened["state"]["asking"] == before
    assert opened["language"] == "zh-Hans"
    assert person.history().status_code == 401, "who has the code goes on with it"
    desk.ask("POST", "open", {"ref": match["ref"]}, 404)
    desk.ask("POST", "lookup", {"resume_code": code}, 404)
    at_home = open_conversation(client, resume_code=desk.code())
    assert at_home.opened["state"]["asking"] == before
    desk.ask("GET", "state", expect=401)


def test_the_desk_needs_no_year_of_birth_and_opens_a_locked_code(
    door: FrontDoor, client: httpx.Client, desk: Desk
) -> None:
    """Staff are signed in, and every look-up is written down; a person who is locked out calls them."""
    person = open_conversation(client)
    person.say("hello", "1")
    for locked in (False, True):
        code = person.post("/chat/save", {"birth_year": 1978}).json()["resume_code"]
        for year in range(1950, 1955) if locked else ():
            with caller(door, year - 1700) as stranger:
                body = {"resume_code": code, "birth_year": year}
                assert stranger.post("/chat/session", json=body).status_code == 404
        if locked:
            body = {"resume_code": code, "birth_year": 1978}
            assert client.post("/chat/session", json=body).json()["error"] == "code_locked"
        (match,) = desk.find(resume_code=code)
        desk.take(match)
        person = open_conversation(client, resume_code=desk.code())
        assert "hello" in [item["text"] for item in person.history().json()["messages"]]


def test_a_reference_opens_the_case_again_and_uses_no_code_up(client: httpx.Client, desk: Desk) -> None:
    reference = desk.begin("zh-Hant")["reference"]
    desk.say(text="hello")
    code = desk.code()
    desk.ask("POST", "close", expect=204)
    desk.take({"ref": reference})
    desk.ask("POST", "close", expect=204)
    at_home = open_conversation(client, resume_code=code)
    again = desk.take({"ref": reference})
    assert (again["state"]["asking"], again["begun_on"]) == (at_home.opened["state"]["asking"], "console")
    assert at_home.say("still here", "2").status_code == 200


def test_a_reference_ends_with_the_case(client: httpx.Client, desk: Desk) -> None:
    reference = desk.begin()["reference"]
    desk.ask("DELETE", "conversation", expect=204)
    desk.ask("POST", "open", {"ref": reference}, 404)


def test_a_case_that_is_gone_on_with_at_home_is_kept_as_long(client: httpx.Client, desk: Desk, door: FrontDoor) -> None:
    """So that a call-back that was agreed on does not come too late."""
    number = a_number()
    desk.begin()
    desk.say(text=f"case {number} {BORN}")
    open_conversation(client, resume_code=desk.code())
    with closing(sqlite3.connect(door.data / "gateway.db")) as database:
        ((days,),) = database.execute(
            "SELECT (MAX(sessions.expires_at) - MAX(conversations.created_at)) / 86400000.0 FROM sessions"
            " JOIN conversations ON conversations.id = sessions.conversation_id"
            " WHERE conversations.id = (SELECT id FROM conversations ORDER BY created_at DESC LIMIT 1)"
        ).fetchall()
    assert 29 < days < 31


def test_from_one_call_to_the_next(client: httpx.Client, desk: Desk) -> None:
    number = a_number()
    desk.begin()
    desk.say(text=f"case {number} {BORN}")
    desk.ask("POST", "close", expect=204)
    desk.ask("GET", "state", expect=401)
    other = Desk(client)
    opened = other.take(other.find(receipt_number=number, date_of_birth=BORN)[0])
    assert opened["state"]["answers"]["receipt_numbers"] == [number]


def test_a_call_that_broke_off_is_kept_as_long_as_a_saved_case(
    client: httpx.Client, desk: Desk, door: FrontDoor
) -> None:
    number = a_number()
    desk.begin()
    desk.say(text=f"case {number} {BORN}")
    desk.ask("POST", "close", expect=204)
    with closing(sqlite3.connect(door.data / "gateway.db")) as database:
        (days,) = database.execute(
            "SELECT (MAX(sessions.expires_at) - MAX(conversations.created_at)) / 86400000.0 FROM sessions"
            " JOIN conversations ON conversations.id = sessions.conversation_id"
            " JOIN case_fingerprints ON case_fingerprints.conversation_id = conversations.id"
        ).fetchone()
    assert 29 < days < 31


def test_nothing_of_a_call_in_the_log(client: httpx.Client, desk: Desk, door: FrontDoor) -> None:
    number = a_number()
    desk.begin()
    desk.say(text=f"case {number} {BORN}")
    desk.find(receipt_number=number, date_of_birth=BORN)
    log = door.log.read_text()
    assert number not in log
    assert BORN not in log
    assert SECRET not in log
