"""Words of mixed text: cut by the rules of each language, positions as typed."""

from __future__ import annotations

import pytest

from bot.nlu.segmenter import segmenter


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("I don't know.", ["I", "do", "n't", "know", "."]),
        ("我的 I-485 pending 两年了", ["我", "的", "I-485", "pending", "两年", "了"]),
        ("綠卡沒收到", ["绿卡", "没收到"]),
        ("我的Ｉ－４８５", ["我", "的", "I-485"]),
        ("打过电话InfoPass没去过", ["打过电话", "InfoPass", "没去过"]),
        ("", []),
    ],
)
def test_words(typed: str, words: list[str]) -> None:
    assert [word.text for word in segmenter().words(typed)] == words


@pytest.mark.parametrize("typed", ["我嘅 I-485 pending 兩年，冇消息！ ok?", "a  b\n綠卡\u200b來了", "🎉 收到了 thanks"])
def test_positions_are_those_of_the_typed_text(typed: str) -> None:
    words = segmenter().words(typed)
    for word in words:
        assert len(word.text) == word.end - word.start
    assert [word.start for word in words] == sorted(word.start for word in words)
    rest = list(typed)
    for word in words:
        rest[word.start : word.end] = " " * (word.end - word.start)
    assert not "".join(rest).strip()
