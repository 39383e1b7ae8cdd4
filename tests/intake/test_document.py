"""The paper: everything that was answered is on it, in the right form, legible and accessible, in three languages."""

from __future__ import annotations

import io
import re
import subprocess
import sys
from importlib.resources import files
from pathlib import Path
from typing import Any

import httpx
import pikepdf
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pypdf import PdfReader

from intake.document import Document, Which, names
from intake.document.fonts import code_points, font_set
from tests.content.wording import foreign
from tests.intake.conftest import body, send
from tests.intake.pdf import (
    Filed,
    fonts,
    ink_outside,
    is_embedded,
    other_text_of,
    page_texts,
    squashed,
    text_of,
    without_margins,
)
from triage.content import LANGUAGES, Content
from triage.statement import Statement

CONTENT = Content.load(Path("content"))
DOCUMENT = Document(CONTENT)
STATEMENT = Statement(CONTENT)
FILED = Filed()
OFFICE = CONTENT.office
PAPER: dict[str, Any] = {
    "outcome": "prepared", "delivery": "mail", "consent": None, "signature_name": None, "signed_at": None,
}  # fmt: skip
WORDS = yaml.safe_load(Path("intake/templates/form.yml").read_text(encoding="utf-8"))["texts"]


def answers(**changes: Any) -> dict[str, Any]:
    """A request whose English statement is the composed one."""
    payload = body(**changes)
    return {**payload, "english_statement": STATEMENT.text(payload)}


def pdf(part: Which = "request", **changes: Any) -> bytes:
    """The PDF of some answers; the reading copy is in the language of the conversation."""
    return DOCUMENT.pdf(FILED, answers(**changes), None, part)


def said(content: bytes, *texts: str) -> None:
    """Every text is found by two readers."""
    for extracted in (text_of(content), other_text_of(content)):
        assert [text for text in texts if squashed(text) not in extracted] == []


def unsaid(content: bytes, *texts: str) -> None:
    extracted = text_of(content)
    assert [text for text in texts if squashed(text) in extracted] == []


SECTIONS = [key for key in WORDS if key.startswith("section_") and key != "section_receipts_continued"]


def test_every_section_is_there_and_the_answers_are_in_it() -> None:
    content = pdf()
    said(content, *(WORDS[key]["en"] for key in SECTIONS))
    said(
        content, FILED.tracking_number, "11/24/2026 12:00 UTC", WORDS["independent"]["en"],
        "USCIS Contact Center yes 09/01/2026", "Case Status Online yes",
        "USCIS office appointment (formerly InfoPass) no",
        "等回信",
        "[X] An emergency or hardship", "[ ] A problem that USCIS was asked", "[X] Pending beyond", "我丢了工作。",
        "[X] Immigrant status", "[ ] Waiver", "I-485 (Application to Register Permanent Residence",
        "Filed May 2023", "LIN9999106498", "IOE*123456789",
        "the applicant", "Name, as given 王小明 Xiaoming Wang", "In Latin letters Xiaoming Wang", "characters 王小明",
        "02/29/1980", "A012345678", "wang@example.com", "(202) 555-0143 (+12025550143)",
        "1 Main St Springfield, IL 62701",
        "Chinese (simplified characters)", answers()["english_statement"], answers()["problem_description"],
        "The receipt notice (Form I-797)", "I allow the Citizenship and Immigration Services Ombudsman to share",
        "Privacy Act notice", "Signed electronically by 王小明", "11/24/2026 11:58 UTC", "Not applicable",
    )  # fmt: skip
    unsaid(content, "Cover sheet", "Sign here", "null", "None")


def test_optional_answers_that_are_missing_are_said_to_be_missing() -> None:
    content = pdf(a_number=None, email=None, mailing_address=None, documents=[], filing_date=None)
    said(content, "A-Number not given", "Email not given", "Mailing address not given", "No document was named.")
    said(content, "Filed not given")


