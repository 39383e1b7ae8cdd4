"""The report on a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tools.evaluation.groups import Target
from tools.evaluation.report import CONFUSIONS_SHOWN
from tools.evaluation.sets import CONTEXTUAL, INTENTS

WIDTH = 36


def show_report(report: Mapping[str, Any], targets: Sequence[Target]) -> None:
    """Print a report of all sets, and what is to be reached."""
    sets = report["sets"]
    print(f"\n{'':{WIDTH}}{'n':>6}{'right %':>9}   95 % interval")
    for name, summary in sets.items():
        _line(name, summary["overall"])
        if "spans" in summary:
            _line("  with exact spans", summary["spans"])
        for kind in ("by_language", "by_style"):
            for group, figures in summary[kind].items():
                _line(f"  {group}", figures)
        if name == CONTEXTUAL:
            for group, figures in summary["by_question"].items():
                _line(f"  asked: {group}", figures)
    if INTENTS in sets:
        _intents(sets[INTENTS])
    times = report["parse_cpu_ms"]
    print(f"\nprocessor ms for one message: p50 {times['p50']}, p95 {times['p95']}")
    for item in report.get("cost", {}).values():
        print(f"{item['title']:64}{item['value']:>10g}  {item.get('note', '')}")
    for title, results in tables(report):
        _table(title, results)
    print()
    for target in targets:
        sign = "≥" if target.at_least else "≤"
        print(f"{'✓' if target.met else '✗'} {target.title:64}{sign} {target.limit:<8g}{target.value:g}")


def tables(report: Mapping[str, Any]) -> list[tuple[str, Sequence[Mapping[str, Any]]]]:
    """The comparisons of a report by title."""
    found = [(title, report[title]) for title in ("peers", "ablation") if report.get(title)]
    return found + [(f"public: {item['title']}", item["results"]) for item in report.get("public", [])]


def _intents(summary: Mapping[str, Any]) -> None:
    scope = summary["scope"]
    area = scope["auroc"]
    print(f"\nout of scope: AUROC {area['share']:.3f} ({area['low']:.3f}–{area['high']:.3f}, n {area['n']})")
    _line("  caught", scope["caught"])
    _line("  in scope, to the fallback", scope["in_scope_fallback"])
    _line("  in scope, to either", scope["in_scope_lost"])
    print("confusions (gold, predicted, n):")
    for gold, predicted, count in summary["confusions"][:CONFUSIONS_SHOWN]:
        print(f"  {gold:28}{predicted:28}{count:>4}")


def _line(title: str, figures: Mapping[str, Any]) -> None:
    low, high = 100 * figures["low"], 100 * figures["high"]
    print(f"{title:{WIDTH}}{figures['n']:>6}{100 * figures['share']:>9.1f}   {low:.1f}–{high:.1f}")


def _table(title: str, results: Sequence[Mapping[str, Any]]) -> None:
    languages = list(results[0]["intents"]["by_language"])
    print(f"\n{title}")
    head = "".join(f"{name:>14}" for name in ["all", *languages])
    print(f"{'':44}{head}{'AUROC':>8}{'ms p50':>8}{'p95':>7}{'MiB':>7}{'model':>8}{'train s':>9}")
    for item in results:
        shares = [item["intents"]["overall"], *(item["intents"]["by_language"][name] for name in languages)]
        cells = "".join(
            f"{100 * figures['share']:>8.1f} ±{50 * (figures['high'] - figures['low']):<4.1f}" for figures in shares
        )
        print(
            f"{item['title'][:43]:44}{cells}{item['intents']['scope']['auroc']['share']:>8.3f}{item['cpu_ms_p50']:>8.1f}"
            f"{item['cpu_ms_p95']:>7.1f}{item['resident_mib']:>7.0f}{item['model_mib']:>8.1f}"
            f"{item['training_cpu_seconds']:>9.0f}"
        )
