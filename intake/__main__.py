"""`python -m intake`: the intake backend alone, on `INTAKE_HOST` and `INTAKE_PORT` (127.0.0.1, 8010), until stopped.

For installations in which it runs on a machine of its own; `INTAKE_URL` then tells the others where it is. With an
argument, one of its commands instead (`intake.commands`).
"""

from __future__ import annotations

import os
import sys

import uvicorn

from intake import commands
from intake.database import WrongKeys
from vault import BadKeys

_SHUTDOWN_SECONDS = 10
# "Configuration error" of sysexits.h: whoever keeps this process alive need not try again.
_CANNOT_START = 78


def main() -> int:
    """Run one process; returns the exit code."""
    if sys.argv[1:]:
        return commands.main()
    try:
        _run()
    except (BadKeys, WrongKeys) as error:
        sys.stderr.write(f"Not started. {error}\n")
        return _CANNOT_START
    return 0


def _run() -> None:
    uvicorn.run(
        "intake.alone:create_app",
        factory=True,
        host=os.environ.get("INTAKE_HOST") or "127.0.0.1",
        port=int(os.environ.get("INTAKE_PORT") or "8010"),
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
        log_config=None,
    )


if __name__ == "__main__":
    sys.exit(main())
