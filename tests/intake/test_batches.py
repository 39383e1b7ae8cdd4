"""Writes that are done together: each is stored or fails for itself, and nobody hears of it before the commit."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event, text
from sqlalchemy.exc import IntegrityError, OperationalError

from intake.database import open_engine
from intake.store.batches import Batches


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    made = open_engine(f"sqlite:///{tmp_path / 'x.db'}")
    with made.begin() as connection:
        connection.execute(text("CREATE TABLE x (n INTEGER PRIMARY KEY)"))
    yield made
    made.dispose()


def add(number: int) -> Callable[[Connection], int]:
    def work(connection: Connection) -> int:
        connection.execute(text("INSERT INTO x VALUES (:n)"), {"n": number})
        return number

    return work


def stored(engine: Engine) -> list[int]:
    with engine.begin() as connection:
        return list(connection.scalars(text("SELECT n FROM x ORDER BY n")))


def together(engine: Engine, *works: Callable[[Connection], Any]) -> tuple[list[Future[Any]], int]:
    """Let several wait behind one that is busy; gives what came of each and the number of commits."""
    batches = Batches(engine)
    busy, go_on = threading.Event(), threading.Event()
    commits: list[Connection] = []
    noting = commits.append
    event.listen(engine, "commit", noting)

    def first(connection: Connection) -> None:
        busy.set()
        assert go_on.wait(30)

    with ThreadPoolExecutor(len(works) + 1) as pool:
        pool.submit(batches.run, first)
        assert busy.wait(30)
        futures = [pool.submit(batches.run, work) for work in works]
        while len(batches._waiting) < len(works):
            threading.Event().wait(0.01)
        go_on.set()
    event.remove(engine, "commit", noting)
    return futures, len(commits) - 1


def test_several_share_a_commit(engine: Engine) -> None:
    futures, commits = together(engine, *(add(number) for number in range(20)))
    assert [future.result() for future in futures] == list(range(20))
    assert commits == 1
    assert stored(engine) == list(range(20))


def test_one_that_fails_takes_nothing_along(engine: Engine) -> None:
    def half(connection: Connection) -> None:
        add(7)(connection)
        raise KeyError("half way")

    futures, _ = together(engine, add(1), half, add(1), add(2))
    assert isinstance(futures[1].exception(), KeyError)
    assert sorted(type(future.exception()) for future in (futures[0], futures[2]) if future.exception()) == [
        IntegrityError
    ]
    assert futures[3].result() == 2
    assert stored(engine) == [1, 2]


def test_after_a_fault_of_the_database_each_is_tried_for_itself(engine: Engine) -> None:
    def broken(connection: Connection) -> None:
        add(8)(connection)
        connection.execute(text("SELECT * FROM nowhere"))

    futures, _ = together(engine, add(1), broken, add(2))
    assert isinstance(futures[1].exception(), OperationalError)
    assert (futures[0].result(), futures[2].result()) == (1, 2)
    assert stored(engine) == [1, 2]


def test_a_failed_commit_is_told_to_all(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE parent (n INTEGER PRIMARY KEY)"))
        connection.execute(text("CREATE TABLE child (n INTEGER REFERENCES parent DEFERRABLE INITIALLY DEFERRED)"))

    def orphan(connection: Connection) -> None:
        connection.execute(text("INSERT INTO child VALUES (1)"))

    futures, _ = together(engine, add(1), orphan, add(2))
    assert all(isinstance(future.exception(), IntegrityError) for future in futures)
    assert stored(engine) == []
