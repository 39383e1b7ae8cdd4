"""Features of a message for telling its intent: words, letters and the meaning of the sentence."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from bot.nlu.everyday import everyday
from bot.nlu.segmenter import Word, segmenter
from bot.nlu.text import Span, fold, identifiers, replace, simplify, visible, window

WORD_NGRAMS = 2
CHAR_NGRAMS = 4
# One private-use character for each kind of identifier: no text contains it, and letters next to it count as before.
_SIGNS = {
    "email": "\ue000",
    "url": "\ue001",
    "tracking": "\ue002",
    "receipt": "\ue003",
    "anumber": "\ue004",
    "form": "\ue005",
    "date": "\ue006",
    "phone": "\ue007",
    "number": "\ue008",
}
# The sentence encoder knows no private signs, so one fixed example of each kind stands for all of them.
_EXAMPLES = {
    "email": "ann@mail.com",
    "url": "www.mail.com",
    "tracking": "CA-2345-6789-ABCD",
    "receipt": "IOE0912345678",
    "anumber": "A123456789",
    "form": "I-485",
    "date": "05/12/2023",
    "phone": "212-555-0123",
    "number": "12345",
}


class Prepared(NamedTuple):
    """A message ready to be counted.

    Attributes:
        words: Lower-cased simplified words, identifiers as signs.
        letters: The same text as one string.
        sentence: Simplified text for the sentence encoder, identifiers as fixed examples.
        typed: Lower-cased simplified text before anything was rewritten, identifiers as signs.
    """

    words: list[str]
    letters: str
    sentence: str
    typed: str


def written(text: str) -> str:
    """Fold and simplify a text, and write it as the written language does."""
    return everyday().written(simplify(fold(text)))


def prepare_text(
    text: str, words: Sequence[Word] | None = None, repair: Callable[[str], str] | None = None
) -> Prepared:
    """Prepare a message for the model; of a long one only the beginning and the end.

    Args:
        text: The message as typed.
        words: Its words, if they are known already.
        repair: Mends slips of the keyboard.
    """
    parts = window(text)
    if len(parts) > 1:
        text, words = " ".join(text[start:end] for start, end in parts), None
    typed = simplify(fold(text))
    plain = everyday().written(typed)
    if repair is not None:
        plain = repair(plain)
    if words is None or plain != typed:
        words = segmenter().words(plain)
    return prepare(plain, words)._replace(typed=_lowered(typed, identifiers(typed)))


def prepare(text: str, words: Sequence[Word]) -> Prepared:
    """Prepare a message as it stands.

    Args:
        text: The message, or the part of it that is looked at.
        words: Its words, with positions in ``text``.
    """
    plain = simplify(fold(text))
    spans = identifiers(plain)
    letters = _lowered(plain, spans)
    return Prepared(
        _masked_words(words, spans),
        letters,
        " ".join(visible(replace(plain, spans, _EXAMPLES)).split()),
        letters,
    )


def _lowered(text: str, spans: list[Span]) -> str:
    return " ".join(visible(replace(text, spans, _SIGNS)).lower().split())


def _masked_words(words: Sequence[Word], spans: Sequence[Span]) -> list[str]:
    kept: list[tuple[int, str]] = [(span.start, _SIGNS[span.kind]) for span in spans]
    for word in words:
        if all(word.end <= span.start or word.start >= span.end for span in spans):
            text = visible(word.text).lower()
            if text:
                kept.append((word.start, text))
    kept.sort(key=lambda item: item[0])
    return [text for _, text in kept]


def word_grams(words: Sequence[str]) -> Iterable[str]:
    """Yield single words and pairs of neighbours, the message's ends marked."""
    yield from words
    padded = ["\x02", *words, "\x03"]
    for first, second in pairwise(padded):
        yield f"{first} {second}"


def letter_grams(letters: str) -> Iterable[str]:
    """Yield runs of one to four letters inside blank-separated pieces, the pieces' ends marked by a blank."""
    for piece in letters.split():
        padded = f" {piece} "
        size = len(padded)
        for width in range(1, CHAR_NGRAMS + 1):
            if width == 1:
                yield from piece
                continue
            if width > size:
                break
            for start in range(size - width + 1):
                yield padded[start : start + width]


class Vocabulary:
    """Weighted counts of a fixed list of grams, one row per message, each row of length one.

    Args:
        grams: The grams, in the order of their columns.
        weights: Inverse document frequencies, one per gram.
    """

    def __init__(self, grams: Sequence[str], weights: NDArray[np.float32]) -> None:
        self.grams = list(grams)
        self.weights = weights
        self._columns = {gram: column for column, gram in enumerate(self.grams)}

    def __len__(self) -> int:
        return len(self.grams)

    @classmethod
    def learn(cls, messages: Sequence[Iterable[str]], at_least: int) -> Vocabulary:
        """Collect the grams that at least so many messages have."""
        messages_with: Counter[str] = Counter()
        total = 0
        for grams in messages:
            messages_with.update(set(grams))
            total += 1
        kept = sorted(gram for gram, count in messages_with.items() if count >= at_least)
        weights = np.array([math.log((1 + total) / (1 + messages_with[gram])) + 1 for gram in kept], dtype=np.float32)
        return cls(kept, weights)

    def row(self, grams: Iterable[str]) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Count one message.

        Returns:
            The columns that are not zero and their values; both empty when no gram is known.
        """
        counts: dict[int, int] = {}
        columns = self._columns
        for gram in grams:
            column = columns.get(gram)
            if column is not None:
                counts[column] = counts.get(column, 0) + 1
        index = np.fromiter(counts, dtype=np.int64, count=len(counts))
        values = np.fromiter(counts.values(), dtype=np.float32, count=len(counts))
        values = (1 + np.log(values)) * self.weights[index]
        length = math.sqrt(float(values @ values))
        return index, values / length if length else values


def matrix(vocabulary: Vocabulary, messages: Sequence[Any]) -> csr_matrix:
    """Count some messages.

    Args:
        vocabulary: The columns.
        messages: The grams of each.

    Returns:
        Array (messages, columns).
    """
    columns, values, ends = [], [], [0]
    for grams in messages:
        index, row = vocabulary.row(grams)
        columns.append(index)
        values.append(row)
        ends.append(ends[-1] + len(index))
    shape = (len(messages), len(vocabulary))
    return csr_matrix((np.concatenate(values), np.concatenate(columns), np.array(ends)), shape=shape)
