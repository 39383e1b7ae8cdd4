"""Papers in a whole conversation: the list, uploads and removal beside the talk, and where they end up."""

from __future__ import annotations

import hashlib
import time
import uuid
from typing import Any

import httpx
import pytest

from tests.conversations.client import Chat
from tests.conversations.people import go_on
from tests.conversations.running import Running
from tests.conversations.scripts import wrong_script
from tests.conversations.test_outcomes import OPENINGS
from tests.papers import files

PATIENCE = 60
THAT_IS_ALL = {"en": "that is all", "zh-Hans": "就这些", "zh-Hant": "就這些"}
NO = {"en": "no papers", "zh-Hans": "没有文件", "zh-Hant": "沒有文件"}
NAMES = {
    "en": ("receipt notice", "paper with the mistake"),
    "zh-Hans": ("收据通知", "有错的文件"),
    "zh-Hant": ("收據通知", "有錯的文件"),
}


def upload(chat: Chat, data: bytes, kind: str, name: str = "photo.jpg") -> dict[str, Any]:
    """Send a file along, and look at what the guide said to it."""
    answer = httpx.post(
        f"{chat.base}/chat/documents",
        files={"file": (name, data)},
        data={"kind": kind},
        headers={"Authorization": f"Bearer {chat.token}"},
        timeout=120,
    )
    assert answer.status_code == 201, answer.text
    look(chat)
    shown: dict[str, Any] = answer.json()
    return shown


def look(chat: Chat) -> None:
    """Take what was said last from the history, as the page does."""
    history = chat.request("GET", "/chat/history")
    last = history["messages"][-1]["at"]
    chat.replies = [one for one in history["messages"] if one["from"] == "guide" and one["at"] == last]
    chat.state = history["state"]
    for reply in chat.replies:
        assert wrong_script(reply["text"], str(chat.language), chat.said, chat.answers) is None, reply


def papers(chat: Chat) -> dict[str, Any]:
    """What the page would show."""
    found: dict[str, Any] = chat.request("GET", "/chat/documents")
    return found


def at_the_papers(base: str, language: str) -> Chat:
    chat = Chat(base, language).open()
    chat.say(OPENINGS["submitted"][language])
    return go_on(chat, language, until="documents")


def test_uploaded_papers_go_with_the_request(base: str, language: str, running: Running) -> None:
    chat = at_the_papers(base, language)
    notice, mistake = NAMES[language]
    assert "utter_ask_documents" in chat.keys
    for item in papers(chat)["checklist"]:
        assert item["label"] in chat.text()
        assert item["reason"] in chat.text()

    data = files.jpeg(files.page_picture(), orientation=6, comment=uuid.uuid4().hex.encode())
    shown = upload(chat, data, "error_proof")
    assert shown["sha256"] == hashlib.sha256(data).hexdigest()
    assert chat.keys == ["utter_document_received_more"]
    assert mistake in chat.text()
    assert chat.asking == "documents"
    upload(chat, files.pdf(2, text=uuid.uuid4().hex), "receipt_notice", "notice.pdf")
    assert notice in chat.text()
    assert chat.answers["documents"] == ["error_proof", "receipt_notice"]

    gone = upload(chat, files.pdf(text=uuid.uuid4().hex), "other_important", "wrong.pdf")["document_id"]
    chat.request("DELETE", f"/chat/documents/{gone}", expect=204)
    look(chat)
    assert chat.keys[0] == "utter_document_removed"
    assert chat.answers["documents"] == ["error_proof", "receipt_notice"]

    chat.say(THAT_IS_ALL[language])
    assert chat.asking == "delivery"
    assert chat.answers["documents"] == ["error_proof", "receipt_notice"]
    go_on(chat, language, until="review")
    assert mistake in chat.text()
    go_on(chat, language)
    assert chat.outcome == "submitted"

    number = chat.state["tracking_number"]
    arrived = documents_of(running, number, 2)
    assert {one["kind"]: (one["media_type"], one["pages"]) for one in arrived} == {
        "error_proof": ("application/pdf", 1),
        "receipt_notice": ("application/pdf", 2),
    }
    upload(chat, files.png(files.page_picture(700, 900)), "delivery_proof", "screen.png")
    assert chat.keys == ["utter_document_added_later"]
    assert number in chat.text()
    assert chat.outcome == "submitted"
    assert "delivery_proof" in {one["kind"] for one in documents_of(running, number, 3)}
    assert list((running.data / "documents" / "drafts").glob(f"{shown['document_id']}*")) == []


def documents_of(running: Running, number: str, count: int) -> list[dict[str, Any]]:
    """What the intake backend has, as soon as it has so many."""
    headers = {"Authorization": f"Bearer {running.secret('INTAKE_TOKEN')}"}
    deadline = time.monotonic() + PATIENCE
    while True:
        answer = httpx.get(f"{running.url}/v1/case-requests/{number}/documents", headers=headers, timeout=30)
        found: list[dict[str, Any]] = answer.json()["documents"]
        if len(found) == count:
            return found
        assert time.monotonic() < deadline, found
        time.sleep(0.2)


def test_a_paper_that_comes_early_is_not_asked_for_again(base: str, language: str) -> None:
    chat = Chat(base, language).open()
    chat.say(OPENINGS["submitted"][language])
    before = chat.asking
    upload(chat, files.pdf(text=uuid.uuid4().hex), "error_proof", "card.pdf")
    assert chat.keys[0] == "utter_document_received"
    assert chat.asking == before
    go_on(chat, language, until="delivery", documents="this must never be asked")
    assert chat.answers["documents"] == ["error_proof"]
    assert "this must never be asked" not in chat.said


def test_without_papers_the_talk_goes_on(base: str, language: str) -> None:
    chat = at_the_papers(base, language)
    chat.say(NO[language])
    assert chat.asking == "delivery"
    assert "documents" in chat.state["skipped"]
    assert "documents" not in chat.answers


@pytest.mark.parametrize("language", ["en"])
def test_what_is_cancelled_takes_its_papers_along(base: str, language: str, running: Running) -> None:
    chat = at_the_papers(base, language)
    kept = upload(chat, files.pdf(text=uuid.uuid4().hex), "error_proof")["document_id"]
    path = running.data / "documents" / "drafts" / kept
    assert path.exists()
    chat.say("stop")
    chat.say("yes, stop")
    assert chat.outcome == "cancelled"
    assert papers(chat)["documents"] == []
    deadline = time.monotonic() + PATIENCE
    while path.exists():
        assert time.monotonic() < deadline
        time.sleep(0.1)
