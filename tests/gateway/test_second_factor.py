"""A code that was saved with a year of birth opens only together with it, and not at all after five wrong years."""

from __future__ import annotations

import datetime
import json
import statistics
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from gateway.database import open_engine
from gateway.tables import resume_codes
from gateway.tokens import Tokens
from tests.gateway.conftest import FrontDoor, Person, caller, open_conversation
from tests.gateway.fake_rasa import FakeRasaServer
from tests.postgres import postgres as postgres
from tools.postgres import Server

YEAR = 1978
MOST_WRONG = 5
UNKNOWN = "2345-6789-ABCD-EFGH"
LANGUAGES = ("en", "zh-Hans", "zh-Hant")
# Every wrong try from another address: how many come from one is limited, too.
_ADDRESSES = cycle(range(100, 250))


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def doors(
    engine: FakeRasaServer, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[list[FrontDoor]]:
    """Two processes that share a database."""
    environment = {"GUIDE_SESSIONS_PER_MINUTE": "10000"}
    if request.param == "postgresql":
        server: Server = request.getfixturevalue("postgres")
        environment["DATABASE_URL"] = server.url(server.create("second_factor"))
    data = tmp_path_factory.mktemp("doors")
    running = [FrontDoor(engine, data, **environment) for _ in range(2)]
    yield running
    for door in running:
        door.stop()


@pytest.fixture
def person(doors: list[FrontDoor]) -> Iterator[Person]:
    with httpx.Client(base_url=doors[0].url, timeout=30, trust_env=False) as client:
        somebody = open_conversation(client)
        somebody.say("remember me", "1")
        yield somebody


def save(person: Person, year: Any = YEAR) -> str:
    answer = person.post("/chat/save", {"birth_year": year})
    assert answer.status_code == 201, answer.text
    assert set(answer.json()) == {"resume_code", "expires_at"}
    return str(answer.json()["resume_code"])


def resume(door: FrontDoor, code: str, year: Any = None, language: str = "en", **more: Any) -> httpx.Response:
    body = {"resume_code": code, "language": language, **({} if year is None else {"birth_year": year}), **more}
    with caller(door, next(_ADDRESSES)) as client:
        return client.post("/chat/session", json=body)


def said(answer: httpx.Response, door: FrontDoor) -> list[str]:
    headers = {"Authorization": f"Bearer {answer.json()['session']}"}
    history = httpx.get(f"{door.url}/chat/history", headers=headers, timeout=30, trust_env=False)
    return [item["text"] for item in history.json()["messages"]]


def use_up_tries(doors: list[FrontDoor], code: str) -> None:
    for number, door in zip(range(MOST_WRONG), cycle(doors), strict=False):
        answer = resume(door, code, 1950 + number)
        assert (answer.status_code, answer.json()["error"]) == (404, "unknown_code")


# ---- opening


@pytest.mark.parametrize("typed", [1978, "1978", " 1978 ", "１９７８", "\u3000１９７８\u3000", "١٩٧٨"])
def test_code_and_year_open_it(doors: list[FrontDoor], person: Person, typed: Any) -> None:
    code = save(person, typed)
    answer = resume(doors[1], code, "1978")
    assert answer.status_code == 201
    assert "remember me" in said(answer, doors[1])
    assert person.history().status_code == 401, "the session before it has ended"
    assert resume(doors[0], code, 1978).status_code == 404, "used up"


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_code_alone_is_not_enough(doors: list[FrontDoor], person: Person, language: str) -> None:
    code = save(person)
    for _ in range(MOST_WRONG + 3):
        answer = resume(doors[0], code, language=language)
        assert (answer.status_code, answer.json()["error"]) == (400, "birth_year_needed")
    assert answer.headers["content-language"] == language
    assert {"en": "year of birth", "zh-Hans": "出生年份", "zh-Hant": "出生年份"}[language] in answer.json()["message"]
    assert resume(doors[0], code, None, birth_year=None).json()["error"] == "birth_year_needed"
    assert resume(doors[0], code, YEAR).status_code == 201, "forgetting the year is no wrong try"


THIS_YEAR = datetime.datetime.now(datetime.UTC).year
NO_YEARS = [
    "",
    " ",
    "78",
    "067",
    "民國67",
    "67年",
    "1978年",
    "19 78",
    1899,
    THIS_YEAR + 1,
    "1978.0",
    -1978,
    "x" * 90_000,
]


@pytest.mark.parametrize("year", NO_YEARS, ids=range(len(NO_YEARS)))
def test_what_is_no_year_is_said_and_not_counted(doors: list[FrontDoor], person: Person, year: Any) -> None:
    code = save(person)
    refused = [resume(doors[0], code, year, language) for language in (*LANGUAGES, *LANGUAGES)]
    refused += [person.post("/chat/save", {"birth_year": year})]
    for answer in refused:
        assert (answer.status_code, answer.json()["error"]) == (400, "bad_birth_year")
        assert "1900" in answer.json()["message"]
        assert str(THIS_YEAR) in answer.json()["message"]
    assert resume(doors[0], code, YEAR).status_code == 201, "neither a wrong try, nor saved anew"


@pytest.mark.parametrize("year", [True, 1978.0, [1978], {"year": 1978}])
def test_wrong_kinds_of_values(doors: list[FrontDoor], person: Person, year: Any) -> None:
    assert person.post("/chat/save", {"birth_year": year}).json()["error"] == "malformed"
    assert resume(doors[0], UNKNOWN, year).json()["error"] == "malformed"


def test_a_year_that_cannot_be_read_is_not_passed_over(person: Person) -> None:
    """Whoever sends one must not be told "saved" when it is saved without."""
    for content, media_type, error in (
        (b'{"birth_year": 1978}', "text/plain", "wrong_type"),
        (b"birth_year=1978", "application/x-www-form-urlencoded", "wrong_type"),
        (b'{"birth_year": 1978', "application/json", "malformed"),
    ):
        headers = {**person.headers, "Content-Type": media_type}
        assert person.client.post("/chat/save", content=content, headers=headers).json()["error"] == error


@pytest.mark.parametrize("body", [None, {}, {"birth_year": None}, {"something": "else"}])
def test_saved_without_a_year_the_code_alone_opens(doors: list[FrontDoor], person: Person, body: Any) -> None:
    """As the interface has always been; a year given then is not looked at."""
    first = person.post("/chat/save", body).json()["resume_code"]
    assert resume(doors[1], first).status_code == 201
    again = open_conversation(person.client)
    second = again.post("/chat/save", body).json()["resume_code"]
    assert resume(doors[1], second, 1950).status_code == 201


def test_saving_again_replaces_year_and_tries(doors: list[FrontDoor], person: Person) -> None:
    first = save(person)
    use_up_tries(doors, first)
    second = save(person, 1980)
    assert resume(doors[0], first, YEAR).json()["error"] == "unknown_code"
    assert resume(doors[0], second, YEAR).json()["error"] == "unknown_code"
    assert resume(doors[0], second, 1980).status_code == 201


# ---- locking


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_sixth_try_is_locked_also_with_the_right_year(
    doors: list[FrontDoor], person: Person, language: str
) -> None:
    code = save(person)
    use_up_tries(doors, code)
    for year in (YEAR, 1950, None):
        answer = resume(doors[1], code, year, language)
        assert (answer.status_code, answer.json()["error"]) == (423, "code_locked")
        assert "1-855-882-8100" in answer.json()["message"]
    assert person.history().status_code == 200, "the conversation itself stays"
    assert resume(doors[0], save(person), YEAR).status_code == 201, "saved again, it opens"


def test_the_right_year_after_four_wrong_ones(doors: list[FrontDoor], person: Person) -> None:
    code = save(person)
    for year in range(1950, 1950 + MOST_WRONG - 1):
        assert resume(doors[0], code, year).status_code == 404
    assert resume(doors[0], code, YEAR).status_code == 201


def test_wrong_tries_at_the_same_moment_are_all_counted(doors: list[FrontDoor], person: Person) -> None:
    code = save(person)
    years = [*range(1930, 1930 + 2 * MOST_WRONG)]
    with ThreadPoolExecutor(len(years)) as pool:
        tried = [pool.submit(resume, door, code, year) for door, year in zip(cycle(doors), years, strict=False)]
        errors = [one.result().json()["error"] for one in tried]
    assert errors.count("unknown_code") == MOST_WRONG
    assert errors.count("code_locked") == MOST_WRONG
    assert resume(doors[0], code, YEAR).json()["error"] == "code_locked"


def test_two_wrong_tries_at_the_same_moment_are_two(doors: list[FrontDoor], person: Person) -> None:
    code = save(person)
    for year in range(1950, 1950 + MOST_WRONG - 1):
        resume(doors[0], code, year)
    with ThreadPoolExecutor(2) as pool:
        errors = sorted(answer.json()["error"] for answer in pool.map(lambda d: resume(d, code, 1951), doors))
    assert errors == ["code_locked", "unknown_code"]


def test_wrong_tries_outlive_a_restart(doors: list[FrontDoor], person: Person) -> None:
    code = save(person)
    for year in range(1950, 1950 + MOST_WRONG - 1):
        assert resume(doors[1], code, year).status_code == 404
    doors[1].kill()
    doors[1].start()
    assert resume(doors[1], code, 1950).status_code == 404
    doors[1].kill()
    doors[1].start()
    assert resume(doors[1], code, YEAR).json()["error"] == "code_locked"


def test_one_address_has_five_wrong_tries_a_minute(doors: list[FrontDoor], person: Person) -> None:
    """Wrong years and unknown codes count alike; what is missing or no year does not count."""
    code = save(person)
    with caller(doors[0], 99) as client:

        def ask(**body: Any) -> int:
            return client.post("/chat/session", json={"resume_code": code, **body}).status_code

        assert [ask() for _ in range(7)] == [400] * 7
        assert [ask(birth_year=78) for _ in range(7)] == [400] * 7
        assert [ask(birth_year=1950), ask(birth_year=1951), ask(resume_code=UNKNOWN)] == [404] * 3
        assert [ask(resume_code=UNKNOWN, birth_year=YEAR), ask(birth_year=1952)] == [404] * 2
        refused = client.post("/chat/session", json={"resume_code": code, "birth_year": YEAR})
        assert (refused.status_code, refused.json()["error"]) == (429, "too_many_codes")
        assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert resume(doors[0], code, YEAR).status_code == 201


# ---- what can be learnt


def test_unknown_code_and_wrong_year_are_answered_alike(doors: list[FrontDoor], person: Person) -> None:
    code = save(person)
    for language in LANGUAGES:
        wrong, unknown = resume(doors[0], code, 1950, language), resume(doors[0], UNKNOWN, 1950, language)
        assert (wrong.status_code, wrong.content) == (unknown.status_code, unknown.content)
        ignored = {"date", "x-request-id"}
        assert {name: value for name, value in wrong.headers.items() if name not in ignored} == {
            name: value for name, value in unknown.headers.items() if name not in ignored
        }


def test_the_time_does_not_tell_either(doors: list[FrontDoor], person: Person) -> None:
    times: dict[str, list[float]] = {"wrong": [], "unknown": [], "no code": []}
    codes = (("wrong", save(person)), ("unknown", UNKNOWN), ("no code", "x"))
    for kind, code in codes * (MOST_WRONG - 1):
        with caller(doors[0], next(_ADDRESSES)) as client:
            client.get("/chat/assets/icon.svg")  # the connection is there
            began = time.perf_counter()
            assert client.post("/chat/session", json={"resume_code": code, "birth_year": 1950}).status_code == 404
            times[kind].append(time.perf_counter() - began)
    medians = [statistics.median(each) for each in times.values()]
    assert max(medians) - min(medians) < 0.05
    assert min(medians) >= 0.3


def test_the_year_is_nowhere(doors: list[FrontDoor], person: Person) -> None:
    odd = 1913
    code = save(person, odd)
    resume(doors[0], code, 1914)
    rows = _rows(doors[0])
    hashed = Tokens("session-key-for-tests-0123456789abcdef").birth_year_hash(code, odd)
    assert hashed in [row["birth_hash"] for row in rows], "a keyed hash"
    other = Tokens("session-key-for-tests-0123456789abcdef").birth_year_hash(UNKNOWN, odd)
    assert other != hashed, "bound to the code"
    assert str(odd) not in json.dumps([{**row, "code_hash": "", "birth_hash": "", "expires_at": 0} for row in rows])
    for door in doors:
        log = door.log.read_text()
        assert code not in log
        assert "birth" not in log


def _rows(door: FrontDoor) -> list[dict[str, Any]]:
    own = open_engine(door.environment.get("DATABASE_URL") or f"sqlite:///{door.data / 'gateway.db'}")
    with own.begin() as connection:
        rows = [dict(row) for row in connection.execute(select(resume_codes)).mappings()]
    own.dispose()
    return rows
