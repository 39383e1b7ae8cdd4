"""The interview: one ordered list of questions, each with its visible condition.

Every front end (page, Telegram, console) shows this list, its progress and its review. ``Question.slot`` is also
the name of the wording (``utter_ask_<slot>``) and of the column in the case tables of the tests.
"""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from triage.facts import CHANNELS, DELAY, HARDSHIP, OWN_CASE_ROLES, TRIED, Facts

SITUATION, CASE, USCIS_FIRST, PERSON, REQUEST, SENDING = range(1, 7)
SECTIONS = (SITUATION, CASE, USCIS_FIRST, PERSON, REQUEST, SENDING)
REVIEW = "review"


def _always(facts: Facts) -> bool:
    return True


@dataclass(frozen=True)
class Question:
    """One question.

    Attributes:
        slot: What it fills.
        section: Part of the interview, for the progress bar.
        asked_if: Whether it is part of this person's interview.
        optional: May be passed over.
        personal: Asks for a personal datum: the privacy notice must have been given before.
        free_text: The answer is the person's own words, stored as written.
        clears: Answers that lose their meaning when this one changes.
        source: Where the rule comes from.
    """

    slot: str
    section: int
    asked_if: Callable[[Facts], bool] = _always
    optional: bool = False
    personal: bool = False
    free_text: bool = False
    clears: tuple[str, ...] = ()
    source: str = "leaflet"


def _channel_questions(name: str) -> tuple[Question, ...]:
    def tried(facts: Facts) -> bool:
        return bool(getattr(facts, name) == TRIED)

    return (
        Question(name, USCIS_FIRST, clears=(f"{name}_date", f"{name}_detail"),
                 source="leaflet, 'first try the USCIS public services'"),
        Question(f"{name}_date", USCIS_FIRST, tried, optional=True, source="www.dhs.gov/case-assistance, 90/60 days"),
        Question(f"{name}_detail", USCIS_FIRST, tried, optional=True, free_text=True,
                 source="Form DHS-7001, section 1: actions taken"),
    )


QUESTIONS: tuple[Question, ...] = (
    Question("grounds", SITUATION, source="leaflet, the four situations"),
    Question("hardship_detail", SITUATION, lambda facts: HARDSHIP in facts.grounds, free_text=True),
    Question("form_type", CASE, clears=("delay_verified",)),
    Question("filing_date", CASE, lambda facts: DELAY in facts.grounds, clears=("delay_verified",)),
    *(question for name in CHANNELS for question in _channel_questions(name)),
    Question("receipt_numbers", PERSON, personal=True, source="leaflet, step 2: all receipt numbers"),
    Question("requester_role", PERSON, clears=("representative_name",), source="www.dhs.gov/case-assistance"),
    Question("full_name", PERSON, personal=True),
    Question("date_of_birth", PERSON, lambda facts: not facts.by_company, personal=True),
    Question("representative_name", PERSON,
             lambda facts: facts.requester_role is not None and facts.requester_role not in OWN_CASE_ROLES,
             personal=True, source="www.dhs.gov/case-assistance, written consent"),
    Question("a_number", PERSON, lambda facts: not facts.by_company, optional=True, personal=True,
             source="Form DHS-7001, item A-number"),
    Question("email", PERSON, lambda facts: not facts.known("phone"), optional=True, personal=True),
    Question("phone", PERSON, lambda facts: not facts.known("email"), personal=True),
    Question("mailing_address", PERSON, optional=True, personal=True),
    Question("problem_description", REQUEST, free_text=True),
    Question("documents", REQUEST, optional=True, source="leaflet, step 2: copies, never originals"),
    Question("delivery", SENDING, clears=("consent", "signature_name"), source="leaflet, step 3"),
    Question("consent", SENDING, lambda facts: facts.delivery == "online", source="leaflet, step 1"),
    Question("signature_name", SENDING, lambda facts: facts.delivery == "online" and facts.consent is True,
             personal=True, source="leaflet, step 3: signed"),
)

BY_SLOT = {question.slot: question for question in QUESTIONS}
# What a messenger is no place for: who the person is, their papers, their consent and signature, and the review of it;
# with what is stored beside them without a question of its own.
ON_THE_PAGE = frozenset(
    question.slot for question in QUESTIONS if question.personal and question.slot != "receipt_numbers"
) | {"documents", "consent", REVIEW, "phone_e164", "signed_at"}
FREE_TEXT = frozenset(question.slot for question in QUESTIONS if question.free_text) | {"feedback_text"}
# Asked in this order before anything personal: they decide whether the Ombudsman can help at all.
ELIGIBILITY = tuple(question for question in QUESTIONS if question.section <= USCIS_FIRST)
REQUEST_DATA = tuple(question for question in QUESTIONS if question.section > USCIS_FIRST)


def visible(facts: Facts) -> tuple[Question, ...]:
    """The questions of this person's interview, in order."""
    return tuple(question for question in QUESTIONS if question.asked_if(facts))


def first_open(questions: tuple[Question, ...], facts: Facts) -> Question | None:
    """The first question that is part of the interview and not settled, or ``None``."""
    return next((question for question in questions if question.asked_if(facts) and not facts.settled(question.slot)),
                None)


def progress(asking: str | None, done: bool) -> tuple[int, int]:
    """Position for the progress bar: (step, steps), by section.

    Args:
        asking: The slot being asked, ``review`` or ``None``.
        done: Whether the conversation has an outcome.
    """
    if done or asking == REVIEW:
        return len(SECTIONS), len(SECTIONS)
    question = BY_SLOT.get(asking or "")
    return (question.section if question else SITUATION), len(SECTIONS)
