"""Slips of the keyboard: mended to the words of the examples, other words left alone."""

from __future__ import annotations

import pytest

from bot.nlu.repair import Repair

EXAMPLES = [
    *["where is my receipt number", "green card please", "cancel the hearing", "start over", "just ice", "how can i"]
    * 6,
    "thsi once",
    "recieve",
    "recieve",
]


@pytest.fixture(scope="module")
def repair() -> Repair:
    return Repair.learn(EXAMPLES)


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("reciept nubmer", "receipt number"),  # swapped
        ("receit numbr", "receipt number"),  # missing
        ("receiipt numbeer", "receipt number"),  # too many
        ("receopt", "receipt"),  # wrong
        ("gren crad", "gren card"),  # of a word of four letters only swapped ones are mended
        ("greencard", "green card"),
        ("startover", "start over"),
        ("how cna i cancel", "how can i cancel"),  # in three letters too
        ("resceippt", "receipt"),  # two slips in a long word
    ],
)
def test_mended(repair: Repair, typed: str, expected: str) -> None:
    assert repair(typed) == expected


@pytest.mark.parametrize(
    "typed",
    ["heating", "justice", "receipt", "xqzwvk", "ann@numbr.com", "numbr-5", "crd", "收据 number", "IOE0912345678"],
)
def test_left_alone(repair: Repair, typed: str) -> None:
    assert repair(typed) == typed


def test_the_same_examples_give_the_same_repair() -> None:
    assert Repair.learn(EXAMPLES).counts == Repair.learn(EXAMPLES).counts
    assert "thsi" not in Repair.learn(EXAMPLES).counts
