"""From outcomes to figures: what is printed, and what is written for machines."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from tools.evaluation.context import Played
from tools.evaluation.engine import OUT_OF_SCOPE, Outcome
from tools.evaluation.readings import Comparison
from tools.evaluation.statistics import Share, auroc, auroc_interval, f1, percentile, share

CONFUSIONS_SHOWN = 30
T = TypeVar("T")


# --- A file of messages with their intents ------------------------------------------------------------------------


def scores(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Return number, accuracy and macro F1 over the intents that occur as gold labels."""
    right: Counter[str] = Counter()
    gold: Counter[str] = Counter()
    predicted: Counter[str] = Counter()
    for outcome in outcomes:
        gold[outcome.case.intent] += 1
        predicted[outcome.predicted] += 1
        right[outcome.case.intent] += outcome.predicted == outcome.case.intent
    each = [f1(right[intent], predicted[intent], gold[intent]) for intent in gold]
    return {
        "n": len(outcomes),
        "accuracy": round(sum(right.values()) / len(outcomes), 4) if outcomes else 0.0,
        "macro_f1": round(sum(each) / len(each), 4) if each else 0.0,
    }


def grouped(items: Iterable[T], key: Callable[[T], str]) -> dict[str, list[T]]:
    """Put items into groups by a name, in the order of the names; the empty name is no group."""
    groups: dict[str, list[T]] = defaultdict(list)
    for item in items:
        groups[key(item)].append(item)
    return {name: groups[name] for name in sorted(groups) if name}


def confusions(outcomes: Iterable[Outcome]) -> list[list[Any]]:
    """Return the intents taken for others, most frequent first, as intended, predicted, number."""
    wrong = Counter((item.case.intent, item.predicted) for item in outcomes if item.predicted != item.case.intent)
    return [[gold, predicted, count] for (gold, predicted), count in wrong.most_common()]


