"""One message at a time for each conversation, inside one process or across several.

Rasa's own Redis lock reads, changes and writes its tickets without holding them, so that two processes can draw the
same ticket; and all its locks look only once a second whether they are free.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import Any

from rasa.core.lock import TicketLock
from rasa.core.lock_store import LockError, LockStore
from rasa.utils.endpoints import EndpointConfig

_HOLD_SECONDS = 60
_WAIT_SECONDS = 30
_POLL_SECONDS = 0.02


class LocalLockStore(LockStore):
    """Locks of one process; whoever comes first is served first."""

    def __init__(self) -> None:
        self._locks: dict[str, asyncio.Lock] = {}
        self._users: dict[str, int] = {}

    @asynccontextmanager
    async def lock(
        self,
        conversation_id: str,
        lock_lifetime: float = _HOLD_SECONDS,
        wait_time_in_seconds: float = _POLL_SECONDS,
    ) -> AsyncGenerator[TicketLock, None]:
        """Hold the conversation; raises :class:`LockError` after half a minute of waiting."""
        lock = self._locks.setdefault(conversation_id, asyncio.Lock())
        self._users[conversation_id] = self._users.get(conversation_id, 0) + 1
        try:
            try:
                await asyncio.wait_for(lock.acquire(), _WAIT_SECONDS)
            except asyncio.TimeoutError:
                raise LockError("the conversation is busy") from None
            try:
                yield TicketLock(conversation_id)
            finally:
                lock.release()
        finally:
            self._users[conversation_id] -= 1
            if not self._users[conversation_id]:
                del self._users[conversation_id], self._locks[conversation_id]


class AtomicRedisLockStore(LockStore):
    """Locks shared by several processes; a lock whose holder died ends by itself.

    Args:
        url: Redis URL, such as ``redis://127.0.0.1:6379/1``.
    """

    def __init__(self, url: str) -> None:
        from redis.asyncio import Redis

        self._redis: Any = Redis.from_url(url, socket_timeout=_WAIT_SECONDS)

    @asynccontextmanager
    async def lock(
        self,
        conversation_id: str,
        lock_lifetime: float = _HOLD_SECONDS,
        wait_time_in_seconds: float = _POLL_SECONDS,
    ) -> AsyncGenerator[TicketLock, None]:
        """Hold the conversation; raises :class:`LockError` when it stays busy or Redis fails."""
        from redis.exceptions import LockNotOwnedError, RedisError

        lock = self._redis.lock(
            f"conversation:{conversation_id}",
            timeout=lock_lifetime,
            sleep=_POLL_SECONDS,
            blocking_timeout=_WAIT_SECONDS,
        )
        try:
            held = await lock.acquire()
        except RedisError as error:
            raise LockError(f"the lock server failed ({type(error).__name__})") from None
        if not held:
            raise LockError("the conversation is busy")
        try:
            yield TicketLock(conversation_id)
        finally:
            with suppress(LockNotOwnedError):
                await lock.release()


class ConversationLockStore(LockStore):
    """The lock store chosen by the endpoint's ``url``: Redis if there is one, else the process itself."""

    def __new__(cls, endpoint_config: EndpointConfig | None = None) -> Any:
        """Return one of the two stores."""
        url = endpoint_config.url if endpoint_config else None
        return AtomicRedisLockStore(url) if url else LocalLockStore()
