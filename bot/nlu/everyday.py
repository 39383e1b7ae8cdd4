"""Chat spellings and written Cantonese turned into the written language, for telling what a message wants."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

import yaml

from bot.nlu.text import simplify

LEXICON_FILE = Path(__file__).resolve().parents[2] / "data" / "lexicon" / "everyday.yml"
# No part of an address, a form name or an abbreviation with points.
_LATIN_WORD = re.compile(r"(?<![A-Za-z0-9'@.-])[A-Za-z0-9]+(?:'[A-Za-z]+)?(?![A-Za-z0-9'@-]|\.[A-Za-z0-9])")


class _Table:
    """Replaces the keys of a table in a text, the longest first at each place."""

    def __init__(self, entries: dict[str, str]) -> None:
        self._entries = entries
        lengths: dict[str, set[int]] = {}
        for key in entries:
            lengths.setdefault(key[0], set()).add(len(key))
        self._lengths = {first: sorted(found, reverse=True) for first, found in lengths.items()}

    def apply(self, text: str) -> str:
        pieces: list[str] = []
        place = 0
        while place < len(text):
            for length in self._lengths.get(text[place], ()):
                found = self._entries.get(text[place : place + length])
                if found is not None:
                    pieces.append(found)
                    place += length
                    break
            else:
                pieces.append(text[place])
                place += 1
        return "".join(pieces)


class Everyday:
    """Rewrites everyday spellings.

    Args:
        file: Lexicon: ``cantonese_signs``, the tables ``cantonese``, ``mandarin`` and ``english``, and ``real_words``.

    Attributes:
        real_words: English words that are no slips of others.
    """

    def __init__(self, file: Path = LEXICON_FILE) -> None:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
        self._signs = frozenset(simplify(content["cantonese_signs"]))
        mandarin = {simplify(key): simplify(value) for key, value in content["mandarin"].items()}
        cantonese = {simplify(key): simplify(value) for key, value in content["cantonese"].items()}
        self._mandarin, self._cantonese = _Table(mandarin), _Table({**mandarin, **cantonese})
        self.real_words = frozenset(content["real_words"].split())
        self._english = {key.lower(): value for key, value in content["english"].items()}

    def is_cantonese(self, text: str) -> bool:
        """Whether a simplified text has letters that only written Cantonese has."""
        return not self._signs.isdisjoint(text)

    def written(self, text: str) -> str:
        """Rewrite a folded, simplified text; its length may change.

        A single letter ("u", "n") is rewritten beside other words only: alone it may be an answer.
        """
        if not text.isascii():
            text = (self._cantonese if self.is_cantonese(text) else self._mandarin).apply(text)
        alone = len(text.strip()) <= 2

        def rewritten(match: re.Match[str]) -> str:
            word = match.group()
            return word if alone and len(word) == 1 else self._english.get(word.lower(), word)

        return _LATIN_WORD.sub(rewritten, text)


@lru_cache(maxsize=1)
def everyday() -> Everyday:
    """The one instance of this process."""
    return Everyday()
