"""Pinyin, blanks between Chinese words, signs and mixed languages are read in a copy; the message stays as it was."""

from __future__ import annotations

import pytest

from bot.nlu.rules.retelling import in_plain_words, in_words


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("da guo dianhua le", "打过电话了"),
        ("mei qu guo yiminju", "没去过移民局"),
        ("wo ziji", "我自己"),
        ("chuan zhen", "传真"),
        ("dianhua da guo, chuangkou mei qu", "电话打过, 窗口没去"),
        ("我 没有 打 电话 移民局", "我没有打电话移民局"),
        ("上 网 查 有 了", "上网查有了"),
    ],
)
def test_pinyin_and_blanks(text: str, read: str) -> None:
    copy = in_words(text)
    assert copy is not None
    assert copy.text == read
    assert copy.span(0, len(copy.text)) == (0, len(text))


@pytest.mark.parametrize(
    "text",
    [
        "do you have a car",
        "women and men",
        "he can da",
        "my name is Wang Xiaoming",
        "the case of Mei Li is open",
        "打过电话 没人接 很久了",
        "I-485",
        "",
    ],
)
def test_english_and_ordinary_chinese_are_left_alone(text: str) -> None:
    assert in_words(text) is None


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("没 call 过 hotline", "没打过热线"),
        ("我 never check online", "我从来没查网上"),
        ("去過佢哋寫字樓", "去过他们办公室"),
        ("打俾佢哋", "打给他们"),
        ("online ✅ phone ❌", "online yes, phone no,"),
        ("电话 ✅ 窗口 ❌", "电话有, 窗口没有,"),
        ("打果客服", "打过客服"),
    ],
)
def test_words_of_the_channels(text: str, read: str) -> None:
    assert in_plain_words(text).text == read


@pytest.mark.parametrize("text", ["I called them twice", "我打过电话", "My account at example.com", "联系 me@call.com"])
def test_nothing_is_rewritten_without_need(text: str) -> None:
    assert in_plain_words(text).text == text
