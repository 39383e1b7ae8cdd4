"""The words of the front door, from `web/strings/*.yml`: one entry per key, three scripts each."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import yaml

from gateway.language import LANGUAGES, Language


class Strings:
    """One string table.

    Args:
        path: a YAML file `{key: {en, zh-Hans, zh-Hant}}`.

    Raises:
        ValueError: a key lacks a script or has an empty text.
    """

    def __init__(self, path: Path) -> None:
        self._table: dict[str, dict[Language, str]] = {}
        for key, texts in yaml.safe_load(path.read_text(encoding="utf-8")).items():
            missing = [language for language in LANGUAGES if not str(texts.get(language) or "").strip()]
            if missing:
                raise ValueError(f"{path.name}: {key} has no text in {', '.join(missing)}")
            self._table[key] = {language: str(texts[language]).strip() for language in LANGUAGES}

    def __call__(self, key: str, language: Language, values: Mapping[str, str] | None = None) -> str:
        """The text of `key`, with `{name}` replaced from `values`. Raises KeyError for an unknown key."""
        text = self._table[key][language]
        for name, value in (values or {}).items():
            text = text.replace(f"{{{name}}}", value)
        return text

    def __contains__(self, key: str) -> bool:
        return key in self._table

    def all(self, language: Language) -> dict[str, str]:
        """Every text of one script by key."""
        return {key: texts[language] for key, texts in self._table.items()}
