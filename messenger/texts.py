"""What Telegram allows a text to be, and what must not be seen in one."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from functools import lru_cache

import yaml

from messenger.settings import CONTENT

# https://core.telegram.org/bots/api#sendmessage: 1-4096 characters, counted in UTF-16 code units.
LONGEST = 4096
_BREAKS = ("\n\n", "\n", "。", "！", "？", ". ", "! ", "? ", "；", "; ", "，", ", ", " ")
# What people put between digits; other forms of blanks and dashes are made these first.
_GAP = r"[ .\-\u2010-\u2015]{0,2}"
_RECEIPT = re.compile(
    rf"(?<![A-Za-z0-9])([A-Za-z]{{3}}){_GAP}\*?{_GAP}"
    rf"([0-9]{{8,12}}|[0-9](?:{_GAP}[0-9]){{9}}|[0-9](?:{_GAP}[0-9]){{10}}|[0-9](?:{_GAP}[0-9]){{7,8}})(?![0-9])"
)
_A_NUMBER = re.compile(rf"(?<![A-Za-z0-9])(?:A[#.: -]{{0,3}}|a-?)([0-9](?:[ -]?[0-9]){{6,8}})(?!{_GAP}[0-9])")
_EMAIL = re.compile(r"[^\s@,;:<>()，。；：（）、]+@[^\s@,;:<>()，。；：（）、]+")
_DAY = r"[0-9]{4}[-./][0-9]{1,2}[-./][0-9]{1,2}(?![0-9])"
_LONG_NUMBER = re.compile(
    rf"(?<![A-Za-z0-9])(?!{_DAY})\+?\(?[0-9](?:[ .()\-\u2010-\u2015]{{0,2}}[0-9]){{8,14}}(?![A-Za-z0-9])"
)
_POST_CODE = re.compile(r"[0-9]{5}-[0-9]{4}")
_HIDDEN = "******"


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
    """A text with receipt numbers and A-Numbers made unreadable in their middle, however they are written.

    >>> mask("IOE0912345678, ioe 0912-345-678, A012-345-678")
    'IOE******5678, IOE******5678, A******678'
    """
    text = _replaced(_RECEIPT, text, _masked_receipt)
    return _replaced(_A_NUMBER, text, lambda found: f"A{_HIDDEN}{_digits(found[1])[-3:]}")


def mask_own(text: str) -> str:
    """The same for a person's own words, in which phone numbers, other long numbers and addresses of mail are theirs.

    Our own sentences need those: they tell which number to call.

    >>> mask_own("call (202) 555-0123 or write to ann@example.org")
    'call ******23 or write to a******'
    """
    text = _replaced(_EMAIL, mask(text), lambda found: f"{found[0][0]}{_HIDDEN}")
    return _replaced(_LONG_NUMBER, text, _masked_number)


def _masked_receipt(found: re.Match[str]) -> str:
    letters, number = found[1].upper(), _digits(found[2])
    # "fax 202-357-8100": with gaps between its digits, only letters that begin receipt numbers make it one.
    if number != found[2] and letters not in _prefixes():
        return found[0]
    return f"{letters}{_HIDDEN}{number[-4:]}"


def _masked_number(found: re.Match[str]) -> str:
    return found[0] if _POST_CODE.fullmatch(found[0]) else f"{_HIDDEN}{_digits(found[0])[-2:]}"


def _digits(text: str) -> str:
    return "".join(filter(str.isdecimal, text))


@lru_cache(maxsize=1)
def _prefixes() -> frozenset[str]:
    table = yaml.safe_load((CONTENT / "receipt_prefixes.yml").read_text(encoding="utf-8"))
    return frozenset(table["prefixes"])


def _replaced(pattern: re.Pattern[str], text: str, change: Callable[[re.Match[str]], str]) -> str:
    """Replace what a pattern finds in the plain form of a text (full-width letters and the like made usual ones).

    Everything else stays as it was written.
    """
    plain, places = [], []
    for place, sign in enumerate(text):
        for usual in unicodedata.normalize("NFKC", sign):
            plain.append(usual)
            places.append(place)
    places.append(len(text))
    parts, end = [], 0
    for found in pattern.finditer("".join(plain)):
        changed = change(found)
        if changed != found[0]:
            parts += [text[end : places[found.start()]], changed]
            end = places[found.end()]
    return "".join([*parts, text[end:]])


def visible(text: str) -> str:
    """The text without what Telegram refuses or cuts away: half characters, and blanks around it."""
    return re.sub("[\ud800-\udfff]", "\ufffd", text).strip()
