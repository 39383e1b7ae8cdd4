"""`make run` with a bot whose Bot API is away: everything else runs as ever, and the bot comes to life by itself."""

from __future__ import annotations

import time

import httpx

from tools.bot_api.person import Person
from tools.bot_api.server import TOKEN, BotApi
from tools.launcher import ports
from tools.launcher.settings import neutral_environment
from tools.launcher.trial import running_system


def test_the_system_starts_without_telegram_and_recovers() -> None:
    port = ports.free(1)[0]
    bot = {"TELEGRAM_TOKEN": TOKEN, "TELEGRAM_API_BASE": f"http://127.0.0.1:{port}"}
    with running_system(neutral_environment(), bot) as trial:
        assert set(trial.processes()) >= {"service", "engine", "actions", "messenger"}
        before = trial.processes()
        opened = httpx.post(f"{trial.url}/chat/session", json={"language": "en"}, trust_env=False, timeout=30)
        assert opened.status_code == 201
        time.sleep(2)
        assert trial.processes() == before, "nothing was started again"
        with BotApi(port) as api:
            somebody = Person(api, 1_700_000_001)
            somebody.say("/start")
            assert "Telegram" in somebody.text
        assert trial.lives()
