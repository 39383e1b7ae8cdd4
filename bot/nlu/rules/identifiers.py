"""A-Numbers, telephone numbers, email addresses and our own tracking numbers."""

from __future__ import annotations

import re
from datetime import date
from functools import cache
from pathlib import Path

import phonenumbers
from email_validator import EmailNotValidError, validate_email

from bot.nlu.rules.entity import Entity
from bot.nlu.rules.lexicon import lexicon
from bot.nlu.rules.numerals import CHINESE_DIGITS, ENGLISH_DIGITS, Normalised, normalise, with_spoken_digits
from bot.nlu.rules.receipts import extract as find_receipts
from triage import tracking

_WORDS = lexicon("identifiers").tree
_CONTENT = Path(__file__).resolve().parents[3] / "content"

_A_NUMBER_LENGTHS = range(7, 10)
_A_NUMBER_DIGITS = 9
_NUMBER = r"[0-9]{1,20}(?:[ .-][0-9]{1,9}){0,5}"
_A_NUMBER = re.compile(rf"(?<![A-Za-z0-9])(?:A[ #:.-]{{0,3}}|a[#:.-]{{0,2}}|a (?=[0-9]{{9}}(?![0-9])))({_NUMBER})")
_A_CUE = re.compile(
    rf"(?<![A-Za-z])(?:{'|'.join(_WORDS['a_number_cues'])})[\s:#,.]{{0,4}}(?:is|was|are|[是为為])?[\s:#]{{0,3}}"
    rf"(?:[Aa][ -]?)?({_NUMBER})",
    re.IGNORECASE,
)
_OTHER_PAPER = re.compile(rf"(?:{'|'.join(_WORDS['other_papers'])})[\s:#是号號：]{{0,4}}$", re.IGNORECASE)
_SOCIAL_SECURITY = re.compile(r"[0-9]{3}[- .][0-9]{2}[- .][0-9]{4}")

_PHONE = re.compile(
    r"(?<![A-Za-z0-9])(?<![0-9][.-])(?<!#)(?:"
    r"(?P<abroad>(?:\+|00(?=86|886|852|853|65)|011[ -]?(?=86|886|852|853|65))\(?[0-9](?:[ ().-]{0,2}[0-9]){6,14})"
    r"|(?P<us>(?:1[ .-]{0,2})?(?P<open>\()?[0-9]{3}(?(open)\))[ ./-]{0,3}[0-9]{3}[ .-]{0,3}[0-9]{4})"
    r"|(?P<cn>(?:86[ -]?)?1[3-9][0-9][ -]?[0-9]{4}[ -]?[0-9]{4})"
    r"|(?P<tw>(?:886[ -]?9|09)[0-9]{2}[ -][0-9]{3}[ -]?[0-9]{3}|\(?0[2-8]\)?[ -][0-9]{3,4}[ -][0-9]{4})"
    r"|(?P<hk>852[ -]?[2-9][0-9]{3}[ -]?[0-9]{4})"
    r")(?![0-9]|[.-][0-9])(?:[ ,]{0,2}(?:ext\.?|x|分机|分機)[ .:]{0,2}[0-9]{1,6}(?![0-9]))?"
)
_SOME_NUMBER = re.compile(r"(?<![A-Za-z0-9+])\(?[0-9](?:[ ().-]{0,2}[0-9]){4,16}(?![0-9])")
_CHINA_MOBILE = re.compile(r"1[3-9][0-9][ -]?[0-9]{3,4}[ -]?[0-9]{4}")
_US_SHAPE = re.compile(r"(?:1[ .-]{0,2})?(?:\([0-9]{3}\)[ -]{0,2}|[0-9]{3}[.-])[0-9]{3}[.-][0-9]{4}")
_PHONE_CUE = re.compile("|".join(_WORDS["phone_cues"]), re.IGNORECASE)
_CUE_REACH = 16
_HOME_REGIONS = {"us": "US", "cn": "CN", "tw": "TW", "hk": "HK"}
#: Fewest digits of a number in that region that is not too easily valid by chance.
_ELSEWHERE = {"CN": 10, "TW": 9, "HK": 8}
_LOOKS_DATED = re.compile(
    r"(?:19|20)[0-9]{2}[-./ ]?[01]?[0-9][-./ ]?[0-3]?[0-9]|[01]?[0-9][-./][0-3]?[0-9][-./](?:19|20)?[0-9]{2}"
)
_WORTH_A_LOOK = re.compile(r"(?:[0-9][^0-9]{0,4}){5}")

