"""Where uploaded files are kept and who scans them, from the environment."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from papers.clamav import Scanner
from papers.limits import CONTENT, PaperLimits, load_paper_limits
from vault import Vault
from vault.files import S3Access, SealedFiles, open_store


class PaperSettings(BaseSettings):
    """Settings for uploaded files. Secrets are never logged or shown."""

    model_config = SettingsConfigDict(populate_by_name=True, extra="ignore", env_ignore_empty=True)

    data_dir: Path = Field(Path("var"), validation_alias="GUIDE_DATA")
    data_keys: SecretStr = Field(SecretStr(""), validation_alias="GUIDE_DATA_KEYS")
    data_key_file: Path | None = Field(None, validation_alias="GUIDE_DATA_KEY_FILE")
    documents_url: str = Field("", validation_alias="DOCUMENTS_URL", description="s3://bucket/prefix or file:///folder")
    s3_endpoint: str = Field("", validation_alias="DOCUMENTS_S3_ENDPOINT")
    s3_region: str = Field("", validation_alias="DOCUMENTS_S3_REGION")
    s3_key_id: str = Field("", validation_alias="DOCUMENTS_S3_KEY_ID")
    s3_secret: SecretStr = Field(SecretStr(""), validation_alias="DOCUMENTS_S3_SECRET")
    clamd_url: str = Field("", validation_alias="CLAMD_URL", description="tcp://host:port or unix:///path")
    clamd_down: Literal["wait", "refuse"] = Field("wait", validation_alias="CLAMD_DOWN")

    handover_first_seconds: float | None = Field(None, validation_alias="GUIDE_HANDOVER_FIRST_SECONDS", gt=0)

    def limits(self, content: Path = CONTENT) -> PaperLimits:
        """The limits; the environment goes before the files. Raises `KeyError` when one is missing."""
        limits = load_paper_limits(content)
        if self.handover_first_seconds is not None:
            limits = replace(limits, handover_first_pause_seconds=self.handover_first_seconds)
        return limits

    def files(self, vault: Vault | None = None) -> SealedFiles:
        """The store of this installation, behind its vault.

        Args:
            vault: If there is one already.

        Raises:
            BadKeys: The keys can't be read.
            ValueError: The address of the store is none.
        """
        vault = vault or Vault.from_settings(self.data_keys.get_secret_value(), self.data_key_file, self.data_dir)
        access = S3Access(self.s3_endpoint, self.s3_region, self.s3_key_id, self.s3_secret.get_secret_value())
        return SealedFiles(vault, open_store(self.documents_url, self.data_dir.absolute() / "documents", access))

    def scanner(self, limits: PaperLimits) -> Scanner | None:
        """The scanner, if there is one. Raises `ValueError` for an address that is none."""
        return Scanner(self.clamd_url, limits.scan_seconds) if self.clamd_url else None
