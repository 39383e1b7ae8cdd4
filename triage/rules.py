"""The decision: one ordered list of rules, each with its source; the first that applies decides.

A rule ends in an outcome, or in the question that must be answered before anything later can be decided.
"""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from triage.contact_window import ContactWindow, check_contact_window
from triage.delay import DelayCheck, check_delay
from triage.facts import CHANNELS, DELAY, GROUNDS, HARDSHIP, NOT_TRIED, UNRESOLVED, Facts
from triage.interview import ELIGIBILITY, QUESTIONS, REQUEST_DATA, REVIEW, SITUATION, first_open
from triage.policy import Policy

OUTCOMES = ("submitted", "prepared", "try_uscis_first", "wait_until", "legal_advice", "other_agency",
            "decision_disagreement", "feedback", "consent_declined", "handed_to_human", "cancelled")
SEND = "send"


@dataclass(frozen=True)
class Situation:
    """Facts plus what follows from them; what the conditions of the rules look at."""

    facts: Facts
    policy: Policy
    delay: DelayCheck
    window: ContactWindow

    @property
    def grounds(self) -> tuple[str, ...]:
        """The claimed grounds that hold so far."""
        return tuple(name for name in GROUNDS if name in self.facts.grounds and self.holds(name))

    def holds(self, ground: str) -> bool:
        """Whether a claimed ground holds: delay is checked, an unresolved problem needs somebody who was asked."""
        if ground == DELAY:
            asked = self.facts.settled("form_type") and self.facts.settled("filing_date")
            return asked and self.delay.verified is not False
        if ground == UNRESOLVED:
            return not self.nothing_tried and self.facts.waiting_only is not True
        return True

    @property
    def nothing_tried(self) -> bool:
        """Whether the person said of every USCIS channel that it was not tried."""
        return all(getattr(self.facts, name) == NOT_TRIED for name in CHANNELS)

    @property
    def only_waiting_named(self) -> bool:
        """Inside the normal time, and nothing but waiting or fruitless asking was named."""
        claimed = set(self.facts.grounds)
        return self.delay.verified is False and bool(claimed) and claimed <= {DELAY, UNRESOLVED}

    @property
    def window_stops(self) -> bool:
        """Whether the 90/60-day rule is binding and not met."""
        return (self.policy.contact_window_binding and HARDSHIP not in self.facts.grounds
                and self.window.kind in ("too_recent", "too_old", "no_contact"))


@dataclass(frozen=True)
class Decision:
    """Exactly one of ``outcome``, ``question`` and ``ready`` is set.

    Attributes:
        rule: Name of the rule that decided.
        outcome: One of ``OUTCOMES``.
        question: Slot to ask next, or ``review``.
        ready: Everything is there and agreed to: hand the request (or the feedback) over now.
        variant: Which way of asking (``disagreement``, ``only_waiting``, ``concern``), or ``None``.
        grounds: The grounds that hold so far.
        delay: The check of the delay.
        window: The check of the 90/60-day rule.
    """

    rule: str
    outcome: str | None
    question: str | None
    ready: bool
    variant: str | None
    grounds: tuple[str, ...]
    delay: DelayCheck
    window: ContactWindow


Result = tuple[str, str, str | None]


@dataclass(frozen=True)
class Rule:
    """One rule.

    Attributes:
        name: Unique, used in tests and reports.
        source: Where it comes from.
        decide: Gives ``("outcome" | "question" | "ready", name, variant)`` or ``None`` when it does not apply.
    """

    name: str
    source: str
    decide: Callable[[Situation], Result | None]


def _outcome(name: str, applies: Callable[[Situation], bool]) -> Callable[[Situation], Result | None]:
    return lambda situation: ("outcome", name, None) if applies(situation) else None


def _question(slot: str, applies: Callable[[Situation], bool],
              variant: str | None = None) -> Callable[[Situation], Result | None]:
    return lambda situation: ("question", slot, variant) if applies(situation) else None


def _outside(concern: str) -> Callable[[Situation], bool]:
    return lambda s: s.facts.concern == concern and not s.facts.grounds


def _settled_outside(concern: str) -> Callable[[Situation], bool]:
    return lambda s: _outside(concern)(s) and s.facts.concern_settled


def _feedback(situation: Situation) -> Result | None:
    facts = situation.facts
    if facts.concern != "feedback" or facts.grounds:
        return None
    if facts.feedback_stored:
        return "outcome", "feedback", None
    return ("ready", "feedback", None) if facts.feedback_text else ("question", "feedback_text", None)