_LOCAL = r"A-Za-z0-9._%+'-"
_EMAIL = re.compile(rf"(?<![{_LOCAL}])([{_LOCAL}]{{1,64}})( ?@{{1,2}} ?)([A-Za-z0-9._,。-]{{1,120}})")
_AT_WORDS = "|".join(_WORDS["spoken_at"])
_DOT_WORDS = "|".join(_WORDS["spoken_dot"])
_SIGN_WORDS = "|".join(_WORDS["spoken_signs"])
_TLDS = "|".join(_WORDS["spoken_tlds"])
_DIGIT_WORDS = "|".join(ENGLISH_DIGITS)
_HAN_DIGITS = "".join(CHINESE_DIGITS)
_SPOKEN_EMAIL = re.compile(
    rf"(?<![{_LOCAL}])((?:[a-z0-9_+-]{{1,30}}(?: ?(?:{_DOT_WORDS}|{_SIGN_WORDS}|\.) ?)){{0,4}}[a-z0-9_+-]{{1,40}}"
    rf"(?P<figures>(?: (?:{_DIGIT_WORDS})){{0,8}}(?: ?[{_HAN_DIGITS}]{{1,8}})?))"
    rf" ?(?P<at>{_AT_WORDS}|@) ?"
    rf"(?P<domain>(?:[a-z0-9-]{{1,40}} ?(?:{_DOT_WORDS}|\.) ?){{1,3}}(?:{_TLDS}))(?![a-z])",
    re.IGNORECASE,
)
_SPOKEN_GATE = re.compile(rf"(?:{_AT_WORDS}|@)[^\n]{{1,60}}?(?:{_DOT_WORDS}|\.)", re.IGNORECASE)
_DOT_WORD = re.compile(rf" ?(?:{_DOT_WORDS}) ?", re.IGNORECASE)
_SIGN_WORD = re.compile(rf" ?({_SIGN_WORDS}) ?", re.IGNORECASE)
_WITHOUT_AT = re.compile(
    rf"(?<![{_LOCAL}/@])(?!www\.|mail\.|https?)([A-Za-z0-9._-]{{2,64}}?)"
    rf"(?:[.#]| ?)(?:{'|'.join(_WORDS['mail_providers'])})"
    rf"\.(?:com|net|cn)(?![A-Za-z@])",
    re.IGNORECASE,
)
_EMAIL_CUE = re.compile("|".join(_WORDS["email_cues"]), re.IGNORECASE)
_EMAIL_CUE_REACH = 30
_NO_PART = "is|it|its|my|the|and|that|not|me|us|him|her|at|to|you"
_PLAIN = rf"(?:{_SIGN_WORDS}|[{_HAN_DIGITS}]{{1,8}}|(?!(?:{_NO_PART})\b)[a-z0-9]+)"
# "my email is john smith seven at yahoo dot com": all words behind "is" are the address.
_SPELLED_OUT = re.compile(
    rf"(?:{'|'.join(_WORDS['email_cues'])})(?: address)?(?: is|'s|:| ?[是係系])?"
    rf" ?(?P<words>{_PLAIN}(?: {_PLAIN}){{1,5}}) $",
    re.IGNORECASE,
)
_SPELLED_REACH = 60
_SLIPPED_TLDS = frozenset(_WORDS["slipped_tlds"])

_TRACKING = re.compile(
    r"(?<![A-Za-z0-9])CA(?P<gap>[ _.:-]{0,3})(?:"
    r"(?P<fours>[A-Z0-9]{4}(?P<between>[ _.-]{0,3})[A-Z0-9]{4}[ _.-]{0,3}[A-Z0-9]{4})"
    r"|(?P<odd>[A-Z0-9]{2,6}-[A-Z0-9]{2,6}-[A-Z0-9]{1,6}))(?![A-Za-z0-9])",
    re.IGNORECASE,
)


