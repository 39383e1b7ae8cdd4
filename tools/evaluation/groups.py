"""The groups of a report by name, with what is to be reached in each and the floor none may fall below.

A floor is the measured figure less one standard error. It is written by the tool, raised by it, and lowered only when
that is asked for.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from tools.evaluation.sets import CONTEXTUAL, FOLDER, INTENTS, SPAN_SETS, VALUE_SETS
from tools.evaluation.statistics import Share, auroc_error

FLOORS = FOLDER / "floors.yml"
PLACES = 1000
_HEAD = """\
# The figure below which no group may fall (tests/nlu/test_floors.py), as a share or an area under the curve.
# Written by `make evaluate FLOORS=1`: the measured figure less one standard error. Not to be edited by hand.
"""


class Group(NamedTuple):
    """One group of a report; larger is better in all of them.

    Attributes:
        name: Such as ``intents/language/en``.
        value: The measured share, or area under the curve.
        error: Its standard error.
    """

    name: str
    value: float
    error: float


class Target(NamedTuple):
    """One figure that is to be reached.

    Attributes:
        title: What is measured.
        limit: The figure to be reached, as it is written.
        value: The measured one.
        at_least: Whether more is better.
    """

    title: str
    limit: float
    value: float
    at_least: bool = True

    @property
    def met(self) -> bool:
        """Whether it is reached."""
        return self.value >= self.limit if self.at_least else self.value <= self.limit


def groups(report: Mapping[str, Any]) -> Iterator[Group]:
    """List the groups of a report: sets, languages, styles, and what is out of scope."""
    for name, summary in report["sets"].items():
        yield _group(f"{name}/overall", summary["overall"])
        if "spans" in summary:
            yield _group(f"{name}/spans", summary["spans"])
        for kind, title in (("by_language", "language"), ("by_style", "style"), ("by_question", "question")):
            for group, figures in summary.get(kind, {}).items():
                yield _group(f"{name}/{title}/{group}", figures)
    intents = report["sets"].get(INTENTS)
    if intents:
        scope = intents["scope"]
        area = scope["auroc"]
        yield Group("intents/auroc", area["share"], auroc_error(area["share"], area["in_scope"], area["n"]))
        lost = scope["in_scope_fallback"]
        yield _group("intents/in scope, not to fallback", {"n": lost["n"], "right": lost["n"] - lost["right"]})
        yield _group("intents/out of scope, caught", scope["caught"])


def _group(name: str, figures: Mapping[str, Any]) -> Group:
    counted = Share(figures["n"], figures["right"])
    return Group(name, counted.value, counted.standard_error)


def read_floors(file: Path = FLOORS) -> dict[str, float]:
    """Read the recorded floors."""
    if not file.exists():
        return {}
    floors: dict[str, float] = yaml.safe_load(file.read_text(encoding="utf-8"))["floors"]
    return floors


def floor_of(group: Group) -> float:
    """Return the floor that follows from a measured figure, rounded down."""
    return max(0.0, math.floor((group.value - group.error) * PLACES) / PLACES)


def below(report: Mapping[str, Any], floors: Mapping[str, float]) -> list[str]:
    """List what is wrong with a report by the floors.

    Returns:
        A line for each group that is below its floor, has none, or is not measured any more.
    """
    measured = {group.name: group.value for group in groups(report)}
    wrong = [
        f"{name}: {measured[name]:.4f} is below its floor {floor:.3f}"
        for name, floor in floors.items()
        if name in measured and measured[name] < floor
    ]
    wrong += [f"{name}: has a floor, but is not measured" for name in floors if name not in measured]
    new = (name for name in measured if name not in floors)
    wrong += [f"{name}: has no floor; record it with `make evaluate FLOORS=1`" for name in new]
    return wrong


def record(report: Mapping[str, Any], file: Path = FLOORS, lower: bool = False) -> list[str]:
    """Write the floors that follow from a report.

    Args:
        report: What was measured.
        file: Where they stand.
        lower: Let floors fall and vanish.

    Returns:
        The floors that would fall or vanish; if there are any and ``lower`` is not set, nothing is written.
    """
    old = read_floors(file)
    new = {group.name: floor_of(group) for group in groups(report)}
    falling = [f"{name}: {floor:.3f} → {new[name]:.3f}" for name, floor in old.items() if new.get(name, 1.0) < floor]
    falling += [f"{name}: {floor:.3f} → not measured" for name, floor in old.items() if name not in new]
    if falling and not lower:
        return falling
    body = yaml.safe_dump({"floors": new}, allow_unicode=True, sort_keys=False, width=200)
    file.write_text(_HEAD + body, encoding="utf-8")
    return falling


def targets(report: Mapping[str, Any], wanted: Mapping[str, float]) -> list[Target]:
    """List what is to be reached beside what is reached.

    Args:
        report: What was measured.
        wanted: ``targets`` of ``sets.yml``: percent, except for the area under the curve.
    """
    listed = []
    sets = report["sets"]
    intents = sets.get(INTENTS)
    if intents:
        scope = intents["scope"]
        listed.append(Target("Intents, all", wanted["intents/overall"], _percent(intents["overall"])))
        for kind, title, key in (("by_language", "language", "language"), ("by_style", "style", "style")):
            name, figures = min(intents[kind].items(), key=lambda item: item[1]["share"])
            listed.append(Target(f"Intents, weakest {title} ({name})", wanted[f"intents/{key}"], _percent(figures)))
        listed.append(
            Target("Intents, gap between languages", wanted["intents/gap between languages"], intents["gap"], False)
        )
        listed.append(Target("Out of scope, area under the curve", wanted["intents/auroc"], scope["auroc"]["share"]))
        listed.append(
            Target(
                "In scope, sent to the fallback",
                wanted["intents/in scope, to fallback"],
                _percent(scope["in_scope_fallback"]),
                False,
            )
        )
        listed.append(Target("Out of scope, caught", wanted["intents/out of scope, caught"], _percent(scope["caught"])))
    for name in VALUE_SETS:
        if name in sets and name in wanted:
            title = "exact set of values" if name in SPAN_SETS else "all values of a message"
            listed.append(Target(f"{name.capitalize()}, {title}", wanted[name], _percent(sets[name]["overall"])))
    if CONTEXTUAL in sets and CONTEXTUAL in wanted:
        listed.append(Target("Answers in context", wanted[CONTEXTUAL], _percent(sets[CONTEXTUAL]["overall"])))
    cost = report.get("cost", {})
    for name, figures in cost.items():
        if f"cost/{name}" in wanted:
            listed.append(Target(figures["title"], wanted[f"cost/{name}"], figures["value"], False))
    return listed


def _percent(figures: Mapping[str, Any]) -> float:
    return round(100 * figures["right"] / figures["n"], 2) if figures["n"] else 0.0
