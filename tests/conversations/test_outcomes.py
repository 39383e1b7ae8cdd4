"""Every outcome in every language, from the first sentence to what the person leaves with."""

from __future__ import annotations

import datetime
import re

import pytest

from tests.conversations.client import Chat
from tests.conversations.people import ANSWERS, go_on
from triage.rules import OUTCOMES

OPENINGS = {
    "submitted": {
        "en": "USCIS misspelled my name on the new card, I called them and they did nothing about it.",
        "zh-Hans": "移民局把我新卡上的名字拼错了，我打过电话，他们没有改。",
        "zh-Hant": "移民局把我新卡上的名字拼錯了，我打過電話，他們沒有改。",
    },
    "wait_until": {
        "en": "I filed my I-485 a month ago and I think it takes too long.",
        "zh-Hans": "我一个月前递了I-485，觉得太慢了。",
        "zh-Hant": "我一個月前遞了I-485，覺得太慢了。",
    },
    "try_uscis_first": {
        "en": "My I-485 was filed on January 15, 2022 and nothing has moved since.",
        "zh-Hans": "我的I-485是2022年1月15日递的，一直没有进展。",
        "zh-Hant": "我的I-485是2022年1月15日遞的，一直沒有進展。",
    },
    "legal_advice": {
        "en": "Which visa should I choose, should I appeal, and what are my chances in court?",
        "zh-Hans": "我该选哪种签证？要不要上诉？胜算有多大？",
        "zh-Hant": "我該選哪種簽證？要不要上訴？勝算有多大？",
    },
    "other_agency": {
        "en": "The IRS has not sent my tax refund.",
        "zh-Hans": "国税局一直没把退税寄给我。",
        "zh-Hant": "國稅局一直沒把退稅寄給我。",
    },
    "decision_disagreement": {
        "en": "USCIS denied my application and I disagree with the decision, please overturn it.",
        "zh-Hans": "移民局拒了我的申请，我不同意这个决定，请你们推翻它。",
        "zh-Hant": "移民局拒了我的申請，我不同意這個決定，請你們推翻它。",
    },
    "feedback": {
        "en": "I have no case, I only want to make a suggestion so that USCIS gets better.",
        "zh-Hans": "我没有案子，只是想给移民局提个改进建议。",
        "zh-Hant": "我沒有案子，只是想給移民局提個改進建議。",
    },
    "handed_to_human": {
        "en": "I want to talk to a real person.",
        "zh-Hans": "我想找真人说话。",
        "zh-Hant": "我想找真人講話。",
    },
}
NO = {"en": "no", "zh-Hans": "没有", "zh-Hant": "沒有"}
ONLY_DECISION = {
    "en": "no, no mistake, I just disagree",
    "zh-Hans": "没有错误，我只是不同意",
    "zh-Hant": "沒有錯誤，我只是不同意",
}
CANCEL = {"en": "cancel this request", "zh-Hans": "取消这份请求", "zh-Hant": "取消這份請求"}
YES = {"en": "yes, cancel it", "zh-Hans": "对，取消", "zh-Hant": "對，取消"}
REFUSE = {"en": "no, I do not agree to that", "zh-Hans": "不同意", "zh-Hant": "不同意"}
BY_MAIL = {"en": "print it and mail it", "zh-Hans": "打印出来邮寄", "zh-Hant": "印出來郵寄"}
PHONES = re.compile(r"202-357-8100|855-882-8100")


def _start(chat: Chat, outcome: str, language: str) -> Chat:
    return chat.say(OPENINGS[outcome][language])


def test_submitted(chat: Chat, language: str) -> None:
    go_on(_start(chat, "submitted", language), language)
    assert chat.outcome == "submitted"
    number = chat.state["tracking_number"]
    assert number in chat.text()
    assert any(
        item["url"].endswith(".pdf") or "request" in item["url"]
        for reply in chat.replies
        for item in reply.get("attachments", ())
    )
    assert chat.answers["full_name"] == ANSWERS[language]["full_name"]
    assert chat.answers["receipt_numbers"] == ["IOE0912345678"]
    assert chat.answers["date_of_birth"] == "1985-03-27"
    assert chat.answers["consent"] is True
    assert chat.answers["problem_description"] == ANSWERS[language]["problem_description"]
    assert "uscis_error" in chat.state["grounds"]


def test_prepared(chat: Chat, language: str) -> None:
    go_on(_start(chat, "submitted", language), language, delivery=BY_MAIL[language])
    assert chat.outcome == "prepared"
    assert chat.state["tracking_number"] in chat.text()
    assert "20528" in chat.text()
    assert "14" in chat.text()
    assert "consent" not in chat.answers


def test_wait_until(chat: Chat, language: str) -> None:
    go_on(_start(chat, "wait_until", language), language)
    assert chat.outcome == "wait_until"
    assert chat.answers["delay_verified"] is False
    year = datetime.datetime.now(tz=datetime.UTC).year
    assert re.search(f"{year}|{year + 1}", chat.text())
    assert any(".ics" in item["url"] for reply in chat.replies for item in reply.get("attachments", ()))


