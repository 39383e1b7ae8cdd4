"""One request, however often and from how many sides at once it is sent; and none without a true receipt."""

from __future__ import annotations

import multiprocessing
import os
import random
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import psycopg
import pytest

from tests.intake.conftest import TOKEN, Clock, Database, body, empty_postgres_database, running, send
from tests.intake.run_backend import run
from tools.postgres import Server, free_port, server_owner
from triage import tracking

SMALL_DISK_MIB = 32
ROOM_LEFT = 400_000
# Cannot be packed.
NOISE = "".join(random.Random(1).choices([chr(code) for code in range(0x4E00, 0x9FA5)], k=10_000))
TABLES = ("case_requests", "history", "outbox", "idempotency_keys")
HEADERS = {"Authorization": f"Bearer {TOKEN}"}


# Processes are forked from one that has read everything already, so that they start quickly.
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["tests.intake.run_backend"])


@contextmanager
def backend(url: str, largest: int | None = None) -> Iterator[str]:
    """A backend in a process of its own; killed in the end."""
    port = free_port()
    process = PROCESSES.Process(target=run, args=(url, port, largest), daemon=True)
    process.start()
    address = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                httpx.get(f"{address}/v1/health", timeout=5)
                break
            except httpx.TransportError:
                assert process.is_alive()
                assert time.monotonic() < deadline
                time.sleep(0.05)
        yield address
    finally:
        process.kill()
        process.join()


