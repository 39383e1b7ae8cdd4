"""The secrets of an installation: made once, kept in one file that only its owner can read."""

from __future__ import annotations

import os
import secrets
import stat
import tempfile
from collections.abc import Mapping
from pathlib import Path

from tools.launcher.console import say
from tools.launcher.settings import read_env_file

# GUIDE_SECRET: front door to engine and engine to action server. INTAKE_TOKEN: to the intake backend.
# SESSION_KEY: signs the sessions of the people who write. GUIDE_CONSOLE_SECRET: call console to front door.
# GUIDE_WORKER_SECRET: workers of messengers to front door.
NAMES = ("GUIDE_SECRET", "INTAKE_TOKEN", "SESSION_KEY", "GUIDE_CONSOLE_SECRET", "GUIDE_WORKER_SECRET")
# What opens the data at rest, and where it is: for the service alone. The service makes the key file, data.keys in the
# data folder, itself when none of these is given.
FOR_THE_SERVICE = (
    *("GUIDE_DATA_KEYS", "GUIDE_DATA_KEY_FILE"),
    *("DATABASE_URL", "INTAKE_DATABASE_URL", "GUIDE_DATABASE_URL"),
    *("DOCUMENTS_URL", "DOCUMENTS_S3_ENDPOINT", "DOCUMENTS_S3_REGION", "DOCUMENTS_S3_KEY_ID", "DOCUMENTS_S3_SECRET"),
)
# For the worker of the messenger alone: the bot's token, and where the worker keeps what it has to do.
FOR_TELEGRAM = (
    *("TELEGRAM_TOKEN", "TELEGRAM_WEBHOOK_URL", "TELEGRAM_WEBHOOK_SECRET", "TELEGRAM_WEBHOOK_HOST"),
    *("TELEGRAM_WEBHOOK_PORT", "TELEGRAM_API_BASE", "TELEGRAM_DATABASE_URL", "TELEGRAM_CHAT_PAUSE_SECONDS"),
)
# For the call console alone: its keys and its single sign-on; and where its tables are, which the service has as well.
FOR_THE_CONSOLE = ("CONSOLE_KEYS", "CONSOLE_OIDC_CLIENT_SECRET")
OF_THE_CONSOLE_TOO = ("DATABASE_URL", "GUIDE_DATABASE_URL")
RANDOM_BYTES = 32
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def make_private(folder: Path) -> None:
    """Create a folder that only its owner can enter, or take everybody else's access away."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if stat.S_IMODE(folder.stat().st_mode) & _OTHERS:
        folder.chmod(0o700)


def load(data: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """Return the secrets: from the environment, else from `secrets.env`, else new ones that are stored there.

    What is stored is never overwritten. A file that others can read is closed to them.

    Args:
        data: The data folder.
        environment: May hold any of the names.
    """
    make_private(data)
    path = data / "secrets.env"
    if path.exists() and stat.S_IMODE(path.stat().st_mode) & _OTHERS:
        path.chmod(0o600)
        say(f"! {path} could be read by other users of this machine. It is closed now; think about new secrets.")
    stored = read_env_file(path)
    known = {name: environment.get(name) or stored.get(name, "") for name in NAMES}
    missing = [name for name in NAMES if not known[name]]
    if missing:
        made = {name: secrets.token_urlsafe(RANDOM_BYTES) for name in missing}
        old = path.read_text(encoding="utf-8") if path.exists() else ""
        if old and not old.endswith("\n"):
            old += "\n"
        _replace(path, old + "".join(f"{name}={value}\n" for name, value in made.items()))
        known.update(made)
    return known


def _replace(path: Path, text: str) -> None:
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".secrets-")  # created with mode 600
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)
