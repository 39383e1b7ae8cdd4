"""What a turn says is worded in all three languages at once, each as it would be said in that language alone."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Iterable
from typing import Any

import pytest

from actions import asking, changing, faq, outcomes, papers, telling, unclear
from actions.intake_client import Backend, IntakeClient
from actions.memory import Memory, Standing
from actions.message import Message
from actions.review import summary
from actions.turn import Say, Turn
from actions.words import LANGUAGES, Words, worded
from bot.wording import ROOT, catalogue, fill, read_responses
from tests.actions.talk import TODAY, Talk, world
from tests.conversations.scripts import wrong_script
from triage import decide
from triage.facts import CHANNELS
from triage.interview import QUESTIONS, REVIEW

CATALOGUE = catalogue(read_responses(ROOT / "domain"))
ANSWERS: dict[str, Any] = {
    "grounds": ["delay", "hardship"],
    "hardship_detail": "I lost my job.",
    "form_type": "I-485",
    "filing_date": "2022-01-15",
    "contact_center": "tried",
    "contact_center_date": "2026-09-14",
    "case_status_online": "not_tried",
    "infopass": "not_tried",
    "requester_role": "applicant",
    "full_name": "Amara Okafor",
    "date_of_birth": "1985-03-27",
    "email": "amara@example.org",
    "receipt_numbers": ["IOE0912345678"],
    "documents": ["receipt_notice"],
    "delivery": "online",
    "consent": True,
    "signature_name": "Amara Okafor",
}
# The person's own words and names stay as they are in every language.
OWN = [str(ANSWERS)]


def a_turn(language: str = "en", **more: Any) -> Turn:
    memory = Memory(dict(ANSWERS), Standing(**more), language)
    return Turn(Message("text", "hello", f"{TODAY}T10:00:00+00:00"), memory, dataclasses.replace(world(), today=TODAY))


def texts(say: Say) -> dict[str, str]:
    """The whole reply by language, as the wording makes it."""
    found = {}
    for language, variation in CATALOGUE[say.key].items():
        titles = [fill(button["title"], say.values, language) for button in variation.get("buttons", [])]
        more = [str(worded(item["title"], language)) for item in (*say.buttons, *say.attachments)]
        found[language] = "\n".join([fill(variation["text"], say.values, language), *titles, *more])
    return found


def check(replies: Iterable[Say]) -> None:
    for say in replies:
        for language, text in texts(say).items():
            problem = wrong_script(text, language, OWN, ANSWERS)
            assert problem is None, (say.key, language, problem)
            assert "{'" not in text, (say.key, language, "a value that is not in one language")


SLOTS = [*(question.slot for question in QUESTIONS), REVIEW, "feedback_text", "request_number"]


@pytest.mark.parametrize("slot", SLOTS)
def test_every_question(slot: str) -> None:
    turn = a_turn()
    asking.ask(turn, slot, None, turn.decide())
    asking.explain(turn, slot, None, turn.decide())
    assert turn.replies
    check(turn.replies)


@pytest.mark.parametrize("topic", [*faq.TOPICS, *faq.SMALL_TALK, *faq.BESIDE])
def test_every_answer_to_a_question(topic: str) -> None:
    turn = a_turn()
    faq.answer(turn, topic)
    check(turn.replies)


@pytest.mark.parametrize(
    "outcome",
    [
        *("submitted", "prepared", "try_uscis_first", "wait_until", "legal_advice", "other_agency", "feedback"),
        *("decision_disagreement", "consent_declined", "handed_to_human", "cancelled"),
    ],
)
def test_every_outcome(outcome: str) -> None:
    turn = a_turn(tracking_number="CA-2345-6789-ABCD", agency="nvc")
    turn.memory.answers |= {"delivery": "mail", "filing_date": "2026-09-01"}
    decision = dataclasses.replace(decide(turn.memory.facts(), turn.world.policy, TODAY), outcome=outcome)
    outcomes.tell(turn, decision)
    assert turn.replies
    check(turn.replies)


def test_an_outcome_on_paper_without_a_pdf() -> None:
    turn = a_turn(tracking_number="1000")
    turn.world = dataclasses.replace(turn.world, intake=IntakeClient(Backend("http://127.0.0.1:1", "none", pdf="")))
    turn.memory.answers |= {"delivery": "mail"}
    decision = dataclasses.replace(decide(turn.memory.facts(), turn.world.policy, TODAY), outcome="prepared")
    outcomes.tell(turn, decision)
    check(turn.replies)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_helpers(language: str) -> None:
    turn = a_turn(language)
    made = {
        "contacts": telling.contacts(turn.world, turn.world.content.legal_help.places),
        "channels": telling.channel_lines(turn.world),
        "agency": (telling.agency(turn.world, "nvc") or {})["agency"],
        **{f"note of {name}": telling.channel(turn.world, name)["note"] for name in CHANNELS},
        "summary": summary(turn.memory, turn.world),
        "noted": changing.noted_items(turn, ["filing_date", "contact_center"]),
        "papers": papers.lines(turn, ANSWERS["grounds"]),
        "paper": papers.name(turn, "receipt_notice"),
        "day": turn.day("2026-09"),
        "label": turn.label("contact_line", name=turn.day("2026"), contact=turn.label("yes")),
    }
    for name, words in made.items():
        assert isinstance(words, Words), name
        assert tuple(words) == LANGUAGES
        assert wrong_script(words[language], language, OWN, ANSWERS) is None, name


def test_a_date_differs_between_the_languages() -> None:
    day = "2026年9月14日"
    assert a_turn().day("2026-09-14") == {"en": "September 14, 2026", "zh-Hans": day, "zh-Hant": day}


def test_what_is_asked_back_names_its_readings_in_every_language() -> None:
    talk = Talk(asking="grounds").say(
        "they said no and that is wrong", ("disagree_with_decision", 0.4), ("report_uscis_error", 0.36)
    )
    (asked,) = (reply for reply in talk.replies if reply.key.startswith("utter_did_you_mean"))
    for language in LANGUAGES:
        titles = asked.titles_in(language)
        assert titles == [world().labels.get(f"reading_{name}", language) for name in [*talk.readings, unclear.OTHER]]
        assert all(title in asked.values_in(language)["choices"] for title in titles)


def test_no_mixture_whatever_is_known() -> None:
    """The next question and its notes in all three languages, whatever has been answered."""
    chance = random.Random(7)
    for _ in range(80):
        turn = a_turn(chance.choice(LANGUAGES))
        turn.memory.answers = {name: value for name, value in ANSWERS.items() if chance.random() < 0.7}
        decision = turn.decide()
        if decision.question is not None:
            asking.ask(turn, decision.question, decision.variant, decision)
        check(turn.replies)
