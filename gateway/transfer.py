"""One-time links between a messenger and the page: the same conversation goes on there.

A link to the page is used up by pressing the button on the page that it opens, not by opening it: messengers and mail
programs look at links in advance. It needs no script.
"""

from __future__ import annotations

import hashlib
import html
import re
import secrets

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from gateway import page_cookie, people
from gateway.chat import Chat
from gateway.errors import ChatError
from gateway.language import DEFAULT, Language, from_header, from_tag
from gateway.settings import WEB
from gateway.store import HOUR, MINUTE
from gateway.strings import Strings
from gateway.turnstile import now_ms

PATH = "/chat/continue"
_TELEGRAM = "https://t.me/"
_TOKEN_BYTES = 16  # 22 characters
_TOKEN = re.compile(r"[A-Za-z0-9_-]{22}")
_SLOT = re.compile(r"\{\{(\w+)\}\}")
_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)


class Transfer:
    """Makes the links and takes them.

    Args:
        chat: whose conversations they lead to.
        bot: user name of the bot in Telegram, or empty: there is none.

    Raises:
        KeyError: a word of the page is missing.
    """

    def __init__(self, chat: Chat, bot: str = "") -> None:
        self._chat = chat
        self._bot = bot
        self._words = Strings(WEB / "strings" / "messenger.yml")
        self._templates = {
            name: (WEB / "continue" / f"{name}.html").read_text(encoding="utf-8") for name in ("button", "gone")
        }
        self._style = (WEB / "continue" / "continue.css").read_bytes()

    async def new(self, conversation_id: str) -> tuple[str, int]:
        """A fresh link into a conversation: its path, and until when it is good (milliseconds)."""
        token, expires_at = await self._token(conversation_id)
        return f"{PATH}/{token}", expires_at

    async def to_telegram(self, conversation_id: str) -> str | None:
        """A fresh link with which a conversation goes on in Telegram; None without a bot."""
        if not self._bot:
            return None
        token, _ = await self._token(conversation_id)
        return f"{_TELEGRAM}{self._bot}?start={token}"

    async def _token(self, conversation_id: str) -> tuple[str, int]:
        token, now = secrets.token_urlsafe(_TOKEN_BYTES), now_ms()
        expires_at = now + self._chat.limits.transfer_minutes * MINUTE
        hashed = hash_of(token)
        await self._chat.database.run(lambda c: people.add_transfer(c, hashed, conversation_id, expires_at, now))
        return token, expires_at

    async def show(self, request: Request) -> Response:
        """`GET /chat/continue/{token}`: a button; nothing is used up."""
        hashed = hash_of(str(request.path_params["token"]))
        good = await self._chat.database.run(lambda c: people.transfer_to(c, hashed, now_ms())) is not None
        return self._page(request, "button" if good else "gone")

    async def take(self, request: Request) -> Response:
        """`POST /chat/continue/{token}`: uses the link up and opens the page with a session of its own.

        Raises:
            ChatError: `not_found`: another site sends it.
        """
        if not page_cookie.is_own(request):
            raise ChatError("not_found")
        hashed = hash_of(str(request.path_params["token"]))
        expires_at = now_ms() + self._chat.limits.session_hours * HOUR
        session, session_hash = self._chat.tokens.new_session(expires_at)
        conversation_id = await self._chat.database.run(
            lambda c: people.use_transfer(c, hashed, now_ms(), session_hash, expires_at)
        )
        if conversation_id is None:
            return self._page(request, "gone")
        request.state.conversation = self._chat.tokens.label(conversation_id)
        response = RedirectResponse("/chat/", 303)
        page_cookie.put(response, request, session)
        return response

    def _page(self, request: Request, name: str) -> Response:
        asked = from_tag(request.query_params.get("language", ""))
        language: Language = asked or from_header(request.headers.get("accept-language")) or DEFAULT
        table = {**self._words.all(language), "language": language}
        content = _SLOT.sub(lambda slot: html.escape(table[slot[1]]), self._templates[name])
        headers = {"Content-Language": language, "Vary": "Accept-Language", "Content-Security-Policy": _POLICY}
        return Response(
            content, 200 if name == "button" else 404, media_type="text/html; charset=utf-8", headers=headers
        )

    async def style(self, request: Request) -> Response:
        """`GET /chat/continue.css`."""
        headers = {"Content-Type": "text/css; charset=utf-8", "Cache-Control": "no-cache"}
        return Response(self._style, headers=headers)

    def router(self) -> APIRouter:
        """The routes."""
        router = APIRouter()
        router.add_route("/chat/continue.css", self.style, methods=["GET"])
        router.add_route(f"{PATH}/{{token}}", self.show, methods=["GET"])
        router.add_route(f"{PATH}/{{token}}", self.take, methods=["POST"])
        return router


def hash_of(token: str) -> str:
    """Under which a link is stored; of what cannot be one, a hash that is nobody's."""
    return hashlib.sha256(token.encode()).hexdigest() if _TOKEN.fullmatch(token) else ""
