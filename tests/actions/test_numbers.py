"""What counts as a tracking number: every number that the backend can give, and no word."""

from __future__ import annotations

import random

import pytest

from actions.intake_client import Backend
from triage import tracking

BACKEND = Backend("http://127.0.0.1:1", "token")


def test_every_number_of_ours_counts() -> None:
    """About one in twenty-five has no digit in it."""
    draw = random.Random(7)
    numbers = [tracking.make("".join(draw.choices(tracking.ALPHABET, k=tracking.RANDOM_LENGTH))) for _ in range(2000)]
    assert sum(not any(sign.isdigit() for sign in number) for number in numbers) > 20
    assert [number for number in numbers if not BACKEND.is_number(number)] == []


@pytest.mark.parametrize("value", ["", "pending", "null", "None", "CA-", None, 12345678, ["CA-2345-6789-ABCD"]])
def test_a_word_is_no_number(value: object) -> None:
    assert not BACKEND.is_number(value)


def test_an_agency_says_what_its_numbers_look_like() -> None:
    backend = Backend("http://127.0.0.1:1", "token", number_pattern=r"\d{4,9}")
    assert backend.is_number("10012")
    assert not backend.is_number("CA-2345-6789-ABCD")
