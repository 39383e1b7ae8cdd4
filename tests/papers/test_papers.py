"""What becomes of files, and what is refused: in the real worker process, with files built for each case."""

from __future__ import annotations

import asyncio
import io
import itertools
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pikepdf
import pypdf
import pytest
from PIL import Image

from papers.clamav import Scanner, ScannerUnavailable
from papers.kinds import FileType, sniff
from papers.limits import load_paper_limits
from papers.names import MOST_CHARACTERS, clean_name
from papers.pdf import strip_jpeg
from papers.refusal import Refusal
from papers.sandbox import Cleaned, Sandbox
from papers.spool import Spool
from tests.papers import files
from tests.papers.fake_clamd import FakeClamd

LIMITS = load_paper_limits()
MEGA = 1_000_000


async def clean(data: bytes, file_type: FileType | None = None) -> Cleaned:
    found = file_type or sniff(data[:64])
    assert found is not None
    return await Sandbox(LIMITS).clean([data], found)


async def refusal(data: bytes, file_type: FileType | None = None) -> str:
    with pytest.raises(Refusal) as raised:
        await clean(data, file_type)
    return raised.value.reason


def opened(cleaned: Cleaned) -> Image.Image:
    return Image.open(io.BytesIO(cleaned.data))


# ---- what a file is

HEADS: list[tuple[bytes, FileType | None]] = [
    (files.pdf(), "pdf"),
    (files.jpeg(), "jpeg"),
    (files.png(), "png"),
    (files.heic(), "heic"),
    (b"MZ\x90\x00" + b"\0" * 60, None),
    (b"PK\x03\x04" + b"\0" * 60, None),
    (b"GIF89a" + b"\0" * 60, None),
    (b"II*\x00" + b"\0" * 60, None),
    (b"RIFF\x10\0\0\0WEBPVP8 " + b"\0" * 40, None),
    (b"<svg xmlns='http://www.w3.org/2000/svg'/>", None),
    (b"<html>%PDF-1.4", None),
    (b"\0\0\0\x20ftypavif\0\0\0\0avifmif1", None),
    (b"\0\0\0\x18ftypmp42\0\0\0\0isom", None),
    (b"\0\0\0\x1cftypmif1\0\0\0\0mif1heic", "heic"),
    (b"", None),
    (b"%PD", None),
]


@pytest.mark.parametrize(("data", "expected"), HEADS)
def test_a_file_is_what_it_begins_with(data: bytes, expected: FileType | None) -> None:
    assert sniff(data[:64]) == expected


NAMES: list[tuple[str | None, FileType, str]] = [
    ("notice.pdf", "pdf", "notice.pdf"),
    ("收据 通知.PDF", "pdf", "收据 通知.PDF"),
    ("../../etc/passwd", "pdf", "passwd.pdf"),
    ("..\\..\\boot.ini", "jpeg", "boot.ini.jpg"),
    ("C:\\Users\\me\\scan.jpeg", "jpeg", "scan.jpeg"),
    ("invoice\u202efdp.exe", "pdf", "invoicefdp.exe.pdf"),
    ("a\0b\r\nSet-Cookie: x\x1b[31m.png", "png", "abSet-Cookie_ x[31m.png"),
    ("zero\u200bwidth\ufeff.png", "png", "zerowidth.png"),
    ("photo.png", "jpeg", "photo.png.jpg"),
    ("", "heic", "document.heic"),
    (None, "pdf", "document.pdf"),
    ("....", "pdf", "document.pdf"),
    (".htaccess", "pdf", "htaccess.pdf"),
    ('"><script>.pdf', "pdf", "___script_.pdf"),
    ("／etc／shadow", "pdf", "shadow.pdf"),
    ("e\u0301te\u0301.pdf", "pdf", "\u00e9t\u00e9.pdf"),
]


@pytest.mark.parametrize(("given", "file_type", "expected"), NAMES)
def test_names_are_harmless(given: str | None, file_type: FileType, expected: str) -> None:
    assert clean_name(given, file_type) == expected


def test_long_names_are_cut_and_keep_their_ending() -> None:
    assert clean_name("好" * 5000 + ".pdf", "pdf") == "好" * MOST_CHARACTERS + ".pdf"


# ---- pictures

