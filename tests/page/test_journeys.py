"""Every outcome in every script at the real page: what the person sees at the end, and that anyone can use it."""

from __future__ import annotations

import re

import pytest

from tests.conversations.scripts import wrong_script
from tests.conversations.test_outcomes import BY_MAIL, CANCEL, NO, ONLY_DECISION, OPENINGS, REFUSE, YES
from tests.page.visitor import Visitor
from triage.rules import OUTCOMES

TRACKING = re.compile(r"CA-\w{4}-\w{4}-\w{4}")


def _submitted(person: Visitor) -> None:
    person.go_on()


def _prepared(person: Visitor) -> None:
    person.go_on(delivery=BY_MAIL[person.language])


def _declined(person: Visitor) -> None:
    person.go_on("consent").say(REFUSE[person.language])
    if person.state()["outcome"] is None:
        person.say(REFUSE[person.language])


def _cancelled(person: Visitor) -> None:
    person.say(CANCEL[person.language]).say(YES[person.language])


def _uscis_first(person: Visitor) -> None:
    person.go_on(**dict.fromkeys(("contact_center", "case_status_online", "infopass"), NO[person.language]))


def _disagreement(person: Visitor) -> None:
    if person.state()["outcome"] is None:
        person.say(ONLY_DECISION[person.language])


JOURNEYS = {
    "submitted": ("submitted", _submitted),
    "prepared": ("submitted", _prepared),
    "wait_until": ("wait_until", _submitted),
    "try_uscis_first": ("try_uscis_first", _uscis_first),
    "legal_advice": ("legal_advice", _submitted),
    "other_agency": ("other_agency", _submitted),
    "decision_disagreement": ("decision_disagreement", _disagreement),
    "feedback": ("feedback", _submitted),
    "consent_declined": ("submitted", _declined),
    "handed_to_human": ("handed_to_human", _submitted),
    "cancelled": ("submitted", _cancelled),
}


def test_every_outcome_is_here() -> None:
    assert set(JOURNEYS) == set(OUTCOMES)


@pytest.mark.parametrize("outcome", JOURNEYS)
def test_journey(person: Visitor, outcome: str) -> None:
    opening, rest = JOURNEYS[outcome]
    person.say(OPENINGS[opening][person.language])
    rest(person)
    state = person.state()
    assert state["outcome"] == outcome
    texts = person.shown()
    said = [post["text"] for post in person.posts if "text" in post]
    assert wrong_script(texts[-1], person.language, said, state["answers"]) is None
    if state["tracking_number"]:
        assert TRACKING.search(person.page.inner_text("#more"))
        assert person.page.locator("#messages a[href*='/chat/files/']").count()
    ids = [post["id"] for post in person.posts]
    assert len(ids) == len(set(ids)), "every answer went out once"
    assert person.page.get_attribute("html", "lang") == person.language
    assert person.axe() == []
    person.shot(f"end-{outcome}")
    person.page.reload()
    assert person.shown() == texts, "a reload shows the same"
