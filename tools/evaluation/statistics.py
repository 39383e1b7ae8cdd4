"""The figures: shares with their intervals, ranks, quantiles."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

# Quantile of the normal distribution for two-sided 95 % intervals.
Z95 = 1.959963984540054


class Share(NamedTuple):
    """A share of right ones.

    Attributes:
        n: Of how many.
        right: How many were right.
    """

    n: int
    right: int

    @property
    def value(self) -> float:
        """The share, 0 for none at all."""
        return self.right / self.n if self.n else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """Its 95 % interval."""
        return wilson(self.right, self.n)

    @property
    def standard_error(self) -> float:
        """Standard error of the share, taken from (right + 1) / (n + 2) so that it is never zero."""
        if not self.n:
            return 0.0
        drawn = (self.right + 1) / (self.n + 2)
        return math.sqrt(drawn * (1 - drawn) / self.n)


def share(flags: Iterable[bool]) -> Share:
    """Count how many of some answers are right."""
    listed = list(flags)
    return Share(len(listed), sum(listed))


def wilson(right: int, n: int, z: float = Z95) -> tuple[float, float]:
    """Return Wilson's score interval of a share.

    Args:
        right: How many were right.
        n: Of how many.
        z: Quantile of the normal distribution; 1.96 gives 95 %.

    Source:
        E. B. Wilson, Probable inference, the law of succession, and statistical inference (1927).
    """
    if not n:
        return 0.0, 1.0
    p = right / n
    middle = p + z * z / (2 * n)
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    size = 1 + z * z / n
    return max(0.0, (middle - half) / size), min(1.0, (middle + half) / size)


def auroc(positive: Sequence[float], negative: Sequence[float]) -> float:
    """Return the share of pairs in which the positive one has the higher score; ties count half.

    Returns:
        0.5 when one of the two is empty.
    """
    if not positive or not negative:
        return 0.5
    ordered = sorted([(value, 1) for value in positive] + [(value, 0) for value in negative])
    rank_sum, position = 0.0, 0
    while position < len(ordered):
        end = position
        while end < len(ordered) and ordered[end][0] == ordered[position][0]:
            end += 1
        rank = (position + 1 + end) / 2
        rank_sum += rank * sum(kind for _, kind in ordered[position:end])
        position = end
    return (rank_sum - len(positive) * (len(positive) + 1) / 2) / (len(positive) * len(negative))


def auroc_error(area: float, positive: int, negative: int) -> float:
    """Return the standard error of an area under the curve.

    Source:
        J. A. Hanley and B. J. McNeil, The meaning and use of the area under a ROC curve (1982).
    """
    if not positive or not negative:
        return 0.0
    q1 = area / (2 - area)
    q2 = 2 * area * area / (1 + area)
    square = area * (1 - area) + (positive - 1) * (q1 - area * area) + (negative - 1) * (q2 - area * area)
    return math.sqrt(max(0.0, square) / (positive * negative))


def auroc_interval(area: float, positive: int, negative: int) -> tuple[float, float]:
    """Return the 95 % interval of an area under the curve, by its standard error."""
    error = Z95 * auroc_error(area, positive, negative)
    return max(0.0, area - error), min(1.0, area + error)


class Difference(NamedTuple):
    """How much better the second of two ways is on the same messages: points of share, and the 95 % interval."""

    value: float
    low: float
    high: float


def paired_difference(first: Sequence[bool], second: Sequence[bool]) -> Difference:
    """Compare two ways on the same messages, by those that only one of them gets right.

    Args:
        first: Whether the first way is right, message by message.
        second: The second way, on the same messages.

    Source:
        The interval of Wald for the difference of paired shares, as in A. Agresti, Categorical Data Analysis, 10.1.1.
    """
    pairs = list(zip(first, second, strict=True))
    n = len(pairs)
    gained = sum(new and not old for old, new in pairs)
    lost = sum(old and not new for old, new in pairs)
    if not n:
        return Difference(0.0, 0.0, 0.0)
    value = (gained - lost) / n
    half = Z95 * math.sqrt(gained + lost - (gained - lost) ** 2 / n) / n
    return Difference(value, value - half, value + half)


def percentile(values: Iterable[float], part: float) -> float:
    """Return the value below which a part of the values lies.

    Raises:
        ValueError: There are no values.
    """
    ordered = sorted(values)
    if not ordered:
        raise ValueError("no values")
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]


def f1(true_positive: int, found: int, wanted: int) -> float:
    """Return the harmonic mean of precision and recall; 1 when nothing was wanted and nothing found."""
    return 2 * true_positive / (found + wanted) if found + wanted else 1.0
