"""`python -m gateway.unsent`: what could not be handed over, for staff; `--again` takes up what was given up.

A line: conversation (a name that leads back to nobody), what, since when, tries, last failure, whether it is still
tried. Nothing personal.
"""

from __future__ import annotations

import argparse
import sys
import time

from gateway import waiting
from gateway.chat import iso
from gateway.database import migrate, open_engine
from gateway.settings import Settings
from gateway.tokens import Tokens

_COLUMNS = "{:14}{:12}{:26}{:>6}  {:20}{}"


def main(arguments: list[str] | None = None) -> int:
    """Print the list; returns 1 if something was left to staff, else 0."""
    parser = argparse.ArgumentParser(prog="gateway.unsent", description=__doc__)
    parser.add_argument("--again", action="store_true", help="try again what was left to staff")
    again = parser.parse_args(arguments).again
    settings = Settings()
    engine = open_engine(settings.database_url)
    migrate(engine)
    tokens = Tokens(settings.session_key.get_secret_value())
    with engine.begin() as connection:
        taken_up = waiting.take_up_again(connection, time.time_ns() // 1_000_000) if again else 0
        listed = waiting.listed(connection)
    engine.dispose()
    lines = [_COLUMNS.format("conversation", "what", "since", "tries", "last failure", "state")]
    for item in listed:
        state = f"left to staff {iso(item.given_up)}" if item.given_up else "tried again by itself"
        name = tokens.label(item.conversation_id)
        lines.append(_COLUMNS.format(name, item.kind, iso(item.since), item.tries, item.error or "", state))
    sys.stdout.write("\n".join(lines if listed else ["Nothing waits to be sent."]) + "\n")
    if again:
        sys.stdout.write(f"{taken_up} taken up again.\n")
    return int(any(item.given_up for item in listed))


if __name__ == "__main__":
    sys.exit(main())
