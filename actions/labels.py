"""Short words the actions need to build a sentence (names of answers and of values), from the wording catalogue.

Messages are rendered by Rasa from the same files; only the keys that begin with ``label_`` are read here.
"""
from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from actions.words import Words, worded

PREFIX = "label_"


class MissingWording(KeyError):
    """A label is not in the catalogue, or not in this language."""


class Labels:
    """Labels by key and language."""

    def __init__(self, texts: Mapping[str, Mapping[str, str]]) -> None:
        self._texts = texts

    @classmethod
    def load(cls, folder: Path) -> Labels:
        """Read every file of the wording folder.

        Args:
            folder: ``domain/``.
        """
        texts: dict[str, dict[str, str]] = {}
        for path in sorted(folder.glob("*.yml")):
            content = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
            for key, variations in content.get("responses", {}).items():
                if key.startswith(PREFIX):
                    texts[key] = {_language(item): item["text"].strip("\n") for item in variations}
        return cls(texts)

    def get(self, key: str, language: str, /, **values: Any) -> str:
        """The label ``label_<key>``.

        Raises:
            MissingWording: It does not exist in this language.
        """
        try:
            text = self._texts[f"{PREFIX}{key}"][language]
        except KeyError:
            raise MissingWording(f"{PREFIX}{key} in {language}") from None
        for name, value in values.items():
            text = text.replace("{" + name + "}", str(worded(value, language)))
        return text

    def words(self, key: str, /, **values: Any) -> Words:
        """The label in every language; a value may be ``Words``."""
        return Words.by(lambda language: self.get(key, language, **values))

    def joined(self, parts: Iterable[Any]) -> Words:
        """A list in one line, with what separates its parts in each language."""
        listed = list(parts)
        return Words.by(lambda language: self.get("list_separator", language).join(
            str(worded(part, language)) for part in listed))

    def all(self, name: str) -> tuple[str, ...]:
        """The label ``label_<name>`` in every language."""
        return tuple(self._texts.get(f"{PREFIX}{name}", {}).values())

    def has(self, name: str) -> bool:
        """Whether the label exists."""
        return f"{PREFIX}{name}" in self._texts


def _language(variation: Mapping[str, Any]) -> str:
    return next(str(item["value"]) for item in variation["condition"] if item["name"] == "language")
