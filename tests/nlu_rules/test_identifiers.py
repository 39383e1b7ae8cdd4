"""A-Numbers, telephone numbers, email addresses and tracking numbers: tables of messages."""

from __future__ import annotations

import time
from datetime import date

import pytest

from bot.nlu.rules.identifiers import extract
from triage import tracking

TODAY = date(2026, 11, 24)
TRACKING = tracking.make("23456789ABC")


def values(text: str, kind: str) -> list[tuple[object, object]]:
    return [(e.value, e.extras.get("problem", e.extras.get("valid"))) for e in extract(text, TODAY) if e.entity == kind]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("A123456789", "A123456789"),
        ("a123456789", "A123456789"),
        ("A12345678", "A012345678"),
        ("A1234567", "A001234567"),
        ("A098-765-431", "A098765431"),
        ("A 088 412 905", "A088412905"),
        ("A-088-412-905", "A088412905"),
        ("A#098765431", "A098765431"),
        ("A# 098 765 431", "A098765431"),
        ("Ａ０９８７６５４３１", "A098765431"),
        ("my alien number is 098765431", "A098765431"),
        ("alien registration number: 98765432", "A098765432"),
        ("My A number: A098765431.", "A098765431"),
        ("USCIS# 123-456-789", "A123456789"),
        ("A-Number 123456789", "A123456789"),
        ("A号 098765431", "A098765431"),
        ("A號：098765431", "A098765431"),
        ("外国人号码是A123456789", "A123456789"),
        ("外國人號碼 123456789", "A123456789"),
        ("绿卡上的USCIS#：123-456-789", "A123456789"),
        ("我的A号是12345678", "A012345678"),
        ("alien number zero nine eight seven six five four three one", "A098765431"),
        ("IOE0912345678 A123456789", "A123456789"),
        ("IOE0912345678，A 088 412 905", "A088412905"),
        ("A 088 412 905 and 2023", "A088412905"),
        ("A098765431, 917-555-1234", "A098765431"),
    ],
)
def test_a_numbers(text: str, value: str) -> None:
    assert [found for found, _ in values(text, "a_number")] == [value]


@pytest.mark.parametrize(
    "text",
    [
        "IOE0912345678",
        "WAC2490551234",
        "123456789",
        "098765431",
        "A1234567890",
        "A123456",
        "I paid a 1234567 fee",
        "N-400",
        "SSN 123-45-6789",
        "917-555-1234",
        "USCIS online account number 123456789012",
        "EA123456789US",
        "A号忘了",
        "",
    ],
)
def test_no_a_number(text: str) -> None:
    assert values(text, "a_number") == []


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("917-555-1234", "+19175551234"),
        ("(917) 555-1234", "+19175551234"),
        ("917.555.1234", "+19175551234"),
        ("917 555 1234", "+19175551234"),
        ("9175551234", "+19175551234"),
        ("1-917-555-1234", "+19175551234"),
        ("+1 917 555 1234", "+19175551234"),
        ("１９１７５５５１２３４", "+19175551234"),
        ("my cell is 9175551234 thanks", "+19175551234"),
        ("电话917-555-1234", "+19175551234"),
        ("202-555-0143 ext 12", "+12025550143"),
        ("(917)555-1234", "+19175551234"),
        ("nine one seven five five five one two three four", "+19175551234"),
        ("九一七五五五一二三四", "+19175551234"),
        ("+86 138 1234 5678", "+8613812345678"),
        ("13812345678", "+8613812345678"),
        ("8613812345678", "+8613812345678"),
        ("0086 13812345678", "+8613812345678"),
        ("手机138-1234-5678", "+8613812345678"),
        ("+886 912 345 678", "+886912345678"),
        ("0912-345-678", "+886912345678"),
        ("手机0912345678", "+886912345678"),
        ("+852 5123 4567", "+85251234567"),
        ("852-5123-4567", "+85251234567"),
        ("電話 51234567", "+85251234567"),
        ("IOE0912345678, 917-555-1234", "+19175551234"),
        ("call me at 917-555-1234 or a@b.com", "+19175551234"),
    ],
)
def test_phones(text: str, value: str) -> None:
    assert values(text, "phone") == [(value, None)]


@pytest.mark.parametrize(
    "text",
    [
        "phone 555-1234",
        "123-456-7890",
        "电话 123-456-7890",
        "(000) 555-1234",
        "+1 123 456",
        "my phone is 12345",
        "+999 12345678",
    ],
)
def test_phones_that_cannot_be(text: str) -> None:
    assert [problem for _, problem in values(text, "phone")] == ["invalid"]


