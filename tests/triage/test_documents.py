"""Which papers are asked for: by ground, form, role, and what has happened so far."""
from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest

from triage.content import LANGUAGES, Content
from triage.documents import OTHER, checklist, kinds
from triage.facts import GROUNDS, ROLES, Facts

CONTENT = Content.load(Path(__file__).resolve().parents[2] / "content")
LEAFLET = ["receipt_notice", "submitted_to_uscis", "received_from_uscis", "other_important"]
NUMBER = ("IOE0912345678",)

# grounds, form, role, further facts, papers that must go with it, papers that must be on the list, and must not be.
CASES = [
    ([], None, None, {}, set(), set(LEAFLET), {"g28", "written_consent", "contact_proof", "sending_proof"}),
    (["delay"], "I-485", "applicant", {"receipt_numbers": NUMBER}, set(),
     {"receipt_notice", "processing_time_page", "current_card", "interview_notice"}, {"hardship_proof", "error_proof"}),
    (["delay"], "I-485", "applicant", {"receipt_numbers": ("none",)}, set(), {"sending_proof"}, {"receipt_notice"}),
    (["hardship"], "I-130", "petitioner", {}, {"hardship_proof"},
     {"expedite_request", "age_proof", "relationship_proof"}, {"processing_time_page", "decision_notice"}),
    (["hardship"], "N-400", "applicant", {}, {"hardship_proof"}, {"interview_notice"}, {"age_proof", "current_card"}),
    (["uscis_error"], "I-765", "applicant", {}, set(),
     {"error_proof", "decision_notice", "delivery_proof", "current_card"}, {"hardship_proof"}),
    (["unresolved"], "I-131", "applicant", {"contact_center": "tried"}, set(),
     {"contact_proof", "service_request_replies", "delivery_proof", "travel_plan"}, {"error_proof"}),
    (["unresolved"], "I-131", "applicant", {"contact_center": "not_tried"}, set(), {"delivery_proof"},
     {"contact_proof", "service_request_replies"}),
    (["uscis_error"], "N-400", "attorney", {}, {"g28"}, {"error_proof"}, {"written_consent"}),
    (["delay"], "I-485", "representative", {}, {"written_consent"}, {"g28"}, {"employer_letter"}),
    (["delay"], "I-485", "family", {}, {"written_consent"}, set(), {"g28"}),
    (["delay"], "I-129", "employer", {}, set(), {"employer_letter"}, {"written_consent", "g28"}),
    (["delay"], "I-918", "applicant", {}, {"ink_signature"}, set(), {"current_card"}),
    (["delay", "hardship", "uscis_error"], "I-539", "attorney", {}, {"g28", "hardship_proof"},
     {"processing_time_page", "error_proof", "status_proof"}, {"travel_plan"}),
]


@pytest.mark.parametrize(("grounds", "form", "role", "more", "required", "there", "not_there"), CASES)
def test_the_papers_of_a_case(
    grounds: list[str], form: str | None, role: str | None, more: dict[str, object], required: set[str],
    there: set[str], not_there: set[str],
) -> None:
    facts = Facts(form_type=form, requester_role=role, **more)  # type: ignore[arg-type]
    papers = checklist(CONTENT.documents, facts, grounds)
    found = {paper.kind for paper in papers}
    assert {paper.kind for paper in papers if paper.required} == required
    assert required | there <= found
    assert not not_there & found


def test_every_case_has_a_list_that_begins_with_what_must_go() -> None:
    for ground, form, role in product(GROUNDS, CONTENT.forms, ROLES):
        facts = Facts(form_type=form, requester_role=role, contact_center="tried")
        papers = checklist(CONTENT.documents, facts, [ground])
        order = [paper.required for paper in papers]
        assert order == sorted(order, reverse=True)
        assert 4 <= len(papers) <= 13, (ground, form, role)
        assert len({paper.kind for paper in papers}) == len(papers)
        assert papers[-1].kind == OTHER


def test_the_same_facts_give_the_same_list() -> None:
    facts = Facts(form_type="I-485", requester_role="attorney")
    assert kinds(CONTENT.documents, facts, ["delay"]) == kinds(CONTENT.documents, facts, ["delay"])


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_paper_has_a_name_a_label_and_a_reason(language: str) -> None:
    for item in CONTENT.documents:
        for text in (item.name, item.label, item.reason):
            assert text[language].strip(), item.key
        assert len(item.name[language]) <= 40, item.key
        assert len(item.reason[language]) <= 90, item.key
        assert item.stamp.source
    names = [item.name[language] for item in CONTENT.documents]
    assert len(set(names)) == len(names)
