"""The intent model: learns, ignores digits, always the same, survives storing."""

from __future__ import annotations

import json

import numpy as np
import pytest

from bot.nlu.encoder import encode
from bot.nlu.features import letter_grams, prepare_text
from bot.nlu.intent_model import IntentModel

EXAMPLES = [
    ("hello", "greet"),
    ("hello there", "greet"),
    ("你好", "greet"),
    ("你好啊", "greet"),
    ("my I-485 takes too long", "report_delay"),
    ("I-765 takes too long, two years", "report_delay"),
    ("我的 I-485 太久了", "report_delay"),
    ("等太久了", "report_delay"),
    ("how much is it", "ask_cost"),
    ("how much does it cost", "ask_cost"),
    ("要多少钱", "ask_cost"),
    ("多少钱啊", "ask_cost"),
]


def trained() -> IntentModel:
    return IntentModel.train(
        [(prepare_text(text), intent) for text, intent in EXAMPLES],
        encode,
        word_scale=1.0,
        letter_scale=1.5,
        sentence_scale=1.5,
        inverse_regularisation=8.0,
        iterations=50,
    )


@pytest.fixture(scope="module")
def model() -> IntentModel:
    return trained()


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("hello!", "greet"),
        ("要花多少錢", "ask_cost"),
        ("my N-400 is taking too long", "report_delay"),
        ("等得太久", "report_delay"),
    ],
)
def test_intent(model: IntentModel, text: str, intent: str) -> None:
    probabilities = model.probabilities([prepare_text(text)], encode)[0]
    assert model.labels[int(probabilities.argmax())] == intent
    assert probabilities.sum() == pytest.approx(1)


def test_two_trainings_give_the_same_weights(model: IntentModel) -> None:
    again = trained().as_arrays()[1]
    for name, array in model.as_arrays()[1].items():
        assert np.array_equal(array, again[name]), name


def test_numbers_do_not_matter() -> None:
    assert prepare_text("my I-485, LIN2190012345, 05/12/2023") == prepare_text("my N-400, IOE0912345678, 1/2/2024")


def test_stored_and_loaded_is_the_same(model: IntentModel) -> None:
    content, arrays = model.as_arrays()
    loaded = IntentModel.from_arrays(json.loads(json.dumps(content)), arrays)
    messages = [prepare_text(text) for text in ("hello", "多少钱", "")]
    assert np.array_equal(loaded.probabilities(messages, encode), model.probabilities(messages, encode))


def test_nothing_typed_is_undecided(model: IntentModel) -> None:
    assert model.probabilities([prepare_text("")], encode)[0].max() < 0.6


def test_letter_grams() -> None:
    assert list(letter_grams("ab")) == ["a", "b", " a", "ab", "b ", " ab", "ab ", " ab "]
