"""Settings of the front door, from the environment, and its limits, from `content/`."""

from __future__ import annotations

import base64
import os
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import yaml
from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

ROOT = Path(__file__).resolve().parent.parent
CONTENT = ROOT / "content"
WEB = ROOT / "web"
# As in a policy: scheme, host (`*.` for all below it) and port; nothing else may get into the header.
_ORIGIN = r"https?://(\*\.)?[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*(:\d{1,5})?"


class Settings(BaseSettings):
    """Everything the front door needs to know about where it runs. Secrets are never logged or shown."""

    model_config = SettingsConfigDict(populate_by_name=True, extra="ignore", env_ignore_empty=True)

    host: str = Field("127.0.0.1", validation_alias="HOST")
    port: int = Field(8000, validation_alias="PORT", ge=1, le=65535)
    rasa_port: int = Field(5005, validation_alias="RASA_PORT", ge=1, le=65535)
    data_dir: Path = Field(Path("var"), validation_alias="GUIDE_DATA")
    database_url: str = Field("", validation_alias="GUIDE_DATABASE_URL")
    common_database_url: str = Field("", validation_alias="DATABASE_URL")
    rasa_url: str = Field("", validation_alias="RASA_URL", description="one address, or several separated by commas")
    intake_url: str = Field("", validation_alias="INTAKE_URL")
    trusted_proxies: str = Field("", validation_alias="GUIDE_TRUSTED_PROXIES", description="addresses, or *")
    guide_secret: SecretStr = Field(validation_alias="GUIDE_SECRET", min_length=16)
    intake_token: SecretStr = Field(validation_alias="INTAKE_TOKEN", min_length=16)
    intake_credential: SecretStr = Field(SecretStr(""), validation_alias="INTAKE_CREDENTIAL")
    intake_auth: str = Field("bearer", validation_alias="INTAKE_AUTH", pattern=r"^(bearer|header:.+|basic:.+)$")
    # Empty variables count as not set, but here emptiness is an answer: that intake makes no PDF.
    intake_pdf_path: str = Field(
        default_factory=lambda: os.environ.get("INTAKE_PDF_PATH", "/v1/case-requests/{tracking_number}/form.pdf"),
        validation_alias="INTAKE_PDF_PATH",
        pattern="^(/.*)?$",
        description="empty: it makes none",
    )
    intake_documents_path: str = Field(
        "/v1/case-requests/{tracking_number}/documents", validation_alias="INTAKE_DOCUMENTS_PATH", pattern="^/"
    )
    session_key: SecretStr = Field(validation_alias="SESSION_KEY", min_length=32)
    console_secret: SecretStr = Field(
        SecretStr(""), validation_alias="GUIDE_CONSOLE_SECRET", description="of the call console; none: no way in"
    )
    worker_secret: SecretStr = Field(
        SecretStr(""), validation_alias="GUIDE_WORKER_SECRET", description="of messengers' workers; none: no way in"
    )
    telegram_bot: str = Field(
        "",
        validation_alias="TELEGRAM_BOT",
        pattern=r"^([A-Za-z][A-Za-z0-9_]{3,31})?$",
        description="user name of the bot, for links into Telegram",
    )
    public_url: str = Field("", validation_alias="GUIDE_PUBLIC_URL", pattern=r"^(https?://[^/\s]+/?)?$")
    official: bool = Field(
        False, validation_alias="GUIDE_OFFICIAL", description="whether the Ombudsman's office itself runs it"
    )
    embed_origins: str = Field(
        "",
        validation_alias="GUIDE_EMBED_ORIGINS",
        pattern=rf"^\s*({_ORIGIN}([\s,]+{_ORIGIN})*)?[\s,]*$",
        description="origins of sites that may show the chat in a frame, separated by commas",
    )
    rate_per_minute: int | None = Field(None, validation_alias="GUIDE_RATE_PER_MINUTE", ge=1)
    sessions_per_minute: int | None = Field(None, validation_alias="GUIDE_SESSIONS_PER_MINUTE", ge=1)
    unsent_first_seconds: float | None = Field(None, validation_alias="GUIDE_UNSENT_FIRST_SECONDS", gt=0)
    unsent_longest_seconds: float | None = Field(None, validation_alias="GUIDE_UNSENT_LONGEST_SECONDS", gt=0)

    @model_validator(mode="after")
    def _fill_in_addresses(self) -> Settings:
        own_file = f"sqlite:///{self.data_dir.absolute() / 'gateway.db'}"
        self.database_url = self.database_url or self.common_database_url or own_file
        self.rasa_url = self.rasa_url or f"http://127.0.0.1:{self.rasa_port}"
        self.intake_url = (self.intake_url or f"http://127.0.0.1:{self.port}").rstrip("/")
        return self

    @property
    def intake_headers(self) -> dict[str, str]:
        """The headers that say who we are: with our own token, or as an agency's own intake asks for."""
        credential = (self.intake_credential.get_secret_value() or self.intake_token.get_secret_value()).strip()
        kind, _, detail = self.intake_auth.partition(":")
        if kind == "header":
            return {detail: credential}
        if kind == "basic":
            pair = base64.b64encode(f"{detail}:{credential}".encode()).decode()
            return {"Authorization": f"Basic {pair}"}
        return {"Authorization": f"Bearer {credential}"}

    @property
    def frame_ancestors(self) -> str:
        """Who may show the chat in a frame, as in the policy of that name."""
        origins = [origin.lower() for origin in self.embed_origins.replace(",", " ").split()]
        return " ".join(["'self'", *origins]) if origins else "'none'"

    @property
    def rasa_urls(self) -> list[str]:
        """The addresses of the Rasa processes, in the order in which conversations are shared out."""
        return [url.strip().rstrip("/") for url in self.rasa_url.split(",") if url.strip()]


