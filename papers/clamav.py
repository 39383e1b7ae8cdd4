"""Scanning for malware by clamd, over its own protocol (clamd(8): zINSTREAM)."""

from __future__ import annotations

import asyncio
import contextlib
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

Verdict = Literal["clean", "infected"]

_LENGTH = struct.Struct(">I")
_PIECE = 64 * 1024
_ANSWER_BYTES = 4096
_DEFAULT_PORT = 3310


class ScannerUnavailable(Exception):
    """The scanner gave no verdict. The text says why, without anything of the file."""


@dataclass(frozen=True)
class Scanner:
    """A clamd somewhere.

    Attributes:
        url: `tcp://host:port` or `unix:///path`.
        seconds: The longest wait for a verdict.
    """

    url: str
    seconds: float

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if not ((parts.scheme == "tcp" and parts.hostname) or (parts.scheme == "unix" and parts.path)):
            raise ValueError("CLAMD_URL must be tcp://host:port or unix:///path")

    async def scan(self, chunks: Iterable[bytes]) -> Verdict:
        """Have a file looked at.

        Args:
            chunks: The file, read once.

        Raises:
            ScannerUnavailable: No connection, no answer in time, or an answer that is no verdict.
        """
        try:
            async with asyncio.timeout(self.seconds):
                reader, writer = await self._connect()
                try:
                    answer = await _stream(reader, writer, chunks)
                finally:
                    writer.close()
                    with contextlib.suppress(OSError):
                        await writer.wait_closed()
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
            raise ScannerUnavailable(type(error).__name__) from None
        return _verdict(answer)

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        parts = urlsplit(self.url)
        if parts.scheme == "unix":
            return await asyncio.open_unix_connection(parts.path)
        return await asyncio.open_connection(parts.hostname, parts.port or _DEFAULT_PORT)


async def _stream(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, chunks: Iterable[bytes]) -> bytes:
    # clamd answers and hangs up when it has seen enough, perhaps before everything is sent: the answer counts.
    with contextlib.suppress(ConnectionError):
        writer.write(b"zINSTREAM\0")
        for chunk in chunks:
            for start in range(0, len(chunk), _PIECE):
                piece = chunk[start : start + _PIECE]
                writer.write(_LENGTH.pack(len(piece)) + piece)
                await writer.drain()
        writer.write(_LENGTH.pack(0))
        await writer.drain()
    answer = b""
    while not answer.endswith(b"\0") and len(answer) < _ANSWER_BYTES:
        piece = await reader.read(_ANSWER_BYTES)
        if not piece:
            break
        answer += piece
    return answer


def _verdict(answer: bytes) -> Verdict:
    text = answer.rstrip(b"\0\n").decode("utf-8", "replace")
    if text.endswith(" FOUND"):
        return "infected"
    if text == "stream: OK":
        return "clean"
    raise ScannerUnavailable("no verdict")
