"""Commands of the intake backend: `python -m intake purge | staff-token | audit-check | deliveries | bounces`."""

from __future__ import annotations

import argparse
import getpass
import sys
from collections.abc import Callable, Mapping, Sequence

from sqlalchemy.exc import OperationalError

from intake.database import WrongKeys
from intake.delivery import DeliverySettings
from intake.delivery.bounces import read
from intake.delivery.parcel import identifier
from intake.roles import Role
from intake.settings import DataSettings
from intake.store import Store, audit
from intake.store.audit import Actor
from intake.store.members import NameTaken
from intake.store.returned import Verdict, report
from triage.content import Content
from vault import BadKeys


def purge(store: Store, chosen: argparse.Namespace) -> int:
    """Remove what has been kept long enough."""
    removed = store.retention.purge(chosen.dry_run)
    verb = "would be removed" if chosen.dry_run else "removed"
    _say(f"{verb}: {removed.requests} requests, {removed.feedback} feedbacks, {removed.keys} spent keys")
    if removed.held:
        _say(f"due, but kept by a legal hold: {removed.held} requests")
    return 0


def staff_token(store: Store, chosen: argparse.Namespace) -> int:
    """Let somebody of the staff in, or out."""
    by = Actor(getpass.getuser(), "command")
    if chosen.remove:
        if not store.staff.remove_member(chosen.name, by):
            _complain(f"Nobody named {chosen.name} is in.")
            return 1
        _say(f"{chosen.name} is out.")
        return 0
    if chosen.role is None:
        _complain(f"Which role? One of: {', '.join(Role)}")
        return 2
    try:
        token = store.staff.add_member(chosen.name, Role(chosen.role), by)
    except NameTaken:
        _complain(f"{chosen.name} is in already. Take them out first, or choose another name.")
        return 1
    _say(f"Token of {chosen.name} ({chosen.role}); it can't be shown again:\n{token}")
    return 0


def audit_check(store: Store, chosen: argparse.Namespace) -> int:
    """Check the audit trail."""
    verdict = audit.verify(store.transactions, chosen.last)
    if verdict.broken_at is not None:
        _complain(f"The audit trail was changed: entry {verdict.broken_at} does not follow from the one before.")
        return 1
    if not verdict.has_noted:
        _complain("The audit trail was cut off: the hash that was noted down is not in it any more.")
        return 1
    _say(f"{verdict.entries} entries, none changed. Note down elsewhere: {verdict.last_hash}")
    return 0


def deliveries(store: Store, chosen: argparse.Namespace) -> int:
    """Show what could not be delivered to the office, or try it again; 1 when something needs somebody."""
    stuck = store.outbox.stuck(_MOST_LISTED)
    if chosen.again:
        by = Actor(getpass.getuser(), "command")
        _say(f"tried again: {sum(store.staff.requeue_as(by, entry.id) for entry in stuck)}")
        return 0
    for entry in stuck:
        what = f"{entry.tracking_number}  {entry.event}  {entry.state}"
        _say(f"{entry.id:>6}  {what}  {entry.tries} tries  {entry.last_error}")
    _say(f"given up or refused: {len(stuck)}")
    return 1 if stuck else 0


def bounces(store: Store, _chosen: argparse.Namespace) -> int:
    """Take down what a mail on standard input says about a request that came back; nothing else changes anything."""
    recipient = DeliverySettings().mail_to or Content.load(DataSettings().content_dir).office.email
    bounce = read(sys.stdin.buffer.read(_MOST_READ), recipient)
    if bounce is None:
        _say("nothing changed: this mail does not say that one of ours failed for good")
        return 0
    by = Actor(getpass.getuser(), "command")
    verdict = report(
        store.transactions, bounce.entry, lambda entry: identifier(entry) == bounce.identifier, bounce.kind, by
    )
    _say(_VERDICTS[verdict].format(entry=bounce.entry, kind=bounce.kind))
    return _TRY_LATER if verdict is Verdict.EARLY else 0


COMMANDS: Mapping[str, Callable[[Store, argparse.Namespace], int]] = {
    "purge": purge,
    "staff-token": staff_token,
    "audit-check": audit_check,
    "deliveries": deliveries,
    "bounces": bounces,
}
_VERDICTS: Mapping[Verdict, str] = {
    Verdict.BOUNCED: "delivery {entry}: bounced ({kind})",
    Verdict.UNKNOWN: "nothing changed: no delivery of ours has this name",
    Verdict.UNCHANGED: "nothing changed: delivery {entry} is settled already",
    Verdict.EARLY: "delivery {entry} is under way: read this mail again later",
}
# "Temporary failure" of sysexits.h: a mail server keeps the mail and runs the command again.
_TRY_LATER = 75
# Far more than a mail of ours that comes back whole.
_MOST_READ = 64 * 1024 * 1024
_MOST_LISTED = 1000


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out one command; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("purge").add_argument("--dry-run", action="store_true", help="only count")
    token = commands.add_parser("staff-token")
    token.add_argument("name")
    token.add_argument("role", nargs="?", choices=[role.value for role in Role])
    token.add_argument("--remove", action="store_true", help="let them out instead")
    commands.add_parser("audit-check").add_argument("--last", help="a hash that an earlier check printed")
    commands.add_parser("bounces", help="read one mail from standard input")
    again = commands.add_parser("deliveries")
    again.add_argument("--again", action="store_true", help="try what was given up or refused again")
    chosen = parser.parse_args(arguments)
    settings = DataSettings()
    try:
        store = Store.open(settings, Content.load(settings.content_dir))
    except (BadKeys, WrongKeys) as error:
        _complain(str(error))
        return 1
    except OperationalError:
        return _no_database()
    try:
        return COMMANDS[chosen.command](store, chosen)
    except OperationalError:
        return _no_database()
    finally:
        store.close()


def _no_database() -> int:
    _complain("The database does not answer; nothing was done.")
    return _TRY_LATER


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def _complain(text: str) -> None:
    sys.stderr.write(f"{text}\n")


if __name__ == "__main__":
    sys.exit(main())
