"""Settings of the intake backend, from the environment."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

ROOT = Path(__file__).resolve().parent.parent


class Settings(BaseSettings):
    """Where the backend keeps its data and who may talk to it."""

    model_config = SettingsConfigDict(populate_by_name=True, extra="ignore", env_ignore_empty=True)

    data_dir: Path = Field(Path("var"), validation_alias="GUIDE_DATA")
    database_url: str = Field("", validation_alias="INTAKE_DATABASE_URL")
    token: SecretStr = Field(validation_alias="INTAKE_TOKEN", min_length=16)
    content_dir: Path = ROOT / "content"

    @model_validator(mode="after")
    def _fill_in_database(self) -> Settings:
        self.database_url = self.database_url or f"sqlite:///{self.data_dir.absolute() / 'intake.db'}"
        return self
