#!/usr/bin/env python3
"""Run everything that must hold: `python3 tools/test.py [--quick] [step …]`. Standard library only, Python 3.9 and up.

Steps in their order: lint, types, boundaries, unit (service environment), rules (engine environment, without a
model), train, engine (with the model), conversations (over HTTP with the really running system), page (the same in a
browser, and the ways in), console (calls taken at the call console), telegram (the worker, against a Bot API of our
own), faults (requests handed over while everything fails). `--quick` leaves out what needs a trained model. Named
steps run alone; arguments after `--` go to pytest.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tools.launcher import environments, keys, packages, settings
from tools.launcher.console import Failure, say
from tools.launcher.settings import BOT_PYTHON, ROOT, SERVICE_PYTHON
from tools.launcher.trial import running_system

TESTS = ROOT / "tests"
# Suite → environment and folders below tests/. A folder that is in no suite stops the run: it would never be run.
SUITES = {
    "unit": (SERVICE_PYTHON, ("content", "gateway", "intake", "launch", "papers", "triage", "vault", "web")),
    "rules": (BOT_PYTHON, ("actions", "nlu_rules")),
    "engine": (BOT_PYTHON, ("bot", "nlu")),
    "conversations": (SERVICE_PYTHON, ("conversations",)),
    "page": (SERVICE_PYTHON, ("page", "entry")),
    "console": (SERVICE_PYTHON, ("console",)),
    "telegram": (SERVICE_PYTHON, ("telegram",)),
    "faults": (SERVICE_PYTHON, ("faults",)),
}
QUICK = ("lint", "types", "boundaries", "unit", "rules")
# They need a trained model.
WITH_MODEL = ("engine", "conversations", "page", "console", "telegram", "faults")
STEPS = (*QUICK, "train", *WITH_MODEL)
NOTHING_COLLECTED = 5


@dataclass
class Count:
    """How many checks went how."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def add(self, other: Count) -> None:
        """Add another count to this one."""
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped

    def __str__(self) -> str:
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


@dataclass
class Run:
    """One run of the steps.

    Attributes:
        environment: What the steps run with.
        extra: More arguments for pytest.
        results: Step → its count and time in seconds.
    """

    environment: Mapping[str, str]
    extra: list[str]
    results: dict[str, tuple[Count, float]] = field(default_factory=dict)

    def do(self, name: str) -> None:
        """Run one step and note how it went."""
        say(f"\n=== {name} ===")
        started = time.monotonic()
        count = Count()
        try:
            count.add(self._step(name)())
        except Failure as failure:
            say(f"✗ {failure}")
            count.failed += 1
        self.results[name] = (count, time.monotonic() - started)

    def _step(self, name: str) -> Callable[[], Count]:
        steps: dict[str, Callable[[], Count]] = {
            "lint": lambda: self._tool("ruff", "check", "."),
            "types": lambda: self._tool("mypy"),
            "boundaries": lambda: self._tool("lint-imports"),
            "train": self._train,
            "conversations": lambda: self._running("conversations"),
            "page": lambda: self._running("page"),
            "console": lambda: self._running("console"),
            "telegram": lambda: self._running("telegram"),
        }
        return steps.get(name) or (lambda: self._suite(name, self.environment))

    def failed(self, name: str) -> bool:
        """Whether a step ran and failed."""
        return name in self.results and self.results[name][0].failed > 0

    def _tool(self, name: str, *arguments: str) -> Count:
        code = subprocess.call([str(ROOT / ".venv" / "bin" / name), *arguments], cwd=ROOT, env=dict(self.environment))
        return Count(passed=1) if code == 0 else Count(failed=1)

    def _train(self) -> Count:
        command = [sys.executable, str(ROOT / "tools" / "launch.py"), "train"]
        code = subprocess.call(command, cwd=ROOT, env=dict(self.environment), stdin=subprocess.DEVNULL)
        return Count(passed=1) if code == 0 else Count(failed=1)

    def _suite(self, name: str, environment: Mapping[str, str]) -> Count:
        if name in ("unit", "page", "console"):
            packages.install_missing(environment)
        python, folders = SUITES[name]
        paths = [str(TESTS / folder) for folder in folders if any((TESTS / folder).glob("**/test_*.py"))]
        if name == "unit":
            paths += [str(path) for path in sorted(TESTS.glob("test_*.py"))]
        if not paths:
            raise Failure(f"{name}: there are no tests")
        with tempfile.TemporaryDirectory() as folder:
            report = Path(folder) / "report.xml"
            command = [str(python), "-m", "pytest", "-q", f"--junitxml={report}", *self.extra, *paths]
            code = subprocess.call(command, cwd=ROOT, env=dict(environment), stdin=subprocess.DEVNULL)
            count = read_report(report)
        if code == NOTHING_COLLECTED and self.extra:
            return count
        if code != 0 and count.failed == 0:
            count.failed = 1  # it could not even collect
        return count

    def _running(self, name: str) -> Count:
        with running_system(self.environment) as trial:
            environment = {**self.environment, **keys.load(trial.data, {})}
            environment.update(GUIDE_TEST_URL=trial.url, GUIDE_TEST_DATA=str(trial.data))
            count = self._suite(name, environment)
            if not trial.lives():
                raise Failure("the system did not live until the end of the tests")
        count.passed += 1  # it started, lived and stopped as it should
        return count


