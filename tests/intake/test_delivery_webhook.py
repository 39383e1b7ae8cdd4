"""Requests delivered by webhook to a real server: signed, once, never to another address."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from pydantic import SecretStr, ValidationError

from intake.app import create_app
from intake.delivery import DeliverySettings
from intake.roles import Role
from intake.store import Store
from tests.intake.conftest import CONTENT, DOCUMENT, TOKEN, Clock, Database, body, send, settings_for
from tests.intake.offices import WebOffice, certificate, web_office
from tests.intake.test_delivery_mail import GRACE, deliverer, history, last_error, number_of, paper, with_files
from tools.postgres import free_port

__all__ = ["with_files"]

SECRET = "s" * 32


@pytest.fixture
def office() -> Iterator[WebOffice]:
    with web_office() as server:
        yield server


def options(url: str, **changes: Any) -> dict[str, Any]:
    secret = SecretStr(SECRET)
    return {"channel": "webhook", "webhook_url": url, "webhook_key": secret, "grace_seconds": GRACE, **changes}


def test_a_request_arrives_signed_with_form_and_papers(
    client: httpx.Client, with_files: Store, clock: Clock, office: WebOffice
) -> None:
    sent = body(problem_description="broken \ud83d half")
    headers = {"Idempotency-Key": "k", "Content-Type": "application/json"}
    stored = client.post("/v1/case-requests", content=json.dumps(sent), headers=headers)
    number = stored.raise_for_status().json()["tracking_number"]
    paper(with_files, number)
    clock.forward(seconds=GRACE)
    assert deliverer(with_files, options(office.url), clock).step()
    ((path, headers, raw),) = office.calls
    assert path == "/requests"
    stamp, signature = headers["Intake-Signature"].split(",")
    moment = stamp.removeprefix("t=")
    assert int(moment) == int(clock().timestamp())
    expected = hmac.new(SECRET.encode(), moment.encode() + b"." + raw, hashlib.sha256).hexdigest()
    assert signature == f"v1={expected}"
    (told,) = office.bodies
    assert headers["Idempotency-Key"] == told["id"]
    assert (told["event"], told["tracking_number"]) == ("request_stored", number)
    assert told["request"] == sent
    form = base64.b64decode(told["form"]["content"])
    assert form.startswith(b"%PDF")
    assert told["form"]["sha256"] == hashlib.sha256(form).hexdigest()
    (document,) = told["documents"]
    assert (document["kind"], base64.b64decode(document["content"])) == ("receipt_notice", b"%PDF-1.7 paper")
    assert told["left_out"] == []
    assert history(client, number) == ["received", "delivered"]


@pytest.mark.parametrize("status", [500, 503, 408, 425, 429, 0])
def test_a_passing_failure_is_tried_again_under_the_same_key(
    client: httpx.Client, store: Store, clock: Clock, office: WebOffice, status: int
) -> None:
    office.answers = [(status, {"Retry-After": "600"})]
    worker = deliverer(store, options(office.url), clock)
    number = number_of(client)
    clock.forward(seconds=GRACE)
    assert worker.step()
    assert history(client, number) == ["received"]
    clock.forward(seconds=300)
    assert worker.step() == (status == 0), "Retry-After is kept to"
    clock.forward(seconds=300)
    worker.step()
    assert len({headers["Idempotency-Key"] for _, headers, _ in office.calls}) == 1
    assert len(office.calls) == 2
    assert history(client, number) == ["received", "delivered"]


def test_an_erasure_is_told_without_anything_of_the_request(
    client: httpx.Client, store: Store, clock: Clock, office: WebOffice
) -> None:
    worker = deliverer(store, options(office.url), clock)
    number = number_of(client)
    clock.forward(seconds=GRACE)
    assert worker.step()
    client.delete(f"/v1/case-requests/{number}").raise_for_status()
    clock.forward(seconds=GRACE)
    assert worker.step()
    assert not worker.step()
    told = office.bodies[-1]
    assert set(told) == {"id", "event", "at", "tracking_number"}
    assert (told["event"], told["tracking_number"]) == ("request_erased", number)


def test_what_came_back_later_goes_out_under_another_key(
    client: httpx.Client, store: Store, clock: Clock, office: WebOffice, staff: dict[Role, httpx.Client]
) -> None:
    worker = deliverer(store, options(office.url), clock)
    number = number_of(client)
    clock.forward(seconds=GRACE)
    assert worker.step()
    path = f"/v1/staff/requests/{number}/status"
    staff[Role.CASE_WORKER].post(path, json={"status": "bounced"}).raise_for_status()
    (stuck,) = store.outbox.stuck(5)
    staff[Role.SUPERVISOR].post(f"/v1/outbox/{stuck.id}/requeue").raise_for_status()
    assert worker.step()
    assert len({headers["Idempotency-Key"] for _, headers, _ in office.calls}) == 2
    assert len({told["id"] for told in office.bodies}) == 2
    assert history(client, number)[-1] == "delivered"


@pytest.mark.parametrize("status", [400, 404, 410, 413, 422])
def test_a_refusal_for_good_bounces(
    client: httpx.Client, store: Store, clock: Clock, office: WebOffice, database: Database, status: int
) -> None:
    office.answers = [(status, {})]
    worker = deliverer(store, options(office.url), clock)
    number = number_of(client)
    clock.forward(seconds=GRACE)
    worker.step()
    clock.forward(days=1)
    assert not worker.step()
    assert len(office.calls) == 1
    assert last_error(database) == f"http_{status}"
    assert history(client, number) == ["received", "bounced"]


@pytest.mark.parametrize("status", [301, 307, 308, 401])
def test_a_redirect_is_not_followed_and_a_wrong_key_is_no_bounce(
    client: httpx.Client,
    store: Store,
    clock: Clock,
    office: WebOffice,
    status: int,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with web_office() as elsewhere:
        office.answers = [(status, {"Location": elsewhere.url})]
        number = number_of(client)
        clock.forward(seconds=GRACE)
        assert not deliverer(store, options(office.url), clock).step()
    assert elsewhere.calls == []
    assert "ALARM" in caplog.text
    assert history(client, number) == ["received"]


def test_the_certificate_is_checked(
    client: httpx.Client, store: Store, clock: Clock, database: Database, tmp_path: Path
) -> None:
    made = certificate(tmp_path)
    number = number_of(client)
    clock.forward(seconds=GRACE)
    with web_office(made) as office:
        deliverer(store, options(office.url), clock).step()
        assert last_error(database) == "certificate"
        assert office.calls == []
        clock.forward(seconds=90)
        deliverer(store, options(office.url, ca_file=made.authority), clock).step()
    assert history(client, number) == ["received", "delivered"]


@pytest.mark.parametrize(
    "changes",
    [
        {"webhook_url": "http://agency.example/requests"},
        {"webhook_url": "https://user:secret@agency.example/requests"},
        {"webhook_url": ""},
        {"webhook_key": SecretStr("short")},
        {"channel": "email"},
        {"channel": "email", "smtp_host": "mail.example", "mail_from": "a@b.example\nBcc: c@d.example"},
    ],
)
def test_settings_that_cannot_be_right_are_refused_without_telling_secrets(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as refused:
        DeliverySettings(**options("https://agency.example/requests", **changes))
    assert SECRET not in str(refused.value)
    assert "short" not in str(refused.value)


def test_the_service_itself_delivers(database: Database, office: WebOffice) -> None:
    delivery = DeliverySettings(**options(office.url, grace_seconds=0))
    app = create_app(settings_for(database.url), content=CONTENT, document=DOCUMENT, delivery=delivery)
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    address = f"http://127.0.0.1:{port}"
    try:
        with httpx.Client(
            base_url=address,
            headers={"Authorization": f"Bearer {TOKEN}"},
            transport=httpx.HTTPTransport(retries=8),
            timeout=20,
        ) as http:
            number = send(http).json()["tracking_number"]
            pause = threading.Event()
            for _ in range(200):
                if history(http, number) != ["received"]:
                    break
                pause.wait(0.1)
            assert history(http, number) == ["received", "delivered"]
    finally:
        server.should_exit = True
        thread.join(20)
        app.state.close()
    assert [told["tracking_number"] for told in office.bodies] == [number]
