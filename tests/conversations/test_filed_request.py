"""A filed request afterwards: its status with dates, withdrawing it, having it erased, in three scripts."""

from __future__ import annotations

import pytest

from tests.conversations.client import Chat
from tests.conversations.people import ANSWERS, go_on
from tests.conversations.test_outcomes import OPENINGS

WITHDRAW = {
    "en": "I want to withdraw my request",
    "zh-Hans": "我想撤回我的请求",
    "zh-Hant": "我想撤回我的請求",
}
ERASE = {
    "en": "please delete the request I submitted",
    "zh-Hans": "请删除我提交的请求",
    "zh-Hant": "請刪除我提交的請求",
}
STATUS = {
    "en": "What is the status of my request {number}?",
    "zh-Hans": "我的请求 {number} 现在到哪一步了？",
    "zh-Hant": "我的請求 {number} 現在到哪一步了？",
}


def file_one(base: str, language: str, receipt: str) -> Chat:
    chat = Chat(base, language).open().say(OPENINGS["submitted"][language])
    go_on(chat, language, receipt_numbers=receipt)
    assert chat.outcome == "submitted"
    assert chat.state["tracking_number"] in chat.text()
    return chat


def test_withdrawn_right_after_filing(base: str, language: str) -> None:
    chat = file_one(base, language, "IOE0933100001")
    number = str(chat.state["tracking_number"])
    chat.say(WITHDRAW[language])
    assert chat.keys == ["utter_confirm_withdraw_request"]
    assert number in chat.text()
    chat.press("/deny")
    assert chat.keys[0] == "utter_request_kept"
    chat.say(WITHDRAW[language]).press("/affirm")
    assert chat.keys[0] == "utter_request_withdrawn"
    chat.say(STATUS[language].format(number=number)).say(ANSWERS[language]["request_proof"])
    assert chat.keys[0] == "utter_status_found"
    assert chat.replies[0]["text"].count("•") == 2


@pytest.mark.parametrize("wish", ["withdraw", "erase"])
def test_later_by_number_and_proof(base: str, language: str, wish: str) -> None:
    number = str(file_one(base, language, "IOE0933100002").state["tracking_number"])
    chat = Chat(base, language).open().say({"withdraw": WITHDRAW, "erase": ERASE}[wish][language])
    assert chat.asking == "request_number"
    chat.say(number)
    assert chat.asking == "request_proof"
    chat.say(ANSWERS[language]["request_proof"])
    assert chat.keys == [f"utter_confirm_{wish}_request"]
    chat.press("/affirm")
    done = {"withdraw": "utter_request_withdrawn", "erase": "utter_request_erased"}[wish]
    assert chat.keys[0] == done
    assert "request_number" not in chat.answers
    assert "request_proof" not in chat.answers


def test_another_request_for_the_same_receipt_number(base: str, language: str) -> None:
    receipt = {"en": "IOE0933100101", "zh-Hans": "IOE0933100102", "zh-Hant": "IOE0933100103"}[language]
    first = file_one(base, language, receipt)
    assert "utter_similar_request" not in first.keys
    second = file_one(base, language, receipt)
    assert "utter_similar_request" in second.keys
    told = next(reply["text"] for reply in second.replies if reply["key"] == "utter_similar_request")
    assert receipt in told
    assert str(first.state["tracking_number"]) not in second.text(), "never the number of somebody else's request"
