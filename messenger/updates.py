"""Updates of Telegram, reduced to what the worker needs. Nothing else of them is kept."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import Any, Literal

from telegram import CallbackQuery, ChatMember, ChatMemberUpdated, Message, Update

Kind = Literal["text", "command", "unknown", "tap", "edited", "media", "group", "back", "gone"]

ALLOWED = ("message", "edited_message", "callback_query", "my_chat_member")
COMMANDS = (
    *("start", "language", "status", "review", "back", "save", "resume", "cancel", "help", "privacy", "human"),
    "delete",
)
_COMMAND = re.compile(r"/([A-Za-z0-9_]{1,32})(?:@(\w{1,64}))?(?=\s|$)")
_AWAY = (ChatMember.LEFT, ChatMember.BANNED)
# What a message can be made of besides text; anything else is a note of Telegram's own, such as a changed title.
_CONTENTS = (
    *("photo", "document", "voice", "audio", "video", "video_note", "animation", "sticker", "contact", "location"),
    *("venue", "dice", "game", "poll", "story", "paid_media", "checklist", "invoice", "passport_data"),
)
_MOST_SIGNS = 20_000


@dataclass(frozen=True)
class Event:
    """One thing that happened in a chat.

    Attributes:
        update_id: Telegram's number of it.
        chat_id: Of the chat; never leaves the worker but to Telegram.
        kind: `text`, `command`, `unknown` (a command that is none of ours), `tap` (a button), `edited`, `media`,
            `group` (we are in one), `back` (the person let us in again) or `gone` (they shut us out).
        tag: Language tag of the person's Telegram, or empty.
        text: What was written; for a command what stands behind it; of media what stands beside it.
        name: Of the command, or the data of the button.
        message_id: Of the message, or of the one the button is at.
        query_id: Of a pressed button, to be answered at once.
        album: Media of the same album come one by one.
    """

    update_id: int
    chat_id: int
    kind: Kind
    tag: str = ""
    text: str = ""
    name: str = ""
    message_id: int = 0
    query_id: str = ""
    album: str = ""

    def content(self) -> dict[str, Any]:
        """As it is stored."""
        return {name: value for name, value in asdict(self).items() if value not in ("", 0)}


def event_from(update: Update, username: str) -> Event | None:
    """What an update says, or None if it is nothing to us.

    Args:
        update: As Telegram sent it.
        username: Of the bot: a command may name it; empty while it is not known.
    """
    if update.callback_query is not None:
        return _tap(update.update_id, update.callback_query)
    if update.my_chat_member is not None:
        return _member(update.update_id, update.my_chat_member)
    if update.edited_message is not None:
        chat = update.edited_message.chat
        # A place that is shared live moves on by edits; only changed words are worth a word.
        if chat.type != chat.PRIVATE or not (update.edited_message.text or update.edited_message.caption):
            return None
        return Event(update.update_id, chat.id, "edited", _tag(update.edited_message))
    return _message(update.update_id, update.message, username) if update.message is not None else None


def _tag(message: Message) -> str:
    return (message.from_user.language_code or "") if message.from_user else ""


def _tap(update_id: int, query: CallbackQuery) -> Event | None:
    message = query.message
    if message is None or message.chat.type != message.chat.PRIVATE:
        return None
    return Event(
        update_id,
        message.chat.id,
        "tap",
        query.from_user.language_code or "",
        name=str(query.data or "")[:64],
        message_id=message.message_id,
        query_id=query.id,
    )


def _member(update_id: int, change: ChatMemberUpdated) -> Event | None:
    here = change.new_chat_member.status not in _AWAY
    if change.chat.type == change.chat.PRIVATE:
        return Event(update_id, change.chat.id, "back" if here else "gone", change.from_user.language_code or "")
    return Event(update_id, change.chat.id, "group") if here else None


def _message(update_id: int, message: Message, username: str) -> Event | None:
    if message.chat.type != message.chat.PRIVATE:
        return Event(update_id, message.chat.id, "group") if message.left_chat_member is None else None
    if message.from_user is not None and message.from_user.is_bot:
        return None
    common: dict[str, Any] = {"chat_id": message.chat.id, "tag": _tag(message), "message_id": message.message_id}
    if message.text is not None:
        text = message.text[:_MOST_SIGNS]
        command = _command(text, username)
        if command is not None:
            kind: Kind = "command" if command[0] in COMMANDS else "unknown"
            return Event(update_id, kind=kind, name=command[0], text=command[1], **common)
        return Event(update_id, kind="text", text=text, **common)
    if any(getattr(message, name, None) for name in _CONTENTS):
        return Event(update_id, kind="media", text=message.caption or "", album=message.media_group_id or "", **common)
    return None


def _command(text: str, username: str) -> tuple[str, str] | None:
    """Name and rest of a command at the very beginning. "/" before anything else is text like any other."""
    found = _COMMAND.match(text)
    if found is None:
        return None
    ours = not found[2] or not username or found[2].lower() == username.lower()
    return found[1].lower() if ours else "", text[found.end() :].strip()
