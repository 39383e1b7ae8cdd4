"""Nothing a person wrote, sent or is called stands in any log or error answer: canaries are planted and looked for."""

from __future__ import annotations

import json
import time
import urllib.parse
import uuid
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from tests.conversations.client import Chat
from tests.conversations.people import go_on
from tests.conversations.running import NAMES, Running
from tests.conversations.test_outcomes import BY_MAIL, CANCEL, OPENINGS, YES

# What each person answers; nothing of it may be found, nor as the system itself writes it (`CANARIES`).
PEOPLE: dict[str, dict[str, str]] = {
    "en": {
        "full_name": "Quillon Vexworth",
        "signature_name": "Quillon Vexworth",
        "receipt_numbers": "ioe 0977-331-155",
        "a_number": "A077-331-955",
        "email": "quillon.vexworth@example.org",
        "mailing_address": "9173 Marmoset Hollow, Oakland, CA 94607",
        "date_of_birth": "February 19, 1971",
        "problem_description": "The marmoset next door chewed my green card and USCIS printed the wrong name.",
        "contact_center_detail": "An officer called Zebulon promised a new card.",
    },
    "zh-Hans": {
        "full_name": "欧阳翡翠",
        "signature_name": "欧阳翡翠",
        "receipt_numbers": "IOE0966224477",
        "a_number": "A066224577",
        "email": "feicui.ouyang@example.org",
        "mailing_address": "8264 Pangolin Terrace, San Jose, CA 95112",
        "date_of_birth": "1969年12月8日",
        "problem_description": "邻居的穿山甲咬坏了我的绿卡，移民局又印错了名字。",
        "contact_center_detail": "接电话的专员说要补寄一张貔貅图案的卡。",
    },
    "zh-Hant": {
        "full_name": "司徒瓊瑤",
        "signature_name": "司徒瓊瑤",
        "receipt_numbers": "MSC2190123987",
        "a_number": "A055117799",
        "phone": "415-555-0187",
        "email": "沒有電子郵件",
        "mailing_address": "7355 Axolotl Court, Fremont, CA 94538",
        "date_of_birth": "民國57年5月17日",
        "problem_description": "鄰居的水豚咬壞了我的綠卡，移民局又印錯了名字。",
        "contact_center_detail": "接電話的專員說要補寄一張麒麟圖案的卡。",
    },
}
CANARIES = {
    "en": [
        "Quillon",
        "Vexworth",
        "IOE0977331155",
        "0977-331-155",
        "077331955",
        "077-331-955",
        "quillon.vexworth",
        "Marmoset",
        "1971-02-19",
        "February 19, 1971",
        "Zebulon",
    ],
    "zh-Hans": [
        "欧阳翡翠",
        "IOE0966224477",
        "066224577",
        "feicui.ouyang",
        "Pangolin",
        "1969-12-08",
        "1969年12月8日",
        "穿山甲",
        "貔貅",
    ],
    "zh-Hant": [
        "司徒瓊瑤",
        "MSC2190123987",
        "055117799",
        "415-555-0187",
        "4155550187",
        "Axolotl",
        "1968-05-17",
        "民國57年5月17日",
        "水豚",
        "麒麟",
    ],
}
LOST = "Wrongbody-Kestrel-雲雀"
JSON = "application/json"


@dataclass
class Planted:
    """What was sent, and what came back from requests that were refused.

    Attributes:
        errors: Bodies and headers of refusals.
        secrets: Tokens, codes and links that were given out.
    """

    errors: list[str] = field(default_factory=list)
    secrets: list[str] = field(default_factory=list)

    def refused(self, answer: httpx.Response) -> None:
        """Keep what was answered to something wrong."""
        assert answer.status_code >= 400, (answer.request.method, str(answer.request.url)[:120])
        self.errors.append(f"{answer.text}\n{dict(answer.headers)}")


def spellings(canary: str) -> set[bytes]:
    """A canary as text, as JSON and Python escape it, and as part of an address; in lower case."""
    utf8 = canary.encode()
    forms = {
        utf8,
        json.dumps(canary)[1:-1].encode(),
        urllib.parse.quote(canary).encode(),
        repr(utf8)[2:-1].encode(),
        canary.encode("utf-16-le"),
        urllib.parse.quote_plus(canary).encode(),
    }
    return {form.lower() for form in forms}


def found(canaries: list[str], contents: dict[str, bytes]) -> list[tuple[str, str]]:
    """Which canary stands in which content."""
    lowered = {name: content.lower() for name, content in contents.items()}
    return [
        (canary, name)
        for canary in canaries
        for name, content in lowered.items()
        if any(form in content for form in spellings(canary))
    ]


def contents(paths: list[Path]) -> dict[str, bytes]:
    """Every file with what is in it."""
    return {path.name: path.read_bytes() for path in paths}


