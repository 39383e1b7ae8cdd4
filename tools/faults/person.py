"""A person who files one request and does what people do when it does not work at once."""

from __future__ import annotations

import random
import re
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import httpx

# What each one does after the yes at the review.
WAYS = {
    "patient": 6,  # sends the same message again until it is answered, then waits
    "impatient": 4,  # presses "try again now"
    "double_click": 4,  # the same message twice at once, at two front doors
    "two_clicks": 3,  # two messages at once
    "two_tabs": 2,  # resumes elsewhere and presses in both
    "hangs_up": 3,  # does not wait for the answer, and presses anew
    "changes": 4,  # corrects an answer after it was not sent
    "changes_at_once": 3,  # hangs up, corrects an answer, and agrees again
    "stops": 3,  # cancels it after it was not sent
    "restarts": 1,  # starts over
    "erases": 2,  # erases the conversation
    "erases_later": 2,  # the same, when it may have been sent by itself meanwhile
}
GIVEN_UP = ("stops", "restarts", "erases", "erases_later")
EXAMPLE = "CA-2345-6789-ABCD"
_NUMBER = re.compile(r"CA(?:-[2-9A-HJKMNP-TV-Z]{4}){3}")
_STORY = (
    "USCIS printed the wrong name on my green card for my I-485. My receipt number is {receipt}. I called the contact "
    "center on September 14, 2026. I never looked online and never went to the office."
)
_SELF = "I am the applicant. My name is Amara Okafor, I was born on March 27, 1985. My email is {email}."
# The open question to what is pressed, if it is offered, or else written.
_ANSWERS = {
    "contact_center_detail": "/skip",
    "requester_role": _SELF,
    "a_number": "/skip",
    "mailing_address": "/skip",
    "problem_description": "My card shows another woman's name. I sent it back in June.",
    "documents": "/skip",
    "delivery": '/inform{"delivery":"online"}',
    "consent": "/affirm",
    "signature_name": "Amara Okafor",
    "email": "{email}",
}
_MOST_TURNS = 30
_PATIENCE_SECONDS = 240.0
_HANG_UP_SECONDS = 0.25
_LATER_SECONDS = 4.0


class Stuck(Exception):
    """The person got no further, which is a fault of ours."""


@dataclass
class Told:
    """What a person was told.

    Attributes:
        numbers: Tracking numbers, and when in the trial (the agreed mail address at that moment).
        not_sent: Heard that it is not sent yet.
        sent_later: Heard later that it was sent meanwhile.
        cancelled: Heard that it is cancelled.
        keys: Of all replies.
    """

    numbers: dict[str, str] = field(default_factory=dict)
    not_sent: bool = False
    sent_later: bool = False
    cancelled: bool = False
    keys: list[str] = field(default_factory=list)


