"""Wording by language: Rasa would choose at random among several matching variations; here one and only one fits."""

from __future__ import annotations

import copy
import re
from typing import Any, Dict, List, Mapping, Optional, Text

from rasa.core.nlg.response import TemplatedNaturalLanguageGenerator
from rasa.shared.core.domain import Domain
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.utils.endpoints import EndpointConfig

LANGUAGES = ("en", "zh-Hans", "zh-Hant")
_PLACEHOLDER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")

Variation = Dict[Text, Any]
Catalogue = Dict[Text, Dict[Text, Variation]]


class WordingError(Exception):
    """A wording is missing or incomplete."""


def catalogue(responses: Mapping[Text, List[Variation]]) -> Catalogue:
    """Arrange the domain's responses by key and language.

    Raises:
        WordingError: A response does not have exactly one variation for each language; all such are named.
    """
    found: Catalogue = {}
    problems = []
    for key, variations in responses.items():
        languages = [_language(variation) for variation in variations]
        if sorted(map(str, languages)) != sorted(LANGUAGES):
            problems.append(f"{key} ({', '.join(map(str, languages))})")
        found[key] = {
            language: {name: value for name, value in variation.items() if name != "condition"}
            for language, variation in zip(languages, variations)
            if language
        }
    if problems:
        raise WordingError("not exactly one variation for each language: " + "; ".join(sorted(problems)))
    return found


def _language(variation: Variation) -> Optional[Text]:
    for condition in variation.get("condition", []):
        if condition.get("name") == "language":
            language: Text = condition.get("value")
            return language
    return None


def fill(text: Text, values: Mapping[Text, Any]) -> Text:
    """Put values into the places of a text; a value is taken as it is, braces and all.

    Raises:
        KeyError: A place has no value.
    """
    return _PLACEHOLDER.sub(lambda match: str(values[match.group(1)]), text)


class LanguageNLG(TemplatedNaturalLanguageGenerator):
    """Chooses the variation in the language that the action asks for.

    Args:
        endpoint_config: The endpoint this was created for.
        domain: Domain with the responses; Rasa sets ``responses`` again when it loads a model.
    """

    def __init__(self, endpoint_config: Optional[EndpointConfig] = None, domain: Optional[Domain] = None) -> None:
        super().__init__(domain.responses if domain else {})

    @property
    def responses(self) -> Dict[Text, List[Variation]]:
        """The responses as the domain has them."""
        return self._responses

    @responses.setter
    def responses(self, responses: Dict[Text, List[Variation]]) -> None:
        self._responses = responses
        self._catalogue = catalogue(responses)

    async def generate(
        self,
        utter_action: Text,
        tracker: DialogueStateTracker,
        output_channel: Text,
        **kwargs: Any,
    ) -> Optional[Dict[Text, Any]]:
        """Word one reply; values for the places in its text and button titles are taken from ``kwargs``.

        Returns:
            The variation with ``key`` and ``language`` added.

        Raises:
            WordingError: Unknown key, no or unknown language, or a place without a value.
        """
        language = kwargs.get("language")
        try:
            chosen = copy.deepcopy(self._catalogue[utter_action][language])
        except KeyError:
            raise WordingError(f"no wording {utter_action} in {language}") from None
        try:
            chosen["text"] = fill(chosen["text"], kwargs)
            for button in chosen.get("buttons", []):
                button["title"] = fill(button["title"], kwargs)
        except KeyError as error:
            raise WordingError(f"{utter_action} in {language} needs a value for {error.args[0]}") from None
        chosen["key"] = kwargs.get("key") or utter_action
        chosen["language"] = language
        return chosen
