"""The wording as the tests of it see it: every variation of `domain/*.yml`, every other text that people read in three
scripts, and the keys that `actions/` uses."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from opencc import OpenCC

ROOT = Path(__file__).resolve().parents[2]
LANGUAGES = ("en", "zh-Hans", "zh-Hant")
PLACEHOLDER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
# Names of languages are always in their own script.
LANGUAGE_NAMES = re.compile("简体中文|繁體中文")
_HAN = re.compile(r"[\u3400-\u9fff]+")
_OWN = {"zh-Hans": OpenCC("t2s"), "zh-Hant": OpenCC("s2t")}
# Characters that are right in both scripts, though OpenCC changes them: 公布, 了解, 才能, 雇主 and others are the usual
# forms in Taiwan and Hong Kong.
_FINE = {"zh-Hans": frozenset(), "zh-Hant": frozenset("布了才雇台群床秘峰核准")}
_KEY = re.compile(r"(?:utter|label)_[A-Za-z0-9_]*")


class UniqueKeys(yaml.SafeLoader):
    """A YAML loader that does not let a key pass twice: the first wording would be lost without a word."""


def _mapping(loader: UniqueKeys, node: yaml.MappingNode) -> dict[Any, Any]:
    names = [loader.construct_object(key) for key, _ in node.value]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise ValueError(f"twice in one place: {sorted(twice)}, line {node.start_mark.line + 1}")
    return {loader.construct_object(key): loader.construct_object(value, deep=True) for key, value in node.value}


UniqueKeys.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


@dataclass(frozen=True)
class Wording:
    """One variation of one key.

    Attributes:
        file: Name of the file.
        buttons: Title and payload of each button.
    """

    file: str
    key: str
    language: str
    text: str
    buttons: tuple[tuple[str, str], ...]

    @property
    def parts(self) -> list[str]:
        """Everything that a person reads of it."""
        return [self.text, *(title for title, _ in self.buttons)]

    def __str__(self) -> str:
        return f"{self.key} {self.language}"


def responses() -> Iterator[tuple[str, str, list[dict[str, Any]]]]:
    """File, key and raw variations of every response."""
    for path in sorted((ROOT / "domain").glob("*.yml")):
        content = yaml.load(path.read_text(encoding="utf-8"), UniqueKeys)
        for key, variations in content["responses"].items():
            yield path.name, key, variations


def wordings() -> list[Wording]:
    """Every variation of every key."""
    return [
        Wording(
            file,
            key,
            item["condition"][0]["value"],
            item["text"],
            tuple((button["title"], button["payload"]) for button in item.get("buttons", ())),
        )
        for file, key, variations in responses()
        for item in variations
    ]


@dataclass(frozen=True)
class Text:
    """One text in one language, wherever it stands.

    Attributes:
        place: File and key.
        words: What a person reads.
    """

    place: str
    language: str
    words: str

    def __str__(self) -> str:
        return f"{self.place} {self.language}"


def texts() -> list[Text]:
    """Everything that people read in three scripts: of `domain/`, of `content/`, of `web/strings/`."""
    found = [
        Text(f"domain/{wording.file}:{wording.key}", wording.language, part)
        for wording in wordings()
        for part in wording.parts
    ]
    for folder in ("content", "web/strings"):
        for path in sorted((ROOT / folder).glob("*.yml")):
            found += _texts_in(yaml.safe_load(path.read_text(encoding="utf-8")), f"{folder}/{path.name}:")
    return found


def _texts_in(node: Any, place: str) -> Iterator[Text]:
    if isinstance(node, dict) and set(LANGUAGES) <= set(node) and not any(isinstance(node[one], dict) for one in node):
        for language in LANGUAGES:
            parts = node[language] if isinstance(node[language], list) else [node[language]]
            yield from (Text(place, language, str(part)) for part in parts)
    elif isinstance(node, dict):
        for key, value in node.items():
            yield from _texts_in(value, f"{place}.{key}")
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from _texts_in(value, f"{place}[{index}]")


def foreign(text: str, language: str) -> str:
    """The characters of a Chinese text that are of the other script."""
    return "".join(
        char
        for run in _HAN.findall(LANGUAGE_NAMES.sub(" ", text))
        for char, other in zip(run, _OWN[language].convert(run), strict=True)
        if char != other and char not in _FINE[language]
    )


def literals() -> set[str]:
    """Every string in the code that decides what is said: what a key may be put together from."""
    folders = ("actions", "triage", "intake", "bot/nlu/rules")
    trees = [ast.parse(path.read_text(encoding="utf-8")) for name in folders for path in (ROOT / name).glob("*.py")]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    return {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def used_in_code() -> tuple[set[str], set[str]]:
    """What `actions/` asks for: whole keys, and patterns of keys put together from parts."""
    whole: set[str] = set()
    patterns: set[str] = set()
    for path in sorted((ROOT / "actions").glob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        inside = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
        for node in ast.walk(tree):
            if isinstance(node, ast.JoinedStr):
                pattern = _pattern(node)
                if pattern.startswith(("utter_", "label_")):
                    patterns.add(pattern)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                # "utter_invalid" alone is compared with, not said.
                if id(node) not in inside and _KEY.fullmatch(node.value) and not _is_prefix(node.value, tree):
                    whole.add(node.value)
            elif isinstance(node, ast.Call) and _is_label(node):
                _label(node.args[0], whole, patterns)
    return whole, patterns


def _pattern(node: ast.JoinedStr) -> str:
    return "".join(
        re.escape(str(part.value)) if isinstance(part, ast.Constant) else "([A-Za-z0-9_-]+)" for part in node.values
    )


def _is_prefix(value: str, tree: ast.AST) -> bool:
    """Whether a literal is only the beginning of keys: compared with `startswith`, or ended by an underscore."""
    return value.endswith("_") or any(
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "startswith"
        and any(isinstance(arg, ast.Constant) and arg.value == value for arg in node.args)
        for node in ast.walk(tree)
    )


def _is_label(node: ast.Call) -> bool:
    if not isinstance(node.func, ast.Attribute) or not node.args:
        return False
    of_labels = isinstance(node.func.value, ast.Attribute | ast.Name) and "labels" in ast.dump(node.func.value)
    return node.func.attr == "label" or (node.func.attr in ("get", "has") and of_labels)


def _label(name: ast.expr, whole: set[str], patterns: set[str]) -> None:
    """A label's name is a literal, one of two, put together, or (a variable) the name of a slot or of a value."""
    if isinstance(name, ast.Constant):
        whole.add(f"label_{name.value}")
    elif isinstance(name, ast.IfExp):
        _label(name.body, whole, patterns)
        _label(name.orelse, whole, patterns)
    elif isinstance(name, ast.JoinedStr):
        patterns.add("label_" + _pattern(name))
