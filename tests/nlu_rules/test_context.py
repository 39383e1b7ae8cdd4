"""Which question a date answers, and what all rules together make of a message."""

from __future__ import annotations

from datetime import date

import pytest

from bot.nlu.rules import MAX_CHARACTERS, extract_all

TODAY = date(2026, 11, 24)

CASES: list[tuple[str, str]] = [
    # English
    ("I filed my I-485 on June 3, 2023", "2023-06-03:filing"),
    ("I sent it in March 2022", "2022-03:filing"),
    ("In May 2024 I applied for citizenship", "2024-05:filing"),
    ("my N-400 went in on October 15, 2025", "2025-10-15:filing"),
    ("mailed on 05/12/2023", "2023-05-12:filing"),
    ("I called them on November 2, 2026", "2026-11-02:contact_center"),
    ("I phoned in June 2026 and again on July 4, 2026", "2026-06:contact_center 2026-07-04:contact_center"),
    ("I checked online on November 20, 2026", "2026-11-20:case_status_online"),
    ("I went to the field office on October 1, 2026", "2026-10-01:infopass"),
    ("I filed on June 3, 2023 and called on October 2, 2026", "2023-06-03:filing 2026-10-02:contact_center"),
    (
        "I filed in 2022, called in May 2026 and visited the office in June 2026",
        "2022:filing 2026-05:contact_center 2026-06:infopass",
    ),
    ("I was born on May 5, 1980", "1980-05-05:birth"),
    ("My card was approved on May 1, 2026", "2026-05-01:"),
    ("I got the denial on March 3, 2026", "2026-03-03:"),
    ("my interview was on July 7, 2025", "2025-07-07:"),
    ("My wife's petition was submitted January 9, 2021 by courier", "2021-01-09:filing"),
    ("I filed online on May 3, 2024", "2024-05-03:filing"),
    (
        "On 3/4/2021 we mailed everything; on 10/1/2026 I rang customer service",
        "2021-03-04:filing 2026-10-01:contact_center",
    ),
    ("Submitted Feb 2, 2020. Born Jan 5, 1970.", "2020-02-02:filing 1970-01-05:birth"),
    ("The receipt date is July 8, 2022", "2022-07-08:filing"),
    ("My last call was on September 9, 2026", "2026-09-09:contact_center"),
    ("I looked at the website yesterday", "2026-11-23:case_status_online"),
    ("the last time I checked the status page was October 30, 2026", "2026-10-30:case_status_online"),
    ("I went in person to the Newark office on April 4, 2026", "2026-04-04:infopass"),
    ("since December 2021 my petition has been pending", "2021-12:filing"),
    ("I got married on May 1, 2019 and filed on August 2, 2019", "2019-05-01: 2019-08-02:filing"),
    # Chinese, both scripts, and mixed
    ("2023年5月递的", "2023-05:filing"),
    ("我在2019年10月2日交了I-824", "2019-10-02:filing"),
    ("2021年3月寄出以后没消息", "2021-03:filing"),
    ("2024年9月2日送件", "2024-09-02:filing"),
    ("民國113年5月遞件", "2024-05:filing"),
    ("10月5日打过客服电话", "2026-10-05:contact_center"),
    ("11月2日上网查过", "2026-11-02:case_status_online"),
    ("九月三號去過移民局窗口", "2026-09-03:infopass"),
    ("2022年6月申请的，2026年9月打过电话", "2022-06:filing 2026-09:contact_center"),
    ("我2022年6月遞了I-485，2026年10月去過窗口", "2022-06:filing 2026-10:infopass"),
    ("1990年5月3日出生", "1990-05-03:birth"),
    ("生日是1985年2月1日", "1985-02-01:birth"),
    ("2025年7月面试的", "2025-07:"),
    ("2026年5月批准了", "2026-05:"),
    ("今年八月打電話問過", "2026-08:contact_center"),
    ("我2020年1月入纸", "2020-01:filing"),
    ("2023年1月收到通知", "2023-01:"),
    ("我儿子10月28日帮我上网查过", "2026-10-28:case_status_online"),
    ("2018年12月来美国，2020年3月递的申请", "2018-12: 2020-03:filing"),
    ("2020年3月交表，2021年5月打了指纹，2026年10月打電話", "2020-03:filing 2021-05: 2026-10:contact_center"),
    ("從2022年4月等到現在", "2022-04:filing"),
    ("递交日期是2022年4月6日", "2022-04-06:filing"),
    ("上次打电话是10月8号", "2026-10-08:contact_center"),
    ("昨天上官网看了", "2026-11-23:case_status_online"),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_role_of_each_date(text: str, expected: str) -> None:
    found = [f"{item.value}:{item.role or ''}" for item in extract_all(text, TODAY) if item.entity == "date"]
    assert found == expected.split()


def test_many_facts_in_one_sentence() -> None:
    text = "I phoned twice in June about my I-765 WAC2490177352, still nothing"
    found = {(item.entity, item.value, item.role) for item in extract_all(text, TODAY)}
    assert {
        ("service_channel", "contact_center", "tried"),
        ("date", "2026-06", "contact_center"),
        ("form_type", "I-765", None),
        ("receipt_number", "WAC2490177352", None),
        ("ground", "delay", "claimed"),
    } <= found


@pytest.mark.parametrize(
    "text",
    ["WAC2490177352", "my A-number is A098765431", "(202) 555-0158", "reach me at i485@example.com", "05/12/2023"],
)
def test_a_number_inside_a_number_is_no_form(text: str) -> None:
    assert not [item for item in extract_all(text, TODAY) if item.entity == "form_type"]


def test_offsets_hold_for_everything() -> None:
    text = "我叫陳大文，２０２３年５月遞了Ｉ－４８５，收據 ioe 0912-345-678，打過兩次電話都冇人聽，媽媽病危。"
    for item in extract_all(text, TODAY):
        assert text[item.start : item.end] == item.text


def test_only_the_beginning_of_a_very_long_message_is_read() -> None:
    found = extract_all("很" * MAX_CHARACTERS + " I-485", TODAY)
    assert not [item for item in found if item.entity == "form_type"]


@pytest.mark.parametrize("text", ["", " ", "😀😀", "\u200f\u200b", "<b>x</b>", "'; DROP TABLE x;--", "\x00", "？？？"])
def test_odd_input_is_harmless(text: str) -> None:
    extract_all(text, TODAY)
