"""What the person at the terminal sees: plain lines, and a sign of life during long steps."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path

HEARTBEAT_SECONDS = 10.0
TAIL_LINES = 30


class Failure(Exception):
    """Something the person must know about and can act on; its text is shown without a trace."""


def say(text: str) -> None:
    """Print one line at once; a closed terminal is no reason to stop."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        # Later prints, also the interpreter's own at exit, must not fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextmanager
def signs_of_life(title: str, started: float) -> Iterator[None]:
    """Tell every few seconds that a long step goes on.

    Args:
        title: What is being done.
        started: Monotonic time of its beginning, in seconds.
    """
    done = threading.Event()

    def beat() -> None:
        while not done.wait(HEARTBEAT_SECONDS):
            say(f"  … {title}: {time.monotonic() - started:.0f} s so far")

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def run_step(
    title: str,
    command: Sequence[str | os.PathLike[str]],
    cwd: Path,
    env: Mapping[str, str],
    show: bool = False,
    tries: int = 1,
) -> None:
    """Run a long command with signs of life.

    Args:
        title: What it does.
        command: Program and arguments.
        cwd: Where it runs.
        env: Its whole environment.
        show: Print its output as it comes; otherwise only the end of it, and only if it fails.
        tries: How often to try before giving up, for commands that depend on a network.

    Raises:
        Failure: It failed every time.
    """
    # A program that draws its own progress on a terminal needs no help.
    quiet = nullcontext() if show and sys.stdout.isatty() else None
    for attempt in range(1, tries + 1):
        started = time.monotonic()
        say(f"• {title} …")
        with quiet or signs_of_life(title, started), tempfile.TemporaryFile() as output:
            code = subprocess.call(
                [os.fspath(part) for part in command],
                cwd=cwd,
                env=dict(env),
                stdin=subprocess.DEVNULL,
                stdout=None if show else output,
                stderr=None if show else subprocess.STDOUT,
            )
            output.seek(0)
            text = output.read().decode("utf-8", "replace")
        if code == 0:
            say(f"  done in {time.monotonic() - started:.0f} s")
            return
        if attempt < tries:
            say(f"  it failed (exit code {code}); trying again")
            time.sleep(2 * attempt)
    tail = "\n".join(text.splitlines()[-TAIL_LINES:])
    shown = " ".join(os.fspath(part) for part in command)
    raise Failure(f"{title} failed (exit code {code}): {shown}" + (f"\n{tail}" if tail else ""))
