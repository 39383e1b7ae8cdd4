"""Getting updates from Telegram: fetched, or brought to a web address. They are kept before that is confirmed."""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from telegram import Bot, Update
from telegram.error import Conflict, InvalidToken, RetryAfter, TelegramError
from telegram.request import HTTPXRequest

from messenger.settings import Limits, Webhook
from messenger.updates import ALLOWED

log = logging.getLogger("messenger.receiving")

SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105 (a header's name)
_FIRST_PAUSE_SECONDS = 0.5
_MOST_BYTES = 1_048_576
_CONNECTIONS = 20
# So much longer than it was asked to may a fetch take.
_LATE_SECONDS = 10

Keep = Callable[[Update], Awaitable[None]]


class UpdatesRequest(HTTPXRequest):
    """Fetches updates; of one that the library cannot read, only its number is left.

    Otherwise it would come again and again, and nothing behind it would ever be read.
    """

    async def do_request(self, *given: Any, **more: Any) -> tuple[int, bytes]:
        """See the library."""
        code, payload = await super().do_request(*given, **more)
        if code != httpx.codes.OK:
            return code, payload
        answer = json.loads(payload)
        fetched = answer["result"]
        kept = [raw if _is_readable(raw) else {"update_id": raw["update_id"]} for raw in fetched]
        return code, payload if kept == fetched else json.dumps({**answer, "result": kept}).encode()


def _is_readable(raw: dict[str, Any]) -> bool:
    try:
        Update.de_json(raw)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        log.error("ALARM an update cannot be read", extra={"reason": type(error).__name__})
        return False
    return True


async def patiently(name: str, what: Callable[[], Awaitable[object]], longest_pause: float) -> None:
    """Try something until it succeeds; the Bot API may be away for as long as it likes."""
    pause = _FIRST_PAUSE_SECONDS
    while True:
        try:
            await what()
            return
        except RetryAfter as error:
            after = error.retry_after
            pause = float(after) if isinstance(after, int) else after.total_seconds()
        except InvalidToken:
            log.error("Telegram does not know the token", extra={"during": name})
            pause = longest_pause
        except TelegramError as error:
            log.warning("Telegram is not reached", extra={"during": name, "reason": type(error).__name__})
        await asyncio.sleep(pause)
        pause = min(pause * 2, longest_pause)


async def poll(bot: Bot, keep: Keep, limits: Limits) -> None:
    """Fetch updates until cancelled. The next fetch confirms what was kept; what could not be is fetched again."""
    await patiently("leaving the webhook", bot.delete_webhook, limits.longest_pause_seconds)
    offset: int | None = None
    pause = _FIRST_PAUSE_SECONDS
    while True:
        try:
            updates = await bot.get_updates(
                offset=offset,
                timeout=limits.poll_seconds,
                allowed_updates=ALLOWED,
                read_timeout=limits.poll_seconds + _LATE_SECONDS,
            )
            for update in updates:
                await keep(update)
                offset = update.update_id + 1
            pause = _FIRST_PAUSE_SECONDS
            continue
        except RetryAfter as error:
            after = error.retry_after
            await asyncio.sleep(float(after) if isinstance(after, int) else after.total_seconds())
            continue
        except Conflict:
            log.warning("somebody else fetches the updates of this bot")
        except InvalidToken:
            log.error("Telegram does not know the token", extra={"during": "fetching"})
        except TelegramError as error:
            log.warning("Telegram is not reached", extra={"during": "fetching", "reason": type(error).__name__})
        except Exception:
            log.exception("updates could not be kept")
        await asyncio.sleep(pause)
        pause = min(pause * 2, limits.longest_pause_seconds)


class _Server(uvicorn.Server):
    """A web server inside a process that takes care of signals itself."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """See the class."""
        yield


async def listen(bot: Bot, keep: Keep, webhook: Webhook, limits: Limits) -> None:
    """Have updates brought until cancelled."""
    server = _Server(
        uvicorn.Config(
            webhook_app(bot, keep, webhook),
            host=webhook.host,
            port=webhook.port,
            access_log=False,
            server_header=False,
            log_config=None,
            lifespan="off",
        )
    )

    async def announce() -> None:
        await bot.set_webhook(
            webhook.url, allowed_updates=ALLOWED, secret_token=webhook.secret, max_connections=_CONNECTIONS
        )

    announcing = asyncio.create_task(patiently("naming the webhook", announce, limits.longest_pause_seconds))
    try:
        await server.serve()
    finally:
        server.should_exit = True
        announcing.cancel()


def webhook_app(bot: Bot, keep: Keep, webhook: Webhook) -> Starlette:
    """The web application that Telegram sends updates to; nothing is even read before the secret has been checked."""

    async def take(request: Request) -> Response:
        shown = request.headers.get(SECRET_HEADER, "")
        if not hmac.compare_digest(shown.encode(), webhook.secret.encode()):
            return Response(status_code=403)
        body = bytearray()
        try:
            async for chunk in request.stream():
                body += chunk
                if len(body) > _MOST_BYTES:
                    return Response(status_code=413)
            raw = json.loads(bytes(body))
            int(raw["update_id"])
        except (ValueError, KeyError, TypeError, ClientDisconnect):
            return Response(status_code=400)
        if not _is_readable(raw):
            return Response()  # brought again, it would be no better, and would hold up the others
        try:
            await keep(Update.de_json(raw, bot))
        except Exception:
            log.exception("an update could not be kept")
            return Response(status_code=503)
        return Response()

    return Starlette(routes=[Route(webhook.path, take, methods=["POST"])])
