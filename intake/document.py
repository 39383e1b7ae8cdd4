"""The filled-in request as a PDF, set by typst."""

from __future__ import annotations

import json
import logging
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import pylopdf_fonts_zh_cn
import pylopdf_fonts_zh_tw
import typst
import yaml

from intake.store import Status
from triage.content import Content

log = logging.getLogger("intake")

_TEMPLATES = Path(__file__).resolve().parent / "templates"
_FONTS = (pylopdf_fonts_zh_cn.sans_path(), pylopdf_fonts_zh_tw.sans_path())

# PDF/UA, so that a screen reader can read it.
_ACCESSIBLE: Literal["ua-1"] = "ua-1"


class Document:
    """Writes requests as PDF.

    Args:
        content: Where a signed request is sent, and what the documents on the checklist are called.
    """

    def __init__(self, content: Content) -> None:
        self._office = content.office
        self._words: dict[str, Any] = yaml.safe_load((_TEMPLATES / "request.yml").read_text(encoding="utf-8"))
        language = content.office.request_language
        self._words["values"]["documents"] = {item.key: item.label[language] for item in content.documents}
        self._template = (_TEMPLATES / "request.typ").read_bytes()
        self._fonts = typst.Fonts(include_system_fonts=False, font_paths=[font.parent for font in _FONTS])

    def pdf(self, status: Status, payload: Mapping[str, Any]) -> bytes:
        """The PDF of a stored request.

        Args:
            status: Number and time of receipt.
            payload: The answers.
        """
        data = json.dumps(self.content(status, payload))
        try:
            return self._compile(data, _ACCESSIBLE)
        except typst.TypstError:
            # A sign that no font here has is allowed in an ordinary PDF only; the person still gets a document.
            log.warning("a request was set as an ordinary PDF")
            return self._compile(data, None)

    def content(self, status: Status, payload: Mapping[str, Any]) -> dict[str, Any]:
        """What the document says, in the shape the layout expects."""
        words = self._words
        online = payload.get("delivery") == "online"
        sections = []
        for section in words["sections"]:
            rows = [
                {"label": words["labels"][name], "value": self._value(name, payload[name])}
                for name in section["rows"]
                if payload.get(name) not in (None, "", [])
            ]
            if rows:
                sections.append({"title": section["title"], "rows": rows})
        return {
            "title": words["title"],
            "subtitle": words["subtitle"],
            "notice": words["notice"],
            "page_of": words["page_of"],
            "tracking_label": words["tracking_number"],
            "tracking_number": status.tracking_number,
            "received_label": words["received_at"],
            "received_at": f"{status.received_at:%Y-%m-%d %H:%M} UTC",
            "language": payload.get("language"),
            "sections": sections,
            "consent": words["consent"],
            "signature": {"name": payload["signature_name"], "at": payload["signed_at"]} if online else None,
            "sending": None if online else self._sending(payload.get("delivery")),
        }

    def _value(self, name: str, value: Any) -> str:
        shown = self._words["values"].get(name, {})
        values = value if isinstance(value, list) else [value]
        texts = [json.dumps(one) if isinstance(one, bool) else str(one) for one in values]
        return "\n".join(_printable(shown.get(one, one)) for one in texts)

    def _sending(self, way: str | None) -> dict[str, Any]:
        """Where to send the signed paper: the chosen way first, the others after it."""
        words, office = self._words["sending"], self._office
        address = {"email": office.email, "fax": office.fax, "mail": "\n".join(office.mailing_address)}
        lines = []
        for name in sorted(address, key=lambda name: name != way):
            lines.append(f"{words[name]}\n{address[name]}")
            if name == "mail":
                lines.append(words["mail_delay"].format(days=office.mail_delay_days))
        return {"title": words["title"], "lines": [*lines, words["copies"]]}

    def _compile(self, data: str, standard: Literal["ua-1"] | None) -> bytes:
        return typst.compile(
            self._template,
            font_paths=self._fonts,
            format="pdf",
            sys_inputs={"data": data},
            pdf_standards=standard,
        )


def _printable(value: str) -> str:
    """The text without control characters and halves of characters, which no font can show; line breaks stay."""
    kept = value.replace("\r\n", "\n")
    return "".join(sign for sign in kept if sign in "\n\t" or unicodedata.category(sign) not in ("Cc", "Cs"))
