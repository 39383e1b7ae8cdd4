"""Answers in context: what a message says about the open question.

Each reader looks at one slot and gives a ``Reading``; ``None`` means that the message does not answer it.
"""
from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

import phonenumbers
import yaml

from actions.claims import claims_of
from actions.message import Message
from triage.dates import first_day
from triage.facts import CHANNELS, DELIVERIES, NONE, NOT_TRIED, ROLES, TRIED

YES = ("affirm",)
NO = ("deny",)
# Shares of probability below which a yes or no is not believed.
HALF_SURE = 0.35
# The question was put twice already: the likelier reading counts.
SECOND_TRY = 0.12
# A first word of yes or no outweighs the sentence as a whole, unless that surely says the opposite.
OPPOSITE = 0.85
SHORT_TALK = 3
# A choice is named in few words.
BARE_CHOICE = 5
LEXICON = Path(__file__).resolve().parents[1] / "data" / "lexicon" / "answers.yml"
# "Last Tuesday" answers "have you tried?"; a day in a longer sentence is the day of something else.
BARE_DATE = 5
LONG_FOR_A_BIRTHDAY = 10
# "Could not get one, so I never went": the sentence as a whole outweighs the word in it.
SURELY_NOT = 0.7
OLDEST_PERSON = 120
OF_AGE = 18
# No request is about a case filed before, or a call as long ago: an earlier date is a slip, or a birthday.
FIRST_FILING_YEAR = 1980
FIRST_CONTACT_YEAR = 2000
# So few words that begin with a no deny whatever was asked for.
BARE_NO = 4
NAME_MAX = 120
ADDRESS_MAX = 400
_DIGITS = re.compile(r"\d")
_DOTTED = re.compile(r"\S*[^\W\d]\S*\.\S+")
_LETTER = re.compile(r"[^\W\d_]")


@dataclass(frozen=True)
class Reading:
    """What an answer gives.

    Attributes:
        values: Slot to value.
        skip: The person has none or passes.
        problem: Key of the message that says what is wrong.
        details: Values for that message.
        pending: A confirmation or a choice to ask for.
    """

    values: Mapping[str, Any] = field(default_factory=dict)
    skip: bool = False
    problem: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    pending: Mapping[str, Any] | None = None


Reader = Callable[[Message, date, Mapping[str, Any]], "Reading | None"]


def yes_or_no(message: Message, yes: tuple[str, ...] = YES, no: tuple[str, ...] = NO,
              floor: float = HALF_SURE) -> bool | None:
    """Whether a message agrees, by the weight of its readings; ``None`` when it is neither (below ``floor``)."""
    agreed, refused = message.p(*yes), message.p(*no)
    for segment in message.segments:
        if segment.intent in yes:
            agreed = max(agreed, segment.confidence)
        elif segment.intent in no:
            refused = max(refused, segment.confidence)
    # "Yes, but do not show it to them" is no consent.
    if message.cue("yes") and refused < OPPOSITE and not (yes == YES and message.cue("hedged")):
        return True
    if message.cue("no") and agreed < OPPOSITE:
        return False
    if max(agreed, refused) < floor:
        return False if message.cue("none") else None
    return agreed > refused


def has_none(message: Message) -> bool:
    """Whether the person says that there is none, or does not want to tell."""
    return (message.cue("none", "pass") or message.p("skip", "deny") >= HALF_SURE
            or (message.cue("no") and not message.is_question and message.length <= BARE_NO)
            or (message.intent in ("unsure", "not_tried_channel") and message.confidence >= 0.5))


def receipts(message: Message, today: date, context: Mapping[str, Any]) -> Reading | None:
    """Receipt numbers; what is not clear is asked back, never mended silently."""
    good, asked = [], None
    for item in after_correction(message, list(message.all("receipt_number"))):
        problem = item.get("problem")
        if not problem:
            good.append(str(item["value"]))
        elif asked is None:
            asked = item
    values = {"receipt_numbers": list(dict.fromkeys(good))} if good else {}
    if asked is not None:
        problem, value = str(asked["problem"]), str(asked["value"])
        if problem in ("lookalike", "unknown_prefix"):
            return Reading(values, pending={"kind": "receipt", "value": value, "problem": problem})
        details = {"value": asked.get("text") or value, "letters": asked.get("letters", 0),
                   "digits": asked.get("digits", 0)}
        key = {"too_short": "utter_invalid_receipt_too_short", "too_long": "utter_invalid_receipt_too_long"}
        return Reading(values, problem=key.get(problem, "utter_invalid_receipt_no_letters"), details=details)
    if values:
        return Reading(values)
    nvc = message.first("nvc_case_number")
    if nvc:
        return Reading(problem="utter_receipt_nvc", details={"value": nvc["value"]})
    if message.first("a_number"):
        told = "utter_receipt_is_a_number_elsewhere" if message.elsewhere else "utter_receipt_is_a_number"
        return Reading({"a_number": message.first("a_number")["value"]}, problem=told)  # type: ignore[index]
    if message.cue("never_issued"):
        return Reading({"receipt_numbers": NONE, "receipt_numbers_reason": message.text})
    if message.cue("cannot_find") or message.sure("unsure"):
        return Reading(pending={"kind": "receipt_where"}, problem="utter_receipt_where")
    if has_none(message):
        return Reading(pending={"kind": "receipt_none", "reason": message.text},
                       problem="utter_ask_receipt_none_reason")
    return None


