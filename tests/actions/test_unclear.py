"""Asking back: when, with which readings, and what becomes of the choice."""

from __future__ import annotations

import pytest

from tests.actions.talk import Talk, world

LANGUAGES = ("en", "zh-Hans", "zh-Hant")
NEAR = (("disagree_with_decision", 0.46), ("report_uscis_error", 0.38))
HALF_WAY = {"grounds": ["uscis_error"], "form_type": "I-485"}


@pytest.mark.parametrize(
    ("asking", "answers", "text", "ranking", "readings"),
    [
        # Two near readings of which one leads to an outcome and the other to a ground.
        ("grounds", {}, "they said no and that is wrong", NEAR, ["disagree_with_decision", "report_uscis_error"]),
        # A weak claim with nothing near it.
        ("grounds", {}, "it is about the paper", (("report_not_received", 0.45), ("inform", 0.1)),
         ["report_not_received"]),
        # Stop or start over.
        ("form_type", HALF_WAY, "drop all of it and", (("stop", 0.44), ("restart", 0.38)), ["stop", "restart"]),
        # At most three are named.
        ("grounds", {}, "well it is like this",
         (("report_delay", 0.27), ("report_hardship", 0.25), ("report_unresolved", 0.2), ("give_feedback", 0.19)),
         ["report_delay", "report_hardship", "report_unresolved"]),
        # Yes or no, where it matters.
        ("consent", {**HALF_WAY, "delivery": "online"}, "I beg to be excused", (("affirm", 0.42), ("deny", 0.36)),
         ["affirm", "deny"]),
        ("contact_center", HALF_WAY, "as one does", (("tried_channel", 0.4), ("not_tried_channel", 0.36)),
         ["affirm", "deny"]),
        # Not understood, but one reading is plausible.
        ("filing_date", {**HALF_WAY, "grounds": ["delay"]}, "hum well it all",
         (("out_of_scope", 0.3), ("ask_process", 0.28)), ["ask_process"]),
    ],
)
def test_asked_back(asking: str, answers: dict[str, object], text: str, ranking: tuple[tuple[str, float], ...],
                    readings: list[str]) -> None:
    talk = Talk(asking=asking, answers=dict(answers)).say(text, *ranking)
    assert talk.readings == readings
    titles = [world().labels.get(f"reading_{name}", "en") for name in [*readings, "other"]]
    assert list(talk.buttons) == titles
    assert all(title in talk.replies[-1].values_in("en")["choices"] for title in titles)
    assert talk.memory.at.asking == asking
    assert talk.memory.answers == answers


@pytest.mark.parametrize(
    ("asking", "answers", "text", "ranking"),
    [
        # Sure enough.
        ("grounds", {}, "USCIS made a mistake with my card", (("report_uscis_error", 0.85), ("report_delay", 0.1))),
        # Harmless ones are answered.
        ("form_type", HALF_WAY, "is it free or is it not?", (("ask_cost", 0.4), ("ask_privacy", 0.36))),
        ("form_type", HALF_WAY, "hello there", (("greet", 0.5), ("goodbye", 0.45))),
        # An answer to the open question, whatever else it looks like.
        ("form_type", HALF_WAY, "the I-765", (("stop", 0.4), ("restart", 0.38))),
        ("filing_date", {**HALF_WAY, "grounds": ["delay"]}, "in May 2023", (("go_back", 0.4), ("stop", 0.3))),
        ("full_name", {**HALF_WAY, "requester_role": "applicant"}, "Amara Okafor", (("stop", 0.3), ("restart", 0.28))),
        # The words decide between the two.
        ("grounds", {}, "my case is pending for too long, beyond the normal time",
         (("report_delay", 0.45), ("ask_processing_time", 0.4))),
        # A story of several sentences is read by its sentences.
        ("problem_description", HALF_WAY, "they said no and that is wrong", NEAR),
        # Nothing plausible.
        ("grounds", {}, "qwzx", (("inform", 0.08), ("stop", 0.07))),
        ("grounds", {}, "...", (("stop", 0.45), ("restart", 0.4))),
    ],
)
def test_not_asked_back(asking: str, answers: dict[str, object], text: str,
                        ranking: tuple[tuple[str, float], ...]) -> None:
    talk = Talk(asking=asking, answers=dict(answers)).say(text, *ranking)
    assert talk.readings == []
    assert not any(key.startswith(("utter_did_you_mean", "utter_yes_or_no")) for key in talk.keys)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_reading_has_a_short_name(language: str) -> None:
    from actions import unclear

    labels = world().labels
    for name in unclear.CLAIMS | unclear.COMMANDS | {"affirm", "deny", "other"}:
        assert 0 < len(labels.get(f"reading_{name}", language)) <= 40


