"""What is delivered, and what can go wrong with it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from intake.store.documents import Document
from intake.store.outbox import Claimed


class NotDelivered(Exception):
    """It did not arrive, or nobody knows whether it did; to be tried again.

    Args:
        kind: What happened, without anything personal.
        retry_after: The other side wants to be left alone for so many seconds.
        channel_down: It has nothing to do with this request: the next one will hardly fare better.
        needs_somebody: No waiting helps; a setting is wrong, here or there.
    """

    def __init__(
        self, kind: str, *, retry_after: float = 0, channel_down: bool = False, needs_somebody: bool = False
    ) -> None:
        super().__init__(kind)
        self.kind = kind
        self.retry_after = retry_after
        self.channel_down = channel_down or needs_somebody
        self.needs_somebody = needs_somebody


class Bounced(Exception):
    """The office's side refused it for good.

    Args:
        kind: What it answered, without anything personal.
    """

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


@dataclass(frozen=True)
class Paper:
    """A paper with its file.

    Attributes:
        label: What kind of paper it is, in the language of the office.
    """

    document: Document
    label: str
    data: bytes


@dataclass(frozen=True)
class Parcel:
    """One outbox entry with everything that belongs to it.

    Attributes:
        event: ``request_stored``, ``papers_added``, ``request_withdrawn`` or ``request_erased``.
        at: When it happened.
        received_at: When the request came; of an erased one nobody knows any more.
        request: The answers; only of a stored request.
        form: The request as PDF; only of a stored request.
        papers: Those that go with this entry, in the order in which they came.
    """

    identifier: str
    event: str
    at: datetime
    tracking_number: str
    received_at: datetime | None = None
    request: Mapping[str, Any] | None = None
    form: bytes = b""
    papers: Sequence[Paper] = ()

    def fitting(self, most: int) -> tuple[list[Paper], list[Paper]]:
        """The papers that fit, and those that do not.

        Args:
            most: Bytes; the form always goes along and counts.
        """
        room = most - len(self.form)
        fit: list[Paper] = []
        left: list[Paper] = []
        for paper in self.papers:
            if len(paper.data) <= room:
                room -= len(paper.data)
                fit.append(paper)
            else:
                left.append(paper)
        return fit, left


def identifier(entry: Claimed) -> str:
    """A name of an outbox entry that is the same with every try and never comes again.

    The id alone would not do: SQLite may give that of an erased entry to a new one. What the office's side had sent
    back gets another name, as a receiver that keeps the names would drop it under the old one.
    """
    plain = f"{entry.id}/{entry.event}/{entry.tracking_number}/{entry.created_at.isoformat()}"
    if entry.resent:
        plain += f"/{entry.resent}"
    return f"{entry.id}-{hashlib.sha256(plain.encode()).hexdigest()[:24]}"


class Channel(Protocol):
    """A way to the office."""

    def send(self, parcel: Parcel) -> None:
        """Deliver it; returns when the other side has taken it over.

        Raises:
            NotDelivered: To be tried again.
            Bounced: Refused for good.
        """
