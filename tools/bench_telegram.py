"""Measure the worker for Telegram: `python -m tools.bench_telegram [--json out.json]`.

The whole system runs as `make run` starts it, against a Bot API of our own on this machine that refuses whatever comes
faster than Telegram allows. Twenty people talk at once; each reads an answer for some seconds before going on. Measured
is the time from an update being there to its answer being sent, and the memory of the worker after that.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
import threading
import time
from pathlib import Path

from tools.bot_api.person import Person
from tools.bot_api.server import TOKEN, BotApi
from tools.launcher.settings import neutral_environment
from tools.launcher.trial import running_system

PEOPLE = 20
TURNS = 15
WARM_UP = 2
# Seconds somebody reads and thinks: far less than real people do.
THINKING = (1.5, 4.0)
P95_MS = 300.0
MEMORY_MIB = 90.0
TAGS = ("en", "zh-hans", "zh-hant")
TALK = {
    "en": (
        "USCIS misspelled my name on the new card, I called them and they did nothing about it.",
        *("I-485", "September 14, 2026", "They opened a service request.", "Does it cost anything?", "no", "no"),
        *("ioe 0912-345-678", "/review", "Is it confidential?", "I'm the applicant myself", "/back", "/back"),
    ),
    "zh-hans": (
        "移民局把我新卡上的名字拼错了，我打过电话，他们没有改。",
        *("I-485", "2026年9月14日", "他们开了服务请求。", "要收费吗？", "没有", "没有"),
        *("ioe 0912-345-678", "/review", "会保密吗？", "我自己就是申请人", "/back", "/back"),
    ),
    "zh-hant": (
        "移民局把我新卡上的名字拼錯了，我打過電話，他們沒有改。",
        *("I-485", "2026年9月14日", "他們開了服務請求。", "要收費嗎？", "沒有", "沒有"),
        *("ioe 0912-345-678", "/review", "會保密嗎？", "我就是申請人本人", "/back", "/back"),
    ),
}


def talk(person: Person, luck: random.Random, times: list[float]) -> None:
    """Have one conversation, and note how long each answer took (milliseconds)."""
    script = TALK[person.tag]
    for turn in range(TURNS):
        time.sleep(luck.uniform(*THINKING))
        said = "/start" if turn == 0 else script[(turn - 1) % len(script)]
        started = time.monotonic()
        person.send(said)
        answer = person.wait()[0]
        times.append((answer.at - started) * 1000)


def measure() -> dict[str, float]:
    """Run it; returns the figures."""
    with BotApi(floods=True) as api:
        bot = {"TELEGRAM_TOKEN": TOKEN, "TELEGRAM_API_BASE": api.url}
        with running_system(neutral_environment(), bot) as trial:
            warm = Person(api, 1_600_000_000)
            for said in ("/start", *TALK["en"][:WARM_UP]):
                warm.say(said)
            times: list[list[float]] = [[] for _ in range(PEOPLE)]
            threads = [
                threading.Thread(
                    target=talk,
                    args=(
                        Person(api, 1_600_000_001 + number, TAGS[number % len(TAGS)]),
                        random.Random(number),
                        times[number],
                    ),
                )
                for number in range(PEOPLE)
            ]
            started = time.monotonic()
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            seconds = time.monotonic() - started
            status = Path(f"/proc/{trial.processes()['messenger']}/status").read_text(encoding="ascii")
            resident = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))
        refused = sum(call.code == 429 for call in api.calls)
    every = sorted(time for person in times for time in person)
    return {
        "answers": len(every),
        "answers_per_second": round(len(every) / seconds, 1),
        "p50_ms": round(statistics.median(every), 1),
        "p95_ms": round(every[int(len(every) * 0.95)], 1),
        "longest_ms": round(every[-1], 1),
        "refused_as_too_fast": refused,
        "worker_mib": round(resident / 1024, 1),
    }


def main(arguments: list[str] | None = None) -> int:
    """Measure and compare; returns the exit code: 1 if something is over its limit."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    chosen = parser.parse_args(arguments)
    figures = measure()
    if chosen.json:
        chosen.json.write_text(json.dumps(figures, indent=2), encoding="utf-8")
    for name, value in figures.items():
        print(f"{name:24} {value}")
    good = (
        figures["answers"] == PEOPLE * TURNS
        and figures["p95_ms"] <= P95_MS
        and figures["worker_mib"] <= MEMORY_MIB
        and figures["refused_as_too_fast"] == 0
    )
    print("✓ within the limits" if good else f"✗ more than {P95_MS:g} ms (p95), {MEMORY_MIB:g} MiB or refusals")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
