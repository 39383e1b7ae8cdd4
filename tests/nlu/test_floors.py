"""No group of the evaluation may fall below the floor recorded for it."""

from __future__ import annotations

from typing import Any

import pytest

from bot.server import newest_model
from tools.evaluation import groups, measuring
from tools.evaluation.engine import quiet
from tools.evaluation.sets import ALL_SETS

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def report() -> dict[str, Any]:
    quiet()
    content, _, _ = measuring.measure(newest_model())
    return content


def test_all_sets_are_measured(report: dict[str, Any]) -> None:
    assert set(report["sets"]) == set(ALL_SETS)
    assert all(summary["overall"]["n"] for summary in report["sets"].values())


def test_no_group_is_below_its_floor(report: dict[str, Any]) -> None:
    assert groups.below(report, groups.read_floors()) == []


def test_floors_are_floors() -> None:
    floors = groups.read_floors()
    assert floors["intents/overall"] > 0.9
    assert all(0 <= floor <= 1 for floor in floors.values())
    assert {name.split("/")[0] for name in floors} == set(ALL_SETS)
