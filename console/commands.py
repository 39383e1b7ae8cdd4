"""Commands for whoever runs the installation: `python -m console.commands staff-user NAME ROLE`, or `rotate-keys`."""

from __future__ import annotations

import argparse
import getpass
import sys
from collections.abc import Sequence

from console import accounts, proofs, rotation
from console.accounts import BadAccount
from console.database import Database, migrate
from console.roles import Role
from console.settings import KEY_FILE, WORDS, Limits, Settings, load_limits
from console.words import Words
from vault import BadKeys, VaultError


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out one command; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    user = commands.add_parser("staff-user", help="make an account, or give it another role and password")
    user.add_argument("name")
    user.add_argument("role", nargs="?", choices=[role.value for role in Role])
    user.add_argument("--ask", action="store_true", help="ask for the password instead of making one")
    user.add_argument("--remove", action="store_true", help="close the account")
    keys = commands.add_parser("rotate-keys", help="seal what the console keeps with a new key")
    keys.add_argument("--drop-old", action="store_true", help="forget the keys that nothing needs any more")
    chosen = parser.parse_args(arguments)
    if chosen.command == "rotate-keys":
        return _rotate(Words(WORDS), Settings(), drop_old=chosen.drop_old)
    words, limits = Words(WORDS), load_limits()
    database = Database(Settings().database_url)
    try:
        migrate(database.engine)
        name = accounts.clean_name(chosen.name)
        if chosen.remove:
            return _remove(database, words, name)
        if chosen.role is None:
            sys.stderr.write(f"{words('first_account')}\n")
            return 2
        password = _ask(words, limits) if chosen.ask else proofs.new_password()
        hashed = proofs.hash_password(password)
        database.do(lambda connection: accounts.make(connection, name, Role(chosen.role), hashed))
    except BadAccount as bad:
        sys.stderr.write(f"{words(str(bad), minimum=limits.password_min_chars)}\n")
        return 1
    finally:
        database.close()
    sys.stdout.write(words("account_made", name=name, role=words(f"role_{chosen.role}")) + "\n")
    if not chosen.ask:
        sys.stdout.write(words("password_once", password=password) + "\n")
    return 0


def _ask(words: Words, limits: Limits) -> str:
    password = getpass.getpass(f"{words('password')}: ")
    accounts.check_password(password, limits)
    if getpass.getpass(f"{words('password_again')}: ") != password:
        raise BadAccount("passwords_differ")
    return password


def _rotate(words: Words, settings: Settings, *, drop_old: bool) -> int:
    if not settings.keys.get_secret_value() and not (settings.data_dir / KEY_FILE).exists():
        sys.stdout.write(f"{words('keys_none')}\n")
        return 0
    database = Database(settings.database_url)
    try:
        migrate(database.engine)
        vault = settings.vault()
        count = (rotation.drop_old if drop_old else rotation.rotate)(database, vault)
    except BadKeys as bad:
        sys.stderr.write(f"{words(str(bad)) if str(bad) in words else bad}\n")
        return 1
    except VaultError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    finally:
        database.close()
    sys.stdout.write(words("keys_dropped" if drop_old else "keys_changed", count=count) + "\n")
    return 0


def _remove(database: Database, words: Words, name: str) -> int:
    member = database.do(lambda connection: accounts.find(connection, name))
    if member is None:
        sys.stderr.write(f"{words('no_account')}\n")
        return 1
    database.do(lambda connection: accounts.change(connection, member.id, member.id, active=False))
    sys.stdout.write(f"{words('account_closed', name=name)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
