"""Counting requests in a sliding window, per address or per conversation."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable


class SlidingWindow:
    """At most `limit` events per key within `seconds`. Lives in memory; keys must not be personal data.

    Args:
        clock: seconds that only grow.
    """

    def __init__(self, limit: int, seconds: float = 60.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit = limit
        self._seconds = seconds
        self._clock = clock
        self._events: dict[str, deque[float]] = {}
        self._swept_at = clock()

    def wait(self, key: str) -> int:
        """Whole seconds until one more event is allowed; 0 means now."""
        events = self._recent(key)
        if len(events) < self._limit:
            return 0
        return max(1, math.ceil(events[-self._limit] + self._seconds - self._clock()))

    def add(self, key: str) -> None:
        """Count one event."""
        self._sweep()
        self._events.setdefault(key, deque()).append(self._clock())

    def take(self, key: str) -> int:
        """Count one event if it is allowed and return 0, else return the seconds to wait."""
        seconds = self.wait(key)
        if seconds == 0:
            self.add(key)
        return seconds

    def _recent(self, key: str) -> deque[float]:
        events = self._events.get(key, deque())
        oldest = self._clock() - self._seconds
        while events and events[0] <= oldest:
            events.popleft()
        return events

    def _sweep(self) -> None:
        now = self._clock()
        if now - self._swept_at > self._seconds:
            self._swept_at = now
            for key in [key for key in self._events if not self._recent(key)]:
                del self._events[key]
