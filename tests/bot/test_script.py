"""The language of a message: one row of ``languages.tsv`` each, ``-`` for no words of a language."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.nlu.script import message_language

ROWS = [
    tuple(line.split("\t"))
    for line in Path(__file__).with_name("languages.tsv").read_text(encoding="utf-8").splitlines()
]


@pytest.mark.parametrize(("expected", "text"), ROWS, ids=[text for _, text in ROWS])
def test_language(expected: str, text: str) -> None:
    assert message_language(text) == (None if expected == "-" else expected)


def test_nothing_has_no_language() -> None:
    assert message_language("") is None
    assert message_language(" \n\u200b") is None


@pytest.mark.parametrize("letters", ["后里面台只系干", "才出准制升周回家"])
def test_letters_of_both_scripts_show_nothing(letters: str) -> None:
    assert message_language(f"{letters}好") == "zh"
