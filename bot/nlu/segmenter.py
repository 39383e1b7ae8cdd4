"""Cutting mixed English and Chinese text into words, with positions."""

from __future__ import annotations

import logging
import os
import re
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import jieba
import spacy
from spacy.lang.zh import Chinese

from bot.nlu.text import HAN, fold, simplify

WORDS_FILE = Path(__file__).resolve().parents[2] / "data" / "lexicon" / "jieba_words.txt"
_RUN = re.compile(f"(?:{HAN.pattern})+|(?:(?!{HAN.pattern}).)+", re.S)


class Word(NamedTuple):
    """One word: its simplified text and where it stands in what was typed."""

    text: str
    start: int
    end: int


class Segmenter:
    """Cuts Latin runs by spaCy's English rules and Han runs by spaCy's Chinese tokenizer with jieba.

    Args:
        words_file: Domain words for jieba, one a line: word, frequency, part of speech.
    """

    def __init__(self, words_file: Path = WORDS_FILE) -> None:
        jieba.setLogLevel(logging.WARNING)
        cache = os.environ.get("GUIDE_DATA")
        if cache and Path(cache).is_dir():
            jieba.dt.tmp_dir = cache
        self._english = spacy.blank("en").tokenizer
        self._chinese = Chinese.from_config({"nlp": {"tokenizer": {"segmenter": "jieba"}}}).tokenizer
        jieba.load_userdict(str(words_file))

    def words(self, text: str) -> list[Word]:
        """Cut a text.

        Args:
            text: What the person typed; both scripts, any mixture of languages.

        Returns:
            The words in order. Their texts are simplified and half-width, their positions are those of ``text``.
        """
        found: list[Word] = []
        plain = simplify(fold(text))
        for run in _RUN.finditer(plain):
            start = run.start()
            tokenizer = self._chinese if HAN.match(run.group()) else self._english
            for token in tokenizer(run.group()):
                if not token.is_space:
                    begin = start + token.idx
                    found.append(Word(token.text, begin, begin + len(token.text)))
        return found


@lru_cache(maxsize=1)
def segmenter() -> Segmenter:
    """The one segmenter of this process (loading jieba's dictionary takes about a second)."""
    return Segmenter()
