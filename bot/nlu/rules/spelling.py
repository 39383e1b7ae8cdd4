"""Slips of spelling in the English words that rules look for."""

from __future__ import annotations

import re
from collections.abc import Iterable

from bot.nlu.rules.lexicon import lexicon
from bot.nlu.rules.numerals import Normalised

_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_WORD = re.compile(r"(?<![A-Za-z@.])[A-Za-z]{3,16}(?![A-Za-z@])")


def one_slip_away(words: Iterable[str]) -> dict[str, str]:
    """Return every spelling with one letter too many, missing, wrong or two swapped, and the word that was meant.

    The first letter is left as it is: people rarely miss it, and other words most often differ there.
    """
    found: dict[str, str] = {}
    known = list(words)
    for word in known:
        for at in range(1, len(word) + 1):
            head, tail = word[:at], word[at:]
            slips = [head + tail[1:], head + tail[1:2] + tail[:1] + tail[2:]]
            slips += [head + sign + tail[skip:] for sign in _LETTERS for skip in (0, 1)]
            found.update(dict.fromkeys(slips, word))
    for word in known:
        for ending in ("", "s"):
            found.pop(word + ending, None)
    return found


def with_letters_swapped(words: Iterable[str]) -> dict[str, str]:
    """Return every spelling in which two neighbouring letters are swapped, and the word that was meant."""
    return {
        word[:at] + word[at + 1] + word[at] + word[at + 2 :]: word
        for word in words
        for at in range(len(word) - 1)
        if word[at] != word[at + 1]
    }


_TREE = lexicon("spelling").tree
_SLIPS = one_slip_away(_TREE["words"]) | with_letters_swapped(_TREE["short_words"])
for _word in _TREE["not_slips"]:
    _SLIPS.pop(_word, None)
_SLIPS |= _TREE["known"]


def mended(text: str) -> Normalised | None:
    """Return a copy of the message in which such slips are put right, or None when there are none.

    The copy knows which part of the message each of its characters stands for.
    """
    pieces = [
        (*hit.span(), word) for hit in _WORD.finditer(text) if (word := _SLIPS.get(hit.group().lower())) is not None
    ]
    if not pieces:
        return None
    return Normalised.of(text).replaced(pieces)
