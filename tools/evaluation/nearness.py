"""Whether a message of the sets is, exactly or nearly, among the examples of training.

Texts are compared without case, width, script (traditional is written simplified), punctuation and blanks. Exactly
means that nothing else differs. Nearly means that the runs of three characters of two texts overlap by at least 0.8
(Jaccard): of a sentence of forty letters about two may differ. Texts of less than eight characters have too few runs to
be nearly the same; they are compared exactly.

Exempt are the short forms that cannot be said otherwise: up to three letters or four Han characters ("ok", "no", "对",
"不知道"), and in context, where the open question is what is measured, up to three words ("skip", "the first one").
A message in pinyin is compared with examples in pinyin, not with the syllables of Chinese ones: every letter differs.

Only what is learned is compared: intents and answers in context. The other sets are read by rules alone.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import yaml

from bot.nlu.text import HAN, fold, simplify, visible

RUN = 3
NEAR = 0.8
SHORTEST_NEAR = 8
EXEMPT_LETTERS = 3
EXEMPT_HAN = 4
EXEMPT_WORDS = 3


class Example(NamedTuple):
    """One example of training and the file it stands in."""

    text: str
    file: Path
    intent: str


class Collision(NamedTuple):
    """A message of a set that is too near an example.

    Attributes:
        id: Line of the set.
        text: The message.
        example: The example.
        likeness: 1 for exactly, else the overlap.
    """

    id: str
    text: str
    example: Example
    likeness: float


def examples(folder: Path) -> Iterator[Example]:
    """Read the examples of training."""
    for file in sorted(folder.glob("**/*.yml")):
        for block in yaml.safe_load(file.read_text(encoding="utf-8"))["nlu"]:
            for line in block["examples"].splitlines():
                text = line.removeprefix("- ").strip()
                if text:
                    yield Example(text, file, block["intent"])


def plain(text: str) -> str:
    """Write a text without case, width, script, punctuation and blanks."""
    return "".join(char for char in simplify(visible(fold(text))).lower() if char.isalnum())


def exempt(text: str, in_context: bool = False) -> bool:
    """Whether a text is one of the short forms that can't be said otherwise.

    Args:
        text: As typed.
        in_context: It answers an open question.
    """
    written = plain(text)
    if HAN.search(written):
        return len(written) <= EXEMPT_HAN
    if in_context and len(text.split()) <= EXEMPT_WORDS:
        return True
    return len(written) <= EXEMPT_LETTERS


def runs(text: str) -> frozenset[str]:
    """The runs of three characters of a plain text."""
    return frozenset(text[start : start + RUN] for start in range(len(text) - RUN + 1))


def likeness(first: frozenset[str], second: frozenset[str]) -> float:
    """Jaccard overlap of two sets of runs."""
    together = len(first & second)
    return together / (len(first) + len(second) - together) if together else 0.0


def collisions(
    messages: Iterable[tuple[str, str]], known: Sequence[Example], in_context: bool = False
) -> list[Collision]:
    """Find the messages that are too near an example.

    Args:
        messages: Ids and texts of a set.
        known: The examples of training.
        in_context: The messages answer open questions.

    Returns:
        One for each message at most, the nearest; exempt forms are left out.
    """
    exact: dict[str, Example] = {}
    for example in known:
        exact.setdefault(plain(example.text), example)
    distinct = [(text, runs(text)) for text in exact if len(text) >= SHORTEST_NEAR]
    frequency: Counter[str] = Counter(run for _, found in distinct for run in found)

    def rare_first(found: frozenset[str]) -> list[str]:
        # Two sets that overlap by NEAR share one of these: the rarest, as many as the overlap leaves room to differ in.
        room = len(found) - math.ceil(NEAR * len(found)) + 1
        return sorted(found, key=lambda run: (frequency[run], run))[:room]

    by_run: dict[str, list[int]] = defaultdict(list)
    for number, (_, found) in enumerate(distinct):
        for run in rare_first(found):
            by_run[run].append(number)
    collided = []
    for line, text in messages:
        written = plain(text)
        if not written or exempt(text, in_context):
            continue
        if written in exact:
            collided.append(Collision(line, text, exact[written], 1.0))
            continue
        if len(written) < SHORTEST_NEAR:
            continue
        found = runs(written)
        near = {number for run in rare_first(found) for number in by_run.get(run, ())}
        best = max(((likeness(found, distinct[number][1]), -number) for number in near), default=(0.0, 0))
        if best[0] >= NEAR:
            collided.append(Collision(line, text, exact[distinct[-best[1]][0]], best[0]))
    return collided
