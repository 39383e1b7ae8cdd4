"""What the intake backend gets as English statement, and which files the person is offered."""

from __future__ import annotations

import pytest

from tests.actions.conftest import CONTENT, Conversation, client_of
from tests.actions.faulty_backend import BackendServer
from triage.statement import Statement


async def test_the_statement_is_composed_from_the_answers_that_are_sent(
    backend: BackendServer, talk: Conversation
) -> None:
    await talk.send()
    (item,) = backend.backend.live
    body = item["body"]
    statement = body["english_statement"]
    assert statement.startswith("Amara Okafor asks for help with Form I-485 (")
    assert "The USCIS Contact Center was contacted on 09/14/2026." in statement
    assert "“They sent a form letter.”" in statement
    assert "a mistake by USCIS in handling the case" in statement
    assert "Another name." not in statement
    # The paper says the same in Chinese only when it can compose this very text again.
    assert Statement(CONTENT).text(body) == statement


@pytest.mark.parametrize(
    ("language", "delivery", "files"),
    [
        ("en", "online", ["request"]),
        ("en", "mail", ["request"]),
        ("zh-Hans", "online", ["request"]),
        ("zh-Hant", "mail", ["request", "english"]),
        ("zh-Hans", "email", ["request", "english"]),
    ],
)
async def test_who_signs_on_paper_and_reads_chinese_gets_the_english_pages_alone_too(
    backend: BackendServer, language: str, delivery: str, files: list[str]
) -> None:
    talk = Conversation(client_of(backend), delivery=delivery)
    talk.slots["language"] = language
    await talk.send()
    (reply,) = (reply for reply in talk.replies if reply.attachments)
    offered = reply.attachments
    assert [item["url"] for item in offered] == [f"guide:{kind}/{talk.number}" for kind in files]
    assert len({item["title"][language] for item in offered}) == len(files)


@pytest.mark.parametrize("language", ["en", "zh-Hans", "zh-Hant"])
@pytest.mark.parametrize(
    ("delivery", "files"), [("online", ["request", "official"]), ("mail", ["official", "request"])]
)
async def test_the_official_form_is_offered_where_the_backend_has_it(
    backend: BackendServer, language: str, delivery: str, files: list[str]
) -> None:
    backend.backend.links = {"official": "/v1/case-requests/x/form.pdf?part=official"}
    talk = Conversation(client_of(backend), delivery=delivery)
    talk.slots["language"] = language
    await talk.send()
    (reply,) = (reply for reply in talk.replies if reply.attachments)
    assert [item["url"] for item in reply.attachments] == [f"guide:{kind}/{talk.number}" for kind in files]
    titles = [item["title"][language] for item in reply.attachments]
    assert "DHS-7001" in titles[files.index("official")]
    assert len(set(titles)) == len(files)


@pytest.mark.parametrize("delivery", ["online", "mail"])
async def test_an_intake_without_a_pdf_offers_none_and_the_words_speak_of_none(
    backend: BackendServer, delivery: str
) -> None:
    talk = Conversation(client_of(backend, pdf=""), delivery=delivery)
    await talk.send()
    assert talk.number
    assert not any(reply.attachments for reply in talk.replies)
    told = next(reply for reply in talk.replies if reply.key.startswith("utter_outcome"))
    assert told.values["tracking_number"] == talk.number
    if delivery == "online":
        assert (told.key, told.values["copy"]) == ("utter_outcome_submitted", "")
    else:
        # There is nothing to sign: the person is told where the form itself is.
        assert told.key == "utter_outcome_prepared_without_pdf"
        assert told.values["online_form"] == CONTENT.office.online_form
