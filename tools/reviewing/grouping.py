"""Messages that mean about the same, together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage

from actions.redacting import MARK
from actions.review_queue import Entry
from bot.nlu.encoder import encode
from bot.nlu.features import prepare_text

# Cosine of two sentence vectors from which they are taken to be about the same.
LIKENESS = 0.55


def grouped(entries: Sequence[Entry], likeness: float = LIKENESS) -> list[list[Entry]]:
    """Group entries by the meaning of their texts: average linkage over the vectors of the packaged encoder.

    Args:
        entries: In any order.
        likeness: Mean cosine from which two groups are joined, 0 to 1.

    Returns:
        The groups, largest first; inside a group in the order of ``entries``.
    """
    if len(entries) < 2:
        return [list(entries)] if entries else []
    sentences = [prepare_text(MARK.sub(" ", entry.text)).sentence.strip() or entry.text for entry in entries]
    vectors = encode(sentences).astype(np.float64)
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    numbers = fcluster(linkage(vectors, "average", "cosine"), 1 - likeness, "distance")
    groups: dict[int, list[Entry]] = {}
    for entry, number in zip(entries, numbers, strict=True):
        groups.setdefault(int(number), []).append(entry)
    return sorted(groups.values(), key=lambda group: -len(group))
