"""Not faster than Telegram allows."""

from __future__ import annotations

import asyncio
import time
from collections import deque


class Pace:
    """So many events in any second, in the order in which they asked.

    Args:
        per_second: At most.
    """

    def __init__(self, per_second: int) -> None:
        self._per_second = per_second
        self._times: deque[float] = deque()
        self._lock = asyncio.Lock()

    async def take(self) -> None:
        """Wait until one more is allowed."""
        async with self._lock:
            if len(self._times) >= self._per_second:
                pause = self._times[0] + 1.0 - time.monotonic()
                if pause > 0:
                    await asyncio.sleep(pause)
                self._times.popleft()
            self._times.append(time.monotonic())


class Pauses:
    """So many seconds between two events with the same name."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._last: dict[str, float] = {}

    async def take(self, name: str) -> None:
        """Wait until the pause is over, and begin a new one."""
        pause = self._last.get(name, float("-inf")) + self._seconds - time.monotonic()
        if pause > 0:
            await asyncio.sleep(pause)
        now = time.monotonic()
        self._last[name] = now
        if len(self._last) > 1000:
            self._last = {key: at for key, at in self._last.items() if now - at < self._seconds}
