"""A dialogue engine for tests: a real HTTP server with the internal channel, and knobs to make it misbehave."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SECRET = "engine-secret-for-tests"

GREETING = {
    "en": "Hello. What is wrong with your case?",
    "zh-Hans": "您好。您的个案出了什么问题？",
    "zh-Hant": "您好。您的案件出了什麼問題？",
}
BUTTON = {"title": "It takes too long", "payload": '/inform{"grounds": "delay"}'}


@dataclass
class FakeRasa:
    """Remembers per conversation what it was told, and the last message it finished, as the real one does."""

    turns: list[dict[str, Any]] = field(default_factory=list)
    erased: list[str] = field(default_factory=list)
    conversations: dict[str, dict[str, Any]] = field(default_factory=dict)
    delay: float = 0.0
    status: int = 200
    drop_answers: int = 0
    intake_up: bool = True
    old: bool = False
    busy: int = 0
    most_at_once: dict[str, int] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, body: dict[str, Any]) -> dict[str, Any]:
        """Run a turn, or give the stored answer for a message that was the last one."""
        conversation_id = body["conversation_id"]
        with self.lock:
            known = self.conversations.setdefault(conversation_id, {"language": "en", "said": [], "now": 0})
            if known.get("last_id") == body["message_id"]:
                return dict(known["last_answer"])
            known["now"] += 1
            self.most_at_once[conversation_id] = max(self.most_at_once.get(conversation_id, 0), known["now"])
        time.sleep(self.delay)
        with self.lock:
            known["now"] -= 1
            self.turns.append(body)
            known["said"].append(body["text"])
            if body["event"] == "open":
                known["language"] = body["language"] or "en"
            if "中文" in body["text"]:
                known["language"] = "zh-Hans"
            answer = self._replies(known, body)
            known["last_id"], known["last_answer"] = body["message_id"], answer
            return answer

    def _replies(self, known: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
        language, text = known["language"], body["text"]
        if body["event"] in ("retry", "abandon", "undo"):
            return self._without_a_person(known, body["event"])
        if body["event"] == "documents":
            known["documents"] = json.loads(text)["kinds"]
        if text in ("stop", "restart"):
            known["documents"] = []
        if text.startswith("submit "):
            known["number"] = text.split()[1]
        reply: dict[str, Any] = {
            "key": "utter_ask_grounds",
            "text": f"{len(known['said'])}: {text}",
            "language": language,
        }
        if body["event"] in ("open", "resume"):
            reply = {"key": "utter_greet", "text": GREETING[language], "language": language, "buttons": [BUTTON]}
        if text == "done":
            reply["attachments"] = [
                {"title": "Your request", "url": "guide:request/CA-2345-6789-ABCD"},
                {"title": "Calendar", "url": "guide:calendar/2027-03-01"},
                {"title": "USCIS", "url": "https://egov.uscis.gov/"},
            ]
        if text.startswith("take "):
            kinds = {"Your request": "request", "English pages only": "english", "Official form": "official"}
            reply["attachments"] = [
                {"title": title, "url": f"guide:{kind}/{text.split()[1]}"} for title, kind in kinds.items()
            ]
        if not self.old:
            reply["wording"] = self._wording(reply)
        outcome = "cancelled" if text == "stop" else None
        said = [] if outcome else known["said"]
        state = {
            "language": language,
            "asking": "grounds",
            "step": len(said),
            "steps": 9,
            "outcome": outcome,
            "tracking_number": known.get("number"),
            "grounds": [],
            "answers": {"said": len(said)} if said else {},
            "skipped": [],
        }
        if known.get("documents"):
            state["answers"] |= {"documents": known["documents"], "grounds": ["delay"], "form_type": "I-485"}
        answer: dict[str, Any] = {"replies": [reply], "state": state}
        if text.startswith("case "):
            known["case"] = text.split()[1:]
        if known.get("case") and not outcome:
            *numbers, born = known["case"]
            state["answers"] |= {"receipt_numbers": numbers, "date_of_birth": born, "full_name": "Amara Okafor"}
            answer["origins"] = {"receipt_numbers": "asked", "date_of_birth": "volunteered", "full_name": "record"}
        if text.startswith("unsent"):
            known["waits"] = text
            after = 1 if "after" in text else None
            answer["pending"] = {"kind": "request", "error": "refused", "after": after, "unsettled": True}
        elif body["event"] != "resume":
            known["waits"] = None
        if text == "offered":
            answer["pending"] = {"kind": None, "error": None, "after": None, "unsettled": True}
        return answer

    def _wording(self, reply: dict[str, Any]) -> dict[str, Any]:
        """The reply in every language: its words with the name of the language, but the greeting as it is."""

        def in_language(text: str, language: str) -> str:
            return text if language == reply["language"] else f"[{language}] {text}"

        worded: dict[str, Any] = {}
        for language in GREETING:
            text = GREETING[language] if reply["key"] == "utter_greet" else in_language(reply["text"], language)
            titles = {name: [in_language(item["title"], language) for item in reply.get(name, [])]
                      for name in ("buttons", "attachments")}  # fmt: skip
            worded[language] = {"text": text, **titles}
        return worded

    def _without_a_person(self, known: dict[str, Any], event: str) -> dict[str, Any]:
        state: dict[str, Any] = {"language": known["language"], "asking": "review", "outcome": None, "answers": {}}
        if event in ("abandon", "undo"):
            known["waits"] = None
            pending = {"kind": "revocation", "error": None, "after": None, "unsettled": True}
            return {"replies": [], "state": state} | ({} if self.intake_up else {"pending": pending})
        if not known.get("waits"):
            return {"replies": [], "state": state}
        if not self.intake_up:
            pending = {"kind": "request", "error": "stall", "after": None, "unsettled": True}
            return {"replies": [], "state": state, "pending": pending}
        known["waits"] = None
        reply = {"key": "utter_outcome_submitted", "text": "Sent: CA-2345-6789-ABCD", "language": known["language"]}
        state |= {"asking": None, "outcome": "submitted", "tracking_number": "CA-2345-6789-ABCD"}
        return {"replies": [reply], "state": state}


class FakeRasaServer:
    """Runs a `FakeRasa` on a port of its own; `stop` and `start` stand for a crash and a restart."""

    def __init__(self) -> None:
        self.rasa = FakeRasa()
        self.port = 0
        self.start()

    def start(self) -> None:
        """Listen (again, on the same port)."""
        rasa = self.rasa
        stopped = self._stopped = threading.Event()

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True
            wbufsize = -1

            def _send(self, status: int, body: Any = None) -> None:
                raw = b"" if body is None else json.dumps(body, ensure_ascii=False).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)
                self.wfile.flush()

            def handle_one_request(self) -> None:
                super().handle_one_request()
                self.close_connection |= stopped.is_set()

            def parse_request(self) -> bool:
                if stopped.is_set():
                    self.close_connection = True
                    return False
                return super().parse_request()

            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers["X-Guide-Secret"] != SECRET:
                    return self._send(403)
                if rasa.status != 200:
                    return self._send(rasa.status)
                answer = rasa.answer(json.loads(raw))
                if rasa.drop_answers > 0:
                    rasa.drop_answers -= 1
                    self.close_connection = True
                    return self.connection.shutdown(2)
                return self._send(200, answer)

            def do_DELETE(self) -> None:
                if rasa.status != 200:
                    return self._send(rasa.status)
                rasa.erased.append(self.path.rsplit("/", 1)[-1])
                return self._send(204)

            def do_GET(self) -> None:
                self._send(200 if rasa.status == 200 else 503, {"status": "ok"})

            def log_message(self, *_: Any) -> None:
                """Quiet."""

        ThreadingHTTPServer.allow_reuse_address = True
        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def stop(self) -> None:
        """Stop listening."""
        self._stopped.set()
        self._server.shutdown()
        self._server.server_close()
