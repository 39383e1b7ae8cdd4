"""The measuring of the understanding: reading the sets, counting, the page, the floors."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from tools.evaluation import groups, nearness, sets
from tools.evaluation.context import Played
from tools.evaluation.engine import Outcome
from tools.evaluation.markdown import markdown
from tools.evaluation.page import page
from tools.evaluation.readings import compare, found_in
from tools.evaluation.report import context_summary, intents_summary, report, values_summary
from tools.evaluation.sets import Case, ContextCase, ValueCase, read_context, read_intents, read_values
from tools.evaluation.statistics import Share, auroc, auroc_error, f1, paired_difference, percentile, share, wilson

HEADER = "id\tintent\tlang\tstyle\ttext\n"
LINES = '1\tgreet\ten\tshort\t"hi" there\n2\tdeny\tzh-Hans\tshort\t不\t是\n'


# --- Reading ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("content", [LINES, HEADER + LINES, "\ufeff" + HEADER + LINES.replace("\n", "\r\n") + "\r\n"])
def test_read(tmp_path: Path, content: str) -> None:
    file = tmp_path / "x.tsv"
    file.write_bytes(content.encode())
    assert read_intents(file) == [
        Case("1", "greet", "en", "short", '"hi" there'),
        Case("2", "deny", "zh-Hans", "short", "不\t是"),
    ]


def test_a_short_line_is_named(tmp_path: Path) -> None:
    file = tmp_path / "x.tsv"
    file.write_text(LINES + "3\tgreet\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r":3:"):
        read_intents(file)


def test_read_values(tmp_path: Path) -> None:
    file = tmp_path / "x.tsv"
    file.write_text('1\ten\tplain\ton May 5\t[{"text": "May 5", "value": "2026-05-05"}]\n2\ten\tplain\tx\t[]\n')
    assert read_values(file) == [
        ValueCase("1", "en", "plain", "on May 5", [{"text": "May 5", "value": "2026-05-05"}]),
        ValueCase("2", "en", "plain", "x", []),
    ]
    file.write_text("1\ten\tplain\tx\tnot JSON\n")
    with pytest.raises(ValueError, match=r":1:.*JSON"):
        read_values(file)


def test_read_context_with_and_without_style(tmp_path: Path) -> None:
    file = tmp_path / "x.tsv"
    file.write_text("id\tasking\tlang\ttext\tslot\tvalue\n1\temail\ten\tno\tskipped\tnull\n")
    assert read_context(file) == [ContextCase("1", "email", "en", "", "no", "skipped", None)]
    file.write_text("id\tasking\tlang\tstyle\ttext\tslot\tvalue\n1\tconsent\ten\tshort\tok\tconsent\ttrue\n")
    assert read_context(file) == [ContextCase("1", "consent", "en", "short", "ok", "consent", True)]


def test_new_lines_in_the_sets_and_in_no_other_file(tmp_path: Path) -> None:
    (tmp_path / "intents.tsv").write_text("1\tgreet\ten\tshort\thi\\nthere\n")
    assert sets.read_set("intents", tmp_path)[0].text == "hi\nthere"
    assert read_intents(tmp_path / "intents.tsv")[0].text == "hi\\nthere"


# --- Figures ------------------------------------------------------------------------------------------------------


def test_percentile() -> None:
    assert percentile([3, 1, 2], 0.5) == 2
    with pytest.raises(ValueError, match="no values"):
        percentile([], 0.5)


@pytest.mark.parametrize(
    ("right", "n", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),  # R. G. Newcombe, Statistics in Medicine 17 (1998), table I, method 3
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
        (20, 20, 0.8389, 1.0),
        (0, 0, 0.0, 1.0),
    ],
)
def test_wilson(right: int, n: int, low: float, high: float) -> None:
    assert wilson(right, n) == (pytest.approx(low, abs=1e-4), pytest.approx(high, abs=1e-4))


def test_auroc() -> None:
    assert auroc([0.9, 0.8], [0.1, 0.2]) == 1.0
    assert auroc([0.1], [0.9]) == 0.0
    assert auroc([0.5, 0.5], [0.5]) == 0.5
    assert auroc([0.9, 0.4], [0.5, 0.1]) == 0.75
    assert auroc([], [0.5]) == 0.5


def test_auroc_error() -> None:
    # J. A. Hanley and B. J. McNeil, Radiology 143 (1982): area 0.893 of 51 abnormal and 58 normal images, 0.032.
    assert auroc_error(0.893, 51, 58) == pytest.approx(0.032, abs=1e-3)
    assert auroc_error(1.0, 0, 5) == 0.0


def test_share() -> None:
    counted = share([True, True, False, True])
    assert (counted.n, counted.right, counted.value) == (4, 3, 0.75)
    assert counted.standard_error == pytest.approx((4 / 6 * 2 / 6 / 4) ** 0.5)
    assert Share(0, 0).value == 0.0
    assert Share(100, 100).standard_error > 0


def test_paired_difference() -> None:
    # 944 of 1600 against 880 of 1600, 794 both: A. Agresti, Categorical Data Analysis, table 10.1, −0.04 ± 0.02.
    first = [True] * 944 + [False] * 656
    second = [True] * 794 + [False] * 150 + [True] * 86 + [False] * 570
    found = paired_difference(first, second)
    assert found == (pytest.approx(-0.04), pytest.approx(-0.0585, abs=5e-4), pytest.approx(-0.0215, abs=5e-4))
    assert paired_difference([True, False], [True, False]) == (0, 0, 0)


def test_f1() -> None:
    assert f1(1, 2, 1) == pytest.approx(2 / 3)
    assert f1(0, 0, 0) == 1.0


# --- Summaries ----------------------------------------------------------------------------------------------------


def some_outcomes() -> list[Outcome]:
    rows = [("en", "a", "a"), ("en", "a", "b"), ("zh-Hans", "b", "b"), ("zh-Hans", "b", "b")]
    return [
        Outcome(Case(str(number), gold, lang, "short", "x"), predicted, number == 0, 0.001 * (number + 1), 0.9)
        for number, (lang, gold, predicted) in enumerate(rows)
    ]


def test_report_of_a_file() -> None:
    summary = report(some_outcomes())
    assert set(summary) == {"overall", "by_language", "by_style", "latency_ms", "fallback_rate", "confusions"}
    assert summary["overall"] == {"n": 4, "accuracy": 0.75, "macro_f1": pytest.approx((2 / 3 + 4 / 5) / 2, abs=1e-4)}
    assert summary["by_language"]["en"]["accuracy"] == 0.5
    assert summary["by_style"] == {"short": summary["overall"]}
    assert summary["fallback_rate"] == 0.25
    assert summary["confusions"] == [["a", "b", 1]]
    assert summary["latency_ms"] == {"p50": 3.0, "p95": 4.0}


def test_intents() -> None:
    outside = [
        Outcome(Case("5", "out_of_scope", "en", "plain", "x"), "out_of_scope", False, 0.001, 0.1),
        Outcome(Case("6", "out_of_scope", "en", "plain", "x"), "a", True, 0.001, 0.2),
        Outcome(Case("7", "out_of_scope", "en", "plain", "x"), "a", False, 0.001, 0.95),
    ]
    summary = intents_summary([*some_outcomes(), *outside])
    assert summary["overall"]["right"] == 4
    assert summary["gap"] == 60.0
    scope = summary["scope"]
    assert (scope["caught"]["right"], scope["caught"]["n"]) == (2, 3)
    assert (scope["in_scope_fallback"]["right"], scope["in_scope_fallback"]["n"]) == (1, 4)
    assert scope["auroc"]["share"] == pytest.approx(2 / 3, abs=1e-4)
    assert ["out_of_scope", "a", 2] in summary["confusions"]


RECEIPT = {"entity": "receipt_number", "text": "ioe 0912345678", "value": "IOE0912345678", "problem": None}


def test_values_exact_only_with_no_more_and_no_less() -> None:
    wanted = [{"text": "ioe 0912345678", "value": "IOE0912345678"}]
    case = ValueCase("1", "en", "plain", "it is ioe 0912345678", wanted)
    assert compare("receipts", case, [RECEIPT])[2:] == (True, True, 1, 1, 1)
    other = {**RECEIPT, "value": "LIN0912345678"}
    assert compare("receipts", case, [RECEIPT, other])[2:] == (False, False, 1, 2, 1)
    assert compare("receipts", case, [])[2:] == (False, False, 0, 0, 1)
    elsewhere = {**RECEIPT, "text": "is ioe 0912345678"}
    assert compare("receipts", case, [elsewhere])[2:] == (True, False, 1, 1, 1)
    summary = values_summary([compare("receipts", case, [RECEIPT]), compare("receipts", case, [RECEIPT, other])])
    assert summary["overall"]["right"] == 1
    assert summary["precision"]["share"] == pytest.approx(2 / 3, abs=1e-4)
    assert summary["recall"]["share"] == 1.0
    assert [item["id"] for item in summary["wrong"]] == ["1"]


def test_what_the_guide_would_ask_about_is_not_taken() -> None:
    assert found_in("receipts", [{**RECEIPT, "problem": "too_short"}]) == []
    assert found_in("receipts", [{**RECEIPT, "problem": "lookalike"}])[0]["value"] == "IOE0912345678"
    several = {"entity": "form_type", "text": "travel document", "value": "I-131", "candidates": [{"form": "I-131"}]}
    assert found_in("forms", [several]) == [{"text": "travel document", "value": None}]
    assert found_in("forms", [{**several, "variant": "refugee"}])[0]["value"] == "I-131"


def test_a_channel_that_only_follows_is_wanted_or_no_mistake() -> None:
    entities = [
        {"entity": "service_channel", "value": "contact_center", "role": "tried"},
        {"entity": "service_channel", "value": "infopass", "role": "not_tried", "implied": True},
        {"entity": "service_channel", "value": "case_status_online", "role": "tried", "implied": True, "bare": True},
    ]
    named = {"contact_center": "tried", "case_status_online": "tried"}
    assert found_in("channels", entities, named) == named
    assert compare("channels", ValueCase("1", "en", "plain", "x", named), entities).exact
    everything = {**named, "infopass": "not_tried"}
    assert compare("channels", ValueCase("2", "en", "plain", "x", everything), entities).exact
    assert not compare("channels", ValueCase("3", "en", "plain", "x", {**named, "infopass": "tried"}), entities).exact


def test_channels_and_persons() -> None:
    entities = [
        {"entity": "service_channel", "value": "infopass", "role": "tried"},
        {"entity": "service_channel", "value": "infopass", "role": "not_tried"},
        {"entity": "service_channel", "value": "contact_center"},
        {"entity": "phone", "value": "+12125550123", "problem": None},
        {"entity": "phone", "value": "123", "problem": "invalid"},
        {"entity": "person_name", "value": "Wei Chen"},
    ]
    assert found_in("channels", entities) == {"infopass": "not_tried"}
    assert found_in("persons", entities) == {"phone": "+12125550123", "name": "Wei Chen"}
    case = ValueCase("1", "en", "plain", "x", {"infopass": "tried"})
    assert not compare("channels", case, entities).exact
    assert compare("channels", case, entities).spans is None


def test_answers_in_context_asked_back_are_wrong() -> None:
    case = ContextCase("1", "consent", "en", "short", "hm", "consent", True)
    summary = context_summary([Played(case, True, True, False), Played(case._replace(id="2"), None, False, True)])
    assert summary["overall"]["right"] == 1
    assert summary["asked_back"]["right"] == 1
    assert summary["by_question"]["consent"]["n"] == 2
    assert summary["wrong"][0]["asking"] == "consent"


# --- The page -----------------------------------------------------------------------------------------------------


class Reader(HTMLParser):
    """Checks that everything that is opened is closed, and notes tags, addresses and texts."""

    void = ("meta", "rect", "path", "br")

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.addresses: list[str] = []
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.addresses += [str(value) for name, value in attrs if name in ("src", "href", "action")]
        if tag not in self.void:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.void:
            assert self.open.pop() == tag, tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


ASKED = ContextCase("c", "email", "en", "", "x", "email", "y")


def whole_report(right: bool = True) -> dict[str, Any]:
    case = ValueCase("r-1", "zh-Hant-HK", "plain", "<b>我個號</b>", [{"text": "IOE1", "value": "IOE0912345678"}])
    return {
        "model": "guide-x.tar.gz",
        "as_of": "2026-11-24",
        "method": ["Wilson's <95 %> intervals"],
        "parse_cpu_ms": {"p50": 5.0, "p95": 8.0},
        "sets": {
            "intents": intents_summary(some_outcomes()),
            "receipts": values_summary([compare("receipts", case, [RECEIPT] if right else [])]),
            "contextual": context_summary([Played(ASKED, None, False, False)]),
        },
        "cost": {"parse_p50": {"title": "One message", "value": 5.2, "note": "one core"}},
        "peers": [
            {
                "title": "Ours",
                "against_first": [-1.5, -2.0, -1.0],
                "intents": intents_summary(some_outcomes()),
                **dict.fromkeys(("cpu_ms_p50", "cpu_ms_p95", "resident_mib", "model_mib", "training_cpu_seconds"), 1.0),
            }
        ],
    }


def test_the_page_is_whole_and_needs_nothing_from_elsewhere() -> None:
    content = whole_report(right=False)
    reader = Reader()
    reader.feed(page(content, groups.targets(content, {"receipts": 99.5, **TARGETS})))
    reader.close()
    assert reader.open == []
    assert {"html", "title", "h1", "h2", "table", "svg"} <= reader.tags
    assert not {"script", "img", "link", "iframe", "object"} & reader.tags
    assert reader.addresses == []
    text = "".join(reader.texts)
    assert "<b>我個號</b>" in text  # shown, not obeyed
    assert "✗ missed" in text
    assert "guide-x.tar.gz" in text


def test_tables_for_the_documentation() -> None:
    content = whole_report()
    written = markdown(content, groups.targets(content, TARGETS))
    assert "| receipts | 1 | 100.0 (20.6–100.0) |" in written
    assert "| -1.5 (-2.0 to -1.0) |" in written
    assert "| Intents, all | ≥ 96 | 75 | ✗ |" in written
    tables = [part.splitlines() for part in written.split("\n\n") if part.startswith("|")]
    assert len(tables) == 5
    for table in tables:
        assert len({line.count("|") for line in table}) == 1


TARGETS = {
    "intents/overall": 96,
    "intents/language": 94,
    "intents/style": 90,
    "intents/gap between languages": 2,
    "intents/auroc": 0.97,
    "intents/in scope, to fallback": 3,
    "intents/out of scope, caught": 85,
}


def test_targets() -> None:
    content = whole_report()
    reached = {item.title: item for item in groups.targets(content, {"receipts": 99.5, "cost/parse_p50": 7, **TARGETS})}
    assert not reached["Intents, all"].met
    assert reached["Intents, all"].value == 75.0
    assert reached["Receipts, exact set of values"].met
    assert not reached["Intents, gap between languages"].met
    assert reached["One message"].met
    assert reached["In scope, sent to the fallback"].value == 25.0


# --- Floors -------------------------------------------------------------------------------------------------------


def floors_of(content: Mapping[str, Any]) -> dict[str, float]:
    return {group.name: groups.floor_of(group) for group in groups.groups(content)}


def test_a_group_below_its_floor_is_told() -> None:
    content = whole_report()
    floors = floors_of(content)
    assert groups.below(content, floors) == []
    assert floors["receipts/overall"] < 1.0
    floors["intents/language/en"] = 0.6
    assert groups.below(content, floors) == ["intents/language/en: 0.5000 is below its floor 0.600"]


def test_a_group_that_is_gone_or_new_is_told() -> None:
    content = whole_report()
    floors = {**floors_of(content), "intents/style/sung": 0.5}
    del floors["receipts/spans"]
    told = groups.below(content, floors)
    assert [line.split(":")[0] for line in told] == ["intents/style/sung", "receipts/spans"]


def test_floors_rise_and_do_not_fall_in_silence(tmp_path: Path) -> None:
    file = tmp_path / "floors.yml"
    good, bad = whole_report(), whole_report(right=False)
    assert groups.record(bad, file) == []
    assert groups.record(good, file) == []
    before = file.read_text(encoding="utf-8")
    assert groups.read_floors(file) == floors_of(good)
    falling = groups.record(bad, file)
    assert any(line.startswith("receipts/overall") for line in falling)
    assert file.read_text(encoding="utf-8") == before
    assert groups.record(bad, file, lower=True) == falling
    assert groups.read_floors(file) == floors_of(bad)


# --- Nearness -----------------------------------------------------------------------------------------------------


def example(text: str) -> nearness.Example:
    return nearness.Example(text, Path("x.yml"), "a")


@pytest.mark.parametrize(
    ("message", "known", "collides"),
    [
        ("I'd like to start over, please!", "i’d like to start over please", True),
        ("我想重新開始這個申請", "我想重新开始这个申请。", True),
        ("I want to know how long this is going to take", "I want to know how long this is going to tale", True),
        ("How long does the Ombudsman need for an answer", "how long does USCIS need for an answer", False),
        ("ok", "OK", False),
        ("不知道", "不知道", False),
        ("start over", "start over", True),
        ("help me", "help you", False),
    ],
)
def test_collisions(message: str, known: str, collides: bool) -> None:
    assert bool(nearness.collisions([("1", message)], [example(known)])) is collides


def test_short_answers_in_context_are_exempt() -> None:
    assert nearness.collisions([("1", "the first one")], [example("the first one")], in_context=True) == []
    assert nearness.collisions([("1", "I would rather not say")], [example("I would rather not say")], in_context=True)


def test_nearness_finds_what_comparing_everything_finds() -> None:
    texts = [
        example.text
        for example in list(nearness.examples(sets.ROOT / "data" / "nlu"))[::40]
        if len(nearness.plain(example.text)) >= nearness.SHORTEST_NEAR
    ]
    known = [example(text) for text in texts]
    changed = [(str(number), text[:-2] + "x" + text[-1:]) for number, text in enumerate(texts)]
    found = {item.id for item in nearness.collisions(changed, known)}
    slow = {
        line
        for line, text in changed
        if any(
            nearness.likeness(nearness.runs(nearness.plain(text)), nearness.runs(nearness.plain(other)))
            >= nearness.NEAR
            for other in texts
        )
    }
    assert slow <= found
    assert len(slow) > 10


def test_settings() -> None:
    settings = sets.read_settings()
    assert settings.as_of == date(2026, 11, 24)
    assert json.dumps(dict(settings.targets))
