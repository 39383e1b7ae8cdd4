"""The words of the pages, of the messenger and of the assistants: in three scripts, with the same values in each."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway.language import LANGUAGES
from gateway.settings import WEB

# The call console is in English, for the staff.
FILES = [path for path in sorted((WEB / "strings").glob("*.yml")) if path.stem != "console"]
PLACE = re.compile(r"\{(\w+)\}")
# How a clock is read is written otherwise in Chinese.
OTHER_PLACES = {"before_noon", "after_noon"}


def texts(path: Path) -> dict[str, dict[str, Any]]:
    return dict(yaml.safe_load(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_word_is_there_in_every_language(path: Path) -> None:
    for key, said in texts(path).items():
        assert set(said) == set(LANGUAGES), key


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_same_values_in_each(path: Path) -> None:
    for key, said in texts(path).items():
        if key not in OTHER_PLACES:
            places = {language: sorted(set(PLACE.findall(said[language]))) for language in LANGUAGES}
            assert places["zh-Hans"] == places["zh-Hant"] == places["en"], key
