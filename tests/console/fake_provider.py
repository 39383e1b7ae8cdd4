"""A small OpenID Connect provider on loopback: discovery, authorization with PKCE, token, keys."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT, CLIENT_SECRET = "console", "client-secret-for-tests"


class Provider:
    """Signs everybody on at once as `who` says.

    Attributes:
        who: The claims of whoever comes next.
        spoil: What is done wrong: `nonce`, `audience`, `issuer`, `expired`, `key`, `verifier`, `denied`, `stale`
            or `timeless` (when the person signed on is long ago, or not told), or nothing.
    """

    def __init__(self) -> None:
        self.who: dict[str, Any] = {}
        self.spoil = ""
        self.codes: dict[str, dict[str, str]] = {}
        self._key = RSAKey.generate_key(2048, {"kid": "one"})
        self._wrong_key = RSAKey.generate_key(2048, {"kid": "one"})
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                url = urlsplit(self.path)
                if url.path == "/.well-known/openid-configuration":
                    self._json(provider.discovery())
                elif url.path == "/keys":
                    self._json({"keys": [provider._key.as_dict(private=False)]})
                elif url.path == "/authorize":
                    self.send_response(302)
                    self.send_header("Location", provider.authorize({k: v[0] for k, v in parse_qs(url.query).items()}))
                    self.end_headers()
                else:
                    self.send_error(404)

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                fields = {k: v[0] for k, v in parse_qs(body).items()}
                answer = provider.token(fields, self.headers.get("Authorization", ""))
                self._json(answer, 200 if "id_token" in answer else 400)

            def _json(self, content: Any, status: int = 200) -> None:
                body = json.dumps(content).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        # Another host name than the console's, so that the browser sees two sites.
        self.issuer = f"http://localhost:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def discovery(self) -> dict[str, Any]:
        """What clients need to know."""
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
        }

    def authorize(self, query: dict[str, str]) -> str:
        """Where the browser goes next."""
        assert query["client_id"] == CLIENT
        assert query["response_type"] == "code"
        assert query["code_challenge_method"] == "S256"
        if self.spoil == "denied":
            return f"{query['redirect_uri']}?{urlencode({'error': 'access_denied', 'state': query['state']})}"
        code = secrets.token_urlsafe(16)
        self.codes[code] = query
        return f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state']})}"

    def token(self, fields: dict[str, str], authorization: str) -> dict[str, Any]:
        """Tokens for a code, once."""
        query = self.codes.pop(fields.get("code", ""), None)
        known = base64.b64encode(f"{CLIENT}:{CLIENT_SECRET}".encode()).decode()
        challenge = hashlib.sha256(fields.get("code_verifier", "").encode()).digest()
        proven = base64.urlsafe_b64encode(challenge).rstrip(b"=").decode()
        if query is None or authorization != f"Basic {known}" or proven != query["code_challenge"]:
            return {"error": "invalid_grant"}
        moment = int(time.time())
        claims = {
            "iss": "http://evil.test" if self.spoil == "issuer" else self.issuer,
            "aud": "somebody-else" if self.spoil == "audience" else CLIENT,
            "iat": moment,
            "exp": moment - 3600 if self.spoil == "expired" else moment + 300,
            "nonce": "wrong" if self.spoil == "nonce" else query["nonce"],
            "auth_time": moment - 600 if self.spoil == "stale" else moment,
            **self.who,
        }
        if self.spoil == "timeless":
            del claims["auth_time"]
        key = self._wrong_key if self.spoil == "key" else self._key
        signed = jwt.encode({"alg": "RS256", "kid": "one"}, claims, key, algorithms=["RS256"])
        return {"access_token": secrets.token_urlsafe(16), "token_type": "Bearer", "id_token": signed}

    def stop(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
