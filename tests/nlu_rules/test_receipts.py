"""Receipt numbers: a table of messages and what must be found in them."""

from __future__ import annotations

import time
from datetime import date

import pytest

from bot.nlu.rules.receipts import extract

TODAY = date(2026, 11, 24)

IOE = "IOE0912345678"
EAC = "EAC2190012345"
WAC = "WAC2490551234"
LIN = "LIN2190012345"
MSC = "MSC2190012345"

RIGHT: list[tuple[str, list[str]]] = [
    # as printed
    (IOE, [IOE]),
    ("LIN2190012345", [LIN]),
    ("MSC2190012345.", [MSC]),
    ("(WAC2490551234)", [WAC]),
    ("My receipt number is IOE0912345678, thank you", [IOE]),
    ("我的收据号是IOE0912345678", [IOE]),
    ("收據號碼：IOE0912345678。", [IOE]),
    ("我的I-485收据号IOE0912345678已经两年了", [IOE]),
    ("受理號碼EAC2190012345，謝謝", [EAC]),
    ("IOE*123456789", ["IOE*123456789"]),
    ("ioe*123456789", ["IOE*123456789"]),
    ("IOE＊123456789", ["IOE*123456789"]),
    ("ZLA2190012345", ["ZLA2190012345"]),
    ("asylum ZSF1990012345 pending", ["ZSF1990012345"]),
    ("YSC2190012345", ["YSC2190012345"]),
    ("SRC2190012345", ["SRC2190012345"]),
    ("NBC2190012345", ["NBC2190012345"]),
    ("IOE9876543210", ["IOE9876543210"]),
    # lower case, full width, invisible characters
    ("ioe0912345678", [IOE]),
    ("Ioe0912345678", [IOE]),
    ("my number is lin2190012345", [LIN]),
    ("ＩＯＥ０９１２３４５６７８", [IOE]),
    ("ｉｏｅ０９１２３４５６７８", [IOE]),
    ("收据号ＩＯＥ　０９１２３４５６７８", [IOE]),
    ("IOE\u200b0912345678", [IOE]),
    ("IOE09123\u200d45678", [IOE]),
    ("\u202aIOE0912345678\u202c", [IOE]),
    ("\ufeffIOE0912345678", [IOE]),
    # blanks, dashes, dots
    ("ioe 0912-345-678", [IOE]),
    ("IOE-0912345678", [IOE]),
    ("IOE 0912345678", [IOE]),
    ("IOE 0912 345 678", [IOE]),
    ("IOE 1234 5678 90", ["IOE1234567890"]),
    ("msc 21 901 54321", ["MSC2190154321"]),
    ("lin 219 001 2345", ["LIN2190012345"]),
    ("W A C dash two one dash nine zero one dash two three four five six", ["WAC2190123456"]),
    ("IOE star one two three four five six seven eight nine", ["IOE*123456789"]),
    ("my wife's is IOE0901234567 and mine is IOE0901234568", ["IOE0901234567", "IOE0901234568"]),
    ("EAC-21-900-12345", [EAC]),
    ("EAC 21 900 12345", [EAC]),
    ("LIN-21-900-12345", [LIN]),
    ("WAC 24 905 51234", [WAC]),
    ("EAC 219 001 2345", [EAC]),
    ("EAC–21–900–12345", [EAC]),
    ("EAC—21—900—12345", [EAC]),
    ("EAC－21－900－12345", [EAC]),
    ("EAC.21.900.12345", [EAC]),
    ("EAC·21·900·12345", [EAC]),
    ("EAC_2190012345", [EAC]),
    ("IOE:0912345678", [IOE]),
    ("IOE# 0912345678", [IOE]),
    ("IOE\n0912345678", [IOE]),
    ("  IOE0912345678  ", [IOE]),
    ("IOE  0912345678", [IOE]),
    ("IOE - 0912 - 345 - 678", [IOE]),
    # several
    (f"{IOE} and {EAC}", [IOE, EAC]),
    (f"{IOE}和{EAC}", [IOE, EAC]),
    (f"{IOE}、{EAC}", [IOE, EAC]),
    (f"{IOE},{EAC}", [IOE, EAC]),
    (f"{IOE}，{EAC}", [IOE, EAC]),
    (f"{IOE}\n{EAC}", [IOE, EAC]),
    (f"{IOE}/{EAC}", [IOE, EAC]),
    (f"{IOE}{EAC}", [IOE, EAC]),
    (f"{IOE}{EAC}{LIN}", [IOE, EAC, LIN]),
    (f"{IOE} {EAC}", [IOE, EAC]),
    (f"{IOE}; {EAC}; {LIN}", [IOE, EAC, LIN]),
    ("ioe 0912-345-678 & lin-21-900-12345", [IOE, LIN]),
    ("I-130: EAC2190012345, I-485: MSC2190012345, I-765: IOE0912345678", [EAC, MSC, IOE]),
    (f"还有一个是{EAC}，另外{IOE}", [EAC, IOE]),
    (f"{IOE} {IOE}", [IOE, IOE]),
    ("I-485IOE0912345678", [IOE]),
    ("receiptIOE0912345678", [IOE]),
    ("numberioe0912345678", [IOE]),
    # spoken
    ("I O E zero nine one two three four five six seven eight", [IOE]),
    ("i o e zero nine one two three four five six seven eight", [IOE]),
    ("I. O. E. zero nine one two three four five six seven eight", [IOE]),
    ("I, O, E, zero, nine, one, two, three, four, five, six, seven, eight.", [IOE]),
    ("IOE zero nine one two three four five six seven eight", [IOE]),
    ("it's ioe oh nine one two three four five six seven eight thanks", [IOE]),
    ("W A C two four nine zero double five one two three four", [WAC]),
    ("E A C two one nine double zero one two three four five", [EAC]),
    ("I O E 0912345678", [IOE]),
    ("I-O-E-0912345678", [IOE]),
    ("I O E 0 9 1 2 3 4 5 6 7 8", [IOE]),
    ("I as in India, O as in Oscar, E as in Echo, 0912345678", [IOE]),
    ("india oscar echo zero nine one two three four five six seven eight", [IOE]),
    ("W A C twenty four ninety double five twelve thirty four", [WAC]),
    ("IOE zero nine one two dash three four five dash six seven eight", [IOE]),
    ("IOE 零九一二三四五六七八", [IOE]),
    ("IOE零九一二三四五六七八", [IOE]),
    ("ioe 零 九 一 二 三 四 五 六 七 八", [IOE]),
    ("IOE〇九壹貳參肆伍陸柒捌", [IOE]),
    ("IOE零九一二三四五六七八一直没消息", [IOE]),
    ("I O E 零九幺二三四五六七八", [IOE]),
    # other numbers beside them
    (f"{IOE} 917-555-1234", [IOE]),
    (f"{IOE}, 9175551234", [IOE]),
    (f"{IOE} A123456789", [IOE]),
    (f"{IOE}A123456789", [IOE]),
    (f"{IOE} 2023年5月", [IOE]),
    (f"{IOE} 05/12/2023", [IOE]),
    (f"{IOE} 123-45-6789", [IOE]),
    (f"{IOE} is mine", [IOE]),
    (f"{IOE} still nothing", [IOE]),
    (f"{IOE}是我的", [IOE]),
    (f"{MSC}s", [MSC]),
    ("IOE 0912 345 678 is mine", [IOE]),
    ("I filed 2 times, IOE0912345678 2 years", [IOE]),
    ("https://egov.uscis.gov/casestatus/mycasestatus.do?appReceiptNum=IOE0912345678", [IOE]),
    ("<b>IOE0912345678</b>", [IOE]),
    ("'; DROP TABLE x; -- IOE0912345678", [IOE]),
]