UPRIGHT = {
    # Exif orientation → where the red corner, drawn at the upper left, must be seen after turning upright.
    1: ("left", "top"),
    2: ("right", "top"),
    3: ("right", "bottom"),
    4: ("left", "bottom"),
    5: ("left", "top"),
    6: ("right", "top"),
    7: ("right", "bottom"),
    8: ("left", "bottom"),
}


def red_corner(image: Image.Image) -> tuple[str, str]:
    width, height = image.size
    for (x, across), (y, down) in itertools.product(
        ((20, "left"), (width - 20, "right")), ((20, "top"), (height - 20, "bottom"))
    ):
        red, green, blue = image.convert("RGB").getpixel((x, y))  # type: ignore[misc]
        if red > 200 and green < 80 and blue < 80:
            return across, down
    raise AssertionError("no red corner")


@pytest.mark.parametrize("orientation", UPRIGHT)
async def test_photos_are_turned_upright(orientation: int) -> None:
    cleaned = await clean(files.jpeg(orientation=orientation))
    image = opened(cleaned)
    assert image.size == ((900, 1200) if orientation <= 4 else (1200, 900))
    assert red_corner(image) == UPRIGHT[orientation]
    assert not image.getexif()


@pytest.mark.parametrize("make", [files.jpeg, files.png, files.heic])
async def test_nothing_but_the_picture_is_kept(make: object) -> None:
    data: bytes = make()  # type: ignore[operator]
    assert files.SECRET.encode() in data or files.SECRET[:9].encode() in data
    cleaned = await clean(data)
    assert files.SECRET.encode() not in cleaned.data
    image = opened(cleaned)
    image.load()
    assert not image.getexif()
    assert not {"comment", "exif", "xmp", "icc_profile", "Author", "XML:com.adobe.xmp"} & set(image.info)


async def test_heic_becomes_jpeg_and_stays_readable() -> None:
    cleaned = await clean(files.heic())
    assert cleaned.file_type == "jpeg"
    assert opened(cleaned).format == "JPEG"
    assert opened(cleaned).size == (900, 1200)
    assert red_corner(opened(cleaned)) == ("left", "top")


@pytest.mark.parametrize(("width", "height"), [(6000, 8000), (9000, 1800), (1200, 16000)])
async def test_large_photos_become_as_large_as_a_page_needs(width: int, height: int) -> None:
    data = files.jpeg(files.page_picture(width, height))
    cleaned = await clean(data)
    image = opened(cleaned)
    kept = LIMITS.image_kept_megapixels * MEGA
    assert kept * 0.9 < image.width * image.height <= kept * 1.02
    assert image.width / image.height == pytest.approx(width / height, rel=0.01)
    assert len(cleaned.data) < len(data)


async def test_small_pictures_are_not_blown_up_and_not_made_much_heavier() -> None:
    data = files.jpeg(files.page_picture(800, 600), quality=40)
    cleaned = await clean(data)
    assert opened(cleaned).size == (800, 600)
    assert len(cleaned.data) <= len(data) * 1.1


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGBA", "I;16", "CMYK"])
async def test_every_kind_of_picture_stays_visible(mode: str) -> None:
    out, image = io.BytesIO(), files.page_picture()
    if mode == "CMYK":
        image.convert("CMYK").save(out, "JPEG")
    elif mode == "I;16":
        image.convert("L").convert("I").point(lambda value: value * 257).convert("I;16").save(out, "PNG")
    else:
        image.convert(mode).save(out, "PNG")
    shown = opened(await clean(out.getvalue())).convert("L")
    assert shown.getpixel((880, 1180)) > 240  # type: ignore[operator]
    assert shown.getpixel((20, 20)) < 140  # type: ignore[operator]


async def test_what_is_see_through_becomes_white() -> None:
    out = io.BytesIO()
    Image.new("RGBA", (50, 50), (0, 0, 0, 0)).save(out, "PNG")
    assert opened(await clean(out.getvalue())).convert("RGB").getpixel((5, 5)) == (255, 255, 255)


