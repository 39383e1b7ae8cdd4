"""What the request PDF says: parts, sections and blocks, built from the answers for the layout to set."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Protocol

from intake.document import names
from intake.document.wording import Words
from triage.content import Content
from triage.documents import checklist
from triage.facts import CHANNELS, GROUNDS, NONE, OWN_CASE_ROLES, facts_from
from triage.statement import Statement

Block = dict[str, Any]
Section = dict[str, Any]
Part = dict[str, Any]

# The kinds of benefit in the order of the form; the category of a form in the content files names one of them.
_BENEFITS = ("nonimmigrant", "immigrant", "citizenship", "asylum", "interim", "waiver", "other")
_LICENSED = ("attorney", "representative")
_COVER, _REQUEST, _READING = "cover", "request", "reading"
_LANGUAGE_TAGS = {"en": ("en", "US"), "zh-Hans": ("zh", "CN"), "zh-Hant": ("zh", "TW")}


class Filed(Protocol):
    """What the document needs to know of a stored request."""

    @property
    def tracking_number(self) -> str:
        """Number of the request."""

    @property
    def received_at(self) -> datetime:
        """When it was stored."""


def language_tag(language: str) -> tuple[str, str]:
    """Language and region as the typesetter wants them."""
    return _LANGUAGE_TAGS[language]


class Contents:
    """Builds the parts of a document.

    Args:
        content: Office, forms, documents and facts of the form.
        words: The words by language.
    """

    def __init__(self, content: Content, words: Mapping[str, Words]) -> None:
        self._content = content
        self._words = words
        self._statement = Statement(content)

    def request(self, filed: Filed, payload: Mapping[str, Any], form_pages: int = 0) -> list[Part]:
        """What goes to the office: cover sheet for the paper ways, request, continuation sheet; in English.

        Args:
            filed: Number and time of receipt.
            payload: The answers.
            form_pages: Pages of the official form that come after the cover sheet; the request is then its attachment.
        """
        language = self._content.office.request_language
        build = _Builder(self._content, self._words[language], self._statement, filed, payload)
        cover = [build.cover(form_pages)] if build.on_paper else []
        head = build.head()
        if form_pages:
            head.insert(0, _note(build.words("attachment_note")))
        parts = [build.part("title", head, build.sections())]
        rows = build.receipt_rows()
        if len(rows) > self._content.request_form.receipt_rows:
            parts.append(build.continuation(rows[self._content.request_form.receipt_rows :]))
        if form_pages:
            return [*_numbered(cover, _COVER), *_numbered(parts, _REQUEST)]
        return _numbered([*cover, *parts], _REQUEST)

    def reading(self, filed: Filed, payload: Mapping[str, Any], language: str) -> list[Part]:
        """The reading copy: the same in the person's language, and how to send the request."""
        build = _Builder(self._content, self._words[language], self._statement, filed, payload, reading=True)
        sections = build.sections()
        if build.on_paper:
            sections.append(build.sending())
        head = [_note(build.words("reading_note" if build.on_paper else "reading_note_online")), *build.head()]
        return _numbered([build.part("title", head, sections)], _READING)


