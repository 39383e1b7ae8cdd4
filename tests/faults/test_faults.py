"""The short run of `make faults`, and the judge itself: does it see what it is there to see?"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tools.faults.person import GIVEN_UP, Told
from tools.faults.proxy import FAULTS
from tools.faults.verdict import Stored, Trial, judge, table

ROOT = Path(__file__).resolve().parents[2]
TRIALS = 60
SEED = 7
ONE, TWO = "CA-2222-2222-2222", "CA-3333-3333-3333"
OLD, NEW = "t1@example.org", "t1.new@example.org"


def judged(way: str, numbers: dict[str, str], *stored: Stored, **told: Any) -> Trial:
    trial = Trial(1, way, [], "", agreed=told.pop("agreed", OLD), erased=way == "erases")
    trial.told = Told(numbers=numbers, **told)
    judge([trial], stored)
    return trial


def test_one_request_and_its_number() -> None:
    assert judged("patient", {ONE: OLD}, Stored(ONE, 1, OLD, live=True)).good
    assert judged("patient", {ONE: OLD}, Stored(TWO, 1, OLD, live=False), Stored(ONE, 1, OLD, live=True)).good


def test_lost() -> None:
    trial = judged("patient", {})
    assert trial.lost
    assert not trial.good
    assert judged("patient", {}, Stored(ONE, 1, OLD, live=False)).lost
    assert judged("patient", {}, Stored(ONE, 2, "t2@example.org", live=True)).lost


def test_doubled() -> None:
    trial = judged("patient", {ONE: OLD}, Stored(ONE, 1, OLD, live=True), Stored(TWO, 1, OLD, live=True))
    assert trial.doubled
    assert not trial.good


@pytest.mark.parametrize(
    "trial",
    [
        judged("patient", {ONE: OLD}),
        judged("patient", {ONE: OLD}, Stored(ONE, 1, OLD, live=False)),
        judged("patient", {ONE: OLD, TWO: OLD}, Stored(ONE, 1, OLD, live=True)),
        judged("patient", {}, Stored(ONE, 1, OLD, live=True)),
        judged("changes", {ONE: NEW}, Stored(ONE, 1, OLD, live=True), agreed=NEW),
        judged("stops", {}, Stored(ONE, 1, OLD, live=True), cancelled=True),
        judged("restarts", {}, Stored(ONE, 1, OLD, live=True)),
        judged("erases", {}, Stored(ONE, 1, OLD, live=True), not_sent=True),
    ],
    ids=lambda trial: trial.way,
)
def test_false_receipts(trial: Trial) -> None:
    assert trial.false_receipt
    assert not trial.good


@pytest.mark.parametrize("way", GIVEN_UP)
def test_given_up(way: str) -> None:
    assert judged(way, {}, cancelled=way == "stops", not_sent=True).good
    assert judged(way, {}, Stored(ONE, 1, OLD, live=False), not_sent=True).good


def test_the_table_counts() -> None:
    trials = [judged("patient", {}), judged("stops", {})]
    assert [row[:4] for row in table(trials, "way")] == [("patient", 1, 1, 0), ("stops", 1, 0, 0)]


def test_nothing_is_lost_doubled_or_told_wrongly(tmp_path: Path) -> None:
    figures = tmp_path / "faults.json"
    command = [sys.executable, "-m", "tools.faults", "--trials", str(TRIALS), "--seed", str(SEED)]
    done = subprocess.run([*command, "--json", str(figures)], cwd=ROOT, capture_output=True, text=True, check=False)
    assert figures.exists(), done.stdout[-3000:] + done.stderr[-3000:]
    found = json.loads(figures.read_text(encoding="utf-8"))
    sums = {name: found[name] for name in ("trials", "lost", "doubled", "false_receipts", "stuck")}
    assert sums == {"trials": TRIALS, "lost": 0, "doubled": 0, "false_receipts": 0, "stuck": 0}, done.stdout[-5000:]
    assert done.returncode == 0
    # It was no walk in the park.
    assert found["kills"] > 3
    assert found["told_not_sent_yet"] > 5
    assert found["sent_later_by_itself"] > 2
    assert len(set(found["faults_done"]) & set(FAULTS)) > len(FAULTS) // 2
