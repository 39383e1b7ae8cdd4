"""The worker as a process of its own, between a Bot API of ours and the running system; and a look inside."""

from __future__ import annotations

import json
import os
import secrets
import signal
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from messenger import settings as messenger_settings
from messenger.sealing import Seal
from tests.conversations.running import Running
from tools.bot_api.person import Person
from tools.bot_api.server import TOKEN, BotApi
from tools.launcher.settings import ROOT, neutral_environment

# The running system remembers the people of earlier workers.
_CHATS = 1_000_000_000


@dataclass
class Worker:
    """A worker.

    Attributes:
        api: What it takes for Telegram.
        running: The system behind it.
        folder: Where it keeps its things.
        more: Further settings.
    """

    api: BotApi
    running: Running
    folder: Path
    more: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    _next_chat: int = field(default_factory=lambda: _CHATS + secrets.randbelow(_CHATS))

    @property
    def environment(self) -> dict[str, str]:
        """Its settings."""
        return {
            "TELEGRAM_TOKEN": TOKEN,
            "TELEGRAM_API_BASE": self.api.url,
            "TELEGRAM_CHAT_PAUSE_SECONDS": "0",
            "GUIDE_WORKER_SECRET": self.running.secret("GUIDE_WORKER_SECRET"),
            "GUIDE_FRONT_DOOR": self.running.url,
            "GUIDE_DATA": str(self.folder),
            **self.more,
        }

    def start(self) -> Worker:
        """Start it; its log goes on."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "messenger"],
                cwd=ROOT,
                env={**neutral_environment(), **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        return self

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Stop it; returns its exit code."""
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(15)

    def lives(self) -> bool:
        """Whether it runs."""
        return self.process is not None and self.process.poll() is None

    @property
    def log(self) -> Path:
        """What it says."""
        return self.folder / "worker.log"

    @property
    def resident_mb(self) -> float:
        """Resident memory, in MB."""
        assert self.process is not None
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS"))) / 1024

    def person(self, tag: str = "en") -> Person:
        """Somebody new."""
        self._next_chat += 1
        return Person(self.api, self._next_chat, tag)

    # ---- inside

    @property
    def seal(self) -> Seal:
        """Opens what the worker has sealed."""
        return Seal(messenger_settings.load(self.environment))

    def state(self, person: Person) -> dict[str, Any]:
        """The state of a person's conversation, as the front door has it; empty if there is none."""
        rows = self.front_door(
            "SELECT c.state FROM conversations c JOIN people p ON p.conversation_id = c.id WHERE p.person = ?",
            self.seal.person(person.chat),
        )
        return dict(json.loads(rows[0][0])) if rows and rows[0][0] else {}

    def turns(self, person: Person) -> int:
        """How many turns the person has had."""
        rows = self.front_door(
            "SELECT count(*) FROM messages m JOIN people p ON p.conversation_id = m.conversation_id "
            "WHERE p.person = ? AND m.event IN ('text', 'payload')",
            self.seal.person(person.chat),
        )
        return int(rows[0][0])

    def front_door(self, query: str, *values: object) -> list[Any]:
        """Look into the database of the front door."""
        with closing(sqlite3.connect(f"file:{self.running.data / 'gateway.db'}?mode=ro", uri=True)) as database:
            return database.execute(query, values).fetchall()

    def own(self, query: str, *values: object) -> list[Any]:
        """Look into the worker's own database."""
        with closing(sqlite3.connect(f"file:{self.folder / 'messenger.db'}?mode=ro", uri=True)) as database:
            return database.execute(query, values).fetchall()

    def payloads(self, person: Person) -> dict[str, str]:
        """What the buttons of the last answer mean → what Telegram sends for them."""
        found = {}
        for button in person.buttons:
            if "callback_data" in button:
                number, _, place = button["callback_data"].partition(".")
                ((body,),) = self.own("SELECT body FROM messenger_keyboards WHERE id = ?", int(number, 16))
                choice = self.seal.open(body)["choices"][int(place)]
                found[choice.get("payload") or choice["action"]] = button["callback_data"]
        return found


def running_system() -> Running:
    """The system that the test run has started."""
    return Running(os.environ["GUIDE_TEST_URL"], Path(os.environ["GUIDE_TEST_DATA"]))


def new_folder() -> Path:
    """An empty folder that goes with the machine."""
    return Path(tempfile.mkdtemp(prefix="guide-telegram-"))
