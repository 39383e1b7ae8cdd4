"""The description of the interface is complete and true: schemathesis and hostile bodies find no answer outside it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import jsonschema_rs
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.checks import not_a_server_error
from schemathesis.config import SchemathesisConfig
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from intake.roles import Role
from intake.routes.common import PROBLEMS
from intake.schema import EXAMPLE
from intake.store import Store
from tests.intake.conftest import (
    CONTENT,
    TESTS,
    TOKEN,
    Clock,
    body,
    empty_postgres_database,
    running,
    send,
    settings_for,
)

EXAMPLES = 12
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


class Backend:
    """A backend with something in it, and the tokens for everything."""

    def __init__(self, url: str, staff_token: str) -> None:
        self.url = url
        self.client = httpx.Client(base_url=url, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=30)
        self.numbers = [send(self.client, key=f"there-{n}").json()["tracking_number"] for n in range(3)]
        self.staff_token = staff_token

    def headers_for(self, path: str) -> dict[str, str]:
        """The token a path asks for."""
        is_staff = path.startswith(("/v1/staff", "/v1/outbox"))
        return {"Authorization": f"Bearer {self.staff_token if is_staff else TOKEN}"}


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def backend(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    if request.param == "sqlite":
        database = f"sqlite:///{tmp_path_factory.mktemp('contract') / 'intake.db'}"
    else:
        database = empty_postgres_database(request.getfixturevalue("postgres")).url
    with running(database, Clock()) as url:
        store = Store.open(settings_for(database), CONTENT)
        token = store.staff.add_member("sue", Role.SUPERVISOR, TESTS)
        store.close()
        yield Backend(url, token)


@pytest.fixture(scope="module")
def description(backend: Backend) -> Any:
    return schemathesis.openapi.from_url(f"{backend.url}/v1/openapi.json", config=SchemathesisConfig())


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
def test_every_answer_is_in_the_description(backend: Backend, description: Any, mode: GenerationMode) -> None:
    tried = set()
    for result in description.get_all_operations():
        operation = result.ok()
        answers_follow_the_description(operation, backend, mode)
        tried.add(operation.label)
    assert len(tried) >= 20


def answers_follow_the_description(operation: Any, backend: Backend, mode: GenerationMode) -> None:
    @seed(4)
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=(Phase.explicit, Phase.generate),
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def check(case: schemathesis.Case) -> None:
        if len(str(case.path_parameters.get("tracking_number", ""))) % 2:
            # Half of them about a request that is there.
            case.path_parameters["tracking_number"] = backend.numbers[0]
        answer = case.call_and_validate(headers=backend.headers_for(case.path), checks=CHECKS)
        if mode is GenerationMode.POSITIVE:
            assert answer.status_code != 422, (case.body, answer.text)

    try:
        check()
    except Unsatisfiable:
        # Nothing about it can be wrong: it takes neither parameters nor a body.
        assert mode is GenerationMode.NEGATIVE


HOSTILE: dict[str, bytes] = {
    "nothing": b"",
    "null": b"null",
    "number": b"1",
    "text": b'"x"',
    "list": b"[]",
    "deep lists": b"[" * 200_000,
    "deep objects": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "huge number": b'{"limit": ' + b"9" * 5000 + b"}",
    "large number": b'{"limit": ' + b"9" * 400 + b', "before": 1e400}',
    "not a number": b'{"limit": NaN, "before": -Infinity}',
    "nul": b'{"key": "a\\u0000b", "tracking_number": "\\u0000", "note": "\\u0000", "receipt_numbers": ["\\u0000"]}',
    "half a character": b'{"key": "\\ud800", "feedback_text": "\\udfff", "note": "\\ud800", "language": "\\ud800"}',
    "half a character as a name": b'{"\\ud800": 1}',
    "nul as a name": b'{"\\u0000": 1}',
    "long name": b'{"' + b"x" * 100_000 + b'": 1}',
    "many names": b"{" + b",".join(b'"f%d":1' % n for n in range(5000)) + b"}",
    "same name twice": b'{"key": 1, "key": "x"}',
    "bad utf-8": b'{"key": "\xff\xfe"}',
    "utf-16": '{"key": "x"}'.encode("utf-16"),
    "utf-8 with mark": b'\xef\xbb\xbf{"key": "x"}',
    "wrong kinds": json.dumps({name: {"$ne": None} for name in EXAMPLE} | {"proof": [], "key": []}).encode(),
    "lists everywhere": json.dumps({name: [[[]]] for name in [*EXAMPLE, "proof", "key", "note", "status"]}).encode(),
}
PATHS = [
    ("POST", "/v1/case-requests"),
    ("POST", "/v1/case-requests/similar"),
    ("POST", "/v1/case-requests/lookup"),
    ("POST", "/v1/case-requests/{number}/withdraw"),
    ("POST", "/v1/case-requests/{number}/erase"),
    ("POST", "/v1/feedback"),
    ("POST", "/v1/idempotency-keys/revoke"),
    ("POST", "/v1/staff/requests/search"),
    ("POST", "/v1/staff/requests/{number}/status"),
    ("POST", "/v1/staff/requests/{number}/notes"),
    ("PUT", "/v1/staff/requests/{number}/hold"),
]


@pytest.mark.parametrize(("method", "path"), PATHS)
def test_hostile_bodies_are_refused_in_good_order(backend: Backend, method: str, path: str) -> None:
    paths = httpx.get(f"{backend.url}/v1/openapi.json").json()["paths"]
    documented = set(paths[path.replace("{number}", "{tracking_number}")][method.lower()]["responses"])
    for name, content in HOSTILE.items():
        headers = {**backend.headers_for(path), "Content-Type": "application/json", "Idempotency-Key": "hostile"}
        url = path.format(number=backend.numbers[1])
        answer = backend.client.request(method, url, content=content, headers=headers)
        assert answer.status_code < 500, name
        assert str(answer.status_code) in documented, name
        if answer.status_code >= 400:
            assert set(answer.json()) >= {"error", "message"}, name
            assert len(answer.content) < 800_000, name


STRANGE = ["%00", "a%00b", "%ed%a0%80", "%ff%fe", "%E2%80%AE", "'", "x" * 2000, "-1", "9" * 30, "1e400", "NaN"]


@pytest.mark.parametrize("value", STRANGE, ids=range(len(STRANGE)))
def test_strange_parameters_are_refused_in_good_order(backend: Backend, value: str) -> None:
    paths = httpx.get(f"{backend.url}/v1/openapi.json").json()["paths"]
    tried = 0
    for path, operations in paths.items():
        for method, operation in operations.items():
            for place in operation.get("parameters", []):
                if place["in"] == "header":
                    continue
                filled = path.replace(f"{{{place['name']}}}", value).replace("{tracking_number}", backend.numbers[2])
                filled = filled.replace("{document_id}", "0" * 32)
                query = f"?{place['name']}={value}" if place["in"] == "query" else ""
                answer = backend.client.request(
                    method, filled + query, json={"note": "x"}, headers=backend.headers_for(path)
                )
                where = f"{method} {path} {place['name']}"
                assert answer.status_code < 500, where
                assert str(answer.status_code) in operation["responses"], where
                if place["in"] == "path":
                    assert answer.status_code in (400, 404, 415, 422), where
                tried += 1
    assert tried > 20


def test_every_route_names_its_refusals(backend: Backend) -> None:
    paths = httpx.get(f"{backend.url}/v1/openapi.json").json()["paths"]
    for path, operations in paths.items():
        for method, operation in operations.items():
            responses = operation["responses"]
            where = f"{method} {path}"
            assert "503" in responses, where
            assert operation["summary"], where
            if path != "/v1/health":
                assert "401" in responses, where
                assert operation["security"] == [{"staff" if "/staff" in path or "/outbox" in path else "service": []}]
            if "{tracking_number}" in path:
                assert "404" in responses, where
            if "requestBody" in operation and "application/json" in operation["requestBody"]["content"]:
                assert {"400", "413", "415", "422"} <= set(responses), where
                assert operation["requestBody"]["content"]["application/json"]["example"], where
            for status, response in responses.items():
                for content in response.get("content", {}).values():
                    assert "schema" in content, f"{where} {status}"


def described_by(spec: dict[str, Any], schema: dict[str, Any]) -> Any:
    return jsonschema_rs.validator_for({**schema, "components": spec["components"]})


def operations(spec: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in spec["paths"].items():
        for method, operation in methods.items():
            yield f"{method} {path}", operation


def test_everything_has_an_example_and_each_is_valid(backend: Backend) -> None:
    spec = httpx.get(f"{backend.url}/v1/openapi.json").json()
    named = set()
    for where, operation in operations(spec):
        for place in operation.get("parameters", []):
            assert described_by(spec, place["schema"]).is_valid(place["example"]), f"{where} {place['name']}"
            assert place["description"], f"{where} {place['name']}"
        for kind, content in operation.get("requestBody", {}).get("content", {}).items():
            assert described_by(spec, content["schema"]).is_valid(content["example"]), f"{where} {kind}"
        for status, response in operation["responses"].items():
            for kind, content in response.get("content", {}).items():
                if status >= "400":
                    codes = content["schema"]["allOf"][1]["properties"]["error"]["enum"]
                    assert set(content["examples"]) == set(codes), f"{where} {status}"
                    for code, example in content["examples"].items():
                        assert example["value"]["error"] == code
                        assert PROBLEMS[code][0] == int(status)
                        described_by(spec, content["schema"]).validate(example["value"])
                    named |= set(codes)
                elif kind == "application/json":
                    model = spec["components"]["schemas"][content["schema"]["$ref"].rpartition("/")[2]]
                    described_by(spec, content["schema"]).validate(model["example"])
                else:
                    assert content["example"], f"{where} {status}"
    assert named == set(PROBLEMS), "each code is given by some route"
    assert set(spec["components"]["schemas"]["Problem"]["properties"]["error"]["enum"]) == named


def test_the_limits_of_the_content_files_are_described(backend: Backend) -> None:
    spec = httpx.get(f"{backend.url}/v1/openapi.json").json()
    request = described_by(spec, spec["components"]["schemas"]["CaseRequestIn"])
    limits = CONTENT.settings
    receipts = [f"LIN{n:010}" for n in range(limits.receipt_numbers_max + 1)]
    most = {
        "problem_description": ("x" * limits.description_max_chars, "x" * (limits.description_max_chars + 1)),
        "phone": ("5" * limits.short_text_max_chars, "5" * (limits.short_text_max_chars + 1)),
        "full_name": ("x" * limits.name_max_chars, "x" * (limits.name_max_chars + 1)),
        "receipt_numbers": (receipts[:-1], receipts),
        "date_of_birth": ("1980-02-29", "1981-02-29"),
        "filing_date": ("2026-11", "2026-12"),
        "contact_center_date": ("2026-11-25", "2026-11-26"),
    }
    for n, (field, (good, bad)) in enumerate(most.items()):
        for value, there in ((good, True), (bad, False)):
            told = {**EXAMPLE, field: value}
            assert request.is_valid(told) == there, field
            key = {"Idempotency-Key": f"limit-{n}-{there}"}
            answer = backend.client.post("/v1/case-requests", json=told, headers=key)
            assert answer.status_code == (201 if there else 422), (field, answer.text)
    assert "x-" not in json.dumps(spec["components"]["schemas"])


@pytest.mark.parametrize(
    "born", ["19800229", "1980-W09-5", "1980-02-30", "１９８０-02-29", 320630400, "1980-02-29T00:00"]
)
def test_a_date_has_one_form(backend: Backend, born: object) -> None:
    number = backend.numbers[2]
    proof = {"proof": {"date_of_birth": born}}
    answer = backend.client.post(f"/v1/case-requests/{number}/withdraw", json=proof)
    assert (answer.status_code, answer.json()["fields"][0]["field"]) == (422, "proof")
    sent = send(backend.client, key="one-form", date_of_birth=born)
    assert [field["field"] for field in sent.json()["fields"]] == ["date_of_birth"]


def test_the_examples_are_true(backend: Backend) -> None:
    paths = httpx.get(f"{backend.url}/v1/openapi.json").json()["paths"]
    example = paths["/v1/case-requests"]["post"]["requestBody"]["content"]["application/json"]["example"]
    headers = {"Idempotency-Key": "example"}
    assert backend.client.post("/v1/case-requests", json=example, headers=headers).status_code == 201
    assert set(example) <= set(body()) | {"email"}


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "GET"])
def test_other_methods_are_refused_as_json(backend: Backend, method: str) -> None:
    answer = backend.client.request(method, "/v1/idempotency-keys/revoke")
    assert (answer.status_code, answer.json()["error"]) == (405, "method_not_allowed")
    assert answer.headers["Allow"] == "POST"


def test_a_refused_method_names_all_others(backend: Backend) -> None:
    answer = backend.client.put(f"/v1/case-requests/{backend.numbers[0]}")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "DELETE, GET")


def test_where_the_description_is(backend: Backend) -> None:
    assert httpx.get(f"{backend.url}/v1/openapi.json").json()["openapi"].startswith("3.")


ACROSS_FIELDS: dict[str, tuple[dict[str, Any], bool]] = {
    "as it is": ({}, True),
    "by phone": ({"email": None, "phone": "(555) 010-2233"}, True),
    "no way to answer": ({"email": None}, False),
    "hardship told": ({"grounds": ["hardship"], "hardship_detail": "I lose my job."}, True),
    "hardship untold": ({"grounds": ["hardship"]}, False),
    "the same twice": ({"grounds": ["delay", "delay"]}, False),
    "no receipt number": ({"receipt_numbers": []}, False),
    "never issued": ({"receipt_numbers": "none"}, True),
    "on paper": ({"delivery": "fax", "outcome": "prepared", "consent": None, "signature_name": None}, True),
    "on paper, sent": ({"delivery": "fax"}, False),
    "online, not sent": ({"outcome": "prepared"}, False),
    "online, no consent": ({"consent": False}, False),
    "online, not signed": ({"signature_name": None}, False),
    "something else": ({"colour": "blue"}, False),
}


@pytest.mark.parametrize("name", ACROSS_FIELDS)
def test_description_and_backend_agree_on_what_goes_together(backend: Backend, name: str) -> None:
    changes, good = ACROSS_FIELDS[name]
    request = {**EXAMPLE, **changes}
    spec = httpx.get(f"{backend.url}/v1/openapi.json").json()
    described = jsonschema_rs.validator_for(
        {**spec["components"]["schemas"]["CaseRequestIn"], "components": spec["components"]}
    )
    assert described.is_valid(request) == good
    answer = backend.client.post(
        "/v1/case-requests", json=request, headers={"Idempotency-Key": f"across {name}".replace(" ", "-")}
    )
    assert answer.status_code == (201 if good else 422), answer.text
