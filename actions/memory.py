"""What a conversation remembers: the answers, and where the talk stands."""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from triage import Facts, facts_from
from triage.interview import BY_SLOT

# Slots that the contract calls answers, in the order of the review.
ANSWER_SLOTS = (
    "grounds", "form_type", "receipt_numbers", "receipt_numbers_reason", "filing_date", "delay_verified",
    "hardship_detail",
    "contact_center", "contact_center_date", "contact_center_detail",
    "case_status_online", "case_status_online_date", "case_status_online_detail",
    "infopass", "infopass_date", "infopass_detail",
    "requester_role", "full_name", "date_of_birth", "a_number", "email", "phone", "phone_e164", "mailing_address",
    "representative_name", "problem_description", "documents", "delivery", "consent", "signature_name", "signed_at",
    "feedback_text",
)
# A turn uses up no more keys than this, and may have sent something under the next one before it broke off.
MOST_GENERATIONS = 3
DEFAULT_LANGUAGE = "en"
DEFAULT_CHINESE = "zh-Hans"


@dataclass
class Standing:
    """Where the talk stands; kept in the slot ``dialogue``.

    Attributes:
        asking: Slot of the open question, ``review`` or ``None``.
        variant: Which way of asking was used.
        forced: Question asked out of order because the person went back or wants to change it.
        pending: A yes/no or a choice that must be answered first (``{"kind": ...}``).
        trail: Slots in the order in which they were answered, for going back.
        misses: How often the open question was not answered.
        told: Notes given already.
        opening: The person's first story, offered as the description.
        status: The open question about a filed request (``{"number": ...}``), or ``None``.
        grounds: The claimed grounds that hold, as last decided.
        official: The backend can give the official form, filled in, for the stored request.
        sequence: Number of the request within this conversation; part of its idempotency key.
        recent: The texts of the last turns (as key and values), so that none comes three times.
        doubted: The turn in which was last asked back what a message means.
        before: What the message before, redacted, led to (see ``actions.keeping``); until the next one only.
        offered: What was asked for last before sending (``request``, ``feedback``), so that a try to send it may
            have been made, even in a turn that broke off before anything of it could be remembered.
        generation: How many keys of this request are used up, counted from 1; part of its idempotency key.
        open_try: The content of a try without proof (``{"key", "digest", "body"}``): it is sent again as it was.
        waiting: What is still to be sent without being asked for (``{"kind", "digest", "error", "after"}``).
        revoking: Keys still to be taken back, as ``[kind, sequence, generation]``.
        refused: How often the backend refused an answer.
        origins: How each answer was got (see ``actions.origins``).
    """

    asking: str | None = None
    variant: str | None = None
    forced: str | None = None
    pending: dict[str, Any] | None = None
    trail: list[str] = field(default_factory=list)
    misses: int = 0
    told: list[str] = field(default_factory=list)
    opening: str | None = None
    status: dict[str, Any] | None = None
    status_tries: int = 0
    sequence: int = 1
    recent: list[list[str]] = field(default_factory=list)
    outcome: str | None = None
    grounds: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    concern: str | None = None
    concern_settled: bool = False
    agency: str | None = None
    not_received: bool = False
    waiting_only: bool | None = None
    wants_human: bool = False
    stopped: bool = False
    reviewed: bool = False
    tracking_number: str | None = None
    official: bool = False
    feedback_stored: bool = False
    not_sent: bool = False
    language_chosen: bool = False
    script: str | None = None
    turns: int = 0
    doubted: int = -2
    before: dict[str, Any] | None = None
    offered: list[str] = field(default_factory=list)
    generation: int = 1
    open_try: dict[str, Any] | None = None
    waiting: dict[str, Any] | None = None
    revoking: list[list[Any]] = field(default_factory=list)
    refused: dict[str, int] = field(default_factory=dict)
    origins: dict[str, str] = field(default_factory=dict)

    def unsettled(self) -> list[list[Any]]:
        """The keys under which something may be stored that nobody has a receipt for."""
        if self.tracking_number:
            return []
        return [[kind, self.sequence, self.generation + more]
                for kind in self.offered for more in range(MOST_GENERATIONS + 1)]

    def stored(self) -> list[list[Any]]:
        """The key of what was stored last."""
        if self.tracking_number:
            return [["request", self.sequence, self.generation]]
        if self.feedback_stored and not self.offered:
            return [["feedback", self.sequence, self.generation - 1]]
        return []


class Memory:
    """Answers and standing of one conversation."""

    def __init__(self, answers: dict[str, Any], standing: Standing, language: str) -> None:
        self.answers = answers
        self.at = standing
        self.language = language

    @classmethod
    def from_slots(cls, slots: Mapping[str, Any]) -> Memory:
        """Read the slots of a tracker."""
        known = {item.name for item in fields(Standing)}
        raw = {name: value for name, value in (slots.get("dialogue") or {}).items() if name in known}
        answers = {name: slots[name] for name in ANSWER_SLOTS if slots.get(name) is not None}
        return cls(answers, Standing(**raw), slots.get("language") or DEFAULT_LANGUAGE)

    def to_slots(self) -> dict[str, Any]:
        """All slot values; an answer that is gone becomes ``None``."""
        return {**{name: self.answers.get(name) for name in ANSWER_SLOTS}, "language": self.language,
                "dialogue": asdict(self.at)}

    def facts(self) -> Facts:
        """What ``triage`` decides on."""
        at = self.at
        return facts_from({**self.answers, "concern": at.concern, "concern_settled": at.concern_settled,
                           "waiting_only": at.waiting_only, "wants_human": at.wants_human, "stopped": at.stopped,
                           "reviewed": at.reviewed, "tracking_number": at.tracking_number,
                           "feedback_stored": at.feedback_stored, "skipped": at.skipped})

    def put(self, slot: str, value: Any) -> bool:
        """Store an answer; what loses its meaning by a change goes away and is asked again.

        Returns:
            Whether anything changed.
        """
        old = self.answers.get(slot)
        if slot in self.at.skipped:
            self.at.skipped.remove(slot)
        if old == value:
            return False
        self.answers[slot] = value
        self.at.reviewed = False
        if old is not None and slot in BY_SLOT:
            for dependant in BY_SLOT[slot].clears:
                self.answers.pop(dependant, None)
                if dependant in self.at.skipped:
                    self.at.skipped.remove(dependant)
        if slot == "delivery" and value != "online":
            self.answers.pop("consent", None)
        return True

    def forget(self, slot: str) -> None:
        """Drop an answer."""
        self.answers.pop(slot, None)

    def skip(self, slot: str) -> None:
        """Pass a question over. Papers that were uploaded are there, whatever is said of further ones."""
        if slot == "documents" and self.answers.get(slot):
            return
        self.answers.pop(slot, None)
        if slot not in self.at.skipped:
            self.at.skipped.append(slot)

    def erase(self) -> None:
        """Forget everything but the language, as after a cancellation."""
        kept = Standing(language_chosen=self.at.language_chosen, script=self.at.script, recent=self.at.recent,
                        sequence=self.at.sequence + 1, status_tries=self.at.status_tries, turns=self.at.turns,
                        revoking=[*self.at.revoking, *self.at.unsettled()])
        self.answers = {}
        self.at = kept
