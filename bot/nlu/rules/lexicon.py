"""Cue words from ``data/lexicon/*.yml`` as compiled patterns.

A lexicon file is a tree of mappings whose leaves are ``{en: [...], zh: [...]}``. Every item is a small regular
expression over the matching form of a message (``norm.py``): lower case, simplified characters. In English items a blank stands for
any run of blanks, an apostrophe may be missing, and the item stands at word borders.
"""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from .norm import Normal

LEXICON_DIR = Path(__file__).resolve().parents[3] / "data" / "lexicon"
_NEVER = re.compile(r"(?!)")


def _english(items: list[str]) -> str:
    parts = [item.replace(" ", r"\s+").replace("'", "'?") for item in items]
    return r"(?<![a-z0-9])(?:" + "|".join(parts) + r")(?![a-z0-9])"


class Cue:
    """A group of cue words in both languages.

    Attributes:
        en: Compiled English pattern.
        zh: Compiled Chinese pattern.
    """

    __slots__ = ("en", "zh")

    def __init__(self, en: list[str], zh: list[str]) -> None:
        self.en = re.compile(_english(en)) if en else _NEVER
        self.zh = re.compile("|".join(zh)) if zh else _NEVER

    def finditer(self, normal: Normal, start: int = 0, end: int | None = None) -> list[re.Match[str]]:
        """All hits between two offsets, English first, then Chinese."""
        stop = len(normal.text) if end is None else end
        hits: list[re.Match[str]] = []
        if normal.latin and self.en is not _NEVER:
            hits.extend(self.en.finditer(normal.text, start, stop))
        if normal.han and self.zh is not _NEVER:
            hits.extend(self.zh.finditer(normal.text, start, stop))
        return hits

    def search(self, normal: Normal, start: int = 0, end: int | None = None) -> re.Match[str] | None:
        """First hit between two offsets, or nothing; English is tried first."""
        stop = len(normal.text) if end is None else end
        hit = self.en.search(normal.text, start, stop) if normal.latin and self.en is not _NEVER else None
        if hit is None and normal.han and self.zh is not _NEVER:
            hit = self.zh.search(normal.text, start, stop)
        return hit


class Lexicon:
    """The cues of one lexicon file, by dotted path.

    Args:
        name: File name without ``.yml``.
    """

    def __init__(self, name: str) -> None:
        with (LEXICON_DIR / f"{name}.yml").open(encoding="utf-8") as stream:
            self.tree: dict[str, Any] = yaml.safe_load(stream)

    def node(self, path: str) -> Any:
        """The raw content at a dotted path.

        Raises:
            KeyError: If there is nothing at that path.
        """
        node: Any = self.tree
        for key in path.split("."):
            node = node[key]
        return node

    def cue(self, path: str) -> Cue:
        """The compiled cue at a dotted path.

        Raises:
            KeyError: If there is nothing at that path.
        """
        node = self.node(path)
        return Cue(list(node.get("en") or []), list(node.get("zh") or []))


@lru_cache(maxsize=None)
def lexicon(name: str) -> Lexicon:
    """The lexicon file of that name, read once."""
    return Lexicon(name)
