"""A filed request: its status in words, withdrawing it, having it erased."""

from __future__ import annotations

from typing import Any

import pytest

from tests.actions.conftest import LABELS, Conversation, client_of
from tests.actions.faulty_backend import Backend, BackendServer

STATUSES = ("received", "prepared", "delivered", "bounced", "in_review", "contacted_uscis", "closed", "withdrawn")
BORN = {"entity": "date", "value": "1985-03-27", "precision": "day", "role": "birth"}
WITHDRAW = {"entity": "cue", "value": "withdraw_request"}
ERASE = {"entity": "cue", "value": "erase_request"}


def number_of(value: str) -> dict[str, Any]:
    return {"entity": "tracking_number", "value": value, "valid": True}


@pytest.fixture
async def other(backend: BackendServer, talk: Conversation) -> Conversation:
    """Somebody who comes later, in a conversation in which nothing was said yet; ``talk`` has filed the request."""
    await talk.send()
    assert talk.number
    later = Conversation(client_of(backend), "conversation-2")
    later.slots = {"language": "en", "dialogue": {"asking": "grounds"}}
    return later


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("language", ["en", "zh-Hans", "zh-Hant"])
async def test_every_status_is_told(
    backend: BackendServer, talk: Conversation, other: Conversation, status: str, language: str
) -> None:
    backend.backend.status = status
    backend.backend.history = [{"status": "received", "at": "2026-11-20T09:00:00Z"}]
    other.slots["language"] = language
    other.slots["dialogue"] = {"asking": "grounds", "language_chosen": True}
    await other.write(f"where is {talk.number}?", "check_request_status", number_of(str(talk.number)))
    assert other.keys == ["utter_privacy_notice", "utter_ask_request_proof"]
    await other.write("March 27, 1985", "inform", BORN)
    assert other.keys[0] == "utter_status_found"
    assert other.replies[0].values_in(language)["status"] == LABELS.get(f"status_{status}", language)
    assert other.replies[0].values_in(language)["history"].count("•") == 2
    assert ("utter_status_bounced" in other.keys) == (status == "bounced")


async def test_a_status_we_do_not_know(backend: BackendServer, talk: Conversation, other: Conversation) -> None:
    backend.backend.status = "awaiting_courier"
    await other.write(f"where is {talk.number}?", "check_request_status", number_of(str(talk.number)), BORN)
    assert other.replies[0].values["status"] == LABELS.words("status_other")


async def test_withdrawn_by_its_number_and_a_proof(
    backend: BackendServer, talk: Conversation, other: Conversation
) -> None:
    await other.write("I want to withdraw my request", "stop", WITHDRAW)
    assert other.memory.at.asking == "request_number"
    await other.write(str(talk.number), "inform", number_of(str(talk.number)))
    assert other.memory.at.asking == "request_proof"
    await other.write("March 27, 1985", "inform", BORN)
    assert other.keys == ["utter_confirm_withdraw_request"]
    assert other.memory.at.asking is None
    assert len(backend.backend.live) == 1, "nothing is done before the yes"
    await other.press("affirm")
    assert other.keys[0] == "utter_request_withdrawn"
    assert backend.backend.live == []
    assert other.memory.at.asking == "grounds", "the open question returns"


async def test_erased_by_its_number_and_a_proof(
    backend: BackendServer, talk: Conversation, other: Conversation
) -> None:
    await other.write("please delete my request", "stop", ERASE, number_of(str(talk.number)), BORN)
    assert other.keys == ["utter_confirm_erase_request"]
    await other.press("affirm")
    assert other.keys[0] == "utter_request_erased"
    assert other.replies[0].values["receipt"] == "receipt-1"
    assert backend.backend.stored == {}


@pytest.mark.parametrize(("cue", "purpose"), [(WITHDRAW, "withdraw"), (ERASE, "erase")])
async def test_right_after_filing_nothing_is_asked_twice(
    backend: BackendServer, talk: Conversation, cue: dict[str, Any], purpose: str
) -> None:
    await talk.send()
    await talk.write("take my request back", "stop", cue)
    assert talk.keys == [f"utter_confirm_{purpose}_request"]
    assert talk.memory.at.asking is None
    await talk.press("affirm")
    assert backend.backend.live == []


@pytest.mark.parametrize("answer", ["deny", "thank"])
async def test_kept(backend: BackendServer, talk: Conversation, answer: str) -> None:
    await talk.send()
    await talk.write("withdraw my request", "stop", WITHDRAW)
    await talk.press(answer)
    assert talk.keys[0] == "utter_request_kept"
    assert len(backend.backend.live) == 1
    await talk.press("affirm")
    assert len(backend.backend.live) == 1, "a later yes means something else"


