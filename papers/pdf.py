"""PDF files made harmless, and pictures put together into one. Runs in the worker process only."""

from __future__ import annotations

import io
import math
import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pikepdf
from pikepdf import Array, Dictionary, Name, Object, Stream, String

from papers.kinds import FileType
from papers.limits import PaperLimits
from papers.refusal import Refusal

# ISO 32000-2: whatever acts, plays, or carries another file.
_ACTIVE_KEYS = (
    *("/OpenAction", "/AA", "/JS", "/JavaScript", "/EmbeddedFiles", "/EmbeddedFile", "/EF", "/AF", "/XFA"),
    *("/RichMedia", "/RichMediaContent", "/RichMediaSettings", "/Renditions", "/Threads", "/Movie", "/Sound"),
    *("/Perms", "/Legal", "/SpiderInfo", "/Extensions", "/DSS"),
)
# Who made it, when and with what.
_TELLING_KEYS = ("/Metadata", "/PieceInfo")
_ACTIVE_ANNOTATIONS = {"/FileAttachment", "/RichMedia", "/Movie", "/Sound", "/Screen", "/3D", "/TrapNet"}
_DEEPEST = 40
_MEGA = 1_000_000
_END_WITHIN = 4096
_LETTER = (612.0, 792.0)
_MARGIN = 18.0
# A picture is not shown larger than at this many dots an inch.
_FEWEST_DOTS = 150.0
_TALL = 2.0


def clean_pdf(data: bytes, limits: PaperLimits) -> tuple[bytes, int, bool]:
    """The same pages without scripts, actions, attachments, earlier versions and metadata.

    Returns:
        The file, how many pages it has, and whether something that acts was taken out.

    Raises:
        Refusal: `damaged`, `encrypted`, `dynamic`, `too_many_pixels`, `too_many_pages` or `too_complex`.
    """
    if b"%%EOF" not in data[-_END_WITHIN:]:
        raise Refusal("damaged")
    try:
        with pikepdf.open(io.BytesIO(data), suppress_warnings=True) as pdf:
            pages = len(pdf.pages)
            if not pages:
                raise Refusal("damaged")
            if pages > limits.pdf_max_pages:
                raise Refusal("too_many_pages")
            if pdf.Root.get("/NeedsRendering") or "/Collection" in pdf.Root:
                raise Refusal("dynamic")
            armed = _disarm(pdf, limits)
            if "/Info" in pdf.trailer:
                del pdf.trailer["/Info"]
            out = io.BytesIO()
            pdf.save(out, deterministic_id=True, fix_metadata_version=False, encryption=False, recompress_flate=False)
            return out.getvalue(), pages, armed
    except pikepdf.PasswordError:
        raise Refusal("encrypted") from None
    except MemoryError:
        raise Refusal("too_complex") from None
    except Refusal:
        raise
    except (pikepdf.PdfError, ValueError, TypeError, KeyError, AttributeError, RuntimeError, OSError) as error:
        # What the parser raises for files that lie about themselves.
        raise Refusal("damaged") from error


def _disarm(pdf: pikepdf.Pdf, limits: PaperLimits) -> bool:
    decoded, armed = 0, False
    for thing in pdf.objects:
        armed |= _disarm_object(thing, 0)
        if isinstance(thing, Stream):
            if int(thing.get("/Width", 0)) * int(thing.get("/Height", 0)) > limits.image_max_megapixels * _MEGA:
                raise Refusal("too_many_pixels")
            decoded += _decoded_bytes(thing, limits.pdf_max_decoded_mib * 1024 * 1024 - decoded)
            if thing.get("/Filter") == Name.DCTDecode:
                _strip_jpeg_stream(thing)
    names = pdf.Root.get("/Names")
    if isinstance(names, Dictionary):
        for key in list(names.keys()):
            if key != "/Dests":
                armed = True
                del names[key]
    for page in pdf.pages:
        annotations = page.obj.get("/Annots")
        if isinstance(annotations, Array):
            kept = [one for one in annotations if _harmless(one)]
            if len(kept) < len(annotations):
                armed = True
                page.obj["/Annots"] = Array(kept)
    return armed


def _harmless(annotation: Object) -> bool:
    return isinstance(annotation, Dictionary) and str(annotation.get("/Subtype", "")) not in _ACTIVE_ANNOTATIONS