@pytest.mark.parametrize("behind", [b"PK\x03\x04 an archive", b"<script>alert(1)</script>", b"%PDF-1.7 /JS", b"MZ\x90"])
@pytest.mark.parametrize("make", [files.jpeg, files.png])
async def test_a_second_file_behind_a_picture_is_gone(make: object, behind: bytes) -> None:
    cleaned = await clean(make() + behind * 50)  # type: ignore[operator]
    assert behind not in cleaned.data


async def test_a_picture_that_unpacks_to_gigabytes_is_refused_before_it_is() -> None:
    data = files.png_bomb()
    assert len(data) < MEGA
    assert await refusal(data) == "too_many_pixels"


BROKEN = [
    (files.jpeg()[:-3000], None),
    (files.png()[:-900], None),
    (files.heic()[:-900], None),
    (b"\xff\xd8\xff" + os.urandom(5000), None),
    (b"\x89PNG\r\n\x1a\n" + os.urandom(500), None),
    (files.heic()[:64] + os.urandom(5000), "heic"),
    (files.pdf(3)[:-600], None),
    (b"%PDF-1.7\n" + os.urandom(3000), None),
    (b"%PDF-1.7\n%%EOF", None),
    (files.jpeg()[:200], None),
]


@pytest.mark.parametrize(("data", "file_type"), BROKEN)
async def test_broken_files_are_refused(data: bytes, file_type: FileType | None) -> None:
    assert await refusal(data, file_type) == "damaged"


# ---- PDF

ACTIVE = (
    b"JavaScript",
    b"/JS",
    b"Launch",
    b"/bin/sh",
    b"evil",
    b"/URI",
    b"OpenAction",
    b"/AA",
    b"XFA",
    b"EmbeddedFile",
)


def unpacked(data: bytes) -> bytes:
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(data)) as document:
        document.save(out, qdf=True)
    return out.getvalue()


@pytest.mark.filterwarnings("ignore::UserWarning")
async def test_nothing_in_a_pdf_acts_any_more() -> None:
    armed = files.armed_pdf()
    before = unpacked(armed)
    assert all(word in before for word in ACTIVE)
    cleaned = await clean(armed)
    assert cleaned.armed
    after = unpacked(cleaned.data)
    assert [word for word in ACTIVE if word in after] == []
    # What is harmless stays: the text, and the link to another page of it.
    assert cleaned.pages == 2
    assert b"/GoTo" in after
    assert "Receipt notice" in pypdf.PdfReader(io.BytesIO(cleaned.data)).pages[0].extract_text()


async def test_a_plain_pdf_keeps_its_pages_and_loses_its_author() -> None:
    cleaned = await clean(files.pdf(3) + b"\n<script>hidden</script>\n%%EOF")
    assert (cleaned.pages, cleaned.armed) == (3, False)
    assert files.SECRET.encode() not in cleaned.data
    assert b"<script>" not in cleaned.data
    pages = pypdf.PdfReader(io.BytesIO(cleaned.data)).pages
    assert [page.extract_text().strip()[-2:] for page in pages] == ["p1", "p2", "p3"]


async def test_photos_inside_a_pdf_lose_place_and_time() -> None:
    photo = files.jpeg()
    document = pikepdf.open(io.BytesIO(files.pdf()))
    image = document.make_stream(b"", {"/Type": pikepdf.Name.XObject, "/Subtype": pikepdf.Name.Image})
    image.write(photo, filter=pikepdf.Name.DCTDecode)
    image.Width, image.Height, image.BitsPerComponent = 900, 1200, 8
    image.ColorSpace = pikepdf.Name.DeviceRGB
    document.pages[0].obj.Resources.XObject = pikepdf.Dictionary(Im0=image)
    out = io.BytesIO()
    document.save(out)
    assert files.SECRET.encode() in out.getvalue()
    cleaned = await clean(out.getvalue())
    assert files.SECRET.encode() not in cleaned.data
    kept = pypdf.PdfReader(io.BytesIO(cleaned.data)).pages[0].images[0]
    assert Image.open(io.BytesIO(kept.data)).size == (900, 1200)


def test_stripping_a_jpeg_leaves_the_picture_alone() -> None:
    photo = files.jpeg()
    stripped = strip_jpeg(photo)
    assert files.SECRET.encode() not in stripped
    assert Image.open(io.BytesIO(stripped)).tobytes() == Image.open(io.BytesIO(photo)).tobytes()


