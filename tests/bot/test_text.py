"""Text preparation: lengths stay, identifiers are seen, long texts are cut."""

from __future__ import annotations

import pytest

from bot.nlu import text as t


@pytest.mark.parametrize("typed", ["Ｉ－４８５　ＩＯＥ", "don’t – 1", "我們後來", "頭髮乾了", "x" * 30])
def test_fold_and_simplify_keep_the_length(typed: str) -> None:
    assert len(t.fold(typed)) == len(typed)
    assert len(t.simplify(typed)) == len(typed)


def test_fold_and_simplify() -> None:
    assert t.fold("Ｉ－４８５　") == "I-485 "
    assert t.simplify("綠卡沒收到") == "绿卡没收到"


@pytest.mark.parametrize(
    ("typed", "kinds"),
    [
        ("my I-485 since 05/12/2023", ["form", "date"]),
        ("我的I485，IOE0912345678", ["form", "receipt"]),
        ("ioe 0912-345-678", ["receipt"]),
        ("ann.lee@example.com or 212-555-0123", ["email", "phone"]),
        ("A123-456-789", ["anumber"]),
        ("2023年5月3日交的", ["date"]),
        ("民國113年5月", ["date"]),
        ("filed May 3, 2023", ["date"]),
        ("CA-2345-6789-ABCD", ["tracking"]),
        ("三个月了", []),
        ("I may go", []),
        ("call me at 2", []),
    ],
)
def test_identifiers(typed: str, kinds: list[str]) -> None:
    assert [span.kind for span in t.identifiers(typed)] == kinds


def test_window() -> None:
    assert t.window("x" * 600) == [(0, 600)]
    assert t.window("x" * 20_000) == [(0, 400), (19_800, 20_000)]


@pytest.mark.parametrize(
    ("typed", "pieces"),
    [
        ("one sentence", []),
        ("No. I called.", ["No.", "I called."]),
        ("没有。 打过电话！", ["没有。", "打过电话！"]),
        ("v1.2 is fine", []),
        ("yes!!! 👍", []),
        ("a\nb", ["a", "b"]),
        ("1. 2. 3. 4. 5. 6. 7. 8.", ["1.", "2.", "3.", "4.", "7.", "8."]),
    ],
)
def test_segments(typed: str, pieces: list[str]) -> None:
    assert [typed[start:end] for start, end in t.segments(typed)] == pieces
