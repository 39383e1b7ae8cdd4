"""Front door and intake backend in one process: `uvicorn service.app:create_app --factory`.

Everything below `/v1` belongs to the intake backend, which asks for its own token; all else to the front door. They
know nothing of each other and talk over HTTP, so that they can be run apart.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.app import create_app as create_gateway
from gateway.settings import Settings as GatewaySettings
from intake.app import create_app as create_intake
from intake.settings import Settings as IntakeSettings
from serving.logs import configure_logging

INTAKE_PREFIX = "/v1"


class Service:
    """Shares requests out by path, and starts and stops both parts."""

    def __init__(self, gateway: Starlette, intake: Starlette) -> None:
        self._gateway = gateway
        self._intake = intake
        self._lifespan = Starlette(lifespan=self._live)

    @asynccontextmanager
    async def _live(self, _app: Starlette) -> AsyncIterator[None]:
        try:
            async with (
                self._gateway.router.lifespan_context(self._gateway),
                self._intake.router.lifespan_context(self._intake),
            ):
                yield
        finally:
            self._intake.state.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the class."""
        await self._part(scope)(scope, receive, send)

    def _part(self, scope: Scope) -> ASGIApp:
        if scope["type"] == "lifespan":
            return self._lifespan
        path = str(scope.get("path", ""))
        return self._intake if path == INTAKE_PREFIX or path.startswith(f"{INTAKE_PREFIX}/") else self._gateway


def create_app() -> Service:
    """Build the service from the environment. Raises an error that names every setting that is missing."""
    configure_logging()
    return Service(create_gateway(GatewaySettings()), create_intake(IntakeSettings()))
