"""Looking into PDFs: what a reader extracts, what is embedded, what is seen."""

from __future__ import annotations

import io
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pikepdf
import pypdfium2
from pypdf import PdfReader

# Blanks, and signs without a form of their own: readers differ in them, and nobody sees them.
_UNSEEN = re.compile(
    "[\\s\u00ad\u034f\u061c\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufe00-\ufe0f\U000e0020-\U000e007f\U000e0100-\U000e01ef]"
)


@dataclass(frozen=True)
class Filed:
    """A stored request, as far as its document needs it."""

    tracking_number: str = "CA-2345-6789-ABCD"
    received_at: datetime = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def squashed(text: str) -> str:
    """A text without what differs from reader to reader."""
    return _UNSEEN.sub("", unicodedata.normalize("NFC", text))


def page_texts(content: bytes) -> list[str]:
    """What the reader of a browser extracts from each page."""
    with pypdfium2.PdfDocument(content) as document:
        return [page.get_textpage().get_text_range() for page in document]


def text_of(content: bytes) -> str:
    """The whole text, squashed."""
    return squashed("".join(page_texts(content)))


def other_text_of(content: bytes) -> str:
    """The same by another reader."""
    return squashed("".join(page.extract_text() for page in PdfReader(io.BytesIO(content)).pages))


def without_margins(content: bytes) -> str:
    """The squashed text between the running heads, so that a text over several pages reads on."""
    pieces = []
    with pypdfium2.PdfDocument(content) as document:
        for page in document:
            width, height = page.get_size()
            pieces.append(page.get_textpage().get_text_bounded(0, 56, width, height - 60))
    return squashed("".join(pieces))


def fonts(pdf: pikepdf.Pdf) -> Iterator[Any]:
    """Every font of every page, with those inside of composite fonts, and of the forms on the page."""
    for page in pdf.pages:
        yield from _fonts_of(page.obj.get("/Resources", pikepdf.Dictionary()))
        for annotation in page.obj.get("/Annots", []):
            shown = annotation.get("/AP", pikepdf.Dictionary()).get("/N")
            if isinstance(shown, pikepdf.Stream):
                yield from _fonts_of(shown.get("/Resources", pikepdf.Dictionary()))


def _fonts_of(resources: Any) -> Iterator[Any]:
    for font in resources.get("/Font", {}).values():
        yield from font.get("/DescendantFonts", [font])
    for form in resources.get("/XObject", {}).values():
        yield from _fonts_of(form.get("/Resources", pikepdf.Dictionary()))


def is_embedded(font: Any) -> bool:
    """Whether the glyphs of a font are in the file."""
    if font.get("/Subtype") == pikepdf.Name.Type3:
        return "/CharProcs" in font
    descriptor = font.get("/FontDescriptor", pikepdf.Dictionary())
    return any(key in descriptor for key in ("/FontFile", "/FontFile2", "/FontFile3"))


def ink_outside(content: bytes, margin: float) -> int:
    """Dark dots nearer than ``margin`` points to the left or right edge, or above and below the running heads."""
    dots = 0
    with pypdfium2.PdfDocument(content) as document:
        for page in document:
            image = page.render(scale=1).to_pil().convert("L")
            width, height = image.size
            edge = int(margin)
            for box in (
                (0, 0, edge, height),
                (width - edge, 0, width, height),
                (0, 0, width, 20),
                (0, height - 20, width, height),
            ):
                dots += sum(image.crop(box).histogram()[:200])
    return dots


def ink(content: bytes, page: int, box: tuple[float, float, float, float]) -> int:
    """Dark dots inside a box of a page, with the fields of forms drawn.

    Args:
        content: The PDF.
        page: Counted from 0.
        box: Left, low, right, high in points from the lower left corner.
    """
    with pypdfium2.PdfDocument(content) as document:
        document.init_forms()
        shown = document[page]
        image = shown.render(scale=2, may_draw_forms=True).to_pil().convert("L")
        height = shown.get_size()[1]
        left, low, right, high = box
        cut = image.crop((int(left * 2), int((height - high) * 2), int(right * 2), int((height - low) * 2)))
        return sum(cut.histogram()[:128])
