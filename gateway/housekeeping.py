"""What has to be done from time to time: erase what has expired, finish erasures the engine missed, sweep up files."""

from __future__ import annotations

import asyncio
import logging

from sqlalchemy import Connection

from gateway import store
from gateway.chat import Chat
from gateway.handover import Handover
from gateway.turnstile import now_ms

log = logging.getLogger("gateway.housekeeping")

_BATCH = 200


async def tidy(chat: Chat, handover: Handover) -> None:
    """One round."""
    limits = chat.limits

    def expire(connection: Connection) -> int:
        now = now_ms()
        store.drop_cancelled(connection, now, limits.cancelled_replay_minutes)
        expired = store.expired_conversations(connection, now, limits.conversation_days, _BATCH)
        store.erase(connection, expired, now)
        return len(expired)

    erased = await chat.database.run(expire)
    waiting = await chat.database.run(lambda c: store.pending_erasures(c, _BATCH))
    for conversation_id in waiting:
        if not await chat.erase_in_engine(conversation_id):
            break
    orphans = await handover.sweep()
    await chat.database.forget_traces()
    if erased:
        log.info("expired conversations erased", extra={"count": erased})
        chat.changed.set()
    if orphans:
        log.warning("stored files without a document removed", extra={"count": orphans})


async def keep_tidy(chat: Chat, handover: Handover) -> None:
    """Round after round, until cancelled. A round that fails is logged; the next one comes."""
    while True:
        try:
            await tidy(chat, handover)
        except Exception:
            log.exception("housekeeping failed")
        await asyncio.sleep(chat.limits.housekeeping_minutes * 60)
