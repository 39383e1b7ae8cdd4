"""Facts that a message brings without having been asked for, so that nothing is asked twice."""
from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from actions.changing import merged_receipts
from actions.claims import Claims, claims_of
from actions.readers import after_correction, before_filing, contact_values, form
from actions.turn import Turn
from triage.dates import first_day
from triage.facts import CHANNELS, DELAY, HARDSHIP, OWN_CASE_ROLES, TRIED, UNRESOLVED

WORKER_PETITIONS = ("I-129", "I-140", "I-907")
_YEAR = re.compile(r"\d{4}|\d[年/.-]\d|年")
STORY_WORDS = 8
TELLING_WORDS = 10
# In the middle of the interview a new ground is taken only from a sentence that is clearly about it.
CLEARLY = 0.75


def take_all(turn: Turn, asked: str | None) -> None:
    """Take every fact of the message that does not belong to the open question.

    Args:
        turn: The turn.
        asked: Slot of the open question, which its own reader reads.
    """
    _form(turn, asked)
    _channels(turn, asked)
    _dates(turn, asked)
    _identifiers(turn, asked)
    _person(turn, asked)
    if asked != "grounds":
        _ground_on_the_way(turn)


def _note(turn: Turn, slot: str, value: Any) -> None:
    if not turn.withhold(slot) and turn.memory.answers.get(slot) != value:
        turn.put(slot, value)
        turn.noted.append(slot)


def _form(turn: Turn, asked: str | None) -> None:
    if asked == "form_type" or turn.memory.answers.get("form_type"):
        return
    reading = form(turn.message, turn.world.today, turn.memory.answers)
    if reading and reading.values:
        _note(turn, "form_type", reading.values["form_type"])


def _channels(turn: Turn, asked: str | None) -> None:
    if asked in ("delivery", "documents"):
        return  # "The office has a fax machine": whose office it is, is not said
    answers = turn.memory.answers
    for item in (*turn.message.all("service_channel"), *turn.message.all("other_channel")):
        name, state = item["value"], item.get("role")
        if name not in CHANNELS or name == asked or not state:
            continue
        # "All three" or a verb without its object speaks of the channel that is asked for, and changes no answer.
        if (item.get("generic") and asked not in CHANNELS) or (name in answers and item.get("implied")):
            continue
        _note(turn, str(name), state)


def _dates(turn: Turn, asked: str | None) -> None:
    answers, today = turn.memory.answers, turn.world.today
    # "They say they mailed it in July" is about USCIS's mail, not about filing.
    names_a_form = any(item["value"] for item in turn.message.all("form_type"))
    about_their_mail = claims_of(turn.message).not_received and not names_a_form
    dates = list(turn.message.all("date"))
    kept = {id(item) for role in {item.get("role") for item in dates}
            for item in after_correction(turn.message, [one for one in dates if one.get("role") == role])}
    for item in dates:
        if id(item) not in kept:
            continue
        role, value = item.get("role"), str(item["value"])
        if item.get("future") or item.get("precision") == "year" or first_day(value) > today:
            continue
        if item.get("denied") or (role == "filing" and about_their_mail):
            continue
        if role in CHANNELS and before_filing(value, answers.get("filing_date")):
            continue
        if role == "filing" and asked not in ("filing_date", "date_of_birth") and "filing_date" not in answers:
            _note(turn, "filing_date", value)
        elif role == "birth" and asked != "date_of_birth" and "date_of_birth" not in answers:
            _birth(turn, item)
        elif (role in CHANNELS and asked != f"{role}_date" and answers.get(str(role)) == TRIED
              and f"{role}_date" not in answers):
            _note(turn, f"{role}_date", value)


def _birth(turn: Turn, item: Mapping[str, Any]) -> None:
    # "They printed my birthday as January 8": a day without its year is not the whole of it.
    with_year = str(item["value"])[:4] != str(turn.world.today.year) or _YEAR.search(str(item.get("text") or ""))
    doubtful = turn.language == "zh-Hant" and item.get("either")
    if item.get("precision") == "day" and not item.get("approx") and with_year and not doubtful:
        _note(turn, "date_of_birth", str(item["value"]))


