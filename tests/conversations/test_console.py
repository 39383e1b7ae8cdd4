"""The guide as a call-taker's script: the same talk with English beside it, led by keys, from and to other places."""

from __future__ import annotations

import pytest

from tests.conversations.client import Chat
from tests.conversations.desk import Desk
from tests.conversations.people import ANSWERS, MOST_TURNS, go_on
from tests.conversations.running import Running
from tests.conversations.scripts import wrong_script
from tests.conversations.test_all_languages_at_once import OPENING, catalogue
from triage.interview import BY_SLOT, QUESTIONS

# With these every question is part of the interview.
EVERYTHING = {
    "en": "USCIS misprinted my card, I lost my job over it, and my I-485 has been pending for years. I phoned them.",
    "zh-Hans": "移民局把我的卡印错了，我因此丢了工作，I-485也等了好几年。我打过电话。",
    "zh-Hant": "移民局把我的卡印錯了，我因此丟了工作，I-485也等了好幾年。我有打過電話。",
}
SEVERAL = {
    "en": "My receipt number is IOE0912345678, my name is Amara Okafor, born March 27, 1985, email amara@example.org",
    "zh-Hans": "我的收据号码是IOE0912345678，我叫赵明华，1985年3月27日出生，邮箱zhao@example.org",
    "zh-Hant": "我的收據號碼是IOE0912345678，我叫林曉嵐，1985年3月27日出生，信箱lin@example.org",
}
OTHER_EMAIL = {
    "en": "my email is wrong, it is second@example.org",
    "zh-Hans": "邮箱错了，应该是second@example.org",
    "zh-Hant": "信箱錯了，應該是second@example.org",
}


@pytest.fixture
def desk(base: str, running: Running) -> Desk:
    return Desk(base, running.secret("GUIDE_CONSOLE_SECRET"))


def check(desk: Desk, language: str) -> None:
    """Every reply in the caller's language, and the catalogue's English for the same key beside it."""
    assert desk.view["replies"]
    for reply in desk.view["replies"]:
        key = reply["key"]
        assert key != "utter_problem"
        assert reply["language"] == language
        assert wrong_script(reply["text"], language, desk.said, desk.state["answers"]) is None, key
        assert reply["beside"]["language"] == "en"
        assert catalogue()[key]["en"].fullmatch(reply["beside"]["text"]), (key, reply["beside"]["text"])
        assert len(reply["beside"]["buttons"]) == len(reply.get("buttons", [])), key
        if language == "en":
            assert reply["beside"]["text"] == reply["text"]
            assert reply["beside"]["buttons"] == [button["title"] for button in reply.get("buttons", [])]


def test_a_whole_call(desk: Desk, language: str) -> None:
    desk.begin(language)
    desk.hear(OPENING[language])
    needed = len(desk.view["needed"])
    for _ in range(MOST_TURNS):
        check(desk, language)
        if desk.state["outcome"]:
            break
        before = desk.asking
        desk.hear(ANSWERS[language][str(before)])
        assert len(desk.view["needed"]) <= needed + 2
        needed = len(desk.view["needed"])
    assert desk.state["outcome"] == "submitted"
    assert desk.view["needed"] == []
    assert all(item["can"] == [] for item in desk.view["questions"]), "what is sent is sent"
    hows = {item["slot"]: item["how"] for item in desk.view["questions"] if item["value"] is not None}
    assert hows.pop("contact_center") == "volunteered"
    assert set(hows.values()) == {"asked"}
    assert ANSWERS[language]["full_name"] in desk.view["summary"]
    for item in desk.view["questions"]:
        assert wrong_script(item["label"], language, [], {}) is None
        assert wrong_script(item["label_en"], "en", [], {}) is None
    desk.ask("POST", "messages", {"id": "late", "action": {"do": "jump", "slot": "mailing_address"}}, 409)


def test_several_facts_at_once_are_volunteered_and_not_asked(desk: Desk, language: str) -> None:
    desk.begin(language).hear(OPENING[language])
    desk.hear(SEVERAL[language])
    told = ("receipt_numbers", "full_name", "date_of_birth", "email")
    assert {slot: desk.question(slot)["how"] for slot in told} == dict.fromkeys(told, "volunteered")
    asked = []
    while not desk.state["outcome"] and desk.asking != "review":
        asked.append(str(desk.asking))
        desk.hear(ANSWERS[language][str(desk.asking)])
    assert not set(told) & set(asked)


