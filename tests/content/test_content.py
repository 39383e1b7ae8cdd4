"""The dated facts: they load, are complete in three scripts, sourced, dated and not expired."""
from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from triage.content import LANGUAGES, Content, ContentError
from triage.facts import CHANNELS, GROUNDS, ROLES

FOLDER = Path(__file__).resolve().parents[2] / "content"
FILES = sorted(FOLDER.glob("*.yml"))

@pytest.fixture(scope="module")
def content() -> Content:
    return Content.load(FOLDER)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    folder = tmp_path / "content"
    shutil.copytree(FOLDER, folder)
    return folder


def texts_of(node: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every mapping in a file that holds a text in a Chinese script."""
    if isinstance(node, dict):
        if {"zh-Hans", "zh-Hant"} & set(node):
            yield path, node
        for key, value in node.items():
            yield from texts_of(value, f"{path}.{key}")
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from texts_of(value, f"{path}[{index}]")


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_head_has_source_and_date(file: Path) -> None:
    head = yaml.safe_load(file.read_text(encoding="utf-8"))
    assert head["source"]
    assert isinstance(head["as_of"], date)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_text_is_there_in_every_language(file: Path) -> None:
    for path, text in texts_of(yaml.safe_load(file.read_text(encoding="utf-8"))):
        assert set(LANGUAGES) <= set(text), f"{path}: a language is missing"


def test_every_fact_is_sourced(content: Content) -> None:
    for place, stamp in content.stamps.items():
        assert re.match(r"https?://|leaflet$|project$", stamp.source), (place, stamp.source)


def test_nothing_is_expired_today(content: Content) -> None:
    assert [str(problem) for problem in content.check(date.today())] == []


def test_an_expired_fact_is_found_and_stops_nobody(content: Content) -> None:
    late = date(2100, 1, 1)
    assert any(problem.file == "channels.yml" and "reviewed by" in problem.problem for problem in content.check(late))
    assert content.office_state(late).open


def test_channels(content: Content) -> None:
    assert tuple(content.channels) == CHANNELS
    assert content.channels["contact_center"].phone == "1-800-375-5283"
    assert content.channels["infopass"].phone == content.channels["contact_center"].phone
    assert "InfoPass" in content.channels["infopass"].note["en"]


def test_office_is_as_in_the_leaflet(content: Content) -> None:
    office = content.office
    assert office.phones == ("202-357-8100", "1-855-882-8100")
    assert (office.fax, office.email) == ("202-357-0042", "cisombudsman@hq.dhs.gov")
    assert office.feedback_email == "cisombudsman@dhs.gov"
    assert "Mail Stop 0180" in office.mailing_address
    assert (office.mail_delay_days, office.recommended_delivery, office.hours) == (14, "email", None)


def test_enough_posted_times(content: Content) -> None:
    assert len(content.posted_times) >= 30
    assert content.posted_times["N-400"].months == Decimal(7)
    assert "I-589" not in content.posted_times


def test_policy_takes_over_settings_and_times(content: Content) -> None:
    policy = content.policy()
    assert (policy.contact_max_age_days, policy.contact_min_wait_days, policy.contact_window_binding) == (90, 60, False)
    assert policy.posted_months["I-485"] == float(content.posted_times["I-485"].months)


@pytest.mark.parametrize("cue", ["crisis_self_harm", "crisis_violence", "crisis_detention", "medical_emergency"])
def test_every_emergency_has_somebody_to_call(content: Content, cue: str) -> None:
    assert any(pointer.phone for pointer in content.crisis_contacts(cue))


def test_checklist_conditions_use_known_names(content: Content) -> None:
    for item in content.documents:
        assert item.grounds <= set(GROUNDS), item.key
        assert item.roles <= set(ROLES), item.key
        assert item.required_roles <= (item.roles or set(ROLES)), item.key


OFFICE_DAYS = [
    (date(2030, 1, 9), True, None),
    (date(2030, 1, 10), False, "Closed."),
    (date(2030, 1, 20), False, "Closed."),
    (date(2030, 1, 21), True, "Replies are slow."),
    (date(2031, 1, 1), True, "Replies are slow."),
]


@pytest.mark.parametrize(("on", "is_open", "notice"), OFFICE_DAYS)
def test_office_status_follows_the_days(copy: Path, on: date, is_open: bool, notice: str | None) -> None:
    path = copy / "office_status.yml"
    status = yaml.safe_load(path.read_text(encoding="utf-8"))

    def said(text: str) -> dict[str, str]:
        return dict.fromkeys(LANGUAGES, text)

    status["periods"] += [
        {"state": "open", "from": date(2030, 1, 21), "notice": said("Replies are slow.")},
        {"state": "closed", "from": date(2030, 1, 10), "until": date(2030, 1, 20), "notice": said("Closed.")},
    ]
    path.write_text(yaml.safe_dump(status), encoding="utf-8")
    state = Content.load(copy).office_state(on)
    assert state.open is is_open
    assert (state.notice and state.notice["en"]) == notice


def test_a_day_without_a_period_is_open_but_found(copy: Path) -> None:
    path = copy / "office_status.yml"
    status = yaml.safe_load(path.read_text(encoding="utf-8"))
    status["periods"] = []
    path.write_text(yaml.safe_dump(status), encoding="utf-8")
    content = Content.load(copy)
    assert content.office_state(date(2030, 1, 1)).open
    assert any(problem.file == "office_status.yml" for problem in content.check(date(2030, 1, 1)))


BROKEN = [
    ("office.yml", "fax: 202-357-0042\n", "", "fax"),
    ("office.yml", "mail_delay_days: 14", "mail_delay_days: soon", "mail_delay_days"),
    ("office.yml", "recommended_delivery: email", "recommended_delivery: pigeon", "recommended_delivery"),
    ("channels.yml", "  infopass:\n", "  infopas:\n", "infopass"),
    ("channels.yml", "      en: USCIS Contact Center\n", "", "channels.contact_center.name.en"),
    ("processing_times.yml", "months: 7,", "months: seven,", "N-400"),
    ("processing_times.yml", "{form: I-140,", "{form: I-485,", "twice"),
    ("settings.yml", "value: 90,", "value: true,", "contact_max_age_days"),
    ("settings.yml", "value: 1980-01-01", "value: long ago", "earliest_filing_date"),
    ("documents.yml", "families: [travel]", "families: [holiday]", "holiday"),
    ("crisis.yml", "as_of: 2026-11-24", "as_of: recently", "as_of"),
    ("legal_help.yml", "source: https://www.uscis.gov/avoid-scams\n", "source: ''\n", "source"),
    ("office_status.yml", "state: open", "state: ajar", "state"),
    ("office.yml", "web: ", "fax: ", "twice"),
    ("office.yml", "web: ", "web: [", "YAML"),
]


@pytest.mark.parametrize(("file", "old", "new", "named"), BROKEN)
def test_a_broken_file_is_named_with_its_key(copy: Path, file: str, old: str, new: str, named: str) -> None:
    path = copy / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ContentError, match=re.escape(file)) as raised:
        Content.load(copy)
    assert named in str(raised.value)


def test_a_missing_file_is_named(content: Content, copy: Path) -> None:
    for name in {file for file, _ in content.stamps}:
        text = (copy / name).read_bytes()
        (copy / name).unlink()
        with pytest.raises(ContentError, match=re.escape(name)):
            Content.load(copy)
        (copy / name).write_bytes(text)


def test_loading_knows_no_today(content: Content) -> None:
    assert content == Content.load(FOLDER)
    assert content.office_state(date.today() + timedelta(days=1)).open
