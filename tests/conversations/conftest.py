"""The running system that the conversations talk to."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.conversations.client import Chat
from tests.conversations.running import Running


@pytest.fixture(scope="session")
def base() -> str:
    """Address of the front door, started by ``make test``."""
    return os.environ["GUIDE_TEST_URL"]


@pytest.fixture(params=["en", "zh-Hans", "zh-Hant"])
def language(request: pytest.FixtureRequest) -> str:
    """Every test that asks for it runs in each language."""
    return str(request.param)


@pytest.fixture
def chat(base: str, language: str) -> Chat:
    """An open conversation in that language."""
    return Chat(base, language).open()


@pytest.fixture(scope="session")
def running(base: str) -> Running:
    """The running system from inside."""
    return Running(base, Path(os.environ["GUIDE_TEST_DATA"]))
