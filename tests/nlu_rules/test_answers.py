"""How short answers begin, and what else they say to the question that is open."""

from __future__ import annotations

from datetime import date

import pytest

from bot.nlu.rules import extract_all

TODAY = date(2026, 11, 24)
NAMES = {"yes", "no", "hedged", "pass", "papers_later", "corrected", "habit", "unknown_way"}

# At "really stop?": to be erased, or not.
ENDINGS: list[tuple[str, bool]] = [
    ("想好了，停掉，一个字都别存。", True),
    ("确定，不要存", True),
    ("係，唔搞喇", True),
    ("確認刪除", True),
    ("停，不辦了", True),
    ("yes, scrap it", True),
    ("don't save it just delete it", True),
    ("Yes I'm sure, don't keep anything", True),
    ("别停", False),
    ("唔好停", False),
    ("不要取消", False),
    ("我不想停", False),
    ("先不要取消，我再想想", False),
    ("don't stop please", False),
    ("I don't want to stop", False),
    ("no, do not delete it", False),
    ("I want to go on", False),
]

CASES: list[tuple[str, str]] = [
    ("yes", "yes"),
    ("uh yeah um like four or five times", "yes"),
    ("👍 twice", "yes"),
    ("uh huh it says fingerprints taken", "yes"),
    ("not me, but my lawyer did", "yes"),
    ("係呀", "yes"),
    ("有打過", "yes"),
    ("打過三次", "yes"),
    ("no changes", "yes"),
    ("nothing to change", "yes"),
    ("沒有要改的，送出吧", "yes"),
    ("没问题", "yes"),
    ("meiyou wenti", "yes"),
    ("以上 info 无误，please submit", "yes"),
    ("yes but don't show it to them", "yes hedged"),
    ("好的，但是不要给他们看", "yes hedged"),
    ("nope", "no"),
    ("没呢", "no"),
    ("未呀", "no"),
    ("还没有呢", "no"),
    ("唔係", "no corrected"),
    ("i dont no how to do that so no", "no"),
    ("too scared to", "no"),
    ("不想让他们知道", "no"),
    ("❌", "no"),
    ("不填了", "pass"),
    ("I'd rather not say", "no pass"),
    ("I'll mail copies later", "papers_later"),
    ("以后再传", "papers_later"),
    ("later", "papers_later"),
    ("maybe later", "papers_later"),
    ("以後再說", "papers_later"),
    ("稍后", "papers_later"),
    ("save it for later", ""),
    ("保存，以后继续", ""),
    ("LIN2190012345，不对，是LIN2190012354", "corrected"),
    ("IOE0912345678 no wait IOE0912345679", "corrected"),
    # Neither
    ("no problem at all with the form, I have been waiting for years", "yes"),
    ("I have been waiting two years", ""),
    ("我有一个问题", ""),
    ("没人接", ""),
    ("nobody answered", ""),
    ("不客气", ""),
    ("是我太太的案子", ""),
    ("你好", ""),
    ("every day", "habit"),
    ("yes, every week", "yes habit"),
    ("天天看", "habit"),
    ("I filed every form they asked for", ""),
    ("I don't know where that is", "unknown_way"),
    ("不会弄", "unknown_way"),
    ("I don't know when it was", ""),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_what_a_short_answer_says(text: str, expected: str) -> None:
    found = [item for item in extract_all(text, TODAY) if item.entity == "cue" and item.value in NAMES]
    assert {str(item.value) for item in found} == set(expected.split())
    for item in found:
        assert text[item.start : item.end] == item.text


def test_a_story_that_begins_with_no_is_no_answer() -> None:
    assert not [
        item for item in extract_all("No, " + "and then they lost my file. " * 10, TODAY) if item.value in NAMES
    ]


def test_the_third_is_a_choice_and_a_day() -> None:
    found = {item.entity: item.value for item in extract_all("the third", TODAY)}
    assert found["ordinal"] == 3
    assert "date" in found


@pytest.mark.parametrize(("text", "ends"), ENDINGS)
def test_ending(text: str, ends: bool) -> None:
    cues = {item.value for item in extract_all(text, TODAY) if item.entity == "cue"}
    assert ("end_it" in cues) is ends
