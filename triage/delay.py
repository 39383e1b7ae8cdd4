"""Is a case pending beyond the normal processing time?

Source: the Ombudsman's leaflet, third ground ("pending beyond USCIS's average processing time"); the posted
times stand in ``content/processing_times.yml``.
"""
from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from triage.dates import add_months, last_day
from triage.policy import Policy

Verified = Literal["unknown"] | bool


@dataclass(frozen=True)
class DelayCheck:
    """Result of the check.

    Attributes:
        verified: ``True`` beyond the normal time, ``False`` inside it, ``"unknown"`` when no time is posted.
        ask_from: First day on which the case is beyond the normal time, when there is a posted time.
        months: The posted time used.
    """

    verified: Verified
    ask_from: date | None = None
    months: float | None = None


def check_delay(form_type: str | None, filing_date: str | None, policy: Policy, today: date) -> DelayCheck:
    """Compare a filing date with the posted time of a form.

    A month alone counts from its last day: nobody is told to ask too early.

    Args:
        form_type: Such as ``I-485``.
        filing_date: ISO date or month.
        policy: Holds the posted times.
        today: The day on which the person asks.
    """
    months = policy.posted_months.get(form_type) if form_type else None
    if months is None or not filing_date:
        return DelayCheck("unknown", None, months)
    end_of_normal_time = add_months(last_day(filing_date), months)
    return DelayCheck(today > end_of_normal_time, end_of_normal_time + timedelta(days=1), months)
