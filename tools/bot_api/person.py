"""Somebody who writes to the bot in a private chat."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass, field
from typing import Any

from tools.bot_api.server import BotApi, Sent

PATIENCE_SECONDS = 45.0
# An answer is whole when so long nothing has followed.
_QUIET_SECONDS = 0.1


@dataclass
class Person:
    """One person.

    Attributes:
        api: Where they are.
        chat: Their id.
        tag: Language of their Telegram.
        seen: How many of the bot's messages they have read.
    """

    api: BotApi
    chat: int
    tag: str = "en"
    seen: int = 0
    last: list[Sent] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.api.meet(self.chat)

    @property
    def _user(self) -> dict[str, Any]:
        return {"id": self.chat, "is_bot": False, "first_name": "Somebody", "language_code": self.tag}

    def message(self, **content: Any) -> dict[str, Any]:
        """A message of theirs as Telegram tells of it."""
        number = self.api.said(self.chat, str(content.get("text", "")))
        text = str(content.get("text", ""))
        if text.startswith("/"):
            length = len(text.split()[0])
            content["entities"] = [{"type": "bot_command", "offset": 0, "length": length}]
        return {
            "message_id": number,
            "date": int(time.time()),
            "chat": {"id": self.chat, "type": "private"},
            "from": self._user,
            **content,
        }

    def send(self, text: str, update_id: int | None = None) -> int:
        """Write something; does not wait. Returns what a webhook answered."""
        return self.api.push({"message": self.message(text=text)}, update_id)

    def give(self, **content: Any) -> int:
        """Send something that is no text."""
        return self.api.push({"message": self.message(**content)})

    def edit(self, text: str) -> int:
        """Change a message of theirs."""
        return self.change(text=text)

    def change(self, **content: Any) -> int:
        """Change a message of theirs that is no text, or only its place."""
        return self.api.push({"edited_message": {**self.message(**content), "edit_date": int(time.time())}})

    def press(self, data: str, message_id: int, update_id: int | None = None) -> str:
        """Press a button by what stands behind it; returns the number of the query."""
        query = uuid.uuid4().hex
        self.api.push(
            {
                "callback_query": {
                    "id": query,
                    "from": self._user,
                    "chat_instance": "1",
                    "data": data,
                    "message": {
                        "message_id": message_id,
                        "date": int(time.time()),
                        "chat": {"id": self.chat, "type": "private"},
                        "text": "…",
                    },
                }
            },
            update_id,
        )
        return query

    # ---- reading

    def wait(self, count: int = 1, seconds: float = PATIENCE_SECONDS) -> list[Sent]:
        """The next answer: at least so many messages, and what follows them at once."""
        if not self.api.wait(lambda: len(self.api.in_chat(self.chat)) >= self.seen + count, seconds):
            raise TimeoutError("no answer")
        while True:
            found = self.api.in_chat(self.chat)
            if not self.api.wait(lambda: len(self.api.in_chat(self.chat)) > len(found), _QUIET_SECONDS):  # noqa: B023
                break
        self.last = found[self.seen :]
        self.seen = len(found)
        return self.last

    def say(self, text: str) -> str:
        """Write something and read the answer."""
        self.send(text)
        self.wait()
        return self.text

    @property
    def text(self) -> str:
        """The last answer."""
        return "\n\n".join(sent.text for sent in self.last)

    @property
    def buttons(self) -> list[dict[str, Any]]:
        """The buttons of the last answer."""
        return [button for sent in self.last for row in sent.keyboard for button in row]

    def titles(self) -> list[str]:
        """What stands on them."""
        return [button["text"] for button in self.buttons]

    def tap(self, title: str | int) -> str:
        """Press a button of the last answer, by what stands on it or by its place, and read the answer."""
        data, message_id = self.find(title)
        self.press(data, message_id)
        self.wait()
        return self.text

    def find(self, title: str | int) -> tuple[str, int]:
        """Data of a button of the last answer, and the number of its message."""
        pairs = [
            (button, sent.message_id) for sent in self.last for row in sent.keyboard for button in row
            if "callback_data" in button
        ]  # fmt: skip
        if isinstance(title, int):
            button, message_id = pairs[title]
        else:
            button, message_id = next(pair for pair in pairs if title in pair[0]["text"])
        return str(button["callback_data"]), message_id