@pytest.mark.parametrize("count", [1, 3, 12, 40])
@pytest.mark.parametrize("delivery", ["online", "fax"])
def test_more_receipt_numbers_than_fit_go_to_a_continuation_sheet(count: int, delivery: str) -> None:
    numbers = [f"LIN21900{index:05}" for index in range(count)]
    content = pdf(receipt_numbers=numbers, **({} if delivery == "online" else {**PAPER, "delivery": delivery}))
    said(content, *numbers, "USCIS form I-485 (", "Filed May 2023")
    text = text_of(content)
    beside = [n for n in numbers if f"I-485{n}" in text or f"{n}May2023" in text]
    assert beside == (numbers if count == 1 else []), "what was asked once is claimed of each"
    pages = page_texts(content)
    continued = [index for index, text in enumerate(pages) if "Section 4, continued" in text]
    rows = CONTENT.request_form.receipt_rows
    assert bool(continued) == (count > rows)
    if continued:
        said(content, f"{count - rows} more receipt numbers stand on the continuation sheet ({count} in all)")
        assert numbers[rows - 1] not in "".join(pages[continued[0] :])
        assert numbers[rows] in pages[continued[0]]


def test_without_a_receipt_number_the_reason_is_there() -> None:
    said(pdf(receipt_numbers="none", receipt_numbers_reason="从来没有收到"), "none was issued", "从来没有收到")


@pytest.mark.parametrize(
    ("value", "shown"), [("2023-05-12", "05/12/2023"), ("2023-05", "May 2023"), ("2023-12-01", "12/01/2023")]
)
def test_dates_are_written_the_american_way(value: str, shown: str) -> None:
    content = pdf(filing_date=value, contact_center_date=value, receipt_numbers=["LIN9999106498"])
    said(content, f"Filed {shown}", f"I-485 LIN9999106498 {shown}", f"Contact Center yes {shown}")


NAMES = [
    ("Xiaoming Wang", "Xiaoming Wang", "", "", ""),
    ("Xiaoming WANG", "Xiaoming WANG", "", "WANG", "Xiaoming"),
    ("WANG Xiao Ming", "WANG Xiao Ming", "", "WANG", "Xiao Ming"),
    ("Wang, Xiaoming", "Wang, Xiaoming", "", "Wang", "Xiaoming"),
    ("WANG XIAOMING", "WANG XIAOMING", "", "", ""),
    ("王小明", "", "王小明", "", ""),
    ("王小明 Xiaoming WANG", "Xiaoming WANG", "王小明", "WANG", "Xiaoming"),
    ("Xiaoming Wang (王小明)", "Xiaoming Wang", "王小明", "", ""),
    ("欧阳 𠮷堃", "", "欧阳 𠮷堃", "", ""),
    ("José de la CRUZ MARTÍNEZ", "José de la CRUZ MARTÍNEZ", "", "CRUZ MARTÍNEZ", "José de la"),
    ("J. R. SMITH", "J. R. SMITH", "", "SMITH", "J. R."),
    ("John R. SMITH", "John R. SMITH", "", "SMITH", "John R."),
    ("MA Ying-jeou", "MA Ying-jeou", "", "MA", "Ying-jeou"),
    ("John Smith, Jr.", "John Smith, Jr.", "", "", ""),
    ("John Smith，Jr", "John Smith，Jr", "", "", ""),
    ("Smith, John, Jr.", "Smith, John, Jr.", "", "", ""),
    ("Smith, John Jr.", "Smith, John Jr.", "", "", ""),
    ("Xiaoming Wang JR", "Xiaoming Wang JR", "", "", ""),
    ("Xiaoming WANG, J.R.", "Xiaoming WANG, J.R.", "", "", ""),
    ("Pedro Lopez SR.", "Pedro Lopez SR.", "", "", ""),
    ("Li III", "Li III", "", "", ""),
    ("Ann Lee, II", "Ann Lee, II", "", "", ""),
    ("Jane Doe, Esq.", "Jane Doe, Esq.", "", "", ""),
    ("Wei Chen, M.D.", "Wei Chen, M.D.", "", "", ""),
    ("Wei Chen, Ph.D.", "Wei Chen, Ph.D.", "", "", ""),
    ("DR Wang", "DR Wang", "", "", ""),
    ("Dr. Wang, Xiaoming", "Dr. Wang, Xiaoming", "", "", ""),
    ("MRS. Wang 王太太", "MRS. Wang", "王太太", "", ""),
    ("Mr. Xiaoming WANG", "Mr. Xiaoming WANG", "", "", ""),
    ("Nguyễn Thị Ấm", "Nguyễn Thị Ấm", "", "", ""),
]


