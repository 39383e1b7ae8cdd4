"""Words in every language of the guide at once.

A reply is worded in all languages when it is said, so that the talk can be shown again in another one, and so that a
call-taker sees it in the caller's language and in English. What differs between the languages in its values (a date,
a label, a list of contacts) is therefore made for each of them.
"""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

LANGUAGES = ("en", "zh-Hans", "zh-Hant")


class Words(dict[str, str]):
    """The same words by language; an ordinary JSON object on its way to the wording."""

    @classmethod
    def by(cls, wording: Callable[[str], str]) -> Words:
        """What a function of the language gives for each."""
        return cls({language: wording(language) for language in LANGUAGES})


def worded(value: Any, language: str) -> Any:
    """A value as it stands in a text of one language; what is no ``Words`` is the same in all."""
    return value[language] if isinstance(value, Words) else value
