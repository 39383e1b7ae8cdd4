"""Public data: making sentences from patterns, and reading MASSIVE's files."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
import yaml

from tools.evaluation.public import SETTINGS, Sentences, home_assistant, read_massive, write
from tools.evaluation.sets import read_intents

CONTENT = {
    "lists": {
        "level": {"range": {"from": 5, "to": 5}},
        "state": {"values": [{"in": "(shut|closed)", "out": "off"}]},
        "name": {"wildcard": True},
    },
    "expansion_rules": {"the": "(the|my)", "turn": "turn <the>"},
}


@pytest.mark.parametrize(
    ("pattern", "possible"),
    [
        ("off", {"off"}),
        ("<turn> {name:x} off", {"turn the lamp off", "turn my lamp off"}),
        ("lamp[s] at {level}%", {"lamps at 5%", "lamp at 5%"}),
        ("is it {state}", {"is it shut", "is it closed"}),
        ("(a;b [c])", {"a b", "b a", "a b c", "b c a"}),
        ("(开|打开)[一下]灯", {"开灯", "打开灯", "开一下灯", "打开一下灯"}),
    ],
)
def test_sentences(pattern: str, possible: set[str]) -> None:
    maker = Sentences(CONTENT, {"name": ["lamp"]}, random.Random(1))
    made = {" ".join(maker.one(pattern).split()) for _ in range(200)}
    assert made == possible


def test_no_sentence_twice_and_no_more_than_asked() -> None:
    maker = Sentences(CONTENT, {"name": ["lamp"]}, random.Random(1))
    assert sorted(maker.make(["on", "on", "off"], 5)) == ["off", "on"]
    assert len(maker.make(["(a|b|c|d|e|f|g)"], 3)) == 3
    assert maker.make([], 3) == []


def test_a_pattern_is_never_used_for_both(tmp_path: Path) -> None:
    settings = yaml.safe_load(SETTINGS.read_text(encoding="utf-8"))
    about = settings["home_assistant"]
    held = about["held_back"][0]
    for language in about["measured"]:
        intents = {
            "TurnOn": {"data": [{"sentences": [f"on {number} {language}" for number in range(10)]}]},
            "TurnOff": {"data": [{"sentences": [f"off {number} {language}" for number in range(10)]}]},
            held: {"data": [{"sentences": [f"else {number} {language}" for number in range(10)]}]},
        }
        content = {"lists": {}, "expansion_rules": {}, "intents": intents}
        (tmp_path / f"{language}.json").write_text(json.dumps(content))
    public = home_assistant(settings, tmp_path)
    trained = {text for texts in public.train.values() for text in texts}
    assert set(public.train) == {"TurnOn", "TurnOff"}
    assert len(trained) == 24
    assert not trained & {case.text for case in public.test}
    assert all(text.endswith(tuple(about["trained"])) for text in trained)
    assert {case.lang for case in public.test} == set(about["measured"].values())
    assert {case.intent for case in public.test if case.text.startswith("else")} == {"out_of_scope"}
    assert public == home_assistant(settings, tmp_path)


def test_massive(tmp_path: Path) -> None:
    settings = yaml.safe_load(SETTINGS.read_text(encoding="utf-8"))
    held = settings["massive"]["held_back"][0]
    for locale in settings["massive"]["measured"]:
        lines = [
            {"id": f"{part}{intent}{n}", "partition": part, "intent": intent, "utt": f"{intent} {n}\t{locale}"}
            for part in ("train", "dev", "test")
            for intent in ("alarm_set", held)
            for n in range(30)
        ]
        (tmp_path / f"{locale}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    public = read_massive(settings, tmp_path)
    assert {intent: len(texts) for intent, texts in public.train.items()} == {"alarm_set": 24}
    assert len(public.test) == 3 * 2 * 20
    data, intents = write(public, tmp_path / "written")
    assert len(yaml.safe_load(data.read_text(encoding="utf-8"))["nlu"][0]["examples"].splitlines()) == 24
    cases = read_intents(intents)
    assert len(cases) == len(public.test)
    assert {case.intent for case in cases} == {"alarm_set", "out_of_scope"}
    with pytest.raises(FileNotFoundError):
        read_massive(settings, tmp_path / "nowhere")