@pytest.fixture(scope="module")
def planted(base: str, running: Running) -> Planted:
    """Canaries in whole conversations, in feedback and in everything that can be sent wrongly."""
    kept = Planted()
    for language, own in PEOPLE.items():
        chat = Chat(base, language).open()
        chat.say(OPENINGS["submitted"][language])
        go_on(chat, language, until="review", **own)
        kept.secrets.append(chat.request("POST", "/chat/save", {}, expect=201)["resume_code"])
        go_on(chat, language)
        assert chat.outcome == "submitted"
        kept.secrets += [chat.token, *_follow_links(chat)]
        _plant_in_errors(chat, running, kept, [*own.values(), LOST])
    _plant_elsewhere(base)
    return kept


def _follow_links(chat: Chat) -> list[str]:
    links = [item["url"] for reply in chat.replies for item in reply.get("attachments", ())]
    assert links
    for link in links:
        assert httpx.get(chat.base + link, timeout=60).status_code == 200
    return [link.split("/")[3] for link in links]


def _plant_elsewhere(base: str) -> None:
    """Outcomes other than a submitted request."""
    own = PEOPLE["en"]
    feedback = Chat(base, "en").open().say(OPENINGS["feedback"]["en"])
    go_on(feedback, "en", feedback_text=own["problem_description"])
    assert feedback.outcome == "feedback"
    paper = Chat(base, "en").open().say(OPENINGS["submitted"]["en"])
    go_on(paper, "en", **own, delivery=BY_MAIL["en"])
    assert paper.outcome == "prepared"
    gone = Chat(base, "en").open().say(OPENINGS["submitted"]["en"])
    go_on(gone, "en", until="problem_description", **own)
    gone.say(CANCEL["en"]).say(YES["en"])
    assert gone.outcome == "cancelled"
    status = Chat(base, "en").open().say(f"What about my request {paper.state['tracking_number']}?")
    status.say(own["date_of_birth"])


def _plant_in_errors(chat: Chat, running: Running, kept: Planted, canaries: list[str]) -> None:
    """Every kind of wrong request, with canaries wherever something can be put."""
    whole = " / ".join(canaries)
    bearer = {"Authorization": f"Bearer {chat.token}"}
    bodies = [
        whole.encode(),
        whole.encode("utf-16"),
        json.dumps({"id": "broken", "text": whole}).encode()[:-2],
        json.dumps([whole]).encode(),
        json.dumps({"id": whole * 5, "text": whole}).encode(),
        json.dumps({"id": uuid.uuid4().hex, "text": [whole], whole: whole}).encode(),
        json.dumps({"id": uuid.uuid4().hex, "text": whole, "payload": whole}).encode(),
        json.dumps({"id": uuid.uuid4().hex, "payload": whole[:1000]}).encode(),
        json.dumps({"id": uuid.uuid4().hex, "text": whole * 400}).encode(),
    ]
    sent = httpx.Client(base_url=chat.base, timeout=60)
    quoted = urllib.parse.quote(whole, safe="")
    named = {
        "User-Agent": whole.encode(),
        "Referer": f"http://x/{quoted}",
        "Cookie": f"name={quoted}",
        "X-Forwarded-For": quoted,
        "X-Request-Id": quoted,
        "Accept-Language": quoted[:200],
    }
    with sent:
        for body in bodies:
            kept.refused(sent.post("/chat/messages", content=body, headers={**bearer, "Content-Type": JSON}))
            kept.refused(sent.post("/chat/messages", content=body, headers={**bearer, "Content-Type": "text/plain"}))
        kept.refused(sent.post("/chat/session", json={"language": [whole]}))
        kept.refused(sent.post("/chat/session", json={"resume_code": whole}))
        kept.refused(sent.get("/chat/history", headers={"Authorization": b"Bearer " + whole.encode()}))
        kept.refused(sent.get(f"/{quoted}?{quoted}", headers=named))
        kept.refused(sent.get(f"/chat/files/{quoted}/{quoted}"))
        kept.refused(sent.request("QUILLON", "/chat/", headers=named))
        kept.refused(sent.post("/chat/documents", files={"file": (whole[:80], whole.encode())}, headers=bearer))
        token = {"Authorization": f"Bearer {running.secret('INTAKE_TOKEN')}", "Idempotency-Key": uuid.uuid4().hex}
        wrong = {
            "grounds": [whole],
            "full_name": {"name": whole},
            "email": whole,
            "receipt_numbers": [whole],
            "date_of_birth": whole,
            "unknown_field": whole,
        }
        kept.refused(sent.post("/v1/case-requests", json=wrong, headers=token))
        kept.refused(sent.post("/v1/case-requests", content=whole.encode(), headers={**token, "Content-Type": JSON}))
        kept.refused(sent.post("/v1/case-requests", json=wrong, headers={**token, "Authorization": f"Bearer {quoted}"}))
        kept.refused(sent.post("/v1/feedback", json={"text": [whole], "feedback_text": [whole]}, headers=token))
        kept.refused(sent.get(f"/v1/case-requests/{quoted}?name={quoted}", headers=token))
    _plant_inside(running, kept, whole)


