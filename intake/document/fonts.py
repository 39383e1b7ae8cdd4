"""The fonts of the PDF, what they can show, and text made fit for them: nothing is dropped without a sign."""

from __future__ import annotations

import struct
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from pathlib import Path

import typst

LATIN = "Noto Sans"
SIMPLIFIED = "Noto Sans SC"
TRADITIONAL = "Noto Sans TC"
# All Han characters of the Noto fonts in one file, with Korean, and with names such as 𠮷 that the two others lack.
_ALL_HAN = "Noto Sans CJK JP"
_RARE_HAN = "HanaMinB"
# Han characters outside the Noto fonts; used where the system has it (Debian: fonts-hanazono).
_RARE_HAN_FILE = Path("/usr/share/fonts/truetype/hanazono/HanaMinB.ttf")
_SCRIPTS = (
    "Arabic", "Armenian", "Bengali", "Devanagari", "Ethiopic", "Georgian", "Gujarati", "Gurmukhi", "Hebrew", "Kannada",
    "Khmer", "Lao", "Malayalam", "Myanmar", "Oriya", "Sinhala", "Symbols", "Tamil", "Telugu", "Thai",
)  # fmt: skip

# Directions hidden in a text can make it read otherwise than it is, so they are shown.
_DIRECTIONS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
# Without a form of their own: they join, part or vary what stands beside them.
_INVISIBLE = frozenset("\u00ad\u034f\u061c\u200b\u200c\u200d\u200e\u200f\u2060").union(
    map(chr, range(0xFE00, 0xFE10)), map(chr, range(0xE0020, 0xE0080)), map(chr, range(0xE0100, 0xE01F0))
)
# PDF/UA forbids it, and it says nothing inside a text.
_BYTE_ORDER_MARK = "\ufeff"
_LINE_BREAKS = str.maketrans(dict.fromkeys("\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029", "\n"))
_TAB = "    "
# A word longer than the first may be parted after each of the second, so that it stays on the page.
_LONG_WORD = 20
_WORD_STEP = 10
_PARTING = "\u200b"


class FontsMissing(RuntimeError):
    """A font that the PDF needs is not installed."""


@dataclass(frozen=True, eq=False)
class FontSet:
    """Fonts ready for setting.

    Attributes:
        fonts: For the typesetter.
        fallback: Families after the ones of a language, in order.
        coverage: Code points that some font shows.
        plain: Code points of the fonts that are certain to show each character alone.
    """

    fonts: typst.Fonts
    fallback: tuple[str, ...]
    coverage: frozenset[int]
    plain: frozenset[int]

    def families(self, language: str) -> list[dict[str, str]]:
        """The families for a text, best first; Chinese punctuation comes from the Chinese font."""
        latin = {"name": LATIN} if language == "en" else {"name": LATIN, "covers": "latin-in-cjk"}
        han = [TRADITIONAL, SIMPLIFIED] if language == "zh-Hant" else [SIMPLIFIED, TRADITIONAL]
        return [latin, *({"name": name} for name in (*han, *self.fallback))]

    def printable(self, text: str, strictness: int = 0) -> str:
        """The text with every sign that cannot be shown replaced by its code point, such as ``[U+E000]``.

        Args:
            text: As typed.
            strictness: 0: whatever a font has; 1: no combining signs; 2: single characters of the basic fonts only.
        """
        text = text.replace("\r\n", "\n").translate(_LINE_BREAKS).replace("\t", _TAB).replace(_BYTE_ORDER_MARK, "")
        return _partable(text.translate(_shown_as(self, strictness)))

    def shown(self, sign: str, strictness: int) -> str:
        """One sign, or what stands in its place; strictness as for `printable`."""
        category = unicodedata.category(sign)
        if sign == "\n" or (sign in _INVISIBLE and strictness == 0):
            return sign
        if category == "Zs":
            return sign if ord(sign) in self.plain else " "
        known = ord(sign) in (self.plain if strictness > 1 else self.coverage)
        if (
            known
            and category not in ("Cc", "Cs")
            and sign not in _DIRECTIONS
            and not (strictness and category[0] == "M")
        ):
            return sign
        return f"[U+{ord(sign):04X}]"


class _Worked(dict[int, str]):
    """A table for `str.translate` that works each sign out once."""

    def __init__(self, work: Callable[[str], str]) -> None:
        super().__init__()
        self._work = work

    def __missing__(self, code: int) -> str:
        found = self[code] = self._work(chr(code))
        return found


@lru_cache(maxsize=8)
def _shown_as(fonts: FontSet, strictness: int) -> _Worked:
    return _Worked(lambda sign: fonts.shown(sign, strictness))


def _ends_word(sign: str) -> bool:
    return sign.isspace() or sign == _PARTING or unicodedata.east_asian_width(sign) in "WF"


