"""Settings of the intake backend, from the environment."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

ROOT = Path(__file__).resolve().parent.parent


class DataSettings(BaseSettings):
    """Where the backend keeps its data, and with which keys."""

    model_config = SettingsConfigDict(populate_by_name=True, extra="ignore", env_ignore_empty=True)

    data_dir: Path = Field(Path("var"), validation_alias="GUIDE_DATA")
    database_url: str = Field("", validation_alias="INTAKE_DATABASE_URL")
    common_database_url: str = Field("", validation_alias="DATABASE_URL")
    data_keys: SecretStr = Field(SecretStr(""), validation_alias="GUIDE_DATA_KEYS")
    data_key_file: Path | None = Field(None, validation_alias="GUIDE_DATA_KEY_FILE")
    content_dir: Path = ROOT / "content"

    @model_validator(mode="after")
    def _fill_in_database(self) -> Self:
        self.database_url = (
            self.database_url or self.common_database_url or f"sqlite:///{self.data_dir.absolute() / 'intake.db'}"
        )
        return self


class Settings(DataSettings):
    """And who may talk to it."""

    token: SecretStr = Field(validation_alias="INTAKE_TOKEN", min_length=16)
