"""The words of the console, from `web/strings/console.yml`: English for the staff. Callers hear the guide's own."""

from __future__ import annotations

from pathlib import Path

import yaml


class Words:
    """One table of texts.

    Args:
        path: A YAML file `{key: text}`.

    Raises:
        ValueError: A text is empty.
    """

    def __init__(self, path: Path) -> None:
        self._table: dict[str, str] = {}
        for key, text in yaml.safe_load(path.read_text(encoding="utf-8")).items():
            if not str(text or "").strip():
                raise ValueError(f"{path.name}: {key} has no text")
            self._table[key] = str(text).strip()

    def __call__(self, key: str, **values: object) -> str:
        """The text of `key`, with `{name}` replaced from `values`. Raises KeyError for an unknown key."""
        text = self._table[key]
        for name, value in values.items():
            text = text.replace(f"{{{name}}}", str(value))
        return text

    def __contains__(self, key: str) -> bool:
        return key in self._table