DOUBTFUL: list[tuple[str, str, str]] = [
    ("I0E0912345678", IOE, "lookalike"),
    ("1OE0912345678", IOE, "lookalike"),
    ("10E0912345678", IOE, "lookalike"),
    ("lOE0912345678", IOE, "lookalike"),
    ("|OE0912345678", IOE, "lookalike"),
    ("IOEO912345678", IOE, "lookalike"),
    ("IOE O912345678", IOE, "lookalike"),
    ("ioeo912345678", IOE, "lookalike"),
    ("IOE09l2345678", IOE, "lookalike"),
    ("IOE09I2345678", IOE, "lookalike"),
    ("IOE0912345G78", "IOE0912345", "too_short"),
    ("IOE09123456B8", "IOE0912345688", "lookalike"),
    ("IOE091234S678", IOE, "lookalike"),
    ("1OE O9I2345678", IOE, "lookalike"),
    ("EAC2l9OO12345", EAC, "lookalike"),
    ("WACI590123456", "WAC1590123456", "lookalike"),
    ("L1N2190012345", LIN, "lookalike"),
    ("MSC21900I2345", MSC, "lookalike"),
    ("M5C2190012345", MSC, "lookalike"),
    ("我的号是I0E0912345678", IOE, "lookalike"),
    ("XYZ0912345678", "XYZ0912345678", "unknown_prefix"),
    ("ABC2190012345", "ABC2190012345", "unknown_prefix"),
    ("LIM2190012345", "LIM2190012345", "unknown_prefix"),
    ("xyz-09-123-45678", "XYZ0912345678", "unknown_prefix"),
    ("XYZ 0912345678", "XYZ0912345678", "unknown_prefix"),
    ("收据号是ioa0912345678", "IOA0912345678", "unknown_prefix"),
    ("IOE091234567", "IOE091234567", "too_short"),
    ("IOE09123", "IOE09123", "too_short"),
    ("ioe 0912-345-67", "IOE091234567", "too_short"),
    ("WAC123456789", "WAC123456789", "too_short"),
    ("我的收据号 IOE09123456", "IOE09123456", "too_short"),
    ("LIN219001234", "LIN219001234", "too_short"),
    ("IOE 091234567 917-555-1234", "IOE091234567", "too_short"),
    ("IOE******1234", "IOE******1234", "too_short"),
    ("IOE*12345678", "IOE*12345678", "too_short"),
    ("IOE09123456789", "IOE09123456789", "too_long"),
    ("IOE 0912-345-6789", "IOE09123456789", "too_long"),
    ("EAC-21-900-123456", "EAC21900123456", "too_long"),
    ("IOE*1234567890", "IOE*1234567890", "too_long"),
    ("收据号：EAC219001234567", "EAC219001234567", "too_long"),
    ("IOE 090 123 4567 8", "IOE09012345678", "too_long"),
    ("EAC-21-900-12345-6", "EAC21900123456", "too_long"),
    ("MSC-21-9O1-54321", "MSC2190154321", "lookalike"),
    ("IO0912345678", "IO0912345678", "bad_prefix"),
    ("IOEE0912345678", "IOEE0912345678", "bad_prefix"),
    ("receipt number 0912345678", "0912345678", "bad_prefix"),
    ("收据号是0912345678", "0912345678", "bad_prefix"),
    ("收據號碼 0912345678901", "0912345678901", "bad_prefix"),
    ("case number: 2190012345", "2190012345", "bad_prefix"),
]

