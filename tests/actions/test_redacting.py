"""Nothing that could say who wrote a message stays in it."""

from __future__ import annotations

import re

import pytest

from actions.redacting import MARK, common, redact
from bot.nlu.rules import extract_all
from tests.actions.talk import TODAY

ANSWERS = {
    "full_name": "Grace May", "representative_name": "欧阳翡翠", "mailing_address": "12 Status Street, Help, CA 94607",
    "email": "grace.waiting@example.org", "phone": "415-555-0132", "date_of_birth": "1985-03-27",
    "receipt_numbers": ["IOE0912345678"], "a_number": "A012345678",
}


def redacted(text: str, answers: dict[str, object] | None = None) -> str | None:
    return redact(text, [entity.as_dict() for entity in extract_all(text, TODAY)], answers or {})


SECRETS = [
    ("my receipt number is wrong it is IOE0912345678 please change it", ["IOE0912345678", "0912345678"]),
    ("please change my receipt number ioe 0912-345-678 it is not right", ["0912", "345-678"]),
    ("my a number is A012-345-678 can you change that for me please", ["012-345", "345"]),
    ("you can call me at (415) 555-0132 when it is done please", ["415", "555", "0132"]),
    ("please change my email to quillon.vexworth@example.org thank you", ["quillon", "vexworth", "example.org", "@"]),
    ("my email is quillon dot vexworth at gmail dot com please change it", ["quillon", "vexworth"]),
    ("I was born on February 19, 1971 and that is not what you have", ["1971", "February 19", "19"]),
    ("that is not right I was born on the 19th of February you know", ["19th", "February"]),
    ("my social security number is 123-45-6789 do you need that", ["123", "6789"]),
    ("my social is one two three four five six seven eight nine do you need it", ["three four", "seven"]),
    ("my husband Quillon Vexworth said that you can help me with this", ["Quillon", "Vexworth"]),
    ("my husband quillon vexworth said that you can help me with this", ["quillon", "vexworth"]),
    ("the officer Zebulon told me to wait and now what can I do", ["Zebulon"]),
    ("I live at 9173 Marmoset Hollow in Oakland and I did not get it", ["9173", "Marmoset", "Hollow", "Oakland"]),
    ("my tracking number is CA-2345-6789-ABCD what about it now please", ["2345", "6789", "ABCD"]),
    ("WHAT ABOUT MY CASE MY NAME IS QUILLON VEXWORTH AND I WAIT", ["QUILLON", "VEXWORTH"]),
    ("my name is Quil\u200blon Vex\u200dworth and I want to know about my case now", ["Quil", "lon", "Vex", "worth"]),
    ("my number is １２３４５６７ can you tell me about my case please", ["１２３", "123"]),
    ("我叫欧阳翡翠，我的案子怎么还没有结果", ["欧阳", "翡翠"]),
    ("我老公王建国打过电话给移民局，他们说等", ["王建", "建国"]),
    ("我的生日不是三月二十七日，你们写错了", ["三月二十七", "二十七日"]),
    ("我的生日是1985年3月27日，请你们改一下", ["1985", "3月27"]),
    ("我住在中山北路二段，移民局寄的信我没有收到", ["中山", "北路"]),
    ("收据号是一二三四五六七，请帮我查一下案件", ["三四五", "一二三"]),
    ("我的微信是 feicui8899，请你们联系我好吗", ["feicui", "8899"]),
    ("我太太叫林曉嵐，她的綠卡還沒有收到怎麼辦", ["林曉嵐", "曉嵐"]),
    ("我姓司徒，電話係 5555 1234，你哋可以打電話俾我", ["司徒", "5555", "1234"]),
    ("меня зовут Иван and I want to know about my case", ["Иван", "зовут"]),
    ("my case with لیلا is still pending can you help me please", ["لیلا"]),
]


@pytest.mark.parametrize(("text", "secrets"), SECRETS)
def test_nothing_personal_stays(text: str, secrets: list[str]) -> None:
    left = redacted(text)
    if left is not None:
        assert [secret for secret in secrets if secret.lower() in left.lower()] == []
        assert not re.search(r"\d{3}", left)


OWN = [
    ("can May and Grace come with me to the office", ["May", "Grace"]),
    ("can may come with me to the office", ["may"]),
    ("is grace may the right name for my case", ["grace", "may"]),
    ("they know me as waiting at example and it is not right", ["waiting", "example"]),
    ("do you help people in status street or not", ["status", "street", "help"]),
    ("翡翠是我的名字，不是别的，请改一下", ["翡翠"]),
]


@pytest.mark.parametrize(("text", "own"), OWN)
def test_the_persons_own_answers_go_even_where_they_are_common_words(text: str, own: list[str]) -> None:
    left = redacted(text, ANSWERS)
    if left is not None:
        words = re.findall(r"[a-z]+|[\u3400-\u9fff]+", MARK.sub(" ", left.lower()))
        assert [part for part in own if any(part.lower() in word for word in words)] == []


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("my receipt number IOE0912345678 is not right", "my receipt number ⟨receipt_number⟩ is not right"),
        ("who will see my green card case?", "who will see my green card case?"),
        ("I filed the I-485 two years ago", "I filed the ⟨form_type⟩ two years ago"),
        ("我的绿卡寄丢了，怎么办", "我的绿卡寄丢了，怎么办"),
        ("my recipt number is not right", "my recipt number is not right"),
        ("my numbr is wroung", "my ⟨word⟩ is ⟨word⟩"),
        ("I have an apointment with the office", "I have an apointment with the office"),
    ],
)
def test_what_many_people_say_stays(text: str, left: str) -> None:
    assert redacted(text) == left


@pytest.mark.parametrize("text", ["Quillon Vexworth Zebulon", "欧阳翡翠司徒", "IOE0912345678", "???", "", "a@b c@d"])
def test_what_is_mostly_personal_is_not_kept_at_all(text: str) -> None:
    assert redacted(text) is None


def test_marks_cannot_be_smuggled_in() -> None:
    left = redacted("what about my ⟨Vexworth⟩ case please")
    assert left is None or "vexworth" not in left.lower()


def test_names_are_no_common_words() -> None:
    known = common()
    names = "maria rosa john henry grace carlos mary michael david lee chen liu jackson quillon jose patel nguyen kim"
    assert set(names.split()) & known.words == set()
    assert {"欧阳", "建国", "美玲", "志强", "小燕", "雅婷", "家豪"} & known.pairs == set()
    assert {"uscis", "receipt", "case"} <= known.words
