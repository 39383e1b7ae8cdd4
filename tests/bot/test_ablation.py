"""Leaving out parts of the understanding: each part is really there, and really gone."""

from __future__ import annotations

import multiprocessing
from multiprocessing.connection import Connection

import pytest

from bot.nlu import encoder, features
from tools.evaluation.ablation import PARTS, leave_out, pipelines, put

TEXTS = ("我沒有打過電話給客服中心", "I didn't call bc of I-485 (pending)")


@pytest.fixture(scope="module", autouse=True)
def loaded() -> None:
    """Dictionaries and encoder are loaded once; the processes begin as copies of this one."""
    features.prepare_text(TEXTS[0])
    encoder.encode([TEXTS[0]])


def seen(pipe: Connection, part: str) -> None:
    """Tell what the model would see, in a process in which the part may be left out."""
    if part:
        leave_out(part)
    for text in TEXTS:
        item = features.prepare_text(text)
        pipe.send([list(features.word_grams(item.words)), list(features.letter_grams(item.letters)), item.sentence])
    pipe.send(bool(abs(encoder.encode([TEXTS[1]])).sum() > 0))
    pipe.close()


def in_a_process_of_its_own(part: str = "") -> list[object]:
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("fork").Process(target=seen, args=(theirs, part))
    process.start()
    told = [ours.recv() for _ in range(len(TEXTS) + 1)]
    process.join()
    return told


@pytest.mark.parametrize("part", [part.name for part in PARTS if not part.options])
def test_a_part_left_out_changes_what_the_model_sees(part: str) -> None:
    assert in_a_process_of_its_own(part) != in_a_process_of_its_own()


def test_what_each_leaves() -> None:
    (chinese, english, told) = in_a_process_of_its_own()
    assert told is True
    assert {"打过电话", "客服中心"} <= set(chinese[0])  # type: ignore[index]
    assert {"did", "n't", "("} <= set(english[0])  # type: ignore[index]
    without_jieba, _, _ = in_a_process_of_its_own("jieba")
    assert "打过电话" not in without_jieba[0]  # type: ignore[index]
    _, without_spacy, _ = in_a_process_of_its_own("spacy")
    assert {"didn't", "(pending)"} <= set(without_spacy[0])  # type: ignore[index]
    assert in_a_process_of_its_own("opencc")[0][2] == TEXTS[0]  # type: ignore[index]
    assert in_a_process_of_its_own("sentences")[2] is False


def test_a_part_that_is_not_there_is_an_error() -> None:
    with pytest.raises(AttributeError):
        put("bot.nlu.text", "no_such_function", None)
    with pytest.raises(KeyError):
        leave_out("nothing")


def test_options_are_options_of_the_classifier() -> None:
    from bot.nlu.classifier import GuideIntentClassifier

    for part in PARTS:
        assert set(part.options) <= set(GuideIntentClassifier.get_default_config())


def test_the_whole_pipeline_comes_first() -> None:
    listed = pipelines()
    assert (listed[0].name, listed[0].without) == ("whole", "")
    assert len({pipeline.name for pipeline in listed}) == len(PARTS) + 1
