"""What the persons were told beside what the intake database holds."""

from __future__ import annotations

import os
import re
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tools.faults.person import GIVEN_UP, Told

_TRIAL = re.compile(r"t(\d+)(?:\.new)?@example\.org")


@dataclass(frozen=True)
class Stored:
    """A request in the intake database."""

    number: str
    trial: int
    email: str
    live: bool


@dataclass
class Trial:
    """One trial and what came of it.

    Attributes:
        faults: Of the proxy, in their order.
        event: What else happened: a process that was killed, a full disk, or nothing.
        problem: Why the person got no further, if so.
        seconds: From the yes until the end.
    """

    number: int
    way: str
    faults: list[str]
    event: str
    agreed: str = ""
    told: Told = field(default_factory=Told)
    erased: bool = False
    problem: str = ""
    seconds: float = 0.0
    lost: bool = False
    doubled: bool = False
    false_receipt: str = ""

    @property
    def good(self) -> bool:
        """Nothing lost, nothing doubled, nothing told that is not true."""
        return not (self.lost or self.doubled or self.false_receipt or self.problem)


def stored_requests(data: Path, secrets: Mapping[str, str]) -> list[Stored]:
    """Every request of the intake database, opened with its keys."""
    os.environ.update({**secrets, "GUIDE_DATA": str(data)})
    from intake.settings import Settings
    from intake.store import Store
    from triage.content import Content

    with closing(sqlite3.connect(f"file:{data / 'intake.db'}?mode=ro", uri=True)) as database:
        numbers = [row[0] for row in database.execute("SELECT tracking_number FROM case_requests")]
    settings = Settings()
    store = Store.open(settings, Content.load(settings.content_dir))
    found = []
    try:
        for number in numbers:
            kept = store.requests.payload(number)
            if kept is None:
                continue
            status, payload = kept
            trial = _TRIAL.fullmatch(str(payload.get("email")))
            if trial:
                found.append(Stored(number, int(trial[1]), str(payload["email"]), status.status != "withdrawn"))
    finally:
        store.close()
    return found


def unfinished(data: Path) -> int:
    """How many conversations have something to send or to take back, or are still to be erased."""
    with closing(sqlite3.connect(f"file:{data / 'gateway.db'}?mode=ro", uri=True, timeout=10)) as database:
        waits = database.execute("SELECT count(*) FROM conversations WHERE retry_kind IS NOT NULL").fetchone()[0]
        return int(waits) + int(database.execute("SELECT count(*) FROM erasures").fetchone()[0])


def judge(trials: Iterable[Trial], requests: Iterable[Stored]) -> None:
    """Compare, and note in each trial what is wrong."""
    by_trial: dict[int, list[Stored]] = defaultdict(list)
    for request in requests:
        by_trial[request.trial].append(request)
    for trial in trials:
        _judge(trial, by_trial[trial.number])


def _judge(trial: Trial, stored: list[Stored]) -> None:
    live = [request for request in stored if request.live]
    told = trial.told.numbers
    trial.doubled = len(live) > 1
    trial.lost = not live and trial.way not in GIVEN_UP
    by_number = {request.number: request for request in live}
    for number, agreed in told.items():
        if number not in by_number:
            trial.false_receipt = f"told {number}, which is not in force"
        elif by_number[number].email not in (agreed, trial.agreed):
            trial.false_receipt = f"told {number}, which is about another content"
    if trial.told.cancelled and live:
        trial.false_receipt = "told that it is cancelled, but it is stored"
    if trial.way == "restarts" and not told and live:
        trial.false_receipt = "started over, but the old one is stored"
    if trial.erased and trial.told.not_sent and not told and live:
        trial.false_receipt = "erased before it was sent, but it is stored"
    if trial.way not in GIVEN_UP and live and not told:
        trial.false_receipt = "stored, but never told"


def table(trials: list[Trial], by: str) -> list[tuple[str, int, int, int, int, int, float]]:
    """Rows: value, trials, lost, doubled, false receipts, stuck, middle time in seconds."""
    groups: dict[str, list[Trial]] = defaultdict(list)
    for trial in trials:
        values: Any = getattr(trial, by)
        for value in (dict.fromkeys(values) or ["none"]) if isinstance(values, list) else [values or "none"]:
            groups[value].append(trial)
    rows = []
    for value, some in sorted(groups.items()):
        seconds = sorted(trial.seconds for trial in some)
        rows.append(
            (
                value,
                len(some),
                sum(trial.lost for trial in some),
                sum(trial.doubled for trial in some),
                sum(bool(trial.false_receipt) for trial in some),
                sum(bool(trial.problem) for trial in some),
                seconds[len(seconds) // 2],
            )
        )
    return rows
