"""The real system for trials: two front doors, action server, engine, and an intake backend of its own behind a proxy.

Each process is started again when it dies, as the supervisor does; here each can be killed alone, and the disk filled.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tools.faults.proxy import Plan, Proxy
from tools.launcher import keys
from tools.launcher.console import Failure, say
from tools.launcher.settings import BOT_PYTHON, ROOT, SERVICE_PYTHON, neutral_environment
from tools.launcher.supervisor import is_healthy

DOORS = ("door-1", "door-2")
NAMES = (*DOORS, "actions", "intake", "engine")
START_SECONDS = 240.0
DISK_MIB = 192
_PAUSE_SECONDS = 0.2
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
# Soon, so that a run does not take days; everything else is as it is shipped.
SOON = {
    "GUIDE_UNSENT_FIRST_SECONDS": "1",
    "GUIDE_UNSENT_LONGEST_SECONDS": "4",
    "INTAKE_ATTEMPT_SECONDS": "1.5",
    "INTAKE_TURN_SECONDS": "3",
    "INTAKE_CIRCUIT_SECONDS": "2",
    "GUIDE_RATE_PER_MINUTE": "1000000",
    "GUIDE_SESSIONS_PER_MINUTE": "1000000",
}


@dataclass
class Process:
    """One process that is started again whenever it ends."""

    name: str
    command: list[str]
    environment: dict[str, str]
    health: str
    log: Path
    running: subprocess.Popen[bytes] | None = None
    stopping: bool = False
    kills: int = 0
    thread: threading.Thread | None = None

    def start(self) -> None:
        """Keep it running, from a thread of its own."""
        self.thread = threading.Thread(target=self._keep, daemon=True, name=self.name)
        self.thread.start()

    def _keep(self) -> None:
        while not self.stopping:
            with self.log.open("ab") as log:
                self.running = subprocess.Popen(
                    self.command,
                    cwd=ROOT,
                    env=self.environment,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                    preexec_fn=_end_with_us,
                )
            self.running.wait()
            time.sleep(_PAUSE_SECONDS)

    def kill(self) -> None:
        """As `kill -9`."""
        self.kills += 1
        if self.running is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.running.pid, signal.SIGKILL)

    def stop(self) -> None:
        """End it for good."""
        self.stopping = True
        self.kill()
        if self.thread is not None:
            self.thread.join(10)


def _end_with_us() -> None:
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


@dataclass
class System:
    """What is running.

    Attributes:
        data: Data folder; on a disk of its own where that could be made.
        small_disk: Whether it is, so that it can be filled.
        doors: Addresses of the front doors.
        intake: Address of the intake backend itself, not of the proxy.
        secrets: Variable name to secret.
    """

    data: Path
    small_disk: bool
    doors: list[str]
    intake: str
    secrets: dict[str, str]
    plan: Plan
    processes: dict[str, Process] = field(default_factory=dict)

    def kill(self, name: str) -> None:
        """Kill one process, or `all`."""
        for one in NAMES if name == "all" else (name,):
            self.processes[one].kill()

    def wait_until_well(self, seconds: float = START_SECONDS) -> None:
        """Wait until every process answers.

        Raises:
            Failure: One does not.
        """
        deadline = time.monotonic() + seconds
        for process in self.processes.values():
            while not is_healthy(process.health):
                if time.monotonic() > deadline:
                    end = process.log.read_text(encoding="utf-8", errors="replace")[-3000:]
                    raise Failure(f"{process.name} does not answer:\n{end}")
                time.sleep(0.2)

    def fill_disk(self, seconds: float) -> None:
        """Leave no room on the disk for a while."""
        filler = self.data / "filler"
        try:
            with contextlib.suppress(OSError), filler.open("ab", buffering=0) as file:
                while True:
                    file.write(b"\0" * 65536)
            time.sleep(seconds)
        finally:
            filler.unlink(missing_ok=True)


@contextmanager
def running(plan: Plan, folder: Path | None = None) -> Iterator[System]:
    """Start everything and stop it again.

    Args:
        plan: What the proxy does wrong.
        folder: Where logs and data go; a temporary one if not given.

    Raises:
        Failure: It does not start.
    """
    with tempfile.TemporaryDirectory(prefix="guide-faults-") as temporary:
        base = folder or Path(temporary)
        data, logs = base / "data", base / "logs"
        for path in (data, logs):
            path.mkdir(parents=True, exist_ok=True, mode=0o700)
        small = _mount(data)
        system = _system(plan, data, logs, small)
        try:
            for process in system.processes.values():
                process.start()
            system.wait_until_well()
            yield system
        finally:
            for process in system.processes.values():
                process.stopping = True
            for process in system.processes.values():
                process.stop()
            if small:
                subprocess.run(["umount", "-l", str(data)], check=False)


def _mount(data: Path) -> bool:
    """Give the data folder a small disk of its own."""
    if os.geteuid() != 0:
        say("! Not root: the disk is not filled in these trials.")
        return False
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m,mode=700", "tmpfs", str(data)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        say(f"! No disk could be mounted ({done.stderr.strip()}): the disk is not filled in these trials.")
    return done.returncode == 0


def _system(plan: Plan, data: Path, logs: Path, small: bool) -> System:
    ports = dict(zip((*NAMES, "proxy"), _free_ports(len(NAMES) + 1), strict=True))
    base = neutral_environment()
    secrets = keys.load(data, base)
    url = {name: f"http://127.0.0.1:{port}" for name, port in ports.items()}
    common = {
        **base,
        **SOON,
        "GUIDE_DATA": str(data),
        "HOST": "127.0.0.1",
        "RASA_PORT": str(ports["engine"]),
        "RASA_URL": url["engine"],
        "ACTIONS_PORT": str(ports["actions"]),
        "ACTIONS_URL": f"{url['actions']}/webhook",
        "INTAKE_URL": url["proxy"],
        "INTAKE_PORT": str(ports["intake"]),
    }

    def process(name: str, command: list[str], health: str, **more: str) -> Process:
        environment = {**common, **secrets, **more}
        return Process(name, command, environment, url[name] + health, logs / f"{name}.log")

    service, bot = [str(SERVICE_PYTHON), "-m"], [str(BOT_PYTHON), "-m"]
    # Each front door has an intake part that nobody talks to; the one that counts is a process of its own.
    unused = {name: f"sqlite:///{data / f'unused-{name}.db'}" for name in DOORS}
    processes = [
        *(
            process(name, [*service, "service"], "/v1/health", PORT=str(ports[name]), INTAKE_DATABASE_URL=unused[name])
            for name in DOORS
        ),
        process("actions", [*bot, "actions.server"], "/health"),
        process("intake", [*service, "intake"], "/v1/health"),
        process("engine", [*bot, "bot.server"], "/webhooks/internal/health"),
    ]
    Proxy(plan, ports["proxy"], ports["intake"])
    doors = [url[name] for name in DOORS]
    by_name = {one.name: one for one in processes}
    return System(data, small, doors, url["intake"], secrets, plan, by_name)


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in sockets]
    finally:
        for one in sockets:
            one.close()
