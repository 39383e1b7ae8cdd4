"""The official fillable form, where its PDF is present: its fields filled through a mapping file, and read back.

The form is not shipped (``content/forms/README.md``). What a field shows is set with the fonts of the request and
embedded, so that every script is legible in it; the value is stored beside it as form data. An answer that does not fit
stands in the attachment, and the field says so. Signature fields are left to the person.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pikepdf import Array, Dictionary, Name, Object, Pdf, String

from intake.document import names
from intake.document.typesetting import FieldText, Typesetter
from triage.content import Content, ContentError
from triage.facts import CHANNELS, NONE
from triage.statement import Statement

MAPPING = "dhs-7001.yml"
# Flags of field dictionaries (ISO 32000-1, tables 221, 226 and 228), by bit.
_READ_ONLY, _MULTILINE, _RADIO, _COMB = 1 << 0, 1 << 12, 1 << 15, 1 << 24
_TEXT, _BUTTON, _CHOICE = "/Tx", "/Btn", "/Ch"
_OFF = Name.Off
_FIRST_PAGE = "1"
# Rough measure of what still fits a field at the smallest size; a Chinese character counts twice.
_SMALLEST, _LARGEST = 6.0, 10.0
_CHAR_WIDTH, _LINE_HEIGHT = 0.55, 1.35


@dataclass(frozen=True)
class _Field:
    """A field of the form: the dictionary that holds the value, and its places on the pages."""

    holder: Object
    widgets: tuple[Object, ...]
    kind: str
    flags: int
    max_chars: int | None

    @property
    def comb(self) -> bool:
        return bool(self.flags & _COMB) and self.max_chars is not None

    @property
    def multiline(self) -> bool:
        return bool(self.flags & _MULTILINE)


class OfficialForm:
    """A fillable form and its mapping.

    Args:
        content: Names of forms and the wording of dates.
        form: The PDF file.
        mapping: The parsed mapping file.
        typesetter: Sets what stands in the fields.

    Raises:
        ContentError: The mapping names a field, a button or an answer that does not exist.
    """

    def __init__(self, content: Content, form: Path, mapping: Mapping[str, Any], typesetter: Typesetter) -> None:
        self._content = content
        self._statement = Statement(content)
        self._data = form.read_bytes()
        self._mapping = mapping
        self._typesetter = typesetter
        with Pdf.open(io.BytesIO(self._data)) as pdf:
            self._check(_fields(pdf), form.name)
            self.pages = len(pdf.pages)

    @classmethod
    def load(cls, content: Content, folder: Path, typesetter: Typesetter) -> OfficialForm | None:
        """The form of a folder; None when the folder holds no PDF for its mapping.

        Args:
            content: Names of forms and the wording of dates.
            folder: ``content/forms``.
            typesetter: Sets what stands in the fields.
        """
        path = folder / MAPPING
        if not path.exists():
            return None
        mapping = yaml.safe_load(path.read_text(encoding="utf-8"))
        form = folder / mapping["file"]
        return cls(content, form, mapping, typesetter) if form.exists() else None

    def joined(self, request: bytes, payload: Mapping[str, Any]) -> bytes:
        """The filled form between the cover sheet and the request, which is its attachment.

        The request keeps its tags; as the form need not have any, the file makes no claim to PDF/UA.

        Args:
            request: The set request as PDF, its cover sheet first; the page labels start anew after the cover.
            payload: The answers.
        """
        with Pdf.open(io.BytesIO(request)) as target, Pdf.open(io.BytesIO(self._data)) as form:
            self._fill(form, payload)
            starts = [index for index, page in enumerate(target.pages) if page.label == _FIRST_PAGE]
            for index, page in enumerate(form.pages):
                target.pages.insert(starts[-1] + index, page)
            if "/AcroForm" in form.Root:
                target.Root.AcroForm = target.copy_foreign(form.make_indirect(form.Root.AcroForm))
            with target.open_metadata(set_pikepdf_as_editor=False, update_docinfo=False) as metadata:
                metadata.pop("pdfuaid:part", None)
            written = io.BytesIO()
            target.save(written, deterministic_id=True)
        return written.getvalue()

    def _check(self, fields: Mapping[str, _Field], form: str) -> None:
        """Every field, value and button that the mapping names has to exist."""
        known = self.values({})
        for entry in [*self._entries("text"), *self._entries("rows"), *self._entries("boxes")]:
            for name in _named(entry):
                if name not in fields:
                    raise ContentError(MAPPING, name, f"is not a field of {form}")
            value = entry.get("value", entry.get("answer"))
            if value not in known or ("fields" in entry and not isinstance(known[value], list)):
                raise ContentError(MAPPING, str(value), "is not an answer that fits here")
            state = entry.get("state")
            if state and not any(f"/{state}" in _states(widget) for widget in fields[entry["field"]].widgets):
                raise ContentError(MAPPING, state, f"is no state of {entry['field']}")

    def _entries(self, kind: str) -> list[dict[str, Any]]:
        return self._mapping.get(kind) or []

    def _fill(self, pdf: Pdf, payload: Mapping[str, Any]) -> None:
        values, fields = self.values(payload), _fields(pdf)
        for entry in self._entries("boxes"):
            answer = values[entry["answer"]]
            if entry["is"] in (answer if isinstance(answer, list) else [answer]):
                _tick(fields[entry["field"]], entry.get("state"))
        texts = {name: text for name, text in self._texts(values, fields).items() if text}
        self._show(pdf, {name: fields[name] for name in texts}, texts)
        form = pdf.Root.AcroForm
        form.NeedAppearances = False
        # Viewers would show the older form description instead of the fields.
        for key in ("/XFA", "/SigFlags"):
            if key in form:
                del form[key]
        if self._mapping.get("flatten"):
            _flatten(pdf)

    def _texts(self, values: Mapping[str, Any], fields: Mapping[str, _Field]) -> dict[str, str]:
        attached = str(self._mapping["see_attachment"])
        texts = {}
        for entry in self._entries("text"):
            name = entry["field"]
            texts[name] = _fitting(str(values[entry["value"]]), fields[name], entry.get("max_chars"), attached)
        for entry in self._entries("rows"):
            rows = values[entry["value"]]
            for name, value in zip(entry["fields"], rows, strict=False):
                texts[name] = _fitting(value, fields[name], entry.get("max_chars"), attached)
            if "more" in entry and len(rows) > len(entry["fields"]):
                texts[entry["more"]] = attached
        return texts

    def _show(self, pdf: Pdf, fields: Mapping[str, _Field], texts: Mapping[str, str]) -> None:
        """Store the values, and give every place of each field its appearance."""
        places = [(name, widget) for name, field in fields.items() for widget in field.widgets]
        if not places:
            return
        wanted = []
        for name, widget in places:
            left, low, right, high = (float(value) for value in widget.Rect)
            cells = fields[name].max_chars or 0 if fields[name].comb else 0
            size = (abs(right - left), abs(high - low))
            wanted.append(FieldText(texts[name], *size, fields[name].multiline, cells))
        shown = self._typesetter.field_texts(wanted, _SMALLEST, _LARGEST)
        with Pdf.open(io.BytesIO(shown)) as pages:
            for (_, widget), page in zip(places, pages.pages, strict=True):
                widget.AP = Dictionary(N=pdf.copy_foreign(page.as_form_xobject()))
        for name, field in fields.items():
            field.holder.V = String(texts[name])

    def values(self, payload: Mapping[str, Any]) -> dict[str, str | list[str]]:
        """Everything a mapping can use: the answers as they are written on an American form.

        Args:
            payload: The answers.
        """
        statement, language = self._statement, self._content.office.request_language

        def day(name: str) -> str:
            value = payload.get(name)
            return statement.date(value, language) if value and value != NONE else ""

        numbers = payload.get("receipt_numbers") or []
        numbers = [] if numbers == NONE else list(numbers)
        form = payload.get("form_type", "")
        known = self._content.forms.get(form)
        company = payload.get("requester_role") == "employer" or payload.get("date_of_birth") == NONE
        full_name = payload.get("full_name", "")
        name = names.read("" if company else full_name)
        a_number = payload.get("a_number") or ""
        values: dict[str, str | list[str]] = {
            "full_name": "" if company else full_name,
            "latin_name": name.latin,
            "chinese_name": name.chinese,
            "family_name": name.family,
            "given_name": name.given,
            # Where nobody can know which part is the family name, the whole name goes into one field.
            "family_name_or_whole": name.family or name.latin or name.chinese,
            "company_name": full_name if company else "",
            "date_of_birth": day("date_of_birth"),
            "a_number": a_number,
            "a_number_dashed": f"{a_number[:4]}-{a_number[4:7]}-{a_number[7:]}" if a_number else "",
            "form_type": form,
            "form_name": known.name[language] if known else "",
            "benefit": str(known.details.get("category", "other")) if known else "other",
            "filing_date": day("filing_date"),
            # One form and one date are asked for; with several numbers nobody knows which of them they belong to.
            "receipt_forms": [form] if len(numbers) == 1 else [],
            "receipt_numbers": numbers,
            "receipt_dates": [day("filing_date")] if len(numbers) == 1 else [],
            "grounds": list(payload.get("grounds") or []),
            "documents": list(payload.get("documents") or []),
        }
        for channel in CHANNELS:
            values[channel] = payload.get(channel) or ""
            values[f"{channel}_date"] = day(f"{channel}_date")
            found = statement.service_requests(payload.get(f"{channel}_detail") or "")
            values[f"{channel}_number"] = statement.separator(language).join(found)
        for plain in (
            "email", "phone", "phone_e164", "mailing_address", "representative_name", "requester_role", "delivery",
            "english_statement", "problem_description", "hardship_detail",
        ):  # fmt: skip
            values[plain] = payload.get(plain) or ""
        return values


def _fields(pdf: Pdf) -> dict[str, _Field]:
    """The fields of a form by their full names."""
    root = pdf.Root.get("/AcroForm")
    return dict(_walk(root.get("/Fields", Array()), "", {})) if root is not None else {}


def _walk(nodes: Object, prefix: str, inherited: Mapping[str, Any]) -> Iterator[tuple[str, _Field]]:
    for node in nodes:
        own = {key: node[key] for key in ("/FT", "/Ff", "/MaxLen") if key in node}
        known = {**inherited, **own}
        part = str(node["/T"]) if "/T" in node else ""
        name = f"{prefix}.{part}" if prefix and part else prefix or part
        kids = list(node.get("/Kids", Array()))
        if any("/T" in kid for kid in kids):
            yield from _walk(node.Kids, name, known)
            continue
        longest = known.get("/MaxLen")
        yield (
            name,
            _Field(
                node,
                tuple(kids) or (node,),
                str(known.get("/FT", "")),
                int(known.get("/Ff", 0)),
                int(longest) if longest is not None else None,
            ),
        )


def listing(path: Path) -> list[str]:
    """The fields of a form for whoever writes its mapping: kind, full name, longest value and states, by tabs."""
    with Pdf.open(path) as pdf:
        return [
            "\t".join([field.kind, name, str(field.max_chars or ""), " ".join(_all_states(field))])
            for name, field in _fields(pdf).items()
        ]


@dataclass(frozen=True)
class Comparison:
    """A mapping beside its form.

    Attributes:
        missing: Fields, or buttons of a group, that the mapping names and the form does not have.
        wrong_kind: Fields that are there, but a box where the mapping has a text, or the other way round.
        unused: Fields of the form that the mapping does not name; signatures are left out.
        used: How many of the mapping fit.
    """

    missing: tuple[str, ...]
    wrong_kind: tuple[str, ...]
    unused: tuple[str, ...]
    used: int


def compare(folder: Path) -> Comparison:
    """Compare the mapping of a folder with the form in it.

    Args:
        folder: With both.

    Raises:
        FileNotFoundError: One of the two is not there.
    """
    mapping = yaml.safe_load((folder / MAPPING).read_text(encoding="utf-8"))
    kinds: dict[str, str] = {}
    states: dict[str, set[str]] = {}
    for group, kind in (("text", _TEXT), ("rows", _TEXT), ("boxes", _BUTTON)):
        for entry in mapping.get(group) or []:
            kinds.update(dict.fromkeys(_named(entry), kind))
            if "state" in entry:
                states.setdefault(entry["field"], set()).add(str(entry["state"]))
    with Pdf.open(folder / mapping["file"]) as pdf:
        found = _fields(pdf)
        missing = [name for name in kinds if name not in found]
        for name in states.keys() & found.keys():
            there = set(_all_states(found[name]))
            missing += [f"{name} = {state}" for state in sorted(states[name]) if f"/{state}" not in there]
        wrong = [name for name, kind in kinds.items() if name in found and found[name].kind != kind]
        unused = [
            name for name, field in found.items() if name not in kinds and field.kind in (_TEXT, _BUTTON, _CHOICE)
        ]
    fitting = kinds.keys() - set(missing) - set(wrong)
    return Comparison(tuple(sorted(missing)), tuple(sorted(wrong)), tuple(unused), len(fitting))


def _named(entry: Mapping[str, Any]) -> list[str]:
    """The fields that an entry of the mapping names."""
    return [*entry.get("fields", []), *(entry[key] for key in ("field", "more") if entry.get(key))]


def _flatten(pdf: Pdf) -> None:
    """Make the fields plain page content; those without any go away."""
    pdf.flatten_annotations()
    for page in pdf.pages:
        if "/Annots" in page:
            kept = [one for one in page.obj.Annots if str(one.get("/Subtype")) != "/Widget"]
            page.obj.Annots = Array(kept)
    if "/AcroForm" in pdf.Root:
        del pdf.Root.AcroForm


def _all_states(field: _Field) -> list[str]:
    return sorted({state for widget in field.widgets for state in _states(widget)})


def _states(widget: Object) -> list[str]:
    appearance = widget.get("/AP", Dictionary()).get("/N", Dictionary())
    return [state for state in appearance.keys() if state != _OFF] if isinstance(appearance, Dictionary) else []  # noqa: SIM118


def _tick(field: _Field, state: str | None) -> None:
    """Tick a box, or press one button of a radio group."""
    wanted = f"/{state}" if state else next(iter(_states(field.widgets[0])), "/Yes")
    field.holder.V = Name(wanted)
    for widget in field.widgets:
        chosen = wanted in _states(widget) or (len(field.widgets) == 1 and not field.flags & _RADIO)
        widget.AS = Name(wanted) if chosen else _OFF


def _fitting(text: str, field: _Field, most: int | None, attached: str) -> str:
    """The text, or the words that point to the attachment when the field is too small for it."""
    limits = [limit for limit in (field.max_chars, most) if limit is not None]
    too_long = bool(limits) and len(text) > min(limits)
    if too_long and field.max_chars is not None and len(attached) > field.max_chars:
        return ""
    return attached if too_long or not _room(text, field) else text


def _room(text: str, field: _Field) -> bool:
    if field.comb:
        return "\n" not in text
    left, low, right, high = (float(value) for value in field.widgets[0].Rect)
    per_line = max(1, int((abs(right - left) - 4) / (_SMALLEST * _CHAR_WIDTH)))
    lines = max(1, int((abs(high - low) - 2) / (_SMALLEST * _LINE_HEIGHT)))
    # At least as wide as the letter m; Han characters are a full square.
    used = sum(
        max(1, -(-sum(2 if ord(sign) > 0x2E7F else 1 for sign in line) // per_line)) for line in text.split("\n")
    )
    return used <= lines