# Each sign as itself, or as a space where a word ends.
_WORDS = _Worked(lambda sign: " " if _ends_word(sign) else sign)


@lru_cache(maxsize=1)
def font_set() -> FontSet:
    """The fonts, read once for the process.

    Raises:
        FontsMissing: One is not installed.
    """
    noto, han = Path(str(files("manimgx_fonts"))), Path(str(files("noto_cjk_sans_jp_regular")))
    simplified, traditional = Path(str(files("pylopdf_fonts_zh_cn"))), Path(str(files("pylopdf_fonts_zh_tw")))
    paths = {
        LATIN: noto / "NotoSans[wght].ttf",
        SIMPLIFIED: simplified / "NotoSansSC-Regular.otf",
        TRADITIONAL: traditional / "NotoSansTC-Regular.otf",
        _ALL_HAN: han / "NotoSansCJKjp-Regular.otf",
        **{f"Noto Sans {script}": noto / f"NotoSans{script}[wght].ttf" for script in _SCRIPTS},
        "Noto Emoji": noto / "NotoEmoji[wght].ttf",
    }
    if _RARE_HAN_FILE.exists():
        paths[_RARE_HAN] = _RARE_HAN_FILE
    fonts = typst.Fonts(
        include_system_fonts=False,
        include_embedded_fonts=False,
        font_paths=sorted({path.parent for path in paths.values()}),
    )
    missing = sorted(paths.keys() - set(fonts.families()))
    if missing:
        raise FontsMissing(", ".join(missing))
    covered = {name: frozenset(code_points(path)) for name, path in paths.items()}
    first = (LATIN, SIMPLIFIED, TRADITIONAL)
    return FontSet(
        fonts,
        tuple(name for name in paths if name not in first),
        frozenset().union(*covered.values()),
        frozenset().union(*(covered[name] for name in first)),
    )


def code_points(path: Path) -> Iterator[int]:
    """The code points a font file has a glyph for, from its ``cmap`` table (formats 4 and 12 of OpenType).

    Raises:
        ValueError: Neither format is in the file.
    """
    with path.open("rb") as file:
        head = file.read(12)
        tables = struct.unpack(">H", head[4:6])[0]
        directory = file.read(16 * tables)
        entries = (directory[at : at + 16] for at in range(0, len(directory), 16))
        offset, length = next(struct.unpack(">II", entry[8:16]) for entry in entries if entry[:4] == b"cmap")
        file.seek(offset)
        table = file.read(length)
    starts = {
        struct.unpack_from(">I", table, 8 + 8 * index)[0] for index in range(struct.unpack_from(">H", table, 2)[0])
    }
    by_format = {struct.unpack_from(">H", table, start)[0]: start for start in starts}
    if 12 in by_format:
        start = by_format[12]
        for index in range(struct.unpack_from(">I", table, start + 12)[0]):
            first, last, glyph = struct.unpack_from(">III", table, start + 16 + 12 * index)
            yield from range(first if glyph else first + 1, last + 1)
    elif 4 in by_format:
        yield from _segments(table, by_format[4])
    else:
        raise ValueError(f"no Unicode table in {path.name}")


def _segments(table: bytes, start: int) -> Iterator[int]:
    count = struct.unpack_from(">H", table, start + 6)[0] // 2
    ends, firsts, deltas, ranges = (start + 14 + 2 * count * part + (2 if part else 0) for part in range(4))
    for index in range(count):
        last, first = (struct.unpack_from(">H", table, at + 2 * index)[0] for at in (ends, firsts))
        delta, distance = (struct.unpack_from(">H", table, at + 2 * index)[0] for at in (deltas, ranges))
        for code in range(first, min(last, 0xFFFE) + 1):
            glyph = code
            if distance:
                glyph = struct.unpack_from(">H", table, ranges + 2 * index + distance + 2 * (code - first))[0]
                if not glyph:
                    continue
            if (glyph + delta) & 0xFFFF:
                yield code


def _partable(text: str) -> str:
    """The text with an invisible place to part in each very long word."""
    longest = max(map(len, text.translate(_WORDS).split(" ")))
    return "".join(_parted(text)) if longest > _LONG_WORD else text


def _parted(text: Iterable[str]) -> Iterator[str]:
    word: list[str] = []
    for sign in text:
        if _ends_word(sign):
            yield from _steps(word)
            word = []
            yield sign
        else:
            word.append(sign)
    yield from _steps(word)


def _steps(word: list[str]) -> Iterator[str]:
    if len(word) <= _LONG_WORD:
        yield from word
        return
    since = 0
    for sign in word:
        if since >= _WORD_STEP and unicodedata.category(sign)[0] not in "MC":
            yield _PARTING
            since = 0
        yield sign
        since += 1
