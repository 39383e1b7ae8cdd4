"""``python -m intake.document FILE`` lists the fields of a fillable form, for whoever writes its mapping.

``python -m intake.document --check [FOLDER]`` compares the mapping of a folder (``content/forms``) with the form in it;
the exit code is 1 when the mapping names what the form does not have.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from intake.document.official import compare, listing
from intake.settings import ROOT

_FORMS = ROOT / "content" / "forms"


def main(arguments: Sequence[str] | None = None) -> int:
    """List or compare; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m intake.document", description=__doc__)
    parser.add_argument("path", type=Path, nargs="?", default=_FORMS, metavar="FILE or FOLDER")
    parser.add_argument("--check", action="store_true", help="compare the mapping of a folder with its form")
    chosen = parser.parse_args(arguments)
    if not chosen.check and not chosen.path.is_dir():
        _say(listing(chosen.path))
        return 0
    try:
        found = compare(chosen.path)
    except FileNotFoundError as error:
        sys.stderr.write(f"There is no {error.filename}.\n")
        return 2
    _say([f"missing in the form: {name}" for name in found.missing])
    _say([f"of another kind in the form: {name}" for name in found.wrong_kind])
    _say([f"not used by the mapping: {name}" for name in found.unused])
    _say([f"{found.used} fields fit; missing {len(found.missing)}, other kind {len(found.wrong_kind)}"])
    return 1 if found.missing or found.wrong_kind else 0


def _say(lines: Sequence[str]) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))


if __name__ == "__main__":
    sys.exit(main())
