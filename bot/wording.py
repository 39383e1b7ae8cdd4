"""Wording by language: Rasa would choose at random among several matching variations; here one and only one fits."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from rasa.core.nlg.generator import NaturalLanguageGenerator
from rasa.shared.core.domain import Domain
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.utils.endpoints import EndpointConfig

ROOT = Path(__file__).resolve().parents[1]
LANGUAGES = ("en", "zh-Hans", "zh-Hant")
_PLACEHOLDER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")

Variation = dict[str, Any]
Catalogue = dict[str, dict[str, Variation]]


class WordingError(Exception):
    """A wording is missing or incomplete."""


def catalogue(responses: Mapping[str, list[Variation]]) -> Catalogue:
    """Arrange responses by key and language.

    Raises:
        WordingError: A response does not have exactly one variation for each language, or its buttons do not do the
            same in each; all such are named.
    """
    found: Catalogue = {}
    problems = []
    for key, variations in responses.items():
        languages = [_language(variation) for variation in variations]
        if sorted(map(str, languages)) != sorted(LANGUAGES):
            problems.append(f"{key} ({', '.join(map(str, languages))})")
        found[key] = {
            language: {name: value for name, value in variation.items() if name != "condition"}
            for language, variation in zip(languages, variations, strict=True)
            if language
        }
        if len({str([button["payload"] for button in item.get("buttons", [])]) for item in variations}) > 1:
            problems.append(f"{key} (buttons differ)")
    if problems:
        raise WordingError("not exactly one variation for each language: " + "; ".join(sorted(problems)))
    return found


def _language(variation: Variation) -> str | None:
    for condition in variation.get("condition", []):
        if condition.get("name") == "language":
            language: str = condition.get("value")
            return language
    return None


def fill(text: str, values: Mapping[str, Any], language: str) -> str:
    """Put values into the places of a text; a value is taken as it is, braces and all.

    Raises:
        KeyError: A place has no value, or none in this language.
    """
    return _PLACEHOLDER.sub(lambda match: _in(values[match.group(1)], language), text)


def _in(value: Any, language: str) -> str:
    """A value in one language; the actions give one that differs between languages as a mapping."""
    return str(value[language] if isinstance(value, Mapping) else value)


class _StrictLoader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """A YAML reader that does not accept the same key twice in one mapping."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Build a mapping; raises :class:`WordingError` for a key that occurs twice."""
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        twice = sorted({str(key) for key in keys if keys.count(key) > 1})
        if twice:
            raise WordingError(f"{node.start_mark.name}: defined twice: {', '.join(twice)}")
        content: dict[Any, Any] = super().construct_mapping(node, deep)
        return content


def read_yaml(file: Path) -> dict[str, Any]:
    """Read one domain file.

    Raises:
        WordingError: A key stands twice in one mapping.
    """
    with file.open(encoding="utf-8") as lines:
        return yaml.load(lines, Loader=_StrictLoader) or {}  # noqa: S506 (a SafeLoader)


def read_responses(folder: Path) -> dict[str, list[Variation]]:
    """Read the responses of all files of a folder.

    Raises:
        WordingError: A response is defined twice; Rasa would silently take the last.
    """
    responses: dict[str, list[Variation]] = {}
    for file in sorted(folder.glob("**/*.yml")):
        found = read_yaml(file).get("responses", {})
        twice = sorted(set(found) & set(responses))
        if twice:
            raise WordingError(f"{file}: defined twice: {', '.join(twice)}")
        responses.update(found)
    return responses


class LanguageNLG(NaturalLanguageGenerator):
    """Words a reply in the language that the action asks for, and in the others beside it.

    The wording is read from its files when the process starts, not from the model: a changed text needs a restart
    and no training.

    Args:
        endpoint_config: Its ``folder`` is the folder of the wording, relative to the project; default ``domain``.
        domain: The domain of the model; not used.

    Raises:
        WordingError: The wording is incomplete.
    """

    def __init__(self, endpoint_config: EndpointConfig | None = None, domain: Domain | None = None) -> None:
        folder = endpoint_config.kwargs.get("folder", "domain") if endpoint_config else "domain"
        self._catalogue = catalogue(read_responses(ROOT / folder))

    async def generate(
        self,
        utter_action: str,
        tracker: DialogueStateTracker,
        output_channel: str,
        **kwargs: Any,
    ) -> dict[str, Any] | None:
        """Word one reply; values for the places in its text and button titles are taken from ``kwargs``.

        Returns:
            The variation with ``key`` and ``language`` added, and ``wording``: by language its text, and the titles of
            all its buttons and attachments, those that the action adds included.

        Raises:
            WordingError: Unknown key, no or unknown language, or a place without a value in one of the languages.
        """
        language = kwargs.get("language")
        variations = self._catalogue.get(utter_action)
        if variations is None or language not in variations:
            raise WordingError(f"no wording {utter_action} in {language}")
        wording = {name: _worded(utter_action, name, variation, kwargs) for name, variation in variations.items()}
        chosen = copy.deepcopy(variations[language])
        chosen["text"] = wording[language]["text"]
        buttons = chosen.get("buttons", [])
        # The titles of the action's own buttons come after these.
        for button, title in zip(buttons, wording[language]["buttons"][: len(buttons)], strict=True):
            button["title"] = title
        return {**chosen, "key": kwargs.get("key") or utter_action, "language": language, "wording": wording}


def _worded(key: str, language: str, variation: Variation, values: Mapping[str, Any]) -> dict[str, Any]:
    """The words of one reply in one language."""
    try:
        return {
            "text": fill(variation["text"], values, language),
            "buttons": [fill(button["title"], values, language) for button in variation.get("buttons", [])]
            + [_in(button["title"], language) for button in values.get("buttons") or []],
            "attachments": [_in(item["title"], language) for item in values.get("attachments") or []],
        }
    except KeyError as error:
        raise WordingError(f"{key} in {language} needs a value for {error.args[0]}") from None
