"""Settings of the console, from the environment, and its numbers, from `content/`."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

import yaml
from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from vault import KeyRing, Vault, new_key
from vault.keys import parse, write

ROOT = Path(__file__).resolve().parent.parent
CONTENT = ROOT / "content"
PAGES = ROOT / "web" / "console"
WORDS = ROOT / "web" / "strings" / "console.yml"
KEY_FILE = "console.keys"


class Settings(BaseSettings):
    """Where the console runs, whom it talks to, and how its people sign in. Secrets are never logged or shown."""

    model_config = SettingsConfigDict(populate_by_name=True, extra="ignore", env_ignore_empty=True)

    host: str = Field("127.0.0.1", validation_alias="CONSOLE_HOST")
    port: int = Field(8001, validation_alias="CONSOLE_PORT", ge=1, le=65535)
    public_url: str = Field("", validation_alias="CONSOLE_URL", description="address that people open, for sign-on")
    guide_port: int = Field(8000, validation_alias="PORT", ge=1, le=65535)
    guide_url: str = Field("", validation_alias="GUIDE_URL", description="address of the front door")
    guide_public_url: str = Field("", validation_alias="GUIDE_PUBLIC_URL", description="the same, for people")
    data_dir: Path = Field(Path("var"), validation_alias="GUIDE_DATA")
    database_url: str = Field("", validation_alias="GUIDE_DATABASE_URL")
    common_database_url: str = Field("", validation_alias="DATABASE_URL")
    keys: SecretStr = Field(SecretStr(""), validation_alias="CONSOLE_KEYS", description="id:key entries")
    guide_secret: SecretStr = Field(validation_alias="GUIDE_CONSOLE_SECRET", min_length=16)
    trusted_proxies: str = Field("", validation_alias="CONSOLE_TRUSTED_PROXIES")
    oidc_issuer: str = Field("", validation_alias="CONSOLE_OIDC_ISSUER")
    oidc_client_id: str = Field("", validation_alias="CONSOLE_OIDC_CLIENT_ID")
    oidc_client_secret: SecretStr = Field(SecretStr(""), validation_alias="CONSOLE_OIDC_CLIENT_SECRET")
    oidc_role_claim: str = Field("groups", validation_alias="CONSOLE_OIDC_ROLE_CLAIM")
    oidc_roles: str = Field("", validation_alias="CONSOLE_OIDC_ROLES", description="group=role entries")

    @model_validator(mode="after")
    def _fill_in_addresses(self) -> Settings:
        own_file = f"sqlite:///{self.data_dir.absolute() / 'gateway.db'}"
        self.database_url = self.database_url or self.common_database_url or own_file
        self.guide_url = (self.guide_url or f"http://127.0.0.1:{self.guide_port}").rstrip("/")
        self.guide_public_url = (self.guide_public_url or self.guide_url).rstrip("/")
        self.public_url = (self.public_url or f"http://{self.host}:{self.port}").rstrip("/")
        return self

    def vault(self) -> Vault:
        """What is sealed here: notes, call-backs, second factors, the sessions of callers. With keys of its own.

        Raises:
            BadKeys: The keys can't be read.
        """
        given = self.keys.get_secret_value().strip()
        if given:
            return Vault(KeyRing(parse(given, "CONSOLE_KEYS")))
        path = self.data_dir / KEY_FILE
        if not path.exists():
            self.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
            write(path, (new_key(),), replace=False)
        return Vault(KeyRing(path=path))


@dataclass(frozen=True)
class Limits:
    """Numbers of `content/console.yml`; the unit stands in each name."""

    password_min_chars: int
    password_max_chars: int
    sign_in_tries: int
    sign_in_wait_minutes: float
    idle_lock_minutes: float
    session_hours: float
    sso_minutes: float
    form_max_bytes: int
    note_max_chars: int
    guide_answer_seconds: float
    open_call_hours: float
    call_days: int
    audit_days: int
    urgent_taken_hours: float
    call_back_max_days: int
    smallest_cell: int


def load_limits(content: Path = CONTENT) -> Limits:
    """Read the numbers.

    Raises:
        KeyError: one is missing.
    """
    table = yaml.safe_load((content / "console.yml").read_text(encoding="utf-8"))["settings"]
    return Limits(**{field.name: table[field.name]["value"] for field in fields(Limits)})
