"""The staff: who may do what, what is recorded of it, and that the record can't be changed unnoticed."""

from __future__ import annotations

import httpx
import pytest
from sqlalchemy.exc import DBAPIError

from intake.roles import PERMISSIONS, Permission, Role
from intake.store import Store, audit
from intake.store.members import NameTaken
from intake.store.staff import STATUSES, TRANSITIONS
from tests.intake.conftest import TESTS, TOKEN, Clock, Database, send
from tests.papers import files

Clients = dict[Role, httpx.Client]
NOTE = "Rang Mrs Secret-Note; her number is 555"


def trail_of(database: Database) -> list[tuple[str, ...]]:
    return database.query("SELECT actor, role, action, before, after FROM audit ORDER BY id")


def change(client: httpx.Client, number: str, status: str, **more: str) -> httpx.Response:
    return client.post(f"/v1/staff/requests/{number}/status", json={"status": status, **more})


REQUESTS: list[tuple[str, str, dict[str, object] | None, Permission]] = [
    ("GET", "/v1/staff/requests", None, Permission.READ_REQUESTS),
    ("POST", "/v1/staff/requests/search", {}, Permission.READ_REQUESTS),
    ("GET", "/v1/staff/requests/{number}", None, Permission.READ_REQUESTS),
    ("GET", "/v1/staff/requests/{number}/documents", None, Permission.READ_REQUESTS),
    ("GET", "/v1/staff/requests/{number}/documents/0", None, Permission.READ_REQUESTS),
    ("POST", "/v1/staff/requests/{number}/notes", {"note": "x"}, Permission.CHANGE_REQUESTS),
    ("POST", "/v1/staff/requests/{number}/status", {"status": "in_review"}, Permission.CHANGE_REQUESTS),
    ("PUT", "/v1/staff/requests/{number}/hold", {"hold": False}, Permission.HOLD_REQUESTS),
    ("GET", "/v1/outbox/dead", None, Permission.READ_OUTBOX),
    ("POST", "/v1/outbox/1/requeue", None, Permission.CHANGE_OUTBOX),
    ("GET", "/v1/staff/audit", None, Permission.READ_AUDIT),
    ("GET", "/v1/staff/figures", None, Permission.READ_FIGURES),
]


def test_each_role_may_do_what_it_may_and_nothing_else(client: httpx.Client, staff: Clients) -> None:
    for role, http in staff.items():
        number = send(client, key=role).json()["tracking_number"]
        for method, path, content, permission in REQUESTS:
            answer = http.request(method, path.format(number=number), json=content)
            if permission in PERMISSIONS[role]:
                assert answer.status_code in (200, 404), (role, path)
            else:
                assert (answer.status_code, answer.json()["error"]) == (403, "forbidden"), (role, path)
                assert number not in answer.text
        me = http.get("/v1/staff/me").json()
        assert (me["role"], set(me["permissions"])) == (role, {one.value for one in PERMISSIONS[role]})


def test_every_route_of_the_staff_is_in_the_table(client: httpx.Client) -> None:
    paths = client.get("/v1/openapi.json").json()["paths"]
    described = {
        (method.upper(), path)
        for path, operations in paths.items()
        for method, operation in operations.items()
        if "staff" in operation["tags"]
    }
    named = {"{number}": "{tracking_number}", "documents/0": "documents/{document_id}", "outbox/1": "outbox/{entry_id}"}
    tried = {("GET", "/v1/staff/me")}
    for method, path, _, _ in REQUESTS:
        for short, name in named.items():
            path = path.replace(short, name)
        tried.add((method, path))
    assert described == tried


@pytest.mark.parametrize("number", ["its own", "CA-2222-2222-2222", "LIN9999106498"])
def test_every_access_is_one_line(client: httpx.Client, staff: Clients, database: Database, number: str) -> None:
    there = send(client).json()["tracking_number"]
    number = there if number == "its own" else number
    me = ("GET", "/v1/staff/me", None)
    # The same status again is refused as not allowed, and another expected one as stale.
    refused = ("POST", "/v1/staff/requests/{number}/status", {"status": "in_review"})
    stale = ("POST", "/v1/staff/requests/{number}/status", {"status": "closed", "expected": "received"})
    for role, http in staff.items():
        for method, path, content in [me, *((one[0], one[1], one[2]) for one in REQUESTS), refused, stale]:
            before = len(trail_of(database))
            answer = http.request(method, path.format(number=number), json=content)
            assert answer.status_code in (200, 403, 404, 409), (role, path)
            after = trail_of(database)
            assert len(after) == before + 1, (role, method, path, answer.status_code)
            assert after[-1][0] == f"{role}-1"
    for row in database.rows("audit"):
        assert number not in str(row)
    subjects = {subject for (subject,) in database.query("SELECT subject FROM audit WHERE subject IS NOT NULL")}
    # What is no tracking number may be personal: no hash of it is kept.
    assert len(subjects) == (0 if number.startswith("LIN") else 1)