async def test_a_pdf_with_a_password_is_refused_and_one_with_rights_only_is_opened() -> None:
    assert await refusal(files.pdf(encryption=pikepdf.Encryption(owner="o", user="u"))) == "encrypted"
    cleaned = await clean(files.pdf(encryption=pikepdf.Encryption(owner="o", user="")))
    assert not pypdf.PdfReader(io.BytesIO(cleaned.data)).is_encrypted


async def test_a_pdf_that_unpacks_to_gigabytes_is_refused() -> None:
    data = files.pdf_bomb()
    assert len(data) < 3 * MEGA
    assert await refusal(data) == "too_complex"


async def test_a_pdf_with_too_many_pages_is_refused() -> None:
    assert await refusal(files.pdf(LIMITS.pdf_max_pages + 1)) == "too_many_pages"


@pytest.mark.parametrize("key", ["/NeedsRendering", "/Collection"])
async def test_a_pdf_that_only_one_program_shows_is_refused(key: str) -> None:
    document = pikepdf.open(io.BytesIO(files.pdf()))
    document.Root[key] = True if key == "/NeedsRendering" else pikepdf.Dictionary(Type=pikepdf.Name.Collection)
    out = io.BytesIO()
    document.save(out)
    assert await refusal(out.getvalue()) == "dynamic"


async def test_objects_nested_without_end_do_no_harm() -> None:
    nested = b"/Deep " + b"[" * 100_000 + b"]" * 100_000 + b" /MediaBox"
    data = files.pdf(object_stream_mode=pikepdf.ObjectStreamMode.disable).replace(b"/MediaBox", nested, 1)
    reasons: list[str] = []
    try:
        assert (await clean(data)).pages == 1
    except Refusal as refused:
        reasons.append(refused.reason)
    assert set(reasons) <= {"damaged", "too_complex"}


# ---- photos into one PDF


async def test_photos_become_one_readable_pdf() -> None:
    tall = await clean(files.jpeg(files.page_picture(3000, 4000)))
    wide = await clean(files.png(files.page_picture(1600, 1000)))
    grey = await clean(files.jpeg(files.page_picture(mode="L")))
    sheets = [(one.file_type, one.data) for one in (tall, wide, grey)]
    sandbox = Sandbox(LIMITS)
    made = await sandbox.combine(sheets, "Receipt notice", "en")
    assert made == await sandbox.combine(sheets, "Receipt notice", "en")
    reader = pypdf.PdfReader(io.BytesIO(made))
    assert [(int(page.mediabox.width), int(page.mediabox.height)) for page in reader.pages] == [
        (612, 792),
        (792, 612),
        (612, 792),
    ]
    # The pixels are those of the photos, none added.
    assert [page.images[0].image.size for page in reader.pages] == [  # type: ignore[union-attr]
        opened(one).size for one in (tall, wide, grey)
    ]
    root = reader.trailer["/Root"]
    assert root["/Lang"] == "en"  # type: ignore[index]
    assert root["/MarkInfo"]["/Marked"]  # type: ignore[index]
    assert reader.metadata is not None
    assert reader.metadata.title == "Receipt notice"
    figures = root["/StructTreeRoot"]["/K"]["/K"]  # type: ignore[index]
    assert [one.get_object()["/Alt"] for one in figures] == [f"Receipt notice ({n}/3)" for n in (1, 2, 3)]


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB"])
async def test_screenshots_look_the_same_in_the_pdf(mode: str) -> None:
    out = io.BytesIO()
    files.page_picture(mode=mode).save(out, "PNG")
    cleaned = await clean(out.getvalue())
    made = await Sandbox(LIMITS).combine([(cleaned.file_type, cleaned.data)], "A screenshot", "en")
    with pikepdf.open(io.BytesIO(made)) as document:
        shown = pikepdf.PdfImage(document.pages[0].get_images()["/Im0"]).as_pil_image()
    assert shown.convert("RGB").tobytes() == opened(cleaned).convert("RGB").tobytes()


async def test_a_long_screenshot_is_cut_into_pages_and_not_shrunk_to_a_stripe() -> None:
    cleaned = await clean(files.png(files.page_picture(1080, 8000)))
    made = await Sandbox(LIMITS).combine([(cleaned.file_type, cleaned.data)], "A long page", "en")
    pages = pypdf.PdfReader(io.BytesIO(made)).pages
    assert len(pages) > 3
    assert len({page.extract_text() + str(page.get_contents().get_data()) for page in pages}) == len(pages)  # type: ignore[union-attr]


