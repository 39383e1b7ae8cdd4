"""Reviewing: groups, what may become an example and where it goes, the terminal, and the table for elsewhere."""

from __future__ import annotations

import os
import pty
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import date
from pathlib import Path

import pytest
import yaml

from actions.review_queue import Entry, ReviewQueue
from tools import review
from tools.reviewing.grouping import grouped
from tools.reviewing.session import Session
from tools.reviewing.training_files import TrainingFiles, folder_of

ROOT = Path(__file__).resolve().parents[2]
TODAY = date.today()
NEW = {"en": "kindly scrap everything I typed in so far", "zh-Hans": "前面填的统统作废算了吧",
       "zh-Hant": "前面填的統統作廢算了吧", "mixed": "把这个 request 整个 scrap 掉算了"}


@pytest.fixture
def files(tmp_path: Path) -> TrainingFiles:
    """A copy of the real training files; the real evaluation sets."""
    shutil.copytree(ROOT / "data" / "nlu", tmp_path / "nlu")
    return TrainingFiles(tmp_path / "nlu", ROOT / "tests" / "nlu")


@pytest.fixture
def queue(tmp_path: Path) -> ReviewQueue:
    return ReviewQueue(f"sqlite:///{tmp_path / 'review.db'}", "", 90, 100)


def fill(queue: ReviewQueue, *texts: str, language: str = "en") -> list[Entry]:
    guesses = (("stop", 0.41), ("restart", 0.3), ("ask_process", 0.1))
    entries = [Entry(f"{number:032}", text, language, "filing_date", "asked_back", guesses, "stop", TODAY)
               for number, text in enumerate(texts, 1)]
    for entry in entries:
        assert queue.keep(f"c-{entry.id}", entry)
    return entries


def sit(queue: ReviewQueue, files: TrainingFiles, groups: Sequence[Sequence[Entry]], *lines: str) -> list[str]:
    """One sitting in which these lines are typed; returns what was printed."""
    typed, shown = iter(lines), []

    def ask(prompt: str) -> str:
        shown.append(prompt)
        try:
            return next(typed)
        except StopIteration:
            raise EOFError from None

    Session(queue, files, groups, ask, shown.append).run()
    return shown


def block(file: Path, intent: str) -> list[str]:
    content = yaml.safe_load(file.read_text(encoding="utf-8"))
    (found,) = [item["examples"].splitlines() for item in content["nlu"] if item["intent"] == intent]
    return list(found)


def left(queue: ReviewQueue) -> list[str]:
    return [entry.text for entry in queue.entries(TODAY)]


def test_messages_that_mean_the_same_come_together(queue: ReviewQueue) -> None:
    same = ["how long does it take until you answer me", "when will you answer me, how long does it take"]
    entries = fill(queue, same[0], "my card was sent to the wrong address", same[1])
    groups = grouped(entries)
    assert sorted(len(group) for group in groups) == [1, 2]
    assert {entry.text for entry in groups[0]} == set(same)
    assert grouped([]) == []
    assert len(grouped(entries[:1])) == 1


@pytest.mark.parametrize(("folder", "text"), NEW.items())
def test_an_example_goes_to_the_end_of_its_block_and_nothing_else_changes(files: TrainingFiles, tmp_path: Path,
                                                                          folder: str, text: str) -> None:
    before = {path: path.read_text(encoding="utf-8") for path in (tmp_path / "nlu").glob("*/*.yml")}
    file = files.add(text, "stop", "zh-Hans" if folder != "en" else "en")
    assert file == tmp_path / "nlu" / folder / "control.yml"
    assert block(file, "stop")[-1] == f"- {text}"
    new = file.read_text(encoding="utf-8")
    added = [line for line in new.split("\n") if line not in before[file].split("\n")]
    assert added == [f"    - {text}"]
    assert len(new.split("\n")) == len(before[file].split("\n")) + 1
    assert {path: path.read_text(encoding="utf-8") for path in before if path != file} == {
        path: content for path, content in before.items() if path != file}


