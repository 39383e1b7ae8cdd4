"""A call-taker at the internal interface of the console, over real HTTP."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.conversations.client import PATIENCE


@dataclass
class Desk:
    """One call.

    Attributes:
        base: Address of the front door.
        secret: Of the call console.
        view: The last answer.
        said: What the caller said.
    """

    base: str
    secret: str
    taker: str = field(default_factory=lambda: uuid.uuid4().hex)
    session: str = ""
    view: dict[str, Any] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)

    def ask(self, method: str, path: str, body: Any = None, expect: int = 200) -> Any:
        """One HTTP request; waits when told to."""
        headers = {"Authorization": f"Bearer {self.secret}", "X-Guide-Agent": self.taker}
        if self.session:
            headers["X-Guide-Session"] = self.session
        for _ in range(PATIENCE):
            url = f"{self.base}/internal/assist/{path}"
            answer = httpx.request(method, url, json=body, headers=headers, timeout=60)
            if answer.status_code != 503:
                break
            time.sleep(float(answer.headers["Retry-After"]))
        assert answer.status_code == expect, (answer.status_code, answer.text[:300])
        return answer.json() if answer.content else None

    def begin(self, language: str) -> Desk:
        """A new case."""
        return self._taken(self.ask("POST", "conversations", {"language": language}, 201))

    def take(self, **by: str) -> Desk:
        """Find a case, and go on with it."""
        (match, *_) = self.ask("POST", "lookup", by)["matches"]
        return self._taken(self.ask("POST", "open", {"ref": match["ref"]}, 201))

    def _taken(self, opened: dict[str, Any]) -> Desk:
        self.session, self.view = opened["session"], opened
        return self

    def send(self, **what: Any) -> Desk:
        """Send `text`, `payload` or `action`."""
        self.view = self.ask("POST", "messages", {"id": uuid.uuid4().hex, **what})
        return self

    def hear(self, text: str) -> Desk:
        """Type what the caller says."""
        self.said.append(text)
        return self.send(text=text)

    def do(self, name: str, **more: str) -> Desk:
        """Press one of the console's keys."""
        return self.send(action={"do": name, **more})

    def choose(self, *names: str) -> Desk:
        """Press the shown button whose payload has the first of these names that any has."""
        shown = [button["payload"] for reply in self.view["replies"] for button in reply.get("buttons", ())]
        return self.send(payload=next(payload for name in names for payload in shown if f'"{name}"' in payload
                                      or payload == f"/{name}"))  # fmt: skip

    @property
    def asking(self) -> str | None:
        """The open question."""
        value: str | None = self.view["next"]
        return value

    @property
    def state(self) -> dict[str, Any]:
        """The state of the contract."""
        return dict(self.view["state"])

    @property
    def keys(self) -> list[str]:
        """Wording keys of the last answer."""
        return [reply["key"] for reply in self.view["replies"]]

    def question(self, slot: str) -> dict[str, Any]:
        """One line of the list."""
        return next(item for item in self.view["questions"] if item["slot"] == slot)
