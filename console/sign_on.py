"""Single sign-on by OpenID Connect: authorization code with PKCE, checked by Authlib. Off unless an issuer is set."""

from __future__ import annotations

import hashlib
import json
import logging
import secrets
from dataclasses import dataclass
from typing import Any

import httpx2
from authlib.integrations.httpx_client import AsyncOAuth2Client, OAuthError
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from sqlalchemy import Connection, delete, insert, select

from console import proofs
from console.database import now
from console.roles import Role
from console.settings import Settings
from console.tables import sign_ons
from vault import Vault

_ALGORITHMS = ["RS256", "PS256", "ES256"]
_LEEWAY_SECONDS = 60
_CLOCKS_DIFFER_SECONDS = 5
_TIMEOUT_SECONDS = 10.0
_SCOPE = "openid profile email"

log = logging.getLogger("console.sign_on")


class SignOnError(Exception):
    """Nobody is let in; its text is a key of the console's words."""


@dataclass(frozen=True)
class Person:
    """Who the provider says somebody is.

    Attributes:
        subject: Hash of issuer and subject.
        name: For the list of accounts.
        role: From the groups of the person.
    """

    subject: str
    name: str
    role: Role


@dataclass(frozen=True)
class Awaited:
    """A sign-on that comes back.

    Attributes:
        nonce: What the provider's word must hold.
        verifier: Proves that the code was asked for here.
        session: Hash of the locked session that is to be unlocked, if any.
        begun_at: When the person left for the provider, in milliseconds since 1970.
    """

    nonce: str
    verifier: str
    session: str | None
    begun_at: int


@dataclass(frozen=True)
class Started:
    """A sign-on on its way.

    Attributes:
        address: Where the browser goes.
        browser: What its cookie holds, so that nobody else's sign-on ends here.
    """

    address: str
    browser: str


