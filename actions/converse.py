"""The one custom action of the assistant: a message in, replies and slots out.

Rasa swallows exceptions raised in actions and leaves the person without an answer, so everything is caught here;
a turn that failed says so and changes nothing.
"""
from __future__ import annotations

import dataclasses
import logging
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import EventType, SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions import keeping
from actions.intake_client import IntakeClient
from actions.labels import Labels
from actions.memory import Memory
from actions.message import message_from
from actions.review_queue import ReviewQueue
from actions.settings import Settings
from actions.state import REVOCATION, pending_of, state_of
from actions.turn import Say, Turn
from actions.understanding import GIVING_UP, SILENT_EVENTS, play
from actions.world import World
from triage.content import Content

logger = logging.getLogger(__name__)


@lru_cache(maxsize=1)
def _world() -> World:
    settings = Settings.from_environment()
    content = Content.load(settings.content)
    return World(content, content.policy(), Labels.load(settings.wording),
                 IntakeClient(settings.backend_with(content.settings)), date.min)


class ActionConverse(Action):
    """Plays one turn; registered in ``domain.yml`` and predicted by the rule of every intent."""

    def name(self) -> str:
        """Name of the action in the domain."""
        return "action_converse"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> list[EventType]:
        """Play the turn and hand out replies, state and slots."""
        slots = tracker.slots
        event, silent = "", False
        try:
            message = message_from(tracker.latest_message)
            world = dataclasses.replace(_world(), today=_day(message.at))
            event = message.event
            silent = event in SILENT_EVENTS
            turn = Turn(message, Memory.from_slots(slots), world)
            start = keeping.Start.of(turn)
            await play(turn, tracker.sender_id)
            await keeping.keep(ReviewQueue.installed(), turn, tracker.sender_id, start)
            memory, replies, pending = turn.memory, turn.replies, pending_of(turn.memory)
        except Exception as problem:  # the boundary: a person must get an answer whatever happened
            logger.error("turn failed: %s at %s", type(problem).__name__, _where(problem))
            memory, replies = Memory.from_slots(slots), [] if silent else [Say("utter_problem")]
            # What was to be taken back is not, whatever else is known: it has to come again.
            pending = REVOCATION if event in GIVING_UP else pending_of(memory)
        for reply in replies:
            dispatcher.utter_message(response=reply.key, key=reply.key, language=memory.language,
                                     buttons=list(reply.buttons), attachments=list(reply.attachments), **reply.values)
        dispatcher.utter_message(json_message={"state": state_of(memory), "pending": pending,
                                             "origins": memory.at.origins})
        return [SlotSet(name, value) for name, value in memory.to_slots().items() if slots.get(name) != value]


def _day(at: str) -> date:
    """The day of a moment in the zone of the machine (set ``TZ`` to the zone of the people served)."""
    return datetime.fromisoformat(at.replace("Z", "+00:00")).astimezone().date() if at else date.today()


def _where(problem: BaseException) -> str:
    """File and line of an error, without its text, which may quote the person."""
    trace = problem.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_filename.rsplit('/', 1)[-1]}:{trace.tb_lineno}" if trace else "?"


