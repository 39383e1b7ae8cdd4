"""The table of cases: what a policy owner reads is what the code decides."""

from __future__ import annotations

import dataclasses
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.triage.conftest import COMPLETE
from triage import Policy, decide, facts_from

CASES: list[dict[str, Any]] = yaml.safe_load((Path(__file__).parent / "cases.yml").read_text(encoding="utf-8"))


def _facts(case: dict[str, Any]) -> dict[str, Any]:
    values = dict(case["facts"]) if "facts" in case else {**COMPLETE, **case["complete"]}
    return {name: value for name, value in values.items() if name not in case.get("without", ())}


@pytest.mark.parametrize("case", CASES, ids=[case["case"] for case in CASES])
def test_case(case: dict[str, Any], policy: Policy, today: date) -> None:
    policy = dataclasses.replace(policy, contact_window_binding=case.get("binding", False))
    decision = decide(facts_from(_facts(case)), policy, today)
    assert (decision.outcome, decision.question, decision.ready) == (
        case.get("outcome"),
        case.get("question"),
        case.get("ready", False),
    )
    if "variant" in case:
        assert decision.variant == case["variant"]
    if "grounds" in case:
        assert list(decision.grounds) == case["grounds"]
    if "ask_from" in case:
        assert str(decision.delay.ask_from) == case["ask_from"]
    if "delay_verified" in case:
        assert decision.delay.verified == case["delay_verified"]
    if "window" in case:
        assert decision.window.kind == case["window"]


def test_every_outcome_has_a_case() -> None:
    from triage.rules import OUTCOMES

    assert {case["outcome"] for case in CASES if "outcome" in case} == set(OUTCOMES)
