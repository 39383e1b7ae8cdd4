"""Who somebody is and what they wrote, made unreadable for whoever gets hold of the worker's database."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

from cryptography.fernet import Fernet, InvalidToken

from messenger.settings import Settings

_HEX_DIGITS = 40


class Seal:
    """Hashes ids and seals contents with keys made from the worker's secret."""

    def __init__(self, settings: Settings) -> None:
        self._people = settings.key("person")
        self._fernet = Fernet(base64.urlsafe_b64encode(settings.key("seal")))

    def person(self, chat_id: int) -> str:
        """The name of a chat everywhere outside Telegram: a keyed hash, which leads back to nothing."""
        return "tg-" + hmac.digest(self._people, str(chat_id).encode(), hashlib.sha256).hex()[:_HEX_DIGITS]

    def close(self, content: Any) -> bytes:
        """Seal anything that JSON can hold."""
        return self._fernet.encrypt(json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode())

    def open(self, sealed: bytes) -> Any:
        """What `close` sealed; None if that was done with another secret."""
        try:
            return json.loads(self._fernet.decrypt(sealed))
        except InvalidToken:
            return None