def asked(language: str = "en", facts: str = " My number is IOE0912345678.") -> Talk:
    text = {"en": "they said no and that is wrong.", "zh-Hans": "他们说不行，这是错的。",
            "zh-Hant": "他們說不行，這是錯的。"}[language]
    talk = Talk(language=language).say(text + facts, *NEAR)
    assert talk.readings == ["disagree_with_decision", "report_uscis_error"]
    return talk


def test_what_else_was_in_the_message_is_kept_at_once() -> None:
    talk = asked()
    assert talk.memory.answers == {"receipt_numbers": ["IOE0912345678"]}
    assert talk.keys == ["utter_noted", "utter_did_you_mean"]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("place", "grounds"), [(0, None), (1, ["uscis_error"])])
def test_a_pressed_choice_goes_on_as_if_it_had_been_said(language: str, place: int, grounds: list[str] | None) -> None:
    talk = asked(language)
    talk.press(list(talk.buttons.values())[place])
    assert talk.memory.answers.get("grounds") == grounds
    assert (talk.memory.at.concern == "disagreement") == (place == 0)
    assert talk.memory.answers["receipt_numbers"] == ["IOE0912345678"]
    assert talk.memory.at.pending is None
    assert talk.memory.at.asking == ("grounds" if place == 0 else "form_type")


CHOICES = [
    ("en", "the second one", (("inform", 0.5),)), ("en", "2", (("inform", 0.5),)),
    ("en", "USCIS made a mistake!", (("report_uscis_error", 0.3),)),
    ("en", "I mean they got it wrong", (("report_uscis_error", 0.5), ("deny", 0.2))),
    ("zh-Hans", "第二个", (("inform", 0.5),)), ("zh-Hans", "移民局出了差错", (("report_uscis_error", 0.2),)),
    ("zh-Hans", "我是说他们弄错了", (("report_uscis_error", 0.6),)),
    ("zh-Hant", "第二個", (("inform", 0.5),)), ("zh-Hant", "２", (("inform", 0.5),)),
    ("zh-Hant", "我是說他們弄錯咗", (("report_uscis_error", 0.6),)),
]


@pytest.mark.parametrize(("language", "text", "ranking"), CHOICES)
def test_a_typed_choice_does_the_same(language: str, text: str, ranking: tuple[tuple[str, float], ...]) -> None:
    talk = asked(language).say(text, *ranking)
    assert talk.memory.answers["grounds"] == ["uscis_error"]
    assert talk.memory.answers["receipt_numbers"] == ["IOE0912345678"]
    assert talk.memory.at.asking == "form_type"


OTHERS = [("en", "something else", (("deny", 0.3),)), ("en", "3", ()), ("en", "no", (("deny", 0.9),)),
          ("zh-Hans", "都不是", (("deny", 0.8),)), ("zh-Hant", "最後一個", (("inform", 0.4),))]


@pytest.mark.parametrize(("language", "text", "ranking"), OTHERS)
def test_something_else_gets_a_second_try_with_choices(language: str, text: str,
                                                       ranking: tuple[tuple[str, float], ...]) -> None:
    talk = asked(language).say(text, *ranking)
    assert talk.keys[:2] == ["utter_meant_other", "utter_retry_grounds"]
    assert talk.memory.at.pending is None
    assert talk.memory.at.asking == "grounds"
    assert talk.memory.answers["receipt_numbers"] == ["IOE0912345678"]
    assert "grounds" not in talk.memory.answers


def test_a_new_message_is_not_taken_for_a_choice() -> None:
    talk = asked().say("I called them in May about my I-485", ("tried_channel", 0.8), ("report_unresolved", 0.1))
    assert talk.memory.at.pending is None
    assert talk.memory.answers["contact_center"] == "tried"
    assert talk.memory.answers["form_type"] == "I-485"
    assert talk.memory.answers["receipt_numbers"] == ["IOE0912345678"]