async def test_a_wrong_proof_and_an_unknown_number_read_the_same(
    backend: BackendServer, talk: Conversation, other: Conversation
) -> None:
    wrong = {**BORN, "value": "1999-01-01"}
    await other.write("withdraw my request", "stop", WITHDRAW, number_of(str(talk.number)), wrong)
    first = other.keys
    await other.write("withdraw my request", "stop", WITHDRAW, number_of("CA-2222-2222-2222"), BORN)
    assert other.keys == first
    assert first[0] == "utter_status_not_found"
    assert len(backend.backend.live) == 1


@pytest.mark.parametrize(("status", "key"), [
    (429, "utter_status_locked"), (409, "utter_request_not_changed"), (405, "utter_request_not_changed"),
    (500, "utter_request_change_unknown"), (404, "utter_status_not_found"),
])
async def test_what_may_go_wrong(backend: BackendServer, talk: Conversation, status: int, key: str) -> None:
    await talk.send()
    await talk.write("withdraw my request", "stop", WITHDRAW)
    backend.backend.filed_status = status
    await talk.press("affirm")
    assert talk.keys[0] == key
    assert len(backend.backend.live) == 1


LOST = ["drop_after", "500_after"]


@pytest.mark.parametrize("fault", LOST)
async def test_an_erasure_whose_answer_is_lost_still_gives_its_receipt(
    backend: BackendServer, talk: Conversation, fault: str
) -> None:
    await talk.send()
    await talk.write("erase my request", "stop", ERASE)
    backend.backend.remembers_erased = True
    backend.backend.filed_faults = [fault]
    await talk.press("affirm")
    assert talk.keys[0] == "utter_request_erased"
    assert talk.replies[0].values["receipt"] == "receipt-1"


@pytest.mark.parametrize("fault", LOST)
async def test_an_intake_that_forgets_what_it_erased_is_no_proof_that_there_was_nothing(
    backend: BackendServer, talk: Conversation, fault: str
) -> None:
    await talk.send()
    await talk.write("erase my request", "stop", ERASE)
    backend.backend.filed_faults = [fault]
    await talk.press("affirm")
    assert backend.backend.stored == {}
    assert talk.keys[0] == "utter_request_change_unknown"
    assert talk.memory.at.status_tries == 0


@pytest.mark.parametrize("second", ["404", "410", "429"])
async def test_a_withdrawal_in_doubt_is_not_denied_by_what_comes_after(
    backend: BackendServer, talk: Conversation, second: str
) -> None:
    await talk.send()
    await talk.write("withdraw my request", "stop", WITHDRAW)
    backend.backend.filed_faults = ["drop_after", second]
    await talk.press("affirm")
    assert backend.backend.live == []
    assert talk.keys[0] == "utter_request_change_unknown"


@pytest.mark.parametrize("fault", LOST)
async def test_a_withdrawal_whose_answer_is_lost_is_told(
    backend: BackendServer, talk: Conversation, fault: str
) -> None:
    await talk.send()
    await talk.write("withdraw my request", "stop", WITHDRAW)
    backend.backend.filed_faults = [fault]
    await talk.press("affirm")
    assert talk.keys[0] == "utter_request_withdrawn"


@pytest.mark.parametrize(("cue", "intent"), [(WITHDRAW, "stop"), (ERASE, "stop"), (None, "check_request_status")])
async def test_asked_later_an_erased_request_is_told_with_its_receipt(
    backend: BackendServer, talk: Conversation, other: Conversation, cue: dict[str, Any] | None, intent: str
) -> None:
    backend.backend.remembers_erased = True
    await talk.write("erase my request", "stop", ERASE)
    await talk.press("affirm")
    cues = [cue] if cue else []
    await other.write("about my request", intent, *cues, number_of(str(talk.number)), BORN)
    assert "utter_request_erased" in other.keys
    told = other.replies[other.keys.index("utter_request_erased")]
    assert told.values["receipt"] == "receipt-1"
    assert other.memory.at.status_tries == 0


async def test_a_number_of_an_agency_s_own_intake() -> None:
    server = BackendServer(Backend(plain_number=True))
    try:
        client = client_of(server, number_pattern=r"\d{4,9}")
        filed = Conversation(client)
        await filed.send()
        assert filed.number == "1000"
        later = Conversation(client, "conversation-2")
        later.slots = {"language": "en", "dialogue": {"asking": "grounds"}}
        await later.write("where does my request stand?", "check_request_status")
        await later.write("1000", "inform")
        assert later.memory.at.asking == "request_proof"
        await later.write("March 27, 1985", "inform", BORN)
        assert later.keys[0] == "utter_status_found"
    finally:
        server.stop()


async def test_in_the_middle_of_a_request_it_means_to_stop(backend: BackendServer, talk: Conversation) -> None:
    await talk.write("I want to withdraw my request", "stop", WITHDRAW)
    assert talk.keys == ["utter_confirm_stop"]
