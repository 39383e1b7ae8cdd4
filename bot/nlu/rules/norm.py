"""One view of a message that all rules match on: lower case, half width, simplified, same offsets."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from opencc import OpenCC

_T2S = OpenCC("t2s")

# Written differently by different keyboards, one character each, so that offsets stay.
_SAME = str.maketrans(
    {
        "’": "'",
        "‘": "'",
        "ʼ": "'",
        "`": "'",
        "´": "'",
        "“": '"',
        "”": '"',
        "‐": "-",
        "‑": "-",
        "‒": "-",
        "–": "-",
        "−": "-",
        "\u3000": " ",
        "\u00a0": " ",
        "\t": " ",
        "\u200b": " ",
        "\u200c": " ",
        "\u200d": " ",
        "\u200e": " ",
        "\u200f": " ",
        "\ufeff": " ",
        "枱": "台",
        "檯": "台",
        "佢": "他",
        "哋": "们",
        "臺": "台",
        "著": "着",
        "裡": "里",
    }
)
_FULL_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
# Chinese punctuation keeps its own shape: it splits clauses without the doubts of "." and ",".
for _mark in "，！？；：（）":
    _FULL_WIDTH.pop(ord(_mark), None)
_HAN = re.compile(r"[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0002ffff]")
_LATIN = re.compile(r"[a-z]")
_WORD = re.compile(r"[a-z]['a-z]")


@dataclass(frozen=True)
class Normal:
    """A message in matching form.

    Attributes:
        raw: The message as given.
        text: Same length as ``raw``; lower case, half-width letters and digits, simplified characters.
        han: Whether there is any Chinese character.
        latin: Whether there is any Latin letter.
        words: Whether there are two of them together; "I-485" in a Chinese sentence is no English.
    """

    raw: str
    text: str
    han: bool
    latin: bool
    words: bool


def _lower(text: str) -> str:
    lowered = text.lower()
    if len(lowered) == len(text):
        return lowered
    return "".join(low if len(low := char.lower()) == 1 else char for char in text)


def _simplify(text: str) -> str:
    converted: str = _T2S.convert(text)
    if len(converted) == len(text):
        return converted
    return "".join(one if len(one := _T2S.convert(char)) == 1 else char for char in text)


@lru_cache(maxsize=256)
def normal(text: str) -> Normal:
    """Bring a message into matching form without moving any character.

    Args:
        text: The message as typed.

    Returns:
        The message with its matching form; ``len(result.text) == len(text)``.
    """
    form = _lower(text.translate(_FULL_WIDTH)).translate(_SAME)
    han = _HAN.search(form) is not None
    if han:
        form = _simplify(form).replace("身分", "身份")
    latin = _LATIN.search(form) is not None
    words = latin and (not han or _WORD.search(form) is not None)
    return Normal(raw=text, text=form, han=han, latin=latin, words=words)
