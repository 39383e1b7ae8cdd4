"""The intent model itself: normalised blocks of features and one multinomial logistic regression."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import hstack

from bot.nlu.features import Prepared, Vocabulary, letter_grams, matrix, word_grams
from bot.nlu.pinyin import PinyinModel
from bot.nlu.regression import fit
from bot.nlu.text import HAN

# A message in pinyin has one block of features instead of three; its weights may grow larger.
PINYIN_TRUST = 3.0
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
        pinyin: Takes the messages in pinyin; these features say little about them.
        sound_share: What share the sound has in a message in Chinese characters, from 0 to 1: the logarithms of both
            probabilities are averaged so.

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
        pinyin: PinyinModel | None = None,
        sound_share: float = 0.0,
    ) -> None:
        self.labels = list(labels)
        self.words = words
        self.letters = letters
        self._word_weights = word_weights
        self._letter_weights = letter_weights
        self._sentence_weights = sentence_weights
        self._bias = bias
        self._pinyin = pinyin
        self._sound_share = sound_share

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
        pinyin: bool = True,
        sound_share: float = 0.0,
    ) -> IntentModel:
        """Train on prepared messages and their intents; the same examples always give the same weights.

        Args:
            examples: Messages and their intents.
            encode: Gives the sentence vectors.
            word_scale: Length of the block of words.
            letter_scale: Length of the block of letters.
            sentence_scale: Length of the sentence vector.
            inverse_regularisation: See :func:`bot.nlu.regression.fit`.
            iterations: Likewise.
            pinyin: Whether messages in pinyin get a model of their own.
            sound_share: See the class.
        """
        labels = sorted({label for _, label in examples})
        column = {label: number for number, label in enumerate(labels)}
        spelled = None
        if pinyin:
            spelled = PinyinModel.train(
                [(item, column[label]) for item, label in examples],
                len(labels),
                inverse_regularisation=inverse_regularisation * PINYIN_TRUST,
                iterations=iterations,
            )
        if spelled is not None:
            examples = [(item, label) for item, label in examples if not spelled.recognises(item)]
        words = Vocabulary.learn([list(word_grams(item.words)) for item, _ in examples], at_least=2)
        letters = Vocabulary.learn([list(letter_grams(item.letters)) for item, _ in examples], at_least=2)
        weights = fit(
            hstack(
                [
                    matrix(words, [word_grams(item.words) for item, _ in examples]) * word_scale,
                    matrix(letters, [letter_grams(item.letters) for item, _ in examples]) * letter_scale,
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
            spelled,
            sound_share,
        )

    def probabilities(self, messages: Sequence[Prepared], encode: Encoder) -> NDArray[np.float64]:
        """Return an array (messages, labels) of probabilities."""
        scores = np.tile(self._bias.astype(np.float64), (len(messages), 1))
        spelled = [self._pinyin is not None and self._pinyin.recognises(item) for item in messages]
        for number, item in enumerate(messages):
            if self._pinyin is not None and spelled[number]:
                scores[number] = self._pinyin.scores(item)
                continue
            index, values = self.words.row(word_grams(item.words))
            scores[number] += values @ self._word_weights[index]
            index, values = self.letters.row(letter_grams(item.letters))
            scores[number] += values @ self._letter_weights[index]
        told = [number for number, item in enumerate(messages) if item.sentence and not spelled[number]]
        if told:
            scores[told] += _unit(encode([messages[number].sentence for number in told])) @ self._sentence_weights
        logarithms = _log_probabilities(scores)
        if self._pinyin is not None and self._sound_share > 0:
            for number, item in enumerate(messages):
                if HAN.search(item.typed):
                    heard = _log_probabilities(self._pinyin.scores(item))
                    logarithms[number] += self._sound_share * (heard - logarithms[number])
        odds: NDArray[np.float64] = np.exp(logarithms)
        return odds / odds.sum(axis=1, keepdims=True)

    def as_arrays(self) -> tuple[dict[str, Any], dict[str, NDArray[np.float32]]]:
        """Return what is stored: a JSON part and numpy arrays."""
        pinyin, pinyin_arrays = self._pinyin.as_arrays() if self._pinyin is not None else (None, {})
        return (
            {
                "labels": self.labels,
                "words": self.words.grams,
                "letters": self.letters.grams,
                "pinyin": pinyin,
                "sound_share": self._sound_share,
            },
            {
                **pinyin_arrays,
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
            PinyinModel.from_arrays(content["pinyin"], arrays) if content["pinyin"] is not None else None,
            content["sound_share"],
        )


def _log_probabilities(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    shifted = scores - scores.max(axis=-1, keepdims=True)
    logarithms: NDArray[np.float64] = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return logarithms


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: NDArray[np.float32] = vectors / np.where(lengths > 0, lengths, 1)
    return unit