NOTHING: list[str] = [
    "",
    "hello",
    "A123456789",
    "A098-765-431",
    "A 088 412 905",
    "my A number is 098765431",
    "917-555-1234",
    "(917) 555-1234",
    "9175551234",
    "tel 917-555-1234",
    "TEL 9175551234",
    "Lin 917-555-1234",
    "call Lin 9175551234",
    "fax 202-357-0042",
    "+86 138 1234 5678",
    "13812345678",
    "SSN 123-45-6789",
    "ssn 123456789",
    "2023-05-12",
    "05/12/2023",
    "May 12 2023",
    "DOB 19850503",
    "N0012345678",
    "NRC2023012345",
    "123456789012",
    "my online account number is 123456789012",
    "CA-2345-6789-ABC7",
    "ca-abc2-3456-7892",
    "ioe0912345678@example.com",
    "I-485",
    "form I-129F and G-1145",
    "I paid $1,225 and waited 24 months",
    "89502",
    "MSC degree 2019",
    "Lin 2023",
    "for 2 years and 10 months",
    "SR 20077310",
    "9400111899223197428490",
    "收据号我忘了",
    "IOE开头的那个",
    "IOE",
    "等了14个月",
    "one two three four",
    "一二三四五六七八九十",
    "😀😀😀",
]

