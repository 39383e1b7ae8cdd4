"""The console of the running system, accounts for it, and a real browser."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from console import accounts as staff
from console.assist import Opened
from console.database import Database
from console.proofs import hash_password, new_password
from console.roles import Role
from tests.console.driver import CallTaker
from tests.conversations.running import Running

ROOT = Path(__file__).resolve().parents[2]
ROLES = ("call_taker", "case_worker", "supervisor", "manager")
SIZE: Any = {"width": 1366, "height": 768}
SECRET = "console-secret-for-tests-0123456789"


@dataclass(frozen=True)
class Account:
    """Somebody of the staff."""

    name: str
    password: str
    role: str


def manage(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the console."""
    command = [sys.executable, "-m", "console.commands", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def make_account(environment: dict[str, str], name: str, role: str) -> Account:
    """An account as `make staff-user` makes it, without the time that a command takes."""
    folder = Path(environment["GUIDE_DATA"])
    database = Database(environment.get("GUIDE_DATABASE_URL") or f"sqlite:///{folder / 'gateway.db'}")
    password = new_password()
    try:
        database.do(lambda connection: staff.make(connection, name, Role(role), hash_password(password)))
    finally:
        database.close()
    return Account(name, password, role)


@pytest.fixture(scope="session")
def base() -> str:
    """Address of the front door."""
    return os.environ["GUIDE_TEST_URL"]


@pytest.fixture(scope="session")
def running(base: str) -> Running:
    """The running system from inside."""
    return Running(base, Path(os.environ["GUIDE_TEST_DATA"]))


@pytest.fixture(scope="session")
def address(running: Running) -> str:
    """Address of the console."""
    return str(json.loads((running.data / "run.json").read_text(encoding="utf-8"))["console_url"])


@pytest.fixture(scope="session")
def settings(running: Running) -> dict[str, str]:
    """What a command needs to find the console's tables."""
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "GUIDE_DATA": str(running.data),
        "GUIDE_CONSOLE_SECRET": running.secret("GUIDE_CONSOLE_SECRET"),
    }


@pytest.fixture(scope="session")
def accounts(settings: dict[str, str]) -> dict[str, Account]:
    """One account for each role."""
    return {role: make_account(settings, f"{role.replace('_', '-')}-{time.time_ns()}", role) for role in ROLES}


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A browser: the one of the system, else the one that Playwright brings."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Makes pages that have nothing in common; each fails its test when its script or its policy complains."""
    complaints: list[str] = []
    contexts = []

    def make(kept: Any = None) -> Page:
        context = browser.new_context(viewport=SIZE, locale="en-US", storage_state=kept)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "console",
            lambda message: complaints.append(message.text) if "Content Security Policy" in message.text else None,
        )
        return page

    yield make
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture(scope="session")
def cookies(browser: Browser, accounts: dict[str, Account], address: str) -> dict[str, Any]:
    """What the browser keeps of each role's sign-in, filled in when somebody needs it."""
    return {}


@pytest.fixture
def sign_in(
    open_page: Callable[..., Page], cookies: dict[str, Any], accounts: dict[str, Account], address: str
) -> Callable[[str], CallTaker]:
    """Somebody who is signed in, by role."""

    def enter(role: str = "call_taker") -> CallTaker:
        if role not in cookies:
            account = accounts[role]
            taker = CallTaker(open_page(), address).sign_in(account.name, account.password)
            cookies[role] = taker.page.context.storage_state()
            return taker
        taker = CallTaker(open_page(cookies[role]), address)
        taker.page.goto(address)
        return taker

    return enter


@pytest.fixture
def taker(sign_in: Callable[[str], CallTaker]) -> CallTaker:
    """A call-taker at the desk."""
    return sign_in("call_taker")


@pytest.fixture(params=["en", "zh-Hans", "zh-Hant"])
def language(request: pytest.FixtureRequest) -> str:
    """Every test that asks for it runs with callers of each language."""
    return str(request.param)


def opened(case: str = "0123456789ab", language: str = "en") -> Opened:
    """A case as the front door opens it, for tests without one."""
    return Opened.model_validate(
        {
            **{"state": {}, "questions": [], "needed": [], "next": None, "summary": "", "dates": {}},
            **{"session": "a-session", "reference": "a-reference", "case": case},
            **{"language": language, "begun_on": "telegram"},
        }
    )


def free_port() -> int:
    """A port nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True)
class OwnConsole:
    """A console of a test's own, with other numbers or settings."""

    url: str
    environment: dict[str, str]
    log: Path


@contextmanager
def run_console(folder: Path, *, module: str = "tests.console.run_console", **more: str) -> Iterator[OwnConsole]:
    """Run a console with tables in a folder, or where `more` says."""
    port = free_port()
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "GUIDE_DATA": str(folder),
        "GUIDE_CONSOLE_SECRET": SECRET,
        "CONSOLE_PORT": str(port),
        "CONSOLE_URL": f"http://127.0.0.1:{port}",
        **more,
    }
    log = folder / f"console-{port}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", module], cwd=ROOT, env=environment, stdout=output, stderr=output
        )
    url = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 30
        while True:
            try:
                httpx.get(f"{url}/health", trust_env=False).raise_for_status()
                break
            except httpx.HTTPError:
                assert time.monotonic() < deadline, log.read_text()
                assert process.poll() is None, log.read_text()
                time.sleep(0.05)
        yield OwnConsole(url, environment, log)
    finally:
        process.terminate()
        process.wait(15)
