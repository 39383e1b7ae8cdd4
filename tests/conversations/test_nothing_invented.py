"""A sentence about something else is no answer: nothing is stored that the person did not say."""

from __future__ import annotations

import pytest

from tests.conversations.client import Chat
from tests.conversations.people import go_on
from tests.conversations.test_outcomes import OPENINGS

# Open question, what the person says beside it.
BESIDE = [
    ("case_status_online", {
        "en": "I have bills and a baby and the landlord sent a notice on November 2",
        "zh-Hans": "家里有孩子要养，房东十一月二号又来催了房租",
        "zh-Hant": "家裡有孩子要養，房東十一月二號又來催了房租",
    }),
    ("infopass", {"en": "me, it's my own case", "zh-Hans": "我就是申请人", "zh-Hant": "我就是申請人"}),
    ("full_name", {"en": "rosa at example dot com", "zh-Hans": "rosa@example.com", "zh-Hant": "rosa@example.com"}),
    ("full_name", {"en": "online", "zh-Hans": "邮寄", "zh-Hant": "傳真"}),
    ("date_of_birth", {
        "en": "They let me go on September 30, 2026 because my card had expired by then.",
        "zh-Hans": "因为工卡过期，公司在2026年9月30日把我辞退了，到现在也没有再找到别的工作",
        "zh-Hant": "因為工卡過期，公司在2026年9月30日把我辭退了，到現在也沒有再找到別的工作",
    }),
]


@pytest.mark.parametrize(("slot", "words"), BESIDE, ids=[f"{slot}-{words['en'][:12]}" for slot, words in BESIDE])
def test_what_is_said_beside_a_question_does_not_answer_it(
    chat: Chat, language: str, slot: str, words: dict[str, str]
) -> None:
    go_on(chat.say(OPENINGS["submitted"][language]), language, until=slot)
    chat.say(words[language])
    assert slot not in chat.answers
    assert chat.asking == slot


def test_the_day_of_a_letter_is_not_the_filing_date(chat: Chat, language: str) -> None:
    chat.say({
        "en": "My card never came, USCIS says they mailed it in July.",
        "zh-Hans": "我的卡一直没收到，移民局说七月份寄出了。",
        "zh-Hant": "我的卡一直沒收到，移民局說七月寄出了。",
    }[language])
    assert "filing_date" not in chat.answers


def test_an_answer_with_nothing_in_it_is_kept_word_for_word(chat: Chat, language: str) -> None:
    """A short answer that has a "no" in it is no empty answer."""
    words = {
        "en": "promised a letter, none came",
        "zh-Hans": "说会补寄，结果没有",
        "zh-Hant": "說會補寄，結果沒有",
    }[language]
    go_on(chat.say(OPENINGS["submitted"][language]), language, until="contact_center_detail")
    chat.say(words)
    assert chat.answers["contact_center_detail"] == words
