"""Where things are and what the environment and `.env` say."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tools.launcher.console import Failure

ROOT = Path(__file__).resolve().parents[2]
BOT_PYTHON = ROOT / "bot" / ".venv" / "bin" / "python"
SERVICE_PYTHON = ROOT / ".venv" / "bin" / "python"
PORT_NAMES = ("PORT", "RASA_PORT", "ACTIONS_PORT", "CONSOLE_PORT")
# What tells one installation from another; tests and measurements must neither use nor change it.
INSTALLATION = (
    *PORT_NAMES,
    *("HOST", "GUIDE_DATA", "GUIDE_DATABASE_URL", "INTAKE_DATABASE_URL", "RASA_DATABASE_URL", "GUIDE_REDIS_URL"),
    "GUIDE_REVIEW_DATABASE_URL",
    *("RASA_URL", "RASA_HOST", "RASA_MODEL", "ACTIONS_URL", "ACTIONS_HOST", "INTAKE_URL", "GUIDE_TRUSTED_PROXIES"),
    *("GUIDE_SECRET", "INTAKE_TOKEN", "SESSION_KEY", "GUIDE_CONSOLE_SECRET", "GUIDE_WORKER_SECRET"),
    *("GUIDE_CONSOLE", "CONSOLE_HOST", "CONSOLE_URL", "CONSOLE_KEYS", "CONSOLE_TRUSTED_PROXIES", "CONSOLE_OIDC_ISSUER"),
    *("CONSOLE_OIDC_CLIENT_ID", "CONSOLE_OIDC_CLIENT_SECRET", "CONSOLE_OIDC_ROLE_CLAIM", "CONSOLE_OIDC_ROLES"),
    *("GUIDE_EMBED_ORIGINS", "GUIDE_OFFICIAL", "TELEGRAM_BOT"),
    *("GUIDE_PUBLIC_URL", "TELEGRAM_TOKEN", "TELEGRAM_WEBHOOK_URL", "TELEGRAM_WEBHOOK_SECRET", "TELEGRAM_WEBHOOK_HOST"),
    *("TELEGRAM_WEBHOOK_PORT", "TELEGRAM_API_BASE", "TELEGRAM_DATABASE_URL", "TELEGRAM_CHAT_PAUSE_SECONDS"),
    # How an agency's own intake is spoken to, and how patiently.
    *("INTAKE_CREDENTIAL", "INTAKE_AUTH", "INTAKE_REQUESTS_PATH", "INTAKE_FEEDBACK_PATH", "INTAKE_REVOKE_PATH"),
    *("INTAKE_LOOKUP_PATH", "INTAKE_WITHDRAW_PATH", "INTAKE_ERASE_PATH", "INTAKE_PDF_PATH", "INTAKE_KEY_HEADER"),
    *("INTAKE_NUMBER_FIELD", "INTAKE_NUMBER_PATTERN", "INTAKE_HOST", "INTAKE_PORT"),
    *("INTAKE_ATTEMPT_SECONDS", "INTAKE_TURN_SECONDS", "INTAKE_CIRCUIT_SECONDS", "INTAKE_CIRCUIT_FAILURES"),
    *("GUIDE_UNSENT_FIRST_SECONDS", "GUIDE_UNSENT_LONGEST_SECONDS"),
    *("DATABASE_URL", "GUIDE_DATA_KEYS", "GUIDE_DATA_KEY_FILE"),
    # Where documents lie, and who scans them.
    *("DOCUMENTS_URL", "DOCUMENTS_S3_ENDPOINT", "DOCUMENTS_S3_REGION", "DOCUMENTS_S3_KEY_ID", "DOCUMENTS_S3_SECRET"),
    *("CLAMD_URL", "CLAMD_DOWN", "GUIDE_HANDOVER_FIRST_SECONDS", "INTAKE_DOCUMENTS_PATH"),
)
EVERY_ADDRESS = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}  # noqa: S104 (compared with, not bound to)

# One thread each: on a small machine the processes must not fight for the cores. The rest keeps libraries quiet.
CHILD_DEFAULTS = {
    "CUDA_VISIBLE_DEVICES": "-1",
    "MKL_NUM_THREADS": "1",
    "NUMEXPR_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "PYTHONUNBUFFERED": "1",
    "PYTHONUTF8": "1",
    "RASA_TELEMETRY_ENABLED": "false",
    "SILENCE_UBER_WARNING": "1",
    "SQLALCHEMY_SILENCE_UBER_WARNING": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "TF_NUM_INTEROP_THREADS": "1",
    "TF_NUM_INTRAOP_THREADS": "1",
}
# They would lead a child into another environment than its own.
_NOT_INHERITED = ("PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV", "__PYVENV_LAUNCHER__", "PYTHONSTARTUP")


@dataclass(frozen=True)
class Settings:
    """What a start needs to know.

    Attributes:
        host: Address the front door listens on.
        port: Port of the front door.
        rasa_port: Port of the Rasa engine, on loopback.
        actions_port: Port of the action server, on loopback.
        console_host: Address the call console listens on.
        console_port: Port of the call console; None: it is not started.
        data: Folder of databases, logs and secrets.
        environment: The environment with `.env` filled in.
    """

    host: str
    port: int
    rasa_port: int
    actions_port: int
    console_host: str
    console_port: int | None
    data: Path
    environment: Mapping[str, str]

    @property
    def url(self) -> str:
        """Address under which this machine reaches the front door."""
        return _address(self.host, self.port)

    @property
    def console_url(self) -> str | None:
        """Address under which this machine reaches the call console; None if it is not started."""
        return None if self.console_port is None else _address(self.console_host, self.console_port)

    @property
    def logs(self) -> Path:
        """Folder of the log files."""
        return self.data / "logs"

    @property
    def ports(self) -> dict[str, tuple[str, int]]:
        """Variable name to the address it stands for."""
        loopback = "127.0.0.1"
        return {
            "PORT": (self.host, self.port),
            "RASA_PORT": (loopback, self.rasa_port),
            "ACTIONS_PORT": (loopback, self.actions_port),
            **({"CONSOLE_PORT": (self.console_host, self.console_port)} if self.console_port is not None else {}),
        }


def _address(host: str, port: int) -> str:
    known = EVERY_ADDRESS.get(host, host)
    return f"http://{f'[{known}]' if ':' in known else known}:{port}"


def read_env_file(path: Path) -> dict[str, str]:
    """Read `NAME=value` lines; comments, blank lines, `export` and quotes around a value are understood.

    Raises:
        Failure: A line is none of these.
    """
    values: dict[str, str] = {}
    if not path.exists():
        return values
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        name, equals, value = text.partition("=")
        name = name.strip()
        if name.startswith("export "):
            name = name[len("export ") :].strip()
        if not equals or not name.replace("_", "").isalnum():
            raise Failure(f"{path}, line {number}: expected NAME=value")
        value = value.strip()
        if len(value) >= 2 and value[0] == value[-1] and value[0] in "\"'":
            value = value[1:-1]
        values[name] = value
    return values


def load(environment: Mapping[str, str] | None = None, env_file: Path | None = ROOT / ".env") -> Settings:
    """Read the settings; the environment goes before `.env`, an empty value counts as not set.

    Args:
        environment: The environment; of this process if not given.
        env_file: The file of settings, if any.

    Raises:
        Failure: A port is no port number, or two are the same.
    """
    given = dict(os.environ if environment is None else environment)
    stored = read_env_file(env_file) if env_file is not None else {}
    merged = {**stored, **{name: value for name, value in given.items() if value != ""}}
    numbers = {
        name: _port(name, merged.get(name, default))
        for name, default in zip(PORT_NAMES, ("8000", "5005", "5055", "8001"))
    }
    for name, number in numbers.items():
        twin = next((other for other in PORT_NAMES if other != name and numbers[other] == number), None)
        if twin:
            raise Failure(f"{name} and {twin} are both {number}. Give each its own port.")
    data = Path(merged.get("GUIDE_DATA", "var")).expanduser()
    return Settings(
        host=merged.get("HOST", "127.0.0.1"),
        port=numbers["PORT"],
        rasa_port=numbers["RASA_PORT"],
        actions_port=numbers["ACTIONS_PORT"],
        console_host=merged.get("CONSOLE_HOST", "127.0.0.1"),
        console_port=None if merged.get("GUIDE_CONSOLE", "on") == "off" else numbers["CONSOLE_PORT"],
        data=data if data.is_absolute() else ROOT / data,
        environment=merged,
    )


def _port(name: str, value: str) -> int:
    if not value.isdigit() or not 1 <= int(value) <= 65535:
        raise Failure(f"{name} must be a number from 1 to 65535.")
    return int(value)


def neutral_environment() -> dict[str, str]:
    """The environment of this process without the settings of an installation, and without `.env`."""
    unwanted = (*INSTALLATION, *_NOT_INHERITED)
    inherited = {name: value for name, value in os.environ.items() if name not in unwanted}
    return {**CHILD_DEFAULTS, **inherited, "PYTHONPATH": str(ROOT)}


def child_environment(settings: Settings, **more: str) -> dict[str, str]:
    """The environment of a process of ours, without anything that leads it to other packages than its own."""
    inherited = {name: value for name, value in settings.environment.items() if name not in _NOT_INHERITED}
    return {
        **CHILD_DEFAULTS,
        **inherited,
        "PYTHONPATH": str(ROOT),
        "GUIDE_DATA": str(settings.data),
        "HOST": settings.host,
        "PORT": str(settings.port),
        "RASA_PORT": str(settings.rasa_port),
        "ACTIONS_PORT": str(settings.actions_port),
        **({} if settings.console_port is None else {"CONSOLE_PORT": str(settings.console_port)}),
        **more,
    }
