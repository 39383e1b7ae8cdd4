"""Running text in pages: numbers that do not break across lines, and the language a text is in."""

from __future__ import annotations

import re

from markupsafe import Markup, escape

_WHOLE = re.compile(
    r"(?:\+?1[- ])?\(?\d{3}\)?[- ]\d{3}-\d{4}\b|[A-Z]{3}[\d*]\d{9}|\bA-?\d{9}\b|\b[A-Z]{2}(?:-[A-Z0-9]{4}){3}"
    r"|\d{4}-\d\d-\d\d",
    re.ASCII,
)
_HAN = re.compile(r"[\u3400-\u9fff\U00020000-\U0003ffff]")


def whole(text: str) -> Markup:
    """The text, escaped, each telephone, receipt and tracking number in one piece."""
    made, end = Markup(), 0
    for found in _WHOLE.finditer(text):
        made += escape(text[end : found.start()]) + Markup('<span class="whole">{}</span>').format(found[0])
        end = found.end()
    return made + escape(text[end:])


def language_of(text: str, language: str) -> str:
    """The language of an answer: Chinese ones are in the caller's script, as far as it is known."""
    if not _HAN.search(text):
        return "en"
    return language if language.startswith("zh") else "zh"
