"""Pronunciation of Chinese for call-takers who do not read it fluently."""

from __future__ import annotations

import re
from functools import cache, lru_cache

from opencc import OpenCC
from pypinyin import Style, lazy_pinyin

_HAN = re.compile(r"[\u3400-\u9fff\U00020000-\U0003ffff]")
_BEFORE_MARK = re.compile(r"\s+(?=[，。：；？！、）」』”])|(?<=[（「『“])\s+")


@lru_cache(maxsize=2000)
def pronounce(text: str) -> tuple[str, ...]:
    """Pinyin with tone marks, line by line; what is not Chinese stays as it is. Nothing for a text without Chinese."""
    return tuple(_line(line) for line in text.splitlines() if line.strip()) if _HAN.search(text) else ()


def _line(line: str) -> str:
    # Words whose characters are read in more than one way are known by their simplified form only.
    simplified = _converter().convert(line)
    spaced = " ".join(part.strip() for part in lazy_pinyin(simplified, style=Style.TONE) if part.strip())
    return _BEFORE_MARK.sub("", spaced)


@cache
def _converter() -> OpenCC:
    return OpenCC("t2s")
