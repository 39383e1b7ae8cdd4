"""How each answer was got; questions out of order, and why they are asked, at the press of a key."""

from __future__ import annotations

from typing import Any

import pytest

from actions.memory import Memory, Standing
from actions.origins import note
from tests.actions.talk import Talk

ANSWERED: dict[str, Any] = {
    "grounds": ["uscis_error"],
    "form_type": "I-485",
    "contact_center": "tried",
    "contact_center_date": "2026-09-14",
    "contact_center_detail": "They opened a service request.",
}


@pytest.mark.parametrize(
    ("event", "before", "after", "asked", "kept", "expected"),
    [
        ("text", {}, {"email": "a@b.org"}, "email", {}, {"email": "asked"}),
        ("text", {}, {"email": "a@b.org"}, "phone", {}, {"email": "volunteered"}),
        ("text", {"email": "a@b.org"}, {"email": "c@d.org"}, "email", {"email": "asked"}, {"email": "corrected"}),
        ("text", {"email": "a@b.org"}, {"email": "a@b.org"}, "email", {"email": "asked"}, {"email": "asked"}),
        # Something added to a list is no correction; something taken away is.
        (
            "text",
            {"grounds": ["delay"]},
            {"grounds": ["delay", "hardship"]},
            "form_type",
            {"grounds": "asked"},
            {"grounds": "asked"},
        ),
        (
            "text",
            {"grounds": ["delay", "hardship"]},
            {"grounds": ["delay"]},
            None,
            {"grounds": "asked"},
            {"grounds": "corrected"},
        ),
        # An answer that is gone has no origin, and is asked anew.
        ("text", {"email": "a@b.org"}, {}, None, {"email": "asked"}, {}),
        # What is worked out from others is no answer of the interview.
        ("text", {}, {"email": "a@b.org", "delay_verified": True, "signed_at": "x"}, "email", {}, {"email": "asked"}),
        ("resume", {"email": "a@b.org"}, {"email": "a@b.org"}, None, {"email": "corrected"}, {"email": "record"}),
        ("documents", {}, {"documents": ["receipt_notice"]}, "documents", {}, {"documents": "record"}),
        # From before it was noted.
        ("text", {"email": "a@b.org"}, {"email": "a@b.org"}, "phone", {}, {"email": "record"}),
    ],
)
def test_origin(
    event: str,
    before: dict[str, Any],
    after: dict[str, Any],
    asked: str | None,
    kept: dict[str, str],
    expected: dict[str, str],
) -> None:
    memory = Memory(after, Standing(origins=kept), "en")
    note(memory, event, before, asked)
    assert memory.at.origins == expected


def test_through_a_talk() -> None:
    talk = Talk(asking="case_status_online", answers=dict(ANSWERED))
    talk.say("no, and my email is amara@example.org", ("not_tried_channel", 0.9))
    assert talk.memory.at.origins["case_status_online"] == "asked"
    assert talk.memory.at.origins["email"] == "volunteered"
    assert talk.memory.at.origins["grounds"] == "record"


def test_a_jump_asks_the_question_and_the_first_open_one_comes_after_it() -> None:
    talk = Talk(asking="case_status_online", answers=dict(ANSWERED))
    talk.press('/inform{"jump": "email"}')
    assert (talk.memory.at.asking, talk.keys[-1]) == ("email", "utter_ask_email")
    talk.say("amara@example.org", ("inform", 0.9))
    assert talk.memory.at.asking == "case_status_online"
    assert talk.memory.at.origins["email"] == "asked"


def test_the_privacy_notice_comes_before_a_personal_question_that_is_jumped_to() -> None:
    talk = Talk(asking="case_status_online", answers=dict(ANSWERED), told=())
    talk.press('/inform{"jump": "email"}')
    assert talk.keys.index("utter_privacy_notice") < talk.keys.index("utter_ask_email")


def test_leaving_it_again() -> None:
    talk = Talk(asking="case_status_online", answers=dict(ANSWERED))
    talk.press('/inform{"jump": "mailing_address"}').press('/inform{"jump": ""}')
    assert talk.memory.at.asking == "case_status_online"


def test_a_question_that_was_passed_over_can_be_jumped_to() -> None:
    talk = Talk(asking="case_status_online", answers=dict(ANSWERED))
    talk.memory.at.skipped = ["a_number"]
    talk.press('/inform{"jump": "a_number"}')
    assert talk.memory.at.asking == "a_number"
    assert talk.memory.at.skipped == []


@pytest.mark.parametrize(
    "slot", ["grounds", "infopass_date", "representative_name", "review", "language", "dialogue", "x"]
)
def test_no_jump_to_what_is_answered_or_not_asked(slot: str) -> None:
    """Grounds are answered, the others are no question of this interview: the open question stays."""
    talk = Talk(asking="case_status_online", answers=dict(ANSWERED))
    talk.press(f'/inform{{"jump": "{slot}"}}')
    assert talk.memory.at.asking == "case_status_online"
    assert talk.memory.answers["grounds"] == ["uscis_error"]


def test_no_jump_after_sending() -> None:
    talk = Talk(asking=None, answers={**ANSWERED, "delivery": "mail"})
    talk.memory.at.outcome, talk.memory.at.tracking_number = "prepared", "CA-2345-6789-ABCD"
    talk.press('/inform{"jump": "mailing_address"}')
    assert talk.memory.at.asking is None
    assert talk.memory.at.outcome == "prepared"


@pytest.mark.parametrize("slot", ["email", "problem_description", "delivery"])
def test_why(slot: str) -> None:
    talk = Talk(asking=slot, answers=dict(ANSWERED))
    talk.memory.at.forced = slot
    talk.press('/inform{"ask": "why"}')
    assert talk.keys == [f"utter_why_{slot}", f"utter_ask_{slot}"]
    assert slot not in talk.memory.answers


def test_does_not_know_the_day_of_filing() -> None:
    """Help first; then it goes on without."""
    talk = Talk(asking="filing_date", answers={"grounds": ["delay"], "form_type": "I-485"})
    talk.say("I do not know", ("unsure", 0.9))
    assert talk.keys == ["utter_filing_date_unknown"]
    talk.say("really no idea", ("unsure", 0.9))
    assert talk.memory.at.skipped == ["filing_date"]
    assert talk.memory.at.asking == "contact_center"


def test_a_pressed_key_is_no_reason_why_there_is_no_number() -> None:
    talk = Talk(asking="receipt_numbers", answers=dict(ANSWERED))
    talk.memory.at.pending = {"kind": "receipt_where"}
    talk.press("/skip")
    assert talk.memory.answers["receipt_numbers"] == "none"
    assert talk.memory.answers["receipt_numbers_reason"] == "Unknown"
