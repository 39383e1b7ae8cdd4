"""The real system for a while: on free ports, with an empty data folder, for tests and measurements."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tools.launcher.console import Failure, say
from tools.launcher.settings import ROOT

# The limits are tested with the front door alone; here they would only slow everything down.
NO_LIMITS = {"GUIDE_RATE_PER_MINUTE": "1000000", "GUIDE_SESSIONS_PER_MINUTE": "1000000"}
START_SECONDS = 300.0
STOP_SECONDS = 15.0


@dataclass(frozen=True)
class Trial:
    """A running system.

    Attributes:
        url: Address of the front door.
        data: Its data folder.
    """

    url: str
    data: Path

    def processes(self) -> dict[str, int]:
        """Name → process id, the supervisor among them."""
        content = json.loads((self.data / "run.json").read_text(encoding="utf-8"))
        return {name: value for name, value in content.items() if isinstance(value, int)}

    def lives(self) -> bool:
        """Whether the supervisor is there."""
        try:
            os.kill(self.processes()["supervisor"], 0)
        except (OSError, KeyError):
            return False
        return True


@contextmanager
def running_system(environment: Mapping[str, str], own_settings: Mapping[str, str] | None = None) -> Iterator[Trial]:
    """Start the real system, and stop it again.

    Args:
        environment: What it is started with; settings of an installation in it do not count.
        own_settings: Settings of this system.

    Raises:
        Failure: It did not start, or did not stop as it should; the text has the end of what it said.
    """
    with tempfile.TemporaryDirectory(prefix="guide-trial-") as folder:
        base = Path(folder)
        data, ready, output = base / "data", base / "ready.json", base / "launch.log"
        command = [sys.executable, str(ROOT / "tools" / "launch.py"), "test-server"]
        command += ["--data", str(data), "--ready-file", str(ready)]
        for name, value in (own_settings or {}).items():
            command += ["--set", f"{name}={value}"]
        say("Starting the system …")
        started = time.monotonic()
        with output.open("wb") as log:
            server = subprocess.Popen(
                command, cwd=ROOT, env={**NO_LIMITS, **environment}, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        try:
            while not ready.exists():
                if server.poll() is not None or time.monotonic() - started > START_SECONDS:
                    raise Failure(f"The system did not start:\n{output.read_text(encoding='utf-8')[-6000:]}")
                time.sleep(0.1)
            trial = Trial(json.loads(ready.read_text(encoding="utf-8"))["url"], data)
            say(f"The system runs at {trial.url} (ready after {time.monotonic() - started:.0f} s).")
            yield trial
        finally:
            code = _stop(server)
            notes = [line for line in output.read_text(encoding="utf-8").splitlines() if line.startswith(("!", "✗"))]
            if notes:
                say("The supervisor said:\n" + "\n".join(notes))
        if code != 0:
            raise Failure(f"The system did not stop as it should (exit code {code}).")


def _stop(server: subprocess.Popen[bytes]) -> int:
    server.send_signal(signal.SIGTERM)
    try:
        return server.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        server.kill()
        return server.wait()