def test_a_yes_to_two_readings_is_asked_once_more_and_never_again() -> None:
    talk = asked().say("yes", ("affirm", 0.95))
    assert talk.keys == ["utter_did_you_mean_which"]
    talk.say("yes", ("affirm", 0.95))
    assert talk.pending == {}


def test_a_yes_to_one_reading_is_that_reading() -> None:
    talk = Talk().say("it is about the paper", ("report_not_received", 0.45), ("inform", 0.1))
    talk.say("yes", ("affirm", 0.95))
    assert talk.memory.at.not_received


def test_never_twice_in_a_row() -> None:
    talk = asked().say("hm that is not how I put it at all", *NEAR[::-1])
    assert talk.readings == []
    talk = asked().say("oh well now", ("stop", 0.3), ("go_back", 0.28))
    assert talk.readings == []


@pytest.mark.parametrize(("reading", "key"), [("stop", "utter_confirm_stop"), ("restart", "utter_confirm_restart")])
def test_stopping_is_still_confirmed(reading: str, key: str) -> None:
    talk = Talk(asking="form_type", answers=HALF_WAY).say("drop all of it", ("stop", 0.44), ("restart", 0.38))
    talk.press(f'/inform{{"meant": "{reading}"}}')
    assert talk.keys == [key]
    assert talk.memory.answers == HALF_WAY


@pytest.mark.parametrize(
    ("payload", "changes"),
    [
        ('/inform{"meant": "no_such_intent"}', False),
        ('/inform{"meant": "other"}', False),
        ('/inform{"meant": null}', False),
        ('/inform{"meant": ["stop"]}', False),
        ('/inform{"meant": "nlu_fallback"}', False),
        # As good as the word itself: asked about before anything happens.
        ('/inform{"meant": "stop"}', False),
        ('/inform{"meant": "restart"}', False),
    ],
)
def test_a_forged_or_stale_choice_does_no_more_than_typing(payload: str, changes: bool) -> None:
    answers = {**HALF_WAY, "receipt_numbers": ["IOE0912345678"], "requester_role": "applicant"}
    talk = Talk(asking="full_name", answers=dict(answers)).press(payload)
    assert (talk.memory.answers != answers) == changes
    assert talk.memory.at.outcome is None
    assert talk.replies


def test_a_forged_yes_is_a_typed_yes() -> None:
    """It answers the question that is open now, nothing that was open before."""
    answers = {**HALF_WAY, "delivery": "online"}
    pressed = Talk(asking="consent", answers=dict(answers)).press('/inform{"meant": "affirm"}')
    typed = Talk(asking="consent", answers=dict(answers)).say("yes", ("affirm", 1.0))
    assert pressed.memory.answers == typed.memory.answers


def test_some_rounds_of_something_else_lead_to_a_person() -> None:
    talk = Talk(asking="filing_date", answers={**HALF_WAY, "grounds": ["delay"]})
    said: list[list[str]] = []
    for number in range(4):
        talk.say(f"hum well it {'all ' * number}", ("out_of_scope", 0.3), ("ask_process", 0.28))
        said.append(talk.keys)
        if talk.readings:
            talk.say("no", ("deny", 0.9))
            said.append(talk.keys)
    assert any("utter_offer_human" in keys for keys in said)
    assert all(len(set(map(tuple, said[n : n + 3]))) > 1 for n in range(len(said) - 2))


def test_the_choice_goes_on_after_an_outcome_as_well() -> None:
    talk = Talk(asking=None, answers={})
    at = talk.memory.at
    at.outcome, at.concern, at.concern_settled = "legal_advice", "legal_advice", True
    talk.say("they said no and that is wrong", *NEAR)
    assert talk.readings == ["disagree_with_decision", "report_uscis_error"]
    talk.press('/inform{"meant": "report_uscis_error"}')
    assert talk.memory.answers["grounds"] == ["uscis_error"]
    assert talk.memory.at.outcome is None


def test_a_wish_for_another_language_without_its_name_gets_a_choice() -> None:
    talk = Talk(asking="form_type", answers=HALF_WAY).say("another tongue please", ("switch_language", 0.9))
    assert talk.keys[0] == "utter_which_language"
