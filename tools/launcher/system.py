"""The real system: which processes, with which secrets, and how to tell that a person gets an answer."""

from __future__ import annotations

import fcntl
import http.client
import json
import os
import urllib.request
from collections.abc import Mapping
from pathlib import Path

from tools.launcher import keys, ports
from tools.launcher.console import Failure, say
from tools.launcher.settings import BOT_PYTHON, ROOT, SERVICE_PYTHON, Settings, child_environment
from tools.launcher.supervisor import Process, Supervisor

PAGE = "/chat/"
AGENCY_CREDENTIAL = "INTAKE_CREDENTIAL"
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def processes(settings: Settings, secrets: dict[str, str]) -> list[Process]:
    """The processes; each gets only the secrets it needs. The front door comes first: it is stopped first."""

    def environment(*names: str) -> dict[str, str]:
        whole = child_environment(settings)
        whole.setdefault("INTAKE_URL", settings.url)
        hidden = {*secrets, *keys.FOR_THE_SERVICE, *keys.FOR_TELEGRAM, *keys.FOR_THE_CONSOLE, AGENCY_CREDENTIAL}
        others = {name: value for name, value in whole.items() if name not in hidden}
        # It stands for the token where an agency's own intake backend is used.
        agency = {name: whole[name] for name in (AGENCY_CREDENTIAL,) if name in whole and "INTAKE_TOKEN" in names}
        return {**others, **agency, **{name: secrets[name] for name in names}}

    def of_the_service() -> dict[str, str]:
        given = child_environment(settings)
        own = {name: given[name] for name in keys.FOR_THE_SERVICE if name in given}
        return {**environment(*keys.NAMES), **own}

    def of_the_messenger() -> dict[str, str]:
        given = child_environment(settings)
        own = {name: given[name] for name in keys.FOR_TELEGRAM if name in given}
        return {"GUIDE_FRONT_DOOR": settings.url, **environment("GUIDE_WORKER_SECRET"), **own}

    def of_the_console() -> dict[str, str]:
        given = child_environment(settings)
        names = (*keys.FOR_THE_CONSOLE, *keys.OF_THE_CONSOLE_TOO)
        own = {name: given[name] for name in names if name in given}
        return {"GUIDE_URL": settings.url, **environment("GUIDE_CONSOLE_SECRET"), **own}

    # Without a bot there is nothing to run, and nothing to say about it.
    messenger = Process(
        name="messenger",
        title="the worker for Telegram",
        command=[str(SERVICE_PYTHON), "-m", "messenger"],
        cwd=ROOT,
        environment=of_the_messenger(),
        essential=False,
    )
    console = Process(
        name="console",
        title="the call console",
        command=[str(SERVICE_PYTHON), "-m", "console"],
        cwd=ROOT,
        environment=of_the_console(),
        health_url=f"{settings.console_url}/health",
        essential=False,
    )
    wanted = [messenger] if settings.environment.get("TELEGRAM_TOKEN") else []
    if settings.console_url is not None:
        wanted.append(console)

    return [
        Process(
            name="service",
            title="the service",
            command=[str(SERVICE_PYTHON), "-m", "service"],
            cwd=ROOT,
            environment=of_the_service(),
            health_url=f"{settings.url}/v1/health",
        ),
        Process(
            name="engine",
            title="the engine (Rasa)",
            command=[str(BOT_PYTHON), "-m", "bot.server"],
            cwd=ROOT,
            environment=environment("GUIDE_SECRET"),
            health_url=f"http://127.0.0.1:{settings.rasa_port}/webhooks/internal/health",
        ),
        Process(
            name="actions",
            title="the action server",
            command=[str(BOT_PYTHON), "-m", "actions.server"],
            cwd=ROOT,
            environment=environment("GUIDE_SECRET", "INTAKE_TOKEN"),
            health_url=f"http://127.0.0.1:{settings.actions_port}/health",
        ),
        *wanted,
    ]


def answers(url: str) -> bool:
    """Whether a person gets a greeting through the front door. The trial conversation is erased again."""
    try:
        opened = _ask("POST", f"{url}/chat/session", b"{}")
        _ask("DELETE", f"{url}/chat/session", None, opened["session"])
        with _direct.open(f"{url}{PAGE}", timeout=5) as page:
            return bool(page.status == 200)
    except (OSError, http.client.HTTPException, ValueError, KeyError):
        return False


def _has_no_accounts(console_url: str) -> bool:
    try:
        return not _ask("GET", f"{console_url}/health", None).get("accounts", True)
    except (OSError, http.client.HTTPException, ValueError):
        return False


def _ask(method: str, url: str, body: bytes | None, session: str = "") -> dict[str, str]:
    headers = {"Content-Type": "application/json"}
    if session:
        headers["Authorization"] = f"Bearer {session}"
    request = urllib.request.Request(url, data=body, headers=headers, method=method)  # noqa: S310 (our own address)
    with _direct.open(request, timeout=30) as response:
        content = response.read()
    return dict(json.loads(content)) if content else {}


def serve(settings: Settings, ready_file: Path | None = None) -> int:
    """Run the system until it is stopped.

    Args:
        settings: Where and with what.
        ready_file: Written when people get answers: JSON with `url` and `data`.

    Returns:
        Exit code: 0 after a stop that was asked for, 1 when a process could not be kept alive.

    Raises:
        Failure: It can't be started at all; the text says why.
    """
    keys.make_private(settings.data)
    keys.make_private(settings.logs)
    with (settings.data / "run.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Failure(
                f"The data folder {settings.data} is in use by another run. Stop that one, or choose another "
                "folder: GUIDE_DATA=folder make run"
            ) from None
        ports.check(settings)
        secrets = keys.load(settings.data, settings.environment)
        ids = settings.data / "run.json"

        def note(running: dict[str, int]) -> None:
            places = {"url": settings.url, "console_url": settings.console_url}
            _write(ids, {"supervisor": os.getpid(), **places, **running})

        def ready() -> bool:
            if not answers(settings.url):
                return False
            calls = f"\nCall console: {settings.console_url}/" if settings.console_url else ""
            say(f"\nReady: {settings.url}{PAGE}{calls}\nCtrl-C stops everything. Logs: {settings.logs}")
            if settings.console_url and _has_no_accounts(settings.console_url):
                say("The call console has no accounts yet. Make the first: make staff-user NAME=ann ROLE=supervisor")
            if ready_file is not None:
                _write(ready_file, {"url": settings.url, "data": str(settings.data)})
            return True

        say("• Starting the engine (Rasa), the action server and the service …")
        try:
            return Supervisor(processes(settings, secrets), settings.logs, on_change=note).run(ready)
        finally:
            ids.unlink(missing_ok=True)


def _write(path: Path, content: Mapping[str, object]) -> None:
    """Write a small file in one go, so that nobody reads half of it."""
    temporary = path.with_name(f".{path.name}")
    temporary.write_text(json.dumps(content), encoding="utf-8")
    os.replace(temporary, path)
