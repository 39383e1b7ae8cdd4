"""Tracking numbers of requests: how they are built, checked and read back.

A tracking number reads ``CA-XXXX-XXXX-XXXX``: eleven random characters and one check character. The alphabet has 30
signs and leaves out the ones that people mix up on paper and on the telephone (0, O, 1, I, L, U).

The check character is Luhn mod 30 (the "Luhn mod N" scheme for N = 30): going from the right, every second character
counts double, the two base-30 digits of each product are added up, and the check character brings the sum to a
multiple of 30. It finds every single wrong character and nearly every swap of two neighbours.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

ALPHABET: Final = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
PREFIX: Final = "CA"
RANDOM_LENGTH: Final = 11

_POSITION: Final = {sign: position for position, sign in enumerate(ALPHABET)}
_BASE: Final = len(ALPHABET)
_NOT_SIGNS: Final = re.compile(r"[\W_]+")


def _luhn_sum(signs: str, factor: int) -> int:
    """Add up ``signs`` from the right; ``factor`` (1 or 2) is the weight of the last one."""
    total = 0
    for sign in reversed(signs):
        product = _POSITION[sign] * factor
        total += product // _BASE + product % _BASE
        factor = 3 - factor
    return total


def check_character(random_chars: str) -> str:
    """Return the check character for the random part.

    Args:
        random_chars: Characters of ``ALPHABET``.

    Raises:
        ValueError: A character is not in the alphabet.
    """
    strangers = set(random_chars) - set(ALPHABET)
    if strangers:
        raise ValueError(f"not in the alphabet of tracking numbers: {''.join(sorted(strangers))}")
    return ALPHABET[-_luhn_sum(random_chars, 2) % _BASE]


def make(random_chars: str) -> str:
    """Build a tracking number from eleven random characters of ``ALPHABET``.

    Raises:
        ValueError: Wrong length, or a character outside the alphabet.
    """
    if len(random_chars) != RANDOM_LENGTH:
        raise ValueError(f"needs {RANDOM_LENGTH} characters, got {len(random_chars)}")
    return _grouped(random_chars + check_character(random_chars))


def normalise(text: str) -> str | None:
    """Return ``text`` written as ``CA-XXXX-XXXX-XXXX``, or None where it has another shape.

    Small letters, full-width signs, blanks and dashes of any kind (or none) are understood. Whether the check
    character is right is not looked at; see ``is_valid``.
    """
    signs = _NOT_SIGNS.sub("", unicodedata.normalize("NFKC", text)).upper()
    body = signs[len(PREFIX) :]
    if not signs.startswith(PREFIX) or len(body) != RANDOM_LENGTH + 1 or not set(body) <= set(ALPHABET):
        return None
    return _grouped(body)


def is_valid(number: str) -> bool:
    """Say whether ``number`` has the shape of a tracking number and the right check character."""
    canonical = normalise(number)
    return canonical is not None and _luhn_sum(canonical[len(PREFIX) :].replace("-", ""), 1) % _BASE == 0


def _grouped(body: str) -> str:
    return "-".join((PREFIX, body[:4], body[4:8], body[8:]))