@pytest.mark.parametrize(("typed", "latin", "chinese", "family", "given"), NAMES)
def test_names_are_taken_apart_only_where_the_writing_says_how(
    typed: str, latin: str, chinese: str, family: str, given: str
) -> None:
    name = names.read(typed)
    assert (name.latin, name.chinese) == (latin, chinese)
    assert (name.family, name.given) == (family, given)
    said(pdf(full_name=typed), f"Name, as given {typed}")


def test_a_company_has_a_name_and_no_date_of_birth() -> None:
    content = pdf(
        requester_role="employer", full_name="北京 Widgets & Co., Ltd.", date_of_birth="none",
        representative_name="Ann Lee", form_type="I-129",
    )  # fmt: skip
    said(content, "Petitioning company or organization 北京 Widgets & Co., Ltd.", "not applicable (company)", "Ann Lee")
    unsaid(content, "In Latin letters", "02/29/1980")


@pytest.mark.parametrize(
    ("role", "texts", "signatures"),
    [
        ("attorney", ["an attorney, for", "A copy of the Form G-28 that is on file"], 2),
        ("representative", ["an accredited representative", "A copy of the Form G-28 that is on file"], 2),
        (
            "family",
            ["a relative, friend or other helper", "written consent of the applicant or petitioner, for this"],
            1,
        ),
        ("applicant", ["Not applicable"], 1),
    ],
)
def test_who_acts_for_another_person_is_told_what_must_go_along(role: str, texts: list[str], signatures: int) -> None:
    helper = None if role == "applicant" else "Jane Doe, Esq."
    content = pdf(requester_role=role, representative_name=helper, **PAPER)
    said(content, *texts, *([helper] if helper else []))
    assert text_of(content).count("Signhere") == signatures


@pytest.mark.parametrize("language", LANGUAGES)
def test_one_form_and_date_are_not_claimed_of_several_numbers(language: str) -> None:
    payload = answers(language=language, receipt_numbers=["LIN9999106498", "IOE0912345678"])
    content = DOCUMENT.pdf(FILED, payload, language, "reading")
    day = STATEMENT.date("2023-05", language)
    said(content, f"{WORDS['receipts_filed'][language]}{day}", WORDS["receipts_several"][language])
    unsaid(content, "I-485LIN9999106498", f"IOE0912345678{day}")
    alone = DOCUMENT.pdf(FILED, {**payload, "receipt_numbers": ["LIN9999106498"]}, language, "reading")
    said(alone, f"I-485LIN9999106498{day}")
    unsaid(alone, WORDS["receipts_several"][language])


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("delivery", ["online", "mail"])
def test_what_the_form_asks_and_the_guide_does_not_is_left_to_be_filled_in(language: str, delivery: str) -> None:
    more = {} if delivery == "online" else PAPER
    items = ("salutation", "country_of_birth", "country_of_citizenship", "fax_number")
    request = pdf(language=language, **more)
    note = "by_hand" if more else "by_hand_online"
    said(request, *(WORDS[item]["en"] for item in items), WORDS[note]["en"], "[ ] Mr. [ ] Ms.")
    if language != "en":
        reading = pdf("reading", language=language, **more)
        said(reading, *(WORDS[item][language] for item in items), WORDS["by_hand_reading"][language])
    company = pdf(requester_role="employer", full_name="Widgets & Co.", date_of_birth="none", form_type="I-129", **more)
    unsaid(company, WORDS["country_of_birth"]["en"], WORDS["salutation"]["en"])
    said(company, WORDS["fax_number"]["en"])


