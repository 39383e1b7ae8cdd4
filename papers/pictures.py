"""Pictures made harmless and readable. Runs in the worker process only.

A picture is drawn anew from its pixels: turned upright, in sRGB, not larger than a page needs. Whatever else the file
held (place and time, device, owner, previews, hidden parts, another file behind it) is not carried over.
"""

from __future__ import annotations

import io
import math
import warnings
from typing import Any

from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError
from PIL import JpegImagePlugin as Jpeg

from papers.kinds import FileType
from papers.limits import PaperLimits
from papers.refusal import Refusal

_FORMATS: dict[FileType, str] = {"jpeg": "JPEG", "png": "PNG", "heic": "HEIF"}
_MEGA = 1_000_000
_LONGEST_SIDE = 60_000  # JPEG can't have more than 65,500.
_KEPT_MODES = {"1", "L", "P", "RGB"}


def clean_picture(data: bytes, file_type: FileType, limits: PaperLimits) -> tuple[bytes, FileType]:
    """The picture drawn anew, as PNG if it was one, else as JPEG.

    Raises:
        Refusal: `damaged` or `too_many_pixels`.
    """
    Image.MAX_IMAGE_PIXELS = None  # Our own limit is checked before anything is decoded.
    if file_type == "heic":
        import pillow_heif

        pillow_heif.register_heif_opener(thumbnails=False, decode_threads=1)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(data), formats=(_FORMATS[file_type],)) as image:
                if image.width * image.height > limits.image_max_megapixels * _MEGA:
                    raise Refusal("too_many_pixels")
                return _redraw(image, file_type, len(data), limits)
    except Refusal:
        raise
    except MemoryError:
        raise Refusal("too_complex") from None
    except (OSError, ValueError, SyntaxError, TypeError, IndexError, KeyError, RuntimeError, EOFError) as error:
        # What the decoders raise for files that lie about themselves.
        if isinstance(error, UnidentifiedImageError):
            raise Refusal("damaged") from None
        raise Refusal("damaged") from error


def _redraw(image: Image.Image, file_type: FileType, size: int, limits: PaperLimits) -> tuple[bytes, FileType]:
    quality = dict(getattr(image, "quantization", {}) or {})
    sampling = Jpeg.get_sampling(image) if file_type == "jpeg" else -1
    share = min(1.0, math.sqrt(limits.image_kept_megapixels * _MEGA / (image.width * image.height)))
    share = min(share, _LONGEST_SIDE / max(image.size))
    target = max(1, round(image.width * share)), max(1, round(image.height * share))
    if share < 1 and file_type == "jpeg":
        # Decode no finer than needed.
        image.draft(None, target)
    image.load()
    upright = ImageOps.exif_transpose(image)
    if share < 1:
        if upright.mode not in ("L", "RGB", "RGBA", "LA"):
            upright = upright.convert("RGBA" if "transparency" in upright.info else "RGB")
        upright.thumbnail((max(target), max(target)), Image.Resampling.LANCZOS, reducing_gap=2.0)
    flat = _flat(upright)
    if file_type == "png":
        return _png(flat), "png"
    return _jpeg(flat, quality, sampling, size if share == 1 else None, limits), "jpeg"


def _flat(image: Image.Image) -> Image.Image:
    """Opaque, on white, in grey or sRGB, without anything attached."""
    profile = image.info.get("icc_profile")
    if image.mode.startswith("I") or image.mode == "F":
        # 16 bits a channel: the upper eight.
        wide = image.convert("I")
        image = wide.point(lambda value: value / 256, "L") if _brightest(wide) > 255 else wide.convert("L")
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        layer = image.convert("RGBA")
        image = Image.new("RGB", layer.size, "white")
        image.paste(layer, mask=layer.getchannel("A"))
    if profile and image.mode in ("RGB", "CMYK"):
        image = _to_srgb(image, profile)
    if image.mode not in _KEPT_MODES:
        image = image.convert("RGB")
    bare = Image.new(image.mode, image.size)
    if image.mode == "P":
        bare.putpalette(image.getpalette() or [])
    bare.paste(image)
    return bare


def _brightest(image: Image.Image) -> float:
    highest = image.getextrema()[1]
    return max(highest) if isinstance(highest, tuple) else highest


def _to_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        turned = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError):
        return image
    return turned or image


def _png(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "PNG", optimize=True)
    return out.getvalue()


def _jpeg(image: Image.Image, tables: dict[int, Any], sampling: int, size: int | None, limits: PaperLimits) -> bytes:
    if image.mode not in ("L", "RGB"):
        image = image.convert("RGB")
    out = io.BytesIO()
    image.save(
        out, "JPEG", quality=limits.image_quality, optimize=True, subsampling="4:2:0" if sampling == 2 else "4:4:4"
    )
    if size is None or out.tell() <= size or not tables:
        return out.getvalue()
    # It was packed tighter before: pack it as tightly again.
    again = io.BytesIO()
    kept = dict(list(tables.items())[: 1 if image.mode == "L" else 2])
    try:
        image.save(again, "JPEG", qtables=kept, optimize=True, subsampling=max(sampling, 0))
    except (ValueError, OSError):
        return out.getvalue()
    return min(out.getvalue(), again.getvalue(), key=len)
