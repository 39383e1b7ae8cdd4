"""`python -m console`: run the console on `CONSOLE_HOST` and `CONSOLE_PORT` until told to stop."""

from __future__ import annotations

import sys

import uvicorn

from console.settings import Settings
from vault import BadKeys

_SHUTDOWN_SECONDS = 5
# "Configuration error" of sysexits.h: whoever keeps this process alive need not try again.
_CANNOT_START = 78


def main() -> int:
    """Run one process; returns the exit code.

    Client addresses and TLS are taken from proxies only if `CONSOLE_TRUSTED_PROXIES` names them.
    """
    settings = Settings()
    try:
        settings.vault()
    except BadKeys as error:
        sys.stderr.write(f"Not started. {error}\n")
        return _CANNOT_START
    uvicorn.run(
        "console.app:create_app",
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
    return 0


if __name__ == "__main__":
    sys.exit(main())