def _disarm_object(thing: Any, depth: int) -> bool:
    """Take what acts out of an object and of what stands inside it; other indirect objects get their own turn.

    Returns:
        Whether there was something.
    """
    armed = False
    if depth > _DEEPEST:
        raise Refusal("too_complex")
    if isinstance(thing, Dictionary | Stream):
        for key in (*_ACTIVE_KEYS, *_TELLING_KEYS):
            if key in thing:
                armed |= key in _ACTIVE_KEYS
                del thing[key]
        action = thing.get("/A")
        if isinstance(action, Dictionary) and action.get("/S") != Name.GoTo:
            # A layout attribute is called /A as well, but has an owner.
            if "/O" not in action:
                armed = True
                del thing["/A"]
        elif isinstance(action, Dictionary) and "/Next" in action:
            armed = True
            del action["/Next"]
        children = [thing.get(key) for key in thing.keys()]  # noqa: SIM118 - no plain dict
    elif isinstance(thing, Array):
        children = list(thing)
    else:
        return False
    for child in children:
        if isinstance(child, Dictionary | Array) and not child.is_indirect:
            armed |= _disarm_object(child, depth + 1)
    return armed


def _decoded_bytes(stream: Stream, most: int) -> int:
    """How large a stream becomes when it is unpacked, for the filter that can blow up."""
    filters = stream.get("/Filter")
    first = filters[0] if isinstance(filters, Array) and len(filters) else filters
    if first not in (Name.FlateDecode, Name.Fl):
        return 0
    unpack = zlib.decompressobj()
    size, waiting = 0, stream.read_raw_bytes()
    while waiting and not unpack.eof:
        try:
            size += len(unpack.decompress(waiting, _MEGA))
        except zlib.error:
            return size
        waiting = unpack.unconsumed_tail
        if size > most:
            raise Refusal("too_complex")
    return size


def _strip_jpeg_stream(stream: Stream) -> None:
    raw = stream.read_raw_bytes()
    stripped = strip_jpeg(raw)
    if len(stripped) < len(raw):
        parameters = stream.get("/DecodeParms")
        kept = parameters if isinstance(parameters, Dictionary) else None
        stream.write(stripped, filter=Name.DCTDecode, decode_parms=kept)


def strip_jpeg(data: bytes) -> bytes:
    """A JPEG without comments and without application data (Exif, XMP, IPTC) other than JFIF, ICC and Adobe's own."""
    out = bytearray(data[:2])
    position = 2
    while position + 4 <= len(data) and data[position] == 0xFF and data[position + 1] != 0xDA:
        marker = data[position + 1]
        (length,) = struct.unpack(">H", data[position + 2 : position + 4])
        if length < 2:
            return data
        if not (0xE1 <= marker <= 0xEF and marker not in (0xE2, 0xEE)) and marker != 0xFE:
            out += data[position : position + 2 + length]
        position += 2 + length
    return bytes(out) + data[position:]


@dataclass(frozen=True)
class Sheet:
    """One picture for `combine`: as `clean_picture` makes them."""

    data: bytes
    file_type: FileType


def combine(sheets: Sequence[Sheet], title: str, language: str) -> bytes:
    """One PDF of several pictures, in their order, each upright on a page of its own (a very long one on several).

    The pixels are taken over as they are. The same pictures give the same bytes.

    Args:
        sheets: The pictures.
        title: Title of the document; each picture is described by it and its number.
        language: Of the title, such as `en`.
    """
    pdf = pikepdf.new()
    document = pdf.make_indirect(Dictionary(Type=Name.StructElem, S=Name.Document, K=Array()))
    tree = pdf.make_indirect(Dictionary(Type=Name.StructTreeRoot, K=document))
    document.P = tree
    numbers = Array()
    for number, sheet in enumerate(sheets, 1):
        image, width, height = _image(pdf, sheet)
        label = f"{title} ({number}/{len(sheets)})"
        for size, matrix in _places(width, height):
            index = len(pdf.pages)
            body = f"/Figure <</MCID 0>> BDC q {matrix} cm /Im0 Do Q EMC"
            page = pdf.add_blank_page(page_size=size)
            page.obj.Resources = Dictionary(XObject=Dictionary(Im0=image))
            page.obj.Contents = pdf.make_stream(body.encode())
            page.obj.StructParents = index
            page.obj.Tabs = Name.S
            figure = pdf.make_indirect(
                Dictionary(Type=Name.StructElem, S=Name.Figure, P=document, Pg=page.obj, K=0, Alt=String(label))
            )
            document.K.append(figure)
            numbers.append(index)
            numbers.append(Array([figure]))
    tree.ParentTree = pdf.make_indirect(Dictionary(Nums=numbers))
    tree.ParentTreeNextKey = len(pdf.pages)
    root = pdf.Root
    root.StructTreeRoot = tree
    root.MarkInfo = Dictionary(Marked=True)
    root.Lang = String(language)
    root.ViewerPreferences = Dictionary(DisplayDocTitle=True)
    with pdf.open_metadata(set_pikepdf_as_editor=False) as metadata:
        metadata["dc:title"] = title
        metadata["dc:language"] = [language]
    pdf.docinfo["/Title"] = title
    out = io.BytesIO()
    pdf.save(out, deterministic_id=True, min_version="1.7")
    return out.getvalue()