def test_another_kind_of_benefit_is_named_by_hand() -> None:
    said(pdf(form_type="I-687", **PAPER), "[X] Other", WORDS["benefit_which"]["en"], WORDS["by_hand"]["en"])
    unsaid(pdf(), WORDS["benefit_which"]["en"])


def test_addresses_abroad_and_phones_stay_as_typed() -> None:
    address = "北京市海淀区\n中关村大街1号 5-201\nBeijing 100080\nP.R. CHINA"
    content = pdf(mailing_address=address, phone="+86 138-0013-8000", phone_e164="+8613800138000")
    said(content, address, "+86 138-0013-8000 (+8613800138000)")
    said(pdf(phone="+12025550143", phone_e164="+12025550143"), "Phone +12025550143 Mailing")


WAYS = {"email": OFFICE.email, "fax": OFFICE.fax, "mail": "".join(OFFICE.mailing_address)}


@pytest.mark.parametrize("way", WAYS)
def test_the_cover_sheet_says_where_to_and_what_to_mind(way: str) -> None:
    content = pdf(**{**PAPER, "delivery": way})
    cover = page_texts(content)[0]
    assert "Cover sheet" in cover
    first = {"email": "By email (recommended by the office)", "fax": "By fax", "mail": "By mail"}[way]
    assert squashed(first + WAYS[way] + "From") in squashed(cover)
    for text in (
        *WAYS.values(),
        f"{OFFICE.mail_delay_days} days",
        "copies only, never originals",
        FILED.tracking_number,
    ):
        assert squashed(text) in squashed(cover)
    pages = len(page_texts(content))
    assert squashed(f"Pages of this request, with this sheet {pages}") in squashed(cover)
    assert f"Page 1 of {pages}" in cover
    assert ("Pages in all" in cover) == (way == "fax")
    said(content, "Sign here", "Date (MM/DD/YYYY)")
    unsaid(content, "Signed electronically")


def test_what_is_signed_stands_on_one_page_with_the_signature() -> None:
    for lines in range(1, 60, 4):
        content = pdf(problem_description="one line\n" * lines, **PAPER)
        page = next(text for text in page_texts(content) if "Sign here: Signature of the applicant" in text)
        assert "9. Consent" in page
        assert squashed("I allow the Citizenship") in squashed(page)


def test_protected_people_sign_with_a_pen_also_online() -> None:
    content = pdf(form_type="I-589")
    said(content, "a signature by hand", "Sign here", "Signed electronically by")
    unsaid(pdf(form_type="I-485"), "Sign here")


@pytest.mark.parametrize("language", ["zh-Hans", "zh-Hant"])
def test_the_reading_copy_says_the_same_in_the_script_of_the_person(language: str) -> None:
    own = "我等了三年，沒有回覆。\n\n第二段：他们说“等一等”。"
    payload = answers(language=language, problem_description=own, **PAPER)
    content = DOCUMENT.pdf(FILED, payload, language, "reading")
    said(content, *(WORDS[key][language] for key in SECTIONS), WORDS["reading_note"][language])
    said(content, own, STATEMENT.text(payload, language), "LIN9999106498", "wang@example.com", "1 Main St")
    said(content, "1980年2月29日", "2023年5月", *OFFICE.mailing_address, str(OFFICE.mail_delay_days))
    unsaid(content, "Signature of the applicant", payload["english_statement"], "Page 1 of")


def test_the_reading_copy_does_not_speak_for_a_statement_it_does_not_know() -> None:
    payload = {**answers(), "english_statement": "Something else that another program wrote."}
    content = DOCUMENT.pdf(FILED, payload, "zh-Hans", "reading")
    said(content, WORDS["statement_elsewhere"]["zh-Hans"])
    unsaid(content, STATEMENT.text(payload, "zh-Hans").split("\n")[0])


