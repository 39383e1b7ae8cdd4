"""Slips of spelling are read as what was meant; the message itself stays as it was typed."""

from __future__ import annotations

from datetime import date

import pytest

from bot.nlu.rules import extract_all
from bot.nlu.rules.spelling import mended

TODAY = date(2026, 11, 24)


@pytest.mark.parametrize(
    ("text", "entity", "value", "span"),
    [
        ("it was Ocotber 12, 2024", "date", "2024-10-12", "Ocotber 12, 2024"),
        ("Setpember 2025 we mailed", "date", "2025-09", "Setpember 2025"),
        ("I rang yestarday", "date", "2026-11-23", "yestarday"),
        ("naturalizaton still open", "form_type", "N-400", "naturalizaton"),
        ("green card aplication", "form_type", "I-485", "green card aplication"),
        ("my wrok permit", "form_type", "I-765", "wrok permit"),
        ("N-4OO since June", "form_type", "N-400", "N-4OO"),
    ],
)
def test_a_slip_is_read_as_meant(text: str, entity: str, value: str, span: str) -> None:
    found = [item for item in extract_all(text, TODAY) if item.entity == entity]
    assert (found[0].value, found[0].text) == (value, span)
    assert text[found[0].start : found[0].end] == span


@pytest.mark.parametrize(
    "text",
    [
        "the United States",
        "my contract ended",
        "a layer of paint",
        "Augusta, Georgia",
        "she is employed",
        "it comes from a form",
        "in the field",
        "fridays and sundays",
        "aplicacion@example.com",
    ],
)
def test_other_words_stay(text: str) -> None:
    assert mended(text) is None
