"""What the person claims to be wrong: grounds, or a concern outside them.

Source: the leaflet's four situations, and the three in which the office cannot help.
"""
from __future__ import annotations

from dataclasses import dataclass

from actions.message import SURE, Message
from triage.facts import DELAY, GROUNDS, HARDSHIP, UNRESOLVED, USCIS_ERROR

BY_INTENT = {"report_delay": DELAY, "report_hardship": HARDSHIP, "report_unresolved": UNRESOLVED,
             "report_uscis_error": USCIS_ERROR}
CONCERNS = {"ask_legal_advice": "legal_advice", "report_other_agency": "other_agency",
            "disagree_with_decision": "disagreement", "give_feedback": "feedback"}
# "I'd like to become a citizen" before the story of a case: what one sentence alone sounds like is not what is wanted.
SELDOM_IN_A_STORY = frozenset({"ask_legal_advice", "give_feedback"})
CASE_FACTS = ("form_type", "receipt_number", "service_channel")
# A concern as sure as this needs no asking back; anything said later reopens it.
VERY_SURE = 0.6
OUTRIGHT = 0.85
LIKELY = 0.4
FAINT = 0.25


@dataclass(frozen=True)
class Claims:
    """What one message claims.

    Attributes:
        grounds: Grounds, in the order of ``GROUNDS``.
        denied: Grounds said not to be there.
        concern: One of ``triage.facts.CONCERNS`` or ``None``.
        concern_sure: Nothing else is in the message, and it is clear.
        not_received: A card, notice or letter never came.
    """

    grounds: tuple[str, ...]
    denied: frozenset[str]
    concern: str | None
    concern_sure: bool
    not_received: bool


def claims_of(message: Message) -> Claims:
    """Read grounds and concern out of a message, by its sentences and by the words in it."""
    found = {str(item["value"]) for item in message.all("ground", "claimed")}
    denied = frozenset(str(item["value"]) for item in message.all("ground", "denied"))
    readings = [(segment.intent, segment.confidence) for segment in message.segments] or list(message.ranking[:1])
    if message.ranking:
        readings.append(message.ranking[0])
    grounds = {name for name in GROUNDS if name in found}
    for intent, confidence in readings:
        # Where the words name another ground, a middling guess at the sentence does not add one.
        if intent in BY_INTENT and confidence >= (SURE if found & set(GROUNDS) else LIKELY):
            grounds.add(BY_INTENT[intent])
    if not grounds and message.intent in BY_INTENT and message.confidence >= FAINT:
        grounds.add(BY_INTENT[message.intent])
    grounds -= denied
    not_received = "not_received" in found or any(
        intent == "report_not_received" and confidence >= LIKELY for intent, confidence in readings)
    concern, strength = _concern(message, readings, found)
    if concern == "disagreement":
        # "They decided wrongly" is not yet a mistake in the handling; that is asked.
        named = any(intent == "report_uscis_error" and confidence >= LIKELY for intent, confidence in readings)
        if message.sure("disagree_with_decision"):
            grounds -= {DELAY, HARDSHIP} if named else {DELAY, HARDSHIP, USCIS_ERROR}
        elif not named and message.intent == "disagree_with_decision":
            grounds.discard(USCIS_ERROR)
    elif concern and strength >= VERY_SURE and not any(
            intent in BY_INTENT and confidence >= (VERY_SURE if _wholly(message, concern) else LIKELY)
            for intent, confidence in readings):
        # Words like "waiting" or "mistake" also occur in what is said about a consulate or in a suggestion.
        grounds = set()
        not_received = False
    sure = concern is not None and not grounds and not not_received and strength >= VERY_SURE
    return Claims(tuple(name for name in GROUNDS if name in grounds), denied, concern, sure, not_received)


def _wholly(message: Message, concern: str) -> bool:
    """Whether the message as a whole leaves no doubt about the concern, whatever a sentence of it sounds like alone."""
    return any(message.sure(intent, at_least=OUTRIGHT) for intent, name in CONCERNS.items() if name == concern)


def _concern(message: Message, readings: list[tuple[str, float]], found: set[str]) -> tuple[str | None, float]:
    best: tuple[str | None, float] = (None, 0.0)
    case_told = any(message.first(entity) for entity in CASE_FACTS)
    for intent, confidence in readings:
        if case_told and intent in SELDOM_IN_A_STORY and message.p(intent) < FAINT:
            continue
        if intent in CONCERNS and confidence >= LIKELY and confidence > best[1]:
            best = (CONCERNS[intent], confidence)
    if "legal_only" in found:
        best = ("legal_advice", max(best[1], VERY_SURE))
    if best[0] is None and "disagreement" in found:
        best = ("disagreement", LIKELY)
    agency = message.first("agency")
    if agency is not None and agency.get("primary") and any(
            item.get("problem") for item in message.all("agency", None)) and message.p(*BY_INTENT) < SURE:
        return "other_agency", max(best[1], VERY_SURE)
    if agency is not None and agency.get("primary"):
        if best[0] == "other_agency":
            best = ("other_agency", max(best[1], VERY_SURE))
        elif best[0] is None and message.p("report_other_agency") >= FAINT:
            best = ("other_agency", LIKELY)
    return best
