"""The domain: merged from its files, nothing twice, without the wording."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.importers import DomainError, GuideImporter, read_domain
from bot.wording import WordingError

ROOT = Path(__file__).resolve().parents[2]


def files(folder: Path, *contents: str) -> list[Path]:
    paths = []
    for number, content in enumerate(contents):
        path = folder / f"{number}.yml"
        path.write_text(content, encoding="utf-8")
        paths.append(path)
    return paths


def test_files_are_merged(tmp_path: Path) -> None:
    paths = files(tmp_path, "intents: [greet]\nslots: {a: {type: any}}\n", "intents: [bye]\nslots: {b: {type: any}}\n")
    merged = read_domain(paths)
    assert merged["intents"] == ["greet", "bye"]
    assert list(merged["slots"]) == ["a", "b"]


@pytest.mark.parametrize(
    "contents",
    [
        ("slots: {a: {type: any}}", "slots: {a: {type: text}}"),
        ("intents: [greet]", "intents: [greet]"),
        ("responses: {utter_a: []}", "responses: {utter_a: []}"),
        ("session_config: {session_expiration_time: 0}", "session_config: {session_expiration_time: 5}"),
    ],
)
def test_twice_in_two_files_is_refused(tmp_path: Path, contents: tuple[str, str]) -> None:
    with pytest.raises(DomainError, match="twice"):
        read_domain(files(tmp_path, *contents))


def test_twice_in_one_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WordingError, match="twice"):
        read_domain(files(tmp_path, "slots:\n  a: {type: any}\n  a: {type: text}\n"))


def test_the_domain_of_the_project() -> None:
    domain = GuideImporter(str(ROOT / "config.yml"), str(ROOT / "domain.yml"), []).get_domain()
    assert not domain.responses
    assert "action_converse" in domain.action_names_or_texts
    assert not domain.session_config.are_sessions_enabled()
    rules = (ROOT / "data" / "stories" / "rules.yml").read_text(encoding="utf-8")
    for intent in domain.intents:
        if intent not in ("back", "session_start", "restart"):
            assert f"- intent: {intent}\n" in rules
