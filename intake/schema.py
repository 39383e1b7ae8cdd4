"""What a request for case assistance consists of, and the check that names every wrong field at once."""

from __future__ import annotations

import re
from calendar import isleap, monthrange
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, ValidationInfo
from pydantic.functional_validators import AfterValidator, field_validator
from pydantic_core import PydanticCustomError

from triage.content import Settings as ContentSettings
from triage.dates import first_day

Language = Literal["en", "zh-Hans", "zh-Hant"]
Ground = Literal["hardship", "unresolved", "delay", "uscis_error"]
Tried = Literal["tried", "not_tried"]
Role = Literal["applicant", "petitioner", "employer", "attorney", "representative", "family"]
Outcome = Literal["submitted", "prepared"]
AnyStatus = Literal[
    "received", "prepared", "delivered", "bounced", "in_review", "contacted_uscis", "closed", "withdrawn"
]

_PARTIAL_DATE = re.compile(r"[0-9]{4}-[0-9]{2}(-[0-9]{2})?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_EARLIEST_YEAR = 1900
# For the description: filled in from the content files, and with the dates of the day, see `intake.openapi`.
LIMIT, DATES = "x-limit", "x-dates"


@dataclass(frozen=True)
class _Context:
    """What the checks need besides the value."""

    limits: ContentSettings
    now: datetime


def _limits(info: ValidationInfo) -> ContentSettings:
    context: _Context = info.context  # type: ignore[assignment]
    return context.limits


def _today(info: ValidationInfo) -> date:
    context: _Context = info.context  # type: ignore[assignment]
    # East of here it is tomorrow already, and nobody there is told that their today lies in the future.
    return (context.now + timedelta(days=1)).date()


def _wrong(code: str, problem: str) -> PydanticCustomError:
    # Braces would be read as places for values.
    return PydanticCustomError(code, problem.replace("{", "{{").replace("}", "}}"))


def _not_blank(value: str) -> str:
    if not value.strip():
        raise _wrong("missing", "is empty")
    return value


def _long(value: str, info: ValidationInfo) -> str:
    if len(value) > (most := _limits(info).description_max_chars):
        raise _wrong("too_long", f"is longer than {most} characters")
    return value


def _short(value: str, info: ValidationInfo) -> str:
    if len(value) > (most := _limits(info).short_text_max_chars):
        raise _wrong("too_long", f"is longer than {most} characters")
    return value


def _name(value: str, info: ValidationInfo) -> str:
    if len(value) > (most := _limits(info).name_max_chars):
        raise _wrong("too_long", f"is longer than {most} characters")
    return value


def _partial_date(value: str, info: ValidationInfo) -> str:
    if not _PARTIAL_DATE.fullmatch(value):
        raise _wrong("format", "must be YYYY-MM-DD or YYYY-MM")
    first = first_day(value)
    if first.year < _EARLIEST_YEAR:
        raise _wrong("format", f"is before {_EARLIEST_YEAR}")
    if first > _today(info):
        raise _wrong("future", "lies in the future")
    return value


def _birth_date(value: str, info: ValidationInfo) -> str:
    if value == "none":
        return value
    # Other forms that mean a date would be kept as they are, and a proof in this form would not fit.
    if not _DATE.fullmatch(value):
        raise _wrong("format", "must be YYYY-MM-DD, or none for a company")
    try:
        born = date.fromisoformat(value)
    except ValueError:
        raise _wrong("format", "is no day of the calendar") from None
    today = _today(info)
    if born > today:
        raise _wrong("future", "lies in the future")
    if today.year - born.year > (oldest := _limits(info).maximum_age_years):
        raise _wrong("format", f"is more than {oldest} years ago")
    return value


def _calendar_date(value: str) -> str:
    if not _DATE.fullmatch(value):
        raise _wrong("format", "must be YYYY-MM-DD")
    try:
        date.fromisoformat(value)
    except ValueError:
        raise _wrong("format", "is no day of the calendar") from None
    return value


def _written(value: object) -> object:
    if not isinstance(value, str):
        raise _wrong("format", "must be a text")
    return value


def _whole(value: object) -> object:
    """In JSON, 5.0 is a whole number, too."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _shown(**more: Any) -> Any:
    """For the description only; the check itself says better what is wrong."""
    return Field(json_schema_extra=more)


def _there(*names: str, **more: Any) -> dict[str, Any]:
    """For the description only: these are there, and what else holds of fields."""
    return {"required": list(names), "properties": {**{name: {"not": {"type": "null"}} for name in names}, **more}}


# Blanks by their numbers: what `\s` means differs between the readers of a pattern.
_WIDE = r"\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_BLANK = rf"\x00-\x20\x7f-\x9f{_WIDE}"
_SEEN = rf"[^\x09-\x0d\x1c-\x20\x85{_WIDE}]"
_LONG, _SHORT, _NAMES = "description_max_chars", "short_text_max_chars", "name_max_chars"
LongText = Annotated[
    str, AfterValidator(_not_blank), AfterValidator(_long), _shown(**{"pattern": _SEEN, LIMIT: {"maxLength": _LONG}})
]
ShortText = Annotated[
    str, AfterValidator(_not_blank), AfterValidator(_short), _shown(**{"pattern": _SEEN, LIMIT: {"maxLength": _SHORT}})
]
Name = Annotated[
    str, AfterValidator(_not_blank), AfterValidator(_name), _shown(**{"pattern": _SEEN, LIMIT: {"maxLength": _NAMES}})
]
PartialDate = Annotated[
    str,
    AfterValidator(_partial_date),
    _shown(**{DATES: "partial", "description": "A day or a month, not in the future."}),
]
BirthDate = Annotated[
    str,
    AfterValidator(_birth_date),
    _shown(**{DATES: "birth", "description": "A day, not in the future; `none` for a company."}),
]
Date = Annotated[str, AfterValidator(_calendar_date), _shown(format="date")]
Moment = Annotated[AwareDatetime, Field(strict=False), BeforeValidator(_written)]
ReceiptNumber = Annotated[str, Field(pattern=r"^[A-Z]{3}([0-9]{10}|\*[0-9]{9})$")]
Email = Annotated[
    str,
    Field(pattern=rf"^[^@{_BLANK}]+@[^@.{_BLANK}]+(\.[^@.{_BLANK}]+)+$"),
    AfterValidator(_short),
    _shown(**{LIMIT: {"maxLength": _SHORT}}),
]


PlainReceiptNumber = Annotated[str, Field(max_length=64), AfterValidator(lambda value: _plain(value))]

PAGE_MAX = 200
# Row numbers fit into eight bytes on every database, and into every JSON reader's numbers.
ID_MAX = 2**53 - 1


_ONCE_EACH: dict[str, Any] = {"uniqueItems": True}
# For the description only, in the words of JSON Schema: the rules of `_across_fields`.
_ACROSS_FIELDS: dict[str, Any] = {
    "allOf": [
        {"anyOf": [_there("email"), _there("phone")]},
        {
            "anyOf": [
                _there("hardship_detail"),
                {"properties": {"grounds": {"items": {"enum": ["unresolved", "delay", "uscis_error"]}}}},
            ]
        },
        {
            "anyOf": [
                _there(
                    *("signature_name", "signed_at", "consent"),
                    delivery={"const": "online"},
                    outcome={"const": "submitted"},
                    consent={"const": True},
                ),
                {"properties": {"delivery": {"enum": ["email", "fax", "mail"]}, "outcome": {"const": "prepared"}}},
            ]
        },
    ]
}


class CaseRequestIn(BaseModel):
    """The answers of one person, named as the questions are."""

    model_config = ConfigDict(extra="forbid", strict=True, json_schema_extra=_ACROSS_FIELDS)

    outcome: Outcome
    language: Language
    submitted_at: Moment

    grounds: Annotated[list[Ground], Field(min_length=1, json_schema_extra=_ONCE_EACH)]
    form_type: Annotated[str, Field(pattern=r"^[A-Z]{1,4}-[0-9]{1,4}[A-Z]{0,3}$")]
    receipt_numbers: (
        Annotated[
            list[ReceiptNumber],
            _shown(**{"minItems": 1, LIMIT: {"maxItems": "receipt_numbers_max"}, **_ONCE_EACH}),
        ]
        | Literal["none"]
    )
    receipt_numbers_reason: LongText | None = None
    filing_date: PartialDate | None = None
    delay_verified: bool | Literal["unknown"] | None = None
    hardship_detail: LongText | None = None

    contact_center: Tried
    contact_center_detail: LongText | None = None
    contact_center_date: PartialDate | None = None
    case_status_online: Tried
    case_status_online_detail: LongText | None = None
    case_status_online_date: PartialDate | None = None
    infopass: Tried
    infopass_detail: LongText | None = None
    infopass_date: PartialDate | None = None
    channel_notes: LongText | None = None

    requester_role: Role
    full_name: Name
    date_of_birth: BirthDate
    email: Email | None = None
    phone: ShortText | None = None
    phone_e164: Annotated[str, Field(pattern=r"^\+[1-9][0-9]{6,14}$")] | None = None
    a_number: Annotated[str, Field(pattern=r"^A[0-9]{9}$")] | None = None
    mailing_address: LongText | None = None
    representative_name: Name | None = None

    problem_description: LongText
    documents: Annotated[list[ShortText], Field(json_schema_extra=_ONCE_EACH)] = []
    english_statement: Annotated[str, AfterValidator(_not_blank), _shown(pattern=_SEEN)]

    delivery: Literal["online", "email", "fax", "mail"]
    consent: bool | None = None
    signature_name: Name | None = None
    signed_at: Moment | None = None

    @field_validator("grounds", "documents")
    @classmethod
    def _once_each(cls, value: list[str]) -> list[str]:
        if len(set(value)) != len(value):
            raise _wrong("format", "names something twice")
        return value

    @field_validator("receipt_numbers")
    @classmethod
    def _some_receipt_numbers(cls, value: list[str] | str, info: ValidationInfo) -> list[str] | str:
        if isinstance(value, list):
            most = _limits(info).receipt_numbers_max
            if not 1 <= len(value) <= most:
                raise _wrong("format", f"must hold 1 to {most} numbers, or be none")
            if len(set(value)) != len(value):
                raise _wrong("format", "names a number twice")
        return value


class Proof(BaseModel):
    """The second fact that goes with a tracking number."""

    model_config = ConfigDict(extra="forbid", strict=True)

    date_of_birth: Date | None = None
    receipt_number: PlainReceiptNumber | None = None


class Lookup(BaseModel):
    """A person's question for the status of a request."""

    model_config = ConfigDict(extra="forbid")

    tracking_number: Annotated[str, Field(max_length=64)]
    proof: Proof


class WithProof(BaseModel):
    """What goes with a tracking number in the address."""

    model_config = ConfigDict(extra="forbid")

    proof: Proof


class ReceiptNumbers(BaseModel):
    """Receipt numbers to look for."""

    model_config = ConfigDict(extra="forbid", strict=True)

    receipt_numbers: Annotated[list[ReceiptNumber], Field(max_length=100)]


class KeyIn(BaseModel):
    """An idempotency key that nothing shall count under."""

    model_config = ConfigDict(extra="forbid", strict=True)

    key: Annotated[str, Field(pattern=r"^[!-~]{1,200}$")]


class NewStatus(BaseModel):
    """Another status for a request."""

    model_config = ConfigDict(extra="forbid", strict=True)

    status: AnyStatus
    note: LongText | None = None
    expected: AnyStatus | None = None


class NewNote(BaseModel):
    """A note about a request, for the staff only."""

    model_config = ConfigDict(extra="forbid", strict=True)

    note: LongText


class Hold(BaseModel):
    """A legal hold, on or off."""

    model_config = ConfigDict(extra="forbid", strict=True)

    hold: bool
    note: LongText | None = None


class Search(BaseModel):
    """Which requests to list; all conditions must hold."""

    model_config = ConfigDict(extra="forbid", strict=True)

    tracking_number: Annotated[str, Field(max_length=64)] | None = None
    receipt_number: PlainReceiptNumber | None = None
    status: AnyStatus | None = None
    before: Annotated[int, Field(ge=1, le=ID_MAX), BeforeValidator(_whole)] | None = None
    limit: Annotated[int, Field(ge=1, le=PAGE_MAX), BeforeValidator(_whole)] = 50


class FeedbackIn(BaseModel):
    """An experience or suggestion."""

    model_config = ConfigDict(extra="forbid", strict=True)

    feedback_text: LongText
    language: Language


def _plain(value: str) -> str:
    """A receipt number as it is stored: capitals, without spaces and dashes."""
    return re.sub(r"[^A-Z0-9*]", "", value.upper())


def date_patterns(now: datetime, oldest: int) -> dict[str, str]:
    """What the checks take for a date today, as patterns for the description.

    Args:
        now: The present moment.
        oldest: Years that somebody may have.
    """
    last = (now + timedelta(days=1)).date()
    birth = _days(last.year - oldest, last, days_only=True)
    return {"partial": f"^({_days(_EARLIEST_YEAR, last, days_only=False)})$", "birth": f"^(none|{birth})$"}


def _days(first_year: int, last: date, *, days_only: bool) -> str:
    """A pattern of all days, and months if wanted, from the beginning of a year to a day."""
    optional = "" if days_only else "?"

    def upto(day: int) -> str:
        tens, ones = divmod(day, 10)
        parts = ["0[1-9]" if tens else f"0[1-{ones}]"]
        parts += [f"{ten}[0-9]" for ten in range(1, tens)]
        parts += [f"{tens}[0-{ones}]"] if tens else []
        return f"(-({'|'.join(parts)})){optional}"

    def year(before: int) -> str:
        parts = [f"{month:02}{upto(monthrange(last.year, month)[1])}" for month in range(1, before)]
        return "|".join(parts)

    years = range(first_year, last.year)
    leap = [str(one) for one in years if isleap(one)]
    common = f"(0[13578]|1[02]){upto(31)}|(0[469]|11){upto(30)}|02{upto(28)}"
    this = "|".join(part for part in (year(last.month), f"{last.month:02}{upto(last.day)}") if part)
    return f"({'|'.join(map(str, years))})-({common})|({'|'.join(leap)})-02-29|{last.year}-({this})"


@dataclass(frozen=True)
class FieldProblem:
    """A field of a body and what is wrong with it; never its value.

    Attributes:
        code: ``missing``, ``too_long``, ``future``, ``choice`` (none of the allowed values) or ``format``.
    """

    field: str
    problem: str
    code: str


class InvalidBody(ValueError):
    """A body that breaks the schema.

    Attributes:
        problems: Every wrong field, each once.
    """

    def __init__(self, problems: list[FieldProblem]) -> None:
        super().__init__(", ".join(problem.field for problem in problems))
        self.problems = problems


def read[M: BaseModel](model: type[M], data: object, limits: ContentSettings, now: datetime | None = None) -> M:
    """Check a body.

    Args:
        model: What it should be.
        data: The parsed JSON.
        limits: Lengths and ages, from the content files.
        now: Point in time for "not in the future"; the clock when left out.

    Raises:
        InvalidBody: With every wrong field.
    """
    problems: dict[str, tuple[str, str]] = {}
    result: M | None = None
    try:
        result = model.model_validate(data, context=_Context(limits, now or datetime.now(UTC)))
    except ValidationError as error:
        for detail in error.errors(include_url=False, include_context=False, include_input=False):
            field = str(detail["loc"][0]) if detail["loc"] else "body"
            code = detail["type"]
            problems.setdefault(field, (_CODES.get(code, "format"), detail["msg"].removeprefix("Value error, ")))
    if model is CaseRequestIn and isinstance(data, Mapping):
        for field, problem in _across_fields(data).items():
            problems.setdefault(field, problem)
    if problems or result is None:
        raise InvalidBody([FieldProblem(field, problem, code) for field, (code, problem) in problems.items()])
    return result


# Kind of the error, ours or pydantic's, → code of a wrong field; every other kind is a matter of format.
_CODES = {
    "missing": "missing",
    "too_long": "too_long",
    "string_too_long": "too_long",
    "future": "future",
    "literal_error": "choice",
}


def _across_fields(data: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """Rules that tie fields together; on the raw body, so that they are told beside the others.

    Returns:
        Field → code and problem.
    """
    problems = {}
    grounds = data.get("grounds")
    if isinstance(grounds, list) and "hardship" in grounds and not data.get("hardship_detail"):
        problems["hardship_detail"] = ("missing", "is needed for hardship")
    if not data.get("email") and not data.get("phone"):
        problems["email"] = ("missing", "or phone is needed")
    online = data.get("delivery") == "online"
    on_paper = data.get("delivery") in ("email", "fax", "mail")
    if online and data.get("outcome") == "prepared":
        problems["outcome"] = ("choice", "must be submitted when the request is sent online")
    if on_paper and data.get("outcome") == "submitted":
        problems["outcome"] = ("choice", "must be prepared when the request is sent on paper")
    if online:
        if data.get("consent") is not True:
            problems["consent"] = ("missing", "must be true for a request sent online")
        for field in ("signature_name", "signed_at"):
            if not data.get(field):
                problems[field] = ("missing", "is needed for a request sent online")
    return problems


def plain_receipt_numbers(payload: Mapping[str, Any]) -> list[str]:
    """The receipt numbers of a stored request; empty when USCIS never issued one."""
    numbers = payload.get("receipt_numbers")
    return numbers if isinstance(numbers, list) else []


EXAMPLE: dict[str, Any] = {
    "outcome": "submitted",
    "language": "zh-Hans",
    "submitted_at": "2026-11-24T12:00:00Z",
    "grounds": ["delay"],
    "form_type": "I-485",
    "receipt_numbers": ["LIN9999106498"],
    "filing_date": "2023-05",
    "delay_verified": True,
    "contact_center": "tried",
    "contact_center_date": "2026-09-01",
    "case_status_online": "tried",
    "infopass": "not_tried",
    "requester_role": "applicant",
    "full_name": "Wang Xiaoming",
    "date_of_birth": "1980-02-29",
    "email": "wang@example.com",
    "problem_description": "我的绿卡申请等了三年多。",
    "english_statement": "The applicant filed Form I-485 in May 2023 and has had no decision.",
    "delivery": "online",
    "consent": True,
    "signature_name": "Wang Xiaoming",
    "signed_at": "2026-11-24T11:58:30Z",
}
"""A request as it is shown in the description of the interface; nobody's."""