def _open(section: Callable[[int], bool]) -> Callable[[Situation], Result | None]:
    def decide(situation: Situation) -> Result | None:
        chosen = tuple(question for question in QUESTIONS if section(question.section))
        question = first_open(chosen, situation.facts)
        return ("question", question.slot, None) if question else None
    return decide


def _case(situation: Situation) -> Result | None:
    question = first_open(tuple(q for q in ELIGIBILITY if q.slot in ("form_type", "filing_date")), situation.facts)
    return ("question", question.slot, None) if question else None


def _request_data(situation: Situation) -> Result | None:
    question = first_open(REQUEST_DATA, situation.facts)
    return ("question", question.slot, None) if question else None


RULES: tuple[Rule, ...] = (
    Rule("cancelled", "the person's own wish", _outcome("cancelled", lambda s: s.facts.stopped)),
    Rule("asked_for_a_person", "the person's own wish",
         _outcome("handed_to_human", lambda s: s.facts.wants_human)),
    Rule("sent", "the backend has stored the request",
         _outcome("submitted", lambda s: bool(s.facts.tracking_number) and s.facts.delivery == "online")),
    Rule("prepared", "leaflet, step 3: signed form by email, fax or mail",
         _outcome("prepared", lambda s: bool(s.facts.tracking_number))),
    Rule("feedback", "leaflet, last paragraph", _feedback),
    Rule("legal_advice", "leaflet, cannot help: legal advice",
         _outcome("legal_advice", _settled_outside("legal_advice"))),
    Rule("legal_advice_or_more", "our reading: a story partly outside is not turned away",
         _question("grounds", _outside("legal_advice"), "concern")),
    Rule("other_agency", "leaflet, cannot help: not about USCIS",
         _outcome("other_agency", _settled_outside("other_agency"))),
    Rule("other_agency_or_more", "our reading: a story partly outside is not turned away",
         _question("grounds", _outside("other_agency"), "concern")),
    Rule("decision_disagreement", "leaflet, cannot help: a decision without a mistake in the process",
         _outcome("decision_disagreement", _settled_outside("disagreement"))),
    Rule("decision_or_mistake", "leaflet: a mistake or error in the process can be looked at",
         _question("grounds", _outside("disagreement"), "disagreement")),
    Rule("why_they_came", "leaflet, the four situations", _open(lambda section: section == SITUATION)),
    Rule("which_case", "leaflet, third situation", _case),
    Rule("only_waiting", "leaflet, third situation: inside the normal time it does not hold",
         _question("grounds", lambda s: s.only_waiting_named and UNRESOLVED in s.facts.grounds
                   and s.facts.waiting_only is None, "only_waiting")),
    Rule("wait_until", "leaflet, third situation",
         _outcome("wait_until", lambda s: s.only_waiting_named
                  and (UNRESOLVED not in s.facts.grounds or s.facts.waiting_only is True))),
    Rule("uscis_channels", "leaflet, first try the USCIS public services",
         lambda s: _open_channels(s)),
    Rule("try_uscis_first", "leaflet, first try; one is enough and the exception for hardship are our reading",
         _outcome("try_uscis_first", lambda s: s.nothing_tried and HARDSHIP not in s.facts.grounds)),
    Rule("contact_window", "www.dhs.gov/case-assistance, 90/60 days, only when made binding",
         _outcome("try_uscis_first", lambda s: s.window_stops)),
    Rule("consent_declined", "leaflet, step 1: consent is needed",
         _outcome("consent_declined", lambda s: s.facts.delivery == "online" and s.facts.consent is False)),
    Rule("request_data", "Form DHS-7001", _request_data),
    Rule("review", "every answer is shown before sending", _question(REVIEW, lambda s: not s.facts.reviewed)),
    Rule("ready", "reviewed and agreed", lambda s: ("ready", SEND, None)),
)


def _open_channels(situation: Situation) -> Result | None:
    question = first_open(ELIGIBILITY, situation.facts)
    return ("question", question.slot, None) if question else None


def decide(facts: Facts, policy: Policy, today: date) -> Decision:
    """Say what comes next: a question, an outcome, or handing over.

    Args:
        facts: Everything known.
        policy: Dated numbers from ``content/``.
        today: The day on which the person asks.
    """
    situation = Situation(facts, policy, check_delay(facts.form_type, facts.filing_date, policy, today),
                          check_contact_window(facts, policy, today))
    for rule in RULES:
        result = rule.decide(situation)
        if result is not None:
            kind, name, variant = result
            return Decision(rule.name, name if kind == "outcome" else None, name if kind == "question" else None,
                            kind == "ready", variant, situation.grounds, situation.delay, situation.window)
    raise AssertionError("the last rule always applies")
