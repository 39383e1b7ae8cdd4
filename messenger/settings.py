"""Settings of the worker, from the environment, and its numbers, from `content/`."""

from __future__ import annotations

import hashlib
import hmac
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from urllib.parse import urlsplit

import yaml

ROOT = Path(__file__).resolve().parent.parent
CONTENT = ROOT / "content"
PLACE = "telegram"
TELEGRAM = "https://api.telegram.org"
_SECRET_MIN = 16
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_WEBHOOK_SECRET = re.compile(r"[A-Za-z0-9_-]{1,256}")
_DEFAULT_WEBHOOK_PORT = 8081


class BadSettings(Exception):
    """A setting is missing or wrong; the text says which, without its value."""


@dataclass(frozen=True)
class Webhook:
    """Where Telegram sends updates to, and where that arrives on this machine."""

    url: str
    path: str
    host: str
    port: int
    secret: str


@dataclass(frozen=True)
class Limits:
    """Numbers of `content/messenger.yml` and `content/settings.yml`; the unit stands in each name."""

    messages_per_second: int
    chat_pause_seconds: float
    remember_updates_hours: int
    deletable_hours: int
    held_hours: int
    forget_days: int
    poll_seconds: int
    longest_pause_seconds: int
    hold_on_seconds: float
    transfer_minutes: int


@dataclass(frozen=True)
class Settings:
    """What the worker needs to know.

    Attributes:
        token: Of the bot, from BotFather.
        api_base: The Bot API, without `/bot`.
        front_door: Address of the front door on this machine.
        public_url: Its address as people reach it.
        secret: Shown to the front door; people's ids are hashed and what is stored is sealed with keys made from it.
        database_url: Where updates and answers are kept until they are dealt with.
        webhook: Set if Telegram is to send updates; else they are fetched.
    """

    token: str
    api_base: str
    front_door: str
    public_url: str
    secret: str
    database_url: str
    webhook: Webhook | None
    limits: Limits

    def key(self, purpose: str) -> bytes:
        """A key of 32 bytes for one purpose."""
        return hmac.digest(self.secret.encode(), purpose.encode(), hashlib.sha256)

    @property
    def is_local_api(self) -> bool:
        """Whether the Bot API runs on this machine."""
        return (urlsplit(self.api_base).hostname or "") in _LOOPBACK


def load(environment: Mapping[str, str] | None = None) -> Settings:
    """Read the settings; an empty value counts as not set.

    Raises:
        BadSettings: One is missing or wrong.
    """
    given = {name: value.strip() for name, value in (os.environ if environment is None else environment).items()}
    token, secret = given.get("TELEGRAM_TOKEN", ""), given.get("GUIDE_WORKER_SECRET", "")
    if not re.fullmatch(r"\d+:[\w-]+", token):
        raise BadSettings("TELEGRAM_TOKEN is not the token of a bot: digits, a colon, letters. BotFather has it.")
    if len(secret) < _SECRET_MIN:
        raise BadSettings("GUIDE_WORKER_SECRET is missing or too short.")
    port = given.get("PORT") or "8000"
    front_door = (given.get("GUIDE_FRONT_DOOR") or f"http://127.0.0.1:{port}").rstrip("/")
    limits = load_limits()
    pause = given.get("TELEGRAM_CHAT_PAUSE_SECONDS", "")
    if pause:
        if not re.fullmatch(r"\d+(\.\d+)?", pause):
            raise BadSettings("TELEGRAM_CHAT_PAUSE_SECONDS must be a number of seconds.")
        limits = replace(limits, chat_pause_seconds=float(pause))
    data = Path(given.get("GUIDE_DATA") or "var").absolute()
    base = (given.get("TELEGRAM_API_BASE") or TELEGRAM).rstrip("/").removesuffix("/bot")
    for name, url in (("TELEGRAM_API_BASE", base), ("GUIDE_FRONT_DOOR", front_door)):
        if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
            raise BadSettings(f"{name} is not the address of a server.")
    return Settings(
        token=token,
        api_base=base,
        front_door=front_door,
        public_url=(given.get("GUIDE_PUBLIC_URL") or front_door).rstrip("/"),
        secret=secret,
        database_url=given.get("TELEGRAM_DATABASE_URL") or f"sqlite:///{data / 'messenger.db'}",
        webhook=_webhook(given, secret),
        limits=limits,
    )


def _webhook(given: Mapping[str, str], secret: str) -> Webhook | None:
    url = given.get("TELEGRAM_WEBHOOK_URL", "")
    if not url:
        return None
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise BadSettings("TELEGRAM_WEBHOOK_URL is no address.")
    made = hmac.digest(secret.encode(), b"webhook", hashlib.sha256).hex()
    token = given.get("TELEGRAM_WEBHOOK_SECRET") or made
    if not _WEBHOOK_SECRET.fullmatch(token):
        raise BadSettings("TELEGRAM_WEBHOOK_SECRET may have letters, digits, _ and - only, 256 at most.")
    # An address on this machine is for a Bot API on this machine, which comes in without a proxy between.
    own = parts.port if parts.hostname in _LOOPBACK else None
    port = given.get("TELEGRAM_WEBHOOK_PORT") or str(own or _DEFAULT_WEBHOOK_PORT)
    if not port.isdigit() or not 1 <= int(port) <= 65535:
        raise BadSettings("TELEGRAM_WEBHOOK_PORT must be a number from 1 to 65535.")
    return Webhook(url, parts.path or "/", given.get("TELEGRAM_WEBHOOK_HOST") or "127.0.0.1", int(port), token)


def load_limits(content: Path = CONTENT) -> Limits:
    """Read the numbers.

    Raises:
        KeyError: One is missing.
    """
    values: dict[str, float] = {}
    for name in ("settings.yml", "messenger.yml"):
        table = yaml.safe_load((content / name).read_text(encoding="utf-8"))["settings"]
        values.update({key: entry["value"] for key, entry in table.items()})
    return Limits(**{field.name: values[field.name] for field in fields(Limits)})  # type: ignore[arg-type]
