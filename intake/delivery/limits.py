"""The numbers of the delivery, from ``content/delivery.yml``."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import timedelta
from pathlib import Path

import yaml

from triage.content import ContentError

FILE = "delivery.yml"


@dataclass(frozen=True)
class Limits:
    """How long is waited, how often it is tried, how much goes along; names say the unit.

    Attributes:
        grace_seconds: How long a request waits for its papers.
        lease_seconds: How long nobody else takes up what a worker has begun.
        tries: After so many it is given up, onto the list for the staff.
        attachments_max_mib: The most that is attached to one message, before it is encoded.
    """

    grace_seconds: float
    poll_seconds: float
    timeout_seconds: float
    lease_seconds: float
    first_pause_seconds: float
    longest_pause_seconds: float
    tries: int
    attachments_max_mib: float

    @classmethod
    def load(cls, folder: Path) -> Limits:
        """Read ``delivery.yml``.

        Raises:
            ContentError: It is missing, or a number is none.
        """
        try:
            table = yaml.safe_load((folder / FILE).read_text(encoding="utf-8"))["delivery"]
            values = {field.name: table[field.name]["value"] for field in fields(cls)}
        except (OSError, yaml.YAMLError, KeyError, TypeError) as error:
            raise ContentError(FILE, "delivery", f"not readable: {type(error).__name__}: {error}") from None
        for name, value in values.items():
            if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
                raise ContentError(FILE, f"delivery.{name}", "must be a positive number")
        return cls(**values)

    @property
    def lease(self) -> timedelta:
        """How long nobody else takes up what a worker has begun."""
        return timedelta(seconds=self.lease_seconds)

    @property
    def grace(self) -> timedelta:
        """How long a request waits for its papers."""
        return timedelta(seconds=self.grace_seconds)

    @property
    def attachments_max_bytes(self) -> int:
        """The most that is attached to one message, before it is encoded."""
        return int(self.attachments_max_mib * 1024 * 1024)
