"""The HTTP interface of the intake backend, below ``/v1``."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.concurrency import run_in_threadpool

from intake import answers, errors, openapi
from intake.delivery import Deliverer, DeliverySettings, open_channel
from intake.document import Document
from intake.routes import documents, persons, requests, staff
from intake.routes.common import Context, good, problems
from intake.settings import Settings
from intake.store import Store
from intake.store.retention import Periods
from papers.limits import load_paper_limits
from papers.sandbox import Sandbox
from papers.settings import PaperSettings
from triage.content import Content

log = logging.getLogger("intake")

# Something that goes on beside the requests until it is cancelled.
Worker = Callable[[Context], Coroutine[Any, Any, None]]


def create_app(
    settings: Settings,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    content: Content | None = None,
    document: Document | None = None,
    delivery: DeliverySettings | None = None,
) -> FastAPI:
    """Build the app and bring its database up to date.

    The database is made ready here, not at ASGI start-up, because an app that is mounted into another one gets no
    start-up call of its own. Call ``app.state.close()`` at the end.

    Args:
        settings: Database, keys, token and content folder.
        clock: The present moment; another one for tests.
        content: The content files, if they are read already.
        document: Writes requests as PDF, if it is made already.
        delivery: How requests get to the office; from the environment if not given.

    Raises:
        BadKeys: The keys of the data can't be read.
        ContentError: The content files are broken.
        WrongKeys: The data is sealed with other keys.
    """
    content = content or Content.load(settings.content_dir)
    store = Store.open(settings, content, clock)
    document = document or Document(content, settings.content_dir / "forms")
    context = Context(settings, content, store, document, clock)
    workers: list[Worker] = [remove_what_is_due, sweep_documents, *_delivering(context, delivery or DeliverySettings())]

    @asynccontextmanager
    async def live(_app: FastAPI) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(worker(context)) for worker in workers]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    app = FastAPI(
        title="Intake", version="1", docs_url=None, redoc_url=None, openapi_url="/v1/openapi.json", lifespan=live
    )
    app.state.store = store
    app.state.close = store.close
    errors.install(app)
    app.include_router(_health(store))
    # Fixed paths below /case-requests go before those with a tracking number.
    for routes in (persons.routes, requests.routes, staff.routes):
        app.include_router(routes(context))
    app.include_router(_documents(context))
    openapi.describe(app, content.settings, clock)
    return app


def _documents(context: Context) -> APIRouter:
    limits = load_paper_limits(context.settings.content_dir)
    return documents.routes(context, limits, Sandbox(limits), PaperSettings().scanner(limits))


def _delivering(context: Context, settings: DeliverySettings) -> list[Worker]:
    """What delivers requests; nothing when the agency fetches them for itself."""
    limits = settings.limits(context.settings.content_dir)
    channel = open_channel(settings, context.content, limits, context.clock)
    if channel is None:
        return []
    deliverer = Deliverer(context.store, context.document, context.content, channel, limits, context.clock)

    async def deliver(_context: Context) -> None:
        while True:
            go_on = False
            try:
                go_on = await run_in_threadpool(deliverer.step)
            except Exception as error:
                log.error("delivering failed: %s", type(error).__name__)
            if not go_on:
                await asyncio.sleep(limits.poll_seconds)

    return [deliver]


def _health(store: Store) -> APIRouter:
    router = APIRouter(tags=["health"])

    @router.get("/v1/health", responses={200: good(answers.HealthOut, "It works."), **problems(reads=True)})
    def health() -> dict[str, str]:
        """Whether the database answers."""
        store.transactions.ping()
        return {"status": "ok"}

    return router


async def remove_what_is_due(context: Context) -> None:
    """Remove what has been kept long enough, once a day or as ``retention.yml`` says, until cancelled."""
    pause = Periods.load(context.settings.content_dir).every_hours * 3600
    while True:
        try:
            removed = await run_in_threadpool(context.store.retention.purge)
            if removed.requests or removed.feedback:
                log.info("removed %d requests and %d feedbacks that were due", removed.requests, removed.feedback)
        except Exception as error:
            log.error("removing what is due failed: %s", type(error).__name__)
        await asyncio.sleep(pause)


async def sweep_documents(context: Context) -> None:
    """Remove files that belong to no document, now and then, until cancelled."""
    minutes = load_paper_limits(context.settings.content_dir).orphan_minutes
    while True:
        try:
            removed = await run_in_threadpool(context.store.documents.sweep, timedelta(minutes=minutes))
            if removed:
                log.warning("removed %d stored files without a document", removed)
        except Exception as error:
            log.error("sweeping documents failed: %s", type(error).__name__)
        await asyncio.sleep(minutes * 60)
