"""The worker's own words, from `web/strings/messenger.yml`, and the office's phone number."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import yaml

from messenger.settings import CONTENT, ROOT

Language = Literal["en", "zh-Hans", "zh-Hant"]
LANGUAGES: tuple[Language, ...] = ("en", "zh-Hans", "zh-Hant")
NAMES: dict[Language, str] = {"en": "English", "zh-Hans": "简体中文", "zh-Hant": "繁體中文"}
# Before the conversation is open nobody knows better.
DEFAULT: Language = "en"


def as_language(value: object) -> Language | None:
    """The value itself if it is one of the three names, else None."""
    return next((language for language in LANGUAGES if language == value), None)


class Words:
    """Every text in three scripts.

    Raises:
        ValueError: A text is missing.
    """

    def __init__(self) -> None:
        path = ROOT / "web" / "strings" / "messenger.yml"
        self._table: dict[str, dict[str, str]] = yaml.safe_load(path.read_text(encoding="utf-8"))
        for key, texts in self._table.items():
            if any(not str(texts.get(language) or "").strip() for language in LANGUAGES):
                raise ValueError(f"{path.name}: {key} lacks a text")
        office = yaml.safe_load((CONTENT / "office.yml").read_text(encoding="utf-8"))
        self.phone = str(office["toll_free"])

    def __call__(self, key: str, language: Language, values: Mapping[str, str] | None = None) -> str:
        """The text of `key`, with `{name}` replaced from `values`. Raises KeyError for an unknown key."""
        text = str(self._table[key][language]).strip()
        for name, value in (values or {}).items():
            text = text.replace(f"{{{name}}}", value)
        return text

    def in_all(self, key: str) -> str:
        """One line with the text in all scripts, for whom the language of is not known."""
        return " · ".join(self(key, language) for language in LANGUAGES)
