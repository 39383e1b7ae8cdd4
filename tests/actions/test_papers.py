"""Papers beside the talk: what is said when one is uploaded or removed, and what is asked after it."""
from __future__ import annotations

import json
from typing import Any

import pytest

from actions.papers import EVENT
from actions.review import in_words
from tests.actions.talk import Talk, world

CASE: dict[str, Any] = {
    "grounds": ["uscis_error"], "form_type": "I-485", "contact_center": "tried", "contact_center_date": "2026-09-14",
    "contact_center_detail": "A form letter.", "case_status_online": "not_tried", "infopass": "not_tried",
    "receipt_numbers": ["IOE0912345678"], "requester_role": "applicant", "full_name": "Amara Okafor",
    "date_of_birth": "1985-03-27", "a_number": "A012345678", "email": "amara@example.org",
    "mailing_address": "12 Pine Street", "problem_description": "The card shows another name.",
}
LANGUAGES = ("en", "zh-Hans", "zh-Hant")


def talk(asking: str | None = "documents", language: str = "en", **answers: Any) -> Talk:
    return Talk(language=language, asking=asking, answers={**CASE, **answers})


def news(conversation: Talk, change: str, kind: str, *kinds: str, pages: int = 1) -> Talk:
    """The event by which the front door tells of a change."""
    text = json.dumps({"kinds": list(kinds), "change": change, "kind": kind, "pages": pages,
                       "count": len(kinds)})
    parse = {"intent_ranking": [{"name": "greet", "confidence": 1.0}], "script": {"language": None}}
    return conversation._play(EVENT, text, parse)


def values(conversation: Talk) -> dict[str, Any]:
    return conversation.replies[0].values_in(conversation.memory.language)


@pytest.mark.parametrize(("language", "paper", "pages"), [
    ("en", "receipt notice", "2 pages"), ("zh-Hans", "收据通知", "2 页"), ("zh-Hant", "收據通知", "2 頁")])
def test_at_the_question_more_may_follow_until_the_person_says_so(language: str, paper: str, pages: str) -> None:
    person = news(talk(language=language), "added", "receipt_notice", "receipt_notice", pages=2)
    assert person.keys == ["utter_document_received_more"]
    assert (values(person)["paper"], values(person)["pages"]) == (paper, pages)
    assert person.memory.at.asking == "documents"
    news(person, "added", "error_proof", "receipt_notice", "error_proof")
    assert person.keys == ["utter_document_received_more"]
    person.press('/inform{"documents":"done"}')
    assert person.memory.at.asking == "delivery"
    assert person.memory.answers["documents"] == ["receipt_notice", "error_proof"]
    assert "documents" not in person.memory.at.skipped


@pytest.mark.parametrize(("text", "reading"), [
    ("that is all", "deny"), ("no", "deny"), ("I will send the rest later", "skip"), ("skip", "skip"),
    ("I don't know", "unsure"), ("no more papers", "deny")])
def test_words_end_the_question_and_what_was_uploaded_stays(text: str, reading: str) -> None:
    person = news(talk(), "added", "receipt_notice", "receipt_notice")
    person.say(text, (reading, 0.9))
    assert person.memory.answers["documents"] == ["receipt_notice"]
    assert person.memory.at.asking == "delivery"


@pytest.mark.parametrize(("text", "reading"), [("later", "skip"), ("no papers", "deny"), ("skip", "skip")])
def test_without_an_upload_words_pass_the_question_over(text: str, reading: str) -> None:
    person = talk().say(text, (reading, 0.9))
    assert "documents" not in person.memory.answers
    assert "documents" in person.memory.at.skipped
    assert person.memory.at.asking == "delivery"


def test_an_upload_before_the_question_answers_it() -> None:
    person = news(talk("email", email=None), "added", "receipt_notice", "receipt_notice")
    assert person.keys[0] == "utter_document_received"
    assert person.memory.at.asking == "email"
    assert person.keys[-1] == "utter_ask_email"
    person.say("amara@example.org", ("inform", 0.9))
    assert person.memory.at.asking == "delivery"
    assert person.memory.answers["documents"] == ["receipt_notice"]


def test_a_removed_paper_is_no_answer_any_more() -> None:
    person = news(talk(), "added", "receipt_notice", "receipt_notice")
    news(person, "removed", "receipt_notice")
    assert person.keys[0] == "utter_document_removed"
    assert "documents" not in person.memory.answers
    assert person.memory.at.asking == "documents"
    person.say("no papers", ("deny", 0.9))
    assert "documents" in person.memory.at.skipped
    assert person.memory.at.asking == "delivery"


def test_an_infected_paper_is_told_whatever_is_being_asked() -> None:
    person = news(talk("delivery", documents=["receipt_notice"]), "infected", "receipt_notice")
    assert person.keys[0] == "utter_document_infected"


def test_an_upload_at_the_review_is_shown_there() -> None:
    rest = {"delivery": "online", "consent": True, "signature_name": "Amara Okafor",
            "signed_at": "2026-11-24T10:00:00Z"}
    person = talk("review", **rest)
    person.memory.at.skipped = ["documents"]
    news(person, "added", "receipt_notice", "receipt_notice")
    assert person.memory.at.asking == "review"
    assert "receipt notice" in str(person.replies[-1].values_in("en")["summary"])


def test_an_upload_after_sending_says_where_it_goes() -> None:
    person = talk(None, delivery="online", consent=True, signature_name="Amara Okafor")
    person.memory.at.tracking_number, person.memory.at.outcome = "CA-2345-6789-ABCD", "submitted"
    news(person, "added", "error_proof", "error_proof")
    assert person.keys == ["utter_document_added_later"]
    assert values(person)["tracking_number"] == "CA-2345-6789-ABCD"
    assert person.memory.at.outcome == "submitted"


def test_after_a_cancellation_nothing_old_comes_back() -> None:
    person = talk(None)
    person.memory.at.outcome, person.memory.at.stopped = "cancelled", True
    news(person, "added", "error_proof", "error_proof")
    assert person.memory.answers.get("documents") == ["error_proof"]
    assert "full_name" not in person.memory.answers
    assert person.memory.at.outcome is None


def test_while_the_person_is_asked_whether_to_stop_that_stays_open() -> None:
    person = talk("delivery")
    person.memory.at.pending = {"kind": "stop"}
    news(person, "added", "error_proof", "error_proof")
    assert person.pending == {"kind": "stop"}
    assert person.keys == ["utter_document_received"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_question_shows_the_list_with_reasons_and_ticks_off(language: str) -> None:
    person = talk("email", language, email=None, documents=["error_proof"])
    person.memory.at.forced = "documents"
    person.memory.at.asking = "email"
    person.say("amara@example.org", ("inform", 0.9))
    asked = next(reply for reply in person.replies if reply.key == "utter_ask_documents")
    lines = str(asked.values_in(language)["checklist"]).splitlines()
    assert lines[[line.startswith("✓") for line in lines].index(True)]
    assert sum(line.startswith("✓") for line in lines) == 1
    assert sum(line.startswith("•") for line in lines) >= 5
    assert (asked.values["mib"], asked.values["most"]) == (10, 20)


@pytest.mark.parametrize(("language", "shown"), [
    ("en", "receipt notice; present card"), ("zh-Hans", "收据通知；现有的卡"), ("zh-Hant", "收據通知；現有的卡")])
def test_the_review_names_papers_in_words(language: str, shown: str) -> None:
    assert in_words("documents", ["receipt_notice", "current_card"], world(), language) == shown