def test_the_reading_copy_follows_the_english_request_in_one_file() -> None:
    request, reading = pdf(), pdf(part="reading")
    both = pdf(part="all")
    assert page_texts(both) == page_texts(request) + page_texts(reading)
    assert page_texts(DOCUMENT.pdf(FILED, answers(), "en")) == page_texts(request)
    assert page_texts(DOCUMENT.pdf(FILED, answers(), "zh-Hant")) != page_texts(both)
    assert (
        page_texts(pdf("all", language="en"))
        == page_texts(pdf("reading", language="en"))
        == page_texts(pdf(language="en"))
    )


def test_every_word_exists_in_its_own_script() -> None:
    for key, texts in WORDS.items():
        assert set(texts) == set(LANGUAGES), key
        holes = {language: sorted(re.findall(r"\{\w+\}", text)) for language, text in texts.items()}
        if key != "cover_confidential":
            assert len({tuple(found) for found in holes.values()}) == 1, key
        assert not foreign(texts["zh-Hans"], "zh-Hans"), key
        assert not foreign(texts["zh-Hant"], "zh-Hant"), key
        assert not re.search("[\u3400-\u9fff]", texts["en"]), key


# Every request of these kinds must be accessible, whatever is in it.
KINDS: dict[str, dict[str, Any]] = {
    "online": {},
    "paper": {**PAPER, "language": "zh-Hant"},
    "english": {**PAPER, "language": "en", "delivery": "fax"},
    "long": {"problem_description": "我的案子。\n" * 3000, "receipt_numbers": [f"LIN21900{i:05}" for i in range(40)]},
    "signs": {"problem_description": "🙂 مرحبا שלום नमस्ते สวัสดี 中\u0301 q\u0323 \ue000 \x07 \u202e 𪚥 \U0010ffff"},
}


@pytest.mark.parametrize("kind", KINDS)
def test_the_file_is_tagged_and_complete_for_screen_readers(kind: str) -> None:
    content = pdf(part="all", **KINDS[kind])
    with pikepdf.open(io.BytesIO(content)) as file:
        root = file.Root
        assert root.MarkInfo.Marked
        assert "/StructTreeRoot" in root
        assert str(root.Lang).startswith("en")
        assert root.ViewerPreferences.DisplayDocTitle
        with file.open_metadata() as metadata:
            assert metadata["pdfuaid:part"] == "1"
            assert FILED.tracking_number in metadata["dc:title"]
        used = list(fonts(file))
        assert used
        assert all(is_embedded(font) for font in used)
        tags = {str(node.get("/S")) for node in every_node(root.StructTreeRoot)}
        assert tags >= {"/Document", "/H1", "/H2", "/P", "/Table", "/TR", "/TH", "/TD"}
        languages = {str(node.Lang) for node in every_node(root.StructTreeRoot) if "/Lang" in node} | {str(root.Lang)}
        assert any(one.startswith("zh") for one in languages) == (kind != "english")


def every_node(node: Any) -> list[Any]:
    found, todo = [], [node]
    while todo:
        one = todo.pop()
        kids = one.get("/K", [])
        kids = list(kids) if isinstance(kids, pikepdf.Array) else [kids]
        children = [kid for kid in kids if isinstance(kid, pikepdf.Dictionary) and "/S" in kid]
        found += children
        todo += children
    return found


def test_nothing_leaves_the_page() -> None:
    word = "x" * 500
    content = pdf(
        part="all", full_name="W" * 200, email="a" * 240 + "@" + "b" * 240 + ".com", mailing_address=word,
        problem_description="我" * 2000 + "\n" + "https://example.org/" + "a1" * 2000 + "\n" + " ".join([word] * 5),
        contact_center_detail="SR" + "number 1234567890123456789012345", representative_name="W" * 200,
        requester_role="attorney", **PAPER,
    )  # fmt: skip
    assert ink_outside(content, margin=50) == 0
    said(content, "W" * 200, word)
    assert "a1" * 2000 in without_margins(content)


