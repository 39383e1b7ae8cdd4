"""Every way in which a backend fails: nothing lost, nothing doubled, no receipt that is not true."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Any

import pytest

from actions.intake_client import Circuit, IntakeLocked, IntakeUnavailable
from actions.settings import Settings
from tests.actions.conftest import Conversation, client_of
from tests.actions.faulty_backend import Backend, BackendServer

# Faults after which another try in the same turn helps.
PASSING = ["500", "503", "html_502", "drop_before", "drop_after", "500_after", "no_number", "bad_json", "html_200",
           "wrong_number", "429 0"]
# The whole turn fails; whether the request is stored all the same.
LASTING = [("404", False), ("401", False), ("403", False), ("400", False), ("500", False), ("html_502", False),
           ("html_200", False), ("no_number", False), ("wrong_number", False), ("bad_json", False),
           ("drop_before", False), ("stall", False), ("429 60", False), ("422", False), ("301", False),
           ("drop_after", True), ("500_after", True), ("stall_after", True)]


def the_one(backend: BackendServer) -> dict[str, Any]:
    (item,) = backend.backend.live
    return dict(item)


async def test_sent(backend: BackendServer, talk: Conversation) -> None:
    await talk.send()
    assert talk.number == the_one(backend)["answer"]["tracking_number"]
    assert talk.keys == ["utter_outcome_submitted"]
    assert talk.pending is None
    await talk.send()
    assert len(backend.backend.stored) == 1


@pytest.mark.parametrize("fault", PASSING)
async def test_a_fault_that_passes_is_not_noticed(backend: BackendServer, talk: Conversation, fault: str) -> None:
    backend.backend.faults = [fault]
    await talk.send()
    assert talk.number == the_one(backend)["answer"]["tracking_number"]
    assert talk.keys == ["utter_outcome_submitted"]


@pytest.mark.parametrize(("fault", "stored"), LASTING)
async def test_a_fault_that_lasts(backend: BackendServer, talk: Conversation, fault: str, stored: bool) -> None:
    backend.backend.faults = [fault] * 5
    started = time.monotonic()
    await talk.send()
    assert time.monotonic() - started < 5
    assert talk.number is None
    assert talk.keys == ["utter_not_sent_yet"]
    assert talk.memory.at.asking == "review"
    assert talk.pending == "request"
    assert len(backend.backend.stored) == stored
    backend.backend.faults = []
    await talk.retry()
    assert talk.number == the_one(backend)["answer"]["tracking_number"]
    assert talk.keys == ["utter_sent_meanwhile", "utter_outcome_submitted"]
    assert talk.pending is None
    await talk.retry()
    assert talk.replies == []
    assert len(backend.backend.stored) == 1


@pytest.mark.parametrize("wrong", ["409", "410"])
@pytest.mark.parametrize("before", ["drop_after", "500_after", "no_number", "drop_before"])
async def test_a_wrong_answer_about_the_key(
    backend: BackendServer, talk: Conversation, before: str, wrong: str
) -> None:
    """Something in between says that the key is used up, while the request of an earlier try lives under it."""
    backend.backend.faults = [before, wrong]
    await talk.send()
    assert talk.number == the_one(backend)["answer"]["tracking_number"]
    other = Conversation(client_of(backend), "another")
    backend.backend.faults = [before, before, before, wrong]
    await other.send()
    assert other.number is None
    await other.retry()
    assert {talk.number, other.number} == {item["answer"]["tracking_number"] for item in backend.backend.live}
    assert len(backend.backend.live) == 2


async def test_refused(backend: BackendServer, talk: Conversation) -> None:
    backend.stop()
    await talk.send()
    assert talk.keys == ["utter_not_sent_yet"]
    assert talk.memory.at.open_try is None, "certainly nothing was sent"
    await talk.retry()
    assert talk.replies == []
    assert talk.pending == "request"
    backend.start()
    await talk.retry()
    assert talk.number == the_one(backend)["answer"]["tracking_number"]


async def test_staff_hears_of_a_wrong_token(
    backend: BackendServer, talk: Conversation, caplog: pytest.LogCaptureFixture
) -> None:
    backend.backend.wanted_headers = {"Authorization": "Bearer another"}
    with caplog.at_level(logging.ERROR):
        await talk.send()
    assert "ALARM" in caplog.text
    assert "secret-token" not in caplog.text
    assert talk.keys == ["utter_not_sent_yet"]


async def test_a_stall_is_waited_for_once(backend: BackendServer, talk: Conversation) -> None:
    backend.backend.faults = ["stall"] * 5
    await talk.send()
    assert len(backend.backend.seen) == 1


async def test_the_circuit(backend: BackendServer) -> None:
    client = client_of(backend, circuit_failures=3, circuit_seconds=0.5)
    backend.backend.faults = ["500"] * 3
    first, second = Conversation(client, "first"), Conversation(client, "second")
    await first.send()
    assert len(backend.backend.seen) == 3
    await second.send()
    assert len(backend.backend.seen) == 3, "nothing was tried"
    assert second.keys == ["utter_not_sent_yet"]
    assert second.pending == "request"
    assert second.memory.at.open_try is None
    await asyncio.sleep(0.6)
    await second.retry()
    await first.retry()
    assert {first.number, second.number} == {item["answer"]["tracking_number"] for item in backend.backend.live}
    assert len(backend.backend.live) == 2


def test_one_try_at_a_time_while_the_circuit_is_half_open() -> None:
    now = [0.0]
    circuit = Circuit(2, 10, lambda: now[0])
    for _ in range(2):
        circuit.enter()
        circuit.failed()
    with pytest.raises(IntakeUnavailable) as problem:
        circuit.enter()
    assert problem.value.uncertain is False
    now[0] = 10.0
    circuit.enter()
    with pytest.raises(IntakeUnavailable):
        circuit.enter()
    circuit.succeeded()
    circuit.enter()
    circuit.enter()


async def test_one_person_s_wrong_proofs_open_no_circuit(backend: BackendServer) -> None:
    client = client_of(backend, circuit_failures=1)
    backend.backend.filed_status = 429
    for _ in range(3):
        with pytest.raises(IntakeLocked):
            await client.look_up("CA-2345-6789-ABCD", {"date_of_birth": "1985-03-27"})
    await client.file({}, "k", client.budget())


@pytest.mark.parametrize("slot", ["email", "problem_description", "date_of_birth", "a_number", "full_name"])
async def test_a_refused_answer_is_asked_again(backend: BackendServer, talk: Conversation, slot: str) -> None:
    backend.backend.faults = [f"422 {slot}"]
    value = talk.memory.answers[slot]
    await talk.send()
    assert backend.backend.stored == {}
    assert talk.keys[0] == "utter_send_rejected"
    told = talk.replies[0].values_in("en")["labels"]
    assert "too long" in told, "why"
    assert value[:4] in told, "the value is not lost to the person"
    assert talk.memory.at.asking == slot
    assert slot not in talk.memory.answers
    assert talk.pending is None
    await talk.retry()
    assert backend.backend.stored == {}, "nothing is sent without the new answer and a new review"


async def test_several_refused_answers(backend: BackendServer, talk: Conversation) -> None:
    backend.backend.faults = ["422 email phone_e164 mailing_address"]
    await talk.send()
    assert talk.replies[0].values_in("en")["labels"].count("•") == 3
    assert "email" not in talk.memory.answers
    assert "mailing_address" not in talk.memory.answers


async def test_refused_again_leads_to_a_person(backend: BackendServer, talk: Conversation) -> None:
    for _ in range(2):
        backend.backend.faults = ["422 mailing_address"]
        await talk.send()
        assert talk.memory.at.asking == "mailing_address"
        talk.slots = {**talk.slots, "mailing_address": "12 Pine Street",
                      "dialogue": {**talk.slots["dialogue"], "asking": "review"}}
    assert "utter_offer_human" in talk.keys


async def test_fields_nobody_can_be_asked_for(
    backend: BackendServer, talk: Conversation, caplog: pytest.LogCaptureFixture
) -> None:
    backend.backend.faults = ["422 english_statement"]
    await talk.send()
    assert talk.keys == ["utter_not_sent_yet"]
    assert talk.pending == "request"
    assert "ALARM" in caplog.text


@pytest.mark.parametrize("fault", ["drop_after", "500_after", "stall_after", "drop_before", "500", "html_502"])
async def test_a_change_after_an_uncertain_try(backend: BackendServer, talk: Conversation, fault: str) -> None:
    backend.backend.faults = [fault] * 3
    await talk.send()
    assert talk.number is None
    backend.backend.faults = []
    await talk.change_email("new@example.org")
    assert talk.pending is None, "a changed answer waits for the new review"
    await talk.retry()
    assert talk.number is None
    await talk.send()
    item = the_one(backend)
    assert item["body"]["email"] == "new@example.org"
    assert talk.number == item["answer"]["tracking_number"]


async def test_changed_while_the_key_cannot_be_taken_back(backend: BackendServer, talk: Conversation) -> None:
    backend.backend.faults = ["drop_after"] * 3
    await talk.send()
    backend.backend.revoke_faults = ["500"] * 3
    backend.backend.faults = []
    await talk.change_email("new@example.org")
    await talk.send()
    assert talk.keys == ["utter_not_sent_yet"]
    assert len(backend.backend.stored) == 1, "the new content is not sent beside the old one"
    await talk.retry()
    assert the_one(backend)["body"]["email"] == "new@example.org"
    assert talk.number == the_one(backend)["answer"]["tracking_number"]


async def test_the_same_content_is_sent_as_it_was(backend: BackendServer, talk: Conversation) -> None:
    """Even an intake that compares whole bodies with their time stamps finds nothing changed."""
    backend.backend.faults = ["drop_after"] * 3
    await talk.send()
    await talk.event("payload", text="/switch_language", ranking=(("switch_language", 1.0),),
                     entities=({"entity": "language", "value": "zh-Hans"},))
    await talk.send()
    assert talk.number == the_one(backend)["answer"]["tracking_number"]
    assert len(backend.backend.stored) == 1
    assert not backend.backend.revoked


@pytest.mark.parametrize("changes", [False, True])
async def test_a_turn_that_broke_off_after_the_backend_stored(
    backend: BackendServer, talk: Conversation, changes: bool
) -> None:
    """The action server died: what it sent is not remembered anywhere on this side."""
    await talk.send(store=False)
    assert len(backend.backend.stored) == 1
    if changes:
        await talk.change_email("new@example.org")
    await talk.send()
    item = the_one(backend)
    assert talk.number == item["answer"]["tracking_number"]
    assert item["body"]["email"] == ("new@example.org" if changes else "amara@example.org")


async def test_broken_off_again_and_again(backend: BackendServer, talk: Conversation) -> None:
    for number in range(4):
        await talk.change_email(f"try{number}@example.org")
        await talk.send(store=False)
        assert len(backend.backend.live) <= 1
    for _ in range(3):
        if talk.number is None:
            await talk.send()
    assert talk.number == the_one(backend)["answer"]["tracking_number"]
    assert the_one(backend)["body"]["email"] == "try3@example.org"


async def test_two_at_once(backend: BackendServer) -> None:
    """Two workers play the same turn, neither knows of the other."""
    client = client_of(backend)
    twins = [Conversation(client, "same") for _ in range(4)]
    await asyncio.gather(*(twin.send() for twin in twins))
    assert {twin.number for twin in twins} == {the_one(backend)["answer"]["tracking_number"]}


@pytest.mark.parametrize("fault", ["drop_after", "stall_after", "refuse"])
async def test_stopped_after_a_try(backend: BackendServer, talk: Conversation, fault: str) -> None:
    if fault == "refuse":
        backend.stop()
    else:
        backend.backend.faults = [fault] * 3
    await talk.send()
    if fault == "refuse":
        backend.start()
    await talk.press("stop")
    await talk.retry()
    assert talk.replies == [], "nothing is sent while it is asked whether to stop"
    assert talk.number is None
    await talk.press("affirm")
    wording = "utter_outcome_cancelled" + ("" if fault == "refuse" else "_withdrawn")
    assert talk.keys == [wording]
    assert backend.backend.live == []
    await talk.retry()
    assert backend.backend.live == []
    assert talk.pending is None


async def test_stopped_while_the_backend_is_away(backend: BackendServer, talk: Conversation) -> None:
    backend.backend.faults = ["drop_after"] * 3
    await talk.send()
    backend.stop()
    await talk.press("stop")
    await talk.press("affirm")
    assert talk.keys == ["utter_outcome_cancelled_unknown"]
    assert talk.memory.answers == {}
    assert talk.pending == "revocation"
    backend.start()
    await talk.retry()
    assert backend.backend.live == []
    assert talk.pending is None
    assert talk.replies == []


async def test_stopped_after_a_turn_that_broke_off(backend: BackendServer, talk: Conversation) -> None:
    await talk.send(store=False)
    await talk.press("stop")
    await talk.press("affirm")
    assert talk.keys == ["utter_outcome_cancelled_withdrawn"]
    assert backend.backend.live == []


async def test_what_is_still_under_way_when_it_is_stopped(backend: BackendServer, talk: Conversation) -> None:
    """The backend gets the request only after the person stopped it."""
    backend.backend.faults = ["stall"]
    await talk.send()
    await talk.press("stop")
    await talk.press("affirm")
    (_, key) = next(item for item in backend.backend.seen if item[1])
    assert backend.backend.store(key, {"late": True})[0] == 410


async def test_restarted_after_a_try(backend: BackendServer, talk: Conversation) -> None:
    backend.backend.faults = ["drop_after"] * 3
    await talk.send()
    await talk.press("restart")
    await talk.press("affirm")
    assert talk.pending == "revocation"
    await talk.retry()
    assert backend.backend.live == []
    assert talk.pending is None


async def test_abandoned(backend: BackendServer, talk: Conversation) -> None:
    await talk.send(store=False)
    await talk.event("abandon")
    assert backend.backend.live == []
    assert talk.memory.answers == {}
    assert talk.pending is None


async def test_abandoned_while_the_backend_is_away(backend: BackendServer, talk: Conversation) -> None:
    await talk.send(store=False)
    backend.stop()
    await talk.event("abandon")
    assert talk.memory.answers == {}
    assert talk.pending == "revocation"
    backend.start()
    await talk.event("abandon")
    assert backend.backend.live == []
    assert talk.pending is None


async def test_a_filed_request_survives_the_end_of_the_conversation(backend: BackendServer, talk: Conversation) -> None:
    await talk.send()
    await talk.event("abandon")
    assert len(backend.backend.live) == 1


async def test_what_its_person_never_heard_of_is_undone(backend: BackendServer, talk: Conversation) -> None:
    backend.stop()
    await talk.send()
    backend.start()
    await talk.retry()
    await talk.event("undo")
    assert backend.backend.live == []
    assert talk.pending is None


async def test_undone_while_the_backend_is_away(backend: BackendServer, talk: Conversation) -> None:
    await talk.send()
    backend.stop()
    await talk.event("undo")
    assert talk.pending == "revocation"
    backend.start()
    await talk.event("undo")
    assert backend.backend.live == []
    assert talk.pending is None


@pytest.mark.parametrize("event", ["status", "human"])
async def test_the_talk_goes_on_meanwhile(backend: BackendServer, talk: Conversation, event: str) -> None:
    backend.stop()
    await talk.send()
    if event == "status":
        await talk.write("where does my request stand?", "check_request_status")
        assert "utter_still_waiting" in talk.keys
    else:
        await talk.press("talk_to_human")
        assert talk.memory.at.outcome == "handed_to_human"
    backend.start()
    await talk.retry()
    assert talk.number == the_one(backend)["answer"]["tracking_number"]
    assert talk.keys[0] == "utter_sent_meanwhile"


async def test_back_on_another_device(backend: BackendServer, talk: Conversation) -> None:
    backend.stop()
    await talk.send()
    await talk.event("resume")
    assert talk.keys[:2] == ["utter_welcome_back", "utter_still_waiting"]
    backend.start()
    await talk.retry()
    await talk.event("resume")
    assert talk.keys == ["utter_after_submitted"]
    assert talk.replies[0].values["tracking_number"] == talk.number


async def test_similar(backend: BackendServer, talk: Conversation) -> None:
    backend.backend.similar = [{"receipt_number": "IOE0912345678", "received_at": "2026-11-02T08:00:00Z"}]
    await talk.send()
    assert talk.keys == ["utter_outcome_submitted", "utter_similar_request"]
    assert talk.replies[1].values_in("en") == {"receipt_numbers": "IOE0912345678", "date": "November 2, 2026"}


# ---- feedback


async def feedback(backend: BackendServer) -> Conversation:
    talk = Conversation(client_of(backend))
    standing = {"asking": "feedback_text", "concern": "feedback", "offered": ["feedback"], "told": ["privacy"]}
    talk.slots = {"language": "en", "dialogue": standing}
    return talk


@pytest.mark.parametrize("fault", ["refuse", "500", "drop_after", "stall_after"])
async def test_feedback(backend: BackendServer, fault: str) -> None:
    talk = await feedback(backend)
    text = "Please put the waiting time of every office on one page and keep it up to date for everybody."
    if fault == "refuse":
        backend.stop()
    else:
        backend.backend.faults = [fault] * 9
    await talk.write(text, "give_feedback")
    assert talk.keys == ["utter_not_sent_yet"]
    assert talk.pending == "feedback"
    if fault == "refuse":
        backend.start()
    backend.backend.faults = []
    await talk.retry()
    assert talk.keys == ["utter_sent_meanwhile", "utter_outcome_feedback"]
    assert the_one(backend)["body"]["feedback_text"] == text
    await talk.retry()
    assert len(backend.backend.stored) == 1


async def test_feedback_its_person_never_heard_of_is_undone(backend: BackendServer) -> None:
    talk = await feedback(backend)
    backend.stop()
    await talk.write("The officer was kind and explained everything twice.", "give_feedback")
    backend.start()
    await talk.retry()
    assert len(backend.backend.live) == 1
    await talk.event("undo")
    assert backend.backend.live == []


# ---- an agency's own intake


async def test_another_intake_by_settings_alone() -> None:
    agency = Backend(path="/api/intake/v7/submissions", key_header="X-Request-Id", number_field="caseRef",
                     wanted_headers={"X-Api-Key": "agency-key"}, plain_number=True)
    server = BackendServer(agency)
    try:
        settings = Settings.from_environment({
            "INTAKE_URL": server.url, "INTAKE_TOKEN": "our-own-token-0123456789", "INTAKE_CREDENTIAL": "agency-key",
            "INTAKE_AUTH": "header:X-Api-Key", "INTAKE_REQUESTS_PATH": "/api/intake/v7/submissions",
            "INTAKE_KEY_HEADER": "X-Request-Id", "INTAKE_NUMBER_FIELD": "caseRef", "INTAKE_NUMBER_PATTERN": r"\d{4,9}",
            "INTAKE_ATTEMPT_SECONDS": "0.6", "INTAKE_TURN_SECONDS": "2", "INTAKE_PDF_PATH": "",
        })
        from actions.intake_client import IntakeClient
        from tests.actions.conftest import CONTENT

        backend = settings.backend_with(CONTENT.settings)
        assert backend.attempt_seconds == 0.6
        assert backend.circuit_failures == CONTENT.settings.handover_circuit_failures
        talk = Conversation(IntakeClient(backend))
        agency.faults = ["drop_after", "500"]
        await talk.send()
        assert talk.number == "1000"
        assert len(agency.stored) == 1
        assert not any(reply.attachments for reply in talk.replies)
    finally:
        server.stop()


async def test_basic_auth() -> None:
    agency = Backend(wanted_headers={"Authorization": "Basic Z3VpZGU6c2VjcmV0"})
    server = BackendServer(agency)
    try:
        talk = Conversation(client_of(server, auth="basic:guide", credential="secret"))
        await talk.send()
        assert talk.number
    finally:
        server.stop()


@pytest.mark.parametrize("auth", ["", "header:", "basic:", "digest"])
def test_an_unknown_way_to_sign_in_stops_the_start(auth: str) -> None:
    from actions.intake_client import Backend as Address

    with pytest.raises(ValueError, match="INTAKE_AUTH"):
        Address("http://127.0.0.1:1", "x", auth=auth or "none").headers()


async def test_an_intake_that_cannot_take_back(
    backend: BackendServer, talk: Conversation, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing is doubled: the person hears that staff settles it."""
    backend.backend.can_revoke = False
    backend.backend.faults = ["drop_after"] * 3
    await talk.send()
    await talk.change_email("new@example.org")
    await talk.send()
    assert talk.keys == ["utter_not_sent_staff"]
    assert "ALARM" in caplog.text
    assert len(backend.backend.stored) == 1
    # The person takes the change back: the first content is the one that is stored.
    await talk.change_email("amara@example.org")
    await talk.send()
    assert talk.number == the_one(backend)["answer"]["tracking_number"]


async def test_stopped_at_an_intake_that_cannot_take_back(backend: BackendServer, talk: Conversation) -> None:
    backend.backend.can_revoke = False
    await talk.press("stop")
    await talk.press("affirm")
    assert talk.keys == ["utter_outcome_cancelled"]
    assert talk.pending is None
