"""Names as people write them: Latin letters, Chinese characters or both; the order is never changed silently."""

from __future__ import annotations

import re
from dataclasses import dataclass

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
    nobody can know, and nothing is guessed.

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
    parts = [part.strip() for part in re.split("[,，]", latin)]
    if len(parts) == 2 and all(parts):
        return parts[0], parts[1]
    words = latin.split()
    capitals = [word for word in words if len(word) > 1 and word.isupper()]
    others = [word for word in words if word not in capitals]
    at_an_end = words[: len(capitals)] == capitals or words[len(words) - len(capitals) :] == capitals
    if capitals and others and at_an_end:
        return " ".join(capitals), " ".join(others)
    return "", ""
