"""The tables of a report in Markdown, for the documentation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tools.evaluation.groups import Target
from tools.evaluation.printing import tables
from tools.evaluation.sets import INTENTS


def markdown(report: Mapping[str, Any], targets: Sequence[Target]) -> str:
    """Write the tables: targets, sets by language, intents by style, cost, and every comparison."""
    parts = [
        f"Model `{report['model']}`; shares in percent, in brackets their 95 % intervals (Wilson).",
        _targets(targets),
    ]
    sets = report["sets"]
    languages = list(sets[INTENTS]["by_language"]) if INTENTS in sets else []
    if languages:
        parts.append(
            _table(
                ["set", "n", "all", *languages],
                (
                    [name, item["overall"]["n"], _share(item["overall"])]
                    + [
                        _share(item["by_language"][language]) if language in item["by_language"] else "–"
                        for language in languages
                    ]
                    for name, item in sets.items()
                ),
            )
        )
        styles = sets[INTENTS]["by_style"]
        parts.append(
            _table(["style", "n", "intents"], ([name, item["n"], _share(item)] for name, item in styles.items()))
        )
    if report.get("cost"):
        parts.append(_table(["cost", "measured"], ([item["title"], item["value"]] for item in report["cost"].values())))
    for title, results in tables(report):
        parts += [f"**{title}**", _comparison(results)]
    return "\n\n".join(parts) + "\n"


def _targets(targets: Sequence[Target]) -> str:
    return _table(
        ["figure", "target", "measured", ""],
        (
            [item.title, f"{'≥' if item.at_least else '≤'} {item.limit:g}", f"{item.value:g}", "✓" if item.met else "✗"]
            for item in targets
        ),
    )


def _comparison(results: Sequence[Mapping[str, Any]]) -> str:
    languages = list(results[0]["intents"]["by_language"])
    head = [
        "",
        "all",
        "against the first",
        *languages,
        "AUROC",
        "CPU ms p50 / p95",
        "MiB",
        "model MiB",
        "training CPU s",
    ]
    return _table(
        head,
        (
            [item["title"], _share(item["intents"]["overall"]), difference(item)]
            + [_share(item["intents"]["by_language"][language], interval=False) for language in languages]
            + [
                f"{item['intents']['scope']['auroc']['share']:.3f}",
                f"{item['cpu_ms_p50']:.1f} / {item['cpu_ms_p95']:.1f}",
                f"{item['resident_mib']:g}",
                f"{item['model_mib']:.1f}",
                f"{item['training_cpu_seconds']:.0f}",
            ]
            for item in results
        ),
    )


def difference(item: Mapping[str, Any]) -> str:
    """Write the difference to the first pipeline in points, with its interval; nothing for the first itself."""
    value, low, high = item["against_first"]
    return f"{value:+.1f} ({low:+.1f} to {high:+.1f})" if (low, high) != (0, 0) else "–"


def _share(item: Mapping[str, Any], interval: bool = True) -> str:
    value = f"{100 * item['share']:.1f}"
    return f"{value} ({100 * item['low']:.1f}–{100 * item['high']:.1f})" if interval else value


def _table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)