@pytest.mark.parametrize(("text", "language", "folder"), [
    ("cancel it", "zh-Hans", "en"), ("取消吧", "zh-Hant", "zh-Hant"), ("取消吧", "en", "zh-Hans"),
    ("請取消這個請求", "zh-Hans", "zh-Hant"), ("我的 I-485 和 USCIS", "zh-Hans", "zh-Hans"),
    ("我的 case 呢", "zh-Hant", "mixed"),
])
def test_the_language_of_an_example(text: str, language: str, folder: str) -> None:
    assert folder_of(text, language) == folder


@pytest.mark.parametrize(("text", "problem"), [
    ("my ⟨receipt_number⟩ is wrong I believe", "type mark"), ("I sent it in 2023 and waited", "digits"),
    ("my form I-9999 is stuck somewhere", "digits"), ("/stop", "a sign"), ("please [stop](x) it all", "a sign"),
    ("stop it all\\", "a sign"), ("one\ntwo", "a sign"), ("!!!", "no words"), ("", "no words"),
    ("Good morning, I hope I've come to the right place", "intents.tsv"),
    ("good morning i hope I've come to the right place!!", "intents.tsv"), ("hello", "an example already"),
])
def test_what_cannot_become_an_example(files: TrainingFiles, text: str, problem: str) -> None:
    assert problem in "; ".join(files.problems(text))
    with pytest.raises(ValueError, match=problem.split()[0]):
        files.add(text, "greet", "en")


def test_numbers_of_forms_are_no_digits(files: TrainingFiles) -> None:
    assert files.problems("somebody at the desk lost my I-485 and my i751 papers") == []


def test_labelled_by_name_by_its_beginning_and_by_number(queue: ReviewQueue, files: TrainingFiles,
                                                         tmp_path: Path) -> None:
    entries = fill(queue, NEW["en"], "let us begin the whole thing anew shall we", "pass me to your colleague of flesh")
    number = str(files.intents.index("talk_to_human") + 1)
    shown = sit(queue, files, [[entry] for entry in entries], "stop", "rest", number)
    control = tmp_path / "nlu" / "en" / "control.yml"
    for intent, entry in zip(("stop", "restart", "talk_to_human"), entries, strict=True):
        assert block(control, intent)[-1] == f"- {entry.text}"
    assert left(queue) == []
    assert any("3 examples added" in line for line in shown)
    assert any("the person chose: stop" in line and "stop 0.41" in line for line in shown)


def test_discard_skip_split_off_and_quit(queue: ReviewQueue, files: TrainingFiles, tmp_path: Path) -> None:
    entries = fill(queue, "aaa bbb one", "aaa bbb two", NEW["en"], "aaa bbb four", "aaa bbb five")
    shown = sit(queue, files, [entries[:4], entries[4:]], "?", "l", "nonsense", "d 1", "x 2", "s", "stop", "q")
    # Two and four were skipped, what was split off was labelled, five was never reached.
    assert left(queue) == ["aaa bbb two", "aaa bbb four", "aaa bbb five"]
    assert block(tmp_path / "nlu" / "en" / "control.yml", "stop")[-1] == f"- {NEW['en']}"
    assert any("I do not know that" in line for line in shown)
    assert any("1 messages discarded" in line for line in shown)


def test_a_text_with_marks_is_written_anew_by_the_person(queue: ReviewQueue, files: TrainingFiles,
                                                         tmp_path: Path) -> None:
    entries = fill(queue, "scrap ⟨word⟩ thing I typed", "drop ⟨form_type⟩ thing I typed", "no ⟨word⟩ more of it")
    shown = sit(queue, files, [entries], "stop", "scrap 99 things I typed", NEW["en"], "", "d")
    assert left(queue) == ["drop ⟨form_type⟩ thing I typed"]
    assert block(tmp_path / "nlu" / "en" / "control.yml", "stop")[-1] == f"- {NEW['en']}"
    assert any("type mark" in line for line in shown)
    assert any("digits" in line for line in shown)


def test_rewriting_before_labelling(queue: ReviewQueue, files: TrainingFiles, tmp_path: Path) -> None:
    entries = fill(queue, "⟨name⟩ wants to scrap it", "keep me")
    sit(queue, files, [entries[:1], entries[1:]], "r 1", NEW["en"], "stop")
    assert block(tmp_path / "nlu" / "en" / "control.yml", "stop")[-1] == f"- {NEW['en']}"
    assert left(queue) == ["keep me"]