def test_a_corrected_answer_says_so(desk: Desk, language: str) -> None:
    desk.begin(language).hear(OPENING[language])
    desk.hear(SEVERAL[language])
    open_question = desk.asking
    desk.hear(OTHER_EMAIL[language])
    assert (desk.question("email")["how"], desk.question("email")["value"]) == ("corrected", "second@example.org")
    desk.do("change", slot="date_of_birth")
    assert desk.asking == "date_of_birth"
    desk.hear(ANSWERS[language]["filing_date"])
    assert desk.question("date_of_birth")["how"] == "corrected"
    assert desk.question("date_of_birth")["value_en"] == "January 15, 2022"
    assert desk.asking == open_question


def test_the_summary_grows_with_what_is_known(desk: Desk, language: str) -> None:
    desk.begin(language)
    assert desk.view["summary"] == ""
    desk.hear(OPENING[language])
    first = desk.view["summary"]
    desk.hear(SEVERAL[language])
    summary = desk.view["summary"]
    assert len(summary) > len(first) > 0
    assert "IOE0912345678" in summary
    assert wrong_script(summary, "en", SEVERAL.values(), {}) is None
    desk.do("jump", slot="problem_description")
    desk.hear(ANSWERS[language]["problem_description"])
    if language != "en":
        assert ANSWERS[language]["problem_description"] not in desk.view["summary"], "own words are not translated"


def test_any_open_question_can_be_jumped_to(desk: Desk, language: str) -> None:
    """Answered there, it stays answered, and the talk goes on with the first that is open."""
    desk.begin(language).hear(EVERYTHING[language])
    first = desk.asking
    jumps = [item["slot"] for item in desk.view["questions"] if item["can"] == ["jump"]]
    assert len(jumps) > 10
    for slot in reversed(jumps):
        if slot not in {item["slot"] for item in desk.view["questions"] if item["can"] == ["jump"]}:
            continue  # answered along with another, or needed no more: an email address when there is a phone
        desk.do("jump", slot=slot)
        check(desk, language)
        assert desk.asking == slot
        assert desk.keys[-1].startswith(f"utter_ask_{slot}")
        desk.hear(ANSWERS[language][slot])
        assert slot in desk.state["answers"] or slot in desk.state["skipped"], slot
        if slot in desk.state["answers"]:
            assert desk.question(slot)["how"] == "asked", slot
        assert desk.asking != slot
    assert first == desk.asking or first not in jumps
    desk.do("next")
    check(desk, language)


def test_leaving_a_question_that_was_jumped_to(desk: Desk, language: str) -> None:
    desk.begin(language).hear(OPENING[language])
    first = desk.asking
    desk.do("jump", slot="mailing_address")
    desk.do("next")
    assert desk.asking == first
    assert "mailing_address" not in desk.state["answers"]
    assert desk.question("mailing_address")["status"] == "open"


@pytest.mark.parametrize("slot", [question.slot for question in QUESTIONS])
def test_does_not_know_why_and_simpler_at_every_question(desk: Desk, language: str, slot: str) -> None:
    """Each is answered with help, or the talk goes on without; nothing that was pressed is taken for an answer."""
    desk.begin(language)
    if slot != "grounds":
        desk.hear(EVERYTHING[language])
    if slot.endswith(("_date", "_detail")) and slot not in ("hardship_detail",):
        channel = slot.rsplit("_", 1)[0]
        if channel in BY_SLOT and desk.state["answers"].get(channel) != "tried":
            desk.do("jump", slot=channel).choose("tried", "affirm")
    if slot == "representative_name":
        desk.do("jump", slot="requester_role").choose("family")
    if slot in ("consent", "signature_name"):
        desk.do("jump", slot="delivery").choose("online")
    if slot == "signature_name":
        desk.do("jump", slot="consent").choose("affirm")
    if desk.asking != slot:
        desk.do(desk.question(slot)["can"][0], slot=slot)
    before = dict(desk.state["answers"])
    assert desk.asking == slot
    desk.do("why")
    check(desk, language)
    assert f"utter_why_{slot}" in desk.keys
    assert desk.asking == slot
    desk.do("simpler")
    check(desk, language)
    assert desk.asking == slot
    for _ in range(3):
        if desk.asking != slot:
            break
        desk.do("unknown")
        check(desk, language)
    passed = desk.asking != slot
    assert passed == (BY_SLOT[slot].optional or slot in PASSED), desk.keys
    for name, value in desk.state["answers"].items():
        assert not str(value).startswith("/"), name
        if name not in (slot, f"{slot}_reason", "delay_verified"):
            assert value == before.get(name), name


