"""Session tokens, resume codes and file links: what a person holds, and what the database knows of it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import struct
import unicodedata
from typing import Any

from cryptography.fernet import Fernet, InvalidToken

CODE_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
_CODE_GROUPS = 4
_CODE_GROUP_LENGTH = 4
_ID_BYTES = 16
_MAC_BYTES = 16
_EXPIRY = struct.Struct(">Q")


def _letters(typed: str) -> str | None:
    """The letters of a typed code, or None if it cannot be one."""
    letters = "".join(char for char in unicodedata.normalize("NFKC", typed[:200]).upper() if char.isalnum())
    possible = len(letters) == _CODE_GROUPS * _CODE_GROUP_LENGTH and set(letters) <= set(CODE_ALPHABET)
    return letters if possible else None


class Tokens:
    """Makes and checks everything that is signed, hashed or sealed with one key.

    Args:
        key: the secret; another key makes all earlier sessions, codes and links worthless.
    """

    def __init__(self, key: str) -> None:
        self._key = key.encode()
        self._fernet = Fernet(base64.urlsafe_b64encode(self._derive("file-link")))

    def _derive(self, purpose: str) -> bytes:
        return hmac.digest(self._key, purpose.encode(), hashlib.sha256)

    def _mac(self, purpose: str, data: bytes) -> bytes:
        return hmac.digest(self._derive(purpose), data, hashlib.sha256)

    def new_session(self, expires_at: int) -> tuple[str, str]:
        """A fresh session token and the hash under which it is stored.

        Args:
            expires_at: milliseconds since 1970, UTC; part of what is signed.
        """
        data = secrets.token_bytes(_ID_BYTES) + _EXPIRY.pack(expires_at)
        token = base64.urlsafe_b64encode(data + self._mac("session", data)[:_MAC_BYTES]).rstrip(b"=").decode()
        return token, self._session_hash(data)

    def read_session(self, token: str, now: int) -> str | None:
        """The stored hash of a token that is genuine and not expired at `now` (milliseconds), else None."""
        try:
            raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        except ValueError:
            return None
        data, mac = raw[:-_MAC_BYTES], raw[-_MAC_BYTES:]
        if len(raw) != _ID_BYTES + _EXPIRY.size + _MAC_BYTES:
            return None
        if not hmac.compare_digest(mac, self._mac("session", data)[:_MAC_BYTES]):
            return None
        (expires_at,) = _EXPIRY.unpack(data[_ID_BYTES:])
        return self._session_hash(data) if now < expires_at else None

    def expires_at(self, token: str) -> int:
        """When a token that `read_session` takes ends, in milliseconds; 0 for what is no token."""
        try:
            raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
            (expires_at,) = _EXPIRY.unpack_from(raw, _ID_BYTES)
        except (ValueError, struct.error):
            return 0
        return int(expires_at)

    def _session_hash(self, data: bytes) -> str:
        return hashlib.sha256(data).hexdigest()

    def new_resume_code(self, wish: str | None = None) -> tuple[str, str]:
        """A fresh code to read out or write down (78 random bits), and the hash under which it is stored.

        Args:
            wish: names what asked for it, in a way nobody can guess; the same wish gets the same code again.
        """
        number = secrets.randbits(256) if wish is None else int.from_bytes(self._mac("resume-wish", wish.encode()))
        letters = ""
        for _ in range(_CODE_GROUPS * _CODE_GROUP_LENGTH):
            number, place = divmod(number, len(CODE_ALPHABET))
            letters += CODE_ALPHABET[place]
        groups = [letters[start : start + _CODE_GROUP_LENGTH] for start in range(0, len(letters), _CODE_GROUP_LENGTH)]
        return "-".join(groups), self._mac("resume-code", letters.encode()).hex()

    def resume_code_hash(self, typed: str) -> str | None:
        """The stored hash of a typed code, or None if it cannot be one. Case, blanks and dashes do not matter."""
        letters = _letters(typed)
        return self._mac("resume-code", letters.encode()).hex() if letters else None

    def birth_year_hash(self, typed: str, year: int) -> str | None:
        """What is stored of a year of birth beside a code; None if `typed` cannot be a code.

        The code goes into it, which is stored nowhere: not even with the key do the few possible years lead back.
        """
        letters = _letters(typed)
        return self._mac("birth-year", f"{letters} {year}".encode()).hex() if letters else None

    def fingerprint(self, number: str, proof: str) -> str:
        """What is stored of a number and what proves it, so that both together lead back to a conversation."""
        return self._mac("fingerprint", f"{number} {proof}".encode()).hex()

    def seal(self, content: dict[str, str]) -> str:
        """A link part that holds `content` unreadably and cannot be changed."""
        return self._fernet.encrypt(json.dumps(content).encode()).decode()

    def unseal(self, sealed: str) -> dict[str, str] | None:
        """What `seal` put in, or None for anything else."""
        try:
            content: Any = json.loads(self._fernet.decrypt(sealed.encode("ascii", "replace")))
        except (InvalidToken, ValueError):
            return None
        return {str(key): str(value) for key, value in content.items()} if isinstance(content, dict) else None

    def label(self, value: str) -> str:
        """A short name for a conversation or an address in logs and counters, which leads back to nothing."""
        return self._mac("label", value.encode()).hex()[:12]