def after_correction(message: Message, items: list[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Without what the person takes back in the same breath ("…345, no wait, …354").

    Args:
        message: The message.
        items: Its entities of one kind and role.
    """
    for cue in message.all("cue"):
        later = [item for item in items if item.get("start", 0) >= cue.get("end", 0)]
        if cue["value"] == "corrected" and later and len(later) < len(items):
            return later
    return items


def form(message: Message, today: date, context: Mapping[str, Any]) -> Reading | None:
    """A form; an ambiguous name is asked back."""
    ambiguous = None
    items = list(message.all("form_type"))
    if message.cue("replace") and len(items) > 1:
        items = items[-1:]
    for item in items:
        if item.get("value") and _written(str(item["value"]), message.text):
            return Reading({"form_type": item["value"]})
    for item in items:
        if item.get("candidates") and not item.get("variant"):
            ambiguous = ambiguous or item
        elif item.get("known") is False:
            return Reading(pending={"kind": "form_unknown", "value": item["value"]})
        elif item["value"]:
            return Reading({"form_type": item["value"]})
    if ambiguous is not None:
        return Reading(pending={"kind": "form_choice", "term": ambiguous.get("text") or "",
                                "candidates": list(ambiguous["candidates"])})
    if message.sure("unsure"):
        return Reading(problem="utter_form_find")
    return None


def _written(form_id: str, text: str) -> bool:
    """Whether the number itself stands in the text, so that nothing about the form is left open."""
    plain = re.sub(r"[^A-Z0-9]", "", unicodedata.normalize("NFKC", text).upper())
    return form_id.replace("-", "") in plain


def _never_went(message: Message, channel_name: str) -> bool:
    """Whether "when was that?" is answered by that it never was."""
    if channel_name not in CHANNELS or message.is_question:
        return False
    said = any(item["value"] == channel_name for item in message.all("service_channel", NOT_TRIED))
    # Nobody forgets that there was a visit: a bare no denies it. A call may have been any day.
    bare = channel_name == "infopass" and message.cue("no") and message.length <= BARE_NO and not message.sure("unsure")
    return said or bare or message.sure("not_tried_channel", at_least=SURELY_NOT)


def a_date(slot: str, roles: tuple[str | None, ...]) -> Reader:
    """Reader of a date in the past, of which the month is enough."""

    def read(message: Message, today: date, context: Mapping[str, Any]) -> Reading | None:
        item = best_date(message, roles)
        if item is None:
            if _never_went(message, slot.removesuffix("_date")):
                return Reading({slot.removesuffix("_date"): NOT_TRIED})
            if slot != "filing_date":
                return Reading(skip=True) if has_none(message) else None
            # Helped once; who still does not know goes on without it.
            return Reading(problem="utter_filing_date_unknown") if message.sure("unsure") and not context.get(
                "misses") else None
        if item.get("future") or first_day(str(item["value"])) > today:
            return Reading(problem="utter_invalid_date_future", details={"value": item.get("text") or item["value"]})
        if item.get("precision") == "year":
            return Reading(problem="utter_invalid_date_year_only", details={"value": item["value"]})
        return _plausible(slot, item, context) or Reading({slot: str(item["value"])})

    return read


def _plausible(slot: str, item: Mapping[str, Any], context: Mapping[str, Any]) -> Reading | None:
    """What is wrong with a past date that cannot be meant: before anybody filed, or before this case was filed."""
    value, said = str(item["value"]), item.get("text") or item["value"]
    if first_day(value).year < (FIRST_FILING_YEAR if slot == "filing_date" else FIRST_CONTACT_YEAR):
        return Reading(problem="utter_invalid_date_too_early", details={"value": said})
    filed = context.get("filing_date")
    if slot != "filing_date" and before_filing(value, filed):
        return Reading(problem="utter_invalid_date_before_filing", details={"value": said, "filed": filed})
    return None


def before_filing(value: str, filed: Any) -> bool:
    """Whether a date lies wholly before the day or month of filing; months and days are compared as far as both go."""
    if not isinstance(filed, str):
        return False
    size = min(len(value), len(filed))
    return value[:size] < filed[:size]


def best_date(message: Message, roles: tuple[str | None, ...]) -> Mapping[str, Any] | None:
    """The most exact date with one of these roles; of two alike the last (people correct themselves)."""
    exact = {"day": 2, "month": 1, "year": 0}
    best = None
    told = after_correction(message, list(message.all("date")))
    for item in [item for item in told if not item.get("denied")] or told:
        if item.get("role") not in roles:
            continue
        rank = (exact.get(str(item.get("precision")), 0), not item.get("approx"))
        if best is None or rank >= best[0]:
            best = (rank, item)
    return best[1] if best else None


def channel(name: str) -> Reader:
    """Reader for one USCIS channel: tried or not."""

    def read(message: Message, today: date, context: Mapping[str, Any]) -> Reading | None:
        found = [item for item in message.all("service_channel") if item["value"] == name and item.get("role")]
        if not found:  # "only the website" says it of the others
            found = [item for item in message.all("other_channel") if item["value"] == name and item.get("role")]
        state = str(found[-1]["role"]) if found else None
        # "没打通": what came of it is denied, not the attempt.
        if state == TRIED and len(list(message.all("service_channel"))) == 1 and not message.cue("no") and message.sure(
                "not_tried_channel", at_least=SURELY_NOT):
            state = NOT_TRIED
        if state is None and message.length <= BARE_CHOICE:
            chosen = _choice(message, name, (TRIED, NOT_TRIED))
            state = chosen.values[name] if chosen else None
        asks = message.is_question and (
            not message.cue("yes", "no") or message.text.rstrip().endswith(("?", "？")))
        # "The website? Never opened it.": the question is only taken up.
        if state is None and asks and not message.text.rstrip().endswith(("?", "？")) and message.sure(
                "tried_channel", "not_tried_channel", at_least=SURELY_NOT):
            asks = False
        if state is None and message.cue("habit"):
            state = TRIED
        if state is None and message.cue("unknown_way") and not message.first("service_channel"):
            state = NOT_TRIED
        if state is None and not asks and not message.first("service_channel"):
            # A sentence that gives other data is no faint yes.
            again = context.get("misses") and message.intent != "inform"
            state = _tried(message, SECOND_TRY if again else HALF_SURE)
        if state is None:
            return None
        values: dict[str, Any] = {name: state}
        if state == TRIED:
            when = best_date(message, (name, None))
            if when and not when.get("future") and when.get("precision") != "year" and not _plausible(
                    f"{name}_date", when, context):
                values[f"{name}_date"] = str(when["value"])
        return Reading(values)

    return read


def _tried(message: Message, floor: float) -> str | None:
    agreed = yes_or_no(message, ("affirm", "tried_channel", "report_unresolved"),
                       ("deny", "not_tried_channel"), floor)
    if message.first("date") and agreed is None and message.length <= BARE_DATE:
        return TRIED
    return None if agreed is None else TRIED if agreed else NOT_TRIED


def role(message: Message, today: date, context: Mapping[str, Any]) -> Reading | None:
    """Who is typing."""
    found = message.first("requester_role")
    if found:
        return Reading({"requester_role": found["value"]})
    return _choice(message, "requester_role", ROLES)


def _choice(message: Message, slot: str, options: tuple[str, ...]) -> Reading | None:
    number = message.ordinal
    if number is None or number == 0 or number > len(options) or number < -1:
        return None
    return Reading({slot: options[number - 1 if number > 0 else -1]})


def name(slot: str) -> Reader:
    """Reader of a name: an explicit "my name is", else the whole short text."""

    def read(message: Message, today: date, context: Mapping[str, Any]) -> Reading | None:
        found = _the_name(message, slot)
        text = str(found["value"]) if found else _without_lead(visible_text(message.text))
        if not found and (message.first("email") or message.first("phone")):
            return None
        way = message.first("delivery")
        if not found and way and visible_text(str(way["text"])) == text:
            return None  # "online" says how to send it, and is nobody's name
        if not found and (message.is_question or message.sure("unsure", "skip", "repeat_question")):
            return None
        if slot == "signature_name" and message.sure("affirm") and not found and message.length <= 3:
            return None
        company = slot == "full_name" and context.get("requester_role") == "employer"
        if not _LETTER.search(text) or len(text) > NAME_MAX or (_DIGITS.search(text) and not company) or "@" in text:
            return Reading(problem="utter_invalid_name")
        return Reading({slot: text})

    return read


@lru_cache(maxsize=1)
def _name_lead() -> re.Pattern[str]:
    content = yaml.safe_load(LEXICON.read_text(encoding="utf-8"))["name_lead"]
    return re.compile(f"(?:{content['en']}|{content['zh']})", re.IGNORECASE)


def _the_name(message: Message, slot: str) -> Mapping[str, Any] | None:
    """The name that is said to be one; behind a Chinese name "英文名 …" only tells it again."""
    found = message.first("person_name")
    if found and found.get("start", 0) > 0:
        before = _again().split(message.text[:found["start"]])
        if len(before) > 1 and _LETTER.search(before[0]):
            return {"value": visible_text(before[0]), "text": before[0]}
    return found


@lru_cache(maxsize=1)
def _again() -> re.Pattern[str]:
    content = yaml.safe_load(LEXICON.read_text(encoding="utf-8"))["name_again"]
    return re.compile(f"(?:{content})", re.IGNORECASE)


@lru_cache(maxsize=1)
def _asides() -> re.Pattern[str]:
    content = yaml.safe_load(LEXICON.read_text(encoding="utf-8"))["name_asides"]
    return re.compile(f"(?:{content})", re.IGNORECASE)


def _without_lead(text: str) -> str:
    """The name in "I'm …" or "我叫…"."""
    lead = _name_lead().match(text.replace("’", "'"))
    name_ = text[lead.end():].strip() if lead and text[lead.end():].strip() else text
    told = _asides().sub("", name_).strip(" ,，")
    return told or name_


def visible_text(text: str) -> str:
    """The text without characters that nobody sees, white space and closing punctuation at its ends."""
    seen = "".join(char for char in text if unicodedata.category(char) not in ("Cf", "Cc") or char in "\n\t")
    return seen.strip().rstrip("。.，,；;！!").strip()


def birth(message: Message, today: date, context: Mapping[str, Any]) -> Reading | None:
    """A full day in the past that a living person can be born on."""
    item = best_date(message, ("birth", None, "filing"))
    if item is None:
        return None
    if item.get("role") != "birth" and message.length > LONG_FOR_A_BIRTHDAY:
        return None
    if item.get("precision") != "day" or item.get("approx"):
        return Reading(problem="utter_invalid_birth_incomplete")
    value = str(item["value"])
    either = [year for year in item.get("either", ()) if 0 < today.year - year <= OLDEST_PERSON]
    if context.get("language") == "zh-Hant" and len(either) == 2:
        western, roc = either
        if not context.get("misses"):
            return Reading(problem="utter_invalid_birth_which_year",
                           details={"value": item.get("text") or value, "western": western, "roc": roc})
        # Said again as it was: Taiwan's calendar, unless that makes a child of the person.
        value = f"{roc if today.year - roc >= OF_AGE else western}{value[4:]}"
    born = first_day(value)
    if born >= today or today.year - born.year > OLDEST_PERSON or before_filing(
            str(context.get("filing_date") or ""), value):
        return Reading(problem="utter_invalid_date_of_birth", details={"value": item.get("text") or value})
    return Reading({"date_of_birth": value})


def a_number(message: Message, today: date, context: Mapping[str, Any]) -> Reading | None:
    """An A-Number; asked for it, bare digits count as well."""
    found = message.first("a_number")
    if found:
        return Reading({"a_number": found["value"]})
    digits = re.sub(r"\D", "", unicodedata.normalize("NFKC", message.text))
    if 7 <= len(digits) <= 9 and not message.first("date"):
        return Reading({"a_number": "A" + digits.zfill(9)})
    if has_none(message):
        return Reading(skip=True)
    if digits:
        return Reading(problem="utter_invalid_a_number", details={"value": visible_text(message.text)})
    return None


def contact(slot: str) -> Reader:
    """Reader of email or phone; whichever of the two is given counts."""

    def read(message: Message, today: date, context: Mapping[str, Any]) -> Reading | None:
        values, wrong = contact_values(message)
        if values:
            return Reading(values)
        if wrong is not None:
            kind, text = wrong
            return Reading(problem=f"utter_invalid_{kind}", details={"value": text})
        if "@" in message.text or "＠" in message.text or _DOTTED.fullmatch(message.text.strip()):
            return Reading(problem="utter_invalid_email", details={"value": visible_text(message.text)})
        local = _local_phone(message) if slot == "phone" else None
        if local:
            return Reading({"phone": visible_text(message.text), "phone_e164": local})
        if len(_DIGITS.findall(message.text)) >= 5:
            return Reading(problem="utter_invalid_phone", details={"value": visible_text(message.text)})
        none = has_none(message) or (message.cue("no") and message.length <= BARE_CHOICE)
        if slot == "email" and none:
            return Reading(skip=True)
        return None

    return read


def _local_phone(message: Message) -> str | None:
    """A number of eight figures, asked for a phone: one of Hong Kong, which has no area codes."""
    digits = "".join(_DIGITS.findall(unicodedata.normalize("NFKC", message.text)))
    if len(digits) != 8 or (_LETTER.search(message.text) and message.length > 4):
        return None
    number = phonenumbers.parse(digits, "HK")
    if not phonenumbers.is_valid_number(number):
        return None
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def contact_values(message: Message) -> tuple[dict[str, str], tuple[str, str] | None]:
    """Valid email and phone of a message, and the first one that is not valid as (kind, text)."""
    values: dict[str, str] = {}
    wrong: tuple[str, str] | None = None
    for item in (*message.all("email"), *message.all("phone")):
        kind = str(item["entity"])
        if item.get("problem"):
            wrong = wrong or (kind, str(item.get("text") or item["value"]))
        elif kind == "email":
            values.setdefault("email", str(item["value"]))
        else:
            values.setdefault("phone", str(item.get("text") or item["value"]))
            values.setdefault("phone_e164", str(item["value"]))
    return values, wrong


def address(message: Message, today: date, context: Mapping[str, Any]) -> Reading | None:
    """An address as typed."""
    text = visible_text(message.text)
    has_digit = bool(_DIGITS.search(text))
    if not has_digit and (has_none(message) or message.cue("no")):
        return Reading(skip=True)
    if message.is_question or len(text) < 5 or len(text) > ADDRESS_MAX:
        return None
    if not has_digit and message.intent not in ("inform", "out_of_scope") and message.confidence > 0.6:
        return None
    return Reading({"mailing_address": text})


def documents(message: Message, today: date, context: Mapping[str, Any]) -> Reading | None:
    """Papers follow later: there is nothing to store here, any answer that is no question goes on."""
    small_talk = message.length <= SHORT_TALK and message.sure("greet", "thank", at_least=0.6)
    beside = message.is_question or small_talk
    return None if beside else Reading(skip=True)


def delivery(message: Message, today: date, context: Mapping[str, Any]) -> Reading | None:
    """The way to send it."""
    found = [item for item in message.all("delivery") if item.get("role") != "denied"]
    if found and not message.is_question:
        return Reading({"delivery": found[-1]["value"]})
    return _choice(message, "delivery", DELIVERIES)


def consent(message: Message, today: date, context: Mapping[str, Any]) -> Reading | None:
    """Yes or no to sharing; naming a paper way instead chooses that way."""
    found = message.first("delivery")
    if found and found["value"] != "online" and not message.is_question:
        return Reading({"delivery": found["value"]})
    chosen = _choice(message, "consent", ("yes", "no")) if message.length <= BARE_CHOICE else None
    if chosen:
        return Reading({"consent": chosen.values["consent"] == "yes"})
    if message.is_question and not message.sure("affirm", "deny", at_least=0.6):
        return None
    agreed = yes_or_no(message, YES, ("deny", "skip"))
    return None if agreed is None else Reading({"consent": agreed})


def grounds(message: Message, today: date, context: Mapping[str, Any]) -> Reading | None:
    """Grounds named by words or by the number of the choice."""
    found = claims_of(message)
    if found.grounds:
        return Reading({"grounds": list(found.grounds)})
    options = ("delay", "unresolved", "uscis_error", "hardship")
    chosen = _choice(message, "grounds", options)
    if chosen and message.length <= 6:
        return Reading({"grounds": [chosen.values["grounds"]]})
    return None


READERS: Mapping[str, Reader] = {
    "grounds": grounds,
    "form_type": form,
    "filing_date": a_date("filing_date", ("filing", None)),
    **{name_: channel(name_) for name_ in CHANNELS},
    **{f"{name_}_date": a_date(f"{name_}_date", (name_, None, "filing")) for name_ in CHANNELS},
    "receipt_numbers": receipts,
    "requester_role": role,
    "full_name": name("full_name"),
    "date_of_birth": birth,
    "representative_name": name("representative_name"),
    "a_number": a_number,
    "email": contact("email"),
    "phone": contact("phone"),
    "mailing_address": address,
    "documents": documents,
    "delivery": delivery,
    "consent": consent,
    "signature_name": name("signature_name"),
}
