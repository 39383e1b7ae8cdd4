"""Passwords, tokens and second factors."""

from __future__ import annotations

import hashlib
import secrets
import time

import pyotp
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

_HASHER = PasswordHasher()
# Without look-alikes, in groups that can be read out.
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
_GROUPS, _GROUP = 5, 4
# Of a code before and after the present one: for clocks that are a little off.
_DRIFT_STEPS = 1
_TOTP_SECONDS = 30


def new_token() -> str:
    """A random token of 256 bits, for URLs and cookies."""
    return secrets.token_urlsafe(32)


def new_id(prefix: str) -> str:
    """A short random id, such as ``c-7f3k29ab``: nothing can be learned from it."""
    return f"{prefix}-{''.join(secrets.choice(_ALPHABET) for _ in range(8))}"


def digest(token: str) -> str:
    """What is stored of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def new_password() -> str:
    """A password that can be read out: about 99 random bits."""
    return "-".join("".join(secrets.choice(_ALPHABET) for _ in range(_GROUP)) for _ in range(_GROUPS))


def hash_password(password: str) -> str:
    """Argon2id, with the parameters of RFC 9106 (the library's own)."""
    return _HASHER.hash(password)


_NOBODY = hash_password(new_token())


def is_password(stored: str | None, given: str) -> bool:
    """Whether a password is the right one. Takes as long for nobody's password."""
    try:
        return _HASHER.verify(stored or _NOBODY, given) and stored is not None
    except (VerificationError, InvalidHashError):
        return False


def new_totp() -> str:
    """A secret for a second factor, in base32."""
    return pyotp.random_base32()


def totp_address(secret: str, name: str, issuer: str) -> str:
    """The address that an authenticator takes the secret from."""
    return pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name=issuer)


def totp_step(secret: str, code: str, last: int) -> int | None:
    """The time step of a code (RFC 6238); None when it is wrong, or not newer than the step used last."""
    given = "".join(code.split())
    totp = pyotp.TOTP(secret)
    present = int(time.time()) // _TOTP_SECONDS
    for step in range(present - _DRIFT_STEPS, present + _DRIFT_STEPS + 1):
        if step > last and secrets.compare_digest(totp.at(step * _TOTP_SECONDS).encode(), given.encode()):
            return step
    return None