MARKUP = [
    "#let x = 1 #x", "#panic(\"no\")", "*bold* _thin_ `code`", "$a^2$ @ref <label> [content]", "= Heading\n== Two",
    "- list\n+ list\n/ term: x", "\\ \\u{1f600} ~ -- --- ...", "// comment\n/* comment */", "#include \"/etc/passwd\"",
    "{full_name} {pages} {n}", "\"quoted\" 'single'", "https://example.org/?a=b&c#d", "]}}) #[", "1. one\n2. two",
]  # fmt: skip


@pytest.mark.parametrize("text", MARKUP)
def test_nothing_a_person_types_is_markup(text: str) -> None:
    content = pdf(part="all", problem_description=text, full_name=text, mailing_address=text, hardship_detail=text)
    assert text_of(content).count(squashed(text)) >= 8


RARE = [
    "喆",
    "堃",
    "𠮷",
    "㛃",
    "𨭎",
    "䶮",
    "犇",
    "嬿",
    "燊",
    "ǚ",
    "Ấ",
    "ữ",
    "ị",
    "ẹ",
    "Ž",
    "Ł",
    "ñ",
    "Ж",
    "가",
    "あ",
    "🙂",
    "①",
    "→",
]


@pytest.mark.parametrize("sign", RARE)
def test_rare_characters_are_shown_and_extracted(sign: str) -> None:
    content = pdf(full_name=f"A{sign}B {sign}", problem_description=f"({sign}){sign}。")
    said(content, f"A{sign}B {sign}", f"({sign}){sign}。")
    unsaid(content, f"[U+{ord(sign):04X}]")


def test_the_rarest_characters_are_shown_where_the_system_has_their_font(monkeypatch: pytest.MonkeyPatch) -> None:
    font = Path("/usr/share/fonts/truetype/hanazono/HanaMinB.ttf")
    for there in (font, Path("/nowhere.ttf")):
        font_set.cache_clear()
        monkeypatch.setattr("intake.document.fonts._RARE_HAN_FILE", there)
        content = Document(CONTENT).pdf(FILED, answers(full_name="王𪚥"), "en")
        said(content, "Name, as given 王𪚥" if there.exists() else "Name, as given 王[U+2A6A5]")
    font_set.cache_clear()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\x07b", "a[U+0007]b"),
        ("a\u202eb\u202c", "a[U+202E]b[U+202C]"),
        ("\ue123", "[U+E123]"),
        ("a\r\nb\rc\u2028d", "a\nb\nc\nd"),
        ("a\tb", "a    b"),
        ("\ufeffa", "a"),
        ("\ud800", "[U+D800]"),
        ("\U0003fffd", "[U+3FFFD]"),
    ],
)
def test_what_no_font_shows_is_marked(text: str, shown: str) -> None:
    assert font_set().printable(text) == shown
    said(pdf(problem_description=f"({text})"), f"({shown})")


def test_signs_that_combine_as_no_font_has_them_still_make_an_accessible_file() -> None:
    content = pdf(problem_description="中\u0e31\u0301 ก\u0903 \u200dא\u093e")
    with pikepdf.open(io.BytesIO(content)) as file, file.open_metadata() as metadata:
        assert metadata["pdfuaid:part"] == "1"


def test_coverage_is_what_the_font_files_hold() -> None:
    found = set(code_points(Path(str(files("manimgx_fonts"))) / "NotoSansThai[wght].ttf"))
    assert {0x0E01, 0x0E5B} <= found
    assert 0x4E00 not in found


