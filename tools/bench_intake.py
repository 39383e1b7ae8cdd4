"""Measure the intake backend: `python -m tools.bench_intake [--json out.json]`.

Accepted requests a second and their times with 20 clients, on SQLite and PostgreSQL, beside bare SQLAlchemy inserts of
the same rows; the time of a PDF; the memory of the service after 10,000 requests. Everything is durable: a commit
outlives a power cut (SQLite: write-ahead log with synchronous=FULL; PostgreSQL: fsync and synchronous_commit on).
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import insert, select

from intake.database import migrate, open_engine
from intake.document import Document
from intake.schema import EXAMPLE
from intake.store import Status
from intake.tables import CaseRequest, Fingerprint, HistoryEntry, IdempotencyKey, OutboxEntry
from tools import postgres
from tools.launcher.settings import ROOT, neutral_environment
from triage.content import Content
from vault import KeyRing, Vault, new_key

CLIENTS = 20
WARM_UP = 200
ROUNDS = 5
REQUESTS = 1000
BARE = 1000
MEMORY_AFTER = 10_000
PDFS = 40
KEY = new_key()
TOKEN = "token-of-the-measurement"  # noqa: S105 (of a service that lives for minutes)
RATIO = 0.5
PDF_MS = 400.0
MEMORY_MIB = 250.0
START_SECONDS = 60.0
LONG_TEXT = 20_000
LONG_STORY = "我的绿卡申请等了三年多，问了很多次都没有回音。" * (LONG_TEXT // 23)
MEMORY_PDFS = 200


@dataclass(frozen=True)
class Load:
    """What one kind of database gave.

    Attributes:
        per_second: Accepted requests a second.
        p50_ms: Median time of one.
        p95_ms: 95 % took no longer.
        bare_per_second: Bare inserts of the same rows a second, the better of one and of 20 threads.
        ratio: The one to the other.
    """

    per_second: float
    p50_ms: float
    p95_ms: float
    bare_per_second: float
    ratio: float


@dataclass(frozen=True)
class Figures:
    """Everything that is measured here."""

    sqlite: Load
    postgresql: Load | None
    pdf_typical_p95_ms: float
    pdf_typical_cpu_ms: float
    pdf_long_p95_ms: float
    pdf_long_cpu_ms: float
    memory_mib: float
    memory_with_pdfs_mib: float
    memory_requests: int

    @property
    def missed(self) -> list[str]:
        """Which targets were missed."""
        loads = [("sqlite", self.sqlite), ("postgresql", self.postgresql)]
        missed = [f"{name} ratio" for name, load in loads if load is not None and load.ratio < RATIO]
        missed += [name for name in ("pdf_typical_p95_ms", "pdf_long_p95_ms") if getattr(self, name) > PDF_MS]
        return missed + [name for name in ("memory_mib", "memory_with_pdfs_mib") if getattr(self, name) > MEMORY_MIB]


def request_body(number: int) -> dict[str, Any]:
    """A complete request; each with a receipt number of its own."""
    return {**EXAMPLE, "receipt_numbers": [f"LIN{number % 10**10:010d}"]}


# --- The service ------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def service(url: str, data: Path) -> Iterator[tuple[int, int]]:
    """Run the service as in real use; gives its port and process id."""
    port = postgres.free_port()
    environment = {
        **neutral_environment(),
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "GUIDE_DATA": str(data),
        "INTAKE_DATABASE_URL": url,
        "INTAKE_TOKEN": TOKEN,
        "GUIDE_SECRET": "secret-of-the-measurement",
        "SESSION_KEY": "session-key-of-the-measurement-only",
    }
    with (data / "service.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "service"],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
        try:
            deadline = time.monotonic() + START_SECONDS
            while not _answers(f"http://127.0.0.1:{port}/v1/health"):
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError((data / "service.log").read_text(errors="replace")[-2000:])
                time.sleep(0.1)
            yield port, process.pid
        finally:
            process.terminate()
            process.wait(30)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 (our own address)
            return bool(answer.status == 200)
    except OSError:
        return False


async def _client(port: int, numbers: Iterator[int], times: list[float]) -> None:
    """One client with one kept-open connection; sends until the numbers are used up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for number in numbers:
        body = json.dumps(request_body(number)).encode()
        head = (
            f"POST /v1/case-requests HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {TOKEN}\r\n"
            f"Content-Type: application/json\r\nIdempotency-Key: bench-{number}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        started = time.perf_counter()
        writer.write(head.encode() + body)
        answer = await reader.readuntil(b"\r\n\r\n")
        length = next(
            int(line.split(b":")[1]) for line in answer.lower().split(b"\r\n") if line.startswith(b"content-length")
        )
        await reader.readexactly(length)
        times.append(time.perf_counter() - started)
        if not answer.startswith(b"HTTP/1.1 201"):
            raise RuntimeError(f"not accepted: {answer.splitlines()[0].decode()}")
    writer.close()


def send(port: int, numbers: range) -> tuple[float, list[float]]:
    """Send requests with all clients at once; gives the seconds it took and the time of each."""
    times: list[float] = []

    async def all_clients() -> float:
        shared = iter(numbers)
        started = time.perf_counter()
        await asyncio.gather(*(_client(port, shared, times) for _ in range(CLIENTS)))
        return time.perf_counter() - started

    return asyncio.run(all_clients()), times


# --- The bare inserts -------------------------------------------------------------------------------------------------


def bare(url: str, threads: int) -> float:
    """Insert the rows of requests with SQLAlchemy and nothing else; gives inserted requests a second."""
    engine = open_engine(url)
    vault = Vault(KeyRing((KEY,)))
    migrate(engine, vault)
    with engine.connect() as connection:
        first = (connection.scalar(select(CaseRequest.id).order_by(CaseRequest.id.desc()).limit(1)) or 0) + 1
    sealed = vault.seal(json.dumps(EXAMPLE).encode(), "bench")
    now = datetime.now(UTC)
    prints = [vault.fingerprint(str(number), "bench") for number in range(2)]
    # SQLite's file lock is polled for; a lock of one's own is what any program would put before it.
    line: Any = threading.Lock() if engine.dialect.name == "sqlite" else contextlib.nullcontext()

    def one(number: int) -> None:
        with line, engine.begin() as connection:
            request_id = connection.execute(
                insert(CaseRequest).returning(CaseRequest.id),
                {
                    "tracking_number": f"bare-{threads}-{number}",
                    "outcome": "submitted",
                    "status": "received",
                    "received_at": now,
                    "status_since": now,
                    "legal_hold": False,
                    "sealed": sealed,
                },
            ).scalar_one()
            connection.execute(insert(HistoryEntry), {"request_id": request_id, "status": "received", "at": now})
            connection.execute(
                insert(OutboxEntry),
                {
                    "request_id": request_id,
                    "event": "request_stored",
                    "created_at": now,
                    "state": "waiting",
                    "tries": 0,
                    "next_try_at": now,
                },
            )
            connection.execute(
                insert(IdempotencyKey),
                {
                    "key": f"bare-{threads}-{number}",
                    "body_hash": prints[0],
                    "request_id": request_id,
                    "created_at": now,
                    "state": "used",
                },
            )
            connection.execute(
                insert(Fingerprint),
                [
                    {"request_id": request_id, "kind": kind, "fingerprint": one}
                    for kind, one in zip(("receipt_number", "date_of_birth"), prints, strict=True)
                ],
            )

    def several(numbers: Sequence[int]) -> None:
        for number in numbers:
            one(number)

    several(range(first, first + 50))
    started = time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(several, [range(first + 50 + part, first + 50 + BARE, threads) for part in range(threads)]))
    rate = BARE / (time.perf_counter() - started)
    engine.dispose()
    return rate


