"""Keeps a few processes alive together: starts them at once, watches, starts again, and stops them all."""

from __future__ import annotations

import contextlib
import ctypes
import http.client
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from tools.launcher.console import say
from tools.launcher.logs import RotatingLog

_PR_SET_PDEATHSIG = 1
# "Configuration error" of sysexits.h: the process said what is wrong, and starting it again would change nothing.
CANNOT_START = 78
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
# Straight to the process: a proxy named in the environment is for other machines.
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True)
class Process:
    """One process to keep alive.

    Attributes:
        name: Short name, also of the log file.
        title: Name for messages.
        command: Program and arguments.
        cwd: Where it runs.
        environment: Its whole environment.
        health_url: Answers 200 when the process can work; without one, a running process counts as healthy.
        essential: Whether everything is stopped when it can't be kept alive; else the others go on without it.
    """

    name: str
    title: str
    command: Sequence[str]
    cwd: Path
    environment: Mapping[str, str]
    health_url: str | None = None
    essential: bool = True


@dataclass(frozen=True)
class Timing:
    """How patient the supervisor is; all in seconds.

    Attributes:
        look: Between two looks at the processes.
        start: How long one may take to become healthy.
        unwell: How long a healthy one may give no sign of life before it is started again.
        check: Between two health checks of a healthy one.
        window: ``max_crashes`` in such a time are too many. So are as many in a row without ever being healthy.
        max_crashes: See ``window``.
        pause: Before a restart; doubled with every crash in the window, up to ``longest_pause``.
        longest_pause: See ``pause``.
        stop_first: How long the first process, the one that people talk to, may take to finish its answers.
        stop_all: How long the others may take after that.
    """

    look: float = 0.1
    start: float = 240.0
    unwell: float = 90.0
    check: float = 5.0
    window: float = 120.0
    max_crashes: int = 5
    pause: float = 0.25
    longest_pause: float = 8.0
    stop_first: float = 4.0
    stop_all: float = 3.0


@dataclass
class _Child:
    process: Process
    log: RotatingLog
    running: subprocess.Popen[bytes] | None = None
    healthy: bool = False
    ever_healthy: bool = False
    started: float = 0.0
    next_start: float = 0.0
    last_sign: float = 0.0
    next_check: float = 0.0
    in_a_row: int = 0
    given_up: bool = False
    crashes: deque[float] = field(default_factory=deque)


