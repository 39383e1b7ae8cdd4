"""The review queue of the running system: no canary in it, nothing before the notice, gone with the conversation."""

from __future__ import annotations

import time

import pytest

from tests.conversations.client import Chat
from tests.conversations.people import go_on
from tests.conversations.running import Running
from tests.conversations.test_outcomes import CANCEL, OPENINGS, YES
from tests.conversations.test_privacy import CANARIES, PEOPLE, found

# Not understood, one hopes; with everything about the person in it that they could think of.
LOADED = {
    "en": [
        "um so what then Quillon Vexworth said to you about it",
        "well you know Marmoset Hollow and all of that",
        "so it is 0977-331-155 or was it A077-331-955 that you had",
        "quillon.vexworth@example.org is what I have here so what then",
        "Zebulon was there on February 19, 1971 and so was I",
        "what of it then",
    ],
    "zh-Hans": [
        "那个欧阳翡翠说的那样呢",
        "穿山甲那边的人又不是我说的那个",
        "是 066224577 还是 IOE0966224477 来着你说",
        "feicui.ouyang@example.org 就这样的那个",
        "1969年12月8日那天貔貅也在的",
        "那又是怎样的一个说法呢",
    ],
    "zh-Hant": [
        "那個司徒瓊瑤說的那樣呢",
        "水豚那邊的人又不是我說的那個",
        "是 055117799 還是 MSC2190123987 來著你說",
        "415-555-0187 就這樣的那個",
        "民國57年5月17日那天麒麟也在的",
        "那又是怎樣的一個說法呢",
    ],
}
PATIENCE_SECONDS = 20


def rows(running: Running, before: dict[str, str]) -> dict[str, str]:
    """What came into the queue since."""
    return {key: row for key, row in running.for_review().items() if key not in before}


def loaded(base: str, language: str) -> Chat:
    """A conversation after the notice in which nothing was understood."""
    chat = Chat(base, language).open().say(OPENINGS["submitted"][language])
    go_on(chat, language, until="requester_role", **PEOPLE[language])
    chat.language = None
    for text in LOADED[language]:
        if chat.outcome or chat.asking is None:
            break
        chat.say(text)
    return chat


def test_no_canary_and_gone_with_the_conversation(base: str, running: Running, language: str) -> None:
    before = running.for_review()
    chat = loaded(base, language)
    kept = rows(running, before)
    assert kept, "nothing was kept at all"
    assert found(CANARIES[language], {"queue": "\n".join(kept.values()).encode()}) == []
    files = {path.name: path.read_bytes() for path in running.data.glob("review.db*")}
    assert found(CANARIES[language], files) == []
    chat.request("DELETE", "/chat/session", expect=204)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while rows(running, before):
        assert time.monotonic() < deadline, "the queue still has messages of an erased conversation"
        time.sleep(0.2)


def test_gone_when_the_person_cancels(base: str, running: Running) -> None:
    before = running.for_review()
    chat = loaded(base, "en")
    assert rows(running, before)
    chat.say(CANCEL["en"]).say(YES["en"])
    assert chat.outcome == "cancelled"
    assert rows(running, before) == {}


@pytest.mark.parametrize("told", [False, True])
def test_nothing_before_the_notice(base: str, running: Running, told: bool) -> None:
    before = running.for_review()
    chat = Chat(base, "en").open()
    if told:
        go_on(chat.say(OPENINGS["submitted"]["en"]), "en", until="requester_role")
        assert "90" in "\n".join(chat.turns)
    chat.language = None
    for text in LOADED["en"]:
        chat.say(text)
    assert bool(rows(running, before)) == told
    chat.request("DELETE", "/chat/session", expect=204)
