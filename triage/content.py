"""Typed reading of the dated facts in ``content/``: USCIS channels, posted times, the office, help and settings.

Nothing here looks at the clock: what depends on the day takes ``on``. A missing or malformed fact raises
``ContentError`` at start; a fact past its ``review_by`` is found by ``Content.check``, which the tests call, and
never stands in the way of a person.
"""
from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

import yaml

from triage.policy import Policy

LANGUAGES = ("en", "zh-Hans", "zh-Hant")

Text = Mapping[str, str]
"""One wording in every language of ``LANGUAGES``."""

Row = Mapping[str, Any]
T = TypeVar("T")


class ContentError(ValueError):
    """A content file is missing, unreadable, or lacks a fact.

    Attributes:
        file: Name of the file.
        key: Dotted path of the entry; empty when the whole file is meant.
        problem: What is wrong with it.
    """

    def __init__(self, file: str, key: str, problem: str) -> None:
        super().__init__(f"{file}: {key}: {problem}" if key else f"{file}: {problem}")
        self.file = file
        self.key = key
        self.problem = problem


@dataclass(frozen=True)
class Stamp:
    """Where a fact comes from and how old it is.

    Attributes:
        source: Public address, ``leaflet``, or ``project`` for a choice of this project.
        as_of: Day on which the fact was read or decided.
        review_by: Day until which it must be looked at again, when one is set.
    """

    source: str
    as_of: date
    review_by: date | None = None


@dataclass(frozen=True)
class Problem:
    """A fact that needs a person's attention; for the tests, not for the talk."""

    file: str
    key: str
    problem: str

    def __str__(self) -> str:
        return f"{self.file}: {self.key}: {self.problem}"


@dataclass(frozen=True)
class Link:
    """A named address of a USCIS channel."""

    key: str
    url: str


@dataclass(frozen=True)
class Channel:
    """One of the USCIS channels that come before the Ombudsman.

    Attributes:
        key: ``contact_center``, ``case_status_online`` or ``infopass``.
        hours: Opening hours, when known.
        languages: Codes of the languages spoken or written there.
        note: What holds today.
    """

    key: str
    name: Text
    url: str
    languages: tuple[str, ...]
    note: Text
    stamp: Stamp
    phone: str | None = None
    tty: str | None = None
    phone_from_abroad: str | None = None
    hours: Text | None = None
    languages_note: Text | None = None
    also_called: tuple[str, ...] = ()
    links: tuple[Link, ...] = ()


@dataclass(frozen=True)
class PostedTime:
    """Posted processing time of a form.

    Attributes:
        months: Time within which USCIS finished most cases, in months.
        example: The value could not be taken from the posted page and has to be replaced.
    """

    form: str
    months: Decimal
    as_of: date
    source: str
    example: bool


@dataclass(frozen=True)
class Office:
    """The Ombudsman's office and the ways to reach it.

    Attributes:
        mail_delay_days: Days by which post may be late.
        recommended_delivery: The way the office itself recommends.
        request_language: Language a request must be written in.
    """

    name: Text
    short_name: Text
    form_name: Text
    phones: tuple[str, ...]
    toll_free: str
    fax: str
    email: str
    feedback_email: str
    web: str
    online_form: str
    mailing_address: tuple[str, ...]
    mail_delay_days: int
    recommended_delivery: str
    delivery_ways: tuple[str, ...]
    request_language: str
    stamp: Stamp
    hours: Text | None = None


@dataclass(frozen=True)
class OfficePeriod:
    """A stretch of days on which the office is open or closed; both ends included."""

    open: bool
    start: date
    end: date | None
    notice: Text | None
    stamp: Stamp

    def covers(self, on: date) -> bool:
        """Whether the period holds on a day."""
        return self.start <= on and (self.end is None or on <= self.end)


@dataclass(frozen=True)
class OfficeState:
    """Whether requests are taken on a day, and what the person is told about it."""

    open: bool
    notice: Text | None


