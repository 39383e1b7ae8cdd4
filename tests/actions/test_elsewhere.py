"""What is written in a messenger: answers that belong on the page are neither stored nor said back."""

from __future__ import annotations

from typing import Any

import pytest

from tests.actions.talk import Talk
from triage.interview import ON_THE_PAGE

LATER = "utter_later_on_the_page"
CLAIMED: dict[str, Any] = {"grounds": ["uscis_error"]}
HALF_WAY: dict[str, Any] = {**CLAIMED, "form_type": "I-485", "contact_center": "tried",
                            "contact_center_date": "2026-09-14", "contact_center_detail": "They opened a request.",
                            "case_status_online": "not_tried", "infopass": "not_tried"}
WHO = {
    "en": "I-485, my name is Amara Okafor, born March 27 1985, amara@example.org, 202-555-0123, A012345678",
    "zh-Hans": "I-485，我叫王小明，1985年3月27日出生，邮箱 amara@example.org，电话 202-555-0123，A012345678",
    "zh-Hant": "I-485，我叫王小明，1985年3月27日出生，電郵 amara@example.org，電話 202-555-0123，A012345678",
}
VALUES = ("Amara", "王小明", "1985", "amara@", "555", "345678")


def private(talk: Talk) -> set[str]:
    """The answers that belong on the page."""
    return ON_THE_PAGE.intersection(talk.memory.answers)


def said(talk: Talk) -> str:
    """Everything that the last replies were made of, in every language."""
    return " ".join(repr(reply.values_in(language))
                    for reply in talk.replies for language in WHO)


@pytest.mark.parametrize("language", WHO)
def test_who_somebody_is_is_left_aside_and_that_is_said_once(language: str) -> None:
    talk = Talk(language, "form_type", CLAIMED, elsewhere=True).say(WHO[language], ("inform", 0.9))
    assert private(talk) == set()
    assert talk.memory.answers["form_type"] == "I-485"
    assert talk.keys.count(LATER) == 1
    assert not any(value in said(talk) for value in VALUES)
    talk.say(WHO[language], ("inform", 0.9))
    assert private(talk) == set()
    assert LATER not in talk.keys


@pytest.mark.parametrize("language", WHO)
def test_on_the_page_it_is_taken(language: str) -> None:
    talk = Talk(language, "form_type", CLAIMED).say(WHO[language], ("inform", 0.9))
    assert {"full_name", "date_of_birth", "email", "phone", "phone_e164", "a_number"} <= private(talk)
    assert LATER not in talk.keys


def test_alone_it_is_understood_and_the_question_stays_open() -> None:
    talk = Talk(asking="form_type", answers=CLAIMED, elsewhere=True).say("my name is Amara Okafor", ("inform", 0.9))
    assert (private(talk), talk.memory.at.asking) == (set(), "form_type")
    assert talk.keys[0] == LATER
    assert not any(key.startswith("utter_not_understood") for key in talk.keys)


def test_what_was_not_answered_yet_is_no_correction() -> None:
    talk = Talk(asking="form_type", answers=CLAIMED, elsewhere=True)
    talk.say("please change my email to amara@example.org", ("change_answer", 0.95))
    assert (private(talk), talk.memory.at.asking) == (set(), "form_type")
    assert LATER in talk.keys


def test_what_was_answered_on_the_page_is_corrected_there() -> None:
    answers = {**HALF_WAY, "full_name": "Amara Okafor", "email": "old@example.org"}
    talk = Talk(asking="receipt_numbers", answers=answers, elsewhere=True)
    talk.say("my email was wrong, it is amara@example.org", ("change_answer", 0.95))
    assert talk.memory.answers["email"] == "old@example.org"
    assert talk.memory.at.asking == "email"
    assert "amara@" not in said(talk)


def test_an_a_number_in_place_of_a_receipt_number() -> None:
    talk = Talk(asking="receipt_numbers", answers=HALF_WAY, elsewhere=True).say("A012345678", ("inform", 0.9))
    assert private(talk) == set()
    assert {"utter_receipt_is_a_number_elsewhere", LATER} <= set(talk.keys)


def test_a_second_thought_about_consent_leads_to_the_page() -> None:
    answers = {**HALF_WAY, "receipt_numbers": ["IOE0912345678"], "requester_role": "applicant",
               "full_name": "Amara Okafor", "date_of_birth": "1985-03-27", "email": "a@example.org",
               "problem_description": "They misspelled my name.", "delivery": "online", "consent": False}
    talk = Talk(asking=None, answers=answers, elsewhere=True)
    talk.memory.at.outcome = "consent_declined"
    talk.memory.at.skipped = ["a_number", "mailing_address", "documents"]
    talk.memory.at.told.append("consent_back")
    talk.say("yes", ("affirm", 0.97))
    assert "consent" not in talk.memory.answers
    assert talk.memory.at.asking == "consent"
