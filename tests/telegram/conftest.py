"""A Bot API of ours, a worker and the running system behind it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conversations.running import Running
from tests.telegram.worker import Worker, running_system
from tools.bot_api.server import BotApi
from tools.launcher import ports


@pytest.fixture(scope="session")
def running() -> Running:
    """The running system."""
    return running_system()


@pytest.fixture(scope="module")
def worker(running: Running, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    """A worker that fetches its updates, for all tests of a file."""
    with BotApi() as api:
        one = Worker(api, running, tmp_path_factory.mktemp("worker")).start()
        yield one
        assert one.lives(), one.log.read_text(encoding="utf-8")[-3000:]
        assert one.stop() == 0


@pytest.fixture
def make_worker(running: Running, tmp_path: Path) -> Iterator[Callable[..., Worker]]:
    """Makes a worker for one test; it is not started yet."""
    made: list[Worker] = []

    def make(**more: str) -> Worker:
        api = BotApi()
        api.__enter__()
        made.append(Worker(api, running, tmp_path, more))
        return made[-1]

    yield make
    for one in made:
        if one.lives():
            one.stop()
        one.api.__exit__()


@pytest.fixture(params=["en", "zh-Hans", "zh-Hant"])
def language(request: pytest.FixtureRequest) -> str:
    """Every test that asks for it runs in each language."""
    return str(request.param)


@pytest.fixture
def free_port() -> int:
    """A port nobody listens on."""
    return ports.free(1)[0]
