"""Multinomial logistic regression on sparse and dense columns together.

The optimiser is L-BFGS (Nocedal and Wright, Numerical Optimization, algorithm 7.4) in single precision with the
sentence vectors kept dense: with three million weights most of the time goes into moving them through memory. The same
input gives the same weights.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

_HISTORY = 5
_TOLERANCE = 1e-6
# Armijo's condition: a step must bring at least this share of what the slope promises.
_SHARE = 1e-4
_HALVINGS = 20


class Weights(NamedTuple):
    """Weights of the sparse columns (columns, classes), of the dense ones likewise, and the bias (classes,)."""

    sparse: NDArray[np.float32]
    dense: NDArray[np.float32]
    bias: NDArray[np.float32]


class _Loss:
    """Regularised negative log likelihood and its gradient, as functions of one flat vector."""

    def __init__(
        self, sparse: csr_matrix, dense: NDArray[np.float32], classes: NDArray[np.int64], inverse_regularisation: float
    ) -> None:
        self._sparse = sparse.astype(np.float32)
        self._sparse_transposed = self._sparse.T.tocsr()
        self._dense = np.ascontiguousarray(dense, dtype=np.float32)
        self._rows = np.arange(len(classes))
        self._classes = classes
        self._strength = inverse_regularisation
        self.shape = (sparse.shape[1] + dense.shape[1], int(classes.max()) + 1)
        self._targets = np.zeros((len(classes), self.shape[1]), dtype=np.float32)
        self._targets[self._rows, classes] = 1

    def __call__(self, flat: NDArray[np.float32]) -> tuple[float, NDArray[np.float32]]:
        weights, bias = self.unpack(flat)
        split = self._sparse.shape[1]
        scores = self._sparse @ weights[:split]
        scores += self._dense @ weights[split:]
        scores += bias
        scores -= scores.max(axis=1, keepdims=True)
        odds = np.exp(scores)
        totals = odds.sum(axis=1, keepdims=True)
        likelihood = (scores[self._rows, self._classes] - np.log(totals[:, 0])).sum(dtype=np.float64)
        odds /= totals
        odds -= self._targets
        size = self.shape[0] * self.shape[1]
        gradient = np.empty_like(flat)
        inner = gradient[:size].reshape(self.shape)
        inner[:split] = self._sparse_transposed @ odds
        inner[split:] = self._dense.T @ odds
        inner *= self._strength
        gradient[:size] += flat[:size]
        gradient[size:] = self._strength * odds.sum(axis=0)
        return 0.5 * _dot(flat[:size], flat[:size]) - self._strength * float(likelihood), gradient

    def unpack(self, flat: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        size = self.shape[0] * self.shape[1]
        return flat[:size].reshape(self.shape), flat[size:]


def _dot(first: NDArray[np.float32], second: NDArray[np.float32]) -> float:
    return float(first @ second)


def _minimise(loss: _Loss, iterations: int) -> NDArray[np.float32]:
    """Walk down to where the loss is least, or at most so many steps."""
    point = np.zeros(loss.shape[0] * loss.shape[1] + loss.shape[1], dtype=np.float32)
    value, gradient = loss(point)
    steps: deque[tuple[NDArray[np.float32], NDArray[np.float32], float]] = deque(maxlen=_HISTORY)
    for _ in range(iterations):
        direction = _direction(gradient, steps)
        slope = _dot(gradient, direction)
        length = 1.0 if steps else 1.0 / max(np.sqrt(_dot(gradient, gradient)), 1e-12)
        for _ in range(_HALVINGS):
            moved = point + np.float32(length) * direction
            moved_value, moved_gradient = loss(moved)
            if moved_value <= value + _SHARE * length * slope:
                break
            length /= 2
        else:
            break
        change, bend = moved - point, moved_gradient - gradient
        curvature = _dot(change, bend)
        if curvature > 0:
            steps.append((change, bend, curvature))
        gain = value - moved_value
        point, value, gradient = moved, moved_value, moved_gradient
        if gain <= _TOLERANCE * max(abs(value), 1.0):
            break
    return point


def _direction(
    gradient: NDArray[np.float32], steps: deque[tuple[NDArray[np.float32], NDArray[np.float32], float]]
) -> NDArray[np.float32]:
    """Turn the gradient by what the last steps tell of the curvature."""
    direction = -gradient
    shares = []
    for change, bend, curvature in reversed(steps):
        share = _dot(change, direction) / curvature
        direction -= np.float32(share) * bend
        shares.append(share)
    if steps:
        _, bend, curvature = steps[-1]
        direction *= np.float32(curvature / _dot(bend, bend))
    for (change, bend, curvature), share in zip(steps, reversed(shares), strict=True):
        direction += np.float32(share - _dot(bend, direction) / curvature) * change
    return direction


def fit(
    sparse: csr_matrix,
    dense: NDArray[np.float32],
    classes: NDArray[np.int64],
    *,
    inverse_regularisation: float,
    iterations: int,
) -> Weights:
    """Find the weights.

    Args:
        sparse: Array (examples, sparse columns).
        dense: Array (examples, dense columns).
        classes: Class number of each example; every class from 0 on occurs.
        inverse_regularisation: Larger trusts the examples more.
        iterations: At most so many steps.
    """
    loss = _Loss(sparse, dense, classes, inverse_regularisation)
    weights, bias = loss.unpack(_minimise(loss, iterations))
    split = sparse.shape[1]
    return Weights(weights[:split], weights[split:], bias)
