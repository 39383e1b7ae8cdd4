"""Sealing and fingerprints.

Sealed data is: version (1 byte), length of the key id (1), key id, nonce (12), AES-256-GCM ciphertext with its tag. The
header and a context are authenticated along: what was sealed for one row or file can't be put into another.

Every key is split by HKDF-SHA256 (RFC 5869) into one for sealing and one for fingerprints.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from functools import lru_cache
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from vault.keys import Key, KeyRing

_VERSION = 1
_NONCE_BYTES = 12  # NIST SP 800-38D: random 96-bit nonces, for at most 2**32 messages a key.
_TAG_BYTES = 16


class VaultError(Exception):
    """Something sealed can't be opened. Never holds data or keys."""


class WrongKey(VaultError):
    """It was sealed with a key that is not here, or not with this one.

    Attributes:
        key_id: The id of the key that is needed.
    """

    def __init__(self, key_id: str) -> None:
        super().__init__(f"sealed with the key {key_id}, which is not among the keys of this installation")
        self.key_id = key_id


class Damaged(VaultError):
    """It is not what was sealed, or was sealed for another place."""

    def __init__(self) -> None:
        super().__init__("the sealed data is damaged, or belongs to another place")


class Vault:
    """Seals and opens data with the keys of an installation. Safe to use from several threads.

    Args:
        ring: The keys.
    """

    def __init__(self, ring: KeyRing) -> None:
        self.ring = ring

    @classmethod
    def from_settings(cls, keys: str = "", key_file: Path | None = None, data_dir: Path | None = None) -> Vault:
        """A vault with the keys of the setting ``GUIDE_DATA_KEYS``, else of ``GUIDE_DATA_KEY_FILE``, else of the file
        ``data.keys`` in the data folder, which is made when it is missing.

        Raises:
            BadKeys: They can't be read.
        """
        return cls(KeyRing.from_settings(keys, key_file, data_dir))

    @property
    def current_key_id(self) -> str:
        """The id of the key that seals now."""
        return self.ring.present()[0].id

    @property
    def current_prefix(self) -> bytes:
        """What everything begins with that is sealed with the current key, and nothing else that is sealed."""
        return _header(self.current_key_id)

    def seal(self, data: bytes, context: str) -> bytes:
        """Seal data with the current key.

        Args:
            data: What nobody else shall read.
            context: Where it belongs, such as a table, column and row; needed again for opening.
        """
        key = self.ring.present()[0]
        header = _header(key.id)
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return header + nonce + _cipher(key).encrypt(nonce, data, header + context.encode())

    def open(self, sealed: bytes, context: str) -> bytes:
        """Open what was sealed for the same context with any of the keys.

        Raises:
            WrongKey: The key it was sealed with is not here.
            Damaged: It was changed, or sealed for another context, or with another key of the same id.
        """
        key_id = self.key_id(sealed)
        key = next((key for key in self.ring.present() if key.id == key_id), None)
        if key is None:
            raise WrongKey(key_id)
        header = _header(key_id)
        body = sealed[len(header) :]
        if len(body) < _NONCE_BYTES + _TAG_BYTES:
            raise Damaged
        try:
            return _cipher(key).decrypt(body[:_NONCE_BYTES], body[_NONCE_BYTES:], header + context.encode())
        except InvalidTag:
            raise Damaged from None

    def key_id(self, sealed: bytes) -> str:
        """The id of the key that something was sealed with.

        Raises:
            Damaged: It is nothing sealed.
        """
        if len(sealed) < 3 or sealed[0] != _VERSION or len(sealed) < 2 + sealed[1]:
            raise Damaged
        try:
            return bytes(sealed[2 : 2 + sealed[1]]).decode("ascii")
        except UnicodeDecodeError:
            raise Damaged from None

    def fingerprint(self, text: str, purpose: str) -> str:
        """Keyed hash of a text, by which it is found again without being stored.

        Args:
            text: Such as a receipt number, in the one form it is always written in.
            purpose: What it is looked up for; the same text has another fingerprint for another purpose.

        Returns:
            64 hexadecimal digits.
        """
        return _fingerprint(self.ring.present()[0], text, purpose)

    def fingerprints(self, text: str, purpose: str) -> tuple[str, ...]:
        """The fingerprints of a text under every key, the current one first: look for any of them."""
        return tuple(_fingerprint(key, text, purpose) for key in self.ring.present())


def _header(key_id: str) -> bytes:
    name = key_id.encode("ascii")
    return bytes((_VERSION, len(name))) + name


@lru_cache(maxsize=32)
def _derived(key: Key, use: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=b"guide-vault " + use).derive(key.secret)


@lru_cache(maxsize=32)
def _cipher(key: Key) -> AESGCM:
    return AESGCM(_derived(key, b"seal"))


def _fingerprint(key: Key, text: str, purpose: str) -> str:
    # A length before the purpose, so that no purpose and text can be read as another pair.
    name = purpose.encode()
    message = len(name).to_bytes(2, "big") + name + text.encode(errors="surrogatepass")
    return hmac.new(_derived(key, b"fingerprint"), message, hashlib.sha256).hexdigest()
