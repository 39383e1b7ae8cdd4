"""The process that looks into one file and ends. It has no secrets, no network where the system allows that, little
memory and little time: whatever a hostile file does to it, it does to nobody else.

Standard input: a line of JSON, then the bytes. Standard output: a line of JSON, then the bytes of the result.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import resource
import sys
from typing import Any

_PARENT_DEATH_SIGNAL = 1
_NO_NEW_PRIVILEGES = 38
_KILL = 9
_OPEN_FILES = 64
_NICE = 5


def shut_in(memory_mib: int, seconds: int) -> None:
    """Limit this process before it reads a byte of a file that somebody sent."""
    memory = memory_mib * 1024 * 1024
    for what, most in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, _OPEN_FILES),
    ):
        resource.setrlimit(what, (most, most))
    os.nice(_NICE)
    library = ctypes.CDLL(None)
    library.prctl(_PARENT_DEATH_SIGNAL, _KILL, 0, 0, 0)
    library.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    # A network of its own, with nobody in it; not every system lets a process have that.
    for flags in (os.CLONE_NEWNET, os.CLONE_NEWUSER | os.CLONE_NEWNET):
        with contextlib.suppress(OSError):
            os.unshare(flags)
            break


def work(job: dict[str, Any], data: bytes) -> tuple[dict[str, Any], bytes]:
    """Do one job.

    Args:
        job: `do` (`clean` or `combine`) and what belongs to it; `limits` as in `PaperLimits`.
        data: The file, or for `combine` all pictures one behind the other.

    Raises:
        Refusal: The file is not taken.
    """
    from papers.limits import PaperLimits

    limits = PaperLimits(**job["limits"])
    if job["do"] == "combine":
        from papers.pdf import Sheet, combine

        sheets, position = [], 0
        for file_type, size in job["sheets"]:
            sheets.append(Sheet(data[position : position + size], file_type))
            position += size
        return {}, combine(sheets, job["title"], job["language"])
    if job["type"] == "pdf":
        from papers.pdf import clean_pdf

        clean, pages, armed = clean_pdf(data, limits)
        return {"type": "pdf", "pages": pages, "armed": armed}, clean
    from papers.pictures import clean_picture

    picture, file_type = clean_picture(data, job["type"], limits)
    return {"type": file_type, "pages": 1, "armed": False}, picture


def main() -> None:
    """Do the one job that stands on standard input."""
    job = json.loads(sys.stdin.buffer.readline())
    shut_in(job["limits"]["worker_memory_mib"], job["limits"]["worker_seconds"])
    from papers.refusal import Refusal

    try:
        head, result = work(job, sys.stdin.buffer.read())
    except Refusal as refusal:
        head, result = {"refused": refusal.reason}, b""
    except MemoryError:
        head, result = {"refused": "too_complex"}, b""
    sys.stdout.buffer.write(json.dumps(head).encode() + b"\n")
    sys.stdout.buffer.write(result)
    sys.stdout.buffer.flush()
    # Libraries that stumble over their own end must not spoil a result that is complete.
    os._exit(0)