@dataclass(frozen=True)
class Settings:
    """Numbers of the rules and services; names say the unit. See ``content/settings.yml``."""

    contact_max_age_days: int
    contact_min_wait_days: int
    contact_window_binding: bool
    no_posted_time_months: int
    description_max_chars: int
    short_text_max_chars: int
    name_max_chars: int
    receipt_numbers_max: int
    documents_max: int
    document_max_mib: int
    minimum_age_years: int
    maximum_age_years: int
    earliest_filing_date: date
    misunderstood_tries: int
    status_tries: int
    status_tries_minutes: int
    save_days: int
    session_hours: int
    conversation_days: int
    intake_body_max_kib: int
    similar_request_days: int
    ask_back_margin_percent: int
    ask_back_sure_percent: int
    ask_back_plausible_percent: int
    ask_back_max_words: int
    review_queue_days: int
    review_queue_max_chars: int
    review_queue_per_conversation: int
    handover_attempt_seconds: int
    handover_turn_seconds: int
    handover_circuit_failures: int
    handover_circuit_seconds: int


@dataclass(frozen=True)
class Pointer:
    """A place to turn to outside this house: legal help, a hotline, a warning.

    Attributes:
        cues: For hotlines: the emergencies it answers, as the understanding part names them.
    """

    key: str
    name: Text
    note: Text
    stamp: Stamp
    url: str | None = None
    phone: str | None = None
    tty: str | None = None
    text_to: str | None = None
    report_url: str | None = None
    cues: tuple[str, ...] = ()


@dataclass(frozen=True)
class LegalHelp:
    """Where licensed or accredited help is found, and the warning about anybody else."""

    places: tuple[Pointer, ...]
    warning: Pointer


@dataclass(frozen=True)
class DocumentItem:
    """One paper that may go on a checklist; always a copy. For whom is decided in ``triage.documents``.

    Attributes:
        name: Short, for "we have your …".
        label: For the list, exactly.
        reason: What it is good for.
        required: Must go with the request, whoever sends it, rather than helping it.
        required_roles: Roles of the typist that must send it.
        grounds: Grounds that call for it; empty: any.
        forms: Forms that call for it; empty: any.
        roles: Roles of the typist that call for it; empty: any.
        tried: Only when USCIS was asked before.
        receipt: ``issued`` or ``none``: only when USCIS gave a receipt number, or gave none; ``None``: either way.
    """

    key: str
    name: Text
    label: Text
    reason: Text
    required: bool
    required_roles: frozenset[str]
    grounds: frozenset[str]
    forms: frozenset[str]
    roles: frozenset[str]
    tried: bool
    receipt: str | None
    stamp: Stamp


@dataclass(frozen=True)
class Agency:
    """An agency other than USCIS and its public contact. ``details`` holds everything the file says about it."""

    key: str
    name: Text
    stamp: Stamp
    url: str | None
    phone: str | None
    details: Row


@dataclass(frozen=True)
class Form:
    """A USCIS form and what it is called. ``details`` holds everything the file says about it."""

    form: str
    name: Text
    stamp: Stamp
    details: Row


@dataclass(frozen=True)
class RequestForm:
    """What the pre-filled request follows of Form DHS-7001.

    Attributes:
        receipt_rows: Forms and receipt numbers that fit on the sheet; more go to a continuation sheet.
        pen_signature_forms: Forms of protected people, whose consent is signed with a pen in any case.
        authority: Statute under which the office collects the information.
        privacy_act: Where the Privacy Act stands.
        records: Name of the system of records.
    """

    receipt_rows: int
    pen_signature_forms: frozenset[str]
    authority: str
    privacy_act: str
    records: str