class SignOn:
    """Speaks to the provider.

    Args:
        settings: Issuer, client and groups.
        vault: Seals what must come back.

    Raises:
        ValueError: The groups name a role that does not exist.
    """

    def __init__(self, settings: Settings, vault: Vault) -> None:
        self._settings = settings
        self._vault = vault
        pairs = (entry.partition("=") for entry in settings.oidc_roles.split(",") if entry.strip())
        self._roles = {group.strip(): Role(role.strip()) for group, _, role in pairs}
        self._back = f"{settings.public_url}/sso/back"

    @property
    def is_on(self) -> bool:
        """Whether an issuer is set."""
        return bool(self._settings.oidc_issuer)

    def _client(self) -> AsyncOAuth2Client:
        return AsyncOAuth2Client(
            self._settings.oidc_client_id,
            self._settings.oidc_client_secret.get_secret_value(),
            scope=_SCOPE,
            redirect_uri=self._back,
            code_challenge_method="S256",
            timeout=_TIMEOUT_SECONDS,
        )

    async def _provider(self, client: AsyncOAuth2Client) -> dict[str, Any]:
        address = self._settings.oidc_issuer.rstrip("/") + "/.well-known/openid-configuration"
        answer = await client.request("GET", address, withhold_token=True)
        answer.raise_for_status()
        found = dict(answer.json())
        if found.get("issuer") != self._settings.oidc_issuer:
            raise SignOnError("sso_failed")
        return found

    async def start(self, connection_write: Any, session_hash: str | None) -> Started:
        """Begin.

        Args:
            connection_write: Runs a function in a transaction.
            session_hash: The locked session that is to be unlocked, if any.

        Raises:
            SignOnError: The provider does not answer.
        """
        state, nonce, browser = proofs.new_token(), proofs.new_token(), proofs.new_token()
        verifier = secrets.token_urlsafe(48)
        # Who is signed on at the provider anyway must not unlock a console: that is asked for anew, and checked.
        more = {"prompt": "login", "max_age": "0"} if session_hash else {}
        try:
            async with self._client() as client:
                provider = await self._provider(client)
                address, _ = client.create_authorization_url(
                    provider["authorization_endpoint"], state=state, nonce=nonce, code_verifier=verifier, **more
                )
        except (httpx2.HTTPError, ValueError, KeyError):
            raise SignOnError("sso_away") from None
        place = proofs.digest(state)
        sealed = self._vault.seal(json.dumps([nonce, verifier]).encode(), sign_on_place(place))

        def write(connection: Connection) -> None:
            connection.execute(
                insert(sign_ons).values(
                    state_hash=place,
                    browser_hash=proofs.digest(browser),
                    sealed=sealed,
                    session_hash=session_hash,
                    created_at=now(),
                )
            )

        await connection_write(write)
        return Started(address, browser)

    def take(self, connection: Connection, state: str, browser: str, minutes: float) -> Awaited:
        """The sign-on that comes back; each comes back once.

        Raises:
            SignOnError: There is none of this browser.
        """
        place = proofs.digest(state)
        row = connection.execute(select(sign_ons).where(sign_ons.c.state_hash == place)).first()
        connection.execute(delete(sign_ons).where(sign_ons.c.state_hash == place))
        if row is None or row.browser_hash != proofs.digest(browser) or now() - row.created_at > minutes * 60_000:
            raise SignOnError("sso_failed")
        nonce, verifier = json.loads(self._vault.open(row.sealed, sign_on_place(place)))
        return Awaited(nonce, verifier, row.session_hash, row.created_at)

    async def finish(self, code: str, awaited: Awaited) -> Person:
        """Exchange the code, and check who it is; to unlock, also that the person signed on after leaving for it.

        Raises:
            SignOnError: The provider does not answer, its word is not good, or the person has no role here.
        """
        try:
            async with self._client() as client:
                provider = await self._provider(client)
                token = await client.fetch_token(provider["token_endpoint"], code=code, code_verifier=awaited.verifier)
                keys = await client.request("GET", provider["jwks_uri"], withhold_token=True)
                keys.raise_for_status()
                claims = self._check(token, KeySet.import_key_set(keys.json()), awaited.nonce)
        except (OAuthError, JoseError, KeyError, ValueError) as error:
            log.warning("a sign-on failed", extra={"reason": type(error).__name__})
            raise SignOnError("sso_failed") from None
        except httpx2.HTTPError:
            raise SignOnError("sso_away") from None
        if awaited.session is not None and not _is_fresh(claims.get("auth_time"), awaited.begun_at):
            log.warning("a sign-on failed", extra={"reason": "not fresh"})
            raise SignOnError("sso_failed")
        return self._person(claims)

    def _check(self, token: dict[str, Any], keys: KeySet, nonce: str) -> dict[str, Any]:
        read = jwt.decode(token["id_token"], keys, algorithms=_ALGORITHMS)
        options = {
            "iss": {"essential": True, "value": self._settings.oidc_issuer},
            "aud": {"essential": True, "value": self._settings.oidc_client_id},
        }
        params = {
            "nonce": nonce,
            "client_id": self._settings.oidc_client_id,
            "access_token": token.get("access_token"),
        }
        claims = CodeIDToken(read.claims, read.header, options, params)
        claims.validate(leeway=_LEEWAY_SECONDS)
        return dict(claims)

    def _person(self, claims: dict[str, Any]) -> Person:
        said = claims.get(self._settings.oidc_role_claim) or []
        groups = {said} if isinstance(said, str) else set(said)
        role = next((role for group, role in self._roles.items() if group in groups), None)
        if role is None:
            raise SignOnError("sso_no_role")
        subject = hashlib.sha256(f"{claims['iss']}|{claims['sub']}".encode()).hexdigest()
        name = str(claims.get("preferred_username") or claims.get("email") or f"sso-{subject[:12]}")
        return Person(subject, name, role)


def sign_on_place(state_hash: str) -> str:
    """Where what is sealed of a sign-on belongs."""
    return f"console_sign_ons.sealed:{state_hash}"


def _is_fresh(auth_time: object, begun_at: int) -> bool:
    """Whether somebody proved who they are after a moment (milliseconds), but for clocks that differ a little."""
    return isinstance(auth_time, int | float) and auth_time >= begun_at / 1000 - _CLOCKS_DIFFER_SECONDS
