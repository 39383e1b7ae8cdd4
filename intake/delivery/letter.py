"""The mail that brings a request to the office. Its head and text hold nothing personal, only the attachments do."""

from __future__ import annotations

import mimetypes
from collections.abc import Mapping
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import yaml

from intake.delivery.parcel import Paper, Parcel

TEMPLATE = Path(__file__).resolve().parents[1] / "templates" / "delivery.yml"
_MINUTE = "%Y-%m-%d %H:%M UTC"


class Letters:
    """Writes the mails.

    Args:
        sender: Plain address.
        recipient: Plain address.
    """

    def __init__(self, sender: str, recipient: str) -> None:
        self._sender = sender
        self._recipient = recipient
        words: Mapping[str, Any] = yaml.safe_load(TEMPLATE.read_text(encoding="utf-8"))
        self._subjects: Mapping[str, str] = words["subjects"]
        self._texts: Mapping[str, str] = words["texts"]
        self._files: Mapping[str, str] = words["files"]

    def write(self, parcel: Parcel, most: int) -> EmailMessage:
        """The mail of a parcel; the same, whenever it is written.

        Args:
            parcel: What is delivered.
            most: Bytes of attachments, before they are encoded. What does not fit is named in the text.
        """
        number = parcel.tracking_number
        fit, left = parcel.fitting(most)
        order = {paper.document.document_id: n for n, paper in enumerate(parcel.papers, start=1)}
        mail = EmailMessage(policy=SMTP)
        mail["Message-ID"] = f"<{parcel.identifier}@{self._sender.rpartition('@')[2]}>"
        mail["Date"] = format_datetime(parcel.at)
        mail["From"] = self._sender
        mail["To"] = self._recipient
        mail["Subject"] = self._subjects[parcel.event].format(tracking_number=number)
        mail["Auto-Submitted"] = "auto-generated"
        received = parcel.received_at.strftime(_MINUTE) if parcel.received_at else ""
        parts = [self._texts[parcel.event].format(tracking_number=number, received_at=received)]
        for key, papers in (("attached", fit), ("left_out", left)):
            if papers:
                lines = "\n".join(self._line(paper, order) for paper in papers)
                parts.append(self._texts[key].format(papers=lines))
        parts.append(self._texts["repeated"].format(identifier=parcel.identifier))
        mail.set_content("\n\n".join(parts) + "\n")
        if parcel.form:
            name = self._files["form"].format(tracking_number=number)
            mail.add_attachment(parcel.form, maintype="application", subtype="pdf", filename=name)
        for paper in fit:
            kind = paper.document.media_type
            main, _, sub = kind.partition("/")
            # Names that people give their files would tell who they are.
            name = self._files["paper"].format(
                n=order[paper.document.document_id],
                kind=paper.document.kind,
                suffix=mimetypes.guess_extension(kind) or "",
            )
            mail.add_attachment(paper.data, maintype=main, subtype=sub, filename=name)
        return mail

    def _line(self, paper: Paper, order: Mapping[str, int]) -> str:
        document = paper.document
        return self._texts["paper"].format(n=order[document.document_id], label=paper.label, pages=document.pages)
