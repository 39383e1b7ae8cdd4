"""Setting of a document as PDF/UA, always: what a font cannot show is marked, never left to an ordinary PDF."""

from __future__ import annotations

import ctypes
import json
import logging
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any, Literal

import typst

from intake.document.contents import Part, language_tag
from intake.document.fonts import FontSet, font_set
from intake.document.wording import TEMPLATES

log = logging.getLogger("intake")

_STANDARD: Literal["ua-1"] = "ua-1"
_STRICTEST = 2
# The typesetter remembers what it worked out for the documents before. They are people's words, and long ones take
# much memory; so many empty documents after each one push it out (about a millisecond each).
_REMEMBERED = 12
_FIELD_LANGUAGE = "en"
# Gives memory that is free back to the system, where the C library can do that.
_give_back = getattr(ctypes.CDLL(None), "malloc_trim", lambda _kept: None)


@dataclass(frozen=True)
class FieldText:
    """What stands in a field of a form.

    Attributes:
        text: As it is shown.
        width: Of the field, in points.
        height: Likewise.
        multiline: Whether it starts at the top.
        cells: Number of equal cells, one for each character; 0 when it has none.
    """

    text: str
    width: float
    height: float
    multiline: bool
    cells: int


class Typesetter:
    """Sets documents and the fields of forms.

    Raises:
        FontsMissing: A font that is needed is not installed.
    """

    def __init__(self) -> None:
        self._template = (TEMPLATES / "form.typ").read_bytes()
        self._field_template = (TEMPLATES / "fields.typ").read_bytes()
        self._fonts: FontSet = font_set()
        self._no_fonts = typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[])
        # One after the other, always in the same thread: the typesetter uses all cores by itself, and each further
        # thread would keep tens of megabytes.
        self._line = ThreadPoolExecutor(1, thread_name_prefix="typesetter")

    def pdf(self, parts: list[Part], tracking_number: str, language: str) -> bytes:
        """The document as PDF/UA.

        Args:
            parts: What it says.
            tracking_number: Number of the request.
            language: Of the person's own words.
        """
        tag, region = language_tag(language)
        data = {
            "title": f"{parts[0]['title']} {tracking_number}",
            "tracking_number": tracking_number,
            "own": {"fonts": self._fonts.families(language), "lang": tag, "region": region},
            "parts": [{**part, "fonts": self._fonts.families(part["language"])} for part in parts],
        }
        return self._set(self._template, data, _STANDARD)

    def field_texts(self, fields: list[FieldText], smallest: float, largest: float) -> bytes:
        """A PDF with one page for each field, as large as the field.

        Args:
            fields: What stands in them.
            smallest: Size of the letters, in points, that can still be read.
            largest: The size that is tried first.
        """
        data = {
            "fonts": self._fonts.families(_FIELD_LANGUAGE),
            "smallest": smallest,
            "largest": largest,
            "fields": [asdict(field) for field in fields],
        }
        return self._set(self._field_template, data, None)

    def _set(self, template: bytes, data: Mapping[str, Any], standard: Literal["ua-1"] | None) -> bytes:
        for strictness in range(_STRICTEST):
            try:
                return self._compile(template, data, standard, strictness)
            except typst.TypstError:
                # Signs that combine as no single font has them. The message may quote the person, so it is not logged.
                log.warning("a request is set with combining signs marked", extra={"strictness": strictness})
        return self._compile(template, data, standard, _STRICTEST)

    def _compile(
        self, template: bytes, data: Mapping[str, Any], standard: Literal["ua-1"] | None, strictness: int
    ) -> bytes:
        inputs = {"data": json.dumps(self._printable(data, strictness))}
        try:
            return self._line.submit(self._compile_next, template, inputs, standard).result()
        finally:
            # Nobody waits for it, but the next document does.
            self._line.submit(self._forget)

    def _compile_next(self, template: bytes, inputs: dict[str, str], standard: Literal["ua-1"] | None) -> bytes:
        return typst.compile(
            template, font_paths=self._fonts.fonts, format="pdf", sys_inputs=inputs, pdf_standards=standard
        )

    def _forget(self) -> None:
        for _ in range(_REMEMBERED):
            typst.compile(b"", font_paths=self._no_fonts, format="pdf")
        _give_back(0)

    def _printable(self, value: Any, strictness: int) -> Any:
        if isinstance(value, str):
            return self._fonts.printable(value, strictness)
        if isinstance(value, Mapping):
            return {name: self._printable(one, strictness) for name, one in value.items()}
        if isinstance(value, list):
            return [self._printable(one, strictness) for one in value]
        return value
