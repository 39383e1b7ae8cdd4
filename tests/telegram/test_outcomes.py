"""Every outcome in every language, in Telegram: by words and by buttons; what is personal, on the page."""

from __future__ import annotations

import pytest

from tests.conversations import people as words
from tests.conversations.scripts import wrong_script
from tests.conversations.test_outcomes import BY_MAIL, NO, ONLY_DECISION, OPENINGS, REFUSE
from tests.telegram.people import TAGS, go_on, link_of, open_page
from tests.telegram.worker import Worker
from tools.bot_api.person import Person
from triage.rules import OUTCOMES

NOT_TRIED = {name: f'"{name}":"not_tried"' for name in ("contact_center", "case_status_online", "infopass")}
# How each outcome begins, what is said or pressed on the way, and what is said on the page.
ENDS_HERE: dict[str, dict[str, str]] = {
    "wait_until": {"grounds": "/deny"},
    "try_uscis_first": NOT_TRIED,
    "legal_advice": {"grounds": "/deny"},
    "other_agency": {"grounds": "/deny"},
    "decision_disagreement": {"grounds": "/deny"},
    "feedback": {},
    "handed_to_human": {},
}
ON_THE_PAGE: dict[str, dict[str, dict[str, str]]] = {
    "submitted": {},
    "prepared": {"delivery": BY_MAIL},
    "consent_declined": {"consent": REFUSE},
}


@pytest.fixture(params=["words", "buttons"])
def by_buttons(request: pytest.FixtureRequest) -> bool:
    """By words, and by buttons."""
    return bool(request.param == "buttons")


def check(person: Person, language: str, said: list[str]) -> None:
    """What must hold of every answer."""
    for sent in person.last:
        assert wrong_script(sent.text, language, said, {}) is None, sent.text
        for row in sent.keyboard:
            assert len(row) == 1, "more than one choice in a row"


def begin(worker: Worker, language: str, opening: str) -> Person:
    """Somebody who has greeted and told what it is about."""
    person = worker.person(TAGS[language])
    person.say("/start")
    check(person, language, [])
    person.say(opening)
    check(person, language, [opening])
    return person


@pytest.mark.parametrize("outcome", ENDS_HERE)
def test_outcomes_without_the_page(worker: Worker, language: str, outcome: str, by_buttons: bool) -> None:
    person = begin(worker, language, OPENINGS[outcome][language])
    by_words = {name: NO[language] for name in (*NOT_TRIED, "grounds") if name in ENDS_HERE[outcome]}
    if outcome == "decision_disagreement":
        by_words["grounds"] = ONLY_DECISION[language]
    go_on(worker, person, language, by_buttons, **(ENDS_HERE[outcome] if by_buttons else by_words))
    assert worker.state(person)["outcome"] == outcome
    check(person, language, [OPENINGS[outcome][language], *words.ANSWERS[language].values()])


@pytest.mark.parametrize("outcome", ON_THE_PAGE)
def test_outcomes_that_need_the_page(worker: Worker, language: str, outcome: str, by_buttons: bool) -> None:
    person = begin(worker, language, OPENINGS["submitted"][language])
    go_on(worker, person, language, by_buttons)
    assert worker.state(person)["asking"] == "full_name"
    page = open_page(worker, person, language)
    words.go_on(page, language, **{slot: texts[language] for slot, texts in ON_THE_PAGE[outcome].items()})
    assert page.outcome == outcome
    person.wait()  # what came of it is told here, too
    check(person, language, page.said)
    number = page.state["tracking_number"]
    if outcome == "consent_declined":
        assert number is None
    else:
        assert number in person.text
    for personal in ("full_name", "email"):
        assert words.ANSWERS[language][personal] not in "\n".join(sent.text for sent in worker.api.in_chat(person.chat))
    assert all("/chat/files/" not in sent.text for sent in worker.api.in_chat(person.chat) if ".pdf" in sent.text)


def test_cancelled(worker: Worker, language: str, by_buttons: bool) -> None:
    person = begin(worker, language, OPENINGS["submitted"][language])
    person.say("/cancel")
    assert worker.state(person)["outcome"] is None
    if by_buttons:
        person.tap(0)
    else:
        person.say({"en": "yes, cancel it", "zh-Hans": "对，取消", "zh-Hant": "對，取消"}[language])
    assert worker.state(person)["outcome"] == "cancelled"
    assert link_of(person) is None


def test_every_outcome_is_tested_here() -> None:
    assert set(OUTCOMES) == {*ENDS_HERE, *ON_THE_PAGE, "cancelled"}
