"""The wording is complete, three times the same in three scripts, and all of it is used."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import yaml

from tests.content.wording import LANGUAGES, PLACEHOLDER, ROOT, Wording, literals, responses, used_in_code, wordings
from triage.content import Content
from triage.facts import CHANNELS, DELIVERIES, GROUNDS, NOT_TRIED, ROLES, TRIED
from triage.interview import BY_SLOT, QUESTIONS, REVIEW
from triage.rules import OUTCOMES

WORDINGS = wordings()
KEYS = {wording.key for wording in WORDINGS}
CHINESE = [wording for wording in WORDINGS if wording.language != "en"]
DOMAIN: dict[str, Any] = yaml.safe_load((ROOT / "domain.yml").read_text(encoding="utf-8"))
INTENTS = {next(iter(intent)) if isinstance(intent, dict) else intent for intent in DOMAIN["intents"]}
SLOTS = set(DOMAIN["slots"])
PAYLOADS = sorted({payload for wording in WORDINGS for _, payload in wording.buttons})
# What is asked for outside the interview. The review is explained by itself, and asks for what consent asks for.
OTHER_QUESTIONS = ("feedback_text", "request_number", "request_proof")
# Labels that are looked up by a variable alone: of answers, of what goes with an answer, and of what was done about a
# channel.
NAMES = SLOTS | {"phone_e164", "signed_at", TRIED, NOT_TRIED}
# Keys put together in more than one step, or from values that are not text; the backend names the states of requests.
IN_STEPS = re.compile(
    rf"utter_outcome_prepared_(?:{'|'.join(DELIVERIES)}|without_pdf)|label_delay_(?:true|false)|label_status_\w+"
)

_ADDRESS = re.compile(r"https?:|www\.|\b[\w-]+\.(?:gov|org|com|net|edu)\b|@", re.IGNORECASE)
_PHONE = re.compile(r"\d{3}\)?[-.\s]\d{3}[-.\s]\d{4}|(?<![\w-])(?:911|988|211)(?![\w-])")
# What a person could type; made for examples and reachable by nobody.
_EXAMPLES = re.compile(r"\b[\w.]+@example\.(?:com|org)\b|\b\d{3}-555-01\d\d\b")


def test_one_variation_for_each_language() -> None:
    wanted = [[{"type": "slot", "name": "language", "value": language}] for language in LANGUAGES]
    for file, key, variations in responses():
        assert [variation["condition"] for variation in variations] == wanted, (file, key)
        assert all(set(variation) <= {"condition", "text", "buttons"} for variation in variations), (file, key)
        assert all(variation["text"].strip() for variation in variations), (file, key)


def test_no_key_in_two_files() -> None:
    keys = [key for _, key, _ in responses()]
    assert sorted({key for key in keys if keys.count(key) > 1}) == []


@pytest.mark.parametrize("key", sorted(KEYS))
def test_the_same_places_and_buttons_in_every_language(key: str) -> None:
    variations = [wording for wording in WORDINGS if wording.key == key]
    places = {wording.language: sorted(set(PLACEHOLDER.findall("\n".join(wording.parts)))) for wording in variations}
    assert len({tuple(names) for names in places.values()}) == 1, places
    payloads = {wording.language: [payload for _, payload in wording.buttons] for wording in variations}
    if key == "utter_greet":  # it offers the two other languages
        payloads = {language: found for language, found in payloads.items() if len(found) != len(LANGUAGES) - 1}
    assert len({tuple(found) for found in payloads.values()}) <= 1, payloads
    for wording in variations:
        titles = [title for title, _ in wording.buttons]
        assert len(set(titles)) == len(titles), f"two buttons read the same: {titles}"


def _values(payload: str) -> dict[str, Any]:
    return dict(json.loads(payload[payload.index("{") :])) if "{" in payload else {}


@pytest.mark.parametrize("payload", PAYLOADS)
def test_payloads(payload: str) -> None:
    form = re.fullmatch(r"/([a-z_]+)(\{.*\})?", payload)
    assert form is not None
    assert form[1] in INTENTS
    allowed: dict[str, tuple[Any, ...]] = {
        "grounds": (*GROUNDS, "other"),
        "requester_role": ROLES,
        "delivery": DELIVERIES,
        "language": LANGUAGES,
        **dict.fromkeys(CHANNELS, (TRIED, NOT_TRIED)),
    }
    for slot, value in _values(payload).items():
        assert slot in SLOTS | {"answer_name"}
        assert slot not in allowed or value in allowed[slot]
        assert slot != "answer_name" or value in BY_SLOT


def test_every_form_on_a_button_is_known() -> None:
    forms = Content.load(ROOT / "content").forms
    pressed = {values["form_type"] for payload in PAYLOADS if "form_type" in (values := _values(payload))}
    assert sorted(pressed - set(forms)) == []


def test_every_key_is_used() -> None:
    whole, patterns = used_in_code()
    parts = literals() | SLOTS
    assert {"cost", "lookalike", "received"} <= parts

    def put_together(key: str) -> bool:
        """Whether a pattern of the code gives the key, with parts that occur in the code."""
        found = (re.fullmatch(pattern, key) for pattern in patterns)
        return any(all(part in parts or part.isdigit() for part in match.groups()) for match in found if match)

    unused = {key for key in KEYS - whole if key.removeprefix("label_") not in NAMES and not IN_STEPS.fullmatch(key)}
    assert sorted(key for key in unused if not put_together(key)) == []


def test_every_key_that_is_used_exists() -> None:
    whole, patterns = used_in_code()
    assert len(whole) > 80
    assert sorted(whole - KEYS) == []
    assert [pattern for pattern in sorted(patterns) if not any(re.fullmatch(pattern, key) for key in KEYS)] == []


@pytest.mark.parametrize("slot", [*(question.slot for question in QUESTIONS), *OTHER_QUESTIONS])
def test_every_question_is_asked_explained_and_named(slot: str) -> None:
    kinds = [f"utter_ask_{slot}", f"utter_retry_{slot}", f"utter_why_{slot}", f"label_{slot}"]
    assert [key for key in kinds if key not in KEYS] == []


def test_the_review_in_every_form() -> None:
    assert {f"utter_ask_{REVIEW}", f"utter_ask_{REVIEW}_paper", f"utter_ask_{REVIEW}_retry"} <= KEYS


@pytest.mark.parametrize("outcome", sorted(OUTCOMES))
def test_every_outcome_is_worded(outcome: str) -> None:
    begins = "utter_outcome_" + {"feedback": "feedback"}.get(outcome, outcome)
    assert any(key.startswith(begins) for key in KEYS)


@pytest.mark.parametrize("names", [
    [f"requester_role_{role}" for role in ROLES],
    [f"delivery_{way}" for way in DELIVERIES],
    [f"grounds_{ground}" for ground in GROUNDS],
    [TRIED, NOT_TRIED, "yes", "no", "none", "delay_true", "delay_false"],
], ids=lambda names: names[0])
def test_every_value_has_a_name(names: list[str]) -> None:
    assert [name for name in names if f"label_{name}" not in KEYS] == []


def _parts(some: list[Wording]) -> list[tuple[str, str]]:
    return [(str(wording), part) for wording in some for part in wording.parts]


def test_facts_come_by_places_not_by_hand() -> None:
    typed = [(name, part) for name, part in _parts(WORDINGS)
             if _ADDRESS.search(kept := _EXAMPLES.sub("", part)) or _PHONE.search(kept)]
    assert typed == []


@pytest.mark.parametrize(
    "text", ["uscis.gov", "call 1-800-375-5283", "(202) 357-8100", "call 911", "a@dhs.gov", "https://x", "202-357-8100"]
)
def test_typed_facts_are_found(text: str) -> None:
    assert _ADDRESS.search(text) or _PHONE.search(text)


def test_chinese_says_nin() -> None:
    assert [(name, part) for name, part in _parts(CHINESE) if re.search("[你妳]", part)] == []


def test_chinese_punctuation() -> None:
    mark = re.compile(r"[\u3400-\u9fff](?:[,;:?!]|\.(?!\w))")
    assert [(name, part) for name, part in _parts(CHINESE) if mark.search(part)] == []
