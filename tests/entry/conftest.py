"""A front door of our own, a page of somebody else, and a real browser. Only the dialogue engine is a fake."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Page, Request

from tests.gateway.conftest import FrontDoor
from tests.gateway.fake_rasa import FakeRasaServer
from tests.page.visitor import DESK, PHONE, SHOTS


class ForeignSite:
    """A site of an agency: on another port, under another name, so that it is another site for the browser."""

    def __init__(self) -> None:
        self.pages: dict[str, tuple[str, dict[str, str]]] = {}
        pages = self.pages

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body, headers = pages.get(self.path, ("", {}))
                self.send_response(200 if body else 404 if self.path != "/favicon.ico" else 204)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, *_: object) -> None:
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.origin = f"http://localhost:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def page(self, body: str, language: str = "en", **headers: str) -> str:
        """Put up a page; returns its address."""
        path = f"/{len(self.pages)}"
        head = f'<!doctype html><html lang="{language}"><head><meta charset="utf-8"><title>Agency</title></head>'
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.pages[path] = (f"{head}<body><main><h1>Agency</h1>{body}</main></body></html>", named)
        return self.origin + path

    def stop(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()


@dataclass
class Watched:
    """A window, with what it asked for and what its browser complained of."""

    page: Page
    requests: list[Request] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("request", lambda request: self.requests.append(request))
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _said(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.complaints.append(message.text)

    def shot(self, name: str) -> None:
        """Keep a picture of the window, on a telephone and on a desk."""
        SHOTS.mkdir(parents=True, exist_ok=True)
        before = self.page.viewport_size
        for label, size in (("phone", PHONE), ("desk", DESK)):
            self.page.set_viewport_size(size)  # type: ignore[arg-type]
            self.page.screenshot(path=SHOTS / f"entry-{name}-{label}.png")
        self.page.set_viewport_size(before or PHONE)  # type: ignore[arg-type]

    def axe(self) -> list[str]:
        """What axe finds wrong, by all its rules."""
        found = Axe().run(self.page)
        return [f"{one['id']}: {one['nodes'][0]['html'][:200]}" for one in found.response["violations"]]


@pytest.fixture
def window(browser: Browser) -> Iterator[Watched]:
    """A fresh window of somebody on a telephone."""
    context = browser.new_context(viewport=PHONE, locale="en-US", timezone_id="Asia/Shanghai")  # type: ignore[arg-type]
    yield Watched(context.new_page())
    context.close()


@pytest.fixture(scope="session")
def agency() -> Iterator[ForeignSite]:
    """A site that may show the chat."""
    site = ForeignSite()
    yield site
    site.stop()


@pytest.fixture(scope="session")
def stranger() -> Iterator[ForeignSite]:
    """A site that may not."""
    site = ForeignSite()
    yield site
    site.stop()


@pytest.fixture(scope="session")
def engine() -> Iterator[FakeRasaServer]:
    server = FakeRasaServer()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def door(engine: FakeRasaServer, agency: ForeignSite, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FrontDoor]:
    """The front door, which lets the agency in."""
    running = FrontDoor(
        engine,
        tmp_path_factory.mktemp("entry"),
        GUIDE_EMBED_ORIGINS=f"https://agency.example, {agency.origin}",
        GUIDE_SESSIONS_PER_MINUTE="10000",
    )
    yield running
    running.stop()


@pytest.fixture
def client(door: FrontDoor) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=door.url, timeout=30, trust_env=False) as made:
        yield made