class Supervisor:
    """Runs processes until told to stop or one can't be kept alive.

    Must run in the main thread: Linux ends the processes together with the thread that started them.

    Args:
        processes: What to run. The first one is stopped first.
        logs: Folder of the log files.
        timing: How patient to be.
        on_change: Called with name → process id after every start.
    """

    def __init__(
        self,
        processes: Sequence[Process],
        logs: Path,
        timing: Timing | None = None,
        on_change: Callable[[dict[str, int]], None] | None = None,
    ) -> None:
        self._timing = timing or Timing()
        self._children = [_Child(process, RotatingLog(logs / f"{process.name}.log")) for process in processes]
        self._on_change = on_change
        self._stops = 0

    def run(self, on_ready: Callable[[], bool]) -> int:
        """Start everything and stay until the end.

        Args:
            on_ready: Called when every process is healthy, again and again until it says that all is well.

        Returns:
            0 after a stop that was asked for, 1 when a process could not be kept alive.
        """
        before = {number: signal.signal(number, self._ask_to_stop) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            return self._watch(on_ready)
        finally:
            self._stop_all()
            for number, handler in before.items():
                signal.signal(number, handler)

    def _ask_to_stop(self, number: int, frame: FrameType | None) -> None:
        self._stops += 1

    def _watch(self, on_ready: Callable[[], bool]) -> int:
        started = time.monotonic()
        announced = False
        next_ready_check = 0.0
        next_note = started + 5
        while not self._stops:
            for child in self._children:
                if not self._look_after(child):
                    return 1
            now = time.monotonic()
            if not announced and now >= next_ready_check and all(self._is_well(child) for child in self._children):
                announced = on_ready()
                next_ready_check = time.monotonic() + 0.5
            if not announced and now >= next_note:
                waiting = ", ".join(child.process.title for child in self._children if not self._is_well(child))
                say(f"  … {now - started:.0f} s; waiting for {waiting or 'the first answer'}")
                next_note += 5
            time.sleep(self._timing.look)
        say("Stopping …")
        return 0

    @staticmethod
    def _is_well(child: _Child) -> bool:
        return child.healthy or child.given_up

    def _look_after(self, child: _Child) -> bool:
        """Do what is due for one process. Returns whether it can be kept alive."""
        now = time.monotonic()
        running = child.running
        if child.given_up:
            return True
        if running is None:
            if now >= child.next_start:
                self._start(child)
            return True
        code = running.poll()
        if code == CANNOT_START:
            return self._gives_up(child, "its settings do not allow it")
        if code is not None:
            return self._crashed(child, running, _describe(code))
        if now >= child.next_check:
            self._check(child, now)
        if not child.healthy and now - child.started > self._timing.start:
            return self._crashed(child, running, f"not ready after {self._timing.start:.0f} s")
        if child.healthy and now - child.last_sign > self._timing.unwell:
            return self._crashed(child, running, f"no sign of life for {self._timing.unwell:.0f} s")
        return True

    def _start(self, child: _Child) -> None:
        parent = os.getpid()

        def in_the_child() -> None:
            # Linux ends the process when its supervisor is gone, however that went.
            if _LIBC is not None:
                _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
                if os.getppid() != parent:
                    os._exit(1)

        process = child.process
        child.running = running = subprocess.Popen(
            list(process.command),
            cwd=process.cwd,
            env=dict(process.environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            umask=0o077,
            preexec_fn=in_the_child,
        )
        if running.stdout is not None:
            child.log.follow(running.stdout)
        child.started = child.last_sign = time.monotonic()
        child.next_check = 0.0
        child.healthy = False
        if self._on_change is not None:
            self._on_change({each.process.name: each.running.pid for each in self._children if each.running})

    def _check(self, child: _Child, now: float) -> None:
        url = child.process.health_url
        if url is None or is_healthy(url):
            child.last_sign = now
            if not child.healthy:
                if child.ever_healthy:
                    say(f"  {child.process.title} is back.")
                child.healthy = child.ever_healthy = True
                child.in_a_row = 0
        child.next_check = time.monotonic() + (self._timing.check if child.healthy else self._timing.look * 3)

    def _crashed(self, child: _Child, running: subprocess.Popen[bytes], reason: str) -> bool:
        _kill(running)
        child.running = None
        now = time.monotonic()
        child.crashes.append(now)
        while now - child.crashes[0] > self._timing.window:
            child.crashes.popleft()
        child.in_a_row += 1
        title = child.process.title
        if max(len(child.crashes), child.in_a_row) >= self._timing.max_crashes:
            return self._gives_up(child, reason)
        pause = min(self._timing.pause * 2 ** (len(child.crashes) - 1), self._timing.longest_pause)
        child.next_start = now + pause
        child.healthy = False
        say(f"! {title} stopped ({reason}); it is started again.")
        return True

    def _gives_up(self, child: _Child, reason: str) -> bool:
        time.sleep(self._timing.look)  # its last words may still be on their way into the log
        essential = child.process.essential
        what = "Everything is stopped now." if essential else "Everything else goes on without it."
        say(
            f"✗ {child.process.title} can't be kept alive ({reason}). {what} "
            f"The end of {child.log.path}:\n{child.log.tail(20)}"
        )
        child.given_up, child.running = True, None
        return not essential

    def _stop_all(self) -> None:
        alive = [child.running for child in self._children if child.running is not None]
        first, others = alive[:1], alive[1:]
        self._stop(first, self._timing.stop_first)
        self._stop(others, self._timing.stop_all)
        for process in alive:
            _kill(process)

    def _stop(self, processes: Sequence[subprocess.Popen[bytes]], patience: float) -> None:
        asked = self._stops
        for process in processes:
            _signal(process, signal.SIGTERM)
        deadline = time.monotonic() + patience
        while any(process.poll() is None for process in processes) and time.monotonic() < deadline:
            if self._stops > max(asked, 1):  # asked again: at once
                return
            time.sleep(0.05)


def is_healthy(url: str, seconds: float = 2.0) -> bool:
    """Whether an address answers 200."""
    try:
        with _direct.open(url, timeout=seconds) as response:
            return bool(response.status == 200)
    except (OSError, http.client.HTTPException):
        return False


def _describe(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"ended by signal {-code}"


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End a process and everything it started, and wait for it."""
    _signal(process, signal.SIGKILL)
    process.wait()
