"""The open list of receipt number prefixes, and the letters of numbers that only look like receipt numbers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

_FILE = Path(__file__).resolve().parents[3] / "content" / "receipt_prefixes.yml"


@dataclass(frozen=True)
class Prefixes:
    """Three-letter codes in front of ten digits.

    Attributes:
        known: Prefixes of USCIS receipt numbers; the list is open.
        other: Codes of numbers of another kind (records requests).
        posts: Consular post codes of National Visa Center case numbers.
    """

    known: frozenset[str]
    other: frozenset[str]
    posts: frozenset[str]


@cache
def prefixes() -> Prefixes:
    """Return the codes of ``content/receipt_prefixes.yml``, read once."""
    with _FILE.open(encoding="utf-8") as stream:
        facts = yaml.safe_load(stream)
    return Prefixes(
        known=frozenset(facts["prefixes"]),
        other=frozenset(facts["other_numbers"]),
        posts=frozenset(facts["consular_posts"]["codes"]),
    )
