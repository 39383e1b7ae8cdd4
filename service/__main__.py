"""`python -m service`: run the service on `HOST` and `PORT` until told to stop."""

from __future__ import annotations

import uvicorn

from gateway.settings import Settings

_SHUTDOWN_SECONDS = 10


def main() -> None:
    """Run one process. Client addresses are taken from proxies only if `GUIDE_TRUSTED_PROXIES` names them."""
    settings = Settings()
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
    main()
