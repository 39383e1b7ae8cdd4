"""Which of the three scripts a browser or a program asks for. Only a first guess: what the person writes decides."""

from __future__ import annotations

from typing import Literal

Language = Literal["en", "zh-Hans", "zh-Hant"]
LANGUAGES: tuple[Language, ...] = ("en", "zh-Hans", "zh-Hant")
DEFAULT: Language = "en"

_TRADITIONAL = frozenset({"hant", "tw", "hk", "mo"})


def from_tag(tag: str) -> Language | None:
    """The script for a language tag such as `zh-TW`, or None for any other language.

    >>> from_tag("zh-HK"), from_tag("zh"), from_tag("en-US"), from_tag("fr")
    ('zh-Hant', 'zh-Hans', 'en', None)
    """
    first, *rest = tag.strip().lower().replace("_", "-").split("-")
    if first == "en":
        return "en"
    if first in ("zh", "cmn", "yue"):
        if "hans" in rest:
            return "zh-Hans"
        return "zh-Hant" if first == "yue" or _TRADITIONAL.intersection(rest) else "zh-Hans"
    return None


def from_header(accept_language: str | None) -> Language | None:
    """The best script for an `Accept-Language` header, or None if it names none of ours."""
    best: tuple[float, Language] | None = None
    for item in (accept_language or "")[:1000].split(","):
        tag, _, parameter = item.partition(";")
        language = from_tag(tag)
        if language is None:
            continue
        name, _, number = parameter.strip().partition("=")
        try:
            quality = float(number) if name.strip() == "q" else 1.0
        except ValueError:
            continue
        if quality > 0 and (best is None or quality > best[0]):
            best = (quality, language)
    return best[1] if best else None


def as_language(value: object) -> Language | None:
    """The value itself if it is one of the three names, else None."""
    return next((language for language in LANGUAGES if language == value), None)
