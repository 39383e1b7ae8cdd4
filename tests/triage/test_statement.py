"""The English statement: every sentence rests on an answer, every value in it is an answer's, nothing is made up."""
from __future__ import annotations

import dataclasses
import re
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from triage.content import LANGUAGES, Content, PostedTime
from triage.facts import CHANNELS, GROUNDS, ROLES
from triage.statement import Sentence, Statement

CONTENT = Content.load(Path(__file__).resolve().parents[2] / "content")
STATEMENT = Statement(CONTENT)
TEMPLATES = CONTENT.statement["sentences"]


def with_posted_time(example: bool) -> Statement:
    posted = PostedTime("I-485", Decimal("12.5"), date(2026, 11, 1), "https://egov.uscis.gov/", example)
    return Statement(dataclasses.replace(CONTENT, posted_times={"I-485": posted}))


def answers(**changes: Any) -> dict[str, Any]:
    complete = {
        "language": "zh-Hans",
        "grounds": ["delay", "hardship"],
        "form_type": "I-485",
        "receipt_numbers": ["LIN9999106498", "IOE*123456789"],
        "filing_date": "2023-05-12",
        "delay_verified": True,
        "hardship_detail": "我丢了工作。",
        "contact_center": "tried",
        "contact_center_date": "2026-09",
        "contact_center_detail": "服务请求编号是 SR12345678，等回信",
        "case_status_online": "tried",
        "infopass": "not_tried",
        "requester_role": "attorney",
        "full_name": "王小明 Xiaoming WANG",
        "representative_name": "Jane Doe, Esq.",
        "date_of_birth": "1980-02-29",
        "problem_description": "等了三年。",
        "documents": ["receipt_notice"],
    }
    complete.update(changes)
    return {name: value for name, value in complete.items() if value is not None}


def test_the_statement_of_a_case() -> None:
    assert with_posted_time(example=False).text(answers()) == (
        "王小明 Xiaoming WANG asks for help with Form I-485 (Application to Register Permanent Residence or Adjust "
        "Status). The form was filed on 05/12/2023. The USCIS receipt numbers are LIN9999106498, IOE*123456789.\n"
        "The request reports an emergency or hardship caused by a mistake, error or delay of USCIS. The emergency or "
        "hardship is described in the person's own words. The request reports that the case is pending beyond the "
        "normal processing time. The processing time posted for this form is 12.5 months (as of 11/01/2026), and more "
        "time than that has passed since the filing date.\n"
        "The USCIS Contact Center was contacted in September 2026. Service request or reference number given for this "
        "contact: SR12345678. What came of it is told in the person's own words. Case Status Online was checked. There "
        "was no appointment at a USCIS office (formerly InfoPass).\n"
        "Jane Doe, Esq. prepared this request as attorney; a copy of the Form G-28 on file with USCIS must go with it. "
        "Copies named with this request: receipt notice. What happened is described in the person's own words, which "
        "stand unchanged beside this statement."
    )


def test_a_figure_that_is_only_an_example_does_not_reach_the_office() -> None:
    text = with_posted_time(example=True).text(answers())
    assert "12.5" not in text
    assert "compared with the processing time posted" in text


@pytest.mark.parametrize(
    ("changes", "present", "absent"),
    [
        ({"delay_verified": "unknown"}, "no posted processing time", "more time than that"),
        ({"delay_verified": False, "grounds": ["unresolved"]}, "did not resolve", "processing time"),
        ({"grounds": ["uscis_error"]}, "a mistake by USCIS in handling", "hardship"),
        ({"filing_date": None}, "I-485", "filed"),
        ({"filing_date": "2023-05"}, "filed in May 2023", "05/"),
        ({"filing_date": "2023"}, "filed in 2023", "01/"),
        ({"receipt_numbers": ["LIN9999106498"]}, "receipt number is LIN9999106498", "numbers are"),
        ({"receipt_numbers": "none", "receipt_numbers_reason": "丢了"}, "has not issued a receipt number", "none"),
        ({"form_type": "X-99"}, "help with Form X-99.", "("),
        ({"requester_role": "applicant", "representative_name": None}, "Xiaoming", "prepared this request"),
        ({"requester_role": "employer", "date_of_birth": "none"}, "is the company or organization", "none"),
        ({"documents": []}, "own words", "Copies named"),
    ],
)
def test_sentences_follow_the_answers(changes: dict[str, Any], present: str, absent: str) -> None:
    first, *_ = text = STATEMENT.text(answers(infopass=None, contact_center_detail=None, **changes)).split("\n")
    assert present in "\n".join(text)
    assert absent not in (first if absent == "(" else "\n".join(text))


@pytest.mark.parametrize(
    ("detail", "language", "quoted"),
    [
        ("They said to wait.", "en", True),
        ("They said to wait.", "zh-Hans", False),
        ("等回信", "en", False),
        ("They said 等", "en", False),
        ("one\ntwo", "en", False),
        ("x" * 301, "en", False),
        ("98760", "en", False),
    ],
)
def test_own_words_are_quoted_only_when_short_and_english(detail: str, language: str, quoted: bool) -> None:
    text = STATEMENT.text(answers(language=language, hardship_detail=detail))
    assert (f"“{detail}”" in text) == quoted
    assert ("hardship is described in the person's own words" in text) != quoted
    assert quoted or detail not in text


