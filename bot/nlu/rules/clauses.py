"""Sentences and clauses of a message, with what joins each clause to the one before."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from .lexicon import lexicon
from .norm import Normal, normal

_SENTENCE_END = re.compile(r"[。！？!?;；\n]+|(?<![a-z]\.[a-z])(?<!mr)(?<!ms)(?<!dr)\.+(?=\s|$)")

_PUNCTUATION = re.compile(r"[,，、：()（）…—~]+|:(?![\d/])|\s-+\s")
_SPLIT = lexicon("clauses").cue("split")
_STAYS = frozenset(lexicon("clauses").node("stays"))


@dataclass(frozen=True)
class Clause:
    """A stretch of a message.

    Attributes:
        start: First offset.
        end: Offset behind the last character, the closing mark not included.
        joiner: What stands before it in its sentence (``","``, ``"but"``, ``"也"``); empty at the start.
        sentence: Number of the sentence, from 0.
        mark: The mark that closes the sentence (``"?"``), empty if none.
    """

    start: int
    end: int
    joiner: str
    sentence: int
    mark: str


def _joints(form: Normal) -> list[tuple[int, int, str]]:
    hits = [*_PUNCTUATION.finditer(form.text), *_SPLIT.finditer(form)]
    joints = [(hit.start(), hit.end(), hit.group().strip()) for hit in hits]
    joints.sort()
    return joints


@lru_cache(maxsize=64)
def clauses(text: str) -> tuple[Clause, ...]:
    """Split a message into clauses.

    Args:
        text: The message as typed.

    Returns:
        The clauses in order; blank ones are left out.
    """
    form = normal(text)
    found: list[Clause] = []
    sentences: list[tuple[int, int, str]] = []
    position = 0
    for hit in _SENTENCE_END.finditer(form.text):
        sentences.append((position, hit.start(), hit.group()[0]))
        position = hit.end()
    sentences.append((position, len(form.text), ""))
    joints = _joints(form)
    number = 0
    for start, end, mark in sentences:
        if not form.text[start:end].strip():
            continue
        cut, joiner = start, ""
        for left, right, word in joints:
            if left < start or right > end or left < cut:
                continue
            if form.text[cut:left].strip():
                found.append(_trim(form, cut, left, joiner, number, mark))
                joiner = word
            elif joiner not in _STAYS:
                joiner = word if word not in {",", "，", "、"} else (joiner or word)
            cut = right
        if form.text[cut:end].strip():
            found.append(_trim(form, cut, end, joiner, number, mark))
        number += 1
    return tuple(found)


def _trim(form: Normal, start: int, end: int, joiner: str, sentence: int, mark: str) -> Clause:
    while start < end and form.text[start].isspace():
        start += 1
    while end > start and form.text[end - 1].isspace():
        end -= 1
    return Clause(start, end, joiner, sentence, mark)
