"""Whole calls for every outcome, in each caller's language, with the keyboard alone."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.console.driver import CallTaker
from tests.conversations.test_outcomes import BY_MAIL, CANCEL, NO, ONLY_DECISION, OPENINGS, REFUSE, YES

# Outcome of the guide → its opening, answers that differ from the usual ones, the disposition that is proposed.
CALLS = {
    "submitted": ("submitted", {}, "H1"),
    "prepared": ("submitted", {"delivery": BY_MAIL}, "H1"),
    "wait_until": ("wait_until", {}, "R2"),
    "try_uscis_first": (
        "try_uscis_first",
        {"contact_center": NO, "case_status_online": NO, "infopass": NO},
        "R1",
    ),
    "legal_advice": ("legal_advice", {"grounds": NO}, "R3"),
    "other_agency": ("other_agency", {"grounds": NO}, "R3"),
    "decision_disagreement": ("decision_disagreement", {"grounds": ONLY_DECISION}, "R3"),
    "feedback": ("feedback", {}, "F1"),
    "consent_declined": ("submitted", {"consent": REFUSE}, "D1"),
    "handed_to_human": ("handed_to_human", {}, "C1"),
}


@pytest.mark.parametrize("outcome", CALLS)
def test_a_call(taker: CallTaker, language: str, outcome: str) -> None:
    opening, own, proposed = CALLS[outcome]
    taker.begin(language).say(OPENINGS[opening][language])
    taker.go_on(language, **{slot: texts[language] for slot, texts in own.items()})
    assert taker.outcome == outcome
    assert taker.proposed == proposed
    assert bool(taker.english()) == (language != "en")
    taker.check(f"{outcome}-{language}")
    fields = {}
    if proposed == "H1":
        number = taker.page.locator("#tracking-title ~ .number").inner_text()
        assert re.fullmatch(r"CA\s+\w{4}\s+\w{4}\s+\w{4}", number.strip())
        taker.finish("")
        expect(taker.page.locator("#problem")).to_contain_text("read out twice")
        taker.press("Alt+n", "/read").press("Alt+n", "/read")
    if proposed == "C1":
        fields = {"zone": "Asia/Taipei", "when": taker.page.evaluate(IN_TWO_DAYS)}
    taker.finish("", **fields).ended()
    if language == "en":
        taker.check(f"ended-{outcome}")


# A moment as the field of an English browser takes it.
IN_TWO_DAYS = """() => {
  const day = new Date(Date.now() + 2 * 86400000);
  const two = (number) => String(number).padStart(2, "0");
  return two(day.getMonth() + 1) + two(day.getDate()) + day.getFullYear() + "0930AM";
}"""


def test_a_cancelled_call(taker: CallTaker, language: str) -> None:
    taker.begin(language).say(OPENINGS["submitted"][language]).go_on(language, until="email")
    taker.say(CANCEL[language]).say(YES[language])
    assert taker.outcome == "cancelled"
    assert taker.proposed == "D1"
    taker.finish("").ended()
