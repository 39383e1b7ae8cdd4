"""Not faster than Telegram allows.

Both count from the end of a call: when it was over, Telegram had counted the message. Whatever a line or a busy machine
adds to single calls, none arrives there too early.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Pace:
    """So many calls in any second, in the order in which they asked.

    Args:
        per_second: At most.
    """

    def __init__(self, per_second: int) -> None:
        self._places = asyncio.Semaphore(per_second)

    @asynccontextmanager
    async def one(self) -> AsyncIterator[None]:
        """Wait until one more is allowed, and make it inside."""
        await self._places.acquire()
        try:
            yield
        finally:
            asyncio.get_running_loop().call_later(1.0, self._places.release)


class Pauses:
    """So many seconds between two calls with the same name, which are not made side by side."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._last: dict[str, float] = {}

    @asynccontextmanager
    async def one(self, name: str) -> AsyncIterator[None]:
        """Wait until the pause is over, and make the call inside."""
        pause = self._last.get(name, float("-inf")) + self._seconds - time.monotonic()
        if pause > 0:
            await asyncio.sleep(pause)
        try:
            yield
        finally:
            now = time.monotonic()
            self._last[name] = now
            if len(self._last) > 1000:
                self._last = {key: at for key, at in self._last.items() if now - at < self._seconds}
