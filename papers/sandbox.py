"""Has files looked into by a process of its own (`papers.worker`), and stops waiting for it after a while."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from papers.kinds import FileType
from papers.limits import PaperLimits
from papers.refusal import Refusal

_ROOT = Path(__file__).resolve().parent.parent
_PROGRAM = "import sys; sys.path.insert(0, sys.argv[1]); from papers.worker import main; main()"
# Processor seconds are limited inside; this is for a process that waits instead of working.
_WALL_FACTOR = 3
# A result is never much larger than the largest file; more is no result.
_RESULT_FACTOR = 4


@dataclass(frozen=True)
class Cleaned:
    """A file made harmless.

    Attributes:
        armed: Something that acts (a script, an attachment) was taken out.
    """

    data: bytes
    file_type: FileType
    pages: int
    armed: bool


class Sandbox:
    """Runs one job per process, a few at the same time.

    Args:
        limits: Numbers.
    """

    def __init__(self, limits: PaperLimits) -> None:
        self._limits = limits
        self._places = asyncio.Semaphore(limits.documents_at_once)

    async def clean(self, chunks: Iterable[bytes], file_type: FileType) -> Cleaned:
        """A file made harmless and readable.

        Args:
            chunks: The file, read once.
            file_type: What it is.

        Raises:
            Refusal: It is not taken.
        """
        head, data = await self._run({"do": "clean", "type": file_type}, chunks)
        return Cleaned(data, head["type"], head["pages"], head["armed"])

    async def combine(self, sheets: list[tuple[FileType, bytes]], title: str, language: str) -> bytes:
        """One PDF of several cleaned pictures, in their order.

        Raises:
            Refusal: They can't be put together.
        """
        sizes = [(file_type, len(data)) for file_type, data in sheets]
        job = {"do": "combine", "sheets": sizes, "title": title, "language": language}
        return (await self._run(job, (data for _, data in sheets)))[1]

    async def _run(self, job: dict[str, Any], chunks: Iterable[bytes]) -> tuple[dict[str, Any], bytes]:
        line = json.dumps({**job, "limits": asdict(self._limits)}).encode() + b"\n"
        async with self._places:
            worker = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-I", "-B", "-X", "utf8", "-c", _PROGRAM, str(_ROOT)),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                # Nothing of ours: no secrets, no addresses.
                env={"PATH": os.defpath, "LANG": "C.UTF-8", "OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "1"},
                cwd="/",
                start_new_session=True,
            )
            try:
                async with asyncio.timeout(self._limits.worker_seconds * _WALL_FACTOR):
                    _, answer = await asyncio.gather(_give(worker, line, chunks), self._take(worker))
                    await worker.wait()
            except TimeoutError:
                raise Refusal("too_complex") from None
            finally:
                if worker.returncode is None:
                    with contextlib.suppress(ProcessLookupError):
                        worker.kill()
                    await worker.wait()
        first, _, data = answer.partition(b"\n")
        try:
            head = json.loads(first)
        except ValueError:
            # It died on the way: out of time or memory, or a decoder crashed.
            raise Refusal("too_complex" if worker.returncode and worker.returncode < 0 else "damaged") from None
        if "refused" in head:
            raise Refusal(head["refused"])
        return head, data

    async def _take(self, worker: asyncio.subprocess.Process) -> bytes:
        assert worker.stdout is not None  # noqa: S101 - it was asked for
        most = self._limits.document_max_bytes * self._limits.documents_max * _RESULT_FACTOR
        answer = bytearray()
        while chunk := await worker.stdout.read(256 * 1024):
            answer += chunk
            if len(answer) > most:
                raise Refusal("too_complex")
        return bytes(answer)


async def _give(worker: asyncio.subprocess.Process, line: bytes, chunks: Iterable[bytes]) -> None:
    assert worker.stdin is not None  # noqa: S101 - it was asked for
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        worker.stdin.write(line)
        for chunk in chunks:
            worker.stdin.write(chunk)
            await worker.stdin.drain()
        worker.stdin.close()
        await worker.stdin.wait_closed()
