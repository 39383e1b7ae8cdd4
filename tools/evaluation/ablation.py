"""What each part of the understanding is worth: the pipeline trained and measured with one part left out.

A part is left out by putting something simpler in its place in the child process that trains or measures; the rules for
entities are not touched. The parts are those of ``bot/nlu``; a part that is not there any more is an error, not a no.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from tools.evaluation.peers import Pipeline, own_components
from tools.evaluation.peers import compare as compare_pipelines

_CLASSIFIER = "bot.nlu.classifier.GuideIntentClassifier"


class Part(NamedTuple):
    """One part.

    Attributes:
        name: Short name.
        title: For the table.
        leave_out: Puts the simpler thing in its place; nothing for parts that are an option of ``config.yml``.
        options: Options of the classifier instead.
    """

    name: str
    title: str
    leave_out: Callable[[], None] = lambda: None
    options: Mapping[str, Any] = MappingProxyType({})


def put(module: str, name: str, replacement: Any) -> None:
    """Put something in the place of a function, in its module and wherever ``bot.nlu`` has imported it by name already.

    Raises:
        AttributeError: There is no such function.
    """
    __import__(module)
    original = getattr(sys.modules[module], name)
    for where, loaded in list(sys.modules.items()):
        if where.startswith("bot.nlu") and not where.startswith("bot.nlu.rules"):
            for key, value in list(vars(loaded).items()):
                if value is original:
                    setattr(loaded, key, replacement)


def _without_jieba() -> None:
    from spacy.lang.zh import Chinese

    from bot.nlu.segmenter import segmenter

    segmenter()._chinese = Chinese().tokenizer  # spaCy's own default: one character, one word


def _without_spacy() -> None:
    from spacy.tokenizer import Tokenizer

    from bot.nlu.segmenter import segmenter

    # The same tokenizer without English's rules for punctuation and contractions cuts at white space alone.
    english = segmenter()._english
    segmenter()._english = Tokenizer(english.vocab, token_match=re.compile(r"\S+").fullmatch)


def _without_conversion() -> None:
    put("bot.nlu.text", "simplify", lambda text: text)


def _nothing(_: Sequence[str] | str) -> Iterable[str]:
    return ()


def _without_words() -> None:
    put("bot.nlu.features", "word_grams", _nothing)


def _without_letters() -> None:
    put("bot.nlu.features", "letter_grams", _nothing)


def _without_sentences() -> None:
    import numpy as np

    from bot.nlu.encoder import DIMENSIONS

    put("bot.nlu.encoder", "encode", lambda texts: np.zeros((len(texts), DIMENSIONS), dtype=np.float32))


def _without_signs() -> None:
    put("bot.nlu.text", "identifiers", lambda _: [])


def _without_everyday() -> None:
    from bot.nlu.everyday import Everyday

    Everyday.written = lambda _, text: text  # type: ignore[method-assign]


PARTS = (
    Part("jieba", "without jieba: every Chinese character a word", _without_jieba),
    Part("spacy", "without spaCy's English rules: words cut at blanks", _without_spacy),
    Part("opencc", "without OpenCC: traditional characters as they are", _without_conversion),
    Part("words", "without words and pairs of words (jieba and spaCy unused)", _without_words),
    Part("letters", "without runs of letters", _without_letters),
    Part("sentences", "without sentence vectors", _without_sentences),
    Part("signs", "without one sign for all numbers, dates and forms", _without_signs),
    Part("everyday", "without rewriting Cantonese and chat spellings", _without_everyday),
    Part("repair", "without mending slips of the keyboard", options={"repair": False}),
    Part("sound", "without the sound of Chinese characters", options={"sound_share": 0.0}),
    Part("pinyin", "without syllables at all: pinyin read as if it were English", options={"pinyin": False}),
)
_BY_NAME = {part.name: part for part in PARTS}


def leave_out(name: str) -> None:
    """Leave a part out in this process; before anything is trained or loaded."""
    _BY_NAME[name].leave_out()


def pipelines() -> list[Pipeline]:
    """The whole pipeline and one for each part that is left out."""
    listed = [Pipeline("whole", "everything", own_components())]
    for part in PARTS:
        components = deepcopy(own_components())
        for component in components:
            if component["name"] == _CLASSIFIER:
                component.update(part.options)
        listed.append(Pipeline(f"without-{part.name}", part.title, components, "" if part.options else part.name))
    return listed


def compare(folder: Path) -> list[dict[str, Any]]:
    """Train and measure all of them; about a minute and a half each."""
    return compare_pipelines(pipelines(), folder)
