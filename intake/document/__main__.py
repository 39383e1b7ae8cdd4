"""``python -m intake.document FILE`` lists the fields of a fillable form, for whoever writes its mapping."""

from __future__ import annotations

import sys
from pathlib import Path

from intake.document.official import listing

if __name__ == "__main__":
    sys.stdout.write("".join(f"{line}\n" for line in listing(Path(sys.argv[1]))))