# ---- the worker


def test_the_worker_has_little_memory_and_writes_nothing(tmp_path: Path) -> None:
    written = tmp_path / "written"
    code = (
        "import sys, os; sys.path.insert(0, sys.argv[1]); from papers.worker import shut_in; shut_in(256, 5)\n"
        "import resource\n"
        "print(resource.getrlimit(resource.RLIMIT_AS)[1], end=' ')\n"
        "try: bytearray(300 * 1024 * 1024); print('memory', end=' ')\n"
        "except MemoryError: print('no-memory', end=' ')\n"
        "sys.stdout.flush()\n"
        "os.write(os.open(sys.argv[2], os.O_CREAT | os.O_WRONLY), b'x' * 10)\n"
    )
    command = [sys.executable, "-I", "-c", code, str(Path.cwd()), str(written)]
    shut = subprocess.run(command, capture_output=True, text=True, check=False)
    assert shut.stdout.split() == [str(256 * 1024 * 1024), "no-memory"]
    assert shut.returncode != 0
    assert written.read_bytes() == b""


async def test_the_worker_gets_no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SESSION_KEY", "do-not-tell")
    seen: list[dict[str, str]] = []
    start = asyncio.create_subprocess_exec

    async def watched(*args: Any, **options: Any) -> Any:
        seen.append(options["env"])
        return await start(*args, **options)

    monkeypatch.setattr(asyncio, "create_subprocess_exec", watched)
    await clean(files.jpeg())
    assert seen
    assert not {"SESSION_KEY", "GUIDE_SECRET", "INTAKE_TOKEN", "GUIDE_DATA_KEYS"} & set(seen[0])


async def test_a_worker_that_needs_too_long_is_ended() -> None:
    sandbox = Sandbox(replace(LIMITS, worker_seconds=0))
    with pytest.raises(Refusal) as raised:
        await sandbox.clean([files.jpeg()], "jpeg")
    assert raised.value.reason == "too_complex"


async def test_a_worker_without_memory_refuses() -> None:
    sandbox = Sandbox(replace(LIMITS, worker_memory_mib=160))
    with pytest.raises(Refusal):
        await sandbox.clean([files.png(files.page_picture(9000, 9000))], "png")


# ---- the spool


def test_a_spool_gives_back_what_was_written_and_keeps_nothing_readable() -> None:
    with Spool() as spool:
        for _ in range(100):
            spool.write(b"a secret line\n" * 100)
        assert b"".join(spool.chunks()) == b"a secret line\n" * 10_000
        assert b"".join(spool.chunks()) == b"a secret line\n" * 10_000
        spool._file.seek(0)
        assert b"secret" not in spool._file.read()
        assert spool.size == 140_000


# ---- the scanner


async def test_the_scanner_over_tcp_and_over_a_socket_file(tmp_path: Path) -> None:
    for fake in (FakeClamd(), FakeClamd(tmp_path / "clamd.sock")):
        scanner = Scanner(fake.url, 5)
        assert await scanner.scan([files.pdf(), b"more"]) == "clean"
        assert await scanner.scan([b"x" * 200_000, files.EICAR]) == "infected"
        assert fake.seen == [len(files.pdf()) + 4, 200_000 + len(files.EICAR)]
        fake.stop()


@pytest.mark.parametrize("mode", ["silent", "error", "hang_up", "away"])
async def test_a_scanner_that_gives_no_verdict_has_found_nothing_clean(mode: str) -> None:
    fake = FakeClamd()
    fake.mode = mode
    if mode == "away":
        fake.stop()
    with pytest.raises(ScannerUnavailable):
        await Scanner(fake.url, 1).scan([b"x" * 1000])
    if mode != "away":
        fake.stop()


@pytest.mark.parametrize("url", ["clamd", "tcp://", "http://host:1", "unix://"])
def test_an_address_that_is_none_is_refused_at_the_start(url: str) -> None:
    with pytest.raises(ValueError, match="CLAMD_URL"):
        Scanner(url, 1)
