"""What the person has told so far: the only input of a triage decision besides policy and date."""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

HARDSHIP = "hardship"
UNRESOLVED = "unresolved"
DELAY = "delay"
USCIS_ERROR = "uscis_error"
GROUNDS = (HARDSHIP, UNRESOLVED, DELAY, USCIS_ERROR)

CHANNELS = ("contact_center", "case_status_online", "infopass")
TRIED = "tried"
NOT_TRIED = "not_tried"

ROLES = ("applicant", "petitioner", "employer", "attorney", "representative", "family")
OWN_CASE_ROLES = ("applicant", "petitioner")
DELIVERIES = ("online", "email", "fax", "mail")
NONE = "none"

# What the person came for when it is not (yet) a problem with a case at USCIS.
CONCERNS = ("legal_advice", "other_agency", "disagreement", "feedback")


@dataclass(frozen=True)
class Facts:
    """One person's answers. ``None`` means not known yet; every name is also the slot's name.

    Dates are ISO texts, ``YYYY-MM-DD``, or ``YYYY-MM`` when only the month is known.

    Attributes:
        grounds: What the person claims, a subset of ``GROUNDS``; what holds is in ``Decision.grounds``.
        receipt_numbers: Numbers of 13 characters, or ``("none",)`` when USCIS never issued one.
        date_of_birth: ISO date, or ``"none"`` for a company.
        concern: Why the person came, when it lies outside the four grounds (one of ``CONCERNS``).
        concern_settled: The person was asked and names nothing beyond ``concern``.
        waiting_only: Answer to "is there a problem besides waiting?", asked inside the normal time.
        wants_human: The person asked for a human being and has not gone on since.
        stopped: The person cancelled the request and confirmed it.
        reviewed: The person saw every answer and said yes; any later change takes it back.
        tracking_number: Given by the intake backend, so it proves that the request is stored.
        feedback_stored: The intake backend has stored ``feedback_text``.
    """

    grounds: tuple[str, ...] = ()
    form_type: str | None = None
    filing_date: str | None = None
    hardship_detail: str | None = None
    contact_center: str | None = None
    contact_center_date: str | None = None
    contact_center_detail: str | None = None
    case_status_online: str | None = None
    case_status_online_date: str | None = None
    case_status_online_detail: str | None = None
    infopass: str | None = None
    infopass_date: str | None = None
    infopass_detail: str | None = None
    receipt_numbers: tuple[str, ...] | None = None
    requester_role: str | None = None
    full_name: str | None = None
    date_of_birth: str | None = None
    a_number: str | None = None
    email: str | None = None
    phone: str | None = None
    mailing_address: str | None = None
    representative_name: str | None = None
    problem_description: str | None = None
    documents: tuple[str, ...] | None = None
    delivery: str | None = None
    consent: bool | None = None
    signature_name: str | None = None
    feedback_text: str | None = None
    concern: str | None = None
    concern_settled: bool = False
    waiting_only: bool | None = None
    wants_human: bool = False
    stopped: bool = False
    reviewed: bool = False
    tracking_number: str | None = None
    feedback_stored: bool = False
    skipped: frozenset[str] = frozenset()

    def known(self, slot: str) -> bool:
        """Whether ``slot`` has an answer (``False`` is an answer, an empty text is none)."""
        value = getattr(self, slot)
        return value is False or bool(value)

    def settled(self, slot: str) -> bool:
        """Whether ``slot`` needs no more asking: answered or passed over."""
        return self.known(slot) or slot in self.skipped

    def channels_tried(self) -> tuple[str, ...]:
        """The USCIS channels that were used already."""
        return tuple(name for name in CHANNELS if getattr(self, name) == TRIED)

    @property
    def by_company(self) -> bool:
        """Whether the petitioner is a company: it has a name and no date of birth."""
        return self.requester_role == "employer"


def facts_from(values: Mapping[str, Any]) -> Facts:
    """Build ``Facts`` from slot values.

    Args:
        values: Slot name to value; lists become tuples, unknown names are left out.
    """
    known = {field.name for field in fields(Facts)}
    taken: dict[str, Any] = {}
    for name, value in values.items():
        if name not in known or value is None:
            continue
        if name == "skipped":
            taken[name] = frozenset(value)
        elif name == "receipt_numbers" and isinstance(value, str):
            taken[name] = (value,)
        elif isinstance(value, list):
            taken[name] = tuple(value)
        else:
            taken[name] = value
    return Facts(**taken)
