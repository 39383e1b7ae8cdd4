"""`python -m messenger`: run the worker until told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys

import uvloop

from messenger.settings import BadSettings, Settings, load
from messenger.worker import Worker
from serving.logs import configure_logging

# "Configuration error" of sysexits.h: whoever keeps this process alive need not try again.
_CANNOT_START = 78


def main() -> int:
    """Run one process; returns the exit code."""
    # Telegram's library logs whole updates, and addresses with the token in them.
    configure_logging(own="messenger", silent=["telegram"])
    try:
        settings = load()
    except BadSettings as error:
        sys.stderr.write(f"Not started. {error}\n")
        return _CANNOT_START
    with contextlib.suppress(asyncio.CancelledError):
        uvloop.run(_run(settings))
    return 0


async def _run(settings: Settings) -> None:
    task = asyncio.create_task(Worker(settings).run())
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, task.cancel)
    await task


if __name__ == "__main__":
    sys.exit(main())