def load(new_url: Callable[[], str], folder: Path) -> Load:
    """Measure one kind of database; `new_url` gives an empty one each time.

    In turns, so that both sides have the same good and bad moments of the machine; the medians count.
    """
    bare_rates, rates, times = [], [], []
    data = Path(tempfile.mkdtemp(dir=folder))
    own, other = new_url(), new_url()
    with service(own, data) as (port, _):
        send(port, range(WARM_UP))
        for turn in range(ROUNDS):
            bare_rates.append(max(bare(other, threads) for threads in (1, CLIENTS)))
            first = WARM_UP + turn * REQUESTS
            seconds, each = send(port, range(first, first + REQUESTS))
            rates.append(REQUESTS / seconds)
            times += each
    per_second, bare_per_second = statistics.median(rates), statistics.median(bare_rates)
    return Load(
        per_second=round(per_second, 1),
        p50_ms=round(statistics.median(times) * 1000, 1),
        p95_ms=round(sorted(times)[int(len(times) * 0.95)] * 1000, 1),
        bare_per_second=round(bare_per_second, 1),
        ratio=round(per_second / bare_per_second, 2),
    )


def memory_after(url: str, data: Path, requests: int) -> tuple[float, float]:
    """Resident memory of the service after so many requests, and after PDFs of some of them, in mebibytes."""
    with service(url, data) as (port, process):
        send(port, range(requests))
        without = _resident(process)
        with httpx.Client(
            base_url=f"http://127.0.0.1:{port}", headers={"Authorization": f"Bearer {TOKEN}"}, timeout=120
        ) as client, ThreadPoolExecutor(CLIENTS) as pool:  # fmt: skip

            def one(number: int) -> None:
                body, key = request_body(requests + number), f"bench-{requests + number}"
                if number % 2:
                    body["problem_description"] = LONG_STORY
                stored = client.post("/v1/case-requests", json=body, headers={"Idempotency-Key": key})
                client.get(stored.raise_for_status().json()["links"]["pdf"]).raise_for_status()

            list(pool.map(one, range(MEMORY_PDFS)))
        return without, _resident(process)