# Who does not know goes on all the same: not tried, none, or passed over.
PASSED = ("filing_date", "contact_center", "case_status_online", "infopass", "receipt_numbers")


def test_who_does_not_know_the_day_of_filing_gets_through_without_it(desk: Desk, language: str) -> None:
    """The button that is offered for it does the same; the request goes out, with the delay not checked."""
    desk.begin(language).hear(EVERYTHING[language])
    assert desk.asking == "filing_date"
    desk.do("unknown").choose("skip")
    assert desk.question("filing_date")["status"] == "skipped"
    while not desk.state["outcome"]:
        desk.hear(ANSWERS[language][str(desk.asking)])
    assert desk.state["outcome"] == "submitted"
    assert desk.state["answers"]["delay_verified"] == "unknown"


def test_a_case_begun_on_the_page_goes_on_at_the_desk_and_at_home_again(base: str, desk: Desk, language: str) -> None:
    page = Chat(base, language).open()
    page.say(OPENING[language])
    go_on(page, language, until="full_name")
    code = page.request("POST", "/chat/save", expect=201)["resume_code"]
    desk.take(resume_code=code)
    check(desk, language)
    assert desk.asking == "full_name"
    assert desk.state["answers"] == page.answers
    assert {item["how"] for item in desk.view["questions"] if item["value"] is not None} == {"record"}
    desk.hear(ANSWERS[language]["full_name"])
    assert desk.question("full_name")["how"] == "asked"
    assert desk.question("receipt_numbers")["how"] == "record"
    asking = desk.asking
    at_home = Chat(base, language, said=list(desk.said)).open(desk.ask("POST", "code", expect=201)["resume_code"])
    assert at_home.asking == asking
    assert at_home.answers["full_name"] == ANSWERS[language]["full_name"]
    go_on(at_home, language)
    assert at_home.outcome == "submitted"


def test_a_call_that_broke_off_is_found_by_number_and_birthday(base: str, running: Running, desk: Desk) -> None:
    number = f"IOE{str(abs(hash(desk.taker)))[:10]:0>10}"
    desk.begin("zh-Hant").hear(OPENING["zh-Hant"])
    desk.hear(f"我的收據號碼是{number}，1985年3月27日出生")
    asking = desk.asking
    desk.ask("POST", "close", expect=204)
    other = Desk(base, running.secret("GUIDE_CONSOLE_SECRET")).take(receipt_number=number, date_of_birth="1985-03-27")
    assert other.asking == asking
    assert other.view["language"] == "zh-Hant"
    assert other.question("receipt_numbers")["how"] == "record"
    other.ask("DELETE", "conversation", expect=204)
    gone = Desk(base, running.secret("GUIDE_CONSOLE_SECRET"))
    gone.ask("POST", "lookup", {"receipt_number": number, "date_of_birth": "1985-03-27"}, 404)


def test_the_language_of_the_caller_can_be_changed(desk: Desk, language: str) -> None:
    other = {"en": "zh-Hans", "zh-Hans": "zh-Hant", "zh-Hant": "en"}[language]
    desk.begin(language).hear(OPENING[language])
    asking = desk.asking
    desk.do("language", language=other)
    check(desk, other)
    assert desk.asking == asking
    desk.hear({"en": "IOE0912345678", "zh-Hans": "IOE0912345678", "zh-Hant": "IOE0912345678"}[language])
    assert desk.state["language"] == other, "chosen, so it stays"
    history = desk.ask("GET", f"history?language={other}")["messages"]
    guide = [message for message in history if message["from"] == "guide"]
    assert {message["language"] for message in guide} == {other}
    assert all(catalogue()[message["key"]][other].fullmatch(message["text"]) for message in guide)
