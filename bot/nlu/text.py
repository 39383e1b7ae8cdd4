"""Text preparation shared by the understanding components.

Everything that reports positions works on :func:`fold`, which never changes the length of a text, so that
positions found in the folded text are positions in what the person typed.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

import opencc

HEAD_CHARS = 400
TAIL_CHARS = 200
MAX_SEGMENTS = 6
SEGMENT_CHARS = 200

_FULLWIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
_FOLD_TABLE = {**_FULLWIDTH, 0x3000: 0x20, 0x00A0: 0x20, 0x2019: 0x27, 0x2018: 0x27, 0x2011: 0x2D, 0x2013: 0x2D}
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]")
_SENTENCE_END = re.compile(r"[。！？!?;；\n]+|\.(?=\s|$)")
HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0002ffff]")


class Span(NamedTuple):
    """A stretch of text, as start and end offsets (end excluded), and what kind of thing it is."""

    start: int
    end: int
    kind: str


@lru_cache(maxsize=2)
def converter(name: str) -> opencc.OpenCC:
    """Return the OpenCC converter of that name, such as ``t2s``."""
    return opencc.OpenCC(name)


def fold(text: str) -> str:
    """Replace full-width forms, odd spaces and typographic quotes by their plain ASCII, one for one."""
    return text.translate(_FOLD_TABLE)


def simplify(text: str) -> str:
    """Convert traditional Chinese characters to simplified ones, keeping the length.

    Where the phrase tables would change the length, each character is converted on its own.
    """
    if not HAN.search(text):
        return text
    to_simplified = converter("t2s")
    converted: str = to_simplified.convert(text)
    if len(converted) == len(text):
        return converted
    return "".join(single if len(single := to_simplified.convert(char)) == 1 else char for char in text)


def visible(text: str) -> str:
    """Drop zero-width and direction characters, which carry no meaning here."""
    return _INVISIBLE.sub("", text)


def window(text: str) -> list[tuple[int, int]]:
    """Return the parts of a long text that are looked at: its beginning and its end.

    Returns:
        Offsets of one part for texts up to 600 characters, else of the first 400 and the last 200.
    """
    length = len(text)
    if length <= HEAD_CHARS + TAIL_CHARS:
        return [(0, length)]
    return [(0, HEAD_CHARS), (length - TAIL_CHARS, length)]


def sentences(text: str) -> list[tuple[int, int]]:
    """Split a text at the ends of sentences, in both languages.

    Returns:
        Offsets of the sentences with the white space around them left out; sentences without a letter or digit
        are dropped.
    """
    found: list[tuple[int, int]] = []
    position = 0
    for match in _SENTENCE_END.finditer(text):
        found.append((position, match.end()))
        position = match.end()
    found.append((position, len(text)))
    trimmed: list[tuple[int, int]] = []
    for start, end in found:
        piece = text[start:end]
        if not any(char.isalnum() for char in piece):
            continue
        start += len(piece) - len(piece.lstrip())
        trimmed.append((start, start + len(piece.strip())))
    return trimmed


def segments(text: str) -> list[tuple[int, int]]:
    """Choose the sentences that are understood one by one.

    Returns:
        Nothing when there is only one sentence; of more than six, the first four and the last two.
    """
    found = sentences(text)
    if len(found) < 2:
        return []
    if len(found) > MAX_SEGMENTS:
        found = found[: MAX_SEGMENTS - 2] + found[-2:]
    return found


_L = r"(?<![A-Za-z0-9])"
_R = r"(?![A-Za-z0-9])"
_MONTHS = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|"
    r"nov(?:ember)?|dec(?:ember)?)"
)
_CN_DIGIT = "[零〇一二三四五六七八九十廿百两\\d]"
_MASKS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("email", re.compile(r"[A-Za-z0-9._%+-]+\s?@\s?[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")),
    ("url", re.compile(r"(?:https?://|www\.)[^\s\u3400-\u9fff]+", re.I)),
    ("tracking", re.compile(_L + r"CA-[0-9A-Z]{3,5}(?:-[0-9A-Z]{3,5}){1,3}" + _R, re.I)),
    ("receipt", re.compile(_L + r"[A-Z]{3}[-\s]?(?:\*\s?)?\d(?:[-\s]?\d){7,12}" + _R, re.I)),
    ("anumber", re.compile(_L + r"A[-#\s]?\d{3}[-\s]?\d{3}[-\s]?\d{2,3}" + _R, re.I)),
    (
        "form",
        re.compile(
            _L + r"(?:(?:[INGR]|AR|EOIR|DS|ETA|DHS)[-\s]?\d{1,4}[A-Z]{0,2}(?:EZ)?)" + _R,
            re.I,
        ),
    ),
    (
        "date",
        re.compile(
            _L + r"(?:\d{1,2}[/.-]\d{1,2}[/.-](?:\d{4}|\d{2})|\d{4}[/.-]\d{1,2}(?:[/.-]\d{1,2})?|\d{1,2}/\d{4})" + _R
        ),
    ),
    (
        "date",
        re.compile(
            r"(?:民国|民國)?\s?"
            + _CN_DIGIT
            + r"{1,4}\s?年\s?"
            + _CN_DIGIT
            + r"{1,3}\s?月(?:份|\s?"
            + _CN_DIGIT
            + r"{1,3}\s?[日号號])?"
        ),
    ),
    (
        "date",
        re.compile(
            _L + _MONTHS + r"\.?\s(?:\d{1,2}(?:st|nd|rd|th)?(?:,?\s+(?:of\s)?\d{4})?|(?:of\s)?\d{4})" + _R,
            re.I,
        ),
    ),
    ("phone", re.compile(r"(?<![A-Za-z0-9])\+?(?:\d{1,3}[-.\s])?\(?\d{3}\)?[-.\s]?\d{3}[-.\s]?\d{4}(?![A-Za-z0-9])")),
    ("number", re.compile(r"(?<![A-Za-z0-9])\d{5,}(?![A-Za-z0-9])")),
)


def identifiers(text: str) -> list[Span]:
    """Find the identifiers and dates whose exact digits say nothing about what the person wants.

    Args:
        text: Folded text.

    Returns:
        Spans in order, without overlaps; where kinds compete, the one listed first wins.
    """
    if not any(char.isdigit() or char == "@" for char in text) and "年" not in text:
        return []
    found: list[Span] = []
    for kind, pattern in _MASKS:
        for match in pattern.finditer(text):
            start, end = match.span()
            if all(end <= span.start or start >= span.end for span in found):
                found.append(Span(start, end, kind))
    return sorted(found)


def replace(text: str, spans: list[Span], words: dict[str, str]) -> str:
    """Write one fixed word in place of every span of a kind."""
    if not spans:
        return text
    pieces: list[str] = []
    position = 0
    for span in spans:
        pieces.append(text[position : span.start])
        pieces.append(f" {words[span.kind]} ")
        position = span.end
    pieces.append(text[position:])
    return "".join(pieces)
