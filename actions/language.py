"""Which language to answer in.

Rule (contract of the slot ``language``): the person's last sentence that has words of a language in it, until a
language is chosen explicitly; Chinese that fits both scripts keeps the last script, else the first guess, else
simplified.
"""
from __future__ import annotations

import re

from actions.memory import DEFAULT_CHINESE, Memory
from actions.message import Message
from actions.words import LANGUAGES

# A mail or web address, also one with a slip of the pen, has no words of a language in it.
_ADDRESS_LIKE = re.compile(r"\S+[.@]\S+")

# Answers that are names or addresses: a few characters of them say nothing about the language of the person.
NAME_SLOTS = frozenset({"full_name", "representative_name", "signature_name", "mailing_address", "email", "phone"})


def resolve(code: str, memory: Memory) -> str:
    """A language for ``zh``, which leaves the script open; others stay."""
    if code != "zh":
        return code
    if memory.at.script:
        return memory.at.script
    return memory.language if memory.language != "en" else DEFAULT_CHINESE


def follow(message: Message, memory: Memory) -> bool:
    """Set ``memory.language`` by the message.

    Returns:
        Whether the language was chosen explicitly in this message.
    """
    if message.event in ("open", "resume"):
        if message.event == "open" and message.guess in LANGUAGES:
            memory.language = str(message.guess)
            memory.at.script = memory.language if memory.language != "en" else None
        return False
    chosen = _chosen(message, memory)
    if chosen:
        memory.language = resolve(chosen, memory)
        memory.at.language_chosen = True
        if memory.language != "en":
            memory.at.script = memory.language
        return True
    if message.event == "payload" or memory.at.language_chosen or message.script is None:
        return False
    if message.script == "en" and _ADDRESS_LIKE.fullmatch(message.text.strip()):
        return False
    short = message.length <= 6 and not message.is_question and message.script != "en"
    if memory.at.asking in NAME_SLOTS and short and (memory.language != "en" or message.first("person_name")):
        return False
    memory.language = resolve(message.script, memory)
    if memory.language != "en":
        memory.at.script = memory.language
    return False


def _chosen(message: Message, memory: Memory) -> str | None:
    found = message.first("language")
    if message.event == "payload":
        return str(found["value"]) if found else None
    if found and (message.any_sentence("switch_language", at_least=0.35) or message.length <= 4):
        return str(found["value"])
    return None