def _resident(process: int) -> float:
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return round(pages * os.sysconf("SC_PAGE_SIZE") / 2**20, 1)


def pdf_ms(body: dict[str, Any]) -> tuple[float, float]:
    """Time within which 95 % of the PDFs of a request are made, and the processor time of one, in milliseconds."""
    document = Document(Content.load(ROOT / "content"))
    now = datetime.now(UTC)
    status = Status("CA-2222-2222-2222", "received", "submitted", now, (("received", now),))
    document.pdf(status, body)
    times = []
    spent = time.process_time()
    for _ in range(PDFS):
        started = time.perf_counter()
        document.pdf(status, body)
        times.append(time.perf_counter() - started)
    spent = time.process_time() - spent
    return round(sorted(times)[int(len(times) * 0.95)] * 1000, 1), round(spent / PDFS * 1000, 1)


def measure() -> Figures:
    """Measure everything."""
    with tempfile.TemporaryDirectory(prefix="guide-bench-intake-") as name:
        folder = Path(name)
        numbers = iter(range(1000))
        print(f"Requests with {CLIENTS} clients, SQLite …", flush=True)
        on_sqlite = load(lambda: f"sqlite:///{folder / f'{next(numbers)}.db'}", folder)
        on_postgres = None
        try:
            with postgres.running(durable=True) as server:
                print(f"Requests with {CLIENTS} clients, PostgreSQL …", flush=True)
                on_postgres = load(lambda: server.url(server.create(f"bench_{next(numbers)}")), folder)
        except postgres.NoPostgres as error:
            print(f"  left out: {error}")
        print("PDFs …", flush=True)
        typical, longest = pdf_ms(EXAMPLE), pdf_ms({**EXAMPLE, "problem_description": LONG_STORY})
        print(f"Memory after {MEMORY_AFTER} requests …", flush=True)
        data = folder / "memory"
        data.mkdir()
        memory = memory_after(f"sqlite:///{data / 'intake.db'}", data, MEMORY_AFTER)
    return Figures(on_sqlite, on_postgres, *typical, *longest, *memory, MEMORY_AFTER)


def show(figures: Figures) -> None:
    """Print the table."""
    print(f"\n{'':34}{'requests/s':>12}{'p50 ms':>9}{'p95 ms':>9}{'bare/s':>9}{'ratio':>8}   (target ≥ {RATIO})")
    for title, one in (("SQLite", figures.sqlite), ("PostgreSQL", figures.postgresql)):
        if one is not None:
            row = f"{one.per_second:>12g}{one.p50_ms:>9g}{one.p95_ms:>9g}{one.bare_per_second:>9g}{one.ratio:>8g}"
            print(f"{title + f', {CLIENTS} clients':34}{row}")
    for title, p95, spent in (
        ("PDF, typical, p95, ms", figures.pdf_typical_p95_ms, figures.pdf_typical_cpu_ms),
        ("PDF, 20,000 characters, p95, ms", figures.pdf_long_p95_ms, figures.pdf_long_cpu_ms),
    ):
        print(f"{title:34}{p95:>12g}   (target ≤ {PDF_MS:g}; processor time {spent:g})")
    title = f"service after {figures.memory_requests} requests, MiB"
    print(f"{title:34}{figures.memory_mib:>12g}   (target ≤ {MEMORY_MIB:g})")
    title = f"… and {MEMORY_PDFS} PDFs, MiB"
    print(f"{title:34}{figures.memory_with_pdfs_mib:>12g}   (target ≤ {MEMORY_MIB:g})")
    print("missed: " + ", ".join(figures.missed) if figures.missed else "all targets met")


def main() -> int:
    """Measure, print, and write the figures if asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    figures = measure()
    show(figures)
    if chosen.json:
        result = {**asdict(figures), "missed": figures.missed, "cores": os.cpu_count()}
        chosen.json.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
