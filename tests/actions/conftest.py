"""One conversation that stands at the review, played without Rasa against a backend that really answers over HTTP."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from actions.intake_client import Backend as Address
from actions.intake_client import IntakeClient
from actions.labels import Labels
from actions.memory import Memory
from actions.message import Message
from actions.settings import ROOT
from actions.state import pending_of
from actions.turn import Say, Turn
from actions.understanding import play
from actions.world import World
from tests.actions.faulty_backend import Backend, BackendServer
from triage.content import Content

DAY = date(2026, 11, 24)
ANSWERS: dict[str, Any] = {
    "grounds": ["uscis_error"], "form_type": "I-485", "receipt_numbers": ["IOE0912345678"],
    "contact_center": "tried", "contact_center_date": "2026-09-14", "contact_center_detail": "They sent a form letter.",
    "case_status_online": "not_tried", "infopass": "not_tried", "requester_role": "applicant",
    "full_name": "Amara Okafor", "date_of_birth": "1985-03-27", "a_number": "A012345678",
    "email": "amara@example.org", "mailing_address": "12 Pine Street", "problem_description": "Another name.",
    "delivery": "online", "consent": True, "signature_name": "Amara Okafor", "signed_at": "2026-11-24T10:00:00+00:00",
}
CONTENT = Content.load(ROOT / "content")
LABELS = Labels.load(ROOT / "domain")


class Conversation:
    """One person's talk: what is remembered between the turns is what the engine would store."""

    def __init__(self, client: IntakeClient, name: str = "conversation-1", **answers: Any) -> None:
        self.name = name
        self.world = World(CONTENT, CONTENT.policy(), LABELS, client, DAY)
        # `documents` is passed over, as a person may.
        standing = {"asking": "review", "skipped": ["documents"], "offered": ["request"], "told": ["window", "privacy"]}
        self.slots: dict[str, Any] = {**ANSWERS, **answers, "language": "en", "dialogue": standing}
        self.turns = 0
        self.replies: list[Say] = []

    @property
    def memory(self) -> Memory:
        """What is stored."""
        return Memory.from_slots(self.slots)

    @property
    def number(self) -> str | None:
        """The tracking number that the person sees."""
        return self.memory.at.tracking_number

    @property
    def keys(self) -> list[str]:
        """Wording keys of the last turn."""
        return [reply.key for reply in self.replies]

    @property
    def pending(self) -> str | None:
        """What is to be tried again later."""
        return (pending_of(self.memory) or {}).get("kind")

    async def event(self, event: str, store: bool = True, **message: Any) -> Conversation:
        """Play one event; without ``store`` the turn breaks off before anything of it is remembered."""
        self.turns += 1
        said = Message(event=event, text=message.pop("text", ""), at=f"2026-11-24T10:00:{self.turns % 60:02}+00:00",
                       **message)
        turn = Turn(said, Memory.from_slots(self.slots), dataclasses.replace(self.world))
        await play(turn, self.name)
        if store:
            self.replies = turn.replies
            self.slots = turn.memory.to_slots()
        return self

    async def press(self, intent: str, store: bool = True, entities: tuple[dict[str, Any], ...] = ()) -> Conversation:
        """Press a button."""
        return await self.event("payload", store, text=f"/{intent}", ranking=((intent, 1.0),), entities=entities)

    async def write(self, text: str, intent: str, *entities: dict[str, Any], store: bool = True) -> Conversation:
        """Write something that is understood as ``intent``."""
        return await self.event("text", store, text=text, ranking=((intent, 0.95),), entities=entities, script="en")

    async def send(self, store: bool = True) -> Conversation:
        """Say yes at the review."""
        return await self.press("affirm", store)

    async def retry(self, store: bool = True) -> Conversation:
        """What the front door does later by itself."""
        return await self.event("retry", store)

    async def change_email(self, value: str, store: bool = True) -> Conversation:
        """Correct an answer at the review."""
        return await self.write(f"my email is {value}", "change_answer", {"entity": "email", "value": value},
                                {"entity": "answer_name", "value": "email"}, store=store)


@pytest.fixture
def backend() -> Iterator[BackendServer]:
    server = BackendServer(Backend())
    yield server
    server.stop()


def client_of(server: BackendServer, **more: Any) -> IntakeClient:
    """A client with short times."""
    times = {"attempt_seconds": 0.6, "turn_seconds": 2.0, "circuit_failures": 100, "circuit_seconds": 1.0}
    return IntakeClient(Address(**{"url": server.url, "credential": "secret-token", **times, **more}))


@pytest.fixture
def talk(backend: BackendServer) -> Conversation:
    return Conversation(client_of(backend))
