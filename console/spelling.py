"""Numbers read aloud: in groups, letter by letter, so that nobody hears another one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

_RECEIPT = re.compile(r"([A-Z]{3})([\d*]\d{2})(\d{3})(\d{4})")


@dataclass(frozen=True)
class Group:
    """A few characters that are read in one breath.

    Attributes:
        text: As written.
        words: How each character is read.
    """

    text: str
    words: tuple[str, ...]


class Spelling:
    """Spelling words of `content/spelling.yml`, by language."""

    def __init__(self, path: Path) -> None:
        table = yaml.safe_load(path.read_text(encoding="utf-8"))
        self._words: dict[str, Mapping[str, str]] = {**table["letters"], **table["digits"], **table["others"]}

    def read(self, number: str, language: str) -> tuple[Group, ...]:
        """A receipt or tracking number, group by group."""
        return tuple(
            Group(part, tuple(self._words[char][language] if char in self._words else char for char in part))
            for part in groups(number)
        )


def groups(number: str) -> tuple[str, ...]:
    """A receipt number as `IOE 091 234 5678`, any other number as its dashes part it."""
    receipt = _RECEIPT.fullmatch(number)
    return receipt.groups() if receipt else tuple(part for part in number.split("-") if part)
