"""Numbers for uploaded files, from `content/`; the unit stands in each name."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import yaml

CONTENT = Path(__file__).resolve().parent.parent / "content"


@dataclass(frozen=True)
class PaperLimits:
    """Numbers of `content/settings.yml` and `content/service_limits.yml`."""

    documents_max: int
    document_max_mib: int
    document_discard_mib: int
    document_read_seconds: float
    documents_at_once: int
    document_wait_seconds: float
    uploads_per_minute: int
    image_max_megapixels: int
    image_kept_megapixels: int
    image_quality: int
    pdf_max_pages: int
    pdf_max_decoded_mib: int
    worker_memory_mib: int
    worker_seconds: int
    scan_seconds: float
    handover_first_pause_seconds: float
    handover_longest_pause_seconds: float
    orphan_minutes: int

    @property
    def document_max_bytes(self) -> int:
        """The largest file that is taken."""
        return self.document_max_mib * 1024 * 1024

    @property
    def discard_bytes(self) -> int:
        """How much of a body that is too large is read, so that the sender hears the answer."""
        return self.document_discard_mib * 1024 * 1024


def load_paper_limits(content: Path = CONTENT) -> PaperLimits:
    """Read the limits.

    Args:
        content: Folder with `settings.yml` and `service_limits.yml`.

    Raises:
        KeyError: A limit is missing in both files.
    """
    values: dict[str, Any] = {}
    for name in ("settings.yml", "service_limits.yml"):
        table = yaml.safe_load((content / name).read_text(encoding="utf-8"))["settings"]
        values.update({key: entry["value"] for key, entry in table.items()})
    return PaperLimits(**{field.name: values[field.name] for field in fields(PaperLimits)})
