#!/usr/bin/env python3
"""Measure speed and memory of the running system, of Rasa's own starter bot beside it, and of the intake backend.

`python3 tools/bench.py [--without-rasa] [--without-intake]`; `BENCH_JSON=out.json` also writes the figures. Every turn
of both bots calls a custom action. Standard library only, Python 3.9 and up.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlsplit

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tools.launcher import environments, ports, settings, training
from tools.launcher.console import Failure, run_step, say
from tools.launcher.settings import BOT_PYTHON, CHILD_DEFAULTS, ROOT, SERVICE_PYTHON
from tools.launcher.supervisor import is_healthy
from tools.launcher.trial import running_system

WARM_UP = 20
SINGLE_TURNS = 200
AT_ONCE = 10
TURNS_EACH = 40
LONG = 200
LONG_CONVERSATIONS = 3
# Turns 1 to 5 are compared with turns 196 to 200: one turn alone says little.
EDGE = 5
START_SECONDS = 240.0

# What people say in the middle of things, in the three scripts; asked in turn, so that no two turns running are alike.
MESSAGES = (
    "My I-485 has been pending since last year and nothing happens",
    "Is this free?",
    "我打过电话，没有用",
    "Will my lawyer see this?",
    "請問你們跟移民局是什麼關係？",
    "How long does it take you to answer?",
    "我的收据号码是 IOE0912345678",
    "what is a receipt number",
    "要寄正本還是影本？",
    "你是机器人吗",
)
RASA_MESSAGES = ("are you a bot?", "are you human?", "am I talking to a bot?", "am I talking to a human?")

# Answers one message of one conversation.
Say = Callable[[str], object]


@dataclass(frozen=True)
class Figures:
    """What was measured of one bot; times in milliseconds, memory in mebibytes."""

    turn_p50_ms: float
    turn_p95_ms: float
    turns_per_second: float
    first_turns_ms: float
    last_turns_ms: float
    long_ratio: float
    memory_mib: float


@dataclass(frozen=True)
class Target:
    """A figure that must not be missed: at most or at least a value."""

    figure: str
    title: str
    limit: float
    at_least: bool = False

    def met(self, figures: Figures) -> bool:
        """Whether the figures meet it."""
        value = float(getattr(figures, self.figure))
        return value >= self.limit if self.at_least else value <= self.limit


TARGETS = (
    Target("turn_p50_ms", "one turn, p50, ms", 40),
    Target("turn_p95_ms", "one turn, p95, ms", 90),
    Target("turns_per_second", f"turns a second, {AT_ONCE} conversations at once", 30, at_least=True),
    Target("long_ratio", f"turn {LONG} to turn 1", 1.5),
    Target("memory_mib", "all processes together, MiB", 1.3 * 1024),
)


class Line:
    """One kept-open HTTP connection."""

    def __init__(self, url: str) -> None:
        address = urlsplit(url)
        self._connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=60)

    def ask(self, path: str, body: Mapping[str, str], session: str = "") -> dict[str, object] | list[object]:
        """Send JSON, get JSON.

        Raises:
            Failure: The answer is an error.
        """
        headers = {"Content-Type": "application/json"}
        if session:
            headers["Authorization"] = f"Bearer {session}"
        self._connection.request("POST", path, json.dumps(body).encode(), headers)
        answer = self._connection.getresponse()
        content = answer.read()
        if answer.status not in (200, 201):
            raise Failure(f"{path} answered {answer.status}")
        result: dict[str, object] | list[object] = json.loads(content)
        return result


def guide_conversation(url: str) -> Say:
    """Open a conversation at the front door."""
    line = Line(url)
    opened = line.ask("/chat/session", {"language": "en"})
    session = str(opened["session"]) if isinstance(opened, dict) else ""
    return lambda text: line.ask("/chat/messages", {"id": uuid.uuid4().hex, "text": text}, session)


def rasa_conversation(url: str) -> Say:
    """Begin a conversation with the starter bot."""
    line, sender = Line(url), uuid.uuid4().hex

    def turn(text: str) -> object:
        replies = line.ask("/webhooks/rest/webhook", {"sender": sender, "message": text})
        if not replies:
            raise Failure("the starter bot gave no reply")
        return replies

    return turn


def seconds_of(turn: Say, text: str) -> float:
    """How long one turn takes."""
    started = time.perf_counter()
    turn(text)
    return time.perf_counter() - started


def measure(begin: Callable[[], Say], messages: Sequence[str], memory: Callable[[], float]) -> Figures:
    """Measure one running bot.

    Args:
        begin: Opens a conversation.
        messages: What is said, in turn.
        memory: Tells the memory of all its processes, in mebibytes.
    """

    def text(number: int) -> str:
        return messages[number % len(messages)]

    turn = begin()
    for number in range(WARM_UP):
        turn(text(number))

    say(f"  one conversation at a time: {SINGLE_TURNS} turns …")
    single = []
    for number in range(SINGLE_TURNS):
        if number % len(messages) == 0:
            turn = begin()
        single.append(seconds_of(turn, text(number)))

    say(f"  {AT_ONCE} conversations at once, {TURNS_EACH} turns each …")
    turns = [begin() for _ in range(AT_ONCE)]

    def talk(index: int) -> None:
        for number in range(TURNS_EACH):
            turns[index](text(index + number))

    started = time.perf_counter()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(talk, range(AT_ONCE)))
    rate = AT_ONCE * TURNS_EACH / (time.perf_counter() - started)

    say(f"  {LONG_CONVERSATIONS} conversations of {LONG} turns …")
    first, last = [], []
    for _ in range(LONG_CONVERSATIONS):
        turn = begin()
        # The same sentences at both ends, whatever their number is.
        times = [seconds_of(turn, text(min(number, LONG - 1 - number) % EDGE)) for number in range(LONG)]
        first += times[:EDGE]
        last += times[-EDGE:]
    return Figures(
        turn_p50_ms=round(statistics.median(single) * 1000, 1),
        turn_p95_ms=round(sorted(single)[int(len(single) * 0.95)] * 1000, 1),
        turns_per_second=round(rate, 1),
        first_turns_ms=round(statistics.median(first) * 1000, 1),
        last_turns_ms=round(statistics.median(last) * 1000, 1),
        long_ratio=round(statistics.median(last) / statistics.median(first), 2),
        memory_mib=round(memory()),
    )


def resident_mib(roots: Sequence[int]) -> float:
    """Resident memory of processes and everything they started, in mebibytes."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").glob("[1-9]*"):
        try:
            parent = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
        except (OSError, IndexError, ValueError):
            continue
        children.setdefault(parent, []).append(int(entry.name))
    waiting, seen = list(roots), set()
    while waiting:
        process = waiting.pop()
        if process not in seen:
            seen.add(process)
            waiting += children.get(process, [])
    pages = [int(Path(f"/proc/{process}/statm").read_text().split()[1]) for process in seen]
    return sum(pages) * os.sysconf("SC_PAGE_SIZE") / 2**20


