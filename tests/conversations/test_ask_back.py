"""Did you mean…: whole conversations in three scripts in which a message can be read in two ways."""

from __future__ import annotations

import uuid

import httpx
import pytest

from tests.conversations.client import Chat
from tests.conversations.people import go_on
from tests.conversations.test_interruptions import HARDSHIP, OWN

# Each could be one thing or another. Which of them a model is sure about may change; that it is of all may not.
TWO_WAYS = {
    "en": [
        "they turned me down over their own slip",
        "I would rather speak or stop",
        "drop it or do it over from scratch",
        "wipe it and once more",
        "they told me no by mistake",
        "denied because they mixed something up",
        "they lost it or never sent it",
        "nothing came and nobody knows",
    ],
    "zh-Hans": [
        "他们弄丢了还是没寄",
        "不做了，找真人",
        "等不到也问不到",
        "拒了，是他们搞错的",
        "没寄到也没人管",
        "清空再来一遍",
        "问了也没用又慢",
        "被他们误拒了",
    ],
    "zh-Hant": [
        "他們弄丟了還是沒寄",
        "不做了，找真人",
        "等唔到又問唔到",
        "拒咗，係佢哋搞錯",
        "沒寄到也沒人管",
        "清空再來一次",
        "唔搞啦，換人",
        "被他們誤拒了",
    ],
}
NUMBER = "IOE0912345678"
FIRST = {"en": "the first one", "zh-Hans": "第一个", "zh-Hant": "第一個"}
LAST = {"en": "something else", "zh-Hans": "都不是，是别的意思", "zh-Hant": "都不是，是別的意思"}
ASKS = ("utter_did_you_mean", "utter_did_you_mean_one", "utter_yes_or_no")


def meanings(chat: Chat) -> dict[str, str]:
    """Title to payload of the readings that were named."""
    return {
        button["title"]: button["payload"]
        for reply in chat.replies
        if reply["key"] in ASKS
        for button in reply["buttons"]
    }


def asked_back(base: str, language: str, ending: str = "") -> Chat:
    """A conversation in which the guide has just asked what was meant."""
    for text in TWO_WAYS[language]:
        chat = Chat(base, language).open()
        chat.say(text + ending)
        if meanings(chat):
            return chat
    raise AssertionError("nothing was asked back")


def test_asked_back_in_the_persons_script(base: str, language: str) -> None:
    chat = asked_back(base, language)
    titles = list(meanings(chat))
    assert 2 <= len(titles) <= 4
    assert titles[-1] in LAST[language] or "other" in meanings(chat)[titles[-1]]
    assert all(title in chat.text() for title in titles)
    assert chat.asking == "grounds"
    assert chat.outcome is None
    assert "grounds" not in chat.answers


def test_what_else_was_in_the_message_is_kept(base: str, language: str) -> None:
    chat = asked_back(base, language, f", {NUMBER}")
    assert chat.answers["receipt_numbers"] == [NUMBER]
    chat.press(list(meanings(chat).values())[-1])
    assert chat.answers["receipt_numbers"] == [NUMBER]


@pytest.mark.parametrize("how", ["pressed", "typed", "number", "words"])
def test_a_choice_goes_on_as_if_it_had_been_said(base: str, language: str, how: str) -> None:
    chat = asked_back(base, language, f", {NUMBER}")
    title, payload = next(iter(meanings(chat).items()))
    if how == "pressed":
        chat.press(payload)
    else:
        chat.say({"typed": FIRST[language], "number": "1", "words": title}[how])
    assert not set(ASKS) & set(chat.keys)
    assert "utter_not_understood_1" not in chat.keys
    assert chat.answers["receipt_numbers"] == [NUMBER]
    if chat.outcome is None and chat.asking:
        go_on(chat, language)
        assert chat.outcome
    said = [item["text"] for item in chat.request("GET", "/chat/history")["messages"] if item["from"] == "person"]
    assert said[1] == {"pressed": title, "typed": FIRST[language], "number": "1", "words": title}[how]


def test_something_else_gets_choices_and_the_question_again(base: str, language: str) -> None:
    chat = asked_back(base, language).say(LAST[language])
    assert chat.keys[0] == "utter_meant_other"
    assert chat.asking == "grounds"
    assert len(chat.buttons()) >= 3
    chat.say(HARDSHIP[language])
    assert "hardship" in chat.answers["grounds"]


def test_not_again_and_again(base: str, language: str) -> None:
    """The client of these tests fails at the third same answer; an ask-back never follows on another."""
    chat = Chat(base, language).open()
    for text in TWO_WAYS[language] * 2:
        before = bool(meanings(chat))
        chat.say(text)
        assert not (before and meanings(chat)), text
        if chat.asking is None:
            break


def test_in_the_middle_nothing_is_lost(base: str, language: str) -> None:
    chat = Chat(base, language).open().say(HARDSHIP[language])
    go_on(chat, language, until="receipt_numbers", **OWN[language])
    answers, seen = dict(chat.answers), 0
    for text in TWO_WAYS[language]:
        chat.say(text)
        assert {name: chat.answers.get(name) for name in answers} == answers
        if chat.outcome or chat.asking != "receipt_numbers":
            break
        if meanings(chat):
            seen += 1
            chat.say(LAST[language])
            assert chat.asking == "receipt_numbers"
            assert chat.answers == answers


def test_a_short_answer_that_fits_is_never_asked_back(base: str, language: str) -> None:
    chat = Chat(base, language).open().say(HARDSHIP[language])
    while not chat.outcome:
        before = chat.asking
        go_on_one(chat, language)
        assert not meanings(chat), before


def go_on_one(chat: Chat, language: str) -> None:
    """Answer the open question."""
    from tests.conversations.people import ANSWERS

    slot = str(chat.asking)
    chat.say(OWN[language].get(slot) or ANSWERS[language][slot])


def test_forged_choices_are_refused(base: str) -> None:
    chat = asked_back(base, "en")
    offered = set(meanings(chat).values())
    for reading in ("affirm", "stop", "submitted", "consent"):
        payload = f'/inform{{"meant": "{reading}"}}'
        if payload in offered:
            continue
        answer = httpx.post(
            f"{base}/chat/messages",
            json={"id": uuid.uuid4().hex, "payload": payload},
            headers={"Authorization": f"Bearer {chat.token}"},
            timeout=60,
        )
        assert (answer.status_code, answer.json()["error"]) == (400, "unknown_payload")
    assert chat.request("GET", "/chat/history")["state"]["asking"] == "grounds"
