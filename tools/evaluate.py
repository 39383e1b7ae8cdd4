"""Measure the understanding of intents: ``python -m tools.evaluate FILE.tsv [--json OUT.json]`` (bot environment).

The file has the columns id, intent, lang, style, text, separated by tabs, without quoting, with or without a header
line. The intent of a line is the first of the ranking that is not the fallback; how often the fallback would have
been taken is told apart.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from bot.server import QUIET_ENVIRONMENT, newest_model

COLUMNS = ("id", "intent", "lang", "style", "text")
FALLBACK = "nlu_fallback"
CONFUSIONS_SHOWN = 30
WARM_UP = 5


class Case(NamedTuple):
    """One line of the file."""

    id: str
    intent: str
    lang: str
    style: str
    text: str


class Outcome(NamedTuple):
    """What the model made of one line; ``seconds`` is the time of parsing it."""

    case: Case
    predicted: str
    fallback: bool
    seconds: float


def read_cases(file: Path) -> list[Case]:
    """Read the file.

    Raises:
        ValueError: A line does not have five columns.
    """
    cases = []
    with file.open(encoding="utf-8-sig", newline="") as lines:
        for number, raw in enumerate(lines, 1):
            line = raw.rstrip("\r\n")
            if not line:
                continue
            fields = line.split("\t", len(COLUMNS) - 1)
            if len(fields) != len(COLUMNS):
                raise ValueError(f"{file}:{number}: {len(fields)} columns instead of {len(COLUMNS)}")
            if number == 1 and tuple(field.strip().lower() for field in fields) == COLUMNS:
                continue
            cases.append(Case(*fields))
    return cases


def scores(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Return number, accuracy and macro F1 over the intents that occur as gold labels."""
    right: Counter[str] = Counter()
    gold: Counter[str] = Counter()
    predicted: Counter[str] = Counter()
    for outcome in outcomes:
        gold[outcome.case.intent] += 1
        predicted[outcome.predicted] += 1
        right[outcome.case.intent] += outcome.predicted == outcome.case.intent
    f1 = [2 * right[intent] / (gold[intent] + predicted[intent]) for intent in gold]
    return {
        "n": len(outcomes),
        "accuracy": round(sum(right.values()) / len(outcomes), 4) if outcomes else 0.0,
        "macro_f1": round(sum(f1) / len(f1), 4) if f1 else 0.0,
    }


def percentile(values: Iterable[float], share: float) -> float:
    """Return the value below which a share of the values lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def report(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Summarise all outcomes."""
    groups: dict[str, dict[str, list[Outcome]]] = {"lang": defaultdict(list), "style": defaultdict(list)}
    for outcome in outcomes:
        groups["lang"][outcome.case.lang].append(outcome)
        groups["style"][outcome.case.style].append(outcome)
    wrong = Counter(
        (outcome.case.intent, outcome.predicted) for outcome in outcomes if outcome.predicted != outcome.case.intent
    )
    milliseconds = [outcome.seconds * 1000 for outcome in outcomes]
    return {
        "overall": scores(outcomes),
        "by_language": {name: scores(group) for name, group in sorted(groups["lang"].items())},
        "by_style": {name: scores(group) for name, group in sorted(groups["style"].items())},
        "latency_ms": {
            "p50": round(percentile(milliseconds, 0.50), 2),
            "p95": round(percentile(milliseconds, 0.95), 2),
        },
        "fallback_rate": round(sum(outcome.fallback for outcome in outcomes) / len(outcomes), 4),
        "confusions": [[gold, predicted, count] for (gold, predicted), count in wrong.most_common()],
    }


async def classify(cases: Sequence[Case], model: Path) -> list[Outcome]:
    """Parse every line with the model, one after the other in one thread."""
    from rasa.core.agent import Agent
    from rasa.core.channels.channel import UserMessage

    processor = Agent.load(model).processor
    outcomes = []
    for case in [*cases[:WARM_UP], *cases]:
        text = f"／{case.text[1:]}" if case.text.startswith("/") else case.text
        started = time.perf_counter()
        parsed = await processor.parse_message(UserMessage(text))
        seconds = time.perf_counter() - started
        names = [entry["name"] for entry in parsed["intent_ranking"]]
        best = next((name for name in names if name != FALLBACK), FALLBACK)
        outcomes.append(Outcome(case, best, names[:1] == [FALLBACK], seconds))
    return outcomes[min(WARM_UP, len(cases)) :]


def show(summary: dict[str, Any]) -> None:
    """Print the summary."""
    print(f"{'':24}{'n':>6}{'accuracy':>10}{'macro F1':>10}")
    rows = [("overall", summary["overall"])]
    rows += [(f"language {name}", group) for name, group in summary["by_language"].items()]
    rows += [(f"style {name}", group) for name, group in summary["by_style"].items()]
    for name, group in rows:
        print(f"{name:24}{group['n']:>6}{group['accuracy']:>10.3f}{group['macro_f1']:>10.3f}")
    print(f"fallback rate {summary['fallback_rate']:.3f}")
    print(f"parse latency ms: p50 {summary['latency_ms']['p50']}, p95 {summary['latency_ms']['p95']}")
    print("confusions (gold, predicted, n):")
    for gold, predicted, count in summary["confusions"][:CONFUSIONS_SHOWN]:
        print(f"  {gold:28}{predicted:28}{count:>4}")


def main() -> int:
    """Parse the command line, measure and print."""
    parser = argparse.ArgumentParser(description="Measure the understanding of intents on a file of examples.")
    parser.add_argument("file", type=Path)
    parser.add_argument("--json", type=Path, help="also write the result to this file")
    parser.add_argument("--model", type=Path, help="model file; default: the newest")
    arguments = parser.parse_args()
    for name, value in QUIET_ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    cases = read_cases(arguments.file)
    if not cases:
        print(f"{arguments.file}: no cases", file=sys.stderr)
        return 1

    from bot import logs

    logs.configure()
    summary = report(asyncio.run(classify(cases, arguments.model or newest_model())))
    show(summary)
    if arguments.json:
        arguments.json.write_text(json.dumps(summary, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
