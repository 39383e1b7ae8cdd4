"""A person at the chat interface, over real HTTP: sends messages and checks what every answer must be."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.conversations.scripts import wrong_script

STATE = {"language", "asking", "step", "steps", "outcome", "tracking_number", "grounds", "answers", "skipped"}
LANGUAGES = ("en", "zh-Hans", "zh-Hant")
PATIENCE = 6


@dataclass
class Chat:
    """One conversation.

    Attributes:
        base: Address of the front door.
        language: Language the replies must be in; ``None`` while anything goes.
        said: What the person wrote, which may come back in a reply in its own script.
    """

    base: str
    language: str | None = "en"
    token: str = ""
    state: dict[str, Any] = field(default_factory=dict)
    replies: list[dict[str, Any]] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    turns: list[str] = field(default_factory=list)

    def open(self, resume_code: str | None = None) -> Chat:
        """Open a conversation, or continue one."""
        body: dict[str, Any] = {"resume_code": resume_code} if resume_code else {"language": self.language or "en"}
        self.token = ""
        answer = self.request("POST", "/chat/session", body, expect=201)
        self.token = answer["session"]
        self._take(answer["greeting"], answer["state"])
        return self

    def request(self, method: str, path: str, body: Any = None, expect: int = 200) -> Any:
        """One HTTP request; waits when told to."""
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        for _ in range(PATIENCE):
            answer = httpx.request(method, self.base + path, json=body, headers=headers, timeout=60)
            if answer.status_code not in (429, 503):
                break
            time.sleep(float(answer.headers["Retry-After"]))
        assert answer.status_code == expect, (answer.status_code, answer.text[:300])
        return answer.json() if answer.content else None

    def say(self, text: str, message_id: str | None = None) -> Chat:
        """Write something."""
        self.said.append(text)
        return self._send({"id": message_id or uuid.uuid4().hex, "text": text})

    def press(self, payload: str) -> Chat:
        """Press a button that was offered."""
        return self._send({"id": uuid.uuid4().hex, "payload": payload})

    def buttons(self) -> list[str]:
        """Payloads offered by the last answer."""
        return [button["payload"] for reply in self.replies for button in reply.get("buttons", ())]

    def _send(self, body: dict[str, Any]) -> Chat:
        answer = self.request("POST", "/chat/messages", body)
        assert answer["id"] == body["id"]
        self._take(answer["replies"], answer["state"])
        return self

    def _take(self, replies: list[dict[str, Any]], state: dict[str, Any]) -> None:
        assert set(state) >= STATE
        assert replies, "an empty answer"
        for reply in replies:
            assert reply["key"], reply
            assert reply["text"].strip(), reply
            assert reply["language"] == state["language"], reply
            if self.language:
                assert reply["language"] == self.language, (self.said[-1:], reply)
                problem = wrong_script(reply["text"], self.language, self.said, state["answers"])
                assert problem is None, (problem, reply["key"])
        self.replies, self.state = replies, state
        self.turns.append("\n".join(reply["text"] for reply in replies))
        assert len(self.turns) < 3 or len(set(self.turns[-3:])) > 1, f"three times the same: {self.turns[-1]}"

    @property
    def asking(self) -> str | None:
        """The slot asked for."""
        return self.state["asking"]

    @property
    def outcome(self) -> str | None:
        """The outcome, if there is one."""
        return self.state["outcome"]

    @property
    def answers(self) -> dict[str, Any]:
        """What has been answered."""
        return self.state["answers"]

    @property
    def keys(self) -> list[str]:
        """Wording keys of the last answer."""
        return [reply["key"] for reply in self.replies]

    def text(self) -> str:
        """The last answer as one text, with buttons and attachments."""
        parts = []
        for reply in self.replies:
            parts.append(reply["text"])
            parts += [button["title"] for button in reply.get("buttons", ())]
            parts += [f"{item['title']} {item['url']}" for item in reply.get("attachments", ())]
        return "\n".join(parts)