class _Builder:
    """One request in one language."""

    def __init__(
        self,
        content: Content,
        words: Words,
        statement: Statement,
        filed: Filed,
        payload: Mapping[str, Any],
        reading: bool = False,
    ) -> None:
        self.words = words
        self.language = words.language
        self.on_paper = payload.get("delivery") != "online"
        self._content = content
        self._statement = statement
        self._filed = filed
        self._payload = payload
        self._reading = reading

    def part(self, title: str, intro: list[Block], sections: list[Section]) -> Part:
        tag, region = language_tag(self.language)
        words = self.words
        return {
            "title": words(title),
            "lang": tag,
            "region": region,
            "language": self.language,
            "tracking_label": words("tracking_number") + words("colon"),
            "footer": words("independent"),
            "page_of": words.around("page_of", "n", "m"),
            "intro": intro,
            "sections": [section for section in sections if section["blocks"]],
        }

    def head(self) -> list[Block]:
        words = self.words
        return [
            _small(f"{words('independent')} {words('no_deadline')}"),
            _row(words("tracking_number"), self._filed.tracking_number),
            _row(words("stored_at"), self._moment(self._filed.received_at)),
        ]

    def sections(self) -> list[Section]:
        """The sections of the request, in the order of the form."""
        return [
            self._section("actions", self._actions()),
            self._section("reasons", self._reasons()),
            self._section("benefit", self._benefit()),
            self._section("receipts", self._receipts()),
            self._section("person", self._person()),
            self._section("contact", self._contact()),
            self._section("description", self._description()),
            self._section("documents", self._documents()),
            self._section("consent", self._consent()),
            self._section("helper", self._helper()),
        ]

    def continuation(self, rows: list[list[str]]) -> Part:
        """The sheet for the receipt numbers that do not fit."""
        return self.part(
            "continuation_title", self.head()[1:2], [self._section("receipts_continued", [self._receipt_table(rows)])]
        )

    def receipt_rows(self) -> list[list[str]]:
        """Form, receipt number and filing date of each number.

        One form and one date are asked for. With several numbers nobody knows which of them they belong to, so the
        cells beside the numbers stay empty, to be filled in by hand.
        """
        numbers = self._payload.get("receipt_numbers") or []
        numbers = [] if numbers == NONE else numbers
        if len(numbers) == 1:
            return [[self._payload.get("form_type", ""), numbers[0], self._date("filing_date")]]
        return [["", number, ""] for number in numbers]

    def cover(self, form_pages: int) -> Part:
        """The cover sheet for email, fax and mail.

        Args:
            form_pages: Pages of the official form, which are not set here.
        """
        words, office, payload = self.words, self._content.office, self._payload
        way = payload.get("delivery", "")
        subject = words(
            "cover_subject_text", form=payload.get("form_type", ""), tracking_number=self._filed.tracking_number
        )
        contact = [payload.get(name) for name in ("full_name", "representative_name", "email", "phone")]
        intro = [
            _small(words("independent")),
            _row(words("cover_to"), office.name[self.language]),
            _row(self._way(way), self._address(way)),
            _row(words("cover_from"), "\n".join(one for one in contact if one)),
            _row(words("cover_subject"), subject),
            {
                "kind": "pages",
                "label": words("cover_pages"),
                "groups": [_COVER, _REQUEST] if form_pages else [_REQUEST],
                "more": form_pages,
            },
            _blank(words("cover_pages_added")),
        ]
        if way == "fax":
            intro.append(_blank(words("cover_pages_all")))
        intro.append(_note(words("copies_only")))
        if way == "mail":
            intro.append(_note(self._mail_delay()))
        checklist = [{"kind": "checklist", "items": self._checklist(way)}]
        confidential = _small(words("cover_confidential", phone=office.toll_free))
        return self.part(
            "cover_title",
            intro,
            [
                {"title": words("checklist"), "blocks": checklist, "whole": True},
                {"title": words("other_ways"), "blocks": [*self._other_ways(way), confidential], "whole": True},
            ],
        )

    def sending(self) -> Section:
        """How to send the request, for the reading copy."""
        words, way = self.words, self._payload.get("delivery", "")
        blocks = [_row(self._way(way), self._address(way))]
        if way == "mail":
            blocks.append(_note(self._mail_delay()))
        blocks += [
            {"kind": "checklist", "items": self._checklist(way)},
            {"kind": "heading", "text": words("other_ways")},
            *self._other_ways(way),
            _small(words("cover_confidential", phone=self._content.office.toll_free)),
        ]
        return {"title": words("cover_title"), "blocks": blocks, "whole": False}

    def _section(self, name: str, blocks: list[Block]) -> Section:
        # What is signed stands on one page with the signature.
        return {"title": self.words(f"section_{name}"), "blocks": blocks, "whole": name in ("consent", "helper")}

    def _actions(self) -> list[Block]:
        words, payload = self.words, self._payload
        header = [words(f"actions_{name}") for name in ("channel", "tried", "date", "number")]
        rows, details = [], []
        for channel in CHANNELS:
            state, detail = payload.get(channel), payload.get(f"{channel}_detail") or ""
            number = self._statement.separator(self.language).join(self._statement.service_requests(detail))
            tried = words(f"tried_{state}") if state else words("not_given")
            rows.append([words(f"channel_{channel}"), tried, self._date(f"{channel}_date"), number])
            details += self._own(f"{channel}_detail")
        return [_table(header, rows, [4, 1.3, 2.4, 4.3]), *details, *self._own("channel_notes")]

    def _reasons(self) -> list[Block]:
        words, payload = self.words, self._payload
        claimed = payload.get("grounds") or ()
        blocks = [_choices((words(f"ground_{name}"), name in claimed) for name in GROUNDS)]
        if (verified := payload.get("delay_verified")) is not None:
            blocks.append(_row(words("delay_verified"), words(f"delay_{str(verified).lower()}")))
        return [*blocks, *self._own("hardship_detail")]

    def _benefit(self) -> list[Block]:
        form = self._content.forms.get(self._payload.get("form_type", ""))
        category = str(form.details.get("category", "other")) if form else "other"
        blocks = [_choices((self.words(f"benefit_{name}"), name == category) for name in _BENEFITS)]
        return [*blocks, *self._by_hand("benefit_which")] if category == "other" else blocks

    def _receipts(self) -> list[Block]:
        words, payload = self.words, self._payload
        form = payload.get("form_type", "")
        known = self._content.forms.get(form)
        title = f"{form} ({known.name[self.language]})" if known else form
        blocks = [
            _row(words("receipts_form"), title),
            _row(words("receipts_filed"), self._date("filing_date") or words("not_given")),
        ]
        rows = self.receipt_rows()
        if not rows:
            blocks.append(_row(words("receipts_number"), words("receipts_none")))
            blocks += self._own("receipt_numbers_reason", "receipts_reason")
            return blocks
        most = len(rows) if self._reading else self._content.request_form.receipt_rows
        if len(rows) > 1:
            blocks.append(_small(words("receipts_several")))
        blocks.append(self._receipt_table(rows[:most]))
        if len(rows) > most:
            blocks.append(_text(words("receipts_more", count=len(rows) - most, total=len(rows))))
        return blocks

    def _receipt_table(self, rows: list[list[str]]) -> Block:
        header = [self.words(f"receipts_{name}") for name in ("form", "number", "filed")]
        return _table(header, rows, [2, 4, 3])

    def _person(self) -> list[Block]:
        words, payload = self.words, self._payload
        role, full_name, born = (payload.get(name) or "" for name in ("requester_role", "full_name", "date_of_birth"))
        blocks = [_row(words("asking"), words(f"role_{role}"))] if role else []
        a_number = _row(words("a_number"), payload.get("a_number") or words("not_given"))
        if role == "employer" or born == NONE:
            blocks.append(_row(words("company_name"), full_name))
            blocks.append(_row(words("date_of_birth"), words("born_company")))
            by_hand = []
        else:
            blocks.append(_row(words("full_name"), full_name))
            name = names.read(full_name)
            if name.latin and name.chinese:
                blocks.append(_row(words("name_latin"), name.latin))
                blocks.append(_row(words("name_chinese"), name.chinese))
            blocks.append(_row(words("date_of_birth"), self._date("date_of_birth") or words("not_given")))
            title = {"kind": "options", "label": words("salutation"), "options": [words("mr"), words("ms")]}
            by_hand = self._by_hand("country_of_birth", "country_of_citizenship", first=[title])
        return [*blocks, a_number, *by_hand]

    def _contact(self) -> list[Block]:
        words, payload = self.words, self._payload
        typed, full = payload.get("phone") or "", payload.get("phone_e164") or ""
        phone = f"{typed} ({full})" if typed and full and typed != full else typed or full
        values = {"email": payload.get("email"), "phone": phone, "mailing_address": payload.get("mailing_address")}
        rows = [_row(words(name), value or words("not_given")) for name, value in values.items()]
        language = _row(words("language"), words(f"language_{payload['language']}"))
        return [*rows, language, *self._by_hand("fax_number")]

    def _description(self) -> list[Block]:
        words, payload = self.words, self._payload
        blocks = [_heading(words("statement"))]
        statement = payload.get("english_statement") or ""
        if self._reading and statement == self._statement.text(payload, self._content.office.request_language):
            statement = self._statement.text(payload, self.language)
        elif self._reading:
            statement = ""
        if statement:
            blocks += [_small(words("statement_note")), *map(_text, statement.splitlines())]
        else:
            blocks.append(_small(words("statement_elsewhere")))
        if description := payload.get("problem_description"):
            blocks += [_heading(words("own_words")), _small(words("own_words_note")), _own(description)]
        return blocks

    def _documents(self) -> list[Block]:
        words, payload = self.words, self._payload
        labels = {item.key: item.label[self.language] for item in self._content.documents}
        blocks = []
        papers = checklist(self._content.documents, facts_from(payload), payload.get("grounds") or ())
        required = [paper.item.label[self.language] for paper in papers if paper.required]
        if required:
            blocks += [_text(words("documents_required")), _list(required)]
        if named := payload.get("documents"):
            blocks += [_text(words("documents_named")), _list([labels.get(one, one) for one in named])]
        else:
            blocks.append(_text(words("documents_none")))
        return blocks

    def _consent(self) -> list[Block]:
        words, payload, facts = self.words, self._payload, self._content.request_form
        privacy = words("privacy", authority=facts.authority, act=facts.privacy_act, records=facts.records)
        blocks = [_text(words("consent")), _small(privacy)]
        if not self.on_paper:
            blocks += [
                _row(words("consent_given"), words("consent_yes")),
                _row(words("signed_online"), payload.get("signature_name") or ""),
                _row(words("signed_at"), self._moment(payload.get("signed_at"))),
            ]
        by_hand = not self.on_paper and payload.get("form_type") in facts.pen_signature_forms
        if by_hand:
            blocks.append(_note(words("pen_signature", email=self._content.office.email)))
        if self._reading and (self.on_paper or by_hand):
            blocks.append(_note(words("sign_on_request")))
        elif self.on_paper or by_hand:
            blocks.append(_sign(words("sign_here"), words("date_here")))
        return blocks

    def _helper(self) -> list[Block]:
        words, payload = self.words, self._payload
        role = payload.get("requester_role") or ""
        if role in OWN_CASE_ROLES or not role:
            return [_text(words("helper_none"))]
        blocks = [
            _row(words("helper_name"), payload.get("representative_name") or words("not_given")),
            _row(words("helper_role"), words(f"role_{role}")),
        ]
        if role in _LICENSED:
            blocks.append(_note(words("helper_g28")))
            if not self._reading:
                blocks.append(_sign(words("helper_sign_here"), words("date_here")))
        elif role != "employer":
            blocks.append(_note(words("helper_consent")))
        return blocks

    def _checklist(self, way: str) -> list[str]:
        words, office, role = self.words, self._content.office, self._payload.get("requester_role")
        items = [words("check_read"), words("check_sign")]
        if role in _LICENSED:
            items += [words("check_helper_sign"), words("helper_g28")]
        elif role == "family":
            items.append(words("helper_consent"))
        items.append(words("check_copies"))
        if way in ("email", "fax", "mail"):
            items.append(words(f"check_{way}", email=office.email, fax=office.fax))
        return items

    def _address(self, way: str) -> str:
        office = self._content.office
        return {"email": office.email, "fax": office.fax, "mail": "\n".join(office.mailing_address)}.get(way, "")

    def _way(self, way: str) -> str:
        text = self.words(f"way_{way}")
        recommended = way == self._content.office.recommended_delivery
        return self.words("way_recommended", way=text) if recommended else text

    def _other_ways(self, way: str) -> list[Block]:
        others = [one for one in ("email", "fax", "mail") if one != way]
        rows = [_row(self._way(one), self._address(one)) for one in others]
        return [*rows, _small(self._mail_delay())] if way != "mail" else rows

    def _mail_delay(self) -> str:
        return self.words("mail_delay", days=self._content.office.mail_delay_days)

    def _own(self, name: str, label: str | None = None) -> list[Block]:
        text = self._payload.get(name)
        return [_text(f"{self.words(label or name)}{self.words('colon')}"), _own(text)] if text else []

    def _by_hand(self, *names: str, first: Iterable[Block] = ()) -> list[Block]:
        """Items of the form that the guide does not ask for: lines to be filled in by hand."""
        note = "by_hand_reading" if self._reading else "by_hand" if self.on_paper else "by_hand_online"
        return [_small(self.words(note)), *first, *(_blank(self.words(name), wide=True) for name in names)]

    def _date(self, name: str) -> str:
        value = self._payload.get(name)
        return self._statement.date(value, self.language) if value and value != NONE else ""

    def _moment(self, value: datetime | str | None) -> str:
        if value is None:
            return self.words("not_given")
        moment = (datetime.fromisoformat(value) if isinstance(value, str) else value).astimezone(UTC)
        return f"{self._statement.date(f'{moment:%Y-%m-%d}', self.language)} {moment:%H:%M} UTC"


