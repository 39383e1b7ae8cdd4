"""A PostgreSQL server for tests, once for each run of a suite."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tools.postgres import NoPostgres, Server, running


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A PostgreSQL server; where there is none the tests are left out, in CI they fail."""
    try:
        with running(durable=False) as server:
            yield server
    except NoPostgres as error:
        if os.environ.get("CI"):
            pytest.fail(str(error))
        pytest.skip(str(error))
