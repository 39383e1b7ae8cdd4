"""The words of the PDF, from ``intake/templates``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import yaml

TEMPLATES = Path(__file__).resolve().parents[1] / "templates"


class Words:
    """Words in one language.

    Args:
        language: ``en``, ``zh-Hans`` or ``zh-Hant``.
        texts: Key to wording in every language.
    """

    def __init__(self, language: str, texts: Mapping[str, Mapping[str, str]]) -> None:
        self.language = language
        self._texts = texts

    def __call__(self, key: str, /, **values: object) -> str:
        """The wording of a key.

        Raises:
            KeyError: There is none.
        """
        text = self._texts[key][self.language]
        for name, value in values.items():
            text = text.replace("{" + name + "}", str(value))
        return text

    def around(self, key: str, *names: str) -> list[str]:
        """The pieces of a wording around its placeholders, which must come in this order."""
        pieces, rest = [], self._texts[key][self.language]
        for name in names:
            piece, _, rest = rest.partition("{" + name + "}")
            pieces.append(piece)
        return [*pieces, rest]


def load() -> Mapping[str, Words]:
    """The words in every language, by language."""
    texts = yaml.safe_load((TEMPLATES / "form.yml").read_text(encoding="utf-8"))["texts"]
    languages = next(iter(texts.values()))
    return {language: Words(language, texts) for language in languages}