class Person:
    """One conversation.

    Args:
        doors: Addresses of the front doors; each message goes to any of them.
        trial: Number of the trial; part of the mail address and of the receipt number.
        chance: Source of randomness.
    """

    def __init__(self, doors: list[str], trial: int, chance: random.Random) -> None:
        self.trial, self.told = trial, Told()
        self.agreed = f"t{trial}@example.org"
        self._doors, self._random = doors, chance
        self._client = httpx.Client(timeout=60, trust_env=False, limits=httpx.Limits(max_keepalive_connections=0))
        self._token = ""
        self.state: dict[str, Any] = {}
        self._offered: list[str] = []
        self.erased = False

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()

    # ---- HTTP

    def _request(self, method: str, path: str, body: Any = None, fine: tuple[int, ...] = (200,)) -> httpx.Response:
        """Send until it is answered, at any door, as the page does."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        last = ""
        while time.monotonic() < deadline:
            headers = {"Authorization": f"Bearer {self._token}"} if self._token else {}
            try:
                answer = self._client.request(
                    method, self._random.choice(self._doors) + path, json=body, headers=headers
                )
            except httpx.TransportError as error:
                last = type(error).__name__
            else:
                if answer.status_code in fine:
                    return answer
                last = f"{answer.status_code} {answer.text[:100]}"
                if answer.status_code not in (429, 500, 503):
                    break
            time.sleep(0.2 + 0.3 * self._random.random())
        raise Stuck(f"{method} {path}: {last}")

    def _take(self, answer: dict[str, Any]) -> None:
        self.state = answer["state"]
        self._offered = [button["payload"] for reply in answer["replies"] for button in reply.get("buttons", ())]
        self._hear(answer["replies"])

    def _hear(self, replies: list[dict[str, Any]]) -> None:
        for reply in replies:
            key = reply.get("key", "")
            self.told.keys.append(key)
            self.told.not_sent |= key == "utter_not_sent_yet"
            self.told.sent_later |= key == "utter_sent_meanwhile"
            self.told.cancelled |= key.startswith("utter_outcome_cancelled")
            for number in _NUMBER.findall(reply["text"]):
                if number != EXAMPLE:
                    self.told.numbers.setdefault(number, self.agreed)
        number = self.state.get("tracking_number")
        if number:
            self.told.numbers.setdefault(number, self.agreed)

    def open(self, resume_code: str | None = None) -> None:
        """Open the conversation, or go on with it elsewhere."""
        body = {"resume_code": resume_code} if resume_code else {"language": "en"}
        self._token = ""
        opened = self._request("POST", "/chat/session", body, fine=(201,)).json()
        self._token = opened["session"]
        self._take({"replies": opened["greeting"], "state": opened["state"]})

    def _body(self, said: str) -> dict[str, str]:
        kind = "payload" if said.startswith("/") and said in self._offered else "text"
        return {"id": uuid.uuid4().hex, kind: said if kind == "payload" else said.lstrip("/")}

    def say(self, said: str) -> None:
        """Write or press something, and wait for the answer."""
        self._take(self._request("POST", "/chat/messages", self._body(said)).json())

    def _once(self, body: dict[str, str], door: str, seconds: float = 60.0) -> dict[str, Any] | None:
        try:
            answer = self._client.post(
                f"{door}/chat/messages", json=body, headers={"Authorization": f"Bearer {self._token}"}, timeout=seconds
            )
        except httpx.TransportError:
            return None
        return answer.json() if answer.status_code == 200 else None

    def look(self) -> None:
        """Come back and read what was said meanwhile."""
        history = self._request("GET", "/chat/history").json()
        if history["state"]:
            self.state = history["state"]
        self._hear([item for item in history["messages"] if item["from"] == "guide"])

    # ---- the request

    def prepare(self) -> None:
        """Answer everything up to the review."""
        self.open()
        self.say(_STORY.format(receipt=f"IOE{self.trial:010d}"))
        self.answer_until_review()

    def answer_until_review(self) -> None:
        """Answer whatever is asked."""
        for _ in range(_MOST_TURNS):
            asking = self.state.get("asking")
            if asking == "review" or self.state.get("outcome"):
                return
            if asking not in _ANSWERS:
                raise Stuck(f"asked for {asking}")
            self.say(_ANSWERS[asking].replace("{email}", self.agreed))
        raise Stuck("no end of questions")

    def agree(self, way: str) -> None:
        """Say yes at the review, in one of the ways, and do what follows."""
        doors = self._random.sample(self._doors, len(self._doors))
        yes = self._body("/affirm")
        if way in ("double_click", "two_clicks"):
            second = yes if way == "double_click" else self._body("/affirm")
            with ThreadPoolExecutor(2) as pool:
                for sent in [
                    pool.submit(self._once, body, door) for body, door in zip((yes, second), doors, strict=True)
                ]:
                    sent.result()
        elif way == "two_tabs":
            code = self._request("POST", "/chat/save", fine=(201,)).json()["resume_code"]
            with ThreadPoolExecutor(2) as pool:
                pressed = pool.submit(self._once, yes, doors[0])
                elsewhere = Person(self._doors, self.trial, random.Random(self._random.random()))
                pool.submit(self._resume_and_press, elsewhere, code).result()
                pressed.result()
            self._token, self._offered = elsewhere._token, elsewhere._offered
            self.state = elsewhere.state
            elsewhere.close()
            return
        elif way in ("hangs_up", "changes_at_once") or (way == "erases" and self._random.random() < 0.5):
            self._once(yes, doors[0], _HANG_UP_SECONDS)
            if way != "hangs_up":
                return
            yes = self._body("/affirm")
        self._take(self._request("POST", "/chat/messages", yes).json())

    def _resume_and_press(self, elsewhere: Person, code: str) -> None:
        elsewhere.open(code)
        if not elsewhere.state.get("outcome"):
            elsewhere.say("/affirm")
        self.told.keys += elsewhere.told.keys
        self.told.numbers |= elsewhere.told.numbers
        self.told.not_sent |= elsewhere.told.not_sent

    def finish(self, way: str) -> None:
        """Go on until there is a tracking number, or until it was given up as the way says."""
        if way in ("erases", "erases_later"):
            if way == "erases_later":
                time.sleep(_LATER_SECONDS * self._random.random())
            self._request("DELETE", "/chat/session", fine=(204, 401))
            self.erased = True
            return
        if way == "changes_at_once" or (way == "changes" and not self.state.get("tracking_number")):
            self._change_mail()
        if way in ("stops", "restarts") and not self.state.get("tracking_number"):
            self.say("/stop" if way == "stops" else "start over from the beginning")
            if not self.state.get("tracking_number"):
                self.say("/affirm" if "/affirm" in self._offered else "yes")
            self.look()
            return
        deadline = time.monotonic() + _PATIENCE_SECONDS
        pressed = 0
        while not self.state.get("tracking_number"):
            if time.monotonic() > deadline:
                raise Stuck(f"never sent; asking {self.state.get('asking')}")
            if self.state.get("asking") not in ("review", None):
                self.answer_until_review()
                self.say("/affirm" if "/affirm" in self._offered else "yes, send it")
            elif not self.told.not_sent or (way == "impatient" and pressed < 3):
                pressed += 1
                self.say("/affirm" if "/affirm" in self._offered else "yes, send it")
            else:
                time.sleep(0.5)
                self.look()

    def _change_mail(self) -> None:
        changed = f"t{self.trial}.new@example.org"
        self.say(f"I want to change my email to {changed}")
        if self.state.get("tracking_number") or self.state["answers"].get("email") != changed:
            self.look()
            return
        self.agreed = changed
        # The change is not agreed to before the yes; a number that was told before belongs to the old one.
        self.answer_until_review()
        self.say("/affirm" if "/affirm" in self._offered else "yes, send it")


def choose_way(chance: random.Random) -> str:
    """One of the ways, the common ones more often."""
    return chance.choices(list(WAYS), list(WAYS.values()))[0]


def until(true: Callable[[], bool], seconds: float) -> bool:
    """Wait for something; returns whether it came about."""
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.3)
    return True
