"""What people say beside the expected: it is read as they mean it, or asked back, and never guessed in silence."""

from __future__ import annotations

import pytest

from tests.actions.talk import Talk

INFORM = ("inform", 0.9)
CASE: dict[str, object] = {"grounds": ["unresolved"], "form_type": "I-485", "requester_role": "applicant"}
UP_TO_THE_BIRTHDAY: dict[str, object] = {
    "contact_center": "tried",
    "contact_center_date": "2026-09",
    "contact_center_detail": "They said to wait",
    "case_status_online": "not_tried",
    "infopass": "not_tried",
    "receipt_numbers": ["IOE0912345678"],
    "full_name": "Ng Ka Yan",
}
TRIED: dict[str, object] = {
    **dict.fromkeys(("contact_center", "case_status_online"), "not_tried"),
    "infopass": "tried",
}


def talking(asking: str, language: str = "en", **answers: object) -> Talk:
    return Talk(language=language, asking=asking, answers={**CASE, **answers})


@pytest.mark.parametrize(
    ("language", "text"),
    [("zh-Hant", "78年5月3日"), ("zh-Hant", "七十八年五月三日"), ("zh-Hant", "九八年四月十六號")],
)
def test_two_figures_of_a_year_of_birth_are_asked_back_where_two_calendars_are_in_use(language: str, text: str) -> None:
    talk = talking("date_of_birth", language, **UP_TO_THE_BIRTHDAY).say(text, INFORM)
    assert talk.keys[0] == "utter_invalid_birth_which_year"
    assert "date_of_birth" not in talk.memory.answers


@pytest.mark.parametrize(
    ("text", "born"),
    [
        # Taiwan's calendar, unless that would make a child of the person.
        ("78年5月3日", "1989-05-03"),
        ("九八年四月十六號", "1998-04-16"),
    ],
)
def test_who_says_it_again_as_it_was_is_not_held_up(text: str, born: str) -> None:
    talk = talking("date_of_birth", "zh-Hant", **UP_TO_THE_BIRTHDAY).say(text, INFORM).say(text, INFORM)
    assert talk.memory.answers["date_of_birth"] == born


@pytest.mark.parametrize(
    ("language", "text", "born"),
    [
        ("zh-Hant", "民國七十八年五月三日", "1989-05-03"),
        ("zh-Hant", "1989年5月3日", "1989-05-03"),
        ("zh-Hans", "78年5月3日", "1978-05-03"),
    ],
)
def test_a_clear_year_of_birth_is_taken_at_once(language: str, text: str, born: str) -> None:
    talk = talking("date_of_birth", language, **UP_TO_THE_BIRTHDAY).say(text, INFORM)
    assert talk.memory.answers["date_of_birth"] == born


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "On the new card they printed my birthday as January 9"),
        ("zh-Hans", "新绿卡上出生日期印成了1月8日"),
        ("zh-Hant", "新綠卡上出生日期竟然印成1月8日"),
    ],
)
def test_a_birthday_without_its_year_is_no_date_of_birth(language: str, text: str) -> None:
    talk = Talk(language=language).say(text, ("report_uscis_error", 0.9))
    assert talk.memory.answers["grounds"] == ["uscis_error"]
    assert "date_of_birth" not in talk.memory.answers


@pytest.mark.parametrize(
    ("language", "text", "form"),
    [
        ("zh-Hans", "我投资移民那个解除条件的I-829", "I-829"),
        ("zh-Hant", "婚姻綠卡解除條件 I-751", "I-751"),
        ("en", "the removal of conditions one, I-829", "I-829"),
    ],
)
def test_the_written_number_of_a_form_wins_over_its_name(language: str, text: str, form: str) -> None:
    talk = Talk(language=language, asking="form_type", answers={"grounds": ["unresolved"]}).say(text, INFORM)
    assert talk.memory.answers["form_type"] == form


@pytest.mark.parametrize(
    ("language", "text"),
    [("zh-Hans", "没有"), ("zh-Hant", "沒去過"), ("zh-Hant", "冇去過"), ("en", "No visit so no date")],
)
def test_when_was_the_visit_can_be_answered_by_that_there_was_none(language: str, text: str) -> None:
    talk = talking("infopass_date", language, **TRIED).say(text, ("not_tried_channel", 0.8), ("deny", 0.1))
    assert talk.memory.answers["infopass"] == "not_tried"
    assert talk.memory.at.asking != "infopass_date"


@pytest.mark.parametrize(
    ("language", "text", "role"),
    [
        ("zh-Hans", "我是公民，我给递的，是请愿人", "petitioner"),
        ("zh-Hans", "请愿人", "petitioner"),
        ("zh-Hant", "我係佢個女", "family"),
        ("zh-Hant", "屬家人", "family"),
        ("zh-Hans", "我是孩子妈妈", "family"),
        ("en", "I run HR here", "employer"),
    ],
)
def test_roles(language: str, text: str, role: str) -> None:
    answers = {"grounds": ["unresolved"], "form_type": "I-130"}
    # The bare label was once taken for a wish to talk to a person.
    talk = Talk(language=language, asking="requester_role", answers=answers).say(text, ("talk_to_human", 0.66), INFORM)
    assert talk.memory.answers["requester_role"] == role


