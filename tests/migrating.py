"""Tables going up and down in tests, as they do at the start of a process."""

from __future__ import annotations

from pathlib import Path

from alembic.config import Config
from sqlalchemy import Connection


def config_for(connection: Connection, folder: Path) -> Config:
    """For Alembic's commands: on a connection, with the migrations of a folder."""
    config = Config()
    config.set_main_option("script_location", str(folder))
    config.attributes["connection"] = connection
    return config