class _Found:
    """What was found in one message, and which of its characters are spoken for."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.taken = bytearray(len(text))
        self.entities: list[Entity] = []

    def take(self, start: int, end: int) -> None:
        self.taken[start:end] = b"\1" * (end - start)

    def is_free(self, norm: Normalised, start: int, end: int) -> bool:
        first, last = norm.span(start, end)
        return 1 not in self.taken[first:last]

    def add(self, kind: str, value: str, norm: Normalised, start: int, end: int, **extras: object) -> None:
        first, last = norm.span(start, end)
        self.take(first, last)
        self.entities.append(Entity(kind, value, first, last, self.text[first:last], extras=extras))


def extract(text: str, today: date) -> list[Entity]:
    """Find A-Numbers, telephone numbers, email addresses and tracking numbers.

    Args:
        text: The message as typed.
        today: The day of the message.

    Returns:
        Entities in order of appearance: ``a_number`` ("A" and nine digits), ``phone`` (E.164; problem None or
        ``invalid``), ``email`` (problem None or ``invalid``), ``tracking_number`` (``valid``: shape and check
        character are right). Digits of receipt numbers and telephone numbers published in ``content/`` are left alone.
    """
    found = _Found(text)
    plain = normalise(text)
    _find_emails(found, plain)
    _find_tracking(found, plain)
    norm = with_spoken_digits(plain)
    if _WORTH_A_LOOK.search(norm.text):
        for receipt in find_receipts(text, today):
            found.take(receipt.start, receipt.end)
        _find_a_numbers(found, norm)
        _find_phones(found, norm)
    return sorted(found.entities, key=lambda entity: entity.start)


def _find_tracking(found: _Found, norm: Normalised) -> None:
    if "ca" not in norm.text.lower():
        return
    for match in _TRACKING.finditer(norm.text):
        typed = match.group()
        canonical = tracking.normalise(typed)
        valid = canonical is not None and tracking.is_valid(canonical)
        dashed = "-" in (match["between"] or "") or match["odd"] is not None
        if not (
            valid or (any(sign.isdecimal() for sign in typed) and (dashed or not (match["gap"] or match["between"])))
        ):
            continue
        if canonical is None and match["fours"]:
            signs = "".join(sign for sign in match["fours"].upper() if sign.isalnum())
            canonical = "-".join(("CA", signs[:4], signs[4:8], signs[8:]))
        found.add("tracking_number", canonical or typed.upper(), norm, *match.span(), valid=valid)


def _find_a_numbers(found: _Found, norm: Normalised) -> None:
    for pattern in (_A_CUE, _A_NUMBER):
        for match in pattern.finditer(norm.text):
            length = _a_number_length(match.group(1))
            if pattern is _A_NUMBER and _OTHER_PAPER.search(
                norm.text, max(0, match.start() - _CUE_REACH), match.start()
            ):
                continue
            if length == 0 or not found.is_free(norm, match.start(1), match.start(1) + length):
                continue
            if pattern is _A_CUE:
                start = match.start(1)
                while norm.text[start - 1] in " -":
                    start -= 1
                start = start - 1 if norm.text[start - 1] in "Aa" and start > match.start() + 1 else match.start(1)
            else:
                start = match.start()
            digits = re.sub(r"\D", "", match.group(1)[:length])
            found.add("a_number", "A" + digits.zfill(_A_NUMBER_DIGITS), norm, start, match.start(1) + length)


def _a_number_length(number: str) -> int:
    """Return how many characters of ``number`` are an A-Number (7 to 9 digits, whole groups), 0 for none."""
    if _SOCIAL_SECURITY.fullmatch(number):
        return 0
    best = count = 0
    for group in re.finditer(r"[0-9]+", number):
        before = number[group.start() - 1] if group.start() else ""
        if before == " " and count in _A_NUMBER_LENGTHS and len(group.group()) > _A_NUMBER_DIGITS - count:
            break
        count += len(group.group())
        if count > _A_NUMBER_DIGITS:
            return best if before == " " else 0
        if count in _A_NUMBER_LENGTHS:
            best = group.end()
    return best


@cache
def _published_numbers() -> frozenset[str]:
    """Telephone numbers of offices in the content files, as ten digits: nobody's own number."""
    pattern = re.compile(r"(?<![0-9])\(?([2-9][0-9]{2})\)?[ .-]{1,2}([0-9]{3})[ .-]([0-9]{4})(?![0-9])")
    return frozenset(
        "".join(groups)
        for path in sorted(_CONTENT.glob("*.yml"))
        for groups in pattern.findall(path.read_text(encoding="utf-8"))
    )


def _find_phones(found: _Found, norm: Normalised) -> None:
    for match in _PHONE.finditer(norm.text):
        if not found.is_free(norm, *match.span()):
            continue
        kind = next(name for name in ("abroad", "us", "cn", "tw", "hk") if match[name])
        number = match[kind]
        e164 = _valid_phone(_dialled(number, kind), _HOME_REGIONS.get(kind))
        cued = _phone_cue(norm.text, match.start())
        if e164 is None and kind == "us" and (cued or _CHINA_MOBILE.fullmatch(number)):
            e164 = _elsewhere(number)
        if e164 is not None:
            if e164[2:] not in _published_numbers():
                found.add("phone", e164, norm, *match.span(), problem=None)
        elif cued or kind == "abroad" or (kind == "us" and _US_SHAPE.fullmatch(number)):
            found.add("phone", _digits(number), norm, *match.span(), problem="invalid")
    for match in _SOME_NUMBER.finditer(norm.text):
        if not (_phone_cue(norm.text, match.start()) and found.is_free(norm, *match.span())):
            continue
        if _LOOKS_DATED.fullmatch(match.group()) or _SOCIAL_SECURITY.fullmatch(match.group()):
            continue
        number = _valid_phone(match.group(), "US") or _elsewhere(match.group())
        found.add("phone", number or _digits(match.group()), norm, *match.span(), problem=None if number else "invalid")


