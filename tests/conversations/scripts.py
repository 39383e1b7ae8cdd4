"""Is a reply in the right script? By the characters that only one script has."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

_HAN = re.compile(r"[\u3400-\u9fff]+")
_WORDS = re.compile(r"[A-Za-z][a-z]+")
_ADDRESSES = re.compile(r"\S+@\S+|https?://\S+|www\.\S+|\([A-Z][^)]*\)")
ENGLISH = frozenset(
    [
        "the",
        "you",
        "your",
        "please",
        "we",
        "can",
        "what",
        "this",
        "have",
        "are",
        "is",
        "when",
        "how",
        "not",
        "will",
        "if",
        "any",
        "has",
        "with",
    ]
)
SHARE = 0.1


@lru_cache(maxsize=1)
def _letters() -> tuple[frozenset[str], frozenset[str]]:
    """Characters of one script only, as they occur in the wording: those whose counterpart is another character."""
    root = Path(__file__).resolve().parents[2]
    simplified: set[str] = set()
    traditional: set[str] = set()
    for path in (root / "domain").glob("*.yml"):
        for variations in yaml.safe_load(path.read_text(encoding="utf-8")).get("responses", {}).values():
            texts = {item["condition"][0]["value"]: item["text"] for item in variations}
            simplified.update("".join(_HAN.findall(texts["zh-Hans"])))
            traditional.update("".join(_HAN.findall(texts["zh-Hant"])))
    return frozenset(simplified - traditional), frozenset(traditional - simplified)


def wrong_script(text: str, language: str, said: Iterable[str], answers: Mapping[str, Any]) -> str | None:
    """What is wrong with the language of ``text``, or ``None``; what the person wrote does not count.

    Args:
        text: A reply.
        language: The language it should be in.
        said: What the person wrote.
        answers: The person's answers.
    """
    own = "\n".join([*said, str(answers)])
    text = _ADDRESSES.sub(" ", text)
    runs = [run for run in _HAN.findall(text) if run not in own]
    han = "".join(runs)
    if language == "en":
        return f"Chinese: {han[:20]}" if len(han) > 8 else None
    words = [word.lower() for word in _WORDS.findall(text) if word not in own]
    leaked = ENGLISH.intersection(words)
    if len(leaked) >= 4:
        return f"English: {sorted(leaked)}"
    simplified, traditional = _letters()
    right, wrong = (simplified, traditional) if language == "zh-Hans" else (traditional, simplified)
    bad = [char for char in han if char in wrong]
    if len(bad) >= 3 and len(bad) > SHARE * (len(bad) + sum(char in right for char in han)):
        return f"other script: {''.join(bad)[:20]}"
    return None
