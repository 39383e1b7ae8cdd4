"""Pronunciation of Chinese for call-takers who do not read it fluently."""

from __future__ import annotations

from functools import lru_cache

from pypinyin import Style, lazy_pinyin


@lru_cache(maxsize=2000)
def pronounce(text: str) -> tuple[str, ...]:
    """Pinyin with tone marks, line by line; what is not Chinese stays as it is."""
    return tuple(_line(line) for line in text.splitlines() if line.strip())


def _line(line: str) -> str:
    return " ".join(part.strip() for part in lazy_pinyin(line, style=Style.TONE) if part.strip())
