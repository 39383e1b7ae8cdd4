"""Said in a hurry: dates that cannot be meant, a number with a slip beside another question, two grounds at once."""

from __future__ import annotations

import pytest

from tests.actions.talk import Talk
from triage.facts import CHANNELS

INFORM = ("inform", 0.9)


def keys(talk: Talk) -> list[str]:
    return [say.key for say in talk.replies]


def talking(asking: str, **answers: object) -> Talk:
    given = {"grounds": ["unresolved"], "form_type": "I-485", "filing_date": "2024-05", "requester_role": "applicant"}
    return Talk(asking=asking, answers={**given, **answers})


@pytest.mark.parametrize(
    ("asking", "text", "key"),
    [
        ("contact_center_date", "March 2024", "utter_invalid_date_before_filing"),
        ("case_status_online_date", "4/9/1990", "utter_invalid_date_too_early"),
        ("infopass_date", "4/30/2024", "utter_invalid_date_before_filing"),
        ("contact_center_date", "December 2026", "utter_invalid_date_future"),
    ],
)
def test_a_date_that_cannot_be_meant_is_asked_back(asking: str, text: str, key: str) -> None:
    channels: dict[str, object] = {}
    for name in CHANNELS:
        channels |= {name: "tried", f"{name}_date": "2026-09", f"{name}_detail": "They said to wait"}
    del channels[asking]
    talk = talking(asking, **channels).say(text, INFORM)
    assert key in keys(talk)
    assert asking not in talk.memory.answers
    talk.say("October 2, 2026", INFORM)
    assert talk.memory.answers[asking] == "2026-10-02"


def test_a_form_from_long_ago_is_asked_back() -> None:
    talk = Talk(asking="filing_date", answers={"grounds": ["delay"], "form_type": "I-130"}).say("May 1962", INFORM)
    assert "utter_invalid_date_too_early" in keys(talk)


def test_the_month_of_filing_itself_is_no_slip() -> None:
    talk = talking("contact_center_date", contact_center="tried").say("May 2024", INFORM)
    assert talk.memory.answers["contact_center_date"] == "2024-05"


def test_of_two_dates_the_corrected_one_counts() -> None:
    talk = talking("contact_center_date", contact_center="tried").say("not in June, July I think", INFORM)
    assert talk.memory.answers["contact_center_date"] == "2026-07"


def test_a_faulty_number_beside_a_yes_is_explained_and_the_yes_kept() -> None:
    talk = talking("contact_center").say("yes ioe 09123456", ("affirm", 0.9))
    assert "utter_invalid_receipt_too_short" in keys(talk)
    assert talk.memory.answers["contact_center"] == "tried"
    assert "receipt_numbers" not in talk.memory.answers


def test_a_faulty_number_alone_leaves_the_question_open() -> None:
    talk = talking("contact_center").say("ioe 09123456", INFORM)
    assert "utter_invalid_receipt_too_short" in keys(talk)
    assert talk.memory.at.asking == "contact_center"


@pytest.mark.parametrize(
    ("text", "first", "second", "grounds"),
    [
        ("my renewal sits there and I lost my job because of it", "report_delay", "report_hardship", 2),
        ("they printed the wrong name and will not mend it", "report_unresolved", "report_uscis_error", 2),
        ("stuck for two years, I called them again and again", "report_unresolved", "report_delay", 2),
    ],
)
def test_two_grounds_of_a_story_are_both_claimed(text: str, first: str, second: str, grounds: int) -> None:
    talk = Talk().say(text, (first, 0.44), (second, 0.4))
    assert "utter_did_you_mean" not in keys(talk)
    assert len(talk.memory.answers["grounds"]) == grounds


def test_two_grounds_that_no_word_speaks_for_are_asked_about() -> None:
    talk = Talk().say("it is about my case with them", ("report_delay", 0.4), ("report_uscis_error", 0.38))
    assert "utter_did_you_mean" in keys(talk)
    assert "grounds" not in talk.memory.answers


def test_a_ground_that_is_denied_is_not_claimed_with_another() -> None:
    talk = Talk().say("no hardship, it just takes forever", ("report_delay", 0.42), ("report_hardship", 0.4))
    assert talk.memory.answers.get("grounds", ["delay"]) == ["delay"]


@pytest.mark.parametrize(("text", "state"), [("every day", "tried"), ("天天看", "tried"), ("不会弄", "not_tried")])
def test_how_often_or_not_knowing_how_answers_whether(text: str, state: str) -> None:
    talk = talking("case_status_online", contact_center="tried").say(text, ("nlu_fallback", 0.4))
    assert talk.memory.answers["case_status_online"] == state


def test_eight_figures_are_a_phone_in_hong_kong() -> None:
    talk = talking("phone", email=None).say("9123 4567", INFORM)
    assert talk.memory.answers["phone_e164"] == "+85291234567"


@pytest.mark.parametrize("text", ["I only looked at the website", "淨係睇過網"])
def test_only_one_way_says_that_the_others_were_not_tried(text: str) -> None:
    talk = talking("contact_center").say(text, ("inform", 0.5))
    told = {name: talk.memory.answers.get(name) for name in CHANNELS}
    assert told == {"contact_center": "not_tried", "case_status_online": "tried", "infopass": "not_tried"}
