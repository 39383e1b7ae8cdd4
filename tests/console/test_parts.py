"""The parts that need no running system: dispositions, moments in zones, numbers read aloud, pronunciation."""

from __future__ import annotations

import datetime
import re
from pathlib import Path

import pytest
import yaml

from console.assist import AssistError
from console.dispositions import Dispositions
from console.pinyin import pronounce
from console.roles import PERMISSIONS, Role
from console.settings import CONTENT, PAGES, WORDS
from console.spelling import Spelling, groups
from console.texts import language_of, whole
from console.web import of_assist
from console.words import Words
from gateway.errors import STATUS
from triage.rules import OUTCOMES

ENDS = Dispositions(CONTENT / "dispositions.yml")
SPELLING = Spelling(CONTENT / "spelling.yml")


def test_every_outcome_proposes_one() -> None:
    assert {outcome: ENDS.propose(outcome, True, False) for outcome in OUTCOMES} == {
        "submitted": "H1",
        "prepared": "H1",
        "try_uscis_first": "R1",
        "wait_until": "R2",
        "legal_advice": "R3",
        "other_agency": "R3",
        "decision_disagreement": "R3",
        "feedback": "F1",
        "consent_declined": "D1",
        "handed_to_human": "C1",
        "cancelled": "D1",
    }


@pytest.mark.parametrize(
    ("answered", "danger", "code"), [(True, False, "S1"), (False, False, "D1"), (True, True, "U1"), (False, True, "U1")]
)
def test_without_an_outcome(answered: bool, danger: bool, code: str) -> None:
    assert ENDS.propose(None, answered, danger) == code


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_danger_counts_for_more_than_any_outcome(outcome: str) -> None:
    assert ENDS.propose(outcome, True, True) == "U1"


def test_every_outcome_has_words() -> None:
    words = Words(WORDS)
    assert [outcome for outcome in OUTCOMES if f"outcome_{outcome}" not in words] == []


@pytest.mark.parametrize(
    ("code", "dates", "text"),
    [
        ("R1", {"answer_until": "2027-01-05"}, "Call again after 2027-01-05"),
        ("R1", {"answer_until": None}, "Call again when USCIS has not answered in time"),
        ("R2", {"ask_from": "2027-02-01"}, "Ask again from 2027-02-01"),
        ("S1", {"code_until": "2026-12-24"}, "Until 2026-12-24"),
        ("U1", {}, "The same day"),
    ],
)
def test_time_frames(code: str, dates: dict[str, str | None], text: str) -> None:
    assert ENDS.all[code].time_frame(dates) == text


@pytest.mark.parametrize(
    ("text", "zone", "utc"),
    [
        ("2026-12-01T09:30", "Asia/Taipei", "2026-12-01T01:30"),
        ("2026-12-01T09:30", "America/New_York", "2026-12-01T14:30"),
        ("2027-07-01T09:30", "America/New_York", "2027-07-01T13:30"),
        ("2027-07-01T09:30", "America/Phoenix", "2027-07-01T16:30"),
        ("2027-03-14T02:30", "America/New_York", None),  # the clocks are put forward: there is no such moment
        ("2027-02-30T09:30", "America/New_York", None),
        ("2026-12-01T09:30+01:00", "America/New_York", None),
        ("tomorrow", "America/New_York", None),
        ("", "America/New_York", None),
        ("2026-12-01T09:30", "Mars/Olympus", None),
    ],
)
def test_moments(text: str, zone: str, utc: str | None) -> None:
    moment = ENDS.moment(text, zone)
    assert (moment.astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M") if moment else None) == utc


@pytest.mark.parametrize(
    ("number", "parts"),
    [
        ("IOE0912345678", ("IOE", "091", "234", "5678")),
        ("WAC*123456789", ("WAC", "*12", "345", "6789")),
        ("CA-2B3C-4D5E-6F7G", ("CA", "2B3C", "4D5E", "6F7G")),
    ],
)
def test_groups(number: str, parts: tuple[str, ...]) -> None:
    assert groups(number) == parts


def test_letters_and_digits_have_words_in_all_languages() -> None:
    for language in ("en", "zh-Hans", "zh-Hant"):
        for char in "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789*":
            (group,) = SPELLING.read(char, language)
            assert group.words[0] != char
    assert SPELLING.read("O1", "en")[0].words == ("Oscar", "one")
    assert SPELLING.read("1", "zh-Hans")[0].words == ("幺",)
    assert SPELLING.read("1", "zh-Hant")[0].words == ("一",)


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("您好吗？", ("nín hǎo ma？",)),
        ("银行\n\n长大", ("yín háng", "zhǎng dà")),
        ("銀行", ("yín háng",)),
        ("I-485", ()),
        ("", ()),
    ],
)
def test_pronunciation(text: str, lines: tuple[str, ...]) -> None:
    assert pronounce(text) == lines


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("call 1-800-375-5283.", 'call <span class="whole">1-800-375-5283</span>.'),
        ("<b>IOE0912345678</b>", '&lt;b&gt;<span class="whole">IOE0912345678</span>&lt;/b&gt;'),
        ("CA-2B3C-4D5E-6F7G", '<span class="whole">CA-2B3C-4D5E-6F7G</span>'),
        ("nothing & more", "nothing &amp; more"),
    ],
)
def test_numbers_stay_whole(text: str, html: str) -> None:
    assert whole(text) == html


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [("赵明华", "zh-Hans", "zh-Hans"), ("赵明华", "en", "zh"), ("Amara", "zh-Hans", "en"), ("", "zh-Hant", "en")],
)
def test_the_language_of_an_answer(text: str, language: str, expected: str) -> None:
    assert language_of(text, language) == expected


def test_every_word_of_the_pages_is_there_and_none_is_left_over() -> None:
    words = Words(WORDS)
    text = "".join(path.read_text(encoding="utf-8") for path in PAGES.glob("*.html"))
    code = "".join(path.read_text(encoding="utf-8") for path in (Path(__file__).parents[2] / "console").rglob("*.py"))
    used = set(re.findall(r'w\("(\w+)"[,)]', text))
    assert {key for key in used if key not in words} == set()
    for key in yaml.safe_load(WORDS.read_text(encoding="utf-8")):
        made = re.match(r"(role|how|where|outcome|guide|figures|sso)_", key)
        shown = re.search(rf"""["']{key}["']""", text + code)
        assert made or shown, f"{key} is never shown"


@pytest.mark.parametrize(
    "code",
    [
        *("no_session", "malformed", "not_open", "text_too_long", "unknown_payload", "unknown_case"),
        *("too_many_lookups", "too_many_messages", "too_many_requests"),
    ],
)
def test_what_the_front_door_refuses_is_told_and_not_tried_again(code: str) -> None:
    problem = of_assist(AssistError(code, 7.0))
    # Its session is gone, not that of the person at the console.
    assert problem.status == (410 if code == "no_session" else 409 if code == "unknown_payload" else STATUS[code])
    assert (problem.key, problem.retry_after) == (f"guide_{code}", 7.0)
    assert problem.key in Words(WORDS)


@pytest.mark.parametrize("code", ["unreachable", "not_ready", "internal"])
def test_a_front_door_that_is_away_is_tried_again(code: str) -> None:
    problem = of_assist(AssistError(code, 2.0))
    assert (problem.status, problem.key) == (503, "guide_away")


def test_every_role_has_a_name() -> None:
    words = Words(WORDS)
    assert all(f"role_{role}" in words for role in Role)
    assert set(PERMISSIONS) == set(Role)
