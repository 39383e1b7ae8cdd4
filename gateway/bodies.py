"""Reading what clients send, by hand: every mistake gets its own clear answer, and no value is ever echoed."""

from __future__ import annotations

import asyncio
import datetime
import json
import re
import unicodedata
from dataclasses import dataclass
from typing import Any, Literal

from starlette.requests import ClientDisconnect, Request

from gateway.errors import ChatError
from gateway.settings import Limits

_FIRST_BIRTH_YEAR = 1900
_LONGEST_YEAR = 40
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
# Categories of characters that leave no mark: controls, formats (zero width, direction), blanks.
_INVISIBLE_CATEGORIES = frozenset({"Cc", "Cf", "Zs", "Zl", "Zp"})
# Fillers and variation selectors, which are letters or marks by category but show nothing alone.
_INVISIBLE = re.compile(
    "[\u115f\u1160\u3164\uffa0\u2800\u034f\u17b4\u17b5\u180b-\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef]"
)


@dataclass(frozen=True)
class Message:
    """A checked message of the person; exactly one of `text` and `payload` is set."""

    id: str
    event: Literal["text", "payload"]
    text: str
    payload: str | None


async def read_body(request: Request, limits: Limits) -> bytes:
    """The whole body.

    A body over the limit is read on and thrown away up to a second limit, so that the sender gets to hear the answer.

    Raises:
        ChatError: `body_too_large`, or `malformed` when the body does not come to its end in time.
    """
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and int(announced) > limits.body_discard_bytes:
        raise ChatError("body_too_large", close=True)
    chunks: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(limits.body_read_seconds):
            async for chunk in request.stream():
                size += len(chunk)
                if size > limits.body_discard_bytes:
                    raise ChatError("body_too_large", close=True)
                if size <= limits.body_max_bytes:
                    chunks.append(chunk)
    except (TimeoutError, ClientDisconnect) as error:
        raise ChatError("malformed", close=True) from error
    if size > limits.body_max_bytes:
        raise ChatError("body_too_large")
    return b"".join(chunks)


def parse_object(request: Request, body: bytes, *, may_be_empty: bool = False) -> dict[str, Any]:
    """The JSON object in a body.

    Args:
        may_be_empty: no body at all counts as `{}`.

    Raises:
        ChatError: `wrong_type` unless the type is application/json in UTF-8, `malformed` if it is no JSON object.
    """
    if may_be_empty and not body.strip():
        return {}
    media_type, _, parameters = request.headers.get("content-type", "").partition(";")
    charset = re.search(r'charset\s*=\s*"?([\w-]+)', parameters, re.IGNORECASE)
    if media_type.strip().lower() != "application/json" or (charset and charset[1].lower() not in ("utf-8", "utf8")):
        raise ChatError("wrong_type")
    try:
        parsed = json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError):
        raise ChatError("malformed") from None
    if not isinstance(parsed, dict):
        raise ChatError("malformed")
    return parsed


def parse_message(parsed: dict[str, Any], limits: Limits) -> Message:
    """Check the fields of a message.

    Raises:
        ChatError: `bad_message_id`, `text_or_payload`, `malformed` (a wrong kind of value), `text_too_long`,
            `empty_text`, or `unknown_payload` (one that no button can have).
    """
    message_id = parsed.get("id")
    if not isinstance(message_id, str) or not 1 <= len(message_id) <= limits.message_id_max_chars:
        raise ChatError("bad_message_id")
    if "\0" in message_id or _LONE_SURROGATE.search(message_id):
        raise ChatError("bad_message_id")
    text, payload = parsed.get("text"), parsed.get("payload")
    if (text is None) == (payload is None):
        raise ChatError("text_or_payload")
    if payload is not None:
        if not isinstance(payload, str):
            raise ChatError("malformed")
        if not 1 <= len(payload) <= limits.payload_max_chars:
            raise ChatError("unknown_payload")
        return Message(message_id, "payload", "", clean(payload))
    if not isinstance(text, str):
        raise ChatError("malformed")
    if len(text) > limits.message_max_chars:
        raise ChatError("text_too_long", values={"limit": f"{limits.message_max_chars:,}"})
    text = clean(text)
    if is_blank(text):
        raise ChatError("empty_text")
    return Message(message_id, "text", text, None)


def parse_birth_year(given: Any) -> int | None:
    """A year of birth as a number or as typed, full-width digits as well; None if there is none.

    A year by another calendar, such as 民國 78, is not guessed: it would be a wrong try without anybody knowing why.

    Raises:
        ChatError: `bad_birth_year`: not a year somebody alive can be born in; `malformed`: a wrong kind of value.
    """
    if given is None:
        return None
    if isinstance(given, bool) or not isinstance(given, int | str):
        raise ChatError("malformed")
    typed = unicodedata.normalize("NFKC", str(given)[:_LONGEST_YEAR]).strip()
    this_year = datetime.datetime.now(datetime.UTC).year
    if not re.fullmatch(r"\d{4}", typed) or not _FIRST_BIRTH_YEAR <= int(typed) <= this_year:
        raise ChatError("bad_birth_year", values={"first": str(_FIRST_BIRTH_YEAR), "last": str(this_year)})
    return int(typed)


def clean(text: str) -> str:
    """The text as typed, less what no database can take: NUL goes, half characters become U+FFFD."""
    return _LONE_SURROGATE.sub("\ufffd", text.replace("\0", ""))


def is_blank(text: str) -> bool:
    """Whether nothing of the text can be seen: blanks, controls, zero-width and direction marks only.

    >>> is_blank(" \u200b\u202e\t"), is_blank("\U0001f600")
    (True, False)
    """
    return all(unicodedata.category(char) in _INVISIBLE_CATEGORIES or _INVISIBLE.match(char) for char in text)