SERVICE_REQUESTS = [
    ("my service request number is T1A1234567890NSC.", ["T1A1234567890NSC"]),
    ("SR: 12345678, then SR# AB-1234567", ["12345678", "AB-1234567"]),
    ("service request (SRMT) no. 0012345678", ["0012345678"]),
    ("服务请求编号：SR12345678", ["SR12345678"]),
    ("他們給我服務請求號碼是 12345678901", ["12345678901"]),
    ("请求编号为 NBC1234567 和 参考号 98765432", ["NBC1234567", "98765432"]),
    ("SR 12345678, again SR 12345678", ["12345678"]),
    ("SR12345678", ["SR12345678"]),
    ("服务请求号码12345678", ["12345678"]),
    ("ticket LIN9999106498", []),
    ("call 1-800-375-5283", []),
    ("sr 12", []),
    ("service request in 2026", []),
    ("user12345678", []),
    ("", []),
]


@pytest.mark.parametrize(("text", "numbers"), SERVICE_REQUESTS)
def test_service_request_numbers_are_found_in_what_is_told(text: str, numbers: list[str]) -> None:
    assert list(STATEMENT.service_requests(text)) == numbers


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
DAY = st.dates(date(1980, 1, 1), date(2026, 11, 24)).map(lambda day: day.isoformat())
PARTIAL = st.builds(lambda day, length: day[:length], DAY, st.sampled_from([4, 7, 10]))
ANSWERS = st.fixed_dictionaries(
    {"language": st.sampled_from(LANGUAGES)},
    optional={
        "grounds": st.lists(st.sampled_from(GROUNDS), unique=True),
        "form_type": st.sampled_from(["I-485", "N-400", "X-99"]),
        "receipt_numbers": st.one_of(
            st.just("none"), st.lists(st.from_regex(r"[A-Z]{3}\d{10}", fullmatch=True), min_size=1, unique=True)
        ),
        "receipt_numbers_reason": TEXT,
        "filing_date": PARTIAL,
        "delay_verified": st.sampled_from([True, False, "unknown"]),
        "hardship_detail": TEXT,
        **{name: st.sampled_from(["tried", "not_tried"]) for name in CHANNELS},
        **{f"{name}_date": PARTIAL for name in CHANNELS},
        **{f"{name}_detail": TEXT for name in CHANNELS},
        "requester_role": st.sampled_from(ROLES),
        "full_name": TEXT,
        "date_of_birth": st.one_of(DAY, st.just("none")),
        "representative_name": TEXT,
        "documents": st.lists(st.sampled_from([item.key for item in CONTENT.documents]), unique=True),
        "problem_description": TEXT,
    },
)


def shown(slot: str, value: Any, language: str) -> str:
    """An answer as a statement may write it."""
    if slot in ("filing_date", *(f"{name}_date" for name in CHANNELS)):
        return STATEMENT.date(value, language)
    separator = STATEMENT.separator(language)
    if slot == "documents":
        names = {item.key: item.name[language] for item in CONTENT.documents}
        return separator.join(names[one] for one in value)
    return separator.join(value) if isinstance(value, list) else str(value)


def traced(sentence: Sentence, told: dict[str, Any], language: str) -> None:
    template = TEMPLATES[sentence.key][language]
    assert set(sentence.slots) & set(told), sentence.key
    holes = re.findall(r"\{(\w+)\}", template)
    assert len(holes) == len(sentence.facts)
    for hole, fact in zip(holes, sentence.facts, strict=True):
        if fact.source in told:
            answer = shown(fact.source, told[fact.source], language)
            parts = fact.value.split(STATEMENT.separator(language)) if hole == "service_request" else [fact.value]
            assert all(part in answer for part in parts), (sentence.key, hole)
            assert hole in ("service_request", "detail") or fact.value in (answer, answer.strip())
        else:
            assert re.fullmatch(r"(forms|processing_times)\.yml: \S+", fact.source)
    values = iter(fact.value for fact in sentence.facts)
    assert re.sub(r"\{\w+\}", lambda _: next(values), template) == sentence.text


@settings(max_examples=300, deadline=None)
@given(ANSWERS, st.sampled_from(LANGUAGES))
def test_every_fact_is_an_answers_value(told: dict[str, Any], language: str) -> None:
    sentences = STATEMENT.compose(told, language)
    for sentence in sentences:
        traced(sentence, told, language)
    assert [one.key for one in STATEMENT.compose(told, "en")] == [one.key for one in sentences]


@given(ANSWERS)
@settings(max_examples=100, deadline=None)
def test_words_that_are_not_english_are_never_in_the_english_statement(told: dict[str, Any]) -> None:
    told = {**told, "full_name": "A", "representative_name": "B", "contact_center_detail": "SR12345678 等回信"}
    text = STATEMENT.text(told)
    assert not re.search("[\u3400-\u9fff]", re.sub("“.*?”", "", text))


def test_every_sentence_is_used() -> None:
    used: set[str] = set()

    @settings(max_examples=600, deadline=None, derandomize=True)
    @given(ANSWERS)
    def run(told: dict[str, Any]) -> None:
        for statement in (STATEMENT, with_posted_time(example=False)):
            used.update(sentence.key for sentence in statement.compose(told))

    run()
    for detail in ("They said wait. SR 12345678", "等"):
        told = answers(language="en", receipt_numbers="none", receipt_numbers_reason=detail, hardship_detail=detail)
        told |= {"contact_center_detail": detail}
        used |= {sentence.key for sentence in with_posted_time(example=False).compose(told)}
    assert used == set(TEMPLATES)