def _identifiers(turn: Turn, asked: str | None) -> None:
    message, answers = turn.message, turn.memory.answers
    if asked != "receipt_numbers":
        good = [str(item["value"]) for item in message.all("receipt_number") if not item.get("problem")]
        if good:
            numbers = list(dict.fromkeys(good))
            _note(turn, "receipt_numbers", merged_receipts(answers.get("receipt_numbers"), numbers, message,
                                                           replacing=False))
    number = message.first("a_number")
    if number and asked != "a_number" and "a_number" not in answers:
        _note(turn, "a_number", number["value"])
    if asked not in ("email", "phone"):
        values, _ = contact_values(message)
        for slot, value in values.items():
            if slot not in answers:
                _note(turn, slot, value)


def _person(turn: Turn, asked: str | None) -> None:
    message, answers = turn.message, turn.memory.answers
    role = message.first("requester_role")
    # "We petitioned for our worker": who types for a company is asked.
    unclear = role is not None and role["value"] == "petitioner" and answers.get("form_type") in WORKER_PETITIONS
    if role and not unclear and asked != "requester_role" and "requester_role" not in answers:
        _note(turn, "requester_role", role["value"])
    name = message.first("person_name")
    if name and asked not in ("full_name", "representative_name", "signature_name"):
        own = answers.get("requester_role") in (None, *OWN_CASE_ROLES)
        slot = "full_name" if own else "representative_name"
        if slot not in answers:
            _note(turn, slot, str(name["value"]))
    delivery = message.first("delivery")
    wish = message.any_sentence("inform", "ask_how_to_submit", at_least=CLEARLY) and not message.is_question
    if delivery and wish and asked not in ("delivery", "consent", "documents") and "delivery" not in answers:
        _note(turn, "delivery", delivery["value"])


def move_name_to_typist(turn: Turn) -> None:
    """A name given before the role was known was the typist's own: the case is another person's."""
    answers = turn.memory.answers
    typist_only = "full_name" in answers and "full_name" not in turn.memory.at.trail
    if (answers.get("requester_role") not in (None, *OWN_CASE_ROLES) and typist_only
            and "representative_name" not in answers):
        turn.put("representative_name", answers["full_name"])
        turn.memory.forget("full_name")


def _ground_on_the_way(turn: Turn) -> None:
    if not turn.memory.answers.get("grounds"):
        return
    message = turn.message
    if message.sure("report_hardship", at_least=CLEARLY) and message.first("ground", "claimed"):
        add_grounds(turn, (HARDSHIP,))


def add_grounds(turn: Turn, names: tuple[str, ...]) -> bool:
    """Add claimed grounds; a hardship that is told at some length is not asked again.

    Returns:
        Whether one was new.
    """
    held = list(turn.memory.answers.get("grounds") or [])
    new = [name for name in names if name not in held]
    if not new:
        return False
    turn.put("grounds", held + new)
    if HARDSHIP in new and turn.message.length >= TELLING_WORDS and "hardship_detail" not in turn.memory.answers:
        turn.put("hardship_detail", turn.message.text)
    return True


def story(turn: Turn) -> Claims:
    """Take the grounds, or the concern, of a story told in the person's own words."""
    at, message = turn.memory.at, turn.message
    found = claims_of(message)
    if at.opening is None and message.length >= STORY_WORDS and (
            found.grounds or found.concern or found.not_received or message.first("form_type")):
        at.opening = message.text
    if found.grounds:
        if add_grounds(turn, found.grounds):
            turn.noted.append("grounds")
            turn.handled = True
        if at.waiting_only is True and set(found.grounds) - {DELAY, UNRESOLVED}:
            at.waiting_only = False
    elif found.not_received:
        at.not_received = True
        turn.handled = True
    elif found.concern and not turn.memory.answers.get("grounds"):
        agency = message.first("agency")
        at.concern = found.concern
        at.agency = str(agency["value"]) if agency else None
        at.concern_settled = found.concern_sure and found.concern in ("legal_advice", "other_agency")
        turn.handled = True
    return found
