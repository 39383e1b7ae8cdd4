"""What a file is by its first bytes. Names and declared types are not asked."""

from __future__ import annotations

from typing import Literal

FileType = Literal["pdf", "jpeg", "png", "heic"]

HEAD_BYTES = 64
EXTENSIONS: dict[FileType, tuple[str, ...]] = {
    "pdf": ("pdf",),
    "jpeg": ("jpg", "jpeg", "jpe", "jfif"),
    "png": ("png",),
    "heic": ("heic", "heif", "hif"),
}
MEDIA_TYPES: dict[FileType, str] = {
    "pdf": "application/pdf",
    "jpeg": "image/jpeg",
    "png": "image/png",
    "heic": "image/heic",
}
# ISO/IEC 23008-12, annex B: still pictures and sequences in HEVC. `mif1` and `msf1` name the container only.
_HEVC_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"})
_CONTAINER_BRANDS = frozenset({b"mif1", b"msf1", b"MiHE"})


def sniff(head: bytes) -> FileType | None:
    """What the beginning of a file says it is, or None for anything that is not taken.

    Args:
        head: Its first `HEAD_BYTES`.
    """
    if head.startswith(b"%PDF-"):
        return "pdf"
    if head.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if head[4:8] == b"ftyp":
        brands = {head[8:12]} | {head[start : start + 4] for start in range(16, min(len(head), _box(head)), 4)}
        if head[8:12] in _HEVC_BRANDS or (head[8:12] in _CONTAINER_BRANDS and brands & _HEVC_BRANDS):
            return "heic"
    return None


def _box(head: bytes) -> int:
    return int.from_bytes(head[:4], "big")
