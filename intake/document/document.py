"""The filled-in request as a PDF."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, get_args

from intake.document import wording
from intake.document.contents import Contents, Filed
from intake.document.official import OfficialForm
from intake.document.typesetting import Typesetter
from triage.content import Content

Which = Literal["all", "request", "reading", "official", "office"]
PARTS: tuple[Which, ...] = get_args(Which)


class NoOfficialForm(LookupError):
    """The official fillable form is not in the content folder."""


class Document:
    """Writes requests as PDF.

    Args:
        content: Where a signed request is sent, and what forms and documents are called.
        forms: Folder that may hold the official fillable form, with its mapping.

    Raises:
        ContentError: The mapping of the official form does not fit it.
        FontsMissing: A font that is needed is not installed.
    """

    def __init__(self, content: Content, forms: Path | None = None) -> None:
        self._contents = Contents(content, wording.load())
        self._typesetter = Typesetter()
        self._official = OfficialForm.load(content, forms, self._typesetter) if forms else None
        self._request_language = content.office.request_language

    @property
    def has_official(self) -> bool:
        """Whether the official form is installed."""
        return self._official is not None

    def pdf(self, status: Filed, payload: Mapping[str, Any], language: str | None = None, part: Which = "all") -> bytes:
        """The PDF of a stored request.

        Args:
            status: Number and time of receipt.
            payload: The answers.
            language: Of the reading copy; that of the conversation when left out.
            part: ``request``: what goes to the office, in English. ``reading``: the reading copy alone (in English it
                is the request). ``all``: both, one after the other. ``official``: the official form filled in, with
                cover sheet and the request as its attachment. ``office``: ``official`` where the form is installed,
                else ``request``.

        Raises:
            NoOfficialForm: ``official`` is asked for and not there.
        """
        spoken = payload["language"]
        wanted = language or spoken
        number = status.tracking_number
        if part == "office":
            part = "official" if self.has_official else "request"
        if part == "official":
            if self._official is None:
                raise NoOfficialForm
            attached = self._contents.request(status, payload, self._official.pages)
            return self._official.joined(self._typesetter.pdf(attached, number, spoken), payload)
        request = self._contents.request(status, payload)
        if wanted == self._request_language or part == "request":
            return self._typesetter.pdf(request, number, spoken)
        reading = self._contents.reading(status, payload, wanted)
        parts = reading if part == "reading" else [*request, *reading]
        return self._typesetter.pdf(parts, number, spoken)
