"""The running system, and a real browser."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.page.visitor import Visitor, visitor


@pytest.fixture(scope="session")
def base() -> str:
    """Address of the front door, started by `make test`."""
    return os.environ["GUIDE_TEST_URL"]


@pytest.fixture(params=["en", "zh-Hans", "zh-Hant"])
def language(request: pytest.FixtureRequest) -> str:
    """Every test that asks for it runs in each script."""
    return str(request.param)


@pytest.fixture
def person(browser: Browser, base: str, language: str) -> Iterator[Visitor]:
    """Somebody who has just opened the page. Whatever they did, nothing may have gone wrong in the browser."""
    with visitor(browser, base, language) as somebody:
        yield somebody.open()
        assert somebody.complaints == []
        assert somebody.elsewhere == []


@pytest.fixture
def anyone(browser: Browser, base: str) -> Iterator[Visitor]:
    """The same in English, where the script makes no difference."""
    with visitor(browser, base, "en") as somebody:
        yield somebody.open()
        assert somebody.complaints == []
        assert somebody.elsewhere == []