def test_somebody_elses_petitioner_is_not_the_writer() -> None:
    answers = {"grounds": ["unresolved"], "form_type": "I-130"}
    talk = Talk(language="zh-Hans", asking="requester_role", answers=answers).say("我不是，请愿人是我老公", INFORM)
    assert talk.memory.answers.get("requester_role") != "petitioner"


@pytest.mark.parametrize(
    ("language", "text", "way"),
    [
        ("zh-Hant", "辦公室有傳真機，傳真過去", "fax"),
        ("en", "here by the computer", "online"),
        ("zh-Hans", "就在这上面交", "online"),
    ],
)
def test_the_way_of_sending_changes_no_other_answer(language: str, text: str, way: str) -> None:
    answers = dict.fromkeys(("contact_center", "case_status_online", "infopass"), "not_tried")
    talk = talking("delivery", language, **answers).say(text, INFORM)
    assert talk.memory.answers["delivery"] == way
    assert talk.memory.answers["infopass"] == "not_tried"


def test_a_paper_is_no_way_of_sending() -> None:
    talk = talking("documents").say("I can fax the hospice letter along with it.", ("ask_how_to_submit", 0.88))
    assert "delivery" not in talk.memory.answers


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "the confirmation of my address change, I'll send it later"),
        ("zh-Hans", "改地址的确认信，以后再传，跳过"),
        ("zh-Hant", "改地址的確認信，以後再傳，略過"),
    ],
)
def test_a_paper_named_like_an_answer_changes_nothing(language: str, text: str) -> None:
    talk = talking("documents", language, mailing_address="58 Grove Street").say(text, ("change_answer", 0.72))
    assert talk.memory.answers["mailing_address"] == "58 Grove Street"
    assert talk.memory.at.forced is None


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "yes scrap it all"),
        ("zh-Hans", "想好了，停掉，一个字都别存。"),
        ("zh-Hant", "確定，唔好留低任何嘢，停咗佢"),
    ],
)
def test_really_stop_is_answered_in_many_words(language: str, text: str) -> None:
    talk = talking("form_type", language).say("cancel" if language == "en" else "取消", ("stop", 0.97))
    assert talk.keys[-1] == "utter_confirm_stop"
    talk.say(text, ("give_feedback", 0.45), ("save_for_later", 0.2))
    assert talk.memory.at.stopped


@pytest.mark.parametrize(
    ("language", "text"), [("en", "no, don't delete it"), ("zh-Hans", "别停，我再想想"), ("zh-Hant", "唔好停")]
)
def test_really_stop_can_be_denied(language: str, text: str) -> None:
    talk = talking("form_type", language).say("cancel" if language == "en" else "取消", ("stop", 0.97))
    talk.say(text, ("deny", 0.5), ("stop", 0.3))
    assert not talk.memory.at.stopped
    assert talk.memory.answers["form_type"] == "I-485"


@pytest.mark.parametrize(("language", "text"), [("en", "later"), ("zh-Hans", "以后再说"), ("zh-Hant", "稍後")])
def test_papers_that_come_later_end_no_talk(language: str, text: str) -> None:
    talk = talking("documents", language, **UP_TO_THE_BIRTHDAY).say(text, ("save_for_later", 0.8), ("skip", 0.1))
    assert "utter_save_how" not in talk.keys
    assert talk.memory.at.asking != "documents"


def test_a_spelt_receipt_number_switches_no_language() -> None:
    talk = talking("receipt_numbers", "zh-Hant").say("I O E 0 9 1 9 4 4 7 2 0 6", INFORM)
    assert talk.memory.language == "zh-Hant"
    assert talk.memory.answers["receipt_numbers"] == ["IOE0919447206"]


def test_a_wish_before_the_story_is_no_call_for_legal_advice() -> None:
    said = (
        "I'd like to become a citizen. My N-400 went in on October 15, 2026, I called USCIS on November 18, 2026 and "
        "the lady said to be patient. Isn't six weeks long enough?"
    )
    segments = [
        {
            "text": "I'd like to become a citizen.",
            "start": 0,
            "end": 29,
            "intent": "ask_legal_advice",
            "confidence": 0.64,
        }
    ]
    talk = Talk().say(said, ("report_delay", 0.25), ("ask_legal_advice", 0.08), segments=segments)
    assert talk.memory.at.concern is None
    assert "delay" in talk.memory.answers["grounds"]
    assert talk.memory.answers["filing_date"] == "2026-10-15"