@dataclass(frozen=True)
class Content:
    """Every dated fact. Build with ``Content.load``."""

    channels: Mapping[str, Channel]
    posted_times: Mapping[str, PostedTime]
    not_posted: frozenset[str]
    office: Office
    office_status: tuple[OfficePeriod, ...]
    settings: Settings
    legal_help: LegalHelp
    crisis: tuple[Pointer, ...]
    documents: tuple[DocumentItem, ...]
    agencies: Mapping[str, Agency]
    forms: Mapping[str, Form]
    statement: Row
    request_form: RequestForm
    stamps: Mapping[tuple[str, str], Stamp]

    @classmethod
    def load(cls, folder: Path) -> Content:
        """Read all content files.

        Args:
            folder: The ``content`` folder.

        Raises:
            ContentError: A file or a fact is missing, or has the wrong shape.
        """
        stamps: dict[tuple[str, str], Stamp] = {}

        def read(name: str) -> _File:
            return _File.read(folder / name, stamps)

        posted, not_posted = _posted_times(read("processing_times.yml"))
        office = read("office.yml")
        return cls(
            channels=_channels(read("channels.yml")),
            posted_times=posted,
            not_posted=not_posted,
            office=_office(office),
            office_status=_office_status(read("office_status.yml")),
            settings=_settings(read("settings.yml")),
            legal_help=_legal_help(read("legal_help.yml")),
            crisis=_crisis(read("crisis.yml")),
            documents=_documents(read("documents.yml")),
            agencies=_agencies(read("agencies.yml")),
            forms=_forms(read("forms.yml")),
            statement=_statement(read("statement.yml")),
            request_form=_request_form(read("request_form.yml")),
            stamps=MappingProxyType(stamps),
        )

    def policy(self) -> Policy:
        """The numbers a triage decision needs."""
        return Policy(
            posted_months={form: float(row.months) for form, row in self.posted_times.items()},
            contact_max_age_days=self.settings.contact_max_age_days,
            contact_min_wait_days=self.settings.contact_min_wait_days,
            contact_window_binding=self.settings.contact_window_binding,
        )

    def office_state(self, on: date) -> OfficeState:
        """The state of the office on a day; open without a notice when no period covers it."""
        for period in reversed(self.office_status):
            if period.covers(on):
                return OfficeState(period.open, period.notice)
        return OfficeState(True, None)

    def crisis_contacts(self, cue: str) -> tuple[Pointer, ...]:
        """Whom to call in an emergency, such as ``crisis_self_harm``; in the order of the file."""
        return tuple(pointer for pointer in self.crisis if cue in pointer.cues)

    def check(self, on: date) -> list[Problem]:
        """Facts that are expired or dated in the future on a day, and gaps between the files."""
        problems = []
        for (file, key), stamp in self.stamps.items():
            if stamp.as_of > on:
                problems.append(Problem(file, key, f"as_of {stamp.as_of} lies in the future"))
            if stamp.review_by is not None and stamp.review_by < on:
                problems.append(Problem(file, key, f"was to be reviewed by {stamp.review_by}"))
        if not any(period.covers(on) for period in self.office_status):
            problems.append(Problem("office_status.yml", "periods", f"no period covers {on}"))
        problems += [
            Problem("processing_times.yml", form, "not a form in forms.yml")
            for form in (*self.posted_times, *sorted(self.not_posted))
            if form not in self.forms
        ]
        problems += [
            Problem("documents.yml", item.key, f"{form} is not a form in forms.yml")
            for item in self.documents
            for form in sorted(item.forms)
            if form not in self.forms
        ]
        return problems


def parse_months(value: object) -> Decimal:
    """A processing time in months.

    Raises:
        ValueError: Not a number above 0, or longer than a working life.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        raise ValueError("months is missing or not a number")
    try:
        months = Decimal(str(value).strip())
    except InvalidOperation:
        raise ValueError(f"months is not a number: {value!r}") from None
    if not months.is_finite() or not 0 < months <= _LONGEST_MONTHS:
        raise ValueError(f"months must be above 0 and at most {_LONGEST_MONTHS}, not {value!r}")
    return months


def parse_day(value: object) -> date:
    """A calendar day, from YAML or as ``YYYY-MM-DD``.

    Raises:
        ValueError: Not a day.
    """
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    if isinstance(value, str):
        try:
            return date.fromisoformat(value.strip())
        except ValueError:
            pass
    raise ValueError(f"not a date (YYYY-MM-DD): {value!r}")


# A longer posted time is a slip of the pen (days given as months).
_LONGEST_MONTHS = 360
_MONTHS_IN_A_YEAR = 12


class _StrictLoader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """YAML that refuses a key given twice; plain YAML silently keeps the last one."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[object] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                raise yaml.constructor.ConstructorError(None, None, f"key given twice: {key!r}", key_node.start_mark)
            seen.add(key)
        content: dict[Any, Any] = super().construct_mapping(node, deep)
        return content