# Letters that every reader extracts in the order in which they stand.
ALPHABET = st.one_of(
    st.characters(min_codepoint=0x20, max_codepoint=0x24F, exclude_categories=["Cc", "Cf", "Zs"]),
    st.characters(min_codepoint=0x1E00, max_codepoint=0x1EFF, categories=["Lu", "Ll"]),
    st.characters(min_codepoint=0x400, max_codepoint=0x45F),
    st.characters(min_codepoint=0x4E00, max_codepoint=0x9FFF),
    st.characters(min_codepoint=0x3400, max_codepoint=0x4DBF),
    st.characters(min_codepoint=0x20000, max_codepoint=0x2A6DF),
    st.characters(min_codepoint=0xAC00, max_codepoint=0xD7A3),
    st.sampled_from("，。！？、；：“”‘’「」『』（）《》…—·🙂😢🏠☎★①\n 　"),
)
RELAXED = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)


@RELAXED
@given(st.text(ALPHABET, min_size=1, max_size=400), st.sampled_from(LANGUAGES))
def test_what_goes_in_comes_out(text: str, language: str) -> None:
    content = pdf(language=language, problem_description=f"⟨{text}⟩")
    assert squashed(font_set().printable(f"⟨{text}⟩")) in without_margins(content)


@RELAXED
@given(st.text(st.characters(), min_size=1, max_size=120))
def test_any_text_makes_an_accessible_file_and_loses_nothing_unmarked(text: str) -> None:
    content = pdf(problem_description=f"x{text}", full_name=f"x{text}")
    with pikepdf.open(io.BytesIO(content)) as file, file.open_metadata() as metadata:
        assert metadata["pdfuaid:part"] == "1"
    marked = font_set().printable(text).replace("\u200b", "")
    unmarked = re.sub(r"\[U\+([0-9A-F]{4,6})\]", lambda match: chr(int(match.group(1), 16)), marked)
    assert squashed(unmarked) == squashed(re.sub("[\x0b\x0c\x1c-\x1e\x85]", "\n", text))


def test_twenty_thousand_characters_come_out_whole() -> None:
    line = "第{}行：我的绿卡申请等了三年多，Nguyễn 女士说“再等等”，没有结果 (no answer)。"
    text = "\n".join(line.format(index) for index in range(1000))[:20000]
    content = pdf(problem_description=text)
    assert squashed(text) in without_margins(content)
    assert len(page_texts(content)) >= 10


REMEMBERING = """
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from intake.document import Document
from tests.intake.test_document import CONTENT, FILED, answers
document = Document(CONTENT)
def one(index):
    line = chr(0x4E00 + index) + "的绿卡申请等了三年多，没有结果。打过电话，也去过办公室。\\n"
    document.pdf(FILED, answers(problem_description=line * 700))
def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4 // 1024
one(0)
early = resident()
with ThreadPoolExecutor(int(sys.argv[1])) as pool:
    list(pool.map(one, range(1, 26)))
print(resident() - early)
"""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is read from /proc")
@pytest.mark.parametrize("threads", [1, 20])
def test_documents_that_are_done_are_forgotten(threads: int) -> None:
    command = [sys.executable, "-c", REMEMBERING, str(threads)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert int(done.stdout) < 60, "MiB more after 25 further long documents"


# Over HTTP.


def test_parts_and_languages_are_chosen_by_query(client: httpx.Client) -> None:
    number = send(client, language="zh-Hant", problem_description="我等了三年，沒有回覆。").json()["tracking_number"]

    def get(**query: str) -> httpx.Response:
        return client.get(f"/v1/case-requests/{number}/form.pdf", params=query)

    pages = {part: len(PdfReader(io.BytesIO(get(part=part).content)).pages) for part in ("all", "request", "reading")}
    assert pages["all"] == pages["request"] + pages["reading"]
    assert squashed(WORDS["title"]["zh-Hant"]) in text_of(get().content)
    assert squashed(WORDS["title"]["zh-Hans"]) in text_of(get(language="zh-Hans").content)
    assert get(part="reading").headers["Content-Disposition"] == f'inline; filename="{number}-reading.pdf"'
    assert get(part="official").status_code == 404
    assert get(part="official").json()["error"] == "no_official_form"
    for query in ({"part": "cover"}, {"language": "fr"}):
        answer = get(**query)
        assert answer.status_code == 422
        assert [item["field"] for item in answer.json()["fields"]] == list(query)
