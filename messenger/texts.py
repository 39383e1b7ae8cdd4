"""What Telegram allows a text to be, and what must not be seen in one."""

from __future__ import annotations

import re

# https://core.telegram.org/bots/api#sendmessage: 1-4096 characters, counted in UTF-16 code units.
LONGEST = 4096
_BREAKS = ("\n\n", "\n", "。", "！", "？", ". ", "! ", "? ", "；", "; ", "，", ", ", " ")
_RECEIPT = re.compile(r"(?<![A-Za-z0-9])([A-Za-z]{3})[ -]?\*?([0-9]{4,8})([0-9]{4})(?![0-9])")
_A_NUMBER = re.compile(r"(?<![A-Za-z0-9])(A[- ]?)(\d{2,3}[- ]?\d{3}[- ]?)(\d{3})(?![0-9])")


def units(text: str) -> int:
    """Length as Telegram counts it: UTF-16 code units.

    >>> units("a😀")
    3
    """
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def split(text: str, longest: int = LONGEST) -> list[str]:
    """Cut a text into parts of at most `longest` units: at the end of a paragraph if there is one, else of a line, …"""
    parts = []
    rest = text.strip()
    while units(rest) > longest:
        head = _head(rest, longest)
        parts.append(head.strip())
        rest = rest[len(head) :].strip()
    return [part for part in (*parts, rest) if part]


def _head(text: str, longest: int) -> str:
    most = text[:longest]
    while units(most) > longest:
        most = most[: -((units(most) - longest + 1) // 2)]
    for mark in _BREAKS:
        at = most.rfind(mark)
        if at >= len(most) // 4:
            return most[: at + len(mark)]
    return most


def mask(text: str) -> str:
    """A text with receipt numbers and A-Numbers made unreadable in their middle.

    >>> mask("IOE0912345678, A012-345-678")
    'IOE******5678, A******678'
    """
    text = _RECEIPT.sub(lambda found: f"{found[1].upper()}******{found[3]}", text)
    return _A_NUMBER.sub(lambda found: f"{found[1]}******{found[3]}", text)


def visible(text: str) -> str:
    """The text without what Telegram refuses or cuts away: half characters, and blanks around it."""
    return re.sub("[\ud800-\udfff]", "\ufffd", text).strip()
