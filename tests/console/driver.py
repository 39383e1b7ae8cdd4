"""A call-taker at the console in a real browser. Calls are taken with the keyboard alone."""

from __future__ import annotations

import os
import re
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.conversations.people import ANSWERS

ROOT = Path(__file__).resolve().parents[2]
PICTURES = Path(os.environ.get("GUIDE_TEST_PICTURES") or ROOT / "var" / "screenshots" / "console")
LANGUAGE_KEY = {"zh-Hans": "1", "zh-Hant": "2", "en": "3"}
MOST_TURNS = 45
_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


class CallTaker:
    """Somebody who is signed in, or about to be.

    Args:
        page: A page of the browser.
        address: Of the console.
    """

    def __init__(self, page: Page, address: str) -> None:
        self.page = page
        self.address = address

    def sign_in(self, name: str, password: str, code: str = "") -> CallTaker:
        """Sign in, by keyboard."""
        self.page.goto(self.address)
        self.type_sign_in(name, password, code)
        self.page.wait_for_url(re.compile(r"/(desk|figures)$"))
        return self

    def type_sign_in(self, name: str, password: str, code: str = "") -> None:
        """Fill in the sign-in, and send it."""
        keys = self.page.keyboard
        self.page.locator("#name").focus()
        keys.insert_text(name)
        keys.press("Tab")
        keys.insert_text(password)
        if code:
            keys.press("Tab")
            keys.insert_text(code)
        keys.press("Enter")

    # --- calls

    def begin(self, language: str) -> CallTaker:
        """A new call: one key."""
        if not self.page.url.endswith("/desk"):
            self.page.goto(f"{self.address}/desk")
        expect(self.page.locator("#new-title")).to_be_focused()
        self.page.keyboard.press(LANGUAGE_KEY[language])
        self.page.wait_for_url("**/calls/*")
        return self.settle()

    def settle(self) -> CallTaker:
        """Wait until nothing is under way."""
        self.page.wait_for_selector("#call:not([aria-busy]) #script")
        return self

    def press(self, keys: str, path: str = "/turn") -> CallTaker:
        """Press keys that make a turn."""
        with self.page.expect_response(lambda answer: path in answer.url and answer.request.method == "POST") as got:
            self.page.keyboard.press(keys)
        assert got.value.ok, (keys, got.value.status, got.value.text())
        return self.settle()

    def say(self, text: str) -> CallTaker:
        """Type what the caller said, and send it with Enter."""
        self.page.keyboard.press("Alt+t")
        expect(self.page.locator("#text")).to_be_focused()
        self.page.keyboard.insert_text(text)
        return self.press("Enter")

    def choose(self, payload: str) -> CallTaker:
        """Press the digit of the choice with a payload."""
        choice = self.page.locator("button[name=pick]").filter(visible=True)
        for number in range(choice.count()):
            if choice.nth(number).get_attribute("value") == payload:
                digit = choice.nth(number).get_attribute("data-digit")
                assert digit, payload
                return self.press(digit)
        raise AssertionError(f"{payload} is not offered")

    def go_on(self, language: str, until: str | None = None, **own: str) -> CallTaker:
        """Answer whatever is asked until an outcome, or until ``until`` is asked."""
        asked: list[str] = []
        for _ in range(MOST_TURNS):
            if self.outcome or self.asking == until:
                return self
            slot = self.asking
            assert slot, self.script()
            assert asked.count(slot) < 2, f"{slot} is asked again and again"
            asked.append(slot)
            self.say(own.get(slot) or ANSWERS[language][slot])
        raise AssertionError(f"no end, asking {self.asking}")

    def finish(self, disposition: str, **fields: str) -> CallTaker:
        """Choose how the call ends and finish it, by keyboard; stays on the page when that is refused.

        Args:
            disposition: Its code; empty takes the one that is proposed.
            fields: `reason`, `note`, `zone`, `when`, `erase`, `interpreter`.
        """
        page = self.page
        page.keyboard.press("Alt+e")
        expect(page.locator("#disposition")).to_be_focused()
        if disposition:
            self._pick("disposition", disposition)
        for name, value in fields.items():
            field = page.locator(f"#{name}")
            field.focus()
            if name in ("reason", "zone", "interpreter"):
                self._pick(name, value)
            elif name == "erase":
                page.keyboard.press("Space")
            elif name == "when":
                # month, day, year, hour, minute, half of the day: as the field of an English browser takes them
                page.keyboard.type(value)
            else:
                page.keyboard.insert_text(value)
        with page.expect_response(lambda answer: answer.url.endswith("/finish")):
            page.keyboard.press("Control+Enter")
        return self

    def _pick(self, name: str, value: str) -> None:
        field = self.page.locator(f"#{name}")
        options: list[str] = field.evaluate("list => [...list.options].map(option => option.value)")
        chosen = int(field.evaluate("list => list.selectedIndex"))
        steps = options.index(value) - chosen
        for _ in range(abs(steps)):
            self.page.keyboard.press("ArrowDown" if steps > 0 else "ArrowUp")
        assert field.input_value() == value

    def ended(self) -> CallTaker:
        """The call is finished."""
        expect(self.page.locator("main h1")).to_have_text("The call is finished")
        return self

    # --- what is shown

    @property
    def asking(self) -> str | None:
        """The question that is open."""
        return self.page.locator("#script").get_attribute("data-asking") or None

    @property
    def outcome(self) -> str | None:
        """The outcome, if there is one."""
        return self.page.locator("#script").get_attribute("data-outcome") or None

    @property
    def proposed(self) -> str:
        """The disposition that is proposed."""
        return self.page.locator("#disposition").get_attribute("data-proposed") or ""

    @property
    def call(self) -> str:
        """Id of the call."""
        return self.page.url.rsplit("/", 1)[-1]

    def script(self) -> list[str]:
        """What is to be read aloud."""
        return self.page.locator(".say").all_text_contents()

    def english(self) -> list[str]:
        """What stands beside it."""
        return self.page.locator(".beside").all_text_contents()

    def how(self, label: str) -> str:
        """How an answer was got, by its English name."""
        row = self.page.locator("table.collected tr", has=self.page.get_by_role("rowheader", name=label, exact=True))
        return row.locator(".how").inner_text()

    def check(self, name: str) -> CallTaker:
        """Nothing that an accessibility checker finds; a picture for people to look at."""
        found = Axe().run(self.page, options={"runOnly": {"type": "tag", "values": _RULES}})
        assert found.violations_count == 0, found.generate_report()
        PICTURES.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=PICTURES / f"{name}.png", full_page=True)
        return self