def _plant_inside(running: Running, kept: Planted, whole: str) -> None:
    """What only our own processes could send each other, gone wrong."""
    secret = {"X-Guide-Secret": running.secret("GUIDE_SECRET")}
    quoted = urllib.parse.quote(whole, safe="")
    turn = {
        "conversation_id": "wrong",
        "message_id": "1",
        "event": "payload",
        "text": whole,
        "language": None,
        "at": "2026-11-24T10:00:00+00:00",
    }
    call = {
        "next_action": "action_converse",
        "domain": {},
        "tracker": {
            "sender_id": whole,
            "slots": {whole: whole},
            "latest_message": {"text": whole, "metadata": whole},
            "events": whole,
        },
    }
    engine, actions = running.inside("engine"), running.inside("actions")
    kept.refused(httpx.post(f"{engine}/webhooks/internal/message", json=turn, headers=secret, timeout=60))
    kept.refused(httpx.post(f"{engine}/webhooks/internal/message", content=whole.encode(), headers=secret, timeout=60))
    kept.refused(httpx.post(f"{engine}/webhooks/internal/message", json=turn, timeout=60))
    httpx.get(f"{engine}/{quoted}?{quoted}", timeout=60)  # repeats the address to whoever asked, and to nobody else
    httpx.post(f"{actions}/webhook", json=call, headers=secret, timeout=60)  # answered with an apology
    kept.refused(httpx.post(f"{actions}/webhook", content=whole.encode(), headers=secret, timeout=60))
    kept.refused(httpx.get(f"{actions}/{quoted}?{quoted}", headers=secret, timeout=60))


def test_the_search_finds_what_is_there(tmp_path: Path) -> None:
    everything = [canary for canaries in CANARIES.values() for canary in canaries]
    log = tmp_path / "scratch.log"
    for canary in everything:
        for written in (
            canary,
            canary.upper(),
            json.dumps({"text": canary}),
            urllib.parse.quote(canary),
            str(canary.encode()),
        ):
            log.write_text(f'{{"level": "info", "event": "before {written} after"}}\n', encoding="utf-8")
            assert found([canary], contents([log])) == [(canary, "scratch.log")], written
    log.write_text('{"level": "info", "event": "nothing here"}\n', encoding="utf-8")
    assert found(everything, contents([log])) == []


def test_the_logs_are_those_of_all_processes(planted: Planted, running: Running) -> None:
    logs = contents(running.logs())
    assert {f"{name}.log" for name in NAMES} <= set(logs)
    assert all(logs[f"{name}.log"].strip() for name in NAMES)
    deadline = time.monotonic() + 10
    while found(["send_message"], contents(running.logs())) == []:
        assert time.monotonic() < deadline, "what the front door did is not logged"
        time.sleep(0.2)


def test_no_canary_in_any_log(planted: Planted, running: Running) -> None:
    time.sleep(0.5)  # the last lines are on their way
    everything = [canary for canaries in CANARIES.values() for canary in canaries]
    assert found([*everything, *LOST.split("-")], contents(running.logs())) == []


def test_no_token_code_or_secret_in_any_log(planted: Planted, running: Running) -> None:
    assert len(planted.secrets) >= 3 * len(PEOPLE)
    secrets = [*planted.secrets, *(running.secret(name) for name in ("GUIDE_SECRET", "INTAKE_TOKEN", "SESSION_KEY"))]
    assert found(secrets, contents(running.logs())) == []


def test_no_canary_in_any_error(planted: Planted) -> None:
    assert len(planted.errors) > 100
    everything = [canary for canaries in CANARIES.values() for canary in canaries]
    texts = {str(number): text.encode() for number, text in enumerate(planted.errors)}
    assert found([*everything, *LOST.split("-")], texts) == []
    assert found(["Traceback", "site-packages", 'File "', "Exception"], texts) == []


def test_the_canaries_were_really_there(planted: Planted, running: Running) -> None:
    """Else nothing would be found because nothing was sent."""
    for own in PEOPLE.values():
        assert running.requests_with(json.dumps(own["full_name"], ensure_ascii=False)[1:-1]) >= 1
        assert running.requests_with(json.dumps(own["problem_description"], ensure_ascii=False)[1:-1]) >= 1
    assert running.feedback_with("marmoset") >= 1
