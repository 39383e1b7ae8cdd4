"""People in Telegram who bring a conversation to its end: by words, or by pressing whatever can be pressed."""

from __future__ import annotations

import re

import httpx

from tests.conversations.client import Chat
from tests.conversations.people import ANSWERS
from tests.telegram.worker import Worker
from tools.bot_api.person import Person

TAGS = {"en": "en", "zh-Hans": "zh-hans", "zh-Hant": "zh-hant"}
LINK = re.compile(r"/chat/continue/([\w-]{22})(?![\w-])")
MOST_TURNS = 40
# What somebody presses who has the usual case; the first that is offered.
PRESSED = (
    '"grounds":"uscis_error"',
    '"form_type":"I-485"',
    '"contact_center":"tried"',
    '"case_status_online":"not_tried"',
    '"infopass":"not_tried"',
    '"requester_role":"applicant"',
    '"delivery":"online"',
    "/skip",
)


def link_of(person: Person) -> str | None:
    """Path of the one-time link in the last answer."""
    everything = person.text + " ".join(str(button.get("url", "")) for button in person.buttons)
    found = LINK.findall(everything)
    return f"/chat/continue/{found[-1]}" if found else None


def go_on(worker: Worker, person: Person, language: str, by_buttons: bool, **own: str) -> None:
    """Answer whatever is asked until an outcome, or until the page has to be used.

    Args:
        worker: Looks inside.
        person: In a conversation.
        language: Of the answers.
        by_buttons: Press what there is to press.
        own: What is pressed or said at a question, in place of the usual.
    """
    for _ in range(MOST_TURNS):
        state = worker.state(person)
        if state["outcome"] or link_of(person):
            return
        slot = str(state["asking"])
        offered = worker.payloads(person)
        wanted = (own[slot],) if slot in own else PRESSED
        pressed = next((data for part in wanted for name, data in offered.items() if part in name), None)
        if by_buttons and pressed is not None:
            number = next(
                sent.message_id
                for sent in person.last
                for row in sent.keyboard
                for button in row
                if button.get("callback_data") == pressed
            )
            person.press(pressed, number)
            person.wait()
        else:
            said = own.get(slot, "")
            person.say(said if said and not said.startswith(("/", '"')) else ANSWERS[language][slot])
    raise AssertionError(f"no end, asking {worker.state(person)['asking']}")


def open_page(worker: Worker, person: Person, language: str) -> Chat:
    """Take the link to the page, as a browser does it without a script."""
    path = link_of(person)
    assert path, person.text
    with httpx.Client(base_url=worker.running.url, trust_env=False) as browser:
        shown = browser.get(path)
        assert shown.status_code == 200
        assert 'method="post"' in shown.text
        taken = browser.post(path)
        assert (taken.status_code, taken.headers["location"]) == (303, "/chat/")
        token = taken.cookies["guide_session"]
        assert browser.get("/chat/", headers={"Cookie": f"guide_session={token}"}).status_code == 200
    chat = Chat(worker.running.url, language, token=token)
    history = chat.request("GET", "/chat/history")
    chat.state = history["state"]
    chat.said = [message["text"] for message in history["messages"] if message["from"] == "person"]
    return chat
