"""The numbers a decision needs, taken out of the content files and handed in."""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Policy:
    """Numbers with a date, from ``content/``.

    Attributes:
        posted_months: USCIS form to its posted processing time in months.
        contact_max_age_days: The last contact with USCIS should not be older than this.
        contact_min_wait_days: USCIS should have had this many days to answer.
        contact_window_binding: Whether the two numbers above stop a request or are only told.
    """

    posted_months: Mapping[str, float] = field(default_factory=dict)
    contact_max_age_days: int = 90
    contact_min_wait_days: int = 60
    contact_window_binding: bool = False