@dataclass(frozen=True)
class Limits:
    """Numbers of `content/service_limits.yml` and `content/settings.yml`; the unit stands in each name."""

    message_max_chars: int
    message_id_max_chars: int
    payload_max_chars: int
    body_max_bytes: int
    body_discard_bytes: int
    body_read_seconds: float
    messages_per_minute: int
    sessions_per_minute: int
    failed_resumes_per_minute: int
    wrong_years_per_code: int
    wrong_code_seconds: float
    failed_lookups_per_hour: int
    saves_per_minute: int
    downloads_per_minute: int
    engine_retry_seconds: float
    engine_answer_seconds: float
    turn_wait_seconds: float
    turn_lease_seconds: float
    retry_after_seconds: int
    cancelled_replay_minutes: int
    housekeeping_minutes: float
    session_hours: int
    transfer_minutes: int
    save_days: int
    conversation_days: int
    unsent_first_pause_seconds: float
    unsent_longest_pause_seconds: float
    unsent_days: int
    unsent_quiet_seconds: float
    unsent_look_seconds: float
    unsent_at_once: int


def load_limits(settings: Settings, content: Path = CONTENT) -> Limits:
    """Read the limits; the environment goes before the files.

    Args:
        settings: may change the two rates, and how soon something unsent is tried again.
        content: folder with `service_limits.yml` and `settings.yml`.

    Raises:
        KeyError: a limit is missing in both files.
    """
    values: dict[str, Any] = {}
    for name in ("settings.yml", "service_limits.yml"):
        table = yaml.safe_load((content / name).read_text(encoding="utf-8"))["settings"]
        values.update({key: entry["value"] for key, entry in table.items()})
    if settings.rate_per_minute is not None:
        values["messages_per_minute"] = settings.rate_per_minute
    if settings.sessions_per_minute is not None:
        values["sessions_per_minute"] = settings.sessions_per_minute
    if settings.unsent_first_seconds is not None:
        values["unsent_first_pause_seconds"] = settings.unsent_first_seconds
    if settings.unsent_longest_seconds is not None:
        values["unsent_longest_pause_seconds"] = settings.unsent_longest_seconds
    return Limits(**{field.name: values[field.name] for field in fields(Limits)})
