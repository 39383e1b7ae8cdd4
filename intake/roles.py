"""Who of the staff may do what."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Role(StrEnum):
    """What somebody of the staff is."""

    CASE_WORKER = "case_worker"
    SUPERVISOR = "supervisor"
    MANAGER = "manager"


class Permission(StrEnum):
    """What somebody of the staff may do."""

    READ_REQUESTS = "read_requests"
    CHANGE_REQUESTS = "change_requests"
    REOPEN_REQUESTS = "reopen_requests"
    HOLD_REQUESTS = "hold_requests"
    READ_OUTBOX = "read_outbox"
    CHANGE_OUTBOX = "change_outbox"
    READ_AUDIT = "read_audit"
    READ_FIGURES = "read_figures"


PERMISSIONS: Final[Mapping[Role, frozenset[Permission]]] = MappingProxyType(
    {
        Role.CASE_WORKER: frozenset({Permission.READ_REQUESTS, Permission.CHANGE_REQUESTS, Permission.READ_OUTBOX}),
        Role.SUPERVISOR: frozenset(Permission),
        # Figures only: no request, not even one.
        Role.MANAGER: frozenset({Permission.READ_FIGURES}),
    }
)


def may(role: Role, permission: Permission) -> bool:
    """Whether a role includes a permission."""
    return permission in PERMISSIONS[role]
