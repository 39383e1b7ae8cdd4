"""Further spellings of training examples."""

from __future__ import annotations

from bot.nlu.text import HAN, simplify


def pinyin(text: str) -> str | None:
    """Spell an all-Chinese line in Latin letters, as people without a Chinese keyboard type it.

    Returns:
        ``None`` for a line with Latin letters or without Chinese ones.
    """
    from pypinyin import lazy_pinyin

    if not HAN.search(text) or any(char.isascii() and char.isalpha() for char in text):
        return None
    return " ".join(" ".join(lazy_pinyin(simplify(text))).split())
