"""Requests over real HTTP: stored once, validated as a whole, found again, erased."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from typing import Any

import httpx
import pytest
from pypdf import PdfReader

from intake.store.base import payload_context
from tests.intake.conftest import TOKEN, Clock, Database, body, running, send, vault_of
from triage import tracking


def test_a_request_is_stored_with_history_outbox_and_key(client: httpx.Client, database: Database) -> None:
    answer = send(client)
    assert answer.status_code == 201
    stored = answer.json()
    number = stored["tracking_number"]
    assert tracking.is_valid(number)
    assert stored["status"] == "received"
    assert stored["received_at"] == "2026-11-24T12:00:00Z"
    assert stored["links"] == {
        "self": f"/v1/case-requests/{number}",
        "pdf": f"/v1/case-requests/{number}/form.pdf",
    }
    for table in ("case_requests", "history", "outbox", "idempotency_keys"):
        assert len(database.rows(table)) == 1, table


def test_answers_are_kept_word_for_word(client: httpx.Client, database: Database) -> None:
    text = "  第一行\r\n\u200b<b>二</b>'; DROP TABLE x; --\u202e\u3000🙂\x00 "
    assert send(client, problem_description=text).status_code == 201
    ((number, sealed),) = database.query("SELECT tracking_number, sealed FROM case_requests")
    opened = vault_of().open(bytes(sealed), payload_context(number))
    assert json.loads(opened) == body(problem_description=text)


def test_the_same_key_again_gives_the_same_answer(client: httpx.Client, database: Database, clock: Clock) -> None:
    first = send(client)
    clock.forward(minutes=5)
    second = send(client, submitted_at="2026-11-24T12:04:00Z")
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json() == second.json()
    assert len(database.rows("case_requests")) == 1


def test_the_same_key_with_another_body_is_a_conflict(client: httpx.Client, database: Database) -> None:
    send(client)
    answer = send(client, email="other@example.com")
    assert answer.status_code == 409
    assert answer.json()["error"] == "key_reused"
    assert len(database.rows("case_requests")) == 1


def test_the_same_key_at_once_gives_one_record(address: str, database: Database) -> None:
    many = 12
    together = threading.Barrier(many)

    def one(_: int) -> httpx.Response:
        with httpx.Client(base_url=address, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=30) as http:
            http.get("/v1/health")
            together.wait()
            return send(http)

    with ThreadPoolExecutor(many) as pool:
        answers = list(pool.map(one, range(many)))
    assert sorted(answer.status_code for answer in answers) == [200] * (many - 1) + [201]
    assert len({answer.text for answer in answers}) == 1
    for table in ("case_requests", "history", "outbox", "idempotency_keys"):
        assert len(database.rows(table)) == 1, table


def test_different_keys_at_once_are_all_stored(address: str, database: Database) -> None:
    def one(number: int) -> httpx.Response:
        with httpx.Client(base_url=address, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=30) as http:
            return send(http, key=f"key-{number}")

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(one, range(24)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["tracking_number"] for answer in answers}) == 24
    assert len(database.rows("case_requests")) == 24


def test_a_paper_request_waits_for_its_signature(client: httpx.Client) -> None:
    answer = send(client, outcome="prepared", delivery="mail", consent=None, signature_name=None, signed_at=None)
    assert answer.status_code == 201
    assert answer.json()["status"] == "prepared"


def test_a_company_has_no_date_of_birth(client: httpx.Client) -> None:
    answer = send(client, date_of_birth="none", requester_role="employer", representative_name="Ann Lee")
    assert answer.status_code == 201


def test_no_receipt_number_was_issued(client: httpx.Client) -> None:
    assert send(client, receipt_numbers="none", receipt_numbers_reason="没收到").status_code == 201


WRONG: list[tuple[dict[str, Any], set[str]]] = [
    ({"grounds": []}, {"grounds"}),
    ({"grounds": ["boredom"]}, {"grounds"}),
    ({"grounds": ["delay", "delay"]}, {"grounds"}),
    ({"form_type": "green card"}, {"form_type"}),
    ({"receipt_numbers": ["LIN999910649"]}, {"receipt_numbers"}),
    ({"receipt_numbers": []}, {"receipt_numbers"}),
    ({"receipt_numbers": ["LIN9999106498", "LIN9999106498"]}, {"receipt_numbers"}),
    ({"receipt_numbers": "lost"}, {"receipt_numbers"}),
    ({"filing_date": "2027-01"}, {"filing_date"}),
    ({"filing_date": "2023-02-30"}, {"filing_date"}),
    ({"filing_date": "last spring"}, {"filing_date"}),
    ({"delay_verified": "maybe"}, {"delay_verified"}),
    ({"hardship_detail": None}, {"hardship_detail"}),
    ({"contact_center": "often"}, {"contact_center"}),
    ({"infopass": None}, {"infopass"}),
    ({"requester_role": "friend"}, {"requester_role"}),
    ({"full_name": "   "}, {"full_name"}),
    ({"date_of_birth": "02/29/1980"}, {"date_of_birth"}),
    ({"date_of_birth": "2027-01-01"}, {"date_of_birth"}),
    ({"date_of_birth": "1850-01-01"}, {"date_of_birth"}),
    ({"email": None, "phone": None}, {"email"}),
    ({"email": "wang at example"}, {"email"}),
    ({"phone_e164": "2025550143"}, {"phone_e164"}),
    ({"a_number": "A123"}, {"a_number"}),
    ({"problem_description": ""}, {"problem_description"}),
    ({"problem_description": "x" * 20_001}, {"problem_description"}),
    ({"delivery": "pigeon"}, {"delivery"}),
    ({"consent": False}, {"consent"}),
    ({"consent": "yes"}, {"consent"}),
    ({"signature_name": None}, {"signature_name"}),
    ({"signed_at": "2026-11-24T11:58:30"}, {"signed_at"}),
    ({"outcome": "prepared"}, {"outcome"}),
    ({"language": "zh"}, {"language"}),
    ({"shoe_size": 43}, {"shoe_size"}),
    (
        {"email": "x", "grounds": ["hardship"], "hardship_detail": None, "full_name": 5, "consent": None, "extra": 1},
        {"email", "hardship_detail", "full_name", "consent", "extra"},
    ),
]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """One backend for tests that store nothing."""
    url = f"sqlite:///{tmp_path_factory.mktemp('shared') / 'intake.db'}"
    with (
        running(url, Clock()) as address,
        httpx.Client(base_url=address, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=20) as http,
    ):
        yield http


@pytest.mark.parametrize(("changes", "fields"), WRONG, ids=lambda value: str(value)[:50])
def test_every_wrong_field_is_named_and_no_value_repeated(
    shared: httpx.Client, changes: dict[str, Any], fields: set[str]
) -> None:
    answer = send(shared, key="wrong", **changes)
    assert answer.status_code == 422
    assert answer.json()["error"] == "invalid"
    assert {item["field"] for item in answer.json()["fields"]} == fields
    assert {item["code"] for item in answer.json()["fields"]} <= {"missing", "too_long", "future", "choice", "format"}
    for value in changes.values():
        if isinstance(value, str) and len(value) > 6 and "_" not in value and value.strip():
            assert value not in answer.text


CODES: list[tuple[dict[str, Any], str, str]] = [
    ({"problem_description": "  "}, "problem_description", "missing"),
    ({"full_name": None}, "full_name", "missing"),
    ({"hardship_detail": None}, "hardship_detail", "missing"),
    ({"email": None, "phone": None}, "email", "missing"),
    ({"problem_description": "x" * 20_001}, "problem_description", "too_long"),
    ({"full_name": "x" * 201}, "full_name", "too_long"),
    ({"filing_date": "2027-01"}, "filing_date", "future"),
    ({"date_of_birth": "2027-01-01"}, "date_of_birth", "future"),
    ({"filing_date": "last spring"}, "filing_date", "format"),
    ({"receipt_numbers": ["LIN1"]}, "receipt_numbers", "format"),
    ({"email": "wang at example"}, "email", "format"),
    ({"requester_role": "friend"}, "requester_role", "choice"),
    ({"outcome": "prepared"}, "outcome", "choice"),
]


@pytest.mark.parametrize(("changes", "field", "code"), CODES, ids=lambda value: str(value)[:50])
def test_a_wrong_field_says_what_kind_of_wrong(
    shared: httpx.Client, changes: dict[str, Any], field: str, code: str
) -> None:
    answer = send(shared, key="wrong", **changes)
    assert {item["field"]: item["code"] for item in answer.json()["fields"]} == {field: code}


def test_the_longest_description_is_taken(client: httpx.Client) -> None:
    assert send(client, problem_description="长" * 20_000).status_code == 201


BAD_REQUESTS = [
    (b"{", {"Content-Type": "application/json"}, 400),
    (b"\xff\xfe", {"Content-Type": "application/json"}, 400),
    (b"[" * 100_000, {"Content-Type": "application/json"}, 400),
    (b"[]", {"Content-Type": "application/json"}, 422),
    (b"null", {"Content-Type": "application/json"}, 422),
    (b"{}", {"Content-Type": "text/plain"}, 415),
    (b" " * 2_000_000, {"Content-Type": "application/json"}, 413),
]


@pytest.mark.parametrize(("content", "headers", "status"), BAD_REQUESTS, ids=lambda value: str(value)[:30])
def test_bad_bodies_get_an_error_as_json(
    shared: httpx.Client, content: bytes, headers: dict[str, str], status: int
) -> None:
    answer = shared.post("/v1/case-requests", content=content, headers={**headers, "Idempotency-Key": "bad"})
    assert answer.status_code == status
    assert set(answer.json()) >= {"error", "message"}


@pytest.mark.parametrize("key", [None, "", "x" * 201, "a b"])
def test_a_key_is_needed(shared: httpx.Client, key: str | None) -> None:
    headers = {} if key is None else {"Idempotency-Key": key}
    answer = shared.post("/v1/case-requests", json=body(), headers=headers)
    assert answer.status_code == 400
    assert answer.json()["error"] == "idempotency_key"


@pytest.mark.parametrize("authorization", [None, "", "Bearer", "Bearer wrong", f"Basic {TOKEN}", TOKEN])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/case-requests"),
        ("POST", "/v1/case-requests/lookup"),
        ("POST", "/v1/feedback"),
        ("GET", "/v1/case-requests/CA-2222-2222-2222"),
        ("GET", "/v1/case-requests/CA-2222-2222-2222/form.pdf"),
        ("DELETE", "/v1/case-requests/CA-2222-2222-2222"),
    ],
)
def test_only_services_may_ask(shared: httpx.Client, method: str, path: str, authorization: str | None) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    answer = httpx.request(method, str(shared.base_url.join(path)), headers=headers)
    assert answer.status_code == 401
    assert answer.json()["error"] == "unauthorized"


def test_health_and_description_are_open(shared: httpx.Client) -> None:
    base = str(shared.base_url)
    assert httpx.get(f"{base}/v1/health").json() == {"status": "ok"}
    description = httpx.get(f"{base}/v1/openapi.json").json()
    assert "/v1/case-requests" in description["paths"]
    properties = description["components"]["schemas"]["CaseRequestIn"]["properties"]
    assert set(body()) <= set(properties)


def test_unknown_paths_and_methods_are_json_too(shared: httpx.Client) -> None:
    assert shared.get("/v1/nothing").json()["error"] == "not_found"
    assert shared.put("/v1/case-requests").json()["error"] == "method_not_allowed"


def test_status_with_dated_history(client: httpx.Client) -> None:
    number = send(client).json()["tracking_number"]
    answer = client.get(f"/v1/case-requests/{number}").json()
    assert answer["status"] == "received"
    assert answer["history"] == [{"status": "received", "at": "2026-11-24T12:00:00Z"}]
    assert "王小明" not in json.dumps(answer, ensure_ascii=False)
    assert client.get(f"/v1/case-requests/{number.lower().replace('-', '')}").status_code == 200
    assert client.get("/v1/case-requests/CA-2222-2222-2222").status_code == 404


PROOFS: list[tuple[dict[str, str], bool]] = [
    ({"date_of_birth": "1980-02-29"}, True),
    ({"receipt_number": "LIN9999106498"}, True),
    ({"receipt_number": "lin 9999-106-498"}, True),
    ({"receipt_number": "ioe*123456789"}, True),
    ({"date_of_birth": "1980-02-28"}, False),
    ({"receipt_number": "LIN9999106499"}, False),
    ({"receipt_number": ""}, False),
    ({}, False),
]


@pytest.mark.parametrize(("proof", "right"), PROOFS)
def test_a_second_fact_opens_the_status(client: httpx.Client, proof: dict[str, str], right: bool) -> None:
    number = send(client).json()["tracking_number"]
    answer = client.post("/v1/case-requests/lookup", json={"tracking_number": number, "proof": proof})
    assert answer.status_code == (200 if right else 404)
    if right:
        assert answer.json()["status"] == "received"


def test_none_proves_nothing_for_a_company(client: httpx.Client) -> None:
    number = send(client, date_of_birth="none", receipt_numbers="none").json()["tracking_number"]
    for proof in ({"receipt_number": "none"}, {"receipt_number": "NONE"}):
        answer = client.post("/v1/case-requests/lookup", json={"tracking_number": number, "proof": proof})
        assert answer.status_code == 404
    no_date = {"tracking_number": number, "proof": {"date_of_birth": "none"}}
    answer = client.post("/v1/case-requests/lookup", json=no_date)
    assert answer.status_code == 422


def test_wrong_and_unknown_are_answered_alike_and_tries_end(client: httpx.Client, clock: Clock) -> None:
    number = send(client).json()["tracking_number"]
    unknown = "CA-2222-2222-2222"
    wrong = {"date_of_birth": "1999-09-09"}

    def ask(number: str, proof: dict[str, str]) -> tuple[int, str]:
        answer = client.post("/v1/case-requests/lookup", json={"tracking_number": number, "proof": proof})
        return answer.status_code, answer.text

    for _ in range(5):
        answered = ask(number, wrong)
        assert answered == ask(unknown, wrong)
        assert answered[0] == 404
    assert ask(number, {"date_of_birth": "1980-02-29"})[0] == 429
    assert ask(unknown, wrong)[0] == 429
    clock.forward(minutes=61)
    assert ask(number, {"date_of_birth": "1980-02-29"})[0] == 200


def test_erasure_leaves_a_receipt_and_nothing_else(client: httpx.Client, database: Database) -> None:
    number = send(client).json()["tracking_number"]
    answer = client.delete(f"/v1/case-requests/{number}")
    assert answer.status_code == 204
    receipt = answer.headers["Erasure-Receipt"]
    assert client.delete(f"/v1/case-requests/{number}").headers["Erasure-Receipt"] == receipt
    assert client.get(f"/v1/case-requests/{number}").status_code == 404
    assert client.get(f"/v1/case-requests/{number}/form.pdf").status_code == 404
    assert client.delete("/v1/case-requests/CA-2222-2222-2222").status_code == 404
    for table in ("case_requests", "history", "outbox"):
        assert database.rows(table) == []
    assert send(client).status_code == 410
    kept = database.raw()
    for secret in ("wang@example.com", "1980-02-29", "LIN9999106498", number):
        assert secret.encode() not in kept


def test_feedback(client: httpx.Client, database: Database) -> None:
    feedback = {"feedback_text": "網站請加中文。", "language": "zh-Hant"}
    answer = client.post("/v1/feedback", json=feedback, headers={"Idempotency-Key": "f-1"})
    again = client.post("/v1/feedback", json=feedback, headers={"Idempotency-Key": "f-1"})
    other = client.post("/v1/feedback", json={**feedback, "language": "en"}, headers={"Idempotency-Key": "f-1"})
    assert (answer.status_code, again.status_code, other.status_code) == (201, 200, 409)
    assert answer.json() == again.json()
    assert client.post("/v1/feedback", json=feedback).json()["id"] != answer.json()["id"]
    assert len(database.rows("feedback")) == 2
    wrong = client.post("/v1/feedback", json={"feedback_text": " ", "language": "fr"})
    assert {item["field"] for item in wrong.json()["fields"]} == {"feedback_text", "language"}


def test_a_key_serves_one_kind_of_thing(client: httpx.Client) -> None:
    send(client, key="both")
    feedback = {"feedback_text": "x", "language": "en"}
    assert client.post("/v1/feedback", json=feedback, headers={"Idempotency-Key": "both"}).status_code == 409


def test_data_outlives_a_restart(database: Database) -> None:
    url = database.url
    headers = {"Authorization": f"Bearer {TOKEN}"}
    with running(url, Clock()) as address, httpx.Client(base_url=address, headers=headers) as http:
        first = send(http).json()
    with running(url, Clock()) as address, httpx.Client(base_url=address, headers=headers) as http:
        assert send(http).json() == first
    if database.path is not None:
        assert database.path.stat().st_mode & 0o777 == 0o600


def test_a_broken_database_is_told_and_logs_nothing_personal(
    client: httpx.Client, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    database.execute("DROP TABLE history")
    answer = send(client)
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    assert answer.json()["error"] == "unavailable"
    assert "Error at " in caplog.text
    for secret in ("王小明", "wang@example.com", "LIN9999106498"):
        assert secret not in caplog.text
        assert secret not in answer.text


def pdf_text(content: bytes) -> str:
    return "".join(page.extract_text() for page in PdfReader(BytesIO(content)).pages)


def test_the_pdf_holds_the_answers(client: httpx.Client) -> None:
    number = send(client).json()["tracking_number"]
    answer = client.get(f"/v1/case-requests/{number}/form.pdf")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/pdf"
    assert answer.content.startswith(b"%PDF-")
    text = pdf_text(answer.content)
    for said in (number, "LIN9999106498", "IOE*123456789", "王小明", "绿卡", "*1*", "The applicant filed", "I-797"):
        assert said in text, said
    assert "How to send it" not in text


def test_the_paper_pdf_says_where_to_send_it(client: httpx.Client) -> None:
    number = send(
        client,
        outcome="prepared",
        delivery="mail",
        language="zh-Hant",
        problem_description="我等了三年，沒有回覆。",
        consent=None,
        signature_name=None,
        signed_at=None,
    ).json()["tracking_number"]
    text = pdf_text(client.get(f"/v1/case-requests/{number}/form.pdf").content)
    for said in ("Mail Stop 0180", "202-357-0042", "cisombudsman@hq.dhs.gov", "14 days", "Signature", "沒有回覆"):
        assert said in text, said


@pytest.mark.parametrize("text", ["🙂 مرحبا ✈", "a\x00b\x07c", "\ufeff\u200b\u202e零", "\\#{}[]()<>$*_`~@\"'"])
def test_any_text_can_be_printed(client: httpx.Client, text: str) -> None:
    number = send(client, problem_description=text, full_name=text).json()["tracking_number"]
    assert client.get(f"/v1/case-requests/{number}/form.pdf").content.startswith(b"%PDF-")
