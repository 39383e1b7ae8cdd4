"""The words of the pages: every script has its own characters, the same values in each, short sentences."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway.language import LANGUAGES
from gateway.settings import WEB
from tests.content.test_content import ONLY_SIMPLIFIED, ONLY_TRADITIONAL

NAMES = ("calendar", "downloads", "embed", "errors", "hours", "page", "start")
FILES = [WEB / "strings" / f"{name}.yml" for name in NAMES]
PLACE = re.compile(r"\{(\w+)\}")
SENTENCE_END = re.compile(r"[。！？；.!?;]\s|[。！？；]|\n")
MOST_WORDS, MOST_CHARACTERS = 25, 35
BANNED = re.compile("兹|予以|逾期不候|鉴于|鑑於|敬请|敬請")
# How a clock is read is written otherwise in Chinese.
OTHER_PLACES = {"before_noon", "after_noon"}


def texts(path: Path) -> dict[str, dict[str, Any]]:
    return dict(yaml.safe_load(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_each_script_is_its_own(path: Path) -> None:
    for key, said in texts(path).items():
        assert set(said) == set(LANGUAGES), key
        assert not set(said["zh-Hans"]) & ONLY_TRADITIONAL, key
        assert not set(said["zh-Hant"]) & ONLY_SIMPLIFIED, key
        assert not re.search(r"[\u3400-\u9fff]", said["en"]), key


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_same_values_in_each(path: Path) -> None:
    for key, said in texts(path).items():
        if key not in OTHER_PLACES:
            places = {language: sorted(set(PLACE.findall(said[language]))) for language in LANGUAGES}
            assert places["zh-Hans"] == places["zh-Hant"] == places["en"], key


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_sentences_are_short_and_plain(path: Path) -> None:
    for key, said in texts(path).items():
        for sentence in SENTENCE_END.split(said["en"]):
            assert len(sentence.split()) <= MOST_WORDS, f"{key}: {sentence}"
        for language in ("zh-Hans", "zh-Hant"):
            assert not BANNED.search(said[language]), key
            for sentence in SENTENCE_END.split(said[language]):
                assert len(re.findall(r"[\u3400-\u9fff]", sentence)) <= MOST_CHARACTERS, f"{key}: {sentence}"
