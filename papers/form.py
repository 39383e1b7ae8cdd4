"""Reading a form with one file (multipart/form-data) as it comes in, without holding the file in memory."""

from __future__ import annotations

import asyncio
import re
import urllib.parse
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from papers.limits import PaperLimits
from papers.spool import Spool

FILE_FIELD = "file"
MOST_FIELDS = 10
FIELD_BYTES = 1000
# Boundaries and headers around the file.
OVERHEAD_BYTES = 64 * 1024
# RFC 2046, 5.1.1.
_BOUNDARY = re.compile(rb"[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-]")

Problem = Literal["wrong_type", "malformed", "too_large", "too_slow", "no_file", "empty_file"]


class FormError(Exception):
    """A form that is not taken.

    Attributes:
        problem: What is wrong.
        cut: The body was not read to its end, so the connection can't be used again.
    """

    def __init__(self, problem: Problem, cut: bool = False) -> None:
        super().__init__(problem)
        self.problem = problem
        self.cut = cut


@dataclass
class Form:
    """What was sent. Close it at the end."""

    file: Spool
    file_name: str | None
    fields: dict[str, str]

    def close(self) -> None:
        """Forget the file."""
        self.file.close()

    def __enter__(self) -> Form:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@dataclass
class _Reader:
    """Takes the parser's calls."""

    spool: Spool
    most_bytes: int
    fields: dict[str, bytes] = field(default_factory=dict)
    file_name: str | None = None
    has_file: bool = False
    ended: bool = False
    problem: Problem | None = None
    _name: str = ""
    _header: bytes = b""
    _value: bytes = b""
    _headers: dict[bytes, bytes] = field(default_factory=dict)

    def part_begin(self) -> None:
        self._name, self._headers = "", {}

    def header_field(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def header_end(self) -> None:
        self._headers[self._header.lower().strip()] = self._value.strip()
        self._header = self._value = b""

    def headers_finished(self) -> None:
        disposition, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        self._name = options.get(b"name", b"").decode("utf-8", "replace")
        encoded = self._headers.get(b"content-transfer-encoding", b"binary").lower()
        plain = disposition == b"form-data" and self._name and encoded in (b"binary", b"8bit", b"7bit")
        if not plain or self._name in self.fields or (self._name == FILE_FIELD and self.has_file):
            self.problem = self.problem or "malformed"
        elif self._name == FILE_FIELD:
            self.has_file = True
            self.file_name = _file_name(self._headers[b"content-disposition"], options.get(b"filename"))
        elif len(self.fields) >= MOST_FIELDS:
            self.problem = self.problem or "malformed"
        else:
            self.fields[self._name] = b""

    def part_data(self, data: bytes, start: int, end: int) -> None:
        if self.problem:
            return
        if self._name == FILE_FIELD:
            if self.spool.size + end - start > self.most_bytes:
                self.problem = "too_large"
            else:
                self.spool.write(data[start:end])
        elif len(self.fields[self._name]) + end - start > FIELD_BYTES:
            self.problem = "malformed"
        else:
            self.fields[self._name] += data[start:end]

    def end(self) -> None:
        self.ended = True

    def callbacks(self) -> dict[str, Callable[..., None]]:
        return {
            "on_part_begin": self.part_begin,
            "on_header_field": self.header_field,
            "on_header_value": self.header_value,
            "on_header_end": self.header_end,
            "on_headers_finished": self.headers_finished,
            "on_part_data": self.part_data,
            "on_end": self.end,
        }


def _file_name(header: bytes, plain: bytes | None) -> str | None:
    # RFC 5987; goes before the plain name, as RFC 6266 wants it.
    extended = re.search(rb"filename\*\s*=\s*(?:utf-8)'[^']*'([^;\s]+)", header, re.IGNORECASE)
    if extended:
        return urllib.parse.unquote(extended[1].decode("ascii", "replace"), errors="replace")
    if plain is None:
        return None
    # Browsers write quotation marks and line ends in names this way (HTML, 4.10.22.8).
    return re.sub(r"%(22|0D|0A)", " ", plain.decode("utf-8", "replace"))


async def read_form(stream: AsyncIterator[bytes], headers: Mapping[str, str], limits: PaperLimits) -> Form:
    """Read a whole body.

    One that is too large, or is no form, is read on and thrown away up to a second limit: a sender that is cut off does
    not hear why.

    Args:
        stream: The body.
        headers: Content-Type, Content-Length and Expect are looked at, by names in small letters. A sender that waits
            for leave to send (``Expect: 100-continue``) is refused before anything is read.
        limits: Numbers.

    Raises:
        FormError: With the body read as far as the limits allow.
    """
    most = limits.document_max_bytes + OVERHEAD_BYTES
    length = headers.get("content-length", "")
    expects = headers.get("expect", "").lower() == "100-continue"
    announced = int(length) if length.isdigit() else 0
    if announced > (most if expects else limits.discard_bytes):
        raise FormError("too_large", cut=True)
    media_type, options = parse_options_header(headers.get("content-type", ""))
    boundary = options.get(b"boundary", b"")
    wrong: Problem | None = None
    if media_type != b"multipart/form-data":
        wrong = "wrong_type"
    elif not _BOUNDARY.fullmatch(boundary):
        wrong = "malformed"
    spool = Spool()
    try:
        reader = _Reader(spool, limits.document_max_bytes, problem=wrong)
        await _feed(stream, None if wrong else boundary, reader, most, limits)
        if reader.problem:
            raise FormError(reader.problem)
        if not reader.ended:
            raise FormError("malformed")
        if not reader.has_file:
            raise FormError("no_file")
        if spool.size == 0:
            raise FormError("empty_file")
        fields = {name: value.decode("utf-8", "replace") for name, value in reader.fields.items()}
        return Form(spool, reader.file_name, fields)
    except BaseException:
        spool.close()
        raise


async def _feed(
    stream: AsyncIterator[bytes], boundary: bytes | None, reader: _Reader, most: int, limits: PaperLimits
) -> None:
    callbacks = reader.callbacks()
    parser = MultipartParser(boundary, callbacks) if boundary else None  # type: ignore[arg-type]
    size = 0
    try:
        async with asyncio.timeout(limits.document_read_seconds):
            async for chunk in stream:
                size += len(chunk)
                if size > limits.discard_bytes:
                    raise FormError("too_large", cut=True)
                if size > most:
                    reader.problem = "too_large"
                if parser is None or reader.problem or not chunk:
                    continue
                try:
                    parser.write(chunk)
                except FormParserError:
                    reader.problem = "malformed"
    except TimeoutError:
        raise FormError("too_slow", cut=True) from None


async def drain(stream: AsyncIterator[bytes], length: str, limits: PaperLimits) -> bool:
    """Read a body that nobody wants, so that its sender hears the answer.

    Returns:
        Whether it came to its end; otherwise the connection can't be used again.
    """
    most = limits.document_max_bytes + OVERHEAD_BYTES
    if length.isdigit() and int(length) > most:
        return False
    size = 0
    try:
        async with asyncio.timeout(limits.document_read_seconds):
            async for chunk in stream:
                size += len(chunk)
                if size > most:
                    return False
    except TimeoutError:
        return False
    return True