def test_a_downloaded_paper_is_one_line(client: httpx.Client, staff: Clients, database: Database) -> None:
    number = send(client).json()["tracking_number"]
    answer = client.post(
        f"/v1/case-requests/{number}/documents",
        files={"file": ("notice.pdf", files.pdf())},
        data={"kind": "receipt_notice"},
        timeout=120,
    )
    path = f"/v1/staff/requests/{number}/documents/{answer.json()['document_id']}"
    before = len(trail_of(database))
    assert staff[Role.CASE_WORKER].get(path).status_code == 200
    assert [row[2] for row in trail_of(database)[before:]] == ["document_read"]


@pytest.mark.parametrize("authorization", [None, "", "Bearer", "Bearer wrong", f"Bearer {TOKEN}", "Basic x"])
def test_without_a_staff_token_nothing_is_open(
    client: httpx.Client, staff: Clients, database: Database, authorization: str | None
) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    before = len(trail_of(database))
    for method, path, content, _ in REQUESTS:
        url = str(client.base_url.join(path.format(number="CA-2222-2222-2222")))
        answer = httpx.request(method, url, json=content, headers=headers)
        assert (answer.status_code, answer.json()["error"]) == (401, "unauthorized"), path
    assert len(trail_of(database)) == before


def test_a_staff_token_is_no_service_token(staff: Clients) -> None:
    for http in staff.values():
        assert send(http).status_code == 401
        assert http.get("/v1/case-requests/CA-2222-2222-2222").status_code == 401


def test_tokens_are_stored_hashed_and_can_be_taken_back(address: str, store: Store, database: Database) -> None:
    token = store.staff.add_member("bo", Role.CASE_WORKER, TESTS)
    assert token.encode() not in database.raw()
    http = httpx.Client(base_url=address, headers={"Authorization": f"Bearer {token}"})
    assert http.get("/v1/staff/me").status_code == 200
    with pytest.raises(NameTaken):
        store.staff.add_member("bo", Role.SUPERVISOR, TESTS)
    assert store.staff.remove_member("bo", TESTS)
    assert not store.staff.remove_member("bo", TESTS)
    assert http.get("/v1/staff/me").status_code == 401
    again = store.staff.add_member("bo", Role.MANAGER, TESTS)
    assert again != token
    actions = [action for _, _, action, _, _ in trail_of(database)]
    assert actions == ["member_added", "identified", "member_removed", "member_added"]


def test_a_case_from_review_to_its_end(client: httpx.Client, staff: Clients, database: Database, clock: Clock) -> None:
    number = send(client).json()["tracking_number"]
    worker, supervisor = staff[Role.CASE_WORKER], staff[Role.SUPERVISOR]
    clock.forward(days=1)
    case = change(worker, number, "in_review", note=NOTE, expected="received").json()
    assert case["status"] == "in_review"
    assert case["notes"] == [{"author": "case_worker-1", "at": "2026-11-25T12:00:00Z", "text": NOTE}]
    assert case["answers"]["full_name"] == "王小明 Xiaoming Wang"
    stale = change(worker, number, "closed", expected="received")
    assert (stale.status_code, stale.json()["error"], stale.json()["current"]) == (409, "stale", "in_review")
    backwards = change(worker, number, "received")
    assert (backwards.status_code, backwards.json()["allowed"]) == (409, ["contacted_uscis", "closed"])
    assert change(worker, number, "contacted_uscis").status_code == 200
    assert change(worker, number, "closed").status_code == 200
    reopened = change(worker, number, "in_review")
    assert (reopened.status_code, reopened.json()["allowed"]) == (409, [])
    assert change(supervisor, number, "in_review").status_code == 200

    seen = client.get(f"/v1/case-requests/{number}")
    assert [entry["status"] for entry in seen.json()["history"]] == [
        *("received", "in_review", "contacted_uscis", "closed", "in_review"),
    ]
    for answer in (
        seen,
        client.post(
            "/v1/case-requests/lookup", json={"tracking_number": number, "proof": {"date_of_birth": "1980-02-29"}}
        ),
    ):
        assert "Secret-Note" not in answer.text
        assert "case_worker" not in answer.text
    changes = [row for row in trail_of(database) if row[2] == "status_set"]
    assert changes[0] == (
        "case_worker-1",
        "case_worker",
        "status_set",
        '{"status":"received"}',
        '{"status":"in_review"}',
    )
    assert len(changes) == 4
    for row in database.rows("audit"):
        for secret in ("Secret-Note", "王小明", number, "LIN9999106498"):
            assert secret not in str(row)


def test_every_transition(client: httpx.Client, staff: Clients, database: Database) -> None:
    assert set(STATUSES) == set(TRANSITIONS)
    number = send(client).json()["tracking_number"]
    for status, allowed in TRANSITIONS.items():
        for wanted in STATUSES:
            database.execute(f"UPDATE case_requests SET status = '{status}'")
            answer = change(staff[Role.SUPERVISOR], number, wanted)
            assert answer.status_code == (200 if wanted in allowed else 409), (status, wanted)


