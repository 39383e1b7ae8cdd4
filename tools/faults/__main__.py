"""`make faults [TRIALS=1000] [SEED=1]`: is every request handed over exactly once, whatever fails?

Each trial is a person who prepares a whole request in the chat and says yes, while the proxy in front of the intake
backend does something wrong, or a process is killed with `kill -9`, or the disk is full. Afterwards everything is left
alone until nothing waits any more. Then what each person was told is compared with what the intake database holds.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import random
import shutil
import signal
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tools.faults.person import Person, Stuck, choose_way, until
from tools.faults.proxy import AFTER, BEFORE, FAULTS, Plan
from tools.faults.system import DOORS, NAMES, System, running
from tools.faults.verdict import Trial, judge, stored_requests, table, unfinished
from tools.launcher.console import Failure, say

# Besides the faults of the proxy: how often something is killed or filled, in a hundred trials.
EVENTS = {"actions": 7, "intake": 9, "door-1": 6, "door-2": 6, "engine": 1, "all": 0.5, "disk": 2}
DISK_SECONDS = 2.0
# A kill comes within this time after the yes, so that it hits every step of the hand-over.
_LATEST_KILL_SECONDS = 0.4
_DRAIN_SECONDS = 240.0
_HEADINGS = ("", "trials", "lost", "doubled", "false", "stuck", "seconds")


def plan_trials(count: int, chance: random.Random, small_disk: bool) -> list[Trial]:
    """Draw what happens in each trial; every fault and every event comes, and in every order."""
    trials = []
    for number in range(1, count + 1):
        faults: list[str] = []
        if chance.random() < 0.8:
            first = FAULTS[number % len(FAULTS)]
            # A turn tries three times: the same fault as often lasts for the turn, then it passes.
            faults = [first] * chance.choice((1, 1, 3, 3, 4))
            while chance.random() < 0.3:
                faults.append(chance.choice(FAULTS))
        events = [name for name in EVENTS if name != "disk" or small_disk]
        nothing = 100 - sum(EVENTS[name] for name in events)
        event = chance.choices([*events, ""], [*(EVENTS[name] for name in events), nothing])[0]
        trials.append(Trial(number, choose_way(chance), faults, event))
    return trials


def play(system: System, trial: Trial, chance: random.Random) -> None:
    """Play one trial and note what the person was told."""
    person = Person(system.doors, trial.number, chance)
    started = time.monotonic()
    try:
        person.prepare()
        if person.state.get("asking") != "review":
            raise Stuck(f"no review, but {person.state.get('asking')}")
        with system.plan.lock:
            system.plan.faults[trial.number] = list(trial.faults)
        started = time.monotonic()
        disturbing = threading.Thread(target=_disturb, args=(system, trial.event, chance.random()))
        disturbing.start()
        person.agree(trial.way)
        person.finish(trial.way)
        disturbing.join()
    except Stuck as problem:
        trial.problem = str(problem)
    trial.seconds = time.monotonic() - started
    trial.agreed, trial.told, trial.erased = person.agreed, person.told, person.erased
    person.close()


def _disturb(system: System, event: str, chance: float) -> None:
    if not event:
        return
    time.sleep(chance * _LATEST_KILL_SECONDS)
    if event == "disk":
        system.fill_disk(DISK_SECONDS)
    else:
        system.kill(event)


def run(count: int, seed: int, at_once: int, folder: Path | None = None) -> tuple[list[Trial], System]:
    """Play all trials and judge them.

    Args:
        count: How many.
        seed: The same seed draws the same trials.
        at_once: How many persons at a time.
        folder: Where logs, and copies of the databases beside them, stay.

    Raises:
        Failure: The system does not start, or does not come back.
    """
    chance = random.Random(seed)
    plan = Plan(random=random.Random(seed + 1), revoke_chance=0.3)
    with running(plan, folder) as system:
        trials = plan_trials(count, chance, system.small_disk)
        seeds = [chance.random() for _ in trials]
        started, done = time.monotonic(), 0

        def one(trial: Trial, own: float) -> None:
            nonlocal done
            play(system, trial, random.Random(own))
            done += 1
            if done % 50 == 0:
                say(f"  {done} of {count} trials, {time.monotonic() - started:.0f} s")

        with ThreadPoolExecutor(at_once) as pool:
            list(pool.map(one, trials, seeds))
        plan.off = True
        system.wait_until_well()
        if not until(lambda: unfinished(system.data) == 0, _DRAIN_SECONDS):
            say(f"! {unfinished(system.data)} conversations still wait for something.")
        if folder is not None:
            for file in system.data.glob("*.db*"):
                shutil.copy(file, folder / "logs")
        judge(trials, stored_requests(system.data, system.secrets))
    return trials, system


def report(trials: list[Trial], system: System, seed: int, seconds: float, path: Path | None) -> bool:
    """Print the tables, write the JSON; returns whether all is well."""
    sums = {
        "trials": len(trials),
        "lost": sum(trial.lost for trial in trials),
        "doubled": sum(trial.doubled for trial in trials),
        "false_receipts": sum(bool(trial.false_receipt) for trial in trials),
        "stuck": sum(bool(trial.problem) for trial in trials),
        "told_not_sent_yet": sum(trial.told.not_sent for trial in trials),
        "sent_later_by_itself": sum(trial.told.sent_later for trial in trials),
        "kills": sum(process.kills for process in system.processes.values()),
    }
    tables = {by: table(trials, by) for by in ("faults", "event", "way")}
    for by, rows in tables.items():
        say(f"\n{by:18}" + "".join(f"{heading:>10}" for heading in _HEADINGS[1:]))
        for value, *figures, middle in rows:
            say(f"{value:18}" + "".join(f"{figure:>10}" for figure in figures) + f"{middle:>10.1f}")
    bad = [trial for trial in trials if not trial.good]
    for trial in bad[:20]:
        what = "lost " * trial.lost + "doubled " * trial.doubled + trial.false_receipt + trial.problem
        say(f"✗ trial {trial.number} ({trial.way}, {trial.event or 'no kill'}, {','.join(trial.faults)}): {what}")
    disk = "with full disks" if system.small_disk else "without full disks (no disk could be mounted)"
    say(f"\n{sums['trials']} trials {disk}, seed {seed}, {seconds:.0f} s, {sums['kills']} kills:")
    say(
        f"{sums['lost']} lost, {sums['doubled']} doubled, {sums['false_receipts']} false receipts, "
        f"{sums['stuck']} stuck; "
        f'{sums["told_not_sent_yet"]} heard "not sent yet", {sums["sent_later_by_itself"]} of them were sent by itself.'
    )
    if path is not None:
        content = {
            **sums,
            "seed": seed,
            "seconds": round(seconds, 1),
            "full_disks": system.small_disk,
            "faults_done": dict(sorted(system.plan.seen.items())),
            "kills_by_process": {name: system.processes[name].kills for name in NAMES},
            "tables": {by: [dict(zip(("value", *_HEADINGS[1:]), row, strict=True)) for row in rows]
                       for by, rows in tables.items()},
            "bad": [dataclasses.asdict(trial) for trial in bad],
        }  # fmt: skip
        path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        say(f"Written to {path}.")
    return not bad


def main(arguments: list[str] | None = None) -> int:
    """Run; returns 0 if nothing was lost, doubled or told wrongly."""
    parser = argparse.ArgumentParser(prog="make faults", description=__doc__)
    parser.add_argument("--trials", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--at-once", type=int, default=6, help="persons at a time")
    parser.add_argument("--folder", type=Path, help="keep logs and databases here, to look into afterwards")
    parser.add_argument("--json", type=Path, help="write the figures here")
    chosen = parser.parse_args(arguments)
    say(f"{chosen.trials} trials, {len(BEFORE)} + {len(AFTER)} faults, {len(DOORS)} front doors.")
    # A request to stop ends it in the same way as Ctrl-C: processes and disk are put away.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    started = time.monotonic()
    try:
        trials, system = run(chosen.trials, chosen.seed, chosen.at_once, chosen.folder)
    except Failure as failure:
        say(f"✗ {failure}")
        return 1
    good = report(trials, system, chosen.seed, time.monotonic() - started, chosen.json)
    events = Counter(trial.event for trial in trials)
    say(f"Events: {', '.join(f'{name or chr(8211)} {count}' for name, count in sorted(events.items()))}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
