"""Who of the staff may do what: one table."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Role(StrEnum):
    """What somebody of the staff is."""

    CALL_TAKER = "call_taker"
    CASE_WORKER = "case_worker"
    SUPERVISOR = "supervisor"
    MANAGER = "manager"


class Permission(StrEnum):
    """What somebody of the staff may do in the console."""

    TAKE_CALLS = "take_calls"
    LOOK_UP = "look_up"
    CHANGE_ANSWERS = "change_answers"
    GIVE_CODES = "give_codes"
    OVERRIDE = "override"
    ERASE = "erase"
    CALL_BACK = "call_back"
    SEE_ALL_CALL_BACKS = "see_all_call_backs"
    SEE_URGENT = "see_urgent"
    SEE_CALLS = "see_calls"
    SEE_AUDIT = "see_audit"
    MANAGE_STAFF = "manage_staff"
    SEE_FIGURES = "see_figures"


_CALLS = frozenset(
    {
        Permission.TAKE_CALLS,
        Permission.LOOK_UP,
        Permission.CHANGE_ANSWERS,
        Permission.GIVE_CODES,
        Permission.OVERRIDE,
        Permission.ERASE,
        Permission.CALL_BACK,
    }
)

PERMISSIONS: Final[Mapping[Role, frozenset[Permission]]] = MappingProxyType(
    {
        Role.CALL_TAKER: _CALLS,
        Role.CASE_WORKER: _CALLS | {Permission.SEE_ALL_CALL_BACKS, Permission.SEE_URGENT},
        Role.SUPERVISOR: frozenset(Permission),
        # Figures only: no call, no case, no account.
        Role.MANAGER: frozenset({Permission.SEE_FIGURES}),
    }
)


def may(role: Role, permission: Permission) -> bool:
    """Whether a role includes a permission."""
    return permission in PERMISSIONS[role]
