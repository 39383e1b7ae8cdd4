"""The engine as it really runs, with an action server that does as it is told."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
SECRET = "test-secret"
CANARY = "CANARY-IOE0912345678"
START_SECONDS = 120
WORDING = "utter_hello"

pytestmark = pytest.mark.slow


class Actions:
    """An action server that counts turns in a slot and can be told to fail."""

    def __init__(self) -> None:
        self.mode = "good"
        self.calls: list[dict[str, Any]] = []
        self.secrets: list[str | None] = []
        self.erased: list[str] = []
        actions = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                call = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                actions.calls.append(call)
                actions.secrets.append(self.headers.get("X-Guide-Secret"))
                status, content = actions.answer(call)
                data = json.dumps(content).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def do_DELETE(self) -> None:
                actions.secrets.append(self.headers.get("X-Guide-Secret"))
                status = 503 if actions.mode == "error" else 204
                if status == 204:
                    actions.erased.append(self.path)
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, call: dict[str, Any]) -> tuple[int, Any]:
        """Answer as the mode says; failures carry the canary, as real ones carry what a person wrote."""
        count = ((call["tracker"]["slots"].get("dialogue") or {}).get("count") or 0) + 1
        state = {"count": count, "text": call["tracker"]["latest_message"]["metadata"]["text"]}
        reply = {"response": WORDING, "language": "en", "name": "{x} " + state["text"]}
        slots = [{"event": "slot", "timestamp": None, "name": "dialogue", "value": {"count": count}}]
        if self.mode == "error":
            return 500, {"error": CANARY, "request_body": call}
        if self.mode == "invalid":
            return 200, {"events": CANARY, "responses": []}
        if self.mode == "no state":
            return 200, {"events": slots, "responses": [reply]}
        if self.mode == "no reply":
            return 200, {"events": slots, "responses": [{"custom": {"state": state}}]}
        if self.mode == "no wording":
            return 200, {"events": slots, "responses": [{**reply, "language": CANARY}, {"custom": {"state": state}}]}
        return 200, {"events": slots, "responses": [reply, {"custom": {"state": state}}]}


class Engine:
    """One Rasa process."""

    def __init__(self, folder: Path, actions: Actions) -> None:
        self.folder = folder
        self.actions = actions
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.process: subprocess.Popen[bytes] | None = None
        self.log = folder / "engine.log"

    def start(self) -> None:
        """Start and wait until the model is loaded."""
        environment = {
            **os.environ,
            "GUIDE_SECRET": SECRET,
            "GUIDE_DATA": str(self.folder),
            "RASA_PORT": str(self.port),
            "RASA_DATABASE_URL": f"sqlite:///{self.folder / 'engine.db'}",
            "ACTIONS_URL": f"http://127.0.0.1:{self.actions.port}/webhook",
            "GUIDE_REDIS_URL": "",
            "GUIDE_WORDING": str(self.folder / "wording"),
        }
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "bot.server"], cwd=ROOT, env=environment, stdout=log, stderr=log
            )
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            assert self.process.poll() is None, self.log.read_text()
            try:
                if self.request("GET", "/webhooks/internal/health")[0] == 200:
                    return
            except OSError:
                pass
            time.sleep(0.2)
        raise AssertionError(self.log.read_text())

    def cpu_seconds(self) -> float:
        """Processor time of the process so far; unlike the clock it does not mind what else the machine does."""
        assert self.process is not None
        fields = Path(f"/proc/{self.process.pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def kill(self) -> None:
        """End the process at once, as a crash would."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def request(
        self, method: str, path: str, body: bytes | None = None, secret: str = SECRET
    ) -> tuple[int, dict[str, str], Any]:
        """Send one request; returns status, headers and JSON content."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, body, {"X-Guide-Secret": secret})
            answer = connection.getresponse()
            data = answer.read()
            is_json = answer.headers.get_content_type() == "application/json"
            headers = {name.lower(): value for name, value in answer.getheaders()}
            return answer.status, headers, json.loads(data) if data and is_json else None
        finally:
            connection.close()

    def say(self, conversation: str, message: str, text: str, event: str = "text") -> tuple[int, dict[str, str], Any]:
        """Send one message."""
        content = {
            "conversation_id": conversation,
            "message_id": message,
            "event": event,
            "text": text,
            "at": "2026-05-01T12:00:00Z",
        }
        return self.request("POST", "/webhooks/internal/message", json.dumps(content).encode())


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    if not list((ROOT / "models").glob("*.tar.gz")):
        subprocess.run([sys.executable, "-m", "tools.train"], cwd=ROOT, check=True)
    folder = tmp_path_factory.mktemp("engine")
    (folder / "wording").mkdir()
    variations = [
        {"condition": [{"type": "slot", "name": "language", "value": language}], "text": f"{language} {{name}}"}
        for language in ("en", "zh-Hans", "zh-Hant")
    ]
    (folder / "wording" / "hello.yml").write_text(json.dumps({"responses": {WORDING: variations}}), encoding="utf-8")
    actions = Actions()
    running = Engine(folder, actions)
    running.start()
    yield running
    running.kill()
    actions.server.shutdown()


@pytest.fixture(autouse=True)
def _good(engine: Engine) -> Iterator[None]:
    engine.actions.mode = "good"
    yield
    assert CANARY not in engine.log.read_text()


def test_a_turn(engine: Engine) -> None:
    status, _, content = engine.say("c-turn", "m1", "I called twice about my I-485 LIN2190012345. Still nothing!")
    assert status == 200
    assert content["replies"][0]["key"] == WORDING
    assert content["replies"][0]["text"].startswith("en {x} I called twice")
    assert content["state"]["count"] == 1
    assert engine.actions.secrets[-1] == SECRET
    seen = engine.actions.calls[-1]["tracker"]["latest_message"]
    assert seen["intent"]["name"]
    assert len(seen["intent_ranking"]) >= 10
    assert {"LIN2190012345", "I-485"} <= {entity["value"] for entity in seen["entities"]}
    assert [segment["text"] for segment in seen["segments"]][1] == "Still nothing!"
    assert seen["script"] == {"language": "en"}


def test_the_same_message_again_changes_nothing(engine: Engine) -> None:
    first = engine.say("c-twice", "m1", "hello")
    calls = len(engine.actions.calls)
    assert engine.say("c-twice", "m1", "hello")[::2] == first[::2]
    assert len(engine.actions.calls) == calls


def test_the_same_message_at_the_same_moment(engine: Engine) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: engine.say("c-moment", "m1", "hello"), range(8)))
    assert {answer[0] for answer in answers} == {200}
    assert {answer[2]["state"]["count"] for answer in answers} == {1}


def test_many_messages_at_the_same_moment(engine: Engine) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda number: engine.say("c-many", f"m{number}", "hello"), range(12)))
    assert sorted(answer[2]["state"]["count"] for answer in answers) == list(range(1, 13))


def test_typed_commands_are_text(engine: Engine) -> None:
    for number, text in enumerate(("/restart", '/inform{"delivery": "fax"}', "/session_start", "／")):
        status, _, content = engine.say("c-slash", f"m{number}", text)
        assert (status, content["state"]["text"], content["state"]["count"]) == (200, text, number + 1)
        entities = engine.actions.calls[-1]["tracker"]["latest_message"]["entities"]
        assert not any(entity.get("extractor") == "payload" for entity in entities)


def test_a_button(engine: Engine) -> None:
    assert engine.say("c-button", "m1", '/inform{"grounds": ["delay"]}', "payload")[0] == 200
    seen = engine.actions.calls[-1]["tracker"]["latest_message"]
    assert seen["intent"]["name"] == "inform"
    assert seen["entities"][0]["value"] == ["delay"]
    assert engine.say("c-button", "m2", "/unheard_of", "payload")[0] == 400


def test_restart_is_no_reset(engine: Engine) -> None:
    engine.say("c-restart", "m1", "hello")
    assert engine.say("c-restart", "m2", "/restart", "payload")[2]["state"]["count"] == 2


@pytest.mark.parametrize("mode", ["error", "invalid", "no state", "no reply", "no wording"])
def test_a_failed_turn_is_told_and_leaves_no_trace(engine: Engine, mode: str) -> None:
    conversation = f"c-{mode}"
    engine.say(conversation, "m1", "hello")
    engine.actions.mode = mode
    status, headers, content = engine.say(conversation, "m2", f"my number is {CANARY}")
    assert (status, headers["retry-after"]) == (503, "1")
    assert CANARY not in json.dumps(content)
    engine.actions.mode = "good"
    assert engine.say(conversation, "m2", "again")[2]["state"]["count"] == 2


def test_nothing_without_the_secret(engine: Engine) -> None:
    for secret in ("", "wrong", SECRET + "x"):
        assert engine.request("POST", "/webhooks/internal/message", b"{}", secret)[0] == 403
        assert engine.request("DELETE", "/webhooks/internal/conversations/c-turn", None, secret)[0] == 403


@pytest.mark.parametrize("path", ["/conversations/c-turn/tracker", "/model", "/domain", "/webhooks/rest/webhook"])
def test_rasas_own_interface_is_closed(engine: Engine, path: str) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", engine.port, timeout=10)
    connection.request("GET", path)
    assert connection.getresponse().status == 404
    connection.close()


@pytest.mark.parametrize("body", [b"", b"nonsense", b"[]", b"\x00\xff" * 20, CANARY.encode()])
def test_a_malformed_request(engine: Engine, body: bytes) -> None:
    assert engine.request("POST", "/webhooks/internal/message", body)[0] == 400


def test_a_large_body_is_refused(engine: Engine) -> None:
    with suppress(BrokenPipeError, ConnectionResetError):
        assert engine.request("POST", "/webhooks/internal/message", b"x" * 2_000_000)[0] == 413
    assert engine.request("GET", "/webhooks/internal/health")[0] == 200


@pytest.mark.parametrize(
    "text",
    [
        "👍",
        "<b>&</b>",
        "'; drop table x; --",
        "\u202eabc\u202c",
        "a\u200bb",
        "ＩＯＥ０９１２３４５６７８",
        "拖" * 20_000,
    ],
)
def test_strange_text_is_answered(engine: Engine, text: str) -> None:
    status, _, content = engine.say("c-strange", text[:20], text)
    assert (status, content["state"]["text"]) == (200, text)


def test_erased(engine: Engine) -> None:
    engine.say("c-gone", "m1", "hello")
    assert engine.request("DELETE", "/webhooks/internal/conversations/c-gone")[0] == 204
    assert engine.actions.erased[-1] == "/conversations/c-gone"
    assert engine.actions.secrets[-1] == SECRET
    assert engine.say("c-gone", "m1", "hello")[2]["state"]["count"] == 1


def test_not_called_erased_while_the_action_server_keeps_something(engine: Engine) -> None:
    engine.say("c-kept", "m1", "hello")
    engine.actions.mode = "error"
    assert engine.request("DELETE", "/webhooks/internal/conversations/c-kept")[0] == 503
    engine.actions.mode = "good"
    assert engine.request("DELETE", "/webhooks/internal/conversations/c-kept")[0] == 204
    assert engine.actions.erased[-1] == "/conversations/c-kept"


def test_the_two_hundredth_turn_is_as_quick_as_the_first(engine: Engine) -> None:
    times = []
    for number in range(200):
        started = engine.cpu_seconds()
        assert engine.say("c-long", f"m{number}", "/affirm", "payload")[0] == 200
        times.append(engine.cpu_seconds() - started)
    early, late = sum(times[1:41]), sum(times[160:])
    assert late < 1.5 * early


def test_killed_and_started_again(engine: Engine) -> None:
    first = engine.say("c-killed", "m1", "hello")
    engine.kill()
    engine.start()
    assert engine.say("c-killed", "m1", "hello")[2] == first[2]
    assert engine.say("c-killed", "m2", "hello")[2]["state"]["count"] == 2