@dataclass(frozen=True)
class _Entry:
    """A mapping inside a file that knows where it stands, so that errors can say so."""

    file: str
    key: str
    data: Row
    default: Stamp
    stamps: dict[tuple[str, str], Stamp]

    def fail(self, name: str, problem: str) -> ContentError:
        return ContentError(self.file, f"{self.key}.{name}".strip("."), problem)

    def has(self, name: str) -> bool:
        return self.data.get(name) is not None

    def get(self, name: str, kind: type[T]) -> T:
        value = self.data.get(name)
        # bool is an int in Python, but `true` is no number of days.
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise self.fail(name, "is missing" if value is None else f"must be {kind.__name__}, not {value!r}")
        return value

    def string(self, name: str) -> str:
        value = self.get(name, str)
        if not value.strip():
            raise self.fail(name, "is empty")
        return value

    def maybe(self, name: str, read: Callable[[str], T]) -> T | None:
        return read(name) if self.has(name) else None

    def strings(self, name: str) -> tuple[str, ...]:
        values = self.get(name, list) if self.has(name) else []
        if not all(isinstance(value, str) and value for value in values):
            raise self.fail(name, "must be a list of texts")
        return tuple(values)

    def day(self, name: str) -> date:
        try:
            return parse_day(self.data.get(name))
        except ValueError as error:
            raise self.fail(name, str(error)) from None

    def text(self, name: str) -> Text:
        value = self.get(name, dict)
        for language in LANGUAGES:
            if not isinstance(value.get(language), str) or not value[language].strip():
                raise self.fail(f"{name}.{language}", "is missing")
        return MappingProxyType({language: value[language].strip() for language in LANGUAGES})

    def stamp(self) -> Stamp:
        """The entry's own source and dates; what it leaves out is taken from the file's head."""
        stamp = Stamp(
            source=self.string("source") if self.has("source") else self.default.source,
            as_of=self.day("as_of") if self.has("as_of") else self.default.as_of,
            review_by=self.maybe("review_by", self.day) or self.default.review_by,
        )
        self.stamps[self.file, self.key] = stamp
        return stamp

    def child(self, key: str, data: object) -> _Entry:
        path = f"{self.key}.{key}".strip(".")
        if not isinstance(data, dict):
            raise ContentError(self.file, path, "must be a mapping")
        return _Entry(self.file, path, data, self.default, self.stamps)

    def rows(self, name: str, *id_names: str) -> list[tuple[str, _Entry]]:
        """The entries below a name: a mapping of id to entry, or a list of entries that carry their id."""
        value = self.data.get(name)
        if isinstance(value, dict):
            return [(str(key), self.child(f"{name}.{key}", row)) for key, row in value.items()]
        if not isinstance(value, list):
            raise self.fail(name, "is missing" if value is None else "must be a list or a mapping")
        rows = []
        seen: set[str] = set()
        for index, row in enumerate(value):
            entry = self.child(f"{name}[{index}]", row)
            id_name = next((candidate for candidate in id_names if entry.has(candidate)), None)
            if id_name is None:
                raise entry.fail(id_names[0], "is missing")
            key = str(entry.data[id_name])
            if key in seen:
                raise entry.fail(id_name, f"{key!r} is given twice")
            seen.add(key)
            rows.append((key, self.child(f"{name}.{key}", row)))
        return rows


class _File(_Entry):
    """The top of a content file, with the source and dates that hold for all of it."""

    @classmethod
    def read(cls, path: Path, stamps: dict[tuple[str, str], Stamp]) -> _File:
        try:
            data = yaml.load(path.read_text(encoding="utf-8"), _StrictLoader)  # noqa: S506 (a SafeLoader)
        except OSError as error:
            raise ContentError(path.name, "", f"cannot be read ({error.strerror})") from error
        except yaml.YAMLError as error:
            raise ContentError(path.name, "", f"is not valid YAML: {error}") from error
        if not isinstance(data, dict):
            raise ContentError(path.name, "", "must be a mapping")
        bare = _Entry(path.name, "", data, Stamp("", date.min), stamps)
        head = Stamp(bare.string("source"), bare.day("as_of"), bare.maybe("review_by", bare.day))
        stamps[path.name, ""] = head
        return cls(path.name, "", data, head, stamps)


