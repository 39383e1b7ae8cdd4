"""What becomes a link on the page, what must not break, and answers in words."""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import Any

import pytest

from gateway.answers import Answers
from gateway.language import LANGUAGES
from gateway.page_text import PATTERN, known_hosts, pieces
from gateway.settings import CONTENT, ROOT, WEB
from gateway.strings import Strings
from triage.content import Content
from triage.interview import QUESTIONS

HOSTS = known_hosts([CONTENT, ROOT / "domain"])
FAX = "202-357-0042"
LINKS = [
    ("Call 1-800-375-5283.", {"1-800-375-5283": "tel:+18003755283"}),
    ("打202-357-8100（免费）", {"202-357-8100": "tel:+12023578100"}),
    ("(202) 357-8100", {"(202) 357-8100": "tel:+12023578100"}),
    (f"Fax: {FAX}", {}),
    ("看 https://www.uscis.gov/a?b=1。然后", {"https://www.uscis.gov/a?b=1": "https://www.uscis.gov/a?b=1"}),
    ("at egov.uscis.gov/e-request.", {"egov.uscis.gov/e-request": "https://egov.uscis.gov/e-request"}),
    ("寄到 cisombudsman@hq.dhs.gov，", {"cisombudsman@hq.dhs.gov": "mailto:cisombudsman@hq.dhs.gov"}),
    ("https://evil.example/x http://uscis.gov.evil.example/", {}),
    ("https://evil.example\\@www.uscis.gov/", {"www.uscis.gov": "https://www.uscis.gov"}),
    ("javascript:alert(1) data:text/html,x", {}),
    ("https://988lifeline.org", {"https://988lifeline.org": "https://988lifeline.org"}),
]


@pytest.mark.parametrize(("text", "links"), LINKS)
def test_links(text: str, links: dict[str, str]) -> None:
    made = pieces(text, "utter_outcome", HOSTS, FAX)
    assert "".join(piece.text for piece in made) == text
    assert {piece.text: piece.href for piece in made if piece.href} == links


@pytest.mark.parametrize("key", [None, "utter_ask_review", "utter_ask_review_paper", "utter_noted", "utter_changed"])
def test_what_a_person_wrote_is_no_link(key: str | None) -> None:
    made = pieces("https://www.uscis.gov 1-800-375-5283 a@b.gov", key, HOSTS, FAX)
    assert [piece.href for piece in made if piece.href] == []


@pytest.mark.parametrize(
    "number",
    ["IOE0912345678", "EAC*123456789", "A012345678", "CA-2345-6789-ABCD", "2026-11-24", "I-485", "N-400", "I-129F"],
)
def test_numbers_stay_whole(number: str) -> None:
    made = pieces(f"号码是{number}。好", None, HOSTS, FAX)
    assert [piece.text for piece in made if piece.whole] == [number]


@pytest.mark.skipif(shutil.which("node") is None, reason="there is no node here")
@pytest.mark.parametrize("text", [text for text, _ in LINKS])
def test_the_script_finds_the_same(text: str) -> None:
    program = """const [find, text] = process.argv.slice(1);
        for (const one of text.matchAll(new RegExp(find, 'g'))) console.log(one[0]);"""
    found = subprocess.run(["node", "-e", program, PATTERN, text], capture_output=True, text=True, check=True)
    assert found.stdout.splitlines() == [one[0] for one in re.finditer(PATTERN, text, re.ASCII)]


def test_the_pattern_does_not_take_long() -> None:
    for text in (
        "a" * 20_000,
        "1-" * 10_000,
        "https://" * 2_500,
        "a.b-" * 5_000,
        "a@" * 10_000,
        "A" * 20_000,
        "é" * 20_000,
    ):
        assert "".join(piece.text for piece in pieces(text, "utter_x", HOSTS, FAX)) == text


ANSWERS: dict[str, Any] = {
    "grounds": ["delay", "uscis_error"],
    "form_type": "I-485",
    "filing_date": "2023-05",
    "delay_verified": "unknown",
    "contact_center": "tried",
    "contact_center_date": "2026-09-14",
    "case_status_online": "not_tried",
    "receipt_numbers": ["IOE0912345678", "LIN2190012345"],
    "requester_role": "family",
    "consent": True,
    "documents": ["receipt_notice"],
    "delivery": "online",
    "phone_e164": "+14155550132",
    "email": "",
    "problem_description": "own words\nin two lines",
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_answers_in_words(language: Any) -> None:
    words = Strings(WEB / "strings" / "page.yml")
    answers = Answers(ROOT / "domain", Content.load(CONTENT))
    months, date = words("months", language), words("date", language)
    listed = {one.slot: one for one in answers.listed({"answers": ANSWERS}, language, months, date)}
    assert list(listed) == [
        *("grounds", "form_type", "filing_date", "delay_verified", "contact_center", "contact_center_date"),
        *("case_status_online", "receipt_numbers", "requester_role", "problem_description", "documents"),
        *("delivery", "consent"),
    ]
    assert listed["filing_date"].value == {"en": "May 2023"}.get(language, "2023年5月")
    assert listed["contact_center_date"].value == {"en": "September 14, 2026"}.get(language, "2026年9月14日")
    assert listed["problem_description"].value == ANSWERS["problem_description"]
    raw = {"delay", "uscis_error", "unknown", "tried", "not_tried", "family", "online", "receipt_notice", "True"}
    assert not raw & {one.value for one in listed.values()}
    assert [one.slot for one in listed.values() if not one.changeable] == ["delay_verified"]
    sent = answers.listed({"answers": ANSWERS, "tracking_number": "CA-2345-6789-ABCD"}, language, months, date)
    assert not [one for one in sent if one.changeable]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_question_has_a_name_and_a_reason(language: Any) -> None:
    answers = Answers(ROOT / "domain", Content.load(CONTENT))
    for question in QUESTIONS:
        assert answers.label(question.slot, language)
        assert answers.why(question.slot, language)
