"""Every combination of facts gives exactly one next question, outcome or hand-over; everything can be reached."""

from __future__ import annotations

import itertools
from datetime import date

import pytest

from tests.triage.conftest import COMPLETE
from triage import Policy, decide, facts_from
from triage.facts import CHANNELS, CONCERNS, GROUNDS
from triage.interview import BY_SLOT, QUESTIONS, REVIEW, visible
from triage.rules import OUTCOMES, RULES

CLAIMS = [list(chosen) for size in range(3) for chosen in itertools.combinations(GROUNDS, size)] + [list(GROUNDS)]
CASES = [
    {},
    {"form_type": "I-485"},
    {"form_type": "I-485", "filing_date": "2020-01"},
    {"form_type": "I-485", "filing_date": "2026-11-01"},
    {"form_type": "I-589", "filing_date": "2026-11-01"},
    {"form_type": "I-485", "skipped": ["filing_date"]},
]
CHANNEL_STATES = [
    dict(zip(CHANNELS, states, strict=True)) for states in itertools.product((None, "tried", "not_tried"), repeat=3)
]
CONCERN_STATES = [{}] + [
    {"concern": concern, "concern_settled": settled} for concern in CONCERNS for settled in (False, True)
]
ENDS = [{}, {"wants_human": True}, {"stopped": True}, {"waiting_only": True}, {"waiting_only": False}]
DETAILS = {f"{name}_{part}": "2026-09-10" for name in CHANNELS for part in ("date", "detail")}
LATER = {name: value for name, value in COMPLETE.items() if BY_SLOT.get(name) and BY_SLOT[name].section > 3}
REST = [
    {},
    {"hardship_detail": "x", **DETAILS, **LATER},
    {"hardship_detail": "x", **DETAILS, **LATER, "consent": False},
    {"feedback_text": "x", "feedback_stored": True},
]


def test_exactly_one_next_step(policy: Policy, today: date) -> None:
    outcomes, questions, rules = set(), set(), set()
    for claims, case, channels, concern, end, rest in itertools.product(
        CLAIMS, CASES, CHANNEL_STATES, CONCERN_STATES, ENDS, REST
    ):
        facts = facts_from({"grounds": claims, **case, **channels, **concern, **end, **rest})
        decision = decide(facts, policy, today)
        assert sum((decision.outcome is not None, decision.question is not None, decision.ready)) == 1
        if decision.question and decision.question not in (REVIEW, "feedback_text") and decision.variant is None:
            assert not facts.settled(decision.question), decision
            assert BY_SLOT[decision.question] in visible(facts)
        assert set(decision.grounds) <= set(claims)
        outcomes.add(decision.outcome)
        questions.add(decision.question)
        rules.add(decision.rule)
    # Being stored is proved by the backend alone, the binding window is a setting: both have tests of their own.
    assert outcomes >= set(OUTCOMES) - {"submitted", "prepared"}
    assert rules >= {rule.name for rule in RULES} - {"sent", "prepared", "contact_window", "request_data", "ready"}


def test_an_interview_answered_in_order_asks_every_visible_question_once(policy: Policy, today: date) -> None:
    answers = {
        "grounds": list(GROUNDS),
        "hardship_detail": "x",
        "filing_date": "2020-01-02",
        "phone": "415 555 0100",
        "case_status_online_date": "2026-10-01",
        "case_status_online_detail": "x",
        "infopass_date": "2026-10-01",
        "infopass_detail": "x",
        "representative_name": "Jo",
        **COMPLETE,
    }
    answers |= {
        "grounds": list(GROUNDS),
        "case_status_online": "tried",
        "infopass": "tried",
        "requester_role": "family",
    }
    known: dict[str, object] = {}
    asked = []
    while True:
        decision = decide(facts_from(known), policy, today)
        if decision.question in (None, REVIEW):
            break
        asked.append(decision.question)
        known[str(decision.question)] = answers[str(decision.question)]
        known["grounds"] = answers["grounds"]
    assert len(asked) == len(set(asked))
    assert set(asked) == {question.slot for question in QUESTIONS} - {"phone"}


@pytest.mark.parametrize("slot", [question.slot for question in QUESTIONS if question.optional])
def test_optional_questions_may_be_passed_over(slot: str, policy: Policy, today: date) -> None:
    answers = {name: value for name, value in COMPLETE.items() if name != slot}
    decision = decide(facts_from({**answers, "phone": "1", "skipped": [slot]}), policy, today)
    assert decision.ready


def test_only_sending_makes_an_outcome_with_a_tracking_number(policy: Policy, today: date) -> None:
    for outcome, delivery in (("submitted", "online"), ("prepared", "mail")):
        facts = facts_from({**COMPLETE, "delivery": delivery})
        assert decide(facts, policy, today).outcome is None
        stored = facts_from({**COMPLETE, "delivery": delivery, "tracking_number": "CA-2345-6789-ABCD"})
        assert decide(stored, policy, today).outcome == outcome


def test_names_and_sources_are_given() -> None:
    assert len({rule.name for rule in RULES}) == len(RULES)
    assert all(rule.source for rule in RULES)
    assert all(question.source for question in QUESTIONS)
    assert len({question.slot for question in QUESTIONS}) == len(QUESTIONS)
