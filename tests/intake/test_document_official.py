"""Filling the official form: a form built here stands for it, filled through a mapping file and read back."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path
from typing import Any

import pikepdf
import pytest
import yaml
from pikepdf import Array, Dictionary, Name, Pdf, Stream, String
from pypdf import PdfReader

from intake.document import Document, NoOfficialForm
from intake.document.official import MAPPING
from tests.intake.conftest import body
from tests.intake.pdf import Filed, fonts, ink, is_embedded, page_texts, squashed, without_margins
from triage.content import Content, ContentError

CONTENT = Content.load(Path("content"))
FILED = Filed()
PAPER: dict[str, Any] = {
    "outcome": "prepared", "delivery": "fax", "consent": None, "signature_name": None, "signed_at": None,
}  # fmt: skip

MULTILINE, COMB, RADIO = 1 << 12, 1 << 24, 1 << 15
# Field: page, box, kind; boxes do not overlap.
TEXTS: dict[str, tuple[int, list[int], dict[str, Any]]] = {
    "Name.Family": (0, [50, 700, 250, 720], {}),
    "Name.Given": (0, [260, 700, 400, 720], {}),
    "Company": (0, [410, 700, 560, 720], {}),
    "Born": (0, [50, 670, 200, 690], {"MaxLen": 10}),
    "ANumber": (0, [210, 670, 400, 690], {"MaxLen": 12, "Ff": COMB}),
    "Address": (0, [50, 600, 400, 660], {"Ff": MULTILINE}),
    "Email": (0, [50, 570, 400, 590], {}),
    "Receipt1": (0, [50, 540, 200, 560], {"MaxLen": 13, "Ff": COMB}),
    "Receipt2": (0, [50, 515, 200, 535], {"MaxLen": 13, "Ff": COMB}),
    "Form1": (0, [310, 540, 400, 560], {}),
    "Filed1": (0, [210, 540, 300, 560], {}),
    "Form2": (0, [310, 515, 400, 535], {}),
    "Filed2": (0, [210, 515, 300, 535], {}),
    "More": (0, [50, 490, 200, 510], {}),
    "Story": (1, [50, 400, 560, 720], {"Ff": MULTILINE}),
    "Helper": (1, [50, 350, 400, 370], {}),
}
CHECKS = {"Delay": [50, 300, 62, 312], "Hardship": [70, 300, 82, 312], "Error": [90, 300, 102, 312]}
ROLES = {"Applicant": [50, 270, 62, 282], "Attorney": [70, 270, 82, 282], "Family": [90, 270, 102, 282]}
SIGNATURE = [50, 200, 300, 230]

FIELDS: dict[str, Any] = {
    "file": "dhs-7001.pdf",
    "flatten": False,
    "see_attachment": "See attachment",
    "text": [
        {"field": "Name.Family", "value": "family_name_or_whole"},
        {"field": "Name.Given", "value": "given_name"},
        {"field": "Company", "value": "company_name"},
        {"field": "Born", "value": "date_of_birth"},
        {"field": "ANumber", "value": "a_number_dashed"},
        {"field": "Address", "value": "mailing_address"},
        {"field": "Email", "value": "email", "max_chars": 60},
        {"field": "Story", "value": "english_statement"},
        {"field": "Helper", "value": "representative_name"},
    ],
    "rows": [
        {"value": "receipt_numbers", "fields": ["Receipt1", "Receipt2"], "more": "More"},
        {"value": "receipt_forms", "fields": ["Form1", "Form2"]},
        {"value": "receipt_dates", "fields": ["Filed1", "Filed2"]},
    ],
    "boxes": [
        {"field": "Delay", "answer": "grounds", "is": "delay"},
        {"field": "Hardship", "answer": "grounds", "is": "hardship"},
        {"field": "Error", "answer": "grounds", "is": "uscis_error"},
        {"field": "Role", "answer": "requester_role", "is": "applicant", "state": "Applicant"},
        {"field": "Role", "answer": "requester_role", "is": "attorney", "state": "Attorney"},
        {"field": "Role", "answer": "requester_role", "is": "family", "state": "Family"},
    ],
}


def tick_box(pdf: Pdf, box: list[int], state: str) -> Any:
    def drawing(content: bytes) -> Stream:
        return Stream(pdf, content, Type=Name.XObject, Subtype=Name.Form, BBox=Array([0, 0, 12, 12]))

    return pdf.make_indirect(
        Dictionary(
            Type=Name.Annot,
            Subtype=Name.Widget,
            Rect=Array(box),
            F=4,
            AS=Name.Off,
            AP=Dictionary(N=Dictionary({f"/{state}": drawing(b"0 g 1 1 10 10 re f"), "/Off": drawing(b"")})),
        )
    )


def build_form(path: Path) -> None:
    """A form with every kind of field that government forms use, with nested names and an XFA description."""
    pdf = Pdf.new()
    pages = [pdf.add_blank_page(page_size=(612, 792)) for _ in range(2)]
    for page in pages:
        page.obj.Annots = pdf.make_indirect(Array())
    top: list[Any] = []
    parents: dict[str, Any] = {}
    for name, (page, box, more) in TEXTS.items():
        *before, last = name.split(".")
        widget = pdf.make_indirect(
            Dictionary(
                Type=Name.Annot,
                Subtype=Name.Widget,
                FT=Name.Tx,
                T=String(last),
                Rect=Array(box),
                F=4,
                DA=String("/Helv 10 Tf 0 g"),
                P=pages[page].obj,
                **more,
            )
        )
        pages[page].obj.Annots.append(widget)
        if before:
            if before[0] not in parents:
                parents[before[0]] = pdf.make_indirect(Dictionary(T=String(before[0]), Kids=Array()))
                top.append(parents[before[0]])
            widget.Parent = parents[before[0]]
            parents[before[0]].Kids.append(widget)
        else:
            top.append(widget)
    for name, box in CHECKS.items():
        widget = tick_box(pdf, box, "On")
        widget.FT, widget.T = Name.Btn, String(name)
        pages[1].obj.Annots.append(widget)
        top.append(widget)
    group = pdf.make_indirect(Dictionary(FT=Name.Btn, T=String("Role"), Ff=RADIO, Kids=Array()))
    for state, box in ROLES.items():
        widget = tick_box(pdf, box, state)
        widget.Parent = group
        group.Kids.append(widget)
        pages[1].obj.Annots.append(widget)
    top.append(group)
    signature = pdf.make_indirect(
        Dictionary(Type=Name.Annot, Subtype=Name.Widget, FT=Name.Sig, T=String("Sign"), Rect=Array(SIGNATURE), F=4)
    )
    pages[1].obj.Annots.append(signature)
    top.append(signature)
    helvetica = Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica)
    pdf.Root.AcroForm = Dictionary(
        Fields=Array(top),
        NeedAppearances=True,
        SigFlags=1,
        XFA=String("<xdp/>"),
        DA=String("/Helv 0 Tf 0 g"),
        DR=Dictionary(Font=Dictionary(Helv=pdf.make_indirect(helvetica))),
    )
    pdf.save(path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    build_form(tmp_path / "dhs-7001.pdf")
    (tmp_path / MAPPING).write_text(yaml.safe_dump(FIELDS), encoding="utf-8")
    return tmp_path


def filled(folder: Path, **changes: Any) -> bytes:
    return Document(CONTENT, folder).pdf(FILED, body(**changes), None, "official")


def fields(content: bytes) -> dict[str, Any]:
    """What another reader finds in the fields."""
    found = PdfReader(io.BytesIO(content)).get_fields() or {}
    return {name: field.get("/V") for name, field in found.items() if field.get("/FT")}


def test_the_fields_read_back_as_answered(folder: Path) -> None:
    read = fields(filled(folder, full_name="王小明 Xiaoming WANG", receipt_numbers=["LIN9999106498"]))
    assert read["Name.Family"] == "WANG"
    assert read["Name.Given"] == "Xiaoming"
    assert read["Company"] is None
    assert read["Born"] == "02/29/1980"
    assert read["ANumber"] == "A012-345-678"
    assert read["Address"] == "1 Main St\nSpringfield, IL 62701"
    assert read["Email"] == "wang@example.com"
    assert read["Receipt1"] == "LIN9999106498"
    assert (read["Form1"], read["Filed1"]) == ("I-485", "May 2023")
    assert read["Receipt2"] is read["Form2"] is read["Filed2"] is None
    assert read["More"] is None
    assert read["Story"] == body()["english_statement"]
    assert (read["Delay"], read["Hardship"], read["Error"]) == ("/On", "/On", None)
    assert read["Role"] == "/Applicant"
    assert read["Sign"] is None


ROLE_STATES = [("applicant", "/Applicant"), ("attorney", "/Attorney"), ("family", "/Family"), ("employer", None)]


@pytest.mark.parametrize(("role", "state"), ROLE_STATES)
def test_one_button_of_a_group_is_pressed(folder: Path, role: str, state: str | None) -> None:
    content = filled(folder, requester_role=role, representative_name="Jane Doe")
    assert fields(content)["Role"] == state
    with pikepdf.open(io.BytesIO(content)) as pdf:
        widgets = [
            one for page in pdf.pages for one in page.obj.get("/Annots", []) if one.get("/Parent", {}).get("/Ff")
        ]
        pressed = [str(widget.AS) for widget in widgets if str(widget.AS) != "/Off"]
    assert pressed == ([state] if state else [])


def test_one_form_and_date_are_not_claimed_of_several_numbers(folder: Path) -> None:
    content = filled(folder, receipt_numbers=["LIN9999106498", "IOE0912345678"])
    read = fields(content)
    assert (read["Receipt1"], read["Receipt2"]) == ("LIN9999106498", "IOE0912345678")
    for name in ("Form1", "Filed1", "Form2", "Filed2"):
        assert read[name] is None
        assert ink(content, 0, tuple(TEXTS[name][1])) == 0
    assert squashed("Filed May 2023") in squashed("".join(page_texts(content)[2:]))


def test_every_value_is_seen_with_embedded_fonts(folder: Path) -> None:
    content = filled(
        folder, full_name="欧阳𠮷堃", mailing_address="北京市海淀区\nBeijing", representative_name="Đỗ Thị Ị"
    )
    assert fields(content)["Name.Family"] == "欧阳𠮷堃"
    empty = {"Name.Given", "Company", "More", "Form1", "Filed1", "Form2", "Filed2"}
    for name, (page, box, _) in TEXTS.items():
        assert bool(ink(content, page, tuple(box))) == (name not in empty), name
    assert ink(content, 1, tuple(CHECKS["Delay"])) > 100
    assert ink(content, 1, tuple(CHECKS["Error"])) == 0
    assert ink(content, 1, tuple(SIGNATURE)) == 0
    with pikepdf.open(io.BytesIO(content)) as pdf:
        assert all(is_embedded(font) for font in fonts(pdf))
        assert not pdf.Root.AcroForm.NeedAppearances
        assert "/XFA" not in pdf.Root.AcroForm


def test_what_does_not_fit_stands_in_the_attachment(folder: Path) -> None:
    long = "很长的地址，" * 200
    numbers = [f"LIN21900{index:05}" for index in range(12)]
    content = filled(folder, mailing_address=long, email="a" * 90 + "@example.com", receipt_numbers=numbers)
    read = fields(content)
    assert read["Address"] == read["Email"] == read["More"] == "See attachment"
    assert [read["Receipt1"], read["Receipt2"]] == numbers[:2]
    attached = without_margins(content)
    assert squashed(long) in attached
    assert all(number in attached for number in numbers)


def test_the_form_comes_after_the_cover_and_the_request_is_its_attachment(folder: Path) -> None:
    pages = page_texts(filled(folder, **PAPER))
    assert "Cover sheet" in pages[0]
    assert pages[1].strip() == ""
    assert "Attachment to the filled-in DHS Form 7001" in pages[3]
    assert squashed(f"Pages of this request, with this sheet {len(pages)}") in squashed(pages[0])
    assert "Page 1 of 1" in pages[0]
    assert f"Page 1 of {len(pages) - 3}" in pages[3]
    online = page_texts(filled(folder))
    assert "Attachment to the filled-in DHS Form 7001" in online[2]


def test_the_attachment_keeps_its_tags_and_the_file_claims_nothing_for_the_form(folder: Path) -> None:
    with pikepdf.open(io.BytesIO(filled(folder, **PAPER))) as pdf:
        assert "/StructTreeRoot" in pdf.Root
        with pdf.open_metadata() as metadata:
            assert "pdfuaid:part" not in metadata
            assert FILED.tracking_number in metadata["dc:title"]


def test_a_flattened_form_has_no_fields_and_shows_the_same(folder: Path) -> None:
    (folder / MAPPING).write_text(yaml.safe_dump({**FIELDS, "flatten": True}), encoding="utf-8")
    content = filled(folder, full_name="Xiaoming WANG")
    assert not PdfReader(io.BytesIO(content)).get_fields()
    assert "WANG" in page_texts(content)[0]
    assert ink(content, 0, tuple(TEXTS["Name.Family"][1]))


@pytest.mark.parametrize("kind", ["text", "boxes", "rows"])
def test_a_mapping_that_does_not_fit_the_form_stops_the_start(folder: Path, kind: str) -> None:
    wrong = {
        "text": {"field": "Nmae", "value": "email"},
        "boxes": {"field": "Nmae", "answer": "grounds", "is": "delay"},
        "rows": {"value": "receipt_numbers", "fields": ["Nmae"]},
    }
    (folder / MAPPING).write_text(yaml.safe_dump({**FIELDS, kind: [wrong[kind]]}), encoding="utf-8")
    with pytest.raises(ContentError, match="Nmae"):
        Document(CONTENT, folder)


@pytest.mark.parametrize(
    ("kind", "entry", "named"),
    [
        ("text", {"field": "Email", "value": "e_mail"}, "e_mail"),
        ("rows", {"value": "recipts", "fields": ["Filed1"]}, "recipts"),
        ("boxes", {"field": "Delay", "answer": "ground", "is": "delay"}, "ground"),
        ("boxes", {"field": "Role", "answer": "requester_role", "is": "applicant", "state": "Nobody"}, "Nobody"),
    ],
)
def test_a_mapping_to_nothing_stops_the_start(folder: Path, kind: str, entry: dict[str, Any], named: str) -> None:
    (folder / MAPPING).write_text(yaml.safe_dump({**FIELDS, kind: [entry]}), encoding="utf-8")
    with pytest.raises(ContentError, match=named):
        Document(CONTENT, folder)


def test_the_fields_of_a_form_are_listed_for_its_mapping(folder: Path) -> None:
    command = [sys.executable, "-m", "intake.document", str(folder / "dhs-7001.pdf")]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    assert "/Tx\tReceipt1\t13\t" in lines
    assert "/Btn\tRole\t\t/Applicant /Attorney /Family" in lines
    assert len(lines) == len(TEXTS) + len(CHECKS) + 2


def check(folder: Path, status: int) -> list[str]:
    command = [sys.executable, "-m", "intake.document", "--check", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == status, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return (done.stdout + done.stderr).splitlines()


def test_a_mapping_is_compared_with_its_form(folder: Path) -> None:
    assert check(folder, 0) == [f"{len(TEXTS) + len(CHECKS) + 1} fields fit; missing 0, other kind 0"]
    mapping = yaml.safe_load(yaml.safe_dump(FIELDS))
    mapping["text"] += [{"field": "Nmae", "value": "email"}, {"field": "Delay", "value": "phone"}]
    mapping["text"] = [entry for entry in mapping["text"] if entry["field"] != "Helper"]
    mapping["boxes"] = [entry for entry in mapping["boxes"] if entry["field"] != "Delay"]
    mapping["boxes"] += [{"field": "Role", "answer": "requester_role", "is": "employer", "state": "Employer"}]
    (folder / MAPPING).write_text(yaml.safe_dump(mapping), encoding="utf-8")
    *lines, last = check(folder, 1)
    assert lines == [
        "missing in the form: Nmae",
        "missing in the form: Role = Employer",
        "of another kind in the form: Delay",
        "not used by the mapping: Helper",
    ]
    assert last.endswith("missing 2, other kind 1")
    (folder / "dhs-7001.pdf").unlink()
    assert check(folder, 2) == [f"There is no {folder / 'dhs-7001.pdf'}."]


def test_without_the_form_there_is_no_such_part(tmp_path: Path) -> None:
    with pytest.raises(NoOfficialForm):
        Document(CONTENT, tmp_path).pdf(FILED, body(), None, "official")
    (tmp_path / MAPPING).write_text(yaml.safe_dump(FIELDS), encoding="utf-8")
    with pytest.raises(NoOfficialForm):
        Document(CONTENT, tmp_path).pdf(FILED, body(), None, "official")


def test_the_shipped_mapping_names_answers_that_exist(tmp_path: Path) -> None:
    mapping = yaml.safe_load((Path("content/forms") / MAPPING).read_text(encoding="utf-8"))
    names = {entry["field"] for entry in [*mapping["text"], *mapping["boxes"]]}
    names |= {name for entry in mapping["rows"] for name in (*entry["fields"], *filter(None, [entry.get("more")]))}
    pdf = Pdf.new()
    page = pdf.add_blank_page(page_size=(612, 792))
    widgets = []
    for name in sorted(names):
        states = [entry["state"] for entry in mapping["boxes"] if entry["field"] == name and "state" in entry]
        kids = [tick_box(pdf, [0, 0, 12, 12], state) for state in dict.fromkeys(states)]
        kind = Name.Tx if any(entry["field"] == name for entry in mapping["text"]) else Name.Btn
        one = Dictionary(FT=kind, T=String(name), Rect=Array([50, 50, 500, 70]), Subtype=Name.Widget)
        if kids:
            one.Kids, one.Ff = Array(kids), RADIO
        widgets.append(pdf.make_indirect(one))
    page.obj.Annots = pdf.make_indirect(Array(widgets))
    pdf.Root.AcroForm = Dictionary(Fields=Array(widgets))
    pdf.save(tmp_path / mapping["file"])
    (tmp_path / MAPPING).write_text(yaml.safe_dump(mapping), encoding="utf-8")
    assert fields(filled(tmp_path))["Email"] == "wang@example.com"
