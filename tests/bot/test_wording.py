"""Wording by language: complete or an error, filled from the action's values."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from rasa.utils.endpoints import EndpointConfig

from bot.wording import LANGUAGES, LanguageNLG, WordingError, catalogue, fill, read_responses


def variation(language: str, text: str, **more: Any) -> dict[str, Any]:
    return {"condition": [{"type": "slot", "name": "language", "value": language}], "text": text, **more}


def three(text: str, **more: Any) -> list[dict[str, Any]]:
    return [variation(language, f"{text} {language}", **more) for language in LANGUAGES]


def write(folder: Path, name: str, responses: dict[str, Any]) -> None:
    content = yaml.safe_dump({"version": "3.1", "responses": responses}, allow_unicode=True)
    (folder / name).write_text(content, encoding="utf-8")


NAMELESS = {"title": "A. Person", "payload": "/affirm"}


@pytest.fixture
def nlg(tmp_path: Path) -> LanguageNLG:
    buttons = [{"title": "Yes, {name}", "payload": '/inform{"delivery": "online"}'}]
    write(tmp_path, "a.yml", {"utter_hello": three("Hi {name}", buttons=buttons), "utter_bye": three("Bye")})
    return LanguageNLG(EndpointConfig(type="bot.wording.LanguageNLG", folder=str(tmp_path)))


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_language_asked_for(nlg: LanguageNLG, language: str) -> None:
    reply = await nlg.generate("utter_bye", None, "internal", language=language)
    assert reply == {
        "text": f"Bye {language}",
        "key": "utter_bye",
        "language": language,
        "wording": {name: {"text": f"Bye {name}", "buttons": [], "attachments": []} for name in LANGUAGES},
    }


async def test_values_go_into_text_and_titles_and_nowhere_else(nlg: LanguageNLG) -> None:
    name = "{language} {0} {name} 王"
    for _ in range(2):
        reply = await nlg.generate("utter_hello", None, "internal", language="en", name=name, key="k")
        assert reply["text"] == f"Hi {name} en"
        assert reply["buttons"] == [{"title": f"Yes, {name}", "payload": '/inform{"delivery": "online"}'}]
        assert reply["key"] == "k"


@pytest.mark.parametrize(
    ("key", "values"),
    [
        ("utter_unknown", {"language": "en"}),
        ("utter_bye", {"language": "fr"}),
        ("utter_bye", {}),
        ("utter_hello", {"language": "en"}),
        ("utter_hello", {"language": "en", "name": {"en": "Ann", "zh-Hans": "安"}}),
        ("utter_bye", {"language": "en", "buttons": [{"title": {"en": "Yes"}, "payload": "/affirm"}]}),
        ("utter_bye", {"language": "en", "attachments": [{"title": {"zh-Hans": "表"}, "url": "guide:request/1"}]}),
    ],
)
async def test_what_is_missing_is_an_error(nlg: LanguageNLG, key: str, values: dict[str, Any]) -> None:
    with pytest.raises(WordingError):
        await nlg.generate(key, None, "internal", **values)


async def test_a_reply_is_worded_in_all_languages_at_once(nlg: LanguageNLG) -> None:
    """As it would be said in each: what differs between them is given for each, the rest stays as it is."""
    names = {"en": "May 1", "zh-Hans": "5月1日", "zh-Hant": "5月1號"}
    more: dict[str, Any] = {
        "name": names,
        "buttons": [{"title": {"en": "One", "zh-Hans": "一", "zh-Hant": "壹"}, "payload": "/inform{}"}, NAMELESS],
        "attachments": [{"title": names, "url": "guide:request/1"}],
    }
    reply = await nlg.generate("utter_hello", None, "internal", language="zh-Hans", **more)
    assert reply["text"] == "Hi 5月1日 zh-Hans"
    assert reply["wording"]["en"] == {
        "text": "Hi May 1 en",
        "buttons": ["Yes, May 1", "One", "A. Person"],
        "attachments": ["May 1"],
    }
    for language in LANGUAGES:
        alone = await nlg.generate("utter_hello", None, "internal", language=language, **more)
        assert alone["text"] == reply["wording"][language]["text"]
        assert alone["wording"] == reply["wording"]


@pytest.mark.parametrize(
    "variations",
    [three("x")[:2], [*three("x"), variation("en", "again")], [*three("x")[:2], {"text": "no condition"}], []],
)
def test_an_incomplete_response_is_refused(variations: list[dict[str, Any]]) -> None:
    with pytest.raises(WordingError, match="utter_x"):
        catalogue({"utter_x": variations})


def test_a_button_does_the_same_in_every_language() -> None:
    variations = three("x", buttons=[{"title": "Yes", "payload": "/affirm"}])
    assert catalogue({"utter_x": variations})
    variations[2]["buttons"] = [{"title": "Yes", "payload": "/deny"}]
    with pytest.raises(WordingError, match="utter_x"):
        catalogue({"utter_x": variations})


def test_a_response_in_two_files_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "a.yml", {"utter_x": three("a")})
    write(tmp_path, "b.yml", {"utter_x": three("b")})
    with pytest.raises(WordingError, match="utter_x"):
        read_responses(tmp_path)


def test_a_response_twice_in_one_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text("responses:\n  utter_x: []\n  utter_x: []\n", encoding="utf-8")
    with pytest.raises(WordingError, match="utter_x"):
        read_responses(tmp_path)


def test_braces_that_are_no_place_stay() -> None:
    assert fill('{"a": 1} {x}', {"x": "{y}"}, "en") == '{"a": 1} {y}'


def test_the_wording_of_the_project_is_complete() -> None:
    assert len(LanguageNLG()._catalogue) > 20
