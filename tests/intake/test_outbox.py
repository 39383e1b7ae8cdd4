"""The outbox: claimed by one worker at a time, tried again, given up, and tried anew by the staff."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import httpx
import pytest

from intake.delivery.parcel import identifier
from intake.roles import Role
from intake.store import Store
from intake.store.outbox import Claimed, LostClaim
from tests.intake.conftest import CONTENT, PERIODS, Clock, Database, send, settings_for

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
    if not delivered:
        assert store.outbox.claim(5, LEASE) == [], "it must not arrive before the request"
        store.outbox.mark_delivered(one)
    (told,) = store.outbox.claim(5, LEASE)
    assert (told.event, told.tracking_number) == ("request_withdrawn", number)
    store.outbox.mark_delivered(told)
    assert history(client, number)[-1] == "withdrawn"


@pytest.mark.parametrize("end", ["failed", "bounced", "died"])
def test_a_withdrawal_waits_for_the_delivery_of_its_request_however_that_ends(
    client: httpx.Client, store: Store, database: Database, clock: Clock, end: str
) -> None:
    number = send(client).json()["tracking_number"]
    (one,) = store.outbox.claim(1, LEASE)
    withdraw(client, number)
    other = Store.open(settings_for(database.url), CONTENT, clock)
    assert other.outbox.claim(5, LEASE) == []
    if end == "failed":
        store.outbox.mark_failed(one, "dropped", clock() + timedelta(minutes=1))
    elif end == "bounced":
        store.outbox.mark_bounced(one, "550")
    else:
        clock.forward(seconds=LEASE.total_seconds())
    events = [told.event for told in other.outbox.claim(5, LEASE)]
    # Of a withdrawn request nothing is delivered any more: the worker puts it aside.
    assert events == (["request_stored", "request_withdrawn"] if end == "died" else ["request_withdrawn"])
    other.close()


def test_two_workers_keep_the_order_of_request_and_withdrawal(
    client: httpx.Client, database: Database, clock: Clock
) -> None:
    numbers = [send(client, key=str(n)).json()["tracking_number"] for n in range(12)]
    arrived: list[tuple[str, str]] = []
    together, stop = threading.Barrier(3), threading.Event()

    def work(_: int) -> None:
        store = Store.open(settings_for(database.url), CONTENT, clock)
        together.wait()
        while True:
            ending = stop.is_set()
            got = store.outbox.claim(1, LEASE)
            for one in got:
                # Long enough for a withdrawal to come in between.
                stop.wait(0.02)
                arrived.append((one.event, one.tracking_number))
                store.outbox.mark_delivered(one)
            if ending and not got:
                break
        store.close()

    with ThreadPoolExecutor(2) as pool:
        workers = [pool.submit(work, n) for n in range(2)]
        together.wait()
        for number in numbers:
            withdraw(client, number)
        stop.set()
        for worker in workers:
            worker.result()
    withdrawn = [number for event, number in arrived if event == "request_withdrawn"]
    assert sorted(withdrawn) == sorted(set(withdrawn))
    for number in withdrawn:
        assert arrived.index(("request_stored", number)) < arrived.index(("request_withdrawn", number))
    assert {number for event, number in arrived if event == "request_stored"} == set(withdrawn)


def test_the_office_hears_once_of_an_erasure_and_then_nothing_is_left(
    client: httpx.Client, store: Store, database: Database, clock: Clock
) -> None:
    number = send(client).json()["tracking_number"]
    (one,) = store.outbox.claim(1, LEASE)
    store.outbox.mark_delivered(one)
    proof = {"proof": {"date_of_birth": "1980-02-29"}}
    client.post(f"/v1/case-requests/{number}/erase", json=proof).raise_for_status()
    assert database.rows("case_requests") == []
    kept = database.raw()
    for secret in ("wang@example.com", "1980-02-29", "LIN9999106498"):
        assert secret.encode() not in kept
    (told,) = store.outbox.claim(5, LEASE)
    assert (told.event, told.tracking_number) == ("request_erased", number)
    store.outbox.mark_failed(told, "timeout", clock() + timedelta(minutes=1))
    clock.forward(minutes=1)
    (told,) = store.outbox.claim(5, LEASE)
    store.outbox.mark_delivered(told)
    assert database.rows("outbox") == []
    assert number.encode() not in database.raw()
    clock.forward(days=1)
    assert store.outbox.claim(5, LEASE) == []


def test_an_erasure_is_told_after_a_delivery_that_is_under_way(
    client: httpx.Client, store: Store, clock: Clock
) -> None:
    number = send(client).json()["tracking_number"]
    (one,) = store.outbox.claim(1, LEASE)
    client.delete(f"/v1/case-requests/{number}").raise_for_status()
    assert store.outbox.claim(5, LEASE) == []
    with pytest.raises(LostClaim):
        store.outbox.mark_delivered(one)
    clock.forward(seconds=LEASE.total_seconds())
    (told,) = store.outbox.claim(5, LEASE)
    assert (told.event, told.tracking_number) == ("request_erased", number)


def test_a_withdrawal_that_was_not_told_yet_is_told_as_an_erasure(client: httpx.Client, store: Store) -> None:
    number = send(client).json()["tracking_number"]
    (one,) = store.outbox.claim(1, LEASE)
    store.outbox.mark_delivered(one)
    withdraw(client, number)
    client.delete(f"/v1/case-requests/{number}").raise_for_status()
    assert [told.event for told in store.outbox.claim(5, LEASE)] == ["request_erased"]


def test_an_erasure_that_cannot_be_told_is_listed_for_the_staff(
    client: httpx.Client, store: Store, clock: Clock, staff: dict[Role, httpx.Client]
) -> None:
    number = send(client).json()["tracking_number"]
    (one,) = store.outbox.claim(1, LEASE)
    store.outbox.mark_delivered(one)
    client.delete(f"/v1/case-requests/{number}").raise_for_status()
    (told,) = store.outbox.claim(1, LEASE)
    store.outbox.mark_bounced(told, "550")
    (entry,) = staff[Role.SUPERVISOR].get("/v1/outbox/dead").json()["entries"]
    assert (entry["event"], entry["tracking_number"], entry["state"]) == ("request_erased", number, "bounced")
    staff[Role.SUPERVISOR].post(f"/v1/outbox/{entry['id']}/requeue").raise_for_status()
    (told,) = store.outbox.claim(1, LEASE)
    assert told.tracking_number == number


def test_what_the_office_cannot_have_is_not_told_when_erased(
    client: httpx.Client, store: Store, clock: Clock, database: Database
) -> None:
    waiting = send(client, key="waiting").json()["tracking_number"]
    client.delete(f"/v1/case-requests/{waiting}").raise_for_status()
    paper = {"outcome": "prepared", "delivery": "mail", "consent": None, "signature_name": None, "signed_at": None}
    on_paper = send(client, key="paper", **paper).json()["tracking_number"]
    store.outbox.claim(1, LEASE)
    client.delete(f"/v1/case-requests/{on_paper}").raise_for_status()
    send(client, key="kept")
    (one,) = store.outbox.claim(1, LEASE)
    store.outbox.mark_delivered(one)
    clock.forward(days=PERIODS.requests["submitted"]["other"])
    assert store.retention.purge().requests == 1
    assert database.rows("outbox") == []


def name_of(store: Store) -> str:
    (one,) = store.outbox.claim(1, LEASE)
    store.outbox.mark_delivered(one)
    return identifier(one)


def test_what_came_back_goes_out_under_another_name(
    client: httpx.Client, store: Store, staff: dict[Role, httpx.Client]
) -> None:
    number = send(client).json()["tracking_number"]
    names = [name_of(store)]
    for _ in range(2):
        path = f"/v1/staff/requests/{number}/status"
        staff[Role.CASE_WORKER].post(path, json={"status": "bounced"}).raise_for_status()
        (entry,) = staff[Role.SUPERVISOR].get("/v1/outbox/dead").json()["entries"]
        staff[Role.SUPERVISOR].post(f"/v1/outbox/{entry['id']}/requeue").raise_for_status()
        names.append(name_of(store))
    assert len(set(names)) == 3


def test_what_may_have_arrived_keeps_its_name(
    client: httpx.Client, store: Store, staff: dict[Role, httpx.Client]
) -> None:
    send(client)
    (one,) = store.outbox.claim(1, LEASE)
    store.outbox.mark_failed(one, "dropped", None)
    (entry,) = staff[Role.SUPERVISOR].get("/v1/outbox/dead").json()["entries"]
    staff[Role.SUPERVISOR].post(f"/v1/outbox/{entry['id']}/requeue").raise_for_status()
    assert name_of(store) == identifier(one)


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