def report(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Summarise the outcomes of a file."""
    return {
        "overall": scores(outcomes),
        "by_language": {name: scores(group) for name, group in grouped(outcomes, _language).items()},
        "by_style": {name: scores(group) for name, group in grouped(outcomes, _style).items()},
        "latency_ms": speed([outcome.seconds for outcome in outcomes]),
        "fallback_rate": round(sum(outcome.fallback for outcome in outcomes) / len(outcomes), 4),
        "confusions": confusions(outcomes),
    }


def show(summary: Mapping[str, Any]) -> None:
    """Print the summary of a file."""
    print(f"{'':24}{'n':>6}{'accuracy':>10}{'macro F1':>10}")
    lines = [("overall", summary["overall"])]
    lines += [(f"language {name}", group) for name, group in summary["by_language"].items()]
    lines += [(f"style {name}", group) for name, group in summary["by_style"].items()]
    for name, group in lines:
        print(f"{name:24}{group['n']:>6}{group['accuracy']:>10.3f}{group['macro_f1']:>10.3f}")
    print(f"fallback rate {summary['fallback_rate']:.3f}")
    print(f"parse latency ms: p50 {summary['latency_ms']['p50']}, p95 {summary['latency_ms']['p95']}")
    print("confusions (gold, predicted, n):")
    for gold, predicted, count in summary["confusions"][:CONFUSIONS_SHOWN]:
        print(f"  {gold:28}{predicted:28}{count:>4}")


# --- The sets -----------------------------------------------------------------------------------------------------


def figure(counted: Share) -> dict[str, Any]:
    """Write a share down with its 95 % interval (Wilson)."""
    low, high = counted.interval
    return {
        "n": counted.n,
        "right": counted.right,
        "share": round(counted.value, 4),
        "low": round(low, 4),
        "high": round(high, 4),
    }


def intents_summary(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Summarise the set of intents: shares by language, style and intent, confusions, and what is out of scope."""
    return {
        "overall": _right(outcomes),
        "macro_f1": scores(outcomes)["macro_f1"],
        "by_language": {name: _right(group) for name, group in grouped(outcomes, _language).items()},
        "by_style": {name: _right(group) for name, group in grouped(outcomes, _style).items()},
        "by_intent": {name: _right(group) for name, group in grouped(outcomes, lambda item: item.case.intent).items()},
        "gap": gap(outcomes),
        "confusions": confusions(outcomes),
        "scope": scope(outcomes),
        "wrong": [
            _wrong(item.case, item.case.intent, item.predicted)
            for item in outcomes
            if item.predicted != item.case.intent
        ],
    }


def gap(outcomes: Sequence[Outcome]) -> float:
    """Difference between the best and the worst language, in percent points."""
    shares = [
        share(item.predicted == item.case.intent for item in group).value
        for group in grouped(outcomes, _language).values()
    ]
    return round(100 * (max(shares) - min(shares)), 2) if shares else 0.0


def scope(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Tell how well what is out of scope is kept apart.

    Returns:
        ``auroc``: over the confidence of the likeliest intent other than ``out_of_scope``; ``in_scope_fallback``: share
        of messages in scope that went to the fallback; ``in_scope_lost``: the same with those taken for
        ``out_of_scope``; ``caught``: share of messages out of scope that went to either.
    """
    inside = [item for item in outcomes if item.case.intent != OUT_OF_SCOPE]
    outside = [item for item in outcomes if item.case.intent == OUT_OF_SCOPE]
    area = auroc([item.in_scope for item in inside], [item.in_scope for item in outside])
    low, high = auroc_interval(area, len(inside), len(outside))
    return {
        "auroc": {
            "n": len(outside),
            "in_scope": len(inside),
            "share": round(area, 4),
            "low": round(low, 4),
            "high": round(high, 4),
        },
        "in_scope_fallback": figure(share(item.fallback for item in inside)),
        "in_scope_lost": figure(share(item.fallback or item.predicted == OUT_OF_SCOPE for item in inside)),
        "caught": figure(share(item.fallback or item.predicted == OUT_OF_SCOPE for item in outside)),
    }


def values_summary(comparisons: Sequence[Comparison]) -> dict[str, Any]:
    """Summarise a set of values.

    Returns:
        ``overall``, ``by_language`` and ``by_style``: messages with exactly the wanted values; ``spans``: those where
        the stretches of text are right as well (sets that give them); ``precision`` and ``recall`` over single values.
    """
    hits = sum(item.hits for item in comparisons)
    summary = {
        "overall": _exact(comparisons),
        "precision": figure(Share(sum(item.found_count for item in comparisons), hits)),
        "recall": figure(Share(sum(item.wanted_count for item in comparisons), hits)),
        "by_language": {
            name: _exact(group) for name, group in grouped(comparisons, lambda item: item.case.lang).items()
        },
        "by_style": {name: _exact(group) for name, group in grouped(comparisons, lambda item: item.case.style).items()},
        "wrong": [_wrong(item.case, item.case.value, item.found) for item in comparisons if not item.exact],
    }
    spans = [item for item in comparisons if item.spans is not None]
    if spans:
        summary["spans"] = figure(share(bool(item.spans) for item in spans))
        summary["wrong_spans"] = [
            _wrong(item.case, item.case.value, item.found) for item in spans if item.exact and not item.spans
        ]
    return summary


def context_summary(played: Sequence[Played]) -> dict[str, Any]:
    """Summarise the answers in context, by language, style and open question.

    ``asked_back`` is the share of all in which the guide asked what was meant; they count as wrong.
    """

    def right(group: Sequence[Played]) -> dict[str, Any]:
        return figure(share(item.right for item in group))

    return {
        "overall": right(played),
        "asked_back": figure(share(item.asked_back for item in played)),
        "by_language": {name: right(group) for name, group in grouped(played, lambda item: item.case.lang).items()},
        "by_style": {name: right(group) for name, group in grouped(played, lambda item: item.case.style).items()},
        "by_question": {name: right(group) for name, group in grouped(played, lambda item: item.case.asking).items()},
        "wrong": [
            {**_wrong(item.case, item.case.value, item.found), "asking": item.case.asking, "slot": item.case.slot}
            for item in played
            if not item.right
        ],
    }


def speed(seconds: Sequence[float]) -> dict[str, float]:
    """Median and 95 % quantile in milliseconds."""
    milliseconds = [value * 1000 for value in seconds]
    return {"p50": round(percentile(milliseconds, 0.50), 2), "p95": round(percentile(milliseconds, 0.95), 2)}


def _wrong(case: Any, wanted: Any, found: Any) -> dict[str, Any]:
    return {"id": case.id, "lang": case.lang, "text": case.text, "wanted": wanted, "found": found}


def _exact(comparisons: Sequence[Comparison]) -> dict[str, Any]:
    return figure(share(item.exact for item in comparisons))


def _right(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    return figure(share(item.predicted == item.case.intent for item in outcomes))


def _language(item: Outcome) -> str:
    return item.case.lang


def _style(item: Outcome) -> str:
    return item.case.style
