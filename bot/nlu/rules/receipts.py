"""Receipt numbers, however they are typed or dictated, and the numbers that must not be taken for one.

A receipt number is three letters and ten digits, or three letters, an asterisk and nine digits (USCIS Case Status
Online). Nothing is mended silently: look-alikes, unknown letters and wrong lengths are reported as ``problem``.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from itertools import product

from bot.nlu.rules.entity import Entity
from bot.nlu.rules.lexicon import lexicon
from bot.nlu.rules.numerals import Normalised, normalise, with_spoken_digits
from bot.nlu.rules.prefixes import prefixes

DIGITS = 10
LETTERS = 3

_KNOWN = prefixes().known
_NOT_RECEIPTS = prefixes().other | {word.upper() for word in lexicon("receipts").tree["not_prefixes"]}
_POSTS = prefixes().posts
_SPELLING = {word.lower(): word[0].upper() for word in lexicon("numerals").tree["spelling_words"]}
_BY_SOUND = {
    sound: prefix for prefix, sounds in lexicon("receipts").tree["prefixes_by_sound"].items() for sound in sounds
}
_SOUNDS = re.compile("|".join(sorted(_BY_SOUND, key=len, reverse=True)))
_LETTERS_BY_SOUND: dict[str, list[str]] = lexicon("receipts").tree["letters_by_sound"]
_CARRIERS = re.compile(
    rf"(?<![A-Za-z])[A-Za-z]([ ,]{{0,2}}(?:{'|'.join(lexicon('receipts').tree['carriers'])})[ ,]{{0,2}})(?=[0-9])"
)
_CUES = re.compile("|".join(lexicon("receipts").tree["cues"]), re.IGNORECASE)
_OTHER_CUES = re.compile("|".join(lexicon("receipts").tree["other_cues"]), re.IGNORECASE)
_CUE_REACH = 40

_LETTER_TWINS = {"I": "1L|!", "L": "1I|", "O": "0Q", "S": "5", "B": "8", "Z": "2"}
_DIGIT_TWINS = {"O": "0", "I": "1", "L": "1", "|": "1", "S": "5", "B": "8", "Z": "2"}
_TWIN_DIGITS = str.maketrans(_DIGIT_TWINS)


def _misread_prefixes() -> dict[str, str]:
    """Map every look-alike spelling of a known prefix to that prefix, where it is the only one."""
    found: dict[str, str | None] = {}
    for prefix in sorted(_KNOWN):
        for signs in product(*(sign + _LETTER_TWINS.get(sign, "") for sign in prefix)):
            spelling = "".join(signs)
            if spelling not in _KNOWN and any(sign.isalpha() for sign in signs):
                found[spelling] = None if spelling in found else prefix
    return {spelling: prefix for spelling, prefix in found.items() if prefix}


_MISREAD = _misread_prefixes()
_KNOWN_RE = "|".join(sorted(_KNOWN))


def _as_said(prefix: str) -> str:
    """A prefix whose letters are written as they sound: "eye oh ee"."""
    signs = ("|".join([sign, *_LETTERS_BY_SOUND.get(sign, [])]) for sign in prefix)
    return rf"(?P<{prefix}>(?:{')[ ,.-]{1,2}(?:'.join(signs)}))"


_SAID = re.compile(
    rf"(?<![A-Za-z0-9])(?:{'|'.join(_as_said(prefix) for prefix in sorted(_KNOWN) if prefix.isalpha())})"
    r"(?=[ ,.:-]{0,3}[0-9*])",
    re.IGNORECASE,
)
_JOINT = r"[ \t.,:#)_·•~-]{0,3}"
_HEAD = re.compile(
    rf"(?<![A-Za-z0-9|])[A-Za-z0-9|!]{{3}}(?=\s?{_JOINT}[0-9OoIlLSsBbZz|*])"
    rf"|(?<=[0-9])(?i:{_KNOWN_RE})(?=\s?{_JOINT}[0-9*])"
    rf"|(?<=[a-z])(?:{_KNOWN_RE})(?={_JOINT}[0-9*])"
    rf"|(?<=[a-z])(?i:{_KNOWN_RE})(?=[0-9]{{10}}(?![0-9]))"
)
_AFTER_HEAD = re.compile(rf"\s?{_JOINT}(\*{{0,8}}){_JOINT}")
_GROUP = re.compile(r"[0-9OoIilLSsBbZz|]{1,24}")
_GAP = re.compile(r"[ \t]{0,2}[._·•~-]?[ \t]{0,2}")
_LINE_BREAK = re.compile(r"[ \t]{0,2}-?\r?\n[ \t]{0,2}")
_NEXT_PREFIX = re.compile(rf"(?i:{_KNOWN_RE})(?=[ .-]{{0,2}}[0-9*])")
_DATE_AHEAD = re.compile(r"[0-9]{1,4}(?:[年月日号號]|/[0-9])")
_SURPLUS = re.compile(r"[0-9]{1,2}(?=\s?(?:[,;/)、。]|[.!?]?\s*$))")
_LAST_DIGITS = re.compile(r"([0-9]{1,2})(?![0-9])(\s?[^\W\d_])?")
_ODD_LETTERS = re.compile(r"(?<![A-Za-z0-9])([A-Za-z]{1,2}|[A-Za-z]{4,5})-?([0-9][0-9-]{7,14}[0-9])(?![A-Za-z0-9])")
_BARE_NUMBER = re.compile(r"(?<![A-Za-z0-9+(-])[0-9](?:[ -]?[0-9]){9,12}(?![0-9A-Za-z-])")
_PHONE_SHAPE = (3, 3, 4)
_WORTH_A_LOOK = re.compile(r"[0-9]{2}|[0-9][ .-][0-9]")
_AS_IN = re.compile(
    r"(?<![A-Za-z])([A-Za-z])[ ,]{1,2}(?:as in|for|like|is for) [A-Za-z]{2,12}[ ,.-]{0,2}", re.IGNORECASE
)
_SPELLED = re.compile(r"(?<![A-Za-z0-9])([A-Za-z])[ .,-]{1,2}([A-Za-z])[ .,-]{1,2}([A-Za-z])[ .,:-]{0,3}(?=[0-9*])")
_SPELLING_RE = re.compile(
    rf"(?<![A-Za-z])({'|'.join(_SPELLING)})[ ,.-]{{1,2}}({'|'.join(_SPELLING)})[ ,.-]{{1,2}}"
    rf"({'|'.join(_SPELLING)})[ ,.-]{{1,3}}(?=[0-9*])",
    re.IGNORECASE,
)
_CHINA_MOBILE = re.compile(r"861[3-9]")
_TWIN_LETTERS = "OoIilLSsBbZz|"
_ELECTRONIC = "IOE"
_FIRST_NVC_YEAR = 1980
_DAYS_OF_A_YEAR = 366
_FIRST_LOCKBOX_DAY = 900
_FEWEST_WITH_CUE = 4
_FEWEST = 6
_FEWEST_UNCERTAIN = 8
_MOST_WITH_CUE = 14
_LONGEST = 20
_NEARLY_KNOWN = frozenset(
    spelling
    for prefix in _KNOWN
    for place in range(LETTERS)
    for spelling in (prefix[:place] + prefix[place + 1 :], prefix[: place + 1] + prefix[place:])
)
_TRACKING_OR_EMAIL = re.compile(
    r"(?<![A-Za-z0-9._%+-])[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9.-]{1,80}"
    r"|(?<![A-Za-z0-9])[Cc][Aa][ -]?[A-Za-z0-9]{4}-[A-Za-z0-9]{4}-[A-Za-z0-9]{4}(?![A-Za-z0-9])"
)


@dataclass(frozen=True)
class _Reading:
    """Digits as read behind a prefix: the signs, where they end, the lengths of their groups."""

    signs: str
    end: int
    groups: tuple[int, ...]


class _Scan:
    """One message under examination: its copy, the stretches already taken, and where cue words end."""

    def __init__(self, norm: Normalised, today: date) -> None:
        self.norm = norm
        self.text = norm.text
        self.last_year = today.year + 1
        self.cues = [match.end() for match in _CUES.finditer(norm.text)]
        self.taken = bytearray(len(norm.text))
        self.found: list[tuple[int, Entity]] = []

    def take(self, start: int, end: int) -> None:
        self.taken[start:end] = b"\1" * (end - start)

    def is_taken(self, start: int, end: int) -> bool:
        return 1 in self.taken[start:end]

    def cue_before(self, at: int) -> int | None:
        """End of the nearest receipt cue shortly before ``at``, unless a cue for another number stands behind it."""
        index = bisect_right(self.cues, at) - 1
        if index < 0 or self.cues[index] < at - _CUE_REACH:
            return None
        cue = self.cues[index]
        return None if _OTHER_CUES.search(self.text, cue, at) else cue

    def add(self, kind: str, value: str, start: int, end: int, **extras: object) -> int:
        """Record an entity of this span of the copy; returns ``end``."""
        first, last = self.norm.span(start, end)
        self.found.append((start, Entity(kind, value, first, last, self.norm.original[first:last], extras=extras)))
        self.take(start, end)
        return end


def extract(text: str, today: date) -> list[Entity]:
    """Find receipt numbers.

    Args:
        text: The message as typed.
        today: The day of the message; bounds the years of National Visa Center case numbers.

    Returns:
        Entities ``receipt_number`` in order of appearance, with ``problem`` (None, ``lookalike``, ``unknown_prefix``,
        ``too_short``, ``too_long``, ``bad_prefix``); for the last three the value is what was typed without
        separators, and ``letters`` and ``digits`` count it. National Visa Center case numbers come as
        ``nvc_case_number`` with the problem of the same name.
    """
    return list(_found(text, today))


# The rules for other numbers ask for the receipt numbers of the same message again.
@lru_cache(maxsize=1)
def _found(text: str, today: date) -> tuple[Entity, ...]:
    norm = as_one_reads_it_out(normalise(text))
    if not _WORTH_A_LOOK.search(norm.text):
        return ()
    scan = _Scan(norm, today)
    if "@" in norm.text or "-" in norm.text:
        for match in _TRACKING_OR_EMAIL.finditer(norm.text):
            scan.take(*match.span())
    _find_prefixed(scan)
    _find_odd_letters(scan)
    if scan.cues:
        _find_bare(scan)
    return tuple(entity for _, entity in sorted(scan.found, key=lambda hit: hit[0]))


def as_one_reads_it_out(norm: Normalised) -> Normalised:
    """Put spoken digits and spelled prefixes together: "I O E zero nine one..." becomes "IOE091..."."""
    norm = norm.replaced([(*hit.span(), _BY_SOUND[hit.group()]) for hit in _SOUNDS.finditer(norm.text)])
    norm = with_spoken_digits(norm)
    norm = norm.replaced([(*hit.span(1), " ") for hit in _CARRIERS.finditer(norm.text)])
    norm = norm.replaced([(*hit.span(), hit.lastgroup or "") for hit in _SAID.finditer(norm.text)])
    if _AS_IN.search(norm.text):
        norm = norm.replaced([(*hit.span(), hit.group(1) + " ") for hit in _AS_IN.finditer(norm.text)])
    pieces = []
    for hit in _SPELLED.finditer(norm.text):
        letters = "".join(hit.groups())
        if letters.isupper() or letters.upper() in _KNOWN:
            pieces.append((*hit.span(), letters))
    norm = norm.replaced(pieces)
    return norm.replaced(
        [
            (*hit.span(), "".join(_SPELLING[word.lower()] for word in hit.groups()))
            for hit in _SPELLING_RE.finditer(norm.text)
        ]
    )


def _find_prefixed(scan: _Scan) -> None:
    at = 0
    while head := _HEAD.search(scan.text, at):
        end = None if scan.is_taken(*head.span()) else _read_number(scan, head)
        at = head.start() + 1 if end is None else end


def _read_number(scan: _Scan, head: re.Match[str]) -> int | None:
    """Record the number that begins with these three signs; returns where it ends, or None if it is none."""
    typed = head.group().upper()
    joint = _AFTER_HEAD.match(scan.text, head.end())
    if typed in _NOT_RECEIPTS or typed.isdecimal() or joint is None:
        return None
    stars = joint.group(1)
    wanted = DIGITS - 1 if len(stars) == 1 else DIGITS
    reading = _read_digits(scan.text, joint.end(), wanted)
    if reading is None or scan.is_taken(head.end(), reading.end):
        return None
    count = len(reading.signs)
    digits = reading.signs.upper().translate(_TWIN_DIGITS)
    glued = joint.group().strip() in ("", "-", stars) and (joint.end() == head.end() or joint.group().strip() != "")
    cued = scan.cue_before(head.start()) is not None
    exact = count == wanted and len(stars) < 2
    start, end = head.start(), reading.end
    if typed in _POSTS and exact and not stars and _FIRST_NVC_YEAR <= int(digits[:4]) <= scan.last_year:
        return scan.add("nvc_case_number", typed + digits, start, end, problem="nvc_case_number")
    prefix = typed if typed in _KNOWN else _MISREAD.get(typed)
    twins = not reading.signs.isdecimal()
    if prefix is None:
        if not (typed.isalpha() and _is_credible_unknown(head.group(), reading, exact, glued, cued, twins)):
            return None
    elif not _is_credible_known(head.group(), prefix, reading, digits, exact, glued, cued):
        return None
    if not exact:
        problem = "too_long" if count > wanted else "too_short"
        raw = typed + stars + reading.signs.upper()
        return scan.add("receipt_number", raw, start, end, problem=problem, letters=LETTERS, digits=count)
    if twins or (prefix and prefix != typed):
        problem_found: str | None = "lookalike"
    else:
        problem_found = None if prefix else "unknown_prefix"
    return scan.add("receipt_number", (prefix or typed) + stars + digits, start, end, problem=problem_found)


def _is_credible_known(
    head: str, prefix: str, reading: _Reading, digits: str, exact: bool, glued: bool, cued: bool
) -> bool:
    """Tell a number with a known prefix from a name (Lin, MSc) with some other digits behind it."""
    count = len(digits)
    if cued:
        return count >= _FEWEST_WITH_CUE
    as_word = not head.isupper() and not glued and prefix != _ELECTRONIC
    if exact and as_word and count == DIGITS and reading.groups in (_PHONE_SHAPE, (DIGITS,)):
        # Digits 3 to 5 of a service center number count the working days of a fiscal year, or begin with 9.
        is_name = head.istitle() and reading.groups == _PHONE_SHAPE
        return not is_name and not _DAYS_OF_A_YEAR < int(digits[2:5]) < _FIRST_LOCKBOX_DAY
    if exact:
        return True
    if prefix == _ELECTRONIC and head.upper() == prefix:
        return count >= _FEWEST_WITH_CUE
    return count >= (_FEWEST_UNCERTAIN if head.upper() != prefix else _FEWEST) and not as_word


def _is_credible_unknown(head: str, reading: _Reading, exact: bool, glued: bool, cued: bool, twins: bool) -> bool:
    """Tell a number with an unknown prefix from a word with a telephone number behind it."""
    if twins and not (head.isupper() and glued):
        return False
    if exact:
        return glued or cued or (head.isupper() and reading.groups != _PHONE_SHAPE)
    count = len(reading.signs)
    if cued:
        return _FEWEST <= count <= _MOST_WITH_CUE
    return glued and head.isupper() and len(reading.groups) == 1 and abs(count - DIGITS) == 1


def _read_digits(text: str, at: int, wanted: int) -> _Reading | None:
    """Read groups of digits, and letters that look like digits, up to the place where they most likely end.

    A place where exactly the wanted number of digits is complete wins; else groups that hang together by dashes are
    read to their end, and blanks are crossed only while the number is clearly too short.
    """
    signs, groups = "", []
    end = at
    while len(signs) < _LONGEST:
        group = _group_at(text, at, bool(signs), wanted - len(signs))
        if not group:
            break
        signs += group
        groups.append(len(group))
        end = at + len(group)
        broken = _LINE_BREAK.match(text, end)
        if broken and len(signs) < wanted and _completes(text, broken.end(), wanted - len(signs)):
            at = broken.end()
            continue
        gap = _GAP.match(text, end)
        if gap is None or gap.end() == end:
            break
        if len(signs) == wanted:
            surplus = _SURPLUS.match(text, gap.end())
            if surplus and (len(groups) > 1 or gap.group().strip()):
                signs += surplus.group()
                groups.append(len(surplus.group()))
                end = surplus.end()
            break
        blank = " " in gap.group() or "\t" in gap.group()
        if blank and (_DATE_AHEAD.match(text, gap.end()) or not _goes_on(text, gap.end(), signs, groups, wanted)):
            break
        at = gap.end()
    return _Reading(signs, end, tuple(groups)) if signs else None


def _completes(text: str, at: int, missing: int) -> bool:
    """Say whether exactly the missing digits stand here: a number that was wrapped to the next line."""
    rest = _GROUP.match(text, at)
    return rest is not None and rest.group().isdecimal() and len(rest.group()) == missing


def _goes_on(text: str, at: int, signs: str, groups: list[int], wanted: int) -> bool:
    """Decide whether digits behind a blank still belong to the number."""
    if len(signs) < wanted - 2 or (len(groups) > 2 and len(groups) == len(signs)):
        return True
    rest = _LAST_DIGITS.match(text, at)
    if rest is None or len(rest.group(1)) != wanted - len(signs):
        return False
    return len(groups) > 1 or not rest.group(2)


def _group_at(text: str, at: int, started: bool, missing: int) -> str:
    """Return the digits and look-alikes that stand together at this place; letters of a following word are left."""
    match = _GROUP.match(text, at)
    if match is None:
        return ""
    group = match.group()
    following = _NEXT_PREFIX.search(text, at, match.end() + LETTERS + 3)
    if following and following.start() < match.end():
        group = group[: following.start() - at]
    if at + len(group) < len(text) and text[at + len(group)].isascii() and text[at + len(group)].isalpha():
        group = group.rstrip(_TWIN_LETTERS)
    if len(group) > missing > 0 and group[missing:].islower() and group[missing:].isalpha():
        group = group[:missing]
    if not any(sign.isdecimal() for sign in group) and not (started and group.strip("Oo") == ""):
        return ""
    return group


def _find_odd_letters(scan: _Scan) -> None:
    """Find ten digits behind too few or too many letters, where the letters are nearly a known prefix."""
    for match in _ODD_LETTERS.finditer(scan.text):
        letters = match.group(1).upper()
        digits = match.group(2).replace("-", "")
        if len(digits) != DIGITS or letters in _NOT_RECEIPTS or scan.is_taken(*match.span()):
            continue
        if letters in _NEARLY_KNOWN or (len(letters) > 1 and scan.cue_before(match.start()) is not None):
            scan.add(
                "receipt_number",
                letters + digits,
                *match.span(),
                problem="bad_prefix",
                letters=len(letters),
                digits=len(digits),
            )


def _find_bare(scan: _Scan) -> None:
    """Find ten or thirteen digits without letters behind the words for a receipt number."""
    for match in _BARE_NUMBER.finditer(scan.text):
        groups = re.split(r"[ -]", match.group())
        digits = "".join(groups)
        cue = scan.cue_before(match.start())
        if (
            cue is None
            or len(digits) not in (DIGITS, DIGITS + LETTERS)
            or tuple(map(len, groups)) == _PHONE_SHAPE
            or _CHINA_MOBILE.match(digits)
            or scan.is_taken(*match.span())
            or (scan.is_taken(cue, match.start()) and digits[0] not in "01")
        ):
            continue
        scan.add("receipt_number", digits, *match.span(), problem="bad_prefix", letters=0, digits=len(digits))
