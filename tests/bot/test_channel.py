"""What the channel accepts and hands on."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bot.channel import BadRequestError, InternalChannel, TurnOutput, parse_payload, read
from bot.turn import Turn, TurnIncompleteError

GOOD = {
    "conversation_id": "c1",
    "message_id": "m1",
    "event": "text",
    "text": " /hello ",
    "language": None,
    "at": "2026-05-01T12:00:00Z",
}
WORDING = {
    "en": {"text": "Hi", "buttons": ["Yes"], "attachments": ["Form"]},
    "zh-Hans": {"text": "你好", "buttons": ["是"], "attachments": ["表格"]},
}


def body(**changes: Any) -> bytes:
    return json.dumps({**GOOD, **changes}).encode()


def test_a_good_message() -> None:
    incoming = read(body())
    assert incoming.text == " /hello "
    assert incoming.at == "2026-05-01T12:00:00+00:00"


def test_an_opening_has_no_text() -> None:
    assert read(body(event="open", text=None, language="zh-Hant")).text == ""


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\xff\xfe",
        b"[]",
        b'"text"',
        body(conversation_id=""),
        body(conversation_id=5),
        body(message_id=None),
        body(message_id="x" * 201),
        body(event="command"),
        body(event=None),
        body(text=""),
        body(text=" \n "),
        body(text=None),
        body(text=["a"]),
        body(text="x" * 20_001),
        body(language="fr"),
        body(language=1),
        body(at=None),
        body(at="yesterday"),
        body(at="2026-05-01T12:00:00"),
    ],
)
def test_a_malformed_message_is_refused(raw: bytes) -> None:
    with pytest.raises(BadRequestError):
        read(raw)


@pytest.mark.parametrize(
    ("payload", "intent", "values"),
    [
        ("/affirm", "affirm", {}),
        ('/inform{"delivery": "online"}', "inform", {"delivery": "online"}),
        ('/inform{"grounds": ["delay"], "x": {"y": "}"}}', "inform", {"grounds": ["delay"], "x": {"y": "}"}}),
    ],
)
def test_payload(payload: str, intent: str, values: dict[str, Any]) -> None:
    parsed = parse_payload(payload, ["affirm", "inform"])
    assert parsed["intent"] == {"name": intent, "confidence": 1.0}
    assert {item["entity"]: item["value"] for item in parsed["entities"]} == values


@pytest.mark.parametrize(
    "payload", ["affirm", "/unheard", "/inform{", '/inform{"a": }', "/inform[1]", "/", "/affirm x"]
)
def test_a_bad_payload_is_refused(payload: str) -> None:
    with pytest.raises(BadRequestError):
        parse_payload(payload, ["affirm", "inform"])


async def test_a_reply_has_only_what_the_contract_has() -> None:
    turn = Turn("c1", "m1")
    await TurnOutput(turn).send_response(
        "c1",
        {
            "text": "Hi",
            "key": "utter_hi",
            "language": "en",
            "wording": WORDING,
            "name": "Ann",
            "buttons": [{"title": {"en": "Yes", "zh-Hans": "是"}, "payload": "/affirm", "more": 1}],
            "attachments": [{"title": "Form", "url": "/x", "size": 1}],
            "elements": [],
            "custom": {"state": {"asking": "email"}},
        },
    )
    assert turn.answer() == {
        "replies": [
            {
                "key": "utter_hi",
                "text": "Hi",
                "language": "en",
                "wording": WORDING,
                "buttons": [{"title": "Yes", "payload": "/affirm"}],
                "attachments": [{"title": "Form", "url": "/x"}],
            }
        ],
        "state": {"asking": "email"},
    }


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"key": "utter_hi", "language": "en"},
        {"key": "utter_hi", "wording": WORDING},
        {"key": "utter_hi", "language": "en", "wording": WORDING, "buttons": []},
    ],
)
async def test_a_text_that_no_wording_made_is_an_error(more: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"key|without a title"):
        await TurnOutput(Turn("c1", "m1")).send_response("c1", {"text": "Hi", **more})


@pytest.mark.parametrize("credentials", [None, {}, {"secret": ""}])
def test_without_a_secret_there_is_no_channel(credentials: dict[str, Any] | None) -> None:
    with pytest.raises(Exception, match="credentials"):
        InternalChannel.from_credentials(credentials)


@pytest.mark.parametrize("event", ["retry", "abandon", "undo"])
def test_an_event_of_the_front_door_itself_has_no_text(event: str) -> None:
    incoming = read(body(event=event, text=None))
    assert (incoming.event, incoming.text) == (event, "")


async def test_what_waits_is_told_beside_the_state() -> None:
    turn = Turn("c1", "m1", may_be_silent=True)
    pending = {"kind": "request", "error": "stall", "after": None, "unsettled": True}
    await TurnOutput(turn).send_response("c1", {"custom": {"state": {"asking": "review"}, "pending": pending}})
    assert turn.answer() == {"replies": [], "state": {"asking": "review"}, "pending": pending}


async def test_only_an_event_without_a_person_may_stay_without_a_reply() -> None:
    turn = Turn("c1", "m1")
    await TurnOutput(turn).send_response("c1", {"custom": {"state": {"asking": "review"}}})
    with pytest.raises(TurnIncompleteError):
        turn.answer()
