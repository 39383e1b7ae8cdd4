"""Reading mails that come back: whether one says for good that a mail of ours did not arrive, and which it was.

Mail servers report failures as RFC 3464 has it (``multipart/report``), or in words with the original's head below or
attached. A delay, a read receipt, an answer written by a person, another mail's failure or anything that cannot be read
says nothing. Which mail it was is told by its Message-ID (`intake.delivery.letter`), which nobody can guess.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from email import message_from_bytes, message_from_string
from email.message import Message
from email.utils import parseaddr

_IDENTIFIER = re.compile(r"<((\d{1,18})-[0-9a-f]{24})@[^<>\s]{1,255}>")
# The envelope id is written without brackets and domain.
_ENVELOPE = re.compile(r"((\d{1,18})-[0-9a-f]{24})")
_STATUS = re.compile(r"(?<![\d.])[245]\.\d{1,3}\.\d{1,3}(?!\.?\d)")
# Reply and status codes in a text, apart from longer numbers such as addresses of machines and versions.
_CODE = re.compile(r"(?<![\d.])([45])(?:[025]\d(?=[ -])|\.\d{1,3}\.\d{1,3})(?!\.?\d)")
# Where the head of the original begins in a text.
_ORIGINAL = re.compile(r"^(?:Return-Path|Received|Message-ID|Date|From|DKIM-Signature):", re.MULTILINE | re.IGNORECASE)
_MESSAGE_ID = re.compile(r"^Message-ID:\s*(<[^<>\s]+>)", re.MULTILINE | re.IGNORECASE)
_HEADS = ("text/rfc822-headers", "message/global-headers")
_ORIGINALS = ("message/rfc822", "message/global")
_STATUS_PARTS = ("message/delivery-status", "message/global-delivery-status")
_DAEMONS = ("mailer-daemon", "postmaster")
_FAILED = "failed"
# Deeper than any mail server wraps its reports.
_DEEPEST = 5


@dataclass(frozen=True)
class Bounce:
    """A mail of ours that did not arrive, and never will.

    Attributes:
        entry: Id of its outbox entry, as the mail claims.
        identifier: The entry's whole name.
        kind: What the mail server said, in digits alone: nothing personal.
    """

    entry: int
    identifier: str
    kind: str


def read(mail: bytes, recipient: str) -> Bounce | None:
    """What a mail says about a mail of ours; None when it does not say that one failed for good.

    Args:
        mail: As it came.
        recipient: Where ours are sent. When the report is about several recipients, theirs counts; when it names only
            others, as behind a forwarding address, all of them must have failed.
    """
    try:
        message = message_from_bytes(mail)
        parts = list(_parts(message, 0))
        kind = _reported(parts, recipient)
        if kind is None and not any(part.get_content_type() in _STATUS_PARTS for part in parts):
            kind = _told(message, parts)
        found = _identifier(message, parts) if kind else None
    except (RecursionError, ValueError, LookupError, AttributeError, TypeError):
        # The parser takes any bytes, but not every way in which they can be broken.
        return None
    if kind is None or found is None:
        return None
    return Bounce(int(found[2]), found[1], kind)


def _parts(message: Message, depth: int) -> Iterator[Message]:
    """The parts of a mail, without what is inside of the original that came back."""
    if message.get_content_maintype() == "multipart" and depth < _DEEPEST:
        for part in _inner(message):
            yield from _parts(part, depth + 1)
    else:
        yield message


def _inner(part: Message) -> list[Message]:
    content = part.get_payload()
    return [one for one in content if isinstance(one, Message)] if isinstance(content, list) else []


def _status_blocks(parts: Sequence[Message]) -> list[Message]:
    """The blocks of all reports for machines: about the whole mail, then one about each recipient."""
    return [block for part in parts if part.get_content_type() in _STATUS_PARTS for block in _inner(part)]


def _reported(parts: Sequence[Message], recipient: str) -> str | None:
    """The kind of failure, as a report for machines has it."""
    blocks = [block for block in _status_blocks(parts) if block["Action"]]
    ours = [block for block in blocks if recipient.lower() in _addresses(block)]
    counted = ours or blocks
    # A server that has given up says "failed", whatever the status was while it still tried.
    if not counted or any(_word(block["Action"]) != _FAILED for block in counted):
        return None
    status = _STATUS.search(str(counted[0]["Status"]))
    return f"mail_{status[0] if status else _FAILED}"


def _addresses(block: Message) -> set[str]:
    named = [str(block[name]) for name in ("Final-Recipient", "Original-Recipient") if block[name]]
    return {name.rpartition(";")[2].strip().strip("<>").lower() for name in named}


def _word(value: object) -> str:
    return str(value).partition(";")[0].strip().lower()


def _told(message: Message, parts: Sequence[Message]) -> str | None:
    """The kind of failure, as a mail server tells people: only by its codes, all of which have to be final."""
    if message.get_content_type() == "multipart/report" or not _is_by_a_server(message):
        return None
    texts = [_text(part) for part in parts if part.get_content_maintype() == "text" and not _is_head(part)]
    before = [text[: start.start()] if (start := _ORIGINAL.search(text)) else text for text in texts]
    codes = {code[1] for text in before for code in _CODE.finditer(text)}
    if codes != {"5"}:
        return None
    status = next((found for text in before if (found := _STATUS.search(text))), None)
    return f"mail_{status[0] if status else _FAILED}"


def _is_by_a_server(message: Message) -> bool:
    sender = parseaddr(str(message["From"]))[1].partition("@")[0].lower()
    return sender in _DAEMONS or str(message["Return-Path"]).strip() == "<>"


def _identifier(message: Message, parts: Sequence[Message]) -> re.Match[str] | None:
    """The name of our mail: in the original that came back, in the report, or in what the mail answers."""
    for part in parts:
        for value in _names_in(part):
            if found := _IDENTIFIER.search(value):
                return found
    for block in _status_blocks(parts):
        if found := _ENVELOPE.fullmatch(str(block["Original-Envelope-Id"]).strip()):
            return found
    for name in ("In-Reply-To", "References"):
        if found := _IDENTIFIER.search(str(message[name])):
            return found
    return None


def _names_in(part: Message) -> Iterator[str]:
    if part.get_content_type() in _ORIGINALS:
        yield from (str(original["Message-ID"]) for original in _inner(part))
    elif _is_head(part):
        yield str(message_from_string(_text(part).lstrip())["Message-ID"])
    elif part.get_content_maintype() == "text":
        yield from _MESSAGE_ID.findall(_text(part))


def _is_head(part: Message) -> bool:
    return part.get_content_type() in _HEADS


def _text(part: Message) -> str:
    """The text, or so much of it as codes and names need: they are ASCII in every encoding that mails have."""
    content = part.get_payload(decode=True)
    return content.decode("latin-1").replace("\r\n", "\n") if isinstance(content, bytes) else ""
