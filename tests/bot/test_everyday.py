"""Everyday spellings: what is rewritten before a message is understood, and what stays."""

from __future__ import annotations

import pytest

from bot.nlu.everyday import Everyday
from bot.nlu.features import prepare_text, written


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("我唔知幾時先有消息", "我不知道什么时候先有消息"),
        ("你哋係邊個", "你们是谁"),
        ("佢哋話冇收到", "他们话没有收到"),
        ("肿么办", "怎么办"),
        ("啥時候", "什么时候"),
        ("can u help n tell me", "can you help and tell me"),
        ("idk tbh", "I don't know honestly"),
        ("i dont wanna", "i don't want to"),
    ],
)
def test_rewritten(typed: str, expected: str) -> None:
    assert written(typed) == expected


@pytest.mark.parametrize(
    "typed",
    [
        "联系我 关系 系统",  # no sign of Cantonese: the letter for "is" belongs to other words
        "公平",
        "n",
        "u",
        "u.s. citizen",
        "u@example.com",
        "H-1B",
        "photo id",
        "my mother is ill",
    ],
)
def test_stays(typed: str) -> None:
    assert written(typed) == typed


def test_shielded_words_in_cantonese() -> None:
    assert Everyday().written("唔好联系佢") == "不要联系他"


def test_cantonese_and_mandarin_look_alike_to_the_model() -> None:
    assert prepare_text("你哋係邊個").sentence == prepare_text("你們是誰").sentence
    assert prepare_text("你哋係邊個").typed != prepare_text("你們是誰").typed


def test_positions_of_words_do_not_leak_into_rewritten_texts() -> None:
    assert prepare_text("u r late").words == ["you", "are", "late"]