def read_report(path: Path) -> Count:
    """Read pytest's report."""
    count = Count()
    if not path.exists():
        return count
    for suite in ElementTree.parse(path).iter("testsuite"):  # noqa: S314 (written by our own pytest a moment ago)
        numbers = {name: int(suite.get(name, "0")) for name in ("tests", "failures", "errors", "skipped")}
        failed = numbers["failures"] + numbers["errors"]
        count.add(Count(numbers["tests"] - failed - numbers["skipped"], failed, numbers["skipped"]))
    return count


def check_suites() -> None:
    """Make sure that no folder of tests is forgotten.

    Raises:
        Failure: One is in no suite.
    """
    known = {folder for _, folders in SUITES.values() for folder in folders}
    there = {path.relative_to(TESTS).parts[0] for path in TESTS.glob("*/**/test_*.py")}
    if there - known:
        raise Failure(f"tests/{min(there - known)} is in no suite of tools/test.py")


def main(arguments: list[str] | None = None) -> int:
    """Run the steps; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("steps", nargs="*", metavar="step", help=", ".join(STEPS))
    parser.add_argument("--quick", action="store_true", help="lint, types, boundaries, unit and rules only")
    given = list(sys.argv[1:] if arguments is None else arguments)
    split = given.index("--") if "--" in given else len(given)
    chosen = parser.parse_args(given[:split])
    unknown = sorted(set(chosen.steps) - set(STEPS))
    if unknown:
        parser.error(f"no such step: {', '.join(unknown)}")
    os.chdir(ROOT)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    started = time.monotonic()
    try:
        check_suites()
        environments.prepare(settings.load().environment)
    except Failure as failure:
        say(f"✗ {failure}")
        return 1
    run = Run(settings.neutral_environment(), given[split + 1 :])
    steps = [step for step in STEPS if step in chosen.steps] or list(QUICK if chosen.quick else STEPS)
    for step in steps:
        if step in WITH_MODEL and run.failed("train"):
            say(f"\n=== {step} === left out: there is no model")
            run.results[step] = (Count(failed=1), 0.0)
            continue
        run.do(step)
    return summary(run, time.monotonic() - started)


def summary(run: Run, seconds: float) -> int:
    """Print what went how; returns the exit code. The last line is the sum of all checks."""
    say("\n=== summary ===")
    total = Count()
    for name, (count, took) in run.results.items():
        say(f"{'✗' if count.failed else '✓'} {name:14} {took:6.0f} s   {count}")
        total.add(count)
    say(f"{seconds / 60:.1f} minutes in all")
    say(str(total))
    return 1 if total.failed or not total.passed else 0


if __name__ == "__main__":
    sys.exit(main())
