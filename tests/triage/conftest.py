"""Facts and numbers shared by the tests of the decisions."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from triage import Policy

TODAY = date(2026, 11, 24)
COMPLETE: dict[str, Any] = {
    "grounds": ["uscis_error"],
    "form_type": "I-485",
    "contact_center": "tried",
    "contact_center_date": "2026-09-10",
    "contact_center_detail": "x",
    "case_status_online": "not_tried",
    "infopass": "not_tried",
    "receipt_numbers": ["IOE0912345678"],
    "requester_role": "applicant",
    "full_name": "Li Wei",
    "date_of_birth": "1985-03-27",
    "a_number": "A012345678",
    "email": "li@example.com",
    "mailing_address": "1 Elm St",
    "problem_description": "x",
    "documents": ["receipt"],
    "delivery": "online",
    "consent": True,
    "signature_name": "Li Wei",
    "reviewed": True,
}


@pytest.fixture
def today() -> date:
    return TODAY


@pytest.fixture
def policy() -> Policy:
    return Policy(posted_months={"I-485": 12, "N-400": 7, "I-765": 5})
