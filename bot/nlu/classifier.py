"""The component that tells the intent of a message and of each of its sentences."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.classifiers.classifier import IntentClassifier
from rasa.nlu.constants import TOKENS_NAMES
from rasa.shared.nlu.constants import INTENT, INTENT_RANKING_KEY, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from bot.nlu.encoder import encode
from bot.nlu.features import Prepared, prepare_text, written
from bot.nlu.intent_model import IntentModel
from bot.nlu.repair import Repair
from bot.nlu.segmenter import Word
from bot.nlu.text import SEGMENT_CHARS, segments

SEGMENTS = "segments"
RANKING_LENGTH = 10
SEGMENT_RANKING_LENGTH = 3


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class GuideIntentClassifier(GraphComponent, IntentClassifier):
    """Logistic regression over words, letters and sentence vectors (see :class:`bot.nlu.intent_model.IntentModel`)."""

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        """Options: scales of the three feature blocks, regularisation, mending of slips, the sound of Chinese."""
        return {
            "word_scale": 1.0,
            "letter_scale": 1.0,
            "sentence_scale": 2.0,
            "inverse_regularisation": 20.0,
            "iterations": 200,
            "repair": True,
            "pinyin": True,
            "sound_share": 0.35,
        }

    def __init__(
        self,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        model: IntentModel | None = None,
        repair: Repair | None = None,
    ) -> None:
        self._config = config
        self._model_storage = model_storage
        self._resource = resource
        self._model = model
        self._repair = repair

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> GuideIntentClassifier:
        """Create an untrained component."""
        return cls(config, model_storage, resource)

    @classmethod
    def load(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> GuideIntentClassifier:
        """Load a trained component, and the sentence encoder with it."""
        with model_storage.read_from(resource) as folder:
            content = json.loads((folder / "intents.json").read_text(encoding="utf-8"))
            with np.load(folder / "intents.npz", allow_pickle=False) as stored:
                arrays = {name: stored[name] for name in stored.files}
        repair = Repair(content["repair"]) if content["repair"] is not None else None
        component = cls(config, model_storage, resource, IntentModel.from_arrays(content, arrays), repair)
        component.classify(["ready 准备"])
        return component

    def train(self, training_data: TrainingData) -> Resource:
        """Learn from the examples and store the model."""
        known = training_data.intent_examples
        if self._config["repair"]:
            self._repair = Repair.learn(written(message.get(TEXT)) for message in known)
        examples = [(self._prepare(message), message.get(INTENT)) for message in known]
        self._model = IntentModel.train(
            examples,
            encode,
            word_scale=self._config["word_scale"],
            letter_scale=self._config["letter_scale"],
            sentence_scale=self._config["sentence_scale"],
            inverse_regularisation=self._config["inverse_regularisation"],
            iterations=self._config["iterations"],
            pinyin=self._config["pinyin"],
            sound_share=self._config["sound_share"],
        )
        content, arrays = self._model.as_arrays()
        content["repair"] = self._repair.counts if self._repair is not None else None
        with self._model_storage.write_to(self._resource) as folder:
            (folder / "intents.json").write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
            np.savez(folder / "intents.npz", **arrays)
        return self._resource

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        """Leave the training data as they are; no later component learns from predictions."""
        return training_data

    def process(self, messages: list[Message]) -> list[Message]:
        """Set intent, ranking and, for more than one sentence, the segments of each message."""
        for message in messages:
            text = message.get(TEXT) or ""
            if text.startswith("/"):
                message.set(INTENT, {"name": None, "confidence": 0.0}, add_to_output=True)
                message.set(INTENT_RANKING_KEY, [], add_to_output=True)
                continue
            spans = segments(text)
            whole = self._prepare(message)
            message.data.pop(TOKENS_NAMES[TEXT], None)  # Rasa would send the positions of all words to the actions
            pieces = [
                prepare_text(text[start : min(end, start + SEGMENT_CHARS)], repair=self._repair) for start, end in spans
            ]
            rankings = self._rankings([whole, *pieces])
            message.set(INTENT, rankings[0][0], add_to_output=True)
            message.set(INTENT_RANKING_KEY, rankings[0][:RANKING_LENGTH], add_to_output=True)
            if spans:
                message.set(
                    SEGMENTS,
                    [
                        {
                            "text": text[start:end],
                            "start": start,
                            "end": end,
                            "intent": ranking[0]["name"],
                            "confidence": ranking[0]["confidence"],
                            "ranking": ranking[:SEGMENT_RANKING_LENGTH],
                        }
                        for (start, end), ranking in zip(spans, rankings[1:], strict=True)
                    ],
                    add_to_output=True,
                )
        return messages

    def classify(self, texts: Sequence[str]) -> list[list[dict[str, Any]]]:
        """Rank the intents of some texts, best first."""
        return self._rankings([prepare_text(text, repair=self._repair) for text in texts])

    def _prepare(self, message: Message) -> Prepared:
        return prepare_text(message.get(TEXT) or "", _words(message), self._repair)

    def _rankings(self, messages: Sequence[Prepared]) -> list[list[dict[str, Any]]]:
        if self._model is None:
            raise RuntimeError("the intent classifier is not trained")
        rankings = []
        for row in self._model.probabilities(messages, encode):
            order = np.argsort(-row, kind="stable")[:RANKING_LENGTH]
            rankings.append(
                [{"name": self._model.labels[column], "confidence": round(float(row[column]), 6)} for column in order]
            )
        return rankings


def _words(message: Message) -> list[Word] | None:
    tokens = message.get(TOKENS_NAMES[TEXT])
    if tokens is None:
        return None
    return [Word(token.text, token.start, token.end) for token in tokens]
