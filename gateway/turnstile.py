"""One at a time per conversation: in line within this process, by a lease in the database among processes."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable

from gateway import store
from gateway.database import Database
from gateway.settings import Limits

_POLL_SECONDS = 0.02


class TurnWaitedTooLong(Exception):
    """Earlier messages of the conversation took all the time there was."""


class ConversationGone(Exception):
    """The conversation was erased meanwhile."""


def now_ms() -> int:
    """Milliseconds since 1970, UTC."""
    return time.time_ns() // 1_000_000


class Turnstile:
    """Runs pieces of work so that no two of the same conversation overlap, in any process on the same database."""

    def __init__(self, database: Database, limits: Limits) -> None:
        self._database = database
        self._length = int(limits.turn_lease_seconds * 1000)
        self._wait_seconds = limits.turn_wait_seconds
        self._last: dict[str, asyncio.Task[object]] = {}

    def new_lease(self) -> store.Lease:
        """A lease that nobody else has."""
        return store.Lease(secrets.token_hex(8), self._length)

    def is_free(self, conversation_id: str) -> bool:
        """Whether nothing of this conversation runs or waits in this process."""
        return conversation_id not in self._last

    def enter[T](
        self,
        conversation_id: str,
        work: Callable[[store.Lease], Awaitable[T]],
        leased: store.Lease | None = None,
    ) -> asyncio.Task[T]:
        """Start `work` when it is its turn. It goes on to its end, whoever stops waiting for it.

        Args:
            work: gets the lease and gives it back with the last thing it stores. If it fails, that is done for it.
            leased: a lease that was taken before; the work then begins at once.

        Raises:
            TurnWaitedTooLong, ConversationGone: through the task.
        """
        task = asyncio.create_task(self._run(conversation_id, work, leased, self._last.get(conversation_id)))
        self._last[conversation_id] = task
        task.add_done_callback(lambda done: self._leave(conversation_id, done))
        return task

    def _leave(self, conversation_id: str, task: asyncio.Task[object]) -> None:
        if self._last.get(conversation_id) is task:
            del self._last[conversation_id]
        if not task.cancelled():
            # Somebody may have stopped waiting: then nobody else looks at what went wrong.
            task.exception()

    async def finish_all(self) -> None:
        """Wait for everything that has begun."""
        while self._last:
            await asyncio.wait(list(self._last.values()))

    async def _run[T](
        self,
        conversation_id: str,
        work: Callable[[store.Lease], Awaitable[T]],
        leased: store.Lease | None,
        previous: asyncio.Task[object] | None,
    ) -> T:
        lease = leased or await self._wait(conversation_id, previous)
        renewal = asyncio.create_task(self._renew(conversation_id, lease))
        try:
            return await work(lease)
        except BaseException:
            await self._database.run(lambda connection: store.release_lease(connection, conversation_id, lease))
            raise
        finally:
            renewal.cancel()

    async def _wait(self, conversation_id: str, previous: asyncio.Task[object] | None) -> store.Lease:
        lease = self.new_lease()
        deadline = time.monotonic() + self._wait_seconds
        if previous is not None:
            _, waiting = await asyncio.wait([previous], timeout=self._wait_seconds)
            if waiting:
                raise TurnWaitedTooLong
        while True:
            if await self._database.run(lambda c: store.take_lease(c, conversation_id, lease, now_ms())):
                return lease
            if not await self._database.run(lambda c: store.conversation_exists(c, conversation_id)):
                raise ConversationGone
            if time.monotonic() > deadline:
                raise TurnWaitedTooLong
            await asyncio.sleep(_POLL_SECONDS)

    async def _renew(self, conversation_id: str, lease: store.Lease) -> None:
        while True:
            await asyncio.sleep(lease.length / 3000)
            await self._database.run(lambda c: store.renew_lease(c, conversation_id, lease, now_ms()))
