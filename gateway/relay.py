"""Sending later by itself what could not be handed over: round after round, with pauses that grow."""

from __future__ import annotations

import asyncio
import logging
import random
import time

from gateway import store, waiting
from gateway.chat import Chat
from gateway.turnstile import now_ms

log = logging.getLogger("gateway.relay")

_BATCH = 50
# Part of a pause by which it is made longer at random, so that not all come back at the same moment.
_JITTER = 0.25


class Relay:
    """Has the engine try again whatever waits. Several processes may do this on the same database.

    Args:
        chat: of which conversations.
    """

    def __init__(self, chat: Chat) -> None:
        self._chat = chat
        self._next_erasures = 0.0
        self._at_once = asyncio.Semaphore(chat.limits.unsent_at_once)

    def backoff(self, tries: int) -> int:
        """Milliseconds until the next try, after so many."""
        limits = self._chat.limits
        pause = limits.unsent_first_pause_seconds * 2 ** min(tries, 30)
        pause = min(pause, limits.unsent_longest_pause_seconds)
        return int(pause * 1000 * (1 + _JITTER * random.random()))  # noqa: S311 (only spreads the load)

    async def look(self) -> int:
        """One round; returns how many conversations had something due."""
        quiet = int(self._chat.limits.unsent_quiet_seconds * 1000)
        due = await self._chat.database.run(lambda c: waiting.due(c, now_ms(), quiet, _BATCH))
        await asyncio.gather(*(self._one(conversation_id) for conversation_id in due))
        return len(due)

    async def _finish_erasures(self) -> None:
        """Have the engine erase what it missed, now and then; the first that finds it away ends the round."""
        chat = self._chat
        if time.monotonic() < self._next_erasures:
            return
        self._next_erasures = time.monotonic() + chat.limits.unsent_first_pause_seconds
        for conversation_id in await chat.database.run(lambda c: store.pending_erasures(c, _BATCH)):
            if not await chat.erase_in_engine(conversation_id):
                return

    async def _one(self, conversation_id: str) -> None:
        async with self._at_once:
            await self._chat.try_unsent(conversation_id, self.backoff)

    async def keep_sending(self) -> None:
        """Round after round, until cancelled. A round that fails is logged; the next one comes."""
        limits = self._chat.limits
        while True:
            try:
                await self.look()
                await self._finish_erasures()
            except Exception:
                log.exception("sending later failed")
            await asyncio.sleep(min(limits.unsent_look_seconds, limits.unsent_first_pause_seconds))