@pytest.mark.parametrize(
    "text",
    [
        "IOE0912345678",
        "A098-765-431",
        "123-45-6789",
        "123456789012",
        "2023-05-12",
        "05/12/2023",
        "N0012345678",
        "$1,225",
        "call 800-375-5283",
        "I called 1-800-375-5283 twice",
        "GUZ2023567001",
        "89502-1234",
        "IOE 0912 345 678",
        "20230512",
        "",
    ],
)
def test_no_phone(text: str) -> None:
    assert values(text, "phone") == []


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("john@gmail.com", "john@gmail.com"),
        ("My email is John.Doe+x@Gmail.com.", "John.Doe+x@gmail.com"),
        ("我的邮箱是john@qq.com谢谢", "john@qq.com"),
        ("郵箱：a_b-c@yahoo.com.tw，謝謝", "a_b-c@yahoo.com.tw"),
        ("ｊｏｈｎ＠ｇｍａｉｌ．ｃｏｍ", "john@gmail.com"),
        ("john＠gmail.com", "john@gmail.com"),
        ("john@gmail。com", "john@gmail.com"),
        ("john @ gmail.com", "john@gmail.com"),
        ("john at gmail dot com", "john@gmail.com"),
        ("<john@gmail.com>", "john@gmail.com"),
        ("john dot doe at gmail dot com", "john.doe@gmail.com"),
        ("john underscore doe at yahoo dot com", "john_doe@yahoo.com"),
        ("it's maria dot lopez seven at hotmail dot com", "maria.lopez7@hotmail.com"),
        ("it's dlee one nine eight at gmail dot com", "dlee198@gmail.com"),
        ("you can email me at sam underscore lee at yahoo dot com", "sam_lee@yahoo.com"),
        ("邮箱是xiao hong 下划线 99 艾特 gmail 点 com", "xiaohong_99@gmail.com"),
        ("信箱是 mei ling 八八 小老鼠 yahoo 點 com 點 tw", "meiling88@yahoo.com.tw"),
        ("john (at) gmail (dot) com", "john@gmail.com"),
        ("john艾特qq点com", "john@qq.com"),
        ("lily_wang（at）163.com", "lily_wang@163.com"),
        ("12345@163.com", "12345@163.com"),
        ("my email is john at gmail.com", "john@gmail.com"),
        ("mailto:john@gmail.com", "john@gmail.com"),
        ("ioe0912345678@example.com", "ioe0912345678@example.com"),
    ],
)
def test_emails(text: str, value: str) -> None:
    assert values(text, "email") == [(value, None)]


def test_two_emails() -> None:
    assert [value for value, _ in values("john@gmail.com,jane@yahoo.com", "email")] == [
        "john@gmail.com",
        "jane@yahoo.com",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "john@gmail",
        "john@@gmail.com",
        "john@gmail,com",
        "john@gmail..com",
        "john@gmail.con",
        "email: johngmail.com",
        "我的邮箱 john@qq",
        "john.gmail.com",
    ],
)
def test_emails_that_cannot_be(text: str) -> None:
    assert [problem for _, problem in values(text, "email")] == ["invalid"]


@pytest.mark.parametrize(
    "text", ["I met him @ 5pm", "look at gmail.com please", "@john", "www.gmail.com", "by email", "邮箱", ""]
)
def test_no_email(text: str) -> None:
    assert values(text, "email") == []


@pytest.mark.parametrize(
    "text",
    [
        TRACKING,
        TRACKING.lower(),
        TRACKING.replace("-", ""),
        TRACKING.replace("-", " "),
        TRACKING.replace("-", "—"),
        f"my number is {TRACKING}.",
        f"编号{TRACKING}怎么样了",
        TRACKING.replace("-", "－"),
        TRACKING.replace("CA-", "ca "),
    ],
)
def test_tracking_numbers(text: str) -> None:
    assert values(text, "tracking_number") == [(TRACKING, True)]


@pytest.mark.parametrize("text", [TRACKING[:-1] + "2", "CA-1234-5678-90AB", "CA-2345-6789-ABC", "ca-2345-6789-abcde"])
def test_wrong_tracking_numbers(text: str) -> None:
    ((_, valid),) = values(text, "tracking_number")
    assert valid is False


@pytest.mark.parametrize(
    "text", ["San Jose, CA 95112", "CA that this them", "cardiovascular", "CA", "IOE0912345678", "Reno, CA 95112-1234"]
)
def test_no_tracking_number(text: str) -> None:
    assert values(text, "tracking_number") == []


def test_every_wrong_character_is_noticed() -> None:
    for place in range(3, len(TRACKING)):
        for sign in set(tracking.ALPHABET) - {TRACKING[place]}:
            if TRACKING[place] != "-":
                assert not tracking.is_valid(TRACKING[:place] + sign + TRACKING[place + 1 :])


@pytest.mark.parametrize("random_chars", ["", "234", "23456789ABCD", "23456789AB0", "23456789ABI"])
def test_tracking_numbers_are_not_made_from_wrong_characters(random_chars: str) -> None:
    with pytest.raises(ValueError, match=r"alphabet|characters"):
        tracking.make(random_chars)


@pytest.mark.parametrize("text", ["", "CA", "XX-2345-6789-ABC7", "CA-0000-1111-IIII", "CA-2345-6789-ABC"])
def test_other_shapes_are_not_normalised(text: str) -> None:
    assert tracking.normalise(text) is None
    assert not tracking.is_valid(text)


@pytest.mark.parametrize(
    "junk", ["1", "1 ", "one two ", "a.", "一二三", "at dot ", "a@a ", "A-1 ", "phone 1 2 3 4 5 6", "CA-A", " @"]
)
def test_junk_costs_little(junk: str) -> None:
    text = (junk * 6000)[:6000]
    extract("warm", TODAY)
    begin = time.perf_counter()
    extract(text, TODAY)
    assert time.perf_counter() - begin < 0.5
