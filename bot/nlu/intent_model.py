"""The intent model itself: normalised blocks of features and one multinomial logistic regression."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, hstack

from bot.nlu.features import Prepared, Vocabulary, letter_grams, word_grams
from bot.nlu.regression import fit

Encoder = Callable[[Sequence[str]], NDArray[np.float32]]


class IntentModel:
    """Gives each intent a probability.

    Args:
        labels: Intents, in the order of the columns of the weights.
        words: Vocabulary of words and pairs of words.
        letters: Vocabulary of runs of letters.
        word_weights: Array (words, labels).
        letter_weights: Array (letters, labels).
        sentence_weights: Array (dimensions of the sentence vector, labels).
        bias: Array (labels,).

    The block scales of training are already part of the weights.
    """

    def __init__(
        self,
        labels: Sequence[str],
        words: Vocabulary,
        letters: Vocabulary,
        word_weights: NDArray[np.float32],
        letter_weights: NDArray[np.float32],
        sentence_weights: NDArray[np.float32],
        bias: NDArray[np.float32],
    ) -> None:
        self.labels = list(labels)
        self.words = words
        self.letters = letters
        self._word_weights = word_weights
        self._letter_weights = letter_weights
        self._sentence_weights = sentence_weights
        self._bias = bias

    @classmethod
    def train(
        cls,
        examples: Sequence[tuple[Prepared, str]],
        encode: Encoder,
        *,
        word_scale: float,
        letter_scale: float,
        sentence_scale: float,
        inverse_regularisation: float,
        iterations: int,
    ) -> IntentModel:
        """Train on prepared messages and their intents; the same examples always give the same weights."""
        labels = sorted({label for _, label in examples})
        words = Vocabulary.learn([list(word_grams(item.words)) for item, _ in examples], at_least=2)
        letters = Vocabulary.learn([list(letter_grams(item.letters)) for item, _ in examples], at_least=2)
        column = {label: number for number, label in enumerate(labels)}
        weights = fit(
            hstack(
                [
                    _matrix(words, [word_grams(item.words) for item, _ in examples]) * word_scale,
                    _matrix(letters, [letter_grams(item.letters) for item, _ in examples]) * letter_scale,
                ],
                format="csr",
            ),
            _unit(encode([item.sentence for item, _ in examples])) * sentence_scale,
            np.array([column[label] for _, label in examples]),
            inverse_regularisation=inverse_regularisation,
            iterations=iterations,
        )
        return cls(
            labels,
            words,
            letters,
            weights.sparse[: len(words)] * word_scale,
            weights.sparse[len(words) :] * letter_scale,
            weights.dense * sentence_scale,
            weights.bias,
        )

    def probabilities(self, messages: Sequence[Prepared], encode: Encoder) -> NDArray[np.float64]:
        """Return an array (messages, labels) of probabilities."""
        scores = np.tile(self._bias.astype(np.float64), (len(messages), 1))
        for number, item in enumerate(messages):
            index, values = self.words.row(word_grams(item.words))
            scores[number] += values @ self._word_weights[index]
            index, values = self.letters.row(letter_grams(item.letters))
            scores[number] += values @ self._letter_weights[index]
        told = [number for number, item in enumerate(messages) if item.sentence]
        if told:
            scores[told] += _unit(encode([messages[number].sentence for number in told])) @ self._sentence_weights
        scores -= scores.max(axis=1, keepdims=True)
        odds: NDArray[np.float64] = np.exp(scores)
        return odds / odds.sum(axis=1, keepdims=True)

    def as_arrays(self) -> tuple[dict[str, Any], dict[str, NDArray[np.float32]]]:
        """Return what is stored: a JSON part and numpy arrays."""
        return (
            {"labels": self.labels, "words": self.words.grams, "letters": self.letters.grams},
            {
                "word_idf": self.words.weights,
                "letter_idf": self.letters.weights,
                "word_weights": self._word_weights,
                "letter_weights": self._letter_weights,
                "sentence_weights": self._sentence_weights,
                "bias": self._bias,
            },
        )

    @classmethod
    def from_arrays(cls, content: dict[str, Any], arrays: dict[str, NDArray[np.float32]]) -> IntentModel:
        """Rebuild a model from what :meth:`as_arrays` returned."""
        return cls(
            content["labels"],
            Vocabulary(content["words"], arrays["word_idf"]),
            Vocabulary(content["letters"], arrays["letter_idf"]),
            arrays["word_weights"],
            arrays["letter_weights"],
            arrays["sentence_weights"],
            arrays["bias"],
        )


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: NDArray[np.float32] = vectors / np.where(lengths > 0, lengths, 1)
    return unit


def _matrix(vocabulary: Vocabulary, messages: Sequence[Any]) -> csr_matrix:
    columns, values, ends = [], [], [0]
    for grams in messages:
        index, row = vocabulary.row(grams)
        columns.append(index)
        values.append(row)
        ends.append(ends[-1] + len(index))
    shape = (len(messages), len(vocabulary))
    return csr_matrix((np.concatenate(values), np.concatenate(columns), np.array(ends)), shape=shape)
