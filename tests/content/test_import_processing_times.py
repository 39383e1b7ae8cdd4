"""The import of posted processing times: all rows or none."""
from __future__ import annotations

import json
import shutil
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from tools.import_processing_times import TABLE, ImportRefused, main, run
from triage.content import Content

FOLDER = Path(__file__).resolve().parents[2] / "content"
TODAY = date(2026, 12, 1)
HEAD = "form,months,as_of,source\n"
GOOD = "N-400,5.5,2026-11-30,https://egov.uscis.gov/processing-times/\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    copy = tmp_path / "content"
    shutil.copytree(FOLDER, copy)
    return copy


def written(tmp_path: Path, text: str, name: str = "times.csv") -> Path:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def test_csv_row_replaces_and_the_rest_stays(folder: Path, tmp_path: Path) -> None:
    before = Content.load(folder).posted_times
    head = (folder / TABLE).read_text(encoding="utf-8").split("\ntimes:\n")[0]
    changes = run(written(tmp_path, "\ufeff" + HEAD + GOOD), folder, TODAY)
    assert len(changes) == 1
    assert changes[0].startswith("~ N-400: 7 months (example) -> 5.5 months (2026-11-30)")
    after = Content.load(folder).posted_times
    assert after["N-400"].months == Decimal("5.5")
    assert not after["N-400"].example
    assert {form: row for form, row in after.items() if form != "N-400"} == {
        form: row for form, row in before.items() if form != "N-400"
    }
    assert (folder / TABLE).read_text(encoding="utf-8").split("\ntimes:\n")[0] == head
    assert run(written(tmp_path, HEAD + GOOD), folder, TODAY) == []


def test_replace_drops_what_is_not_named(folder: Path, tmp_path: Path) -> None:
    changes = run(written(tmp_path, HEAD + GOOD), folder, TODAY, replace=True)
    assert any(line.startswith("- I-485") for line in changes)
    assert set(Content.load(folder).posted_times) == {"N-400"}


def test_json_works_too(folder: Path, tmp_path: Path) -> None:
    rows = [{"form": "i-130", "months": 15, "as_of": "2026-11-30", "source": "https://egov.uscis.gov/processing-times/"}]
    run(written(tmp_path, json.dumps(rows), "times.json"), folder, TODAY)
    assert Content.load(folder).posted_times["I-130"].months == 15


BAD = [
    ("X-999,5,2026-11-30,https://a.gov/\n", "line 3", "unknown form"),
    (",5,2026-11-30,https://a.gov/\n", "line 3", "form is missing"),
    ("I-589,5,2026-11-30,https://a.gov/\n", "line 3", "not_posted"),
    ("I-130,soon,2026-11-30,https://a.gov/\n", "line 3", "months"),
    ("I-130,,2026-11-30,https://a.gov/\n", "line 3", "months"),
    ("I-130,-2,2026-11-30,https://a.gov/\n", "line 3", "months"),
    ("I-130,NaN,2026-11-30,https://a.gov/\n", "line 3", "months"),
    ("I-130,900,2026-11-30,https://a.gov/\n", "line 3", "months"),
    ("I-130,5,30.11.2026,https://a.gov/\n", "line 3", "date"),
    ("I-130,5,2026-12-02,https://a.gov/\n", "line 3", "future"),
    ("I-130,5,2026-11-30,heard it\n", "line 3", "source"),
    ("I-130,5\n", "line 3", "date"),
    (GOOD, "line 3", "twice"),
]


@pytest.mark.parametrize(("row", "place", "problem"), BAD)
def test_one_bad_row_and_nothing_is_written(folder: Path, tmp_path: Path, row: str, place: str, problem: str) -> None:
    before = (folder / TABLE).read_bytes()
    with pytest.raises(ImportRefused) as refused:
        run(written(tmp_path, HEAD + GOOD + row), folder, TODAY)
    assert [bad.place for bad in refused.value.bad_rows] == [place]
    assert problem in refused.value.bad_rows[0].problem
    assert (folder / TABLE).read_bytes() == before
    assert {path.suffix for path in folder.iterdir() if path.is_file()} == {".yml"}


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("a.csv", "", "columns missing"),
        ("a.csv", "form,months\nI-130,5\n", "as_of, source"),
        ("a.csv", HEAD, "no rows"),
        ("a.json", "{", "not JSON"),
        ("a.json", "{}", "list of rows"),
        ("a.json", "[1]", "object"),
        ("a.json", "[]", "no rows"),
    ],
)
def test_a_useless_file_is_refused(folder: Path, tmp_path: Path, name: str, text: str, problem: str) -> None:
    with pytest.raises(ImportRefused, match=problem):
        run(written(tmp_path, text, name), folder, TODAY)


def test_command_line(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good = written(tmp_path, HEAD + "N-400,5,2026-11-20,https://egov.uscis.gov/processing-times/\n")
    assert main([str(good), "--content", str(folder)]) == 0
    assert "~ N-400" in capsys.readouterr().out
    bad = written(tmp_path, HEAD + "N-400,x,2026-11-20,https://a.gov/\nX-1,2,2026-11-20,https://a.gov/\n", "bad.csv")
    assert main([str(bad), "--content", str(folder)]) == 1
    shown = capsys.readouterr().err
    assert "line 2" in shown
    assert "line 3" in shown
    assert main([str(tmp_path / "no.csv"), "--content", str(folder)]) == 1
