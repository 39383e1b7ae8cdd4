"""The office's present rule on earlier contact with USCIS: within 90 days, and 60 days given to answer.

Source: www.dhs.gov/case-assistance ("you must have contacted USCIS in the last 90 days and given the agency at
least 60 days to try to resolve your problem"); the numbers stand in ``content/settings.yml``.
"""
from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from triage.dates import last_day
from triage.facts import Facts
from triage.policy import Policy

# Looking at the status page asks USCIS nothing, so it starts no clock.
ASKING_CHANNELS = ("contact_center", "infopass")


@dataclass(frozen=True)
class ContactWindow:
    """How the last contact with USCIS stands to the rule.

    Attributes:
        kind: ``met``; ``too_recent`` (USCIS still has time to answer); ``too_old``; ``no_contact`` (only the
            status page was looked at, or nothing); ``unknown`` (contacted, day not known).
        contacted: Last day of contact.
        answer_until: Day until which USCIS has time to answer that contact.
        contact_since: Earliest day on which a contact still counts today.
    """

    kind: Literal["met", "too_recent", "too_old", "no_contact", "unknown"]
    contacted: date | None = None
    answer_until: date | None = None
    contact_since: date | None = None


def check_contact_window(facts: Facts, policy: Policy, today: date) -> ContactWindow:
    """Compare the latest contact with USCIS with the 90- and 60-day rule."""
    since = today - timedelta(days=policy.contact_max_age_days)
    used = [name for name in ASKING_CHANNELS if name in facts.channels_tried()]
    if not used:
        return ContactWindow("no_contact", contact_since=since)
    days = [min(last_day(value), today) for name in used if (value := getattr(facts, f"{name}_date"))]
    if not days:
        return ContactWindow("unknown", contact_since=since)
    contacted = max(days)
    until = contacted + timedelta(days=policy.contact_min_wait_days)
    if contacted < since:
        kind: Literal["met", "too_recent", "too_old"] = "too_old"
    elif today < until:
        kind = "too_recent"
    else:
        kind = "met"
    return ContactWindow(kind, contacted, until, since)
