"""A proxy in front of the intake backend that does wrong what the plan of a trial says. Real HTTP on both sides."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import re
import threading
from collections import Counter
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any

STALL_SECONDS = 30.0
# Asked about requests: the ones that are stored all the same, and the ones that are not.
BEFORE = (
    *("drop_before", "400", "401", "404", "409", "410", "422", "429", "500", "503"),
    *("html_502", "html_200", "bad_json", "no_number", "stall"),
)
AFTER = (
    *("drop_after", "500_after", "html_502_after", "html_200_after", "bad_json_after", "no_number_after"),
    *("stall_after", "late", "double", "slow"),
)
FAULTS = (*BEFORE, *AFTER)
# Asked to take a key back.
REVOKE_FAULTS = ("500", "drop_before", "drop_after", "slow")
_TRIAL = re.compile(rb"\bt(\d+)(?:\.new)?@example\.org")
_HTML = b"<html><body><h1>Sign in</h1></body></html>"


@dataclass
class Plan:
    """What goes wrong: for each trial a list of faults, taken from the front by its posts.

    Attributes:
        off: Nothing goes wrong any more.
        seen: How often each fault was done.
    """

    faults: dict[int, list[str]] = field(default_factory=dict)
    revoke_chance: float = 0.0
    random: random.Random = field(default_factory=random.Random)
    off: bool = False
    seen: Counter[str] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def pick(self, path: str, body: bytes) -> str:
        """The fault for a request, or an empty text."""
        with self.lock:
            fault = "" if self.off else self._pick(path, body)
            if fault:
                self.seen[fault] += 1
            return fault

    def _pick(self, path: str, body: bytes) -> str:
        if path == "/v1/case-requests":
            trial = _TRIAL.search(body)
            waiting = self.faults.get(int(trial[1])) if trial else None
            return waiting.pop(0) if waiting else ""
        if path == "/v1/idempotency-keys/revoke" and self.random.random() < self.revoke_chance:
            return self.random.choice(REVOKE_FAULTS)
        return ""


class Proxy:
    """Runs in a thread of its own.

    Args:
        plan: What goes wrong.
        port: Where to listen, on loopback.
        backend: Port of the intake backend.
    """

    def __init__(self, plan: Plan, port: int, backend: int) -> None:
        self._plan, self._port, self._backend = plan, port, backend
        self._loop = asyncio.new_event_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        started = threading.Event()

        def run() -> None:
            asyncio.set_event_loop(self._loop)
            self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", port))
            started.set()
            self._loop.run_forever()

        threading.Thread(target=run, daemon=True, name="proxy").start()
        started.wait()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"(?i)content-length:\s*(\d+)", head)
            body = await reader.readexactly(int(length[1])) if length else b""
            answer = await self._answer(head, body, head.split(b" ", 2)[1].decode())
            if answer is None:
                writer.transport.abort()
                return
            writer.write(answer)
            await writer.drain()
            writer.close()
        except (OSError, asyncio.IncompleteReadError):
            writer.transport.abort()

    async def _answer(self, head: bytes, body: bytes, path: str) -> bytes | None:
        """What is sent back; None ends the connection without an answer."""
        fault = self._plan.pick(path, body)
        if fault == "stall":
            await asyncio.sleep(STALL_SECONDS)
            return None
        if fault == "late":
            self._later(self._late(head, body))
            return None
        if fault in BEFORE:
            return _wrong(fault)
        if fault == "slow":
            await asyncio.sleep(0.7)
        if fault == "double":
            first, _second = await asyncio.gather(self._forward(head, body), self._forward(head, body))
            return first
        answer = await self._forward(head, body)
        if fault in ("", "slow"):
            return answer
        if fault == "stall_after":
            await asyncio.sleep(STALL_SECONDS)
            return None
        return _wrong(fault.removesuffix("_after"))

    async def _late(self, head: bytes, body: bytes) -> None:
        await asyncio.sleep(self._plan.random.uniform(0.5, 6.0))
        with contextlib.suppress(OSError):
            await self._forward(head, body)

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _forward(self, head: bytes, body: bytes) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._backend)
        try:
            lines = [line for line in head.split(b"\r\n") if line and not line.lower().startswith(b"connection:")]
            writer.write(b"\r\n".join([*lines, b"Connection: close", b"", b""]) + body)
            await writer.drain()
            answer = await reader.read()
        finally:
            writer.close()
        if not answer:
            raise ConnectionResetError
        return answer


def _wrong(kind: str) -> bytes | None:
    """A bad answer; None for none at all."""
    if kind.startswith("drop"):
        return None
    if kind.startswith("html"):
        return _response(int(kind.removeprefix("html_")), _HTML, "text/html")
    if kind == "bad_json":
        return _response(201, b'{"tracking_number": "CA-', "application/json")
    if kind == "no_number":
        return _response(201, b'{"status": "received"}', "application/json")
    more: dict[str, Any] = {}
    if kind == "422":
        more = {"fields": [{"field": "email", "problem": "is wrong", "code": "format"}]}
    body = json.dumps({"error": "fault", "message": "By plan.", **more}).encode()
    return _response(int(kind), body, "application/json", "Retry-After: 1\r\n" if kind in ("429", "503") else "")


def _response(status: int, body: bytes, kind: str, more: str = "") -> bytes:
    head = f"HTTP/1.1 {status} By Plan\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n{more}"
    return f"{head}Connection: close\r\n\r\n".encode() + body
