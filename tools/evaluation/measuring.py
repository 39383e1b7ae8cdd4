"""Measuring all sets with one model: one load, one pass over the messages."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tools.evaluation import context, report
from tools.evaluation.engine import Engine, Parsed, outcome
from tools.evaluation.readings import compare
from tools.evaluation.sets import ALL_SETS, CONTEXTUAL, FOLDER, INTENTS, Settings, read_set, read_settings

METHOD = (
    "Every message is parsed once by the trained model in one process with one thread, one after the other.",
    "Intervals of shares are Wilson's 95 % score intervals; that of the area under the curve is Hanley and McNeil's.",
    "Intents: the likeliest intent that is not the fallback. How often the fallback was taken is told apart.",
    "Out of scope: the score is the confidence of the likeliest intent other than out_of_scope; caught means that the "
    "fallback or out_of_scope came first.",
    "Values: a message counts when it has exactly the wanted values. Receipt numbers that the guide would question "
    "(too short, unknown prefix) are not taken; of a name that stands for several forms none is taken.",
    "Answers in context: the interview is brought to the question by prior answers, the utterance is parsed by the "
    "model and played by the dialogue, and the answer it remembers is compared. Nothing is sent.",
    "The messages were written for this purpose and are kept out of the training data, exactly and nearly "
    "(tests/nlu/test_sets.py). They are not messages of real applicants.",
)


def measure(model: Path, folder: Path = FOLDER) -> tuple[dict[str, Any], list[Parsed], Engine]:
    """Measure all sets.

    Args:
        model: The model file.
        folder: Where the sets are.

    Returns:
        The report, the parsed messages of the intents, and the engine.
    """
    settings = read_settings(folder)
    engine = Engine(model)
    sets: dict[str, Any] = {}
    timed: list[Parsed] = []
    for name in ALL_SETS:
        cases = read_set(name, folder)
        parsed = engine.parse_all((case.text for case in cases), settings.as_of)
        if name == INTENTS:
            timed = parsed
        sets[name] = summary(name, cases, parsed, settings)
    content = {
        "model": model.name,
        "as_of": settings.as_of.isoformat(),
        "method": list(METHOD),
        "sets": sets,
        "parse_cpu_ms": report.speed([item.cpu_seconds for item in timed]),
        "parse_ms": report.speed([item.seconds for item in timed]),
    }
    return content, timed, engine


def summary(name: str, cases: Sequence[Any], parsed: Sequence[Parsed], settings: Settings) -> dict[str, Any]:
    """Summarise one set."""
    if name == INTENTS:
        return report.intents_summary([outcome(case, item) for case, item in zip(cases, parsed, strict=True)])
    if name == CONTEXTUAL:
        return report.context_summary(context.play_all(cases, parsed, settings))
    comparisons = [compare(name, case, item.data["entities"]) for case, item in zip(cases, parsed, strict=True)]
    return report.values_summary(comparisons)
