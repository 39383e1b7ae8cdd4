"""The measuring of intents: reading the file and counting."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.evaluate import Case, Outcome, percentile, read_cases, report

HEADER = "id\tintent\tlang\tstyle\ttext\n"
LINES = '1\tgreet\ten\tshort\t"hi" there\n2\tdeny\tzh-Hans\tshort\t不\t是\n'


@pytest.mark.parametrize("content", [LINES, HEADER + LINES, "\ufeff" + HEADER + LINES.replace("\n", "\r\n") + "\r\n"])
def test_read(tmp_path: Path, content: str) -> None:
    file = tmp_path / "x.tsv"
    file.write_bytes(content.encode())
    assert read_cases(file) == [
        Case("1", "greet", "en", "short", '"hi" there'),
        Case("2", "deny", "zh-Hans", "short", "不\t是"),
    ]


def test_a_short_line_is_named(tmp_path: Path) -> None:
    file = tmp_path / "x.tsv"
    file.write_text(LINES + "3\tgreet\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r":3:"):
        read_cases(file)


def test_report() -> None:
    rows = [("en", "a", "a"), ("en", "a", "b"), ("zh-Hans", "b", "b"), ("zh-Hans", "b", "b")]
    outcomes = [
        Outcome(Case(str(number), gold, lang, "short", "x"), predicted, number == 0, 0.001 * (number + 1))
        for number, (lang, gold, predicted) in enumerate(rows)
    ]
    summary = report(outcomes)
    assert set(summary) == {"overall", "by_language", "by_style", "latency_ms", "fallback_rate", "confusions"}
    assert summary["overall"] == {"n": 4, "accuracy": 0.75, "macro_f1": pytest.approx((2 / 3 + 4 / 5) / 2, abs=1e-4)}
    assert summary["by_language"]["en"]["accuracy"] == 0.5
    assert summary["by_style"] == {"short": summary["overall"]}
    assert summary["fallback_rate"] == 0.25
    assert summary["confusions"] == [["a", "b", 1]]
    assert summary["latency_ms"] == {"p50": 3.0, "p95": 4.0}


def test_percentile() -> None:
    assert percentile([3, 1, 2], 0.5) == 2
