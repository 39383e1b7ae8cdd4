"""How requests are delivered, from the environment."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import replace
from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from intake.delivery.limits import Limits

_ADDRESS = re.compile(r"[!#-'*+\-./0-9=?A-Z^-~]+@[A-Za-z0-9.-]+")
_TLS_PORTS = {"starttls": 587, "tls": 465}


class DeliverySettings(BaseSettings):
    """Settings of the delivery. Secrets are never logged or shown."""

    model_config = SettingsConfigDict(populate_by_name=True, extra="ignore", env_ignore_empty=True)

    channel: Literal["none", "email", "webhook"] = Field("none", validation_alias="INTAKE_DELIVERY")
    grace_seconds: float | None = Field(None, validation_alias="INTAKE_DELIVERY_GRACE_SECONDS", ge=0)
    tries: int | None = Field(None, validation_alias="INTAKE_DELIVERY_TRIES", ge=1)
    attachments_max_mib: float | None = Field(None, validation_alias="INTAKE_DELIVERY_MAX_MIB", gt=0)
    ca_file: Path | None = Field(None, validation_alias="INTAKE_DELIVERY_CA_FILE")

    smtp_host: str = Field("", validation_alias="INTAKE_SMTP_HOST")
    smtp_port: int = Field(0, validation_alias="INTAKE_SMTP_PORT", ge=0, le=65535)
    smtp_security: Literal["starttls", "tls"] = Field("starttls", validation_alias="INTAKE_SMTP_SECURITY")
    smtp_user: str = Field("", validation_alias="INTAKE_SMTP_USER")
    smtp_password: SecretStr = Field(SecretStr(""), validation_alias="INTAKE_SMTP_PASSWORD")
    mail_from: str = Field("", validation_alias="INTAKE_MAIL_FROM")
    mail_to: str = Field("", validation_alias="INTAKE_MAIL_TO")

    webhook_url: str = Field("", validation_alias="INTAKE_WEBHOOK_URL")
    webhook_key: SecretStr = Field(SecretStr(""), validation_alias="INTAKE_WEBHOOK_KEY")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.channel == "email":
            self._check_email()
        if self.channel == "webhook":
            self._check_webhook()
        return self

    def _check_email(self) -> None:
        if not self.smtp_host:
            raise ValueError("INTAKE_SMTP_HOST is needed for INTAKE_DELIVERY=email")
        for name, address in (("INTAKE_MAIL_FROM", self.mail_from), ("INTAKE_MAIL_TO", self.mail_to)):
            needed = name == "INTAKE_MAIL_FROM"
            if (needed or address) and not _ADDRESS.fullmatch(address):
                raise ValueError(f"{name} must be a plain mail address, as guide@example.gov")
        self.smtp_port = self.smtp_port or _TLS_PORTS[self.smtp_security]

    def _check_webhook(self) -> None:
        parts = urlsplit(self.webhook_url)
        host = parts.hostname or ""
        if not host or parts.username is not None or parts.fragment:
            raise ValueError("INTAKE_WEBHOOK_URL must be an address without a user, as https://agency.example/requests")
        if parts.scheme != "https" and not (parts.scheme == "http" and _is_loopback(host)):
            raise ValueError("INTAKE_WEBHOOK_URL must begin with https:// (http:// only on this machine)")
        if len(self.webhook_key.get_secret_value()) < 32:
            raise ValueError("INTAKE_WEBHOOK_KEY must have at least 32 characters")

    def limits(self, folder: Path) -> Limits:
        """The numbers; the environment goes before the content file. Raises `ContentError`."""
        given = {
            "grace_seconds": self.grace_seconds,
            "tries": self.tries,
            "attachments_max_mib": self.attachments_max_mib,
        }
        changes = {name: value for name, value in given.items() if value is not None}
        return replace(Limits.load(folder), **changes)  # type: ignore[arg-type]


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
