"""Chinese in Latin letters: cut into syllables, told from English, understood."""

from __future__ import annotations

import json

import numpy as np
import pytest

from bot.nlu.features import prepare_text
from bot.nlu.pinyin import PinyinModel, Readings, cut, syllable_grams

GREET, COST, STATUS = range(3)
EXAMPLES = [
    ("你好", GREET),
    ("你好啊", GREET),
    ("大家好", GREET),
    ("要多少钱", COST),
    ("多少钱啊", COST),
    ("要不要钱", COST),
    ("我的案子怎么样了", STATUS),
    ("案子怎么样", STATUS),
    ("我的 case 怎么样", STATUS),
    ("hello my friend", GREET),
    ("can you tell me the case status", STATUS),
    ("do women pay the same", COST),
    ("how much do I have to pay", COST),
]


def trained() -> PinyinModel:
    model = PinyinModel.train(
        [(prepare_text(text), label) for text, label in EXAMPLES], 3, inverse_regularisation=30.0, iterations=50
    )
    assert model is not None
    return model


@pytest.fixture(scope="module")
def model() -> PinyinModel:
    return trained()


@pytest.mark.parametrize(
    ("word", "syllables"),
    [
        ("nihao", ["ni", "hao"]),
        ("xianzai", ["xian", "zai"]),
        ("zhuang", ["zhuang"]),
        ("hello", None),
        ("card", None),
        ("nv", ["nv"]),
    ],
)
def test_cut(word: str, syllables: list[str] | None) -> None:
    assert cut(word) == syllables


def test_syllable_grams() -> None:
    assert list(syllable_grams(["ni", "hao"])) == ["ni", "hao", "^ ni", "ni hao", "hao $", "^ ni hao", "ni hao $"]


@pytest.mark.parametrize("text", ["ni hao", "nihao", "duoshao qian", "wo de anzi zenmeyang", "Wo de case zenmeyang"])
def test_pinyin_is_recognised(model: PinyinModel, text: str) -> None:
    assert model.recognises(prepare_text(text))


@pytest.mark.parametrize(
    "text",
    ["hello", "can you tell me", "how much", "my case", "你好", "你好 ni hao", "", "12345", "IOE0912345678", "señor"],
)
def test_other_messages_are_not(model: PinyinModel, text: str) -> None:
    assert not model.recognises(prepare_text(text))


@pytest.mark.parametrize(
    ("text", "label"),
    [("nihao", GREET), ("ni hao a", GREET), ("yao duoshaoqian", COST), ("wo de case zenmeyang", STATUS)],
)
def test_understood(model: PinyinModel, text: str, label: int) -> None:
    assert int(model.scores(prepare_text(text)).argmax()) == label


def test_repeatable_and_stored(model: PinyinModel) -> None:
    content, arrays = model.as_arrays()
    again = trained().as_arrays()
    assert again[0] == content
    for name, array in arrays.items():
        assert np.array_equal(array, again[1][name]), name
    loaded = PinyinModel.from_arrays(json.loads(json.dumps(content)), arrays)
    item = prepare_text("ni hao")
    assert np.array_equal(loaded.scores(item), model.scores(item))


def test_without_chinese_examples_there_is_none() -> None:
    examples = [(prepare_text("hello there"), 0), (prepare_text("good bye then"), 1)]
    assert PinyinModel.train(examples, 2, inverse_regularisation=10.0, iterations=5) is None


def test_a_character_that_only_sounds_right(model: PinyinModel) -> None:
    assert model.scores(prepare_text("要多少前")).argmax() == COST
    assert model.scores(prepare_text("案子怎末样")).argmax() == STATUS


def test_readings() -> None:
    readings = Readings.learn([prepare_text("我的银行"), prepare_text("了解")])
    assert readings.spell("银行, 行 case 了解!") == ["yin", "hang", "xing", "#case", "liao", "jie"]
    assert readings.spell("") == []


def test_cantonese_as_it_sounds() -> None:
    cantonese = [
        ("要幾錢㗎", COST),
        ("使唔使畀錢", COST),
        ("收唔收錢㗎", COST),
        ("我單嘢而家點呀", STATUS),
        ("件案點㗎喇", STATUS),
        ("你好呀唔該", GREET),
    ]
    model = PinyinModel.train(
        [(prepare_text(text), label) for text, label in [*EXAMPLES, *cantonese]],
        3,
        inverse_regularisation=30.0,
        iterations=50,
    )
    assert model is not None
    for text, label in [("jiu gei cin gaa", COST), ("sai m sai bei cin", COST), ("ngo daan je dim aa", STATUS)]:
        item = prepare_text(text)
        assert model.recognises(item)
        assert model.scores(item).argmax() == label
    assert not model.recognises(prepare_text("can you tell me"))
    assert cut("ngo") == ["ngo"]
    assert cut("laak") == cut("lak")
