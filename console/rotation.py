"""Change of the console's keys: everything that is sealed with another key than the current one is sealed anew.

Each row is done for itself, so that the console goes on working meanwhile and a broken-off run is simply run again.
"""

from __future__ import annotations

from sqlalchemy import Column, ColumnElement, Connection, LargeBinary, func, literal, select, update

from console.accounts import totp_place
from console.calls import call_place
from console.database import Database
from console.sign_on import sign_on_place
from console.tables import calls, sign_ons, staff
from vault import BadKeys, Vault, new_key

_BATCH = 100
# Every sealed column, the key of its row, and where a row's content belongs.
_SEALED = (
    (staff.c.totp, staff.c.id, totp_place),
    (staff.c.totp_new, staff.c.id, totp_place),
    (sign_ons.c.sealed, sign_ons.c.state_hash, sign_on_place),
    (calls.c.sealed, calls.c.id, call_place),
)


def pending(database: Database, vault: Vault) -> int:
    """How many things are sealed with another key than the current one."""

    def count(connection: Connection) -> int:
        return sum(connection.scalar(select(func.count()).where(_old(vault, sealed))) or 0 for sealed, _, _ in _SEALED)

    return database.do(count)


def rotate(database: Database, vault: Vault) -> int:
    """Seal everything with the current key, after making a new one where nothing is left from an earlier change.

    Returns:
        How many things were sealed anew.

    Raises:
        VaultError: Something can't be opened with any of the keys. What was done before stays done.
    """
    ring = vault.ring
    if ring.path is not None and not pending(database, vault):
        ring.change(lambda keys: (new_key(key.id for key in keys), *keys))
    done = 0
    while changed := database.do(lambda connection: _reseal(connection, vault)):
        done += changed
    return done


def drop_old(database: Database, vault: Vault) -> int:
    """Forget every key but the current one.

    Returns:
        How many were forgotten.

    Raises:
        BadKeys: Something is still sealed with one of them, or the keys are not in a file; its text is a key of the
            console's words.
    """
    if vault.ring.path is None:
        raise BadKeys("keys_in_setting")
    if pending(database, vault):
        raise BadKeys("keys_needed")
    before = len(vault.ring.present())
    return before - len(vault.ring.change(lambda keys: keys[:1]))


def _reseal(connection: Connection, vault: Vault) -> int:
    done = 0
    for sealed, key, place in _SEALED:
        for row in connection.execute(select(key, sealed).where(_old(vault, sealed)).limit(_BATCH)).all():
            fresh = vault.seal(vault.open(row[1], place(row[0])), place(row[0]))
            # Who changed it meanwhile has sealed it with the current key.
            connection.execute(update(key.table).where(key == row[0], sealed == row[1]).values({sealed.name: fresh}))
            done += 1
    return done


def _old(vault: Vault, sealed: Column[bytes]) -> ColumnElement[bool]:
    # Nothing is neither equal nor unequal: columns that are empty are left out.
    prefix = vault.current_prefix
    return func.substr(sealed, 1, len(prefix), type_=LargeBinary) != literal(prefix, LargeBinary)