def guide() -> Figures:
    """Measure this project's bot."""
    say("\nThis project:")
    with running_system(settings.neutral_environment()) as trial:
        return measure(
            lambda: guide_conversation(trial.url), MESSAGES, lambda: resident_mib(list(trial.processes().values()))
        )


# --- Rasa's own starter bot -------------------------------------------------------------------------------------------

SCAFFOLD = "import sys; from rasa.cli.scaffold import create_initial_project; create_initial_project(sys.argv[1])"
ACTION = """from rasa_sdk import Action


class ActionTellWhatIAm(Action):
    def name(self):
        return "action_tell_what_i_am"

    def run(self, dispatcher, tracker, domain):
        dispatcher.utter_message(text="I am a bot.")
        return []
"""


def starter() -> Figures:
    """Create, train and measure the bot that `rasa init` makes, with one custom action added."""
    say("\nRasa's own starter bot (rasa init), with one custom action:")
    # Its own defaults: none of the settings that make this project's processes small and quiet.
    neutral = {name: value for name, value in os.environ.items() if name not in CHILD_DEFAULTS}
    environment = {**neutral, "RASA_TELEMETRY_ENABLED": "false", "SQLALCHEMY_SILENCE_UBER_WARNING": "1"}
    environment = {name: value for name, value in environment.items() if name not in settings.INSTALLATION}
    with tempfile.TemporaryDirectory(prefix="guide-bench-") as folder:
        project = Path(folder)
        run_step("Creating it", [BOT_PYTHON, "-c", SCAFFOLD, folder], project, environment)
        port, actions_port = ports.free(2)
        (project / "actions" / "actions.py").write_text(ACTION, encoding="utf-8")
        _replace(project / "data" / "rules.yml", "utter_iamabot", "action_tell_what_i_am")
        with (project / "domain.yml").open("a", encoding="utf-8") as domain:
            domain.write("\nactions:\n- action_tell_what_i_am\n")
        endpoint = f'action_endpoint:\n  url: "http://127.0.0.1:{actions_port}/webhook"\n'
        (project / "endpoints.yml").write_text(endpoint, encoding="utf-8")
        (project / "credentials.yml").write_text("rest:\n", encoding="utf-8")
        rasa = [str(BOT_PYTHON), "-m", "rasa"]
        run_step("Training it", [*rasa, "train"], project, environment)
        url = f"http://127.0.0.1:{port}"
        commands = (
            [*rasa, "run", "-i", "127.0.0.1", "-p", str(port)],
            [str(BOT_PYTHON), "-m", "rasa_sdk", "--actions", "actions", "-p", str(actions_port)],
        )
        say("  starting it …")
        with processes(commands, project, {**environment, "SANIC_HOST": "127.0.0.1"}) as ids:
            _wait_for(url, ids)
            return measure(lambda: rasa_conversation(url), RASA_MESSAGES, lambda: resident_mib(ids))