def _phone_cue(text: str, at: int) -> bool:
    return _PHONE_CUE.search(text, max(0, at - _CUE_REACH), at) is not None


def _dialled(number: str, kind: str) -> str:
    """Write a number from abroad with a plus sign."""
    digits = _digits(number)
    if kind == "abroad":
        return "+" + digits[3:] if digits.startswith("011") else "+" + digits.lstrip("0")
    if (kind == "cn" and digits.startswith("86")) or (kind == "tw" and digits.startswith("886")) or kind == "hk":
        return "+" + digits
    return number


def _elsewhere(number: str) -> str | None:
    """Read a number without country code as one of mainland China, Taiwan or Hong Kong."""
    count = len(_digits(number))
    candidates = (_valid_phone(number, region) for region, fewest in _ELSEWHERE.items() if count >= fewest)
    return next((candidate for candidate in candidates if candidate), None)


def _digits(number: str) -> str:
    return "".join(sign for sign in number if sign.isdecimal())


def _valid_phone(number: str, region: str | None) -> str | None:
    try:
        parsed = phonenumbers.parse(number, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(parsed):
        return None
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def _find_emails(found: _Found, norm: Normalised) -> None:
    text = norm.text
    if "@" in text:
        at = 0
        while match := _EMAIL.search(text, at):
            at = _read_email(found, norm, match)
    if _SPOKEN_GATE.search(text):
        for match in _SPOKEN_EMAIL.finditer(text):
            if found.is_free(norm, *match.span()):
                spelled = _SPELLED_OUT.search(text, max(0, match.start() - _SPELLED_REACH), match.start("at"))
                start = spelled.start("words") if spelled else match.start()
                said_local = _in_figures(spelled["words"]) if spelled else _with_figures(match)
                local = _SIGN_WORD.sub(lambda sign: _WORDS["spoken_signs"][sign.group(1).lower()], said_local)
                address = _DOT_WORD.sub(".", local) + "@" + _DOT_WORD.sub(".", match["domain"])
                said = match["at"].lower() != "at" or _DOT_WORD.search(match["domain"])
                value = _valid_email(address.replace(" ", ""))
                if value and (said or _EMAIL_CUE.search(text, max(0, match.start() - _EMAIL_CUE_REACH), match.start())):
                    found.add("email", value, norm, start, match.end(), problem=None)
    if _WITHOUT_AT.search(text):
        for match in _WITHOUT_AT.finditer(text):
            glued = " " not in match.group()
            if found.is_free(norm, *match.span()) and (
                glued or _EMAIL_CUE.search(text, max(0, match.start() - _EMAIL_CUE_REACH), match.start())
            ):
                found.add("email", match.group(), norm, *match.span(), problem="invalid")


def _in_figures(words: str) -> str:
    """Join words of an address as they are said, figures among them."""
    joined = " ".join(str(ENGLISH_DIGITS.get(word.lower(), word)) for word in words.split())
    return "".join(str(CHINESE_DIGITS.get(sign, sign)) for sign in joined)


def _with_figures(match: re.Match[str]) -> str:
    """The local part of a spoken address, its last words written as figures where they are ("lopez seven")."""
    said: str = match.group(1)
    figures: str = match["figures"]
    return said[: len(said) - len(figures)] + _in_figures(figures)


def _read_email(found: _Found, norm: Normalised, match: re.Match[str]) -> int:
    """Record what stands around one @; returns where to look on."""
    local, middle, typed = match.groups()
    start = match.start() + len(local) - len(local.lstrip(".-'"))
    local = local.lstrip(".-'")
    domain = re.split(r"[,。](?![A-Za-z]{2,4}(?![A-Za-z0-9@.]))", typed)[0].rstrip(".,-_。'")
    end = match.start(3) + len(domain)
    value = _valid_email(f"{local}@{domain.replace('。', '.')}") if middle.strip() == "@" else None
    if value is None and "," in domain:
        shorter = domain.split(",")[0]
        value = _valid_email(f"{local}@{shorter}")
        end = match.start(3) + len(shorter) if value else end
    if value:
        found.add("email", value, norm, start, end, problem=None)
    elif local and domain and (" " not in middle or "." in domain):
        found.add("email", norm.text[start:end], norm, start, end, problem="invalid")
    return max(end, match.start(3))


def _valid_email(address: str) -> str | None:
    if address.rpartition(".")[2].lower() in _SLIPPED_TLDS:
        return None
    try:
        return validate_email(address, check_deliverability=False).normalized
    except EmailNotValidError:
        return None