def test_what_is_an_example_already_only_leaves_the_queue(queue: ReviewQueue, files: TrainingFiles,
                                                          tmp_path: Path) -> None:
    before = (tmp_path / "nlu" / "en" / "smalltalk.yml").read_text(encoding="utf-8")
    known = block(tmp_path / "nlu" / "en" / "smalltalk.yml", "greet")[3].removeprefix("- ")
    sit(queue, files, [fill(queue, known)], "greet")
    assert left(queue) == []
    assert (tmp_path / "nlu" / "en" / "smalltalk.yml").read_text(encoding="utf-8") == before


def test_a_table_out_and_in_again(queue: ReviewQueue, files: TrainingFiles, tmp_path: Path,
                                  capsys: pytest.CaptureFixture[str]) -> None:
    entries = fill(queue, NEW["en"], "=1+1 and what of it", "scrap ⟨word⟩ of it", "wrong label here", "for later")
    table = tmp_path / "queue.tsv"
    review.export([entries], table)
    lines = table.read_text(encoding="utf-8").splitlines()
    assert lines[0].split("\t") == list(review.COLUMNS)
    assert "\t'=1+1" in lines[2]
    filled = [line.split("\t") for line in lines[1:]]
    for row, label, text in zip(filled, ("stop", "discard", "stop", "no_intent", ""),
                                ("", "", NEW["zh-Hans"], "", ""), strict=True):
        row[-2:] = [label, text]
    table.write_text("\n".join([lines[0], *("\t".join(row) for row in filled), "\t".join(["gone", *[""] * 7, "stop"])]),
                     encoding="utf-8")
    assert review.bring_in(table, queue, files, TODAY) == 2
    assert left(queue) == ["wrong label here", "for later"]
    assert block(tmp_path / "nlu" / "en" / "control.yml", "stop")[-1] == f"- {NEW['en']}"
    assert block(tmp_path / "nlu" / "zh-Hans" / "control.yml", "stop")[-1] == f"- {NEW['zh-Hans']}"
    told = capsys.readouterr().out
    assert "no_intent is no intent" in told
    assert "no longer in the queue" in told


# --- The command itself, in a terminal --------------------------------------------------------------------------------


@pytest.fixture
def installation(tmp_path: Path) -> dict[str, str]:
    data = tmp_path / "data"
    queue = ReviewQueue(f"sqlite:///{data / 'review.db'}", "", 90, 100)
    fill(queue, "aaa ⟨word⟩ one", "of ⟨number⟩ things", language="zh-Hant")
    queue.close()
    return {**os.environ, "GUIDE_DATA": str(data), "GUIDE_REVIEW_DATABASE_URL": "", "PYTHONPATH": str(ROOT)}


def test_in_a_real_terminal(installation: dict[str, str]) -> None:
    master, slave = pty.openpty()
    process = subprocess.Popen([sys.executable, "-m", "tools.review"], cwd=ROOT, env=installation, stdin=slave,
                               stdout=slave, stderr=slave, close_fds=True)
    os.close(slave)
    shown, answers = "", ["l", "d", "q"]
    deadline = time.monotonic() + 120
    with suppress(OSError):
        while time.monotonic() < deadline:
            if select.select([master], [], [], 0.5)[0]:
                shown += os.read(master, 65536).decode("utf-8", "replace")
            if shown.count("> ") > 3 - len(answers) and answers:
                os.write(master, f"{answers.pop(0)}\n".encode())
            if process.poll() is not None:
                break
    assert process.wait(30) == 0, shown
    os.close(master)
    assert "2 messages in" in shown
    assert "talk_to_human" in shown
    assert "discarded" in shown
    left_over = ReviewQueue(f"sqlite:///{installation['GUIDE_DATA']}/review.db", "", 90, 100)
    assert len(left_over.entries(TODAY)) < 2


def test_an_empty_queue(tmp_path: Path) -> None:
    environment = {**os.environ, "GUIDE_DATA": str(tmp_path), "GUIDE_REVIEW_DATABASE_URL": "", "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-m", "tools.review"], cwd=ROOT, env=environment, capture_output=True,
                          text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "empty" in done.stdout