def _replace(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    if old not in text:
        raise Failure(f"Rasa's starter bot has changed: no {old} in {path.name}")
    path.write_text(text.replace(old, new), encoding="utf-8")


@contextmanager
def processes(commands: Sequence[Sequence[str]], cwd: Path, environment: Mapping[str, str]) -> Iterator[list[int]]:
    """Run some processes; they are gone afterwards. Yields their ids."""
    running = []
    try:
        for number, command in enumerate(commands):
            with (cwd / f"process-{number}.log").open("wb") as log:
                running.append(
                    subprocess.Popen(
                        command, cwd=cwd, env=dict(environment), stdin=subprocess.DEVNULL, stdout=log, stderr=log
                    )
                )
        yield [process.pid for process in running]
    finally:
        for process in running:
            process.kill()
            process.wait()


def _wait_for(url: str, ids: Sequence[int]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not is_healthy(url):
        if time.monotonic() > deadline or not all(Path(f"/proc/{process}").exists() for process in ids):
            raise Failure("Rasa's starter bot did not start")
        time.sleep(0.5)
    # The port answers before the model is loaded; an answer to a message is the proof.
    while True:
        try:
            rasa_conversation(url)(RASA_MESSAGES[0])
            return
        except (Failure, OSError, http.client.HTTPException):
            if time.monotonic() > deadline:
                raise Failure("Rasa's starter bot gave no answer") from None
            time.sleep(0.5)


# --- Report -----------------------------------------------------------------------------------------------------------


def show(own: Figures, other: Figures | None) -> None:
    """Print the table."""
    say(f"\n{'':48}{'target':>10}{'guide':>12}{'rasa init':>12}")
    for target in TARGETS:
        sign = "≥" if target.at_least else "≤"
        wanted = f"{sign} {target.limit:g}"
        theirs = f"{getattr(other, target.figure):>12g}" if other else f"{'–':>12}"
        mark = "✓" if target.met(own) else "✗"
        say(f"{target.title:48}{wanted:>10}{getattr(own, target.figure):>12g}{theirs}  {mark}")
    for title, name in ((f"turns 1–{EDGE}, median, ms", "first_turns_ms"), ("the last ones, ms", "last_turns_ms")):
        theirs = f"{getattr(other, name):>12g}" if other else f"{'–':>12}"
        say(f"{title:48}{'':>10}{getattr(own, name):>12g}{theirs}")


def intake(folder: Path) -> object:
    """Measure the intake backend, in the environment of the service; gives its figures."""
    result = folder / "intake.json"
    command = [str(SERVICE_PYTHON), "-m", "tools.bench_intake", "--json", str(result)]
    if subprocess.call(command, cwd=ROOT, env=settings.neutral_environment()) != 0:
        raise Failure("the intake backend could not be measured")
    figures: object = json.loads(result.read_text(encoding="utf-8"))
    return figures


def main() -> int:
    """Measure, print, and write the figures if asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--without-rasa", action="store_true", help="leave out Rasa's starter bot")
    parser.add_argument("--without-intake", action="store_true", help="leave out the intake backend")
    chosen = parser.parse_args()
    os.chdir(ROOT)
    try:
        configured = settings.load()
        environments.prepare(configured.environment)
        training.train(configured)
        own = guide()
        other = None if chosen.without_rasa else starter()
        show(own, other)
        with tempfile.TemporaryDirectory(prefix="guide-bench-") as folder:
            backend = None if chosen.without_intake else intake(Path(folder))
    except Failure as failure:
        say(f"✗ {failure}")
        return 1
    if os.environ.get("BENCH_JSON"):
        result = {
            "cores": os.cpu_count(),
            "guide": asdict(own),
            "rasa_init": asdict(other) if other else None,
            "intake": backend,
            "met": {target.figure: target.met(own) for target in TARGETS},
        }
        Path(os.environ["BENCH_JSON"]).write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
