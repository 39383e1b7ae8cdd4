"""The outbox: claimed by one worker at a time, tried again, given up, and tried anew by the staff."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import httpx
import pytest

from intake.roles import Role
from intake.store import Store
from intake.store.outbox import Claimed, LostClaim
from tests.intake.conftest import CONTENT, Clock, Database, send, settings_for

LEASE = timedelta(minutes=5)


def history(client: httpx.Client, number: str) -> list[str]:
    return [entry["status"] for entry in client.get(f"/v1/case-requests/{number}").json()["history"]]


def test_a_claim_keeps_others_away_until_it_runs_out(client: httpx.Client, store: Store, clock: Clock) -> None:
    numbers = [send(client, key=str(n)).json()["tracking_number"] for n in range(3)]
    first = store.outbox.claim(2, LEASE)
    assert [one.tracking_number for one in first] == numbers[:2]
    assert [(one.event, one.tries) for one in first] == [("request_stored", 1)] * 2
    assert [one.tracking_number for one in store.outbox.claim(5, LEASE)] == numbers[2:]
    assert store.outbox.claim(5, LEASE) == []
    clock.forward(minutes=5)
    again = store.outbox.claim(5, LEASE)
    assert [one.tracking_number for one in again] == numbers
    assert {one.tries for one in again} == {2}
    for late in first:
        with pytest.raises(LostClaim):
            store.outbox.mark_delivered(late)
    for one in again:
        store.outbox.mark_delivered(one)
    assert store.outbox.claim(5, LEASE) == []
    assert history(client, numbers[0]) == ["received", "delivered"]


def test_two_workers_never_get_the_same(client: httpx.Client, database: Database, clock: Clock) -> None:
    total, workers = 30, 4
    for number in range(total):
        send(client, key=str(number))
    together = threading.Barrier(workers)

    def work(_: int) -> list[Claimed]:
        store = Store.open(settings_for(database.url), CONTENT, clock)
        mine: list[Claimed] = []
        together.wait()
        empty = 0
        while empty < 3:
            got = store.outbox.claim(3, LEASE)
            empty = 0 if got else empty + 1
            for one in got:
                store.outbox.mark_delivered(one)
            mine += got
        store.close()
        return mine

    with ThreadPoolExecutor(workers) as pool:
        claimed = [one.id for mine in pool.map(work, range(workers)) for one in mine]
    assert sorted(claimed) == sorted(set(claimed))
    assert len(claimed) == total
    assert database.query("SELECT state, count(*) FROM outbox GROUP BY state") == [("delivered", total)]
    assert len(database.query("SELECT 1 FROM history WHERE status = 'delivered'")) == total


def test_failures_are_tried_again_and_then_given_up(
    client: httpx.Client, store: Store, clock: Clock, staff: dict[Role, httpx.Client]
) -> None:
    number = send(client).json()["tracking_number"]
    (one,) = store.outbox.claim(1, LEASE)
    store.outbox.mark_failed(one, "timeout", clock() + timedelta(minutes=10))
    assert store.outbox.claim(1, LEASE) == []
    clock.forward(minutes=10)
    (one,) = store.outbox.claim(1, LEASE)
    assert one.tries == 2
    store.outbox.mark_failed(one, "connection_refused" * 10, None)
    clock.forward(days=1)
    assert store.outbox.claim(1, LEASE) == []
    dead = staff[Role.CASE_WORKER].get("/v1/outbox/dead").json()["entries"]
    assert [(entry["tracking_number"], entry["state"], entry["tries"]) for entry in dead] == [(number, "dead", 2)]
    assert dead[0]["last_error"].startswith("connection_refused")

    path = f"/v1/outbox/{dead[0]['id']}/requeue"
    assert staff[Role.CASE_WORKER].post(path).status_code == 403
    assert staff[Role.SUPERVISOR].post(path).json() == {"id": dead[0]["id"], "state": "waiting"}
    assert staff[Role.SUPERVISOR].post(path).status_code == 404
    assert staff[Role.SUPERVISOR].post("/v1/outbox/999999/requeue").status_code == 404
    assert staff[Role.SUPERVISOR].get("/v1/outbox/dead").json()["entries"] == []
    (one,) = store.outbox.claim(1, LEASE)
    assert one.tries == 1
    assert history(client, number) == ["received"]


def test_what_bounces_is_shown_and_can_be_sent_again(
    client: httpx.Client, store: Store, staff: dict[Role, httpx.Client]
) -> None:
    number = send(client).json()["tracking_number"]
    (one,) = store.outbox.claim(1, LEASE)
    store.outbox.mark_bounced(one, "550")
    assert history(client, number) == ["received", "bounced"]
    (entry,) = staff[Role.SUPERVISOR].get("/v1/outbox/dead").json()["entries"]
    assert (entry["state"], entry["last_error"]) == ("bounced", "550")
    staff[Role.SUPERVISOR].post(f"/v1/outbox/{entry['id']}/requeue").raise_for_status()
    (one,) = store.outbox.claim(1, LEASE)
    store.outbox.mark_delivered(one)
    assert history(client, number) == ["received", "bounced", "received", "delivered"]


def test_a_late_delivery_does_not_undo_what_the_staff_did(
    client: httpx.Client, store: Store, staff: dict[Role, httpx.Client]
) -> None:
    number = send(client).json()["tracking_number"]
    (one,) = store.outbox.claim(1, LEASE)
    path = f"/v1/staff/requests/{number}/status"
    staff[Role.CASE_WORKER].post(path, json={"status": "in_review"}).raise_for_status()
    store.outbox.mark_delivered(one)
    assert history(client, number) == ["received", "in_review"]


def withdraw(client: httpx.Client, number: str) -> None:
    proof = {"proof": {"date_of_birth": "1980-02-29"}}
    client.post(f"/v1/case-requests/{number}/withdraw", json=proof).raise_for_status()


@pytest.mark.parametrize("delivered", [True, False])
def test_the_office_hears_of_a_withdrawal_once_it_may_know_of_the_request(
    client: httpx.Client, store: Store, delivered: bool
) -> None:
    number = send(client).json()["tracking_number"]
    (one,) = store.outbox.claim(1, LEASE)
    if delivered:
        store.outbox.mark_delivered(one)
    withdraw(client, number)
    (told,) = store.outbox.claim(5, LEASE)
    assert (told.event, told.tracking_number) == ("request_withdrawn", number)
    if not delivered:
        store.outbox.mark_delivered(one)
    store.outbox.mark_delivered(told)
    assert history(client, number)[-1] == "withdrawn"


def test_what_nobody_was_told_of_is_not_told_after_a_withdrawal(
    client: httpx.Client, store: Store, database: Database
) -> None:
    withdraw(client, send(client).json()["tracking_number"])
    assert store.outbox.claim(5, LEASE) == []
    assert database.query("SELECT event, state FROM outbox") == [("request_stored", "cancelled")]


def test_what_needs_no_delivery_is_put_aside(client: httpx.Client, store: Store) -> None:
    send(client, outcome="prepared", delivery="mail", consent=None, signature_name=None, signed_at=None)
    (one,) = store.outbox.claim(1, LEASE)
    store.outbox.mark_not_needed(one)
    assert store.outbox.claim(1, LEASE) == []
    assert store.outbox.stuck(10) == []


def test_entries_of_an_erased_request_are_gone(client: httpx.Client, store: Store) -> None:
    number = send(client).json()["tracking_number"]
    (one,) = store.outbox.claim(1, LEASE)
    client.delete(f"/v1/case-requests/{number}").raise_for_status()
    with pytest.raises(LostClaim):
        store.outbox.mark_delivered(one)
    assert store.outbox.claim(1, LEASE) == []
