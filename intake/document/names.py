"""Names as people write them: Latin letters, Chinese characters or both; the order is never changed silently."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

import yaml

from intake.document.wording import TEMPLATES

_HAN = "\u2e80-\u2fdf\u3005\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_CHINESE = re.compile(f"[{_HAN}](?:[{_HAN}·•・\\s]*[{_HAN}])?")
_AROUND = " \t\n,，、;；/()（）[]"


@dataclass(frozen=True)
class Name:
    """A name taken apart.

    Attributes:
        latin: The part in Latin (or other) letters; empty when there is none.
        chinese: The part in Chinese characters; empty when there is none.
        family: Family name in Latin letters, when the way it is written says which it is; else empty.
        given: Given names in Latin letters, likewise.
    """

    latin: str
    chinese: str
    family: str
    given: str


def read(name: str) -> Name:
    """Take a name apart.

    Which word is the family name is said by a comma ("Wang, Xiaoming") or by capitals ("Xiaoming WANG"); otherwise
    nobody can know, and nothing is guessed. Neither is it where a title or a suffix stands in the name ("John Smith,
    Jr.", "DR Wang"): commas and capitals then say nothing about the family name.

    Args:
        name: As typed.
    """
    match = _CHINESE.search(name)
    chinese = match.group().strip() if match else ""
    latin = name
    if match:
        before, after = (part.strip(_AROUND) for part in (name[: match.start()], name[match.end() :]))
        latin = " ".join(part for part in (before, after) if part)
    family, given = _split(latin)
    return Name(latin, chinese, family, given)


def _split(latin: str) -> tuple[str, str]:
    words = re.split(r"[\s,，]+", latin)
    if any(word.replace(".", "").upper() in _beside_names() for word in words):
        return "", ""
    parts = [part.strip() for part in re.split("[,，]", latin)]
    if len(parts) == 2 and all(parts):
        return parts[0], parts[1]
    words = latin.split()
    # An initial is always a capital and says nothing.
    capitals = [word for word in words if word.isupper() and sum(map(str.isalpha, word)) > 1]
    others = [word for word in words if word not in capitals]
    at_an_end = words[: len(capitals)] == capitals or words[len(words) - len(capitals) :] == capitals
    if capitals and others and at_an_end:
        return " ".join(capitals), " ".join(others)
    return "", ""


@lru_cache(maxsize=1)
def _beside_names() -> frozenset[str]:
    return frozenset(yaml.safe_load((TEMPLATES / "names.yml").read_text(encoding="utf-8"))["beside_names"])
