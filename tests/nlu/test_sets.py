"""The evaluation sets themselves: large enough, whole, well-formed, and never trained on."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import pytest
import yaml

from bot.nlu.text import HAN
from tools.evaluation import context, nearness, sets
from tools.evaluation.sets import ALL_SETS, CHANNELS, CONTEXTUAL, FOLDER, INTENTS, PERSONS, ROOT, SPAN_SETS

LEAST = {INTENTS: 1000, "receipts": 300, "dates": 300, "forms": 200, CHANNELS: 200, PERSONS: 200, CONTEXTUAL: 300}
LANGUAGES = {"en", "zh-Hans", "zh-Hant-TW", "zh-Hant-HK", "mixed"}
STYLES = {
    *("plain", "short", "typo", "negation", "dictation", "formal", "non-native", "long", "slang", "emoji", "pinyin"),
}
STATES = {"tried", "not_tried"}
PERSON_KEYS = {"name", "phone", "email", "a_number"}


@pytest.fixture(scope="module")
def cases() -> dict[str, list[Any]]:
    return {name: sets.read_set(name) for name in ALL_SETS}


def test_every_file_of_the_folder_is_measured() -> None:
    assert {file.stem for file in FOLDER.glob("*.tsv")} == set(ALL_SETS)


@pytest.mark.parametrize("name", ALL_SETS)
def test_size(cases: dict[str, list[Any]], name: str) -> None:
    assert len(cases[name]) >= LEAST[name]


@pytest.mark.parametrize("name", ALL_SETS)
def test_languages_and_styles(cases: dict[str, list[Any]], name: str) -> None:
    assert {case.lang for case in cases[name]} == LANGUAGES
    assert {case.style for case in cases[name]} <= STYLES


def test_every_style_and_intent_in_numbers(cases: dict[str, list[Any]]) -> None:
    listed = yaml.safe_load((ROOT / "domain.yml").read_text(encoding="utf-8"))["intents"]
    intents = {next(iter(item)) if isinstance(item, dict) else item for item in listed}
    assert min(Counter(case.style for case in cases[INTENTS]).get(style, 0) for style in STYLES) >= 40
    assert min(Counter(case.lang for case in cases[INTENTS]).values()) >= 100
    labelled = Counter(case.intent for case in cases[INTENTS])
    assert set(labelled) <= intents
    assert min(labelled.values()) >= 10
    assert {case.intent for case in cases[INTENTS] if case.lang == "zh-Hant-HK"} == set(labelled)


@pytest.mark.parametrize("name", ALL_SETS)
def test_no_line_twice(cases: dict[str, list[Any]], name: str) -> None:
    ids = Counter(case.id for case in cases[name])
    assert [key for key, count in ids.items() if count > 1] == []
    asked = (lambda case: case.asking) if name == CONTEXTUAL else (lambda case: "")
    texts = Counter((asked(case), case.text.strip()) for case in cases[name])
    assert [key for key, count in texts.items() if count > 1] == []


def test_intents_have_no_line_twice_in_other_dress(cases: dict[str, list[Any]]) -> None:
    written = Counter(nearness.plain(case.text) for case in cases[INTENTS])
    assert [text for text, count in written.items() if count > 1 and len(text) > nearness.EXEMPT_HAN] == []


@pytest.mark.parametrize("name", SPAN_SETS)
def test_spans_stand_in_the_text(cases: dict[str, list[Any]], name: str) -> None:
    for case in cases[name]:
        assert isinstance(case.value, list), case.id
        for item in case.value:
            assert set(item) == {"text", "value"}, case.id
            assert item["text"], case.id
            assert item["text"] in case.text, case.id


def test_channels_and_persons_have_known_keys(cases: dict[str, list[Any]]) -> None:
    for case in cases[CHANNELS]:
        assert set(case.value) <= {"contact_center", "case_status_online", "infopass"}, case.id
        assert set(case.value.values()) <= STATES, case.id
    assert {state for case in cases[CHANNELS] for state in case.value.values()} == STATES
    for case in cases[PERSONS]:
        assert set(case.value) <= PERSON_KEYS, case.id
    assert {key for case in cases[PERSONS] for key in case.value} == PERSON_KEYS


@pytest.mark.parametrize("name", [*SPAN_SETS, CHANNELS, PERSONS])
def test_many_messages_have_nothing_to_be_found(cases: dict[str, list[Any]], name: str) -> None:
    """Half of finding is not finding what is not there."""
    assert sum(not case.value for case in cases[name]) >= len(cases[name]) / 20


def test_lines_are_in_their_language(cases: dict[str, list[Any]]) -> None:
    """Of Chinese messages a few are numbers ("881") or keys hit at random."""
    assert [case.id for case in cases[INTENTS] if case.lang == "en" and HAN.search(case.text)] == []
    chinese = [case for case in cases[INTENTS] if case.lang.startswith("zh") and case.style not in ("pinyin", "emoji")]
    assert sum(bool(HAN.search(case.text)) for case in chinese) >= 0.98 * len(chinese)
    mixed = [case for case in cases[INTENTS] if case.lang == "mixed" and case.style != "pinyin"]
    both = [HAN.search(case.text) and re.search(r"[A-Za-z0-9]", case.text) for case in mixed]
    assert sum(map(bool, both)) >= 0.98 * len(mixed)


def test_every_question_in_context_is_really_asked(cases: dict[str, list[Any]]) -> None:
    settings = sets.read_settings()
    surroundings = context.world(settings.as_of)
    for case in cases[CONTEXTUAL]:
        assert context.standing_at(case, settings, surroundings).at.asking == case.asking


@pytest.mark.parametrize("name", [INTENTS, CONTEXTUAL])
def test_nothing_is_trained_on(cases: dict[str, list[Any]], name: str) -> None:
    known = list(nearness.examples(ROOT / "data" / "nlu"))
    assert len(known) > 1000
    found = nearness.collisions([(case.id, case.text) for case in cases[name]], known, name == CONTEXTUAL)
    told = [f"{item.id}: {item.text!r} ~ {item.example.text!r} in {item.example.file.name}" for item in found]
    assert told == []


def test_exempt_forms_are_few_where_the_wording_is_measured(cases: dict[str, list[Any]]) -> None:
    assert sum(nearness.exempt(case.text) for case in cases[INTENTS]) <= len(cases[INTENTS]) / 10