def _numbered(parts: list[Part], group: str) -> list[Part]:
    """Pages count through all parts of a group."""
    last = len(parts) - 1
    return [{**part, "group": group, "restart": index == 0, "last": index == last} for index, part in enumerate(parts)]


def _text(text: str) -> Block:
    return {"kind": "text", "text": text}


def _small(text: str) -> Block:
    return {"kind": "small", "text": text}


def _note(text: str) -> Block:
    return {"kind": "note", "text": text}


def _own(text: str) -> Block:
    return {"kind": "own", "text": text}


def _heading(text: str) -> Block:
    return {"kind": "heading", "text": text}


def _row(label: str, value: str) -> Block:
    return {"kind": "row", "label": label, "value": value}


def _blank(label: str, wide: bool = False) -> Block:
    return {"kind": "blank", "label": label, "wide": wide}


def _sign(label: str, date_label: str) -> Block:
    return {"kind": "sign", "label": label, "date_label": date_label}


def _list(items: list[str]) -> Block:
    return {"kind": "list", "items": items}


def _choices(choices: Iterable[tuple[str, bool]]) -> Block:
    return {"kind": "choices", "choices": [{"text": text, "taken": taken} for text, taken in choices]}


def _table(header: list[str], rows: list[list[str]], widths: list[float]) -> Block:
    return {"kind": "table", "header": header, "rows": rows, "widths": widths}