def test_try_uscis_first_and_back_again(chat: Chat, language: str) -> None:
    go_on(
        _start(chat, "try_uscis_first", language),
        language,
        contact_center=NO[language],
        case_status_online=NO[language],
        infopass=NO[language],
    )
    assert chat.outcome == "try_uscis_first"
    assert "1-800-375-5283" in chat.text()
    assert "uscis.gov" in chat.text()
    chat.say(
        {
            "en": "Wait, I did call the contact center in September.",
            "zh-Hans": "等等，我九月份打过客服电话。",
            "zh-Hant": "等等，我九月有打過客服電話。",
        }[language]
    )
    assert chat.outcome is None
    assert chat.answers["contact_center"] == "tried"
    go_on(chat, language)
    assert chat.outcome == "submitted"


def test_legal_advice(chat: Chat, language: str) -> None:
    go_on(_start(chat, "legal_advice", language), language, grounds=NO[language])
    assert chat.outcome == "legal_advice"
    assert re.search("consultant|顾问|顧問", chat.text())
    assert "http" in chat.text()


def test_other_agency(chat: Chat, language: str) -> None:
    go_on(_start(chat, "other_agency", language), language, grounds=NO[language])
    assert chat.outcome == "other_agency"
    assert "irs.gov" in chat.text()


def test_decision_disagreement(chat: Chat, language: str) -> None:
    _start(chat, "decision_disagreement", language)
    assert chat.asking == "grounds"
    go_on(chat, language, grounds=ONLY_DECISION[language])
    assert chat.outcome == "decision_disagreement"
    assert re.search("deadline|期限", chat.text())


def test_a_denial_with_a_mistake_goes_on(chat: Chat, language: str) -> None:
    _start(chat, "decision_disagreement", language)
    go_on(chat, language, until="form_type")
    assert chat.state["grounds"] == ["uscis_error"]


def test_feedback(chat: Chat, language: str) -> None:
    _start(chat, "feedback", language)
    assert chat.asking == "feedback_text"
    go_on(chat, language)
    assert chat.outcome == "feedback"
    assert chat.answers["feedback_text"] == ANSWERS[language]["feedback_text"]
    assert "dhs.gov" in chat.text()


def test_consent_declined(chat: Chat, language: str) -> None:
    go_on(_start(chat, "submitted", language), language, consent=REFUSE[language])
    assert chat.outcome == "consent_declined"
    assert chat.state["tracking_number"] is None
    assert "7001" in chat.text()
    assert chat.answers["full_name"] == ANSWERS[language]["full_name"]


def test_paper_instead_of_consent(chat: Chat, language: str) -> None:
    go_on(_start(chat, "submitted", language), language, until="consent")
    chat.say(REFUSE[language])
    assert chat.outcome is None
    chat.say(BY_MAIL[language])
    go_on(chat, language)
    assert chat.outcome == "prepared"


def test_handed_to_human(chat: Chat, language: str) -> None:
    _start(chat, "handed_to_human", language)
    assert chat.outcome == "handed_to_human"
    assert PHONES.search(chat.text())


def test_cancelled(chat: Chat, language: str) -> None:
    go_on(_start(chat, "submitted", language), language, until="email")
    assert chat.answers["full_name"]
    chat.say(CANCEL[language])
    assert chat.outcome is None
    assert chat.asking is None
    chat.say(YES[language])
    assert chat.outcome == "cancelled"
    assert chat.answers == {}
    assert chat.state["tracking_number"] is None


def test_stopping_after_all_goes_on(chat: Chat, language: str) -> None:
    go_on(_start(chat, "submitted", language), language, until="email")
    chat.say(CANCEL[language]).say({"en": "no, go on", "zh-Hans": "不，继续", "zh-Hant": "不，繼續"}[language])
    assert chat.asking == "email"
    assert chat.answers["full_name"] == ANSWERS[language]["full_name"]


def test_every_outcome_is_tested_here() -> None:
    source = open(__file__, encoding="utf-8").read()  # noqa: SIM115
    assert [name for name in OUTCOMES if f'chat.outcome == "{name}"' not in source] == []


@pytest.mark.parametrize("proof", ["wrong", "right"])
def test_status_of_a_filed_request(base: str, language: str, proof: str) -> None:
    first = go_on(Chat(base, language).open().say(OPENINGS["submitted"][language]), language)
    number = first.state["tracking_number"]
    later = Chat(base, language).open()
    later.say(
        {
            "en": f"What about my request {number}?",
            "zh-Hans": f"我的请求{number}怎么样了？",
            "zh-Hant": f"我的請求{number}怎麼樣了？",
        }[language]
    )
    assert later.asking == "request_proof"
    later.say(ANSWERS[language]["request_proof"] if proof == "right" else "1951-02-02")
    assert later.outcome is None
    assert ("utter_status_found" in later.keys) == (proof == "right")
    assert ("utter_status_not_found" in later.keys) == (proof == "wrong")
    assert "request_proof" not in later.answers
