"""How quick the console answers: `make bench-console`. Twenty call-takers at once on the really running system.

A turn is measured from the form that is sent to the last byte of the rendered answer. Between two turns each call-taker
waits for some seconds, as somebody does who reads aloud and listens; `--pause` changes that, 0 leaves it out.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import re
import sys
import time
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import httpx

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from console import accounts, proofs
from console.database import Database
from console.roles import Role
from tests.conversations.people import ANSWERS
from tests.conversations.test_outcomes import OPENINGS
from tools.launcher import settings
from tools.launcher.console import Failure, say
from tools.launcher.trial import running_system

GOAL_MS = 150.0
LANGUAGES = ("zh-Hans", "zh-Hant", "en")
_ASKING = re.compile(r'data-asking="([^"]*)" data-outcome="([^"]*)"')
_ID = re.compile(r'name="id" value="([^"]+)-t"')
_CSRF = re.compile(r'name="csrf" value="([^"]+)"')
_TOKEN = re.compile(r'name="token" value="([^"]+)"')


@dataclass(frozen=True)
class Result:
    """What was measured; times in milliseconds."""

    call_takers: int
    pause_seconds: float
    turns: int
    calls: int
    failed: int
    p50: float
    p95: float
    p99: float
    worst: float
    load_before: float
    processors: int


class CallTaker:
    """One of them, without a browser.

    Args:
        url: Address of the console.
        number: Tells them apart.
        password: Of the account `bench-number`.
        pause: Seconds between two turns, on average.
    """

    def __init__(self, url: str, number: int, password: str, pause: float) -> None:
        self._client = httpx.AsyncClient(base_url=url, timeout=60, trust_env=False)
        self._number = number
        self._password = password
        self._pause = pause
        self._random = random.Random(number)
        self.turns: list[float] = []
        self.calls = 0
        self.failed = 0

    async def sign_in(self) -> None:
        """Sign in."""
        page = (await self._client.get("/sign-in")).text
        fields = {"token": _first(_TOKEN, page), "name": f"bench-{self._number}", "password": self._password}
        answer = await self._client.post("/sign-in", data=fields)
        if answer.status_code != httpx.codes.SEE_OTHER:
            raise Failure(f"nobody got in: {answer.status_code}")

    async def work(self, until: float) -> None:
        """Take calls until a moment of the monotonic clock."""
        language = LANGUAGES[self._number % len(LANGUAGES)]
        await self._wait()
        while time.monotonic() < until:
            desk = (await self._client.get("/desk")).text
            begun = await self._client.post("/calls", data={"csrf": _first(_CSRF, desk), "language": language})
            address = begun.headers["location"]
            page = (await self._client.get(address)).text
            said: str | None = OPENINGS["submitted"][language]
            while said is not None and time.monotonic() < until:
                await self._wait()
                page = await self._turn(address, page, said)
                asking, outcome = _both(_ASKING, page)
                said = None if outcome else ANSWERS[language].get(asking)
            self.calls += 1

    async def _turn(self, address: str, page: str, said: str) -> str:
        fields = {"csrf": _first(_CSRF, page), "id": f"{_first(_ID, page)}-t", "text": said}
        started = time.perf_counter()
        answer = await self._client.post(f"{address}/turn", data=fields, headers={"X-Part": "1"})
        self.turns.append((time.perf_counter() - started) * 1000)
        if answer.status_code != httpx.codes.OK:
            self.failed += 1
            return page
        return answer.text

    async def _wait(self) -> None:
        await asyncio.sleep(self._pause * self._random.uniform(0.5, 1.5))

    async def close(self) -> None:
        """Leave."""
        await self._client.aclose()


def _first(pattern: re.Pattern[str], page: str) -> str:
    found = pattern.search(page)
    if found is None:
        raise Failure("the console shows another page than expected")
    return found[1]


def _both(pattern: re.Pattern[str], page: str) -> tuple[str, str]:
    found = pattern.search(page)
    if found is None:
        raise Failure("the console shows another page than expected")
    return found[1], found[2]


def _share(values: list[float], share: float) -> float:
    return round(sorted(values)[min(len(values) - 1, int(len(values) * share))], 1)


def make_accounts(data: Path, count: int) -> list[str]:
    """Accounts for the call-takers; returns their passwords."""
    database = Database(f"sqlite:///{data / 'gateway.db'}")
    made = [proofs.new_password() for _ in range(count)]
    try:
        for number, password in enumerate(made):
            hashed = proofs.hash_password(password)
            database.do(partial(accounts.make, name=f"bench-{number}", role=Role.CALL_TAKER, password_hash=hashed))
    finally:
        database.close()
    return made


async def measure(url: str, passwords: list[str], pause: float, seconds: float) -> Result:
    """Let them all work at once.

    Args:
        url: Address of the console.
        passwords: Of the accounts.
        pause: Between two turns, in seconds.
        seconds: How long.
    """
    takers = [CallTaker(url, number, password, pause) for number, password in enumerate(passwords)]
    for taker in takers:
        await taker.sign_in()
    # What is loaded with the first words is not counted.
    await takers[0].work(time.monotonic() + 3)
    takers[0].turns.clear()
    load = os.getloadavg()[0]
    await asyncio.gather(*(taker.work(time.monotonic() + seconds) for taker in takers))
    for taker in takers:
        await taker.close()
    turns = [turn for taker in takers for turn in taker.turns]
    return Result(
        call_takers=len(takers),
        pause_seconds=pause,
        turns=len(turns),
        calls=sum(taker.calls for taker in takers),
        failed=sum(taker.failed for taker in takers),
        p50=_share(turns, 0.5),
        p95=_share(turns, 0.95),
        p99=_share(turns, 0.99),
        worst=max(turns),
        load_before=round(load, 2),
        processors=os.cpu_count() or 1,
    )


def main() -> int:
    """Measure; exit code 1 when a turn failed or the goal was missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--call-takers", type=int, default=20)
    parser.add_argument("--pause", type=float, default=4.0, help="seconds between two turns of one call-taker")
    parser.add_argument("--seconds", type=float, default=90.0)
    parser.add_argument("--data", type=Path, help="data folder of a system that runs already; else one is started")
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    system = running_system(settings.neutral_environment()) if chosen.data is None else nullcontext()
    try:
        with system as trial:
            data: Path = chosen.data if trial is None else trial.data
            url = json.loads((data / "run.json").read_text(encoding="utf-8"))["console_url"]
            passwords = make_accounts(data, chosen.call_takers)
            result = asyncio.run(measure(url, passwords, chosen.pause, chosen.seconds))
    except Failure as failure:
        say(f"✗ {failure}")
        return 1
    for name, value in asdict(result).items():
        say(f"{name:16} {value}")
    if chosen.json:
        chosen.json.write_text(json.dumps(asdict(result), indent=2), encoding="utf-8")
    good = not result.failed and result.p95 <= GOAL_MS
    say(f"{'✓' if good else '✗'} 95 of 100 turns within {result.p95} ms (goal: {GOAL_MS:.0f} ms)")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