NVC: list[tuple[str, str]] = [
    ("GUZ2023567001", "GUZ2023567001"),
    ("guz2023567001", "GUZ2023567001"),
    ("NVC case number GUZ 2023567001", "GUZ2023567001"),
    ("TPE2019123456", "TPE2019123456"),
    ("HNK-2022-723-001", "HNK2022723001"),
    ("广州领馆的案号是SHH2021600012", "SHH2021600012"),
]


@pytest.mark.parametrize(("text", "values"), RIGHT)
def test_right_numbers(text: str, values: list[str]) -> None:
    found = extract(text, TODAY)
    assert [entity.value for entity in found] == values
    assert all(entity.entity == "receipt_number" and entity.extras["problem"] is None for entity in found)
    assert all(text[entity.start : entity.end] == entity.text for entity in found)


@pytest.mark.parametrize(("text", "value", "problem"), DOUBTFUL)
def test_doubtful_numbers_are_reported(text: str, value: str, problem: str) -> None:
    found = [entity for entity in extract(text, TODAY) if entity.entity == "receipt_number"]
    assert [(entity.value, entity.extras["problem"]) for entity in found] == [(value, problem)]


@pytest.mark.parametrize("text", NOTHING)
def test_other_numbers_are_left_alone(text: str) -> None:
    assert extract(text, TODAY) == []


@pytest.mark.parametrize(("text", "value"), NVC)
def test_visa_center_case_numbers(text: str, value: str) -> None:
    (found,) = extract(text, TODAY)
    assert (found.entity, found.value, found.extras["problem"]) == ("nvc_case_number", value, "nvc_case_number")


@pytest.mark.parametrize(
    ("text", "letters", "digits"),
    [("IOE091234567", 3, 9), ("IOE09123456789", 3, 11), ("IO0912345678", 2, 10), ("receipt 0912345678901", 0, 13)],
)
def test_wrong_lengths_are_counted(text: str, letters: int, digits: int) -> None:
    (found,) = extract(text, TODAY)
    assert (found.extras["letters"], found.extras["digits"]) == (letters, digits)


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("x ＩＯＥ０９１２３４５６７８ y", "ＩＯＥ０９１２３４５６７８"),
        ("号IOE\u200b0912345678。", "IOE\u200b0912345678"),
        (
            "is I O E zero nine one two three four five six seven eight ok",
            "I O E zero nine one two three four five six seven eight",
        ),
        ("我的 ioe 0912-345-678 好", "ioe 0912-345-678"),
    ],
)
def test_spans_are_those_of_the_message(text: str, span: str) -> None:
    (found,) = extract(text, TODAY)
    assert found.text == span == text[found.start : found.end]
    assert found.as_dict()["problem"] is None


def test_a_corrected_number_is_found_with_the_wrong_one() -> None:
    found = extract(f"receipt numbers: {IOE}, 0912345679", TODAY)
    assert [(entity.value, entity.extras["problem"]) for entity in found] == [(IOE, None), ("0912345679", "bad_prefix")]


@pytest.mark.parametrize(
    "junk", ["IOE", "1", "one two ", "IOE1 ", "I-O-E-", "一二三", "receipt ", "a@a ", "ABC-", "A B C 1"]
)
def test_junk_costs_little(junk: str) -> None:
    text = (junk * 6000)[:6000]
    extract("warm", TODAY)
    begin = time.perf_counter()
    extract(text, TODAY)
    assert time.perf_counter() - begin < 0.5