def _channels(file: _File) -> Mapping[str, Channel]:
    channels = {
        key: Channel(
            key=key,
            name=row.text("name"),
            url=row.string("url"),
            languages=row.strings("languages"),
            note=row.text("note"),
            stamp=row.stamp(),
            phone=row.maybe("phone", row.string),
            tty=row.maybe("tty", row.string),
            phone_from_abroad=row.maybe("phone_from_abroad", row.string),
            hours=row.maybe("hours", row.text),
            languages_note=row.maybe("languages_note", row.text),
            also_called=row.strings("also_called"),
            links=_links(row),
        )
        for key, row in file.rows("channels", "key")
    }
    for key in ("contact_center", "case_status_online", "infopass"):
        if key not in channels:
            raise file.fail(f"channels.{key}", "is missing")
    return MappingProxyType(channels)


def _links(row: _Entry) -> tuple[Link, ...]:
    if not row.has("links"):
        return ()
    links = []
    for key, link in row.rows("links", "key"):
        link.stamp()
        links.append(Link(key, link.string("url")))
    return tuple(links)


def _posted_times(file: _File) -> tuple[Mapping[str, PostedTime], frozenset[str]]:
    times = {}
    for form, row in file.rows("times", "form"):
        try:
            months = parse_months(row.data.get("months"))
        except ValueError as error:
            raise row.fail("months", str(error)) from None
        stamp = row.stamp()
        example = row.get("example", bool) if row.has("example") else False
        times[form] = PostedTime(form, months, stamp.as_of, stamp.source, example)
    not_posted = frozenset(file.strings("not_posted"))
    both = sorted(not_posted & times.keys())
    if both:
        raise file.fail("not_posted", f"has a posted time as well: {', '.join(both)}")
    return MappingProxyType(times), not_posted


def _office(file: _File) -> Office:
    online = file.child("online_form", file.get("online_form", dict))
    online.stamp()
    ways = file.strings("delivery_ways")
    recommended = file.string("recommended_delivery")
    if recommended not in ways:
        raise file.fail("recommended_delivery", f"{recommended!r} is not among delivery_ways")
    return Office(
        name=file.text("name"),
        short_name=file.text("short_name"),
        form_name=file.text("form_name"),
        phones=file.strings("phones"),
        toll_free=file.string("toll_free"),
        fax=file.string("fax"),
        email=file.string("email"),
        feedback_email=file.string("feedback_email"),
        web=file.string("web"),
        online_form=online.string("url"),
        mailing_address=file.strings("mailing_address"),
        mail_delay_days=file.get("mail_delay_days", int),
        recommended_delivery=recommended,
        delivery_ways=ways,
        request_language=file.string("request_language"),
        stamp=file.default,
        hours=file.maybe("hours", file.text),
    )


def _office_status(file: _File) -> tuple[OfficePeriod, ...]:
    periods = []
    for index, row in enumerate(file.get("periods", list)):
        entry = file.child(f"periods[{index}]", row)
        state = entry.string("state")
        if state not in ("open", "closed"):
            raise entry.fail("state", f"must be open or closed, not {state!r}")
        start, end = entry.day("from"), entry.maybe("until", entry.day)
        if end is not None and end < start:
            raise entry.fail("until", f"{end} lies before from {start}")
        periods.append(OfficePeriod(state == "open", start, end, entry.maybe("notice", entry.text), entry.stamp()))
    return tuple(periods)


def _settings(file: _File) -> Settings:
    rows = dict(file.rows("settings", "key"))
    values: dict[str, Any] = {}
    for field in fields(Settings):
        row = rows.get(field.name)
        if row is None:
            raise file.fail(f"settings.{field.name}", "is missing")
        row.stamp()
        if field.type == "date":
            values[field.name] = row.day("value")
        elif field.type == "bool":
            values[field.name] = row.get("value", bool)
        else:
            values[field.name] = row.get("value", int)
    return Settings(**values)


