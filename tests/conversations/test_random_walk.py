"""A seeded walk of 2,000 turns: never an error, an empty reply, a wrong script or a dead end."""

from __future__ import annotations

import random

from tests.conversations.client import LANGUAGES, Chat
from tests.conversations.people import ANSWERS
from tests.conversations.test_interruptions import ANYWHERE, BESIDE_STORIES, CRISIS, HARDSHIP, STOP
from tests.conversations.test_outcomes import OPENINGS

SEED = 20261124
TURNS = 2000
ODD = [
    "😀",
    "???",
    "<b>hi</b>",
    "'; DROP TABLE requests; --",
    "\u202eabc",
    "１２３４５",
    "a" * 3000,
    "/restart",
    "0",
    "\u200b.",
    "IOE09123",
    "{language}",
    "None",
    "null",
    "2",
    "-1",
]
MOST_IN_ONE = 70


def _pool(language: str) -> list[str]:
    pool = list(ANSWERS[language].values()) + BESIDE_STORIES[language] + ANYWHERE["keeps"][language]
    pool += [texts[language] for texts in OPENINGS.values()] + STOP[language]
    return [*pool, HARDSHIP[language], CRISIS[language]]


def test_random_walk(base: str) -> None:
    chance = random.Random(SEED)
    chat, turns = None, 0
    ends: dict[str | None, int] = {}
    while turns < TURNS:
        if chat is None or len(chat.turns) > MOST_IN_ONE or (chat.outcome and chance.random() < 0.3):
            if chat is not None:
                ends[chat.outcome] = ends.get(chat.outcome, 0) + 1
            language = chance.choice(LANGUAGES)
            chat = Chat(base, language).open()
            # The language is chosen, so that odd input cannot change what the replies must be in.
            chat.say({"en": "English please", "zh-Hans": "请用简体中文", "zh-Hant": "請用繁體中文"}[language])
        roll = chance.random()
        buttons = [payload for payload in chat.buttons() if "switch_language" not in payload]
        if roll < 0.5 and chat.asking in ANSWERS[language]:
            chat.say(ANSWERS[language][str(chat.asking)])
        elif roll < 0.65 and buttons:
            chat.press(chance.choice(buttons))
        elif roll < 0.75:
            chat.say(chance.choice(ODD))
        else:
            chat.say(chance.choice(_pool(language)))
        turns += 1
        silent = chat.asking is None and chat.outcome is None
        # Only an open "really?" or a status question may leave nothing asked, and it can always be answered.
        assert not silent or {"utter_confirm_stop", "utter_confirm_restart"} & set(chat.keys), chat.keys
    assert len(ends) >= 4, ends
