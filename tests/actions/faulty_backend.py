"""An intake backend of an agency's own for tests: a real HTTP server with faults by plan. Nothing of ours is in it."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"


def tracking_number(count: int) -> str:
    """A number as our own backend makes them, with its check character."""
    from triage import tracking

    signs = ""
    for _ in range(tracking.RANDOM_LENGTH):
        count, rest = divmod(count, len(ALPHABET))
        signs += ALPHABET[rest]
    return tracking.make(signs)


@dataclass
class Backend:
    """What it has stored, and what it does wrong next.

    Attributes:
        faults: Taken from the front, one for each POST of a request or of feedback; see ``_fault``.
        stored: Key → body, answer and whether it is withdrawn.
        can_revoke: Whether it knows how to take keys back.
        links: Answered with a stored request.
        filed_status: Answered to every question about a filed request, unless 0.
        filed_faults: As ``faults``, for withdrawing and erasing.
        erased: Number → facts of what was erased.
        remembers_erased: Whether the same proof gets the same receipt again, as with our own backend.
    """

    path: str = "/v1/case-requests"
    key_header: str = "Idempotency-Key"
    number_field: str = "tracking_number"
    wanted_headers: dict[str, str] = field(default_factory=lambda: {"Authorization": "Bearer secret-token"})
    plain_number: bool = False
    can_revoke: bool = True
    similar: list[dict[str, str]] = field(default_factory=list)
    links: dict[str, str] = field(default_factory=dict)
    filed_status: int = 0
    status: str = "received"
    history: list[dict[str, str]] = field(default_factory=list)
    revoke_faults: list[str] = field(default_factory=list)
    filed_faults: list[str] = field(default_factory=list)
    erased: dict[str, set[str]] = field(default_factory=dict)
    remembers_erased: bool = False
    faults: list[str] = field(default_factory=list)
    stored: dict[str, dict[str, Any]] = field(default_factory=dict)
    revoked: set[str] = field(default_factory=set)
    seen: list[tuple[str, str]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def live(self) -> list[dict[str, Any]]:
        """Requests that count."""
        return [item for item in self.stored.values() if not item["withdrawn"]]

    def store(self, key: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Store under a key, as an intake does that compares whole bodies."""
        digest = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
        with self.lock:
            if key in self.revoked:
                return 410, {"error": "erased", "message": ""}
            known = self.stored.get(key)
            if known is not None:
                return (200, known["answer"]) if known["digest"] == digest else (409, {"error": "key_reused"})
            number = str(1000 + len(self.stored)) if self.plain_number else tracking_number(1000 + len(self.stored))
            answer: dict[str, Any] = {self.number_field: number, "status": "received", "similar": self.similar,
                                      "links": self.links}
            self.stored[key] = {"digest": digest, "body": body, "answer": answer, "withdrawn": False}
            return 201, answer

    def about_a_filed_one(self, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Status, withdrawal or erasure for somebody with a proof."""
        if self.filed_status:
            return self.filed_status, {"error": "x", "message": ""}
        number = body.get("tracking_number") or path.split("/")[-2]
        for key, item in self.stored.items():
            facts = (item["body"].get("date_of_birth"), *item["body"].get("receipt_numbers", ()))
            if item["answer"][self.number_field] == number and set(body["proof"].values()) <= set(facts):
                if path.endswith("/erase"):
                    del self.stored[key]
                    self.erased[number] = set(facts)
                    return 200, {"receipt": "receipt-1"}
                item["withdrawn"] |= path.endswith("/withdraw")
                status = "withdrawn" if item["withdrawn"] else self.status
                now = {"status": status, "at": "2026-11-24T09:00:00Z"}
                return 200, {"status": status, "history": [*self.history, now]}
        if self.remembers_erased and set(body["proof"].values()) <= self.erased.get(number, set()):
            return (200 if path.endswith("/erase") else 410), {"error": "erased", "receipt": "receipt-1"}
        return 404, {"error": "not_found", "message": ""}

    def revoke(self, key: str) -> dict[str, Any]:
        """Take a key back."""
        with self.lock:
            self.revoked.add(key)
            if key not in self.stored:
                return {"state": "unused"}
            self.stored[key]["withdrawn"] = True
            return {"state": "withdrawn"}


class BackendServer:
    """Runs a ``Backend`` on a port of its own."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self.port = 0
        self.start()

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Listen (again, on the same port)."""
        ThreadingHTTPServer.allow_reuse_address = True
        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), _handler(self.backend))
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def stop(self) -> None:
        """Stop listening: connections are refused."""
        self._server.shutdown()
        self._server.server_close()


def _handler(backend: Backend) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _send(self, status: int, body: Any, kind: str = "application/json", **headers: str) -> None:
            raw = body.encode() if isinstance(body, str) else json.dumps(body).encode()
            self.send_response(status)
            for name, value in {"Content-Type": kind, "Content-Length": str(len(raw)), **headers}.items():
                self.send_header(name.replace("_", "-"), value)
            self.end_headers()
            self.wfile.write(raw)

        def _drop(self) -> None:
            self.close_connection = True
            self.connection.shutdown(2)

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            key = self.headers.get(backend.key_header, "")
            backend.seen.append((self.path, key))
            for name, value in backend.wanted_headers.items():
                if self.headers.get(name) != value:
                    return self._send(401, {"error": "unauthorized", "message": ""})
            if self.path == "/v1/idempotency-keys/revoke":
                if not backend.can_revoke:
                    return self._send(404, "<html>no such page</html>", "text/html")
                if backend.revoke_faults:
                    return self._fault(backend.revoke_faults.pop(0), lambda: (200, backend.revoke(body["key"])))
                return self._send(200, backend.revoke(body["key"]))
            if self.path.endswith(("/lookup", "/withdraw", "/erase")):
                fault = backend.filed_faults.pop(0) if backend.filed_faults and self._changes() else ""
                return self._fault(fault, lambda: backend.about_a_filed_one(self.path, body))
            if self.path not in (backend.path, "/v1/feedback"):
                return self._send(404, {"error": "not_found", "message": ""})
            fault = backend.faults.pop(0) if backend.faults else ""
            return self._fault(fault, lambda: backend.store(key, body))

        def _changes(self) -> bool:
            return not self.path.endswith("/lookup")

        def _fault(self, fault: str, work: Any) -> None:
            if fault.isdigit():
                return self._send(int(fault), {"error": "x", "message": ""})
            if fault.startswith("422 "):
                fields = [{"field": name, "problem": "", "code": "too_long"} for name in fault.split()[1:]]
                return self._send(422, {"error": "invalid", "message": "", "fields": fields})
            if fault.startswith("429"):
                return self._send(429, {"error": "busy"}, Retry_After=fault.partition(" ")[2] or "1")
            if fault == "html_502":
                return self._send(502, "<html>Bad gateway</html>", "text/html")
            if fault == "html_200":
                return self._send(200, "<html>Sign in</html>", "text/html")
            if fault == "bad_json":
                return self._send(201, '{"tracking_number": "CA-')
            if fault == "no_number":
                return self._send(201, {"status": "received"})
            if fault == "wrong_number":
                return self._send(201, {backend.number_field: "see your e-mail"})
            if fault == "drop_before":
                return self._drop()
            if fault == "stall":
                time.sleep(4)
                return self._drop()
            status, answer = work()
            if fault == "drop_after":
                return self._drop()
            if fault == "500_after":
                return self._send(500, {"error": "x", "message": ""})
            if fault == "stall_after":
                time.sleep(4)
                return self._drop()
            return self._send(status, answer)

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    return Handler