def _places(width: int, height: int) -> Iterator[tuple[tuple[float, float], str]]:
    """Page size and transformation for each page that a picture of so many pixels takes."""
    page = _LETTER if height >= width else _LETTER[::-1]
    room = page[0] - 2 * _MARGIN, page[1] - 2 * _MARGIN
    if height / width > _TALL * room[1] / room[0]:
        # A long screenshot: as wide as the page, cut into pages.
        scale = min(room[0] / width, 72 / _FEWEST_DOTS)
        for part in range(math.ceil(height * scale / room[1])):
            bottom = page[1] - _MARGIN - height * scale + part * room[1]
            yield page, _matrix(width * scale, height * scale, (page[0] - width * scale) / 2, bottom)
        return
    scale = min(room[0] / width, room[1] / height, 72 / _FEWEST_DOTS)
    shown = width * scale, height * scale
    yield page, _matrix(*shown, (page[0] - shown[0]) / 2, (page[1] - shown[1]) / 2)


def _matrix(width: float, height: float, left: float, bottom: float) -> str:
    return f"{width:.3f} 0 0 {height:.3f} {left:.3f} {bottom:.3f}"


def _image(pdf: pikepdf.Pdf, sheet: Sheet) -> tuple[Stream, int, int]:
    if sheet.file_type == "jpeg":
        width, height, components = _jpeg_frame(sheet.data)
        space = Name.DeviceGray if components == 1 else Name.DeviceRGB
        image = pdf.make_stream(
            sheet.data,
            Dictionary(
                Type=Name.XObject, Subtype=Name.Image, Width=width, Height=height, ColorSpace=space, BitsPerComponent=8
            ),
        )
        image.write(sheet.data, filter=Name.DCTDecode)
        return image, width, height
    return _png_image(pdf, sheet.data)


def _jpeg_frame(data: bytes) -> tuple[int, int, int]:
    position = 2
    while position + 10 <= len(data):
        marker = data[position + 1]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">HH", data[position + 5 : position + 9])
            return width, height, data[position + 9]
        position += 2 + int.from_bytes(data[position + 2 : position + 4], "big")
    raise Refusal("damaged")


def _png_image(pdf: pikepdf.Pdf, data: bytes) -> tuple[Stream, int, int]:
    """PNG's packed lines are what PDF's Flate filter with a PNG predictor reads (ISO 32000-2, 7.4.4.4)."""
    chunks: dict[bytes, bytes] = {}
    position = 8
    while position + 8 <= len(data):
        (length,) = struct.unpack(">I", data[position : position + 4])
        name = data[position + 4 : position + 8]
        chunks[name] = chunks.get(name, b"") + data[position + 8 : position + 8 + length]
        position += 12 + length
    width, height, bits, kind, _, _, interlaced = struct.unpack(">IIBBBBB", chunks[b"IHDR"])
    if interlaced or kind not in (0, 2, 3):
        raise Refusal("damaged")
    colors = 3 if kind == 2 else 1
    palette = chunks.get(b"PLTE", b"")
    space: Object
    if kind == 3:
        space = Array([Name.Indexed, Name.DeviceRGB, len(palette) // 3 - 1, String(palette)])
    else:
        space = Name.DeviceRGB if kind == 2 else Name.DeviceGray
    image = pdf.make_stream(
        b"",
        Dictionary(
            Type=Name.XObject, Subtype=Name.Image, Width=width, Height=height, ColorSpace=space, BitsPerComponent=bits
        ),
    )
    parameters = Dictionary(Predictor=15, Colors=colors, BitsPerComponent=bits, Columns=width)
    image.write(chunks[b"IDAT"], filter=Name.FlateDecode, decode_parms=parameters)
    return image, width, height
