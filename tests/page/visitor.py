"""A person at the chat page: a real browser, looked at through what it shows and what it sends."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, expect

from tests.conversations.client import Chat
from tests.conversations.people import ANSWERS, go_on
from tests.conversations.test_outcomes import OPENINGS

ROOT = Path(__file__).resolve().parents[2]
PHONE, DESK = {"width": 360, "height": 740}, {"width": 1280, "height": 800}
LOCALES = {"en": "en-US", "zh-Hans": "zh-CN", "zh-Hant": "zh-TW"}
SHOTS = Path(os.environ.get("GUIDE_SCREENSHOTS") or ROOT / "var" / "screenshots")
MOST_TURNS = 45
# The page fetches the rest of itself after an answer.
PARTS = re.compile(r"/chat/(\?said=.*)?$")


@dataclass
class Visitor:
    """One browser window.

    Attributes:
        posts: Bodies of the messages that were sent, in their order.
        complaints: What the browser complains of: errors of scripts, violations of the policy.
        elsewhere: Addresses of other machines that were asked for.
    """

    base: str
    language: str
    context: BrowserContext
    page: Page
    posts: list[dict[str, Any]] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.watch(self.page)

    def watch(self, page: Page) -> None:
        """Note what a window sends and complains of."""
        page.on("request", self._sent)
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _sent(self, request: Request) -> None:
        if request.url.endswith("/chat/messages") and request.post_data:
            self.posts.append(json.loads(request.post_data))
        if not request.url.startswith((self.base, "data:", "blob:")):
            self.elsewhere.append(request.url)

    def _said(self, message: ConsoleMessage) -> None:
        # That a request failed is told by the browser itself, also where the test has it fail.
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.complaints.append(message.text)

    # ---- doing

    def open(self, address: str = "/chat/") -> Visitor:
        """Open the page, and wait until it can be used."""
        self.page.goto(self.base + address)
        self.page.wait_for_selector("#messages > li")
        return self

    def say(self, text: str) -> Visitor:
        """Type an answer, send it and wait for what comes."""
        self.page.fill("#answer", text)
        return self.after(lambda: self.page.press("#answer", "Enter"))

    def press(self, payload: str) -> Visitor:
        """Press the button with this payload."""
        button = self.page.locator(f"button[value='{payload}']").first
        return self.after(button.click)

    def after(self, act: Any) -> Visitor:
        """Do something that sends an answer, and wait until the page has shown everything that comes of it."""
        with self.page.expect_response("**/chat/messages"), self.page.expect_response(PARTS):
            act()
        self.settle()
        return self

    def save(self, year: str = "1978") -> str:
        """Save, and read the code off the page."""
        code = self.page.locator("#banner .code")
        before = code.all_inner_texts()
        self.page.click("#save > summary")
        self.page.fill("#year", year)
        self.page.click("#save button")
        for old in before:
            expect(code).not_to_have_text(old)
        return code.inner_text()

    def give_code(self, code: str, year: str = "1978") -> None:
        """Type a code and a year of birth, and send them."""
        if not self.page.is_visible("#code"):
            self.page.click("#resume > summary")
        self.page.fill("#code", code)
        self.page.fill("#born", year)
        self.page.click("#resume button")

    def settle(self) -> None:
        """Wait until nothing is on its way."""
        expect(self.page.locator("html[data-looking]")).to_have_count(0)
        self.page.wait_for_load_state("networkidle")

    def go_on(self, until: str | None = None, **own: str) -> Visitor:
        """Answer whatever is asked until an outcome, or until `until` is asked."""
        for _ in range(MOST_TURNS):
            state = self.state()
            if state["outcome"] or state["asking"] == until:
                return self
            asking = state["asking"]
            self.say(own.get(asking) or ANSWERS[self.language][asking])
        raise AssertionError(f"{MOST_TURNS} turns without an end; asked: {state['asking']}")

    def be_at(self, until: str, **own: str) -> Visitor:
        """The same without the page, which is then loaded again: for tests that begin far into the conversation."""
        chat = Chat(self.base, self.language, self.token)
        chat.state = self.state()
        if not chat.state["answers"]:
            chat.say(OPENINGS["submitted"][self.language])
        go_on(chat, self.language, until, **own)
        self.page.reload()
        return self

    # ---- looking

    @property
    def token(self) -> str:
        """The session in the cookie, which no script of the page can read."""
        return next((one["value"] for one in self.context.cookies() if one["name"] == "guide_session"), "")

    def history(self) -> dict[str, Any]:
        """What the server has of the conversation."""
        answer = httpx.get(f"{self.base}/chat/history", headers={"Authorization": f"Bearer {self.token}"}, timeout=30)
        answer.raise_for_status()
        return dict(answer.json())

    def state(self) -> dict[str, Any]:
        """The state of the conversation."""
        return dict(self.history()["state"])

    def shown(self) -> list[str]:
        """The texts of the conversation as the page shows them."""
        return [text.strip() for text in self.page.locator("#messages > li > p[dir]").all_inner_texts()]

    def buttons(self) -> list[str]:
        """The titles of the answers to choose from."""
        return self.page.locator("#choices button").all_inner_texts()

    def banner(self) -> str:
        """What the page has to say for itself."""
        return self.page.locator("#banner").inner_text().strip() if self.page.is_visible("#banner") else ""

    def stored(self) -> dict[str, str]:
        """What the page keeps in this tab."""
        return dict(self.page.evaluate("Object.assign({}, sessionStorage, localStorage)"))

    def axe(self) -> list[str]:
        """What axe finds wrong; all rules, best practice as well."""
        found = Axe().run(self.page)
        return [
            f"{one['id']} ({one['impact']}): {one['nodes'][0]['html'][:200]}" for one in found.response["violations"]
        ]

    def too_wide(self) -> list[str]:
        """Elements that stick out of the window to the right."""
        script = """() => [...document.querySelectorAll('body *')].filter((one) => {
          const box = one.getBoundingClientRect();
          return box.width && box.height && !one.closest('.unseen, .skip') && box.right > innerWidth + 1;
        }).map((one) => one.outerHTML.slice(0, 120))"""
        wide = self.page.evaluate("document.documentElement.scrollWidth > innerWidth")
        return list(self.page.evaluate(script)) + (["the page scrolls sideways"] if wide else [])

    def shot(self, name: str) -> None:
        """Keep a picture of the page, on a telephone and on a desk."""
        for label, size in (("phone", PHONE), ("desk", DESK)):
            self.page.set_viewport_size(size)  # type: ignore[arg-type]
            path = SHOTS / f"{name}-{self.language}-{label}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=path, full_page=True)
        self.page.set_viewport_size(PHONE)  # type: ignore[arg-type]


@contextmanager
def visitor(browser: Browser, base: str, language: str, **options: Any) -> Iterator[Visitor]:
    """A person with a browser of their own: nothing of another one is in it."""
    settings: dict[str, Any] = {"viewport": PHONE, "locale": LOCALES[language], "reduced_motion": "reduce", **options}
    context = browser.new_context(**settings)
    context.set_default_timeout(20_000)
    try:
        yield Visitor(base, language, context, context.new_page())
    finally:
        context.close()
