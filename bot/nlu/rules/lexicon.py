"""Cue words from ``data/lexicon/*.yml`` as compiled patterns.

A lexicon file is a tree of mappings whose leaves are ``{en: [...], zh: [...]}``. Every item is a small regular
expression over the matching form of a message (``norm.py``): lower case, simplified characters. In English items a
blank stands for
any run of blanks, an apostrophe may be missing, and the item stands at word borders.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from .norm import Normal

LEXICON_DIR = Path(__file__).resolve().parents[3] / "data" / "lexicon"
_NEVER = re.compile(r"(?!)")


def _closing(item: str, start: int) -> int:
    """Offset behind the bracket that closes the one at ``start``."""
    depth, at = 0, start
    while at < len(item):
        char = item[at]
        if char == "\\":
            at += 1
        elif char == "[":
            at = item.index("]", at + 2)
        elif char == "(":
            depth += 1
        elif char == ")":
            depth -= 1
            if depth == 0:
                return at + 1
        at += 1
    raise ValueError(f"unbalanced: {item}")


def _branches(item: str) -> list[str]:
    """The alternatives of an expression at its top level."""
    parts, at, begin = [], 0, 0
    while at < len(item):
        char = item[at]
        if char == "\\":
            at += 2
        elif char == "[":
            at = item.index("]", at + 2) + 1
        elif char == "(":
            at = _closing(item, at)
        else:
            if char == "|":
                parts.append(item[begin:at])
                begin = at + 1
            at += 1
    return [*parts, item[begin:]]


def _class_members(body: str) -> set[str] | None:
    members: set[str] = set()
    at = 0
    while at < len(body):
        char = body[at]
        if char == "^" and at == 0:
            return None
        if char == "\\":
            if body[at + 1] == "d":
                members.update("0123456789")
            elif body[at + 1].isalnum():
                return None
            else:
                members.add(body[at + 1])
            at += 2
        elif at + 2 < len(body) and body[at + 1] == "-":
            if ord(body[at + 2]) - ord(char) > 200:
                return None
            members.update(chr(code) for code in range(ord(char), ord(body[at + 2]) + 1))
            at += 3
        else:
            members.add(char)
            at += 1
    return members


def heads(item: str) -> set[str] | None:
    """The characters that a match of an expression can begin with.

    Args:
        item: A regular expression of the kind used in the lexicons.

    Returns:
        The characters; ``None`` when it could be any, or when the expression can match nothing at all.
    """
    found: set[str] = set()
    for branch in _branches(item):
        at, open_end = 0, True
        while at < len(branch) and open_end:
            char = branch[at]
            here: set[str] | None
            if char in "^$" or branch.startswith((r"\b", r"\B"), at):
                at += 1 if char in "^$" else 2
                continue
            if char == "(":
                end = _closing(branch, at)
                if branch.startswith(("(?=", "(?!", "(?<=", "(?<!"), at):
                    at = end
                    continue
                here = heads(branch[at + (3 if branch.startswith("(?:", at) else 1) : end - 1])
            elif char == "[":
                end = branch.index("]", at + 2) + 1
                here = _class_members(branch[at + 1 : end - 1])
            elif char == "\\":
                end = at + 2
                here = _class_members(branch[at:end])
            elif char == ".":
                return None
            else:
                end, here = at + 1, {char}
            if here is None:
                return None
            found |= here
            optional = branch[end : end + 1] in {"?", "*"} or branch.startswith("{0", end)
            open_end = optional
            if optional:
                end = branch.index("}", end) + 1 if branch[end] == "{" else end + 1
                if branch[end : end + 1] == "?":
                    end += 1
            at = end
        if open_end:
            return None
    return found


def guard(items: list[str]) -> str:
    """A look at one character that spares a long alternation at most places of a message.

    Args:
        items: The expressions of the alternation.

    Returns:
        The look-ahead; empty when one of the expressions can begin with anything.
    """
    union: set[str] = set()
    for item in items:
        one = heads(item)
        if one is None:
            return ""
        union |= one
    return "(?=[" + "".join(re.escape(char) for char in sorted(union)) + "])"


def loosen(item: str) -> str:
    """An English item with any run of blanks for a blank, and with the apostrophe optional."""
    return item.replace(" ?", r"\s*").replace(" *", r"\s*").replace(" ", r"\s+").replace("'", "'?")


def _english(items: list[str]) -> str:
    parts = [loosen(item) for item in items]
    return r"(?<![a-z0-9])" + guard(parts) + "(?:" + "|".join(parts) + r")(?![a-z0-9])"


def _chinese(items: list[str]) -> str:
    parts = []
    for item in items:
        look = "" if item[0] not in "([" else guard([item])
        parts.append(look + (f"(?:{item})" if look and len(_branches(item)) > 1 else item))
    return guard(items) + "(?:" + "|".join(parts) + ")"


class Cue:
    """A group of cue words in both languages.

    Attributes:
        en: Compiled English pattern.
        zh: Compiled Chinese pattern.
    """

    __slots__ = ("en", "zh")

    def __init__(self, en: list[str], zh: list[str]) -> None:
        self.en = re.compile(_english(en)) if en else _NEVER
        self.zh = re.compile(_chinese(zh)) if zh else _NEVER

    def finditer(self, normal: Normal, start: int = 0, end: int | None = None) -> list[re.Match[str]]:
        """All hits between two offsets, English first, then Chinese."""
        stop = len(normal.text) if end is None else end
        hits: list[re.Match[str]] = []
        if normal.words and self.en is not _NEVER:
            hits.extend(self.en.finditer(normal.text, start, stop))
        if normal.han and self.zh is not _NEVER:
            hits.extend(self.zh.finditer(normal.text, start, stop))
        return hits

    def search(self, normal: Normal, start: int = 0, end: int | None = None) -> re.Match[str] | None:
        """First hit between two offsets, or nothing; English is tried first."""
        stop = len(normal.text) if end is None else end
        hit = self.en.search(normal.text, start, stop) if normal.words and self.en is not _NEVER else None
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


@cache
def lexicon(name: str) -> Lexicon:
    """The lexicon file of that name, read once."""
    return Lexicon(name)
