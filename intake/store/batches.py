"""Many small writes as one: SQLite takes one writer at a time, and each commit waits for the disk.

Writers that come while another one is busy are done together, in one transaction with one commit; each inside a
savepoint, so that one that fails takes nothing along. Nobody hears "stored" before that commit.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, IntegrityError

_MOST = 64


class _Job:
    """A piece of work, and what came of it."""

    def __init__(self, work: Callable[[Connection], Any]) -> None:
        self.work = work
        self.done = False
        self.result: Any = None
        self.error: BaseException | None = None

    def finish(self, result: Any, error: BaseException | None) -> None:
        self.result, self.error, self.done = result, error, True


class Batches:
    """Runs writes of several threads on one SQLite database.

    Args:
        engine: The database.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._line = threading.Lock()
        self._waiting: deque[_Job] = deque()

    def run[T](self, work: Callable[[Connection], T]) -> T:
        """Do `work` in a transaction, perhaps together with others'. It may be done again if that breaks."""
        job = _Job(work)
        self._waiting.append(job)
        while not job.done:
            # Whoever gets in first does everybody's work; the others find theirs done.
            with self._line:
                if not job.done:
                    self._do([self._waiting.popleft() for _ in range(min(len(self._waiting), _MOST))])
        if job.error is not None:
            raise job.error
        result: T = job.result
        return result

    def alone(self) -> threading.Lock:
        """The lock that keeps all writers away."""
        return self._line

    def _do(self, jobs: list[_Job]) -> None:
        if len(jobs) == 1:
            self._do_alone(jobs[0])
            return
        committing = False
        try:
            with self._engine.begin() as connection:
                outcomes = [_inside_savepoint(connection, job) for job in jobs]
                committing = True
        except Exception as error:
            # A fault of the database ends the whole transaction. Before the commit nothing has happened, and each is
            # tried for itself; a failed commit is everybody's.
            for job in jobs:
                if committing:
                    job.finish(None, error)
                else:
                    self._do_alone(job)
            return
        for job, (result, failure) in zip(jobs, outcomes, strict=True):
            job.finish(result, failure)

    def _do_alone(self, job: _Job) -> None:
        try:
            with self._engine.begin() as connection:
                result = job.work(connection)
        except Exception as error:
            job.finish(None, error)
        else:
            job.finish(result, None)


def _inside_savepoint(connection: Connection, job: _Job) -> tuple[Any, Exception | None]:
    connection.exec_driver_sql("SAVEPOINT one")
    try:
        result = job.work(connection)
    except Exception as error:
        if isinstance(error, DBAPIError) and not isinstance(error, IntegrityError):
            raise
        connection.exec_driver_sql("ROLLBACK TO one")
        connection.exec_driver_sql("RELEASE one")
        return None, error
    connection.exec_driver_sql("RELEASE one")
    return result, None
