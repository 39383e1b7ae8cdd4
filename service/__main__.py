"""`python -m service`: run the service on `HOST` and `PORT` until told to stop."""

from __future__ import annotations

import sys

import uvicorn

from gateway.settings import Settings
from intake.database import WrongKeys
from vault import BadKeys

_SHUTDOWN_SECONDS = 10
# "Configuration error" of sysexits.h: whoever keeps this process alive need not try again.
_CANNOT_START = 78


def main() -> int:
    """Run one process; returns the exit code.

    Client addresses are taken from proxies only if `GUIDE_TRUSTED_PROXIES` names them.
    """
    try:
        _run(Settings())
    except (BadKeys, WrongKeys) as error:
        sys.stderr.write(f"Not started. {error}\n")
        return _CANNOT_START
    return 0


def _run(settings: Settings) -> None:
    uvicorn.run(
        "service.app:create_app",
        factory=True,
        host=settings.host,
        port=settings.port,
        access_log=False,
        server_header=False,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=settings.trusted_proxies or None,
        timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
        log_config=None,
    )


if __name__ == "__main__":
    sys.exit(main())
