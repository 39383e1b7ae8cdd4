"""Files as people and attackers send them, built here so that nobody has to trust a file that lies around."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import pikepdf
import pillow_heif
from pikepdf import Array, Dictionary, Name, String
from PIL import Image, ImageDraw

ORIENTATION, DESCRIPTION, MAKE, GPS_IFD = 0x0112, 0x010E, 0x010F, 0x8825
SECRET = "48.858844N-2.294351E-Rue-Cler"
# The harmless test file of the anti-malware industry, in two parts so that no scanner takes this file for it.
EICAR = (r"X5O!P%@AP[4\PZX54(P^)7CC)7}$" + "EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*").encode()


def page_picture(width: int = 900, height: int = 1200, mode: str = "RGB") -> Image.Image:
    """A page with a red corner at the upper left and lines of text."""
    image = Image.new("RGB", (width, height), "white")
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, width // 4, height // 4), fill="red")
    for line in range(8):
        draw.text((width // 3, 40 + line * height // 10), f"Receipt notice, line {line}", fill="black")
    return image.convert(mode)


def _exif(orientation: int = 1) -> Image.Exif:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    exif[DESCRIPTION] = SECRET
    exif[MAKE] = "Telephone of " + SECRET
    exif.get_ifd(GPS_IFD).update({1: "N", 2: (48.0, 51.0, 31.8), 3: "E", 4: (2.0, 17.0, 39.7), 29: SECRET})
    return exif


def jpeg(image: Image.Image | None = None, orientation: int = 1, **options: Any) -> bytes:
    """A telephone's photo: with place, device and a comment; `orientation` as Exif counts it."""
    out = io.BytesIO()
    written = {"exif": _exif(orientation), "comment": SECRET.encode(), "quality": 90} | options
    (image or page_picture()).save(out, "JPEG", **written)
    return out.getvalue()


def png(image: Image.Image | None = None) -> bytes:
    """A screenshot with Exif data and a text inside."""
    from PIL.PngImagePlugin import PngInfo

    out, info = io.BytesIO(), PngInfo()
    info.add_text("Author", SECRET)
    (image or page_picture()).save(out, "PNG", exif=_exif(), pnginfo=info)
    return out.getvalue()


def heic(image: Image.Image | None = None) -> bytes:
    """A photo as iPhones store it."""
    pillow_heif.register_heif_opener()
    out = io.BytesIO()
    (image or page_picture()).save(out, "HEIF", exif=_exif(), quality=80)
    return out.getvalue()


def png_bomb(side: int = 50_000) -> bytes:
    """A small file that says it is an enormous picture, and is."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    squeeze = zlib.compressobj(9)
    line = b"\0" * (side // 8 + 1)
    lines = b"".join(squeeze.compress(line * 1000) for _ in range(side // 1000)) + squeeze.flush()
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", lines) + chunk(b"IEND", b"")


def pdf(pages: int = 1, text: str = "Receipt notice IOE0912345678", **save: Any) -> bytes:
    """A small PDF with text and information about its author."""
    document = pikepdf.new()
    for number in range(pages):
        page = document.add_blank_page(page_size=(612, 792))
        page.Contents = document.make_stream(f"BT /F1 24 Tf 72 700 Td ({text} p{number + 1}) Tj ET".encode())
        page.Resources = Dictionary(
            Font=Dictionary(F1=Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica))
        )
    document.docinfo["/Author"] = SECRET
    out = io.BytesIO()
    document.save(out, **save)
    return out.getvalue()


def armed_pdf() -> bytes:
    """A PDF that does whatever a PDF can do: scripts, programs, attachments, forms that send, sounds."""
    document = pikepdf.open(io.BytesIO(pdf(2)))
    script = Dictionary(S=Name.JavaScript, JS=String("app.alert('boo')"))
    launch = Dictionary(S=Name.Launch, F=String("/bin/sh"))
    attached = document.make_stream(b"MZ evil.exe", Dictionary(Type=Name.EmbeddedFile))
    file_spec = document.make_indirect(Dictionary(Type=Name.Filespec, F=String("evil.exe"), EF=Dictionary(F=attached)))
    root = document.Root
    root.OpenAction = script
    root.AA = Dictionary(WC=script)
    root.AF = Array([file_spec])
    root.Names = Dictionary(
        JavaScript=Dictionary(Names=Array([String("x"), document.make_indirect(script)])),
        EmbeddedFiles=Dictionary(Names=Array([String("evil.exe"), file_spec])),
    )
    root.AcroForm = Dictionary(Fields=Array(), XFA=document.make_stream(b"<xdp><script>boo</script></xdp>"), CO=Array())
    page = document.pages[0]
    page.obj.AA = Dictionary(O=launch)
    box = Array([0, 0, 100, 100])
    page.obj.Annots = Array(
        [
            Dictionary(Type=Name.Annot, Subtype=Name.Link, Rect=box, A=launch),
            Dictionary(Type=Name.Annot, Subtype=Name.Link, Rect=box, A=Dictionary(S=Name.URI, URI=String("http://x"))),
            Dictionary(
                Type=Name.Annot,
                Subtype=Name.Link,
                Rect=box,
                A=Dictionary(S=Name.GoTo, D=Array([document.pages[1].obj, Name.Fit]), Next=script),
            ),
            Dictionary(Type=Name.Annot, Subtype=Name.FileAttachment, Rect=box, FS=file_spec),
            Dictionary(Type=Name.Annot, Subtype=Name.Widget, Rect=box, AA=Dictionary(K=script)),
        ]
    )
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def pdf_bomb(mib: int = 2048) -> bytes:
    """A small PDF whose page unpacks to `mib` MiB."""
    squeeze = zlib.compressobj(9)
    packed = b"".join(squeeze.compress(b" " * 1024 * 1024) for _ in range(mib)) + squeeze.flush()
    document = pikepdf.new()
    page = document.add_blank_page()
    page.Contents = document.make_stream(b"")
    page.Contents.write(packed, filter=Name.FlateDecode)
    out = io.BytesIO()
    document.save(out, recompress_flate=False, stream_decode_level=pikepdf.StreamDecodeLevel.none)
    return out.getvalue()
