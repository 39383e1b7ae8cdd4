"""Keeps personal data unreadable at rest: sealing with AES-256-GCM, keyed fingerprints for look-ups, key files."""

from vault.keys import BadKeys, Key, KeyRing, new_key
from vault.sealing import Damaged, Vault, VaultError, WrongKey

__all__ = ["BadKeys", "Damaged", "Key", "KeyRing", "Vault", "VaultError", "WrongKey", "new_key"]
