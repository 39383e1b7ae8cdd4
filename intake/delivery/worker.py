"""Takes what is due from the outbox, delivers it, and writes down how it went.

Any number of workers may run. A worker holds no transaction while it sends; when it is killed, its claim runs out and
another takes over, so that a request may arrive twice, each time under the same name.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from intake.delivery.limits import Limits
from intake.delivery.mail import MailChannel
from intake.delivery.parcel import Bounced, Channel, NotDelivered, Paper, Parcel, identifier
from intake.delivery.settings import DeliverySettings
from intake.delivery.webhook import WebhookChannel
from intake.document import Document
from intake.store import Status, Store
from intake.store.base import WITHDRAWN
from intake.store.outbox import (
    PAPERS_ADDED,
    REQUEST_ERASED,
    REQUEST_STORED,
    REQUEST_WITHDRAWN,
    Claimed,
    LostClaim,
)
from triage.content import Content

log = logging.getLogger("intake")

_JITTER = 0.25
_SUBMITTED = "submitted"


def open_channel(
    settings: DeliverySettings, content: Content, limits: Limits, clock: Callable[[], datetime]
) -> Channel | None:
    """The way to the office that the settings name; None when nothing is delivered and the agency fetches for itself.

    Raises:
        OSError: The file with authorities can't be read.
    """
    if settings.channel == "email":
        return MailChannel(settings, settings.mail_to or content.office.email, limits)
    if settings.channel == "webhook":
        return WebhookChannel(settings, limits, clock)
    return None


class Deliverer:
    """Delivers one entry after another.

    Args:
        store: The database.
        document: Writes requests as PDF.
        content: What papers are called.
        channel: The way to the office.
        limits: Numbers.
        clock: The present moment.
    """

    def __init__(
        self,
        store: Store,
        document: Document,
        content: Content,
        channel: Channel,
        limits: Limits,
        clock: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._outbox = store.outbox
        self._document = document
        self._language = content.office.request_language
        self._labels = {item.key: item.label for item in content.documents}
        self._channel = channel
        self._limits = limits
        self._clock = clock

    def step(self) -> bool:
        """Deliver one entry that is due.

        Returns:
            Whether it is worth going on at once: there was one, and the way to the office is not down.
        """
        claimed = self._outbox.claim(1, self._limits.lease, self._limits.grace)
        if not claimed:
            return False
        (entry,) = claimed
        try:
            return self._deliver(entry)
        except LostClaim:
            # Erased meanwhile, or it took longer than the lease and another worker has it.
            log.warning("delivery %d: no longer ours", entry.id)
            return True

    def _deliver(self, entry: Claimed) -> bool:
        if entry.tries > self._limits.tries:
            # Whoever had it last did not live to say how it went.
            self._fail(entry, NotDelivered("no_result"))
            return True
        try:
            parcel = self._parcel(entry)
            if parcel is None:
                self._outbox.mark_not_needed(entry)
                return True
            self._channel.send(parcel)
        except NotDelivered as problem:
            self._fail(entry, problem)
            return not problem.channel_down
        except Bounced as problem:
            log.error("delivery %d: refused for good: %s", entry.id, problem.kind)
            self._outbox.mark_bounced(entry, problem.kind)
        except Exception as error:
            # Whatever is wrong with this one must not keep the others from being delivered.
            self._fail(entry, NotDelivered(type(error).__name__))
        else:
            self._outbox.mark_delivered(entry)
            log.info("delivery %d: done", entry.id)
        return True

    def _fail(self, entry: Claimed, problem: NotDelivered) -> None:
        if problem.needs_somebody:
            log.error("ALARM delivery %d: a setting is wrong, here or at the office: %s", entry.id, problem.kind)
        if entry.tries >= self._limits.tries:
            log.error("delivery %d: given up after %d tries: %s", entry.id, self._limits.tries, problem.kind)
            self._outbox.mark_failed(entry, problem.kind, None)
            return
        log.warning("delivery %d: try %d failed: %s", entry.id, entry.tries, problem.kind)
        pause = max(self._pause(entry.tries), problem.retry_after)
        self._outbox.mark_failed(entry, problem.kind, self._clock() + timedelta(seconds=pause))

    def _pause(self, tries: int) -> float:
        doubled = self._limits.first_pause_seconds * 2.0 ** min(tries - 1, 32)
        return min(doubled, self._limits.longest_pause_seconds) * random.uniform(1, 1 + _JITTER)  # noqa: S311

    def _parcel(self, entry: Claimed) -> Parcel | None:
        """Everything that belongs to an entry; None when nobody has to be told any more."""
        name = identifier(entry)
        if entry.event == REQUEST_ERASED:
            return Parcel(name, entry.event, entry.created_at, entry.tracking_number)
        found = self._store.requests.payload(entry.tracking_number)
        if found is None:
            raise LostClaim
        status, payload = found
        parcel = Parcel(name, entry.event, entry.created_at, status.tracking_number, status.received_at)
        if entry.event == REQUEST_WITHDRAWN:
            return parcel
        if status.outcome != _SUBMITTED or status.status == WITHDRAWN:
            return None
        papers = self._papers(entry, status)
        if entry.event == PAPERS_ADDED:
            return replace(parcel, papers=papers) if papers else None
        if entry.event != REQUEST_STORED:
            raise NotDelivered("unknown_event")
        form = self._document.pdf(status, payload, part="office")
        return replace(parcel, request=payload, form=form, papers=papers)

    def _papers(self, entry: Claimed, status: Status) -> list[Paper]:
        return [
            Paper(one, self._label(one.kind), data)
            for one, data in self._store.documents.contents(status.tracking_number, entry.id)
        ]

    def _label(self, kind: str) -> str:
        label = self._labels.get(kind)
        return kind if label is None else label[self._language]