def _pointer(key: str, row: _Entry) -> Pointer:
    optional = [field.name for field in fields(Pointer) if field.default is None]
    return Pointer(
        key=key,
        name=row.text("name"),
        note=row.text("note"),
        stamp=row.stamp(),
        cues=row.strings("cues"),
        **{name: row.maybe(name, row.string) for name in optional},
    )


def _legal_help(file: _File) -> LegalHelp:
    warning = file.child("warning", file.get("warning", dict))
    return LegalHelp(
        places=tuple(_pointer(key, row) for key, row in file.rows("help", "key")),
        warning=_pointer("warning", warning),
    )


def _crisis(file: _File) -> tuple[Pointer, ...]:
    pointers = []
    for key, row in file.rows("contacts", "key"):
        pointer = _pointer(key, row)
        if not pointer.cues:
            raise row.fail("cues", "is missing")
        if pointer.phone is None and pointer.url is None:
            raise row.fail("phone", "is missing, and there is no url")
        pointers.append(pointer)
    return tuple(pointers)


def _documents(file: _File) -> tuple[DocumentItem, ...]:
    families = file.get("form_families", dict)
    items = []
    for key, row in file.rows("items", "key"):
        forms: set[str] = set()
        for family in row.strings("families"):
            if family not in families:
                raise row.fail("families", f"{family!r} is not among form_families")
            forms.update(families[family])
        by_role = isinstance(row.data.get("required"), list)
        receipt = row.maybe("receipt", row.string)
        if receipt not in (None, "issued", "none"):
            raise row.fail("receipt", f"must be issued or none, not {receipt!r}")
        items.append(
            DocumentItem(
                key=key,
                name=row.text("name"),
                label=row.text("label"),
                reason=row.text("reason"),
                required=False if by_role else row.get("required", bool),
                required_roles=frozenset(row.strings("required")) if by_role else frozenset(),
                tried=row.get("tried", bool) if row.has("tried") else False,
                receipt=receipt,
                grounds=frozenset(row.strings("grounds")),
                forms=frozenset(forms),
                roles=frozenset(row.strings("roles")),
                stamp=row.stamp(),
            )
        )
    return tuple(items)


def _agencies(file: _File) -> Mapping[str, Agency]:
    return MappingProxyType(
        {
            key: Agency(
                key=key,
                name=row.text("name"),
                stamp=row.stamp(),
                url=row.maybe("url", row.string),
                phone=row.maybe("phone", row.string),
                details=MappingProxyType(dict(row.data)),
            )
            for key, row in file.rows("agencies", "key")
        }
    )


def _statement(file: _File) -> Row:
    """The sentences of the English statement, each in every language; see ``triage.statement``."""
    for name in ("sentences", "dates"):
        entry = file.child(name, file.get(name, dict))
        for key in entry.data:
            entry.text(key)
    file.text("list_separator")
    for name in ("service_request_cues", "service_request_joiners"):
        if not file.strings(name):
            raise file.fail(name, "is missing")
    file.get("quote_max_chars", int)
    if len(file.strings("month_names")) != _MONTHS_IN_A_YEAR:
        raise file.fail("month_names", "must name twelve months")
    return MappingProxyType(dict(file.data))


def _request_form(file: _File) -> RequestForm:
    keys = ("receipt_rows", "pen_signature", "privacy_act")
    rows, pen, privacy = (file.child(key, file.get(key, dict)) for key in keys)
    for entry in (rows, pen, privacy):
        entry.stamp()
    if rows.get("value", int) < 1:
        raise rows.fail("value", "must be at least 1")
    return RequestForm(
        receipt_rows=rows.get("value", int),
        pen_signature_forms=frozenset(pen.strings("forms")),
        authority=privacy.string("authority"),
        privacy_act=privacy.string("act"),
        records=privacy.string("records"),
    )


def _forms(file: _File) -> Mapping[str, Form]:
    return MappingProxyType(
        {
            form: Form(form=form, name=row.text("name"), stamp=row.stamp(), details=MappingProxyType(dict(row.data)))
            for form, row in file.rows("forms", "form", "key")
        }
    )