def test_requests_are_found_by_number_receipt_and_status(client: httpx.Client, staff: Clients) -> None:
    numbers = [
        send(client, key=str(n), receipt_numbers=[f"LIN000000000{n % 2}"]).json()["tracking_number"] for n in range(5)
    ]
    worker = staff[Role.CASE_WORKER]
    change(worker, numbers[0], "in_review")

    def found(**asked: object) -> list[str]:
        answer = worker.post("/v1/staff/requests/search", json=asked)
        assert answer.status_code == 200
        return [one["tracking_number"] for one in answer.json()["requests"]]

    assert found(receipt_number="lin 0000-000-001") == [numbers[3], numbers[1]]
    assert found(receipt_number="LIN0000000009") == []
    assert found(tracking_number=numbers[2].lower()) == [numbers[2]]
    assert found(tracking_number="nothing") == []
    assert found(receipt_number="LIN0000000000", status="in_review") == [numbers[0]]
    first = worker.get("/v1/staff/requests", params={"limit": 3}).json()
    second = worker.get("/v1/staff/requests", params={"limit": 3, "before": first["next"]}).json()
    assert [one["tracking_number"] for one in first["requests"] + second["requests"]] == numbers[::-1]
    assert second["next"] is None
    assert worker.get("/v1/staff/requests", params={"status": "closed"}).json()["requests"] == []
    for wrong in ({"limit": 0}, {"limit": 10**30}, {"status": "lost"}, {"before": "x"}):
        answer = worker.get("/v1/staff/requests", params=wrong)
        assert (answer.status_code, answer.json()["error"]) == (422, "invalid")
        assert [item["field"] for item in answer.json()["fields"]] == list(wrong)


def test_the_trail_can_be_read_also_of_an_erased_request(client: httpx.Client, staff: Clients) -> None:
    number = send(client).json()["tracking_number"]
    staff[Role.CASE_WORKER].get(f"/v1/staff/requests/{number}").raise_for_status()
    client.delete(f"/v1/case-requests/{number}").raise_for_status()
    answer = staff[Role.SUPERVISOR].get("/v1/staff/audit", params={"tracking_number": number}).json()
    assert [entry["action"] for entry in answer["entries"]] == ["read"]
    everything = staff[Role.SUPERVISOR].get("/v1/staff/audit", params={"limit": 2}).json()
    assert [entry["action"] for entry in everything["entries"]] == ["audit_read", "read"]
    rest = staff[Role.SUPERVISOR].get("/v1/staff/audit", params={"before": everything["next"]}).json()
    assert {entry["action"] for entry in rest["entries"]} == {"member_added"}


def test_figures_tell_how_many_and_never_who(client: httpx.Client, staff: Clients) -> None:
    numbers = [send(client, key=str(n)).json()["tracking_number"] for n in range(3)]
    change(staff[Role.CASE_WORKER], numbers[0], "in_review")
    answer = staff[Role.MANAGER].get("/v1/staff/figures")
    assert answer.json() == {
        "by_status": {"received": 2, "in_review": 1},
        "by_outcome": {"submitted": 3},
        "last_30_days": 3,
        "on_hold": 0,
        "outbox": {"waiting": 3},
    }


def test_the_trail_cannot_be_changed(client: httpx.Client, staff: Clients, database: Database) -> None:
    staff[Role.CASE_WORKER].get("/v1/staff/requests").raise_for_status()
    for statement in ("UPDATE audit SET actor = 'nobody'", "DELETE FROM audit"):
        with pytest.raises(DBAPIError, match="append-only"):
            database.execute(statement)


TAMPERING = [
    "UPDATE audit SET actor = 'nobody' WHERE id = 3",
    "UPDATE audit SET after = '{}' WHERE id = 3",
    "DELETE FROM audit WHERE id = 3",
    "UPDATE audit SET hash = previous || '' WHERE id = 1",
]


@pytest.mark.parametrize("statement", TAMPERING)
def test_a_changed_trail_is_found(
    client: httpx.Client, staff: Clients, store: Store, database: Database, statement: str
) -> None:
    for _ in range(3):
        staff[Role.CASE_WORKER].get("/v1/staff/requests").raise_for_status()
    good = audit.verify(store.transactions)
    assert (good.entries, good.broken_at) == (6, None)
    without_protection(database)
    database.execute(statement)
    assert audit.verify(store.transactions).broken_at in (1, 2, 3, 4)


def test_a_trail_that_was_cut_off_is_found_by_a_noted_hash(
    client: httpx.Client, staff: Clients, store: Store, database: Database
) -> None:
    staff[Role.CASE_WORKER].get("/v1/staff/requests").raise_for_status()
    noted = audit.verify(store.transactions).last_hash
    staff[Role.CASE_WORKER].get("/v1/staff/requests").raise_for_status()
    assert audit.verify(store.transactions, noted).has_noted
    without_protection(database)
    database.execute("DELETE FROM audit WHERE id >= 4")
    cut = audit.verify(store.transactions, noted)
    assert (cut.broken_at, cut.has_noted) == (None, False)


def without_protection(database: Database) -> None:
    if database.server:
        database.execute("DROP TRIGGER audit_no_change ON audit")
    else:
        database.execute("DROP TRIGGER audit_no_update")
        database.execute("DROP TRIGGER audit_no_delete")
