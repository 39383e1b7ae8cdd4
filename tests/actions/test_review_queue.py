"""What is kept for review, for how long, and that nothing else is."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from actions import server
from actions.review_queue import Entry, ReviewQueue
from tests.actions.talk import TODAY, Talk, world

KEY = "a-secret-of-this-test"
HALF_WAY = {"grounds": ["uscis_error"], "form_type": "I-485", "contact_center": "tried",
            "case_status_online": "not_tried", "infopass": "not_tried", "contact_center_date": "2026-09"}
UNCLEAR = (("out_of_scope", 0.3), ("ask_process", 0.28))
NOTHING = (("out_of_scope", 0.3), ("inform", 0.1))
DAYS = world().content.settings.review_queue_days
TEXT = "what do you want to know about my case now"
NEAR = (("stop", 0.44), ("restart", 0.38))


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "data" / "review.db"


@pytest.fixture
def queue(database: Path) -> ReviewQueue:
    return ReviewQueue(f"sqlite:///{database}", KEY, DAYS, 20)


def an_entry(queue: ReviewQueue, number: int, text: str = TEXT, day: date = TODAY) -> Entry:
    return Entry(queue.row_id("c-1", f"m{number}"), text, "en", "filing_date", "not_understood",
                 (("ask_process", 0.28), ("stop", 0.1)), None, day)


def test_what_is_kept_comes_back(queue: ReviewQueue) -> None:
    entry = an_entry(queue, 1)
    assert queue.keep("c-1", entry)
    assert queue.entries(TODAY) == [entry]


def test_a_turn_that_is_played_again_keeps_nothing_twice(queue: ReviewQueue) -> None:
    for _ in range(3):
        assert queue.keep("c-1", an_entry(queue, 1))
    assert len(queue.entries(TODAY)) == 1


def test_a_conversation_has_its_share_and_no_more(queue: ReviewQueue) -> None:
    kept = [queue.keep("c-1", an_entry(queue, number)) for number in range(25)]
    assert kept == [True] * 20 + [False] * 5
    assert queue.keep("c-2", replace(an_entry(queue, 99), id=queue.row_id("c-2", "m1")))


def test_the_time_limit(queue: ReviewQueue, database: Path) -> None:
    queue.keep("c-1", an_entry(queue, 1, day=TODAY - timedelta(days=DAYS - 1)))
    queue.keep("c-1", an_entry(queue, 2, day=TODAY))
    assert len(queue.entries(TODAY)) == 2
    tomorrow = TODAY + timedelta(days=1)
    assert len(queue.entries(tomorrow)) == 1
    assert queue.expire(tomorrow) == 1
    with closing(sqlite3.connect(database)) as connection:
        assert connection.execute("SELECT count(*) FROM review_messages").fetchone() == (1,)


async def test_the_action_server_tidies_by_itself(queue: ReviewQueue, monkeypatch: pytest.MonkeyPatch) -> None:
    import asyncio

    queue.keep("c-1", an_entry(queue, 1, day=date.today() - timedelta(days=DAYS)))
    queue.keep("c-1", an_entry(queue, 2, day=date.today()))
    monkeypatch.setattr(ReviewQueue, "installed", lambda: queue)
    task = asyncio.create_task(server.tidy(pause=60))
    for _ in range(200):
        await asyncio.sleep(0.02)
        if len(queue.entries(date(1, 1, 1) + timedelta(days=DAYS))) == 1:
            break
    task.cancel()
    assert [entry.id for entry in queue.entries(date(1, 1, 1) + timedelta(days=DAYS))] == [queue.row_id("c-1", "m2")]


def test_erased_with_its_conversation_only(queue: ReviewQueue) -> None:
    queue.keep("c-1", an_entry(queue, 1))
    queue.keep("c-2", replace(an_entry(queue, 2), id=queue.row_id("c-2", "m1")))
    queue.erase("c-1")
    assert [entry.id for entry in queue.entries(TODAY)] == [queue.row_id("c-2", "m1")]


def test_no_conversation_and_no_time_of_day_in_the_file(queue: ReviewQueue, database: Path) -> None:
    talk = Talk(asking="filing_date", answers={"grounds": ["delay"], "form_type": "I-485"}, queue=queue,
                conversation="conversation-4711")
    talk.say(TEXT, *NOTHING)
    assert len(queue.entries(TODAY)) == 1
    queue.close()
    content = b"".join(path.read_bytes() for path in database.parent.glob("review.db*"))
    assert TEXT.encode() in content
    assert b"4711" not in content
    assert b"10:00" not in content


# --- What a turn leaves -----------------------------------------------------------------------------------------------


def at(asking: str, queue: ReviewQueue, **more: object) -> Talk:
    return Talk(asking=asking, answers={"grounds": ["delay"], "form_type": "I-485"}, queue=queue, **more)  # type: ignore[arg-type]


def test_a_message_that_was_not_understood(queue: ReviewQueue) -> None:
    at("filing_date", queue).say(TEXT, *NOTHING)
    (entry,) = queue.entries(TODAY)
    assert (entry.text, entry.reason, entry.asking, entry.language) == (TEXT, "not_understood", "filing_date", "en")
    assert entry.guesses == NOTHING
    assert entry.chosen is None


@pytest.mark.parametrize("reading", ["stop", "restart", "other"])
def test_a_message_that_was_asked_back_with_the_choice(queue: ReviewQueue, reading: str) -> None:
    talk = at("filing_date", queue).say("I want all of this to be no more", *NEAR)
    assert [(entry.reason, entry.chosen) for entry in queue.entries(TODAY)] == [("asked_back", None)]
    talk.press(f'/inform{{"meant": "{reading}"}}')
    assert [(entry.reason, entry.chosen) for entry in queue.entries(TODAY)] == [("asked_back", reading)]


def test_a_message_whose_answer_was_taken_back(queue: ReviewQueue) -> None:
    talk = at("filing_date", queue)
    talk.say("I think that it was in May 2023", ("inform", 0.9), ("unsure", 0.05))
    assert talk.memory.answers["filing_date"] == "2023-05"
    assert queue.entries(TODAY) == []
    talk.say("no wait, change the filing date", ("change_answer", 0.9))
    (entry,) = queue.entries(TODAY)
    assert (entry.text, entry.reason) == ("I think that it was in ⟨date⟩", "corrected")


def test_an_answer_that_stays_is_not_kept(queue: ReviewQueue) -> None:
    talk = at("filing_date", queue).say("I think that it was in May 2023", ("inform", 0.9))
    talk.say("no I did not call them at all", ("not_tried_channel", 0.9))
    assert queue.entries(TODAY) == []


def test_nothing_before_the_privacy_notice(queue: ReviewQueue) -> None:
    at("filing_date", queue, told=()).say(TEXT, *NOTHING).say("I want all of this to be no more", *NEAR)
    assert queue.entries(TODAY) == []


@pytest.mark.parametrize("asking", ["problem_description", "hardship_detail", "contact_center_detail", "full_name",
                                    "mailing_address", "date_of_birth", "signature_name", "feedback_text"])
def test_nothing_where_a_story_or_a_personal_answer_is_asked_for(queue: ReviewQueue, asking: str) -> None:
    talk = at(asking, queue)
    for text in (TEXT, "hm", "yes"):
        talk.say(text, *NOTHING)
        talk.memory.at.asking, talk.memory.at.outcome = asking, None
    assert queue.entries(TODAY) == []


def test_no_long_message_and_no_emergency(queue: ReviewQueue) -> None:
    at("filing_date", queue).say(f"{TEXT} " * 8, *NOTHING)
    at("filing_date", queue).say("I want to kill myself and what do you want to know", *NOTHING)
    assert queue.entries(TODAY) == []


def test_a_message_that_becomes_a_free_answer_leaves_the_queue(queue: ReviewQueue) -> None:
    talk = Talk(asking="grounds", queue=queue)
    text = "they said no to me and to all of us and now what is it that we can do"
    talk.say(text, ("report_hardship", 0.45), ("disagree_with_decision", 0.4))
    assert talk.readings
    talk.press('/inform{"meant": "report_hardship"}')
    assert text in (talk.memory.answers.get("hardship_detail"), talk.memory.at.opening)
    assert queue.entries(TODAY) == []


def test_no_proof_of_a_status_question(queue: ReviewQueue) -> None:
    talk = Talk(asking="request_number", queue=queue)
    talk.memory.at.status = {"number": None}
    talk.say(TEXT, *NOTHING)
    assert queue.entries(TODAY) == []


def test_cancelling_erases(queue: ReviewQueue) -> None:
    talk = at("filing_date", queue).say(TEXT, *NOTHING)
    assert len(queue.entries(TODAY)) == 1
    talk.say("cancel it", ("stop", 0.95)).say("yes, cancel", ("affirm", 0.95))
    assert talk.memory.at.outcome == "cancelled"
    assert queue.entries(TODAY) == []


def test_starting_over_erases(queue: ReviewQueue) -> None:
    talk = at("filing_date", queue).say(TEXT, *NOTHING)
    talk.say("start over", ("restart", 0.95)).say("yes", ("affirm", 0.95))
    assert talk.memory.answers == {}
    assert queue.entries(TODAY) == []


def test_a_queue_that_cannot_be_written_harms_no_turn(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "review.db").mkdir()
    broken = ReviewQueue(f"sqlite:///{tmp_path / 'review.db'}", KEY, DAYS, 20)
    talk = at("filing_date", broken).say(TEXT, *NOTHING)
    assert talk.keys
    assert "nothing kept" in caplog.text
    assert "my case" not in caplog.text


def test_a_locked_queue_harms_no_turn(queue: ReviewQueue, database: Path) -> None:
    queue.keep("c-1", an_entry(queue, 1))
    with closing(sqlite3.connect(database, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        talk = at("filing_date", queue, conversation="c-2").say(TEXT, *NOTHING)
        assert talk.keys
        other.execute("ROLLBACK")
    assert len(queue.entries(TODAY)) == 1