def test_two_processes_and_many_clients_at_once_store_each_request_once(database: Database) -> None:
    clients, requests = 12, 8
    together = threading.Barrier(clients)

    def one(address: str) -> list[tuple[int, str]]:
        with httpx.Client(base_url=address, headers=HEADERS, timeout=60) as http:
            together.wait()
            return [(answer.status_code, answer.text) for answer in (send(http, key=f"k{n}") for n in range(requests))]

    with backend(database.url) as first, backend(database.url) as second, ThreadPoolExecutor(clients) as pool:
        answers = list(pool.map(one, [first, second] * (clients // 2)))
    for number in range(requests):
        of_key = [answered[number] for answered in answers]
        assert sorted(status for status, _ in of_key) == [200] * (clients - 1) + [201]
        assert len({text for _, text in of_key}) == 1
    for table in TABLES:
        assert len(database.rows(table)) == requests, table
    assert len(database.rows("fingerprints")) == requests * 3


def test_different_requests_for_one_receipt_number_at_once_see_each_other(database: Database) -> None:
    clients = 8
    together = threading.Barrier(clients)

    def one(job: tuple[int, str]) -> int:
        number, address = job
        with httpx.Client(base_url=address, headers=HEADERS, timeout=60) as http:
            together.wait()
            return len(send(http, key=f"k{number}", receipt_numbers=["LIN9999106498"]).json()["similar"])

    with backend(database.url) as first, backend(database.url) as second, ThreadPoolExecutor(clients) as pool:
        seen = list(pool.map(one, enumerate([first, second] * (clients // 2))))
    # Each sees those before it; those that came within the same moment count as one.
    assert seen.count(0) == 1
    assert sorted(seen) == list(range(clients))


def test_a_killed_process_leaves_all_or_nothing(database: Database) -> None:
    keys = [f"k{number}" for number in range(60)]
    told: dict[str, str] = {}
    with backend(database.url) as address, httpx.Client(base_url=address, headers=HEADERS, timeout=60) as http:
        stop = threading.Event()

        def sending() -> None:
            for key in keys:
                try:
                    told[key] = send(http, key=key).json()["tracking_number"]
                except httpx.TransportError:
                    return
                if len(told) == 15:
                    stop.set()

        thread = threading.Thread(target=sending)
        thread.start()
        assert stop.wait(60)
    thread.join(60)
    stored = dict(
        database.query(
            "SELECT k.key, r.tracking_number FROM idempotency_keys k JOIN case_requests r ON r.id = k.request_id"
        )
    )
    assert told.items() <= stored.items()
    for table in TABLES:
        assert len(database.rows(table)) == len(stored), table
    with backend(database.url) as address, httpx.Client(base_url=address, headers=HEADERS, timeout=60) as http:
        again = {key: send(http, key=key) for key in keys}
    assert {key: answer.json()["tracking_number"] for key, answer in again.items()}.items() >= stored.items()
    assert {key for key, answer in again.items() if answer.status_code == 200} == set(stored)
    assert len(database.rows("case_requests")) == len(keys)


def test_a_full_disk_is_told_and_leaves_nothing_half(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'intake.db'}", path=tmp_path / "intake.db")
    with running(database.url, Clock()):
        pass
    room = (tmp_path / "intake.db").stat().st_size + 300_000
    told = []
    with (
        backend(database.url, room) as address,
        httpx.Client(base_url=address, headers=HEADERS, timeout=60) as http,
    ):
        for number in range(60):
            answer = send(http, key=f"k{number}", problem_description="长" * 10_000)
            if answer.status_code != 201:
                break
            told.append(answer.json()["tracking_number"])
        assert answer.status_code == 503
        assert answer.json()["error"] in ("storage_full", "unavailable")
        assert int(answer.headers["Retry-After"]) > 0
        assert http.get(f"/v1/case-requests/{told[0]}").status_code == 200
    assert told
    stored = {number for (number,) in database.query("SELECT tracking_number FROM case_requests")}
    assert stored == set(told)
    for table in TABLES:
        assert len(database.rows(table)) == len(told), table
    with backend(database.url) as address, httpx.Client(base_url=address, headers=HEADERS, timeout=60) as http:
        again = send(http, key=f"k{len(told)}", problem_description="长" * 10_000)
    assert again.status_code == 201


@contextmanager
def small_database(server: Server) -> Iterator[tuple[Database, Path]]:
    """A database on a small disk of its own, and where that disk is."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a disk")
    name = f"full_{os.getpid()}"
    with tempfile.TemporaryDirectory(prefix="guide-full-") as folder:
        # PostgreSQL runs as somebody else and has to get in.
        Path(folder).chmod(0o755)
        disk = Path(folder) / "disk"
        disk.mkdir()
        mounting = ["mount", "-t", "tmpfs", "-o", f"size={SMALL_DISK_MIB}m", "tmpfs", str(disk)]
        mounted = subprocess.run(mounting, check=False, capture_output=True, text=True)
        if mounted.returncode != 0:
            pytest.skip(f"no disk could be mounted: {mounted.stderr.strip()}")
        try:
            space = disk / "space"
            space.mkdir(mode=0o700)
            owner = server_owner()
            if owner:
                shutil.chown(space, owner["user"], owner["group"])
            with psycopg.connect(server.address("postgres"), autocommit=True) as connection:
                connection.execute(f"CREATE TABLESPACE {name} LOCATION '{space}'")
                connection.execute(f"CREATE DATABASE {name} TABLESPACE {name}")
                try:
                    yield Database(server.url(name), server=server), disk
                finally:
                    connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
                    connection.execute(f"DROP TABLESPACE {name}")
        finally:
            subprocess.run(["umount", "-l", str(disk)], check=True)


def test_a_full_disk_of_postgresql_is_told_and_leaves_nothing_half(postgres: Server) -> None:
    with small_database(postgres) as (database, disk):
        with running(database.url, Clock()):
            pass
        filler = disk / "filler"
        with filler.open("wb") as file:
            room = os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize - ROOM_LEFT
            os.posix_fallocate(file.fileno(), 0, room)
        told: list[str] = []
        with backend(database.url) as address, httpx.Client(base_url=address, headers=HEADERS, timeout=60) as http:
            for number in range(200):
                answer = send(http, key=f"k{number}", problem_description=NOISE[number:])
                if answer.status_code != 201:
                    break
                told.append(answer.json()["tracking_number"])
            assert (answer.status_code, answer.json()["error"]) == (503, "storage_full")
            assert int(answer.headers["Retry-After"]) > 0
            assert http.get(f"/v1/case-requests/{told[0]}").status_code == 200
            assert {number for (number,) in database.query("SELECT tracking_number FROM case_requests")} == set(told)
            for table in TABLES:
                assert len(database.rows(table)) == len(told), table
            filler.unlink()
            assert send(http, key=f"k{len(told)}", problem_description=NOISE[len(told) :]).status_code == 201


def revoke(client: httpx.Client, key: str) -> tuple[int, str]:
    answer = client.post("/v1/idempotency-keys/revoke", json={"key": key})
    return answer.status_code, answer.json().get("state")


def test_a_key_revoked_before_it_is_used_is_gone(client: httpx.Client, database: Database) -> None:
    assert revoke(client, "k") == (200, "unused")
    assert revoke(client, "k") == (200, "unused")
    answer = send(client, key="k")
    assert (answer.status_code, answer.json()["error"]) == (410, "erased")
    feedback = {"feedback_text": "x", "language": "en"}
    assert client.post("/v1/feedback", json=feedback, headers={"Idempotency-Key": "k"}).status_code == 410
    assert database.rows("case_requests") == []


def test_a_revoked_key_withdraws_what_came_under_it(client: httpx.Client, database: Database, clock: Clock) -> None:
    number = send(client, key="k").json()["tracking_number"]
    clock.forward(minutes=1)
    assert revoke(client, "k") == (200, "withdrawn")
    assert revoke(client, "k") == (200, "withdrawn")
    assert send(client, key="k").status_code == 410
    status = client.get(f"/v1/case-requests/{number}").json()
    assert [entry["status"] for entry in status["history"]] == ["received", "withdrawn"]
    assert database.query("SELECT state FROM outbox") == [("cancelled",)]
    answer = send(client, key="k2")
    assert (answer.status_code, answer.json()["similar"]) == (201, [])


def test_a_revoked_feedback_is_deleted(client: httpx.Client, database: Database) -> None:
    feedback = {"feedback_text": "x", "language": "en"}
    client.post("/v1/feedback", json=feedback, headers={"Idempotency-Key": "f"})
    assert revoke(client, "f") == (200, "withdrawn")
    assert revoke(client, "f") == (200, "withdrawn")
    assert database.rows("feedback") == []
    assert client.post("/v1/feedback", json=feedback, headers={"Idempotency-Key": "f"}).status_code == 410


def test_revoking_and_sending_at_once_never_leaves_a_live_request(database: Database) -> None:
    with backend(database.url) as first, backend(database.url) as second:
        for number in range(15):
            together = threading.Barrier(2)

            def sending(key: str, together: threading.Barrier = together) -> httpx.Response:
                with httpx.Client(base_url=first, headers=HEADERS, timeout=60) as http:
                    together.wait()
                    return send(http, key=key)

            def revoking(key: str, together: threading.Barrier = together) -> tuple[int, str]:
                with httpx.Client(base_url=second, headers=HEADERS, timeout=60) as http:
                    together.wait()
                    return revoke(http, key)

            with ThreadPoolExecutor(2) as pool:
                sent, revoked = pool.submit(sending, f"k{number}"), pool.submit(revoking, f"k{number}")
            assert revoked.result()[0] == 200
            expected = {201: "withdrawn", 410: "unused"}
            assert expected[sent.result().status_code] == revoked.result()[1]
    live = database.query("SELECT 1 FROM case_requests WHERE status <> 'withdrawn'")
    assert live == []


def test_a_request_for_the_same_receipt_number_is_told_of_and_kept(
    client: httpx.Client, database: Database, clock: Clock
) -> None:
    first = send(client, key="1").json()
    assert first["similar"] == []
    clock.forward(days=30)
    answer = send(client, key="2", receipt_numbers=["LIN9999106498", "EAC0000000000"])
    second = answer.json()
    assert second["similar"] == [{"receipt_number": "LIN9999106498", "received_at": "2026-11-24T12:00:00Z"}]
    assert first["tracking_number"] not in answer.text
    assert send(client, key="2", receipt_numbers=["LIN9999106498", "EAC0000000000"]).json() == second
    assert send(client, key="1").json() == first
    clock.forward(days=31)
    later = send(client, key="3", receipt_numbers=["LIN9999106498", "IOE*123456789"]).json()["similar"]
    assert [one["received_at"] for one in later] == ["2026-12-24T12:00:00Z"]
    asked = client.post("/v1/case-requests/similar", json={"receipt_numbers": ["EAC0000000000", "LIN0000000000"]})
    assert asked.json() == {"similar": [{"receipt_number": "EAC0000000000", "received_at": "2026-12-24T12:00:00Z"}]}
    assert len(database.rows("case_requests")) == 3


def test_requests_without_a_receipt_number_are_never_similar(client: httpx.Client) -> None:
    for key in "ab":
        answer = send(client, key=key, receipt_numbers="none", receipt_numbers_reason="lost")
        assert answer.json()["similar"] == []


def test_tracking_numbers_tell_nothing_of_one_another(client: httpx.Client) -> None:
    numbers = [send(client, key=str(number)).json()["tracking_number"] for number in range(40)]
    assert all(tracking.is_valid(number) for number in numbers)
    random_parts = [number.replace("-", "")[2:-1] for number in numbers]
    for position in range(tracking.RANDOM_LENGTH):
        # 40 draws out of 30 signs: fewer than 12 different ones come up once in some million million times.
        assert len({part[position] for part in random_parts}) >= 12
    for wrong in ("CA-2345-6789-ABCD", numbers[0][:-1] + ("2" if numbers[0][-1] != "2" else "3")):
        assert client.get(f"/v1/case-requests/{wrong}").status_code == 404


@pytest.mark.parametrize("repeat", [1, 2])
def test_submitted_at_does_not_make_another_request(client: httpx.Client, repeat: int) -> None:
    stamps = [f"2026-11-24T11:5{minute}:00Z" for minute in range(repeat + 1)]
    numbers = {send(client, key="k", submitted_at=stamp).json()["tracking_number"] for stamp in stamps}
    assert len(numbers) == 1
    assert set(body()) >= {"submitted_at"}


def test_lines_that_died_are_replaced_without_anybody_noticing(postgres: Server) -> None:
    database = empty_postgres_database(postgres)
    with running(database.url, Clock()) as address, httpx.Client(base_url=address, headers=HEADERS) as http:
        number = send(http, key="before").json()["tracking_number"]
        for key in ("first", "second"):
            database.query(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            assert http.get(f"/v1/case-requests/{number}").status_code == 200
            database.query(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            assert send(http, key=key).status_code == 201
    assert len(database.rows("case_requests")) == 3
