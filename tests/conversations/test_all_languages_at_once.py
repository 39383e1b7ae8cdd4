"""Read in another language afterwards, or with English beside it, a talk is what that language would have said."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conversations.client import LANGUAGES, Chat
from tests.conversations.people import ANSWERS, MOST_TURNS, go_on
from tests.conversations.scripts import wrong_script

DOMAIN = Path(__file__).resolve().parents[2] / "domain"
PLACE = re.compile(r"\\\{\w+\\\}")
OPENING = {
    "en": "USCIS misspelled my name on the new card, I called them and they did nothing about it.",
    "zh-Hans": "移民局把我新卡上的名字拼错了，我打过电话，他们没有改。",
    "zh-Hant": "移民局把我新卡上的名字拼錯了，我打過電話，他們沒有改。",
}
# What differs between two conversations with the same answers.
OWN_NUMBER = re.compile(r"CA(-[0-9A-Z]{4}){3}|/chat/files/\S+")


@lru_cache(maxsize=1)
def catalogue() -> dict[str, dict[str, re.Pattern[str]]]:
    """What each reply can look like, by key and language."""
    found: dict[str, dict[str, re.Pattern[str]]] = {}
    for path in DOMAIN.glob("*.yml"):
        for key, variations in yaml.safe_load(path.read_text(encoding="utf-8")).get("responses", {}).items():
            found[key] = {
                item["condition"][0]["value"]: re.compile(PLACE.sub("(?s:.*)", re.escape(item["text"])))
                for item in variations
            }
    return found


def history(chat: Chat, query: str = "") -> list[dict[str, Any]]:
    """What the guide said."""
    messages = chat.request("GET", f"/chat/history{query}")["messages"]
    return [message for message in messages if message["from"] == "guide"]


@pytest.mark.parametrize("other", LANGUAGES)
def test_a_whole_conversation_read_in_another_language(chat: Chat, language: str, other: str) -> None:
    """No sentence of the first language is left: every reply is the catalogue's for its key in the other one."""
    chat.say(OPENING[language])
    asked = chat.asking
    chat.say({"en": "does it cost anything?", "zh-Hans": "要收费吗？", "zh-Hant": "要收費嗎？"}[language])
    assert chat.asking == asked
    go_on(chat, language)
    assert chat.outcome == "submitted"
    told, read = history(chat), history(chat, f"?language={other}")
    assert len(told) > 20
    for before, after in zip(told, read, strict=True):
        key = before["key"]
        assert (after["key"], after["language"]) == (key, other)
        assert catalogue()[key][other].fullmatch(after["text"]), (key, after["text"])
        problem = wrong_script(after["text"], other, chat.said, chat.answers)
        assert problem is None, (key, problem)
        assert [item["payload"] for item in before.get("buttons", [])] == [
            item["payload"] for item in after.get("buttons", [])
        ]
        assert len(before.get("attachments", [])) == len(after.get("attachments", []))
    assert history(chat) == told, "looking changes nothing"
    if language == other:
        assert read == told


@pytest.mark.parametrize("language", ["zh-Hans", "zh-Hant"])
def test_the_english_beside_it_is_what_the_page_says_in_english(base: str, language: str) -> None:
    """Two people with the same answers: one reads English, of the other's guide the English beside it is taken."""
    page = Chat(base, "en").open()
    other = Chat(base, None).open()
    for chat, chosen in ((page, "en"), (other, language)):
        chat.press(f'/switch_language{{"language":"{chosen}"}}')
    turns = 0
    said = OPENING["en"]
    while True:
        page.say(said)
        other.say(said)
        turns += 1
        assert page.keys == other.keys
        assert page.asking == other.asking
        if page.outcome or turns > MOST_TURNS:
            break
        said = ANSWERS["en"][str(page.asking)]
    assert page.outcome == "submitted"
    beside = history(other, "?beside=en")
    english = history(page)[1:]
    again = history(other, "?language=en")[1:]
    for theirs, ours, re_rendered in zip(beside[1:], english, again, strict=True):
        assert theirs["language"] == language
        words = theirs["beside"]
        # It names the language that was chosen, and the two chose different ones.
        same = re_rendered["text"] if theirs["key"] == "utter_language_switched" else ours["text"]
        assert OWN_NUMBER.sub("", words["text"]) == OWN_NUMBER.sub("", same), theirs["key"]
        assert words["buttons"] == [button["title"] for button in ours.get("buttons", [])]
        assert words["attachments"] == [item["title"] for item in ours.get("attachments", [])]


def test_after_a_switch_the_talk_before_it_can_be_read_in_the_new_language(base: str, language: str) -> None:
    """As the page does it: the button of the language, then looking back in it."""
    first = next(name for name in LANGUAGES if name != language)
    chat = Chat(base, first).open()
    chat.say(OPENING[first])
    go_on(chat, first, until="requester_role")
    chat.language = None
    chat.press(f'/switch_language{{"language":"{language}"}}')
    assert chat.state["language"] == language
    for message in history(chat, f"?language={language}"):
        assert catalogue()[message["key"]][language].fullmatch(message["text"]), message["key"]
        assert wrong_script(message["text"], language, chat.said, chat.answers) is None
