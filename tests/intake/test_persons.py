"""What people with a proof can do: withdraw and erase; wrong and unknown are answered alike, and tries end."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable
from urllib.parse import quote

import httpx
import pytest

from intake.roles import Role
from intake.store import Store
from tests.intake.conftest import TOKEN, Clock, Database, send

RIGHT = {"date_of_birth": "1980-02-29"}
WRONG = {"date_of_birth": "1980-02-28"}
UNKNOWN = "CA-2222-2222-2222"


def ask(client: httpx.Client, number: str, what: str, proof: dict[str, str]) -> httpx.Response:
    return client.post(f"/v1/case-requests/{number}/{what}", json={"proof": proof})


def test_a_person_withdraws(client: httpx.Client, database: Database, clock: Clock) -> None:
    number = send(client).json()["tracking_number"]
    clock.forward(hours=1)
    answer = ask(client, number, "withdraw", {"receipt_number": "lin 9999 106 498"})
    assert answer.status_code == 200
    assert answer.json()["status"] == "withdrawn"
    assert [entry["status"] for entry in answer.json()["history"]] == ["received", "withdrawn"]
    clock.forward(hours=1)
    assert ask(client, number, "withdraw", RIGHT).json() == answer.json()
    assert database.query("SELECT event, state FROM outbox") == [("request_stored", "cancelled")]


def test_a_closed_request_cannot_be_withdrawn(client: httpx.Client, staff: dict[Role, httpx.Client]) -> None:
    number = send(client).json()["tracking_number"]
    staff[Role.CASE_WORKER].post(f"/v1/staff/requests/{number}/status", json={"status": "closed"}).raise_for_status()
    answer = ask(client, number, "withdraw", RIGHT)
    assert (answer.status_code, answer.json()["error"]) == (409, "closed")


def test_a_person_erases(client: httpx.Client, database: Database) -> None:
    number = send(client).json()["tracking_number"]
    answer = ask(client, number, "erase", RIGHT)
    assert answer.status_code == 200
    receipt = answer.headers["Erasure-Receipt"]
    assert answer.json() == {"receipt": receipt, "erased_at": "2026-11-24T12:00:00Z", "reason": "person"}
    assert client.get(f"/v1/erasures/{receipt}").json() == answer.json()
    assert client.get("/v1/erasures/none").status_code == 404
    assert client.delete(f"/v1/case-requests/{number}").headers["Erasure-Receipt"] == receipt
    for table in ("case_requests", "history", "outbox", "fingerprints"):
        assert database.rows(table) == []
    assert send(client).status_code == 410


def test_who_did_not_hear_of_the_erasure_gets_the_same_receipt(
    client: httpx.Client, address: str, database: Database, clock: Clock, store: Store
) -> None:
    number = send(client, receipt_numbers=["LIN9999106498"]).json()["tracking_number"]
    other = send(client, key="other", receipt_numbers=["LIN9999106498"]).json()["tracking_number"]
    path = f"/v1/case-requests/{number}"
    hang_up_unheard(address, f"{path}/erase", lambda: client.get(path).status_code == 404)

    again = ask(client, number, "erase", RIGHT)
    ((receipt,),) = database.query("SELECT receipt FROM erasure_receipts")
    assert (again.status_code, again.json()["receipt"]) == (200, receipt)
    assert again.headers["Erasure-Receipt"] == receipt
    assert ask(client, number, "erase", {"receipt_number": "LIN 9999 106 498"}).json() == again.json()
    lookup = {"tracking_number": number, "proof": RIGHT}
    for answer in (client.post("/v1/case-requests/lookup", json=lookup), ask(client, number, "withdraw", RIGHT)):
        assert (answer.status_code, answer.json()["error"]) == (410, "erased")
        assert answer.json()["receipt"] == receipt
    assert database.rows("failed_lookups") == []
    # A wrong fact is answered as ever, and what is kept shows no other request with the same fact.
    assert ask(client, number, "erase", WRONG).text == ask(client, UNKNOWN, "erase", RIGHT).text
    assert database.query("SELECT 1 FROM erasure_proofs AS p JOIN fingerprints AS f USING (fingerprint)") == []
    assert client.get(f"/v1/case-requests/{other}").status_code == 200

    clock.forward(days=1)
    assert ask(client, number, "erase", RIGHT).status_code == 404
    store.retention.purge()
    assert database.rows("erasure_proofs") == []
    assert client.get(f"/v1/erasures/{receipt}").status_code == 200


def test_only_who_erased_it_is_told_so(client: httpx.Client, database: Database) -> None:
    number = send(client).json()["tracking_number"]
    client.delete(f"/v1/case-requests/{number}").raise_for_status()
    assert ask(client, number, "erase", RIGHT).status_code == 404
    assert database.rows("erasure_proofs") == []


def test_a_withdrawal_that_nobody_heard_of_is_answered_the_same(client: httpx.Client, address: str) -> None:
    number = send(client).json()["tracking_number"]
    path = f"/v1/case-requests/{number}"
    hang_up_unheard(address, f"{path}/withdraw", lambda: client.get(path).json()["status"] == "withdrawn")
    answer = ask(client, number, "withdraw", RIGHT)
    assert answer.status_code == 200
    assert [entry["status"] for entry in answer.json()["history"]] == ["received", "withdrawn"]


def hang_up_unheard(address: str, path: str, done: Callable[[], bool]) -> None:
    """Post a proof, and hang up when it is done, without reading the answer."""
    url, content = httpx.URL(address), json.dumps({"proof": RIGHT}).encode()
    heads = {
        "Host": url.netloc.decode(),
        "Authorization": f"Bearer {TOKEN}",
        "Content-Type": "application/json",
        "Content-Length": str(len(content)),
    }
    lines = [f"POST {path} HTTP/1.1", *(f"{name}: {value}" for name, value in heads.items()), "", ""]
    with socket.create_connection((url.host, url.port or 80)) as line:
        line.sendall("\r\n".join(lines).encode() + content)
        deadline = time.monotonic() + 20
        while not done():
            assert time.monotonic() < deadline
            time.sleep(0.02)


def test_a_legal_hold_keeps_a_request(client: httpx.Client, staff: dict[Role, httpx.Client]) -> None:
    number = send(client).json()["tracking_number"]
    path = f"/v1/staff/requests/{number}/hold"
    staff[Role.SUPERVISOR].put(path, json={"hold": True}).raise_for_status()
    for answer in (ask(client, number, "erase", RIGHT), client.delete(f"/v1/case-requests/{number}")):
        assert (answer.status_code, answer.json()["error"]) == (409, "held")
    assert client.get(f"/v1/case-requests/{number}").status_code == 200
    staff[Role.SUPERVISOR].put(path, json={"hold": False}).raise_for_status()
    assert ask(client, number, "erase", RIGHT).status_code == 200


@pytest.mark.parametrize("what", ["withdraw", "erase"])
def test_wrong_and_unknown_are_answered_alike_and_tries_end(client: httpx.Client, clock: Clock, what: str) -> None:
    number = send(client).json()["tracking_number"]
    for _ in range(5):
        wrong, unknown = ask(client, number, what, WRONG), ask(client, UNKNOWN, what, RIGHT)
        assert (wrong.status_code, wrong.text) == (404, unknown.text)
        assert unknown.status_code == 404
    assert ask(client, number, what, RIGHT).status_code == 429
    assert ask(client, UNKNOWN, what, RIGHT).status_code == 429
    # The tries are counted together, whatever is tried.
    lookup = {"tracking_number": number, "proof": RIGHT}
    answer = client.post("/v1/case-requests/lookup", json=lookup)
    assert answer.status_code == 429
    assert 0 < int(answer.headers["Retry-After"]) <= 3600
    clock.forward(minutes=61)
    assert ask(client, number, what, RIGHT).status_code == 200


@pytest.mark.parametrize("number", ["\x00", "CA-2222-2222-222\x00", "%ff%fe", "'; DROP TABLE x; --", "长" * 40])
def test_strange_numbers_are_unknown(client: httpx.Client, number: str) -> None:
    in_address = quote(number, safe="%")
    assert client.get(f"/v1/case-requests/{in_address}").status_code == 404
    assert client.delete(f"/v1/case-requests/{in_address}").status_code == 404
    assert ask(client, in_address, "erase", RIGHT).status_code == 404
    lookup = {"tracking_number": number, "proof": RIGHT}
    assert client.post("/v1/case-requests/lookup", json=lookup).status_code == 404
