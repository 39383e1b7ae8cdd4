"""The guide's replies in another language than the one in which they were given, from what the engine said of them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from gateway.language import Language
from gateway.links import Links

Reply = dict[str, Any]
# By language: the text, and the titles of the buttons and attachments in their order.
Wording = dict[str, dict[str, Any]]
_TITLED = ("buttons", "attachments")


def pack(replies: Sequence[Reply]) -> str:
    """The wording of an answer as it is stored."""
    wordings = [reply.get("wording") for reply in replies]
    return json.dumps(wordings, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace").decode()


def unpack(stored: str | None, replies: Sequence[Reply]) -> list[Wording | None]:
    """The wording of each reply of an answer; none for answers from before it was kept."""
    wordings: list[Wording | None] = json.loads(stored) if stored else []
    return wordings if len(wordings) == len(replies) else [None] * len(replies)


def in_language(reply: Reply, wording: Wording | None, language: Language, links: Links) -> Reply:
    """A reply as it would have been given in a language; as it is when that is not known."""
    words = (wording or {}).get(language)
    if words is None or reply["language"] == language:
        return reply
    worded: Reply = {**reply, "text": words["text"], "language": language}
    for name in _TITLED:
        if len(reply.get(name, ())) == len(words[name]):
            worded |= {name: _titled(reply[name], words[name])} if words[name] else {}
    if "attachments" in worded:
        worded["attachments"] = [{**item, "url": links.in_language(item["url"], language)}
                                 for item in worded["attachments"]]  # fmt: skip
    return worded


def with_beside(reply: Reply, wording: Wording | None, language: Language) -> Reply:
    """A reply with its words in a language beside it; without, when they are not known."""
    words = (wording or {}).get(language)
    if words is None:
        return reply
    return {**reply, "beside": {"language": language, "text": words["text"], **{name: words[name] for name in _TITLED}}}


def _titled(items: Sequence[dict[str, Any]], titles: Sequence[str]) -> list[dict[str, Any]]:
    return [{**item, "title": title} for item, title in zip(items, titles, strict=True)]
