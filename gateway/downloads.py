"""What a person takes along besides the request: the conversation as text, and the code to go on with, on a sheet.

A code is never part of an address that a server sees: the picture is drawn into the page itself, and leads to an
address that has the code behind `#`, which browsers keep to themselves.
"""

from __future__ import annotations

import datetime
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

import segno
import yaml
from fastapi import APIRouter
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from gateway import page_cookie, store
from gateway.bodies import read_body
from gateway.chat import Chat, asked_for
from gateway.entry import HEADERS, PRINTING, STYLE, public_address, templates, versioned
from gateway.errors import ChatError
from gateway.hours import Hours, zone_of
from gateway.language import Language, as_language
from gateway.limits import SlidingWindow
from gateway.links import CALENDARS, REQUESTS
from gateway.settings import CONTENT, WEB, Settings
from gateway.strings import Strings
from gateway.turnstile import now_ms

PATH = "/chat/transcript.txt"
_SEALED = "/chat/transcript"
_FILE_NAME = "conversation.txt"
_KIND = "transcript"
_LINE_BREAK = re.compile("\r\n|[\r\n\v\f\x85\u2028\u2029]")
_QR_MARGIN = 4  # modules, ISO/IEC 18004
# The code is read from a screen or from paper that may have been folded.
_QR_CORRECTION = "m"


@dataclass
class Downloads:
    """The routes, and what the page shows of them.

    Attributes:
        hours: for the names of time zones.
    """

    chat: Chat
    settings: Settings
    hours: Hours

    def __post_init__(self) -> None:
        self._words = Strings(WEB / "strings" / "downloads.yml")
        self._page_words = Strings(WEB / "strings" / "page.yml")
        self._taken = SlidingWindow(self.chat.limits.downloads_per_minute)
        self._sheet = templates().get_template("sheet.html")
        self._style, self._printing = versioned(STYLE), versioned(PRINTING)
        office: dict[str, Any] = yaml.safe_load((CONTENT / "office.yml").read_text(encoding="utf-8"))
        phone = str(office["toll_free"])
        self._office = {"phone": phone, "link": "tel:+" + re.sub(r"\D", "", phone)}

    # ---- what the page shows

    def listed(
        self, request: Request, session: store.Session, language: Language, looked_back: Mapping[str, Any]
    ) -> list[dict[str, str]]:
        """Title and address of everything that can be taken along now.

        Args:
            request: of the page. Where its session is in the cookie, the browser sends that for the text, too. Where it
                is not (in a frame of another site), the address itself opens the text, as long as the session lasts.
            looked_back: from `Chat.look_back`.
        """
        address = PATH
        if request.headers.get("authorization"):
            content = {"kind": _KIND, "session": self.chat.token_hash(request), "language": language}
            address = f"{_SEALED}/{self.chat.tokens.seal(content)}/{_FILE_NAME}"
        found = [{"title": self._words(_KIND, language), "url": address}]
        number = (looked_back["state"] or {}).get("tracking_number")
        if number:
            url = self.chat.links.public_url(f"guide:request/{number}", session.conversation_id, language)
            if url:
                found.append({"title": self._words("request", language), "url": url})
        attached = [file for message in looked_back["messages"] for file in message.get("attachments") or ()]
        found += [file for file in attached if file["url"].endswith(f"/{REQUESTS['official']}")][-1:]
        found += [file for file in attached if file["url"].rpartition("/")[2] in CALENDARS.values()][-1:]
        return found

    def resume_link(self, request: Request, code: str) -> str:
        """The address that opens the page with a code filled in."""
        return f"{public_address(request, self.settings)}/chat/#code={code}"

    def qr(self, request: Request, code: str, label: str) -> Markup:
        """A picture of that address, as part of a page.

        Args:
            label: what is read out in its place.
        """
        drawing = segno.make(self.resume_link(request, code), error=_QR_CORRECTION, micro=False).svg_inline(
            border=_QR_MARGIN, dark="#000", light="#fff", omitsize=True, svgclass=None, lineclass=None
        )
        return Markup('<span class="qr" role="img" aria-label="{}">{}</span>').format(label, Markup(drawing))  # noqa: S704

    # ---- the conversation as text

    async def transcript(self, request: Request) -> Response:
        """`GET /chat/transcript.txt`: `?language=` for the guide's part, `?zone=` for the times."""
        session = await self.chat.find_session(request)
        return await self._text(request, session, asked_for(request, "language") or session.language)

    async def sealed_transcript(self, request: Request) -> Response:
        """`GET /chat/transcript/{sealed}/conversation.txt`: likewise, for where no cookie is sent."""
        content = self.chat.tokens.unseal(request.path_params["sealed"]) or {}
        if content.get("kind") != _KIND:
            raise ChatError("link_expired")
        token_hash = content["session"]
        session = await self.chat.database.run(lambda c: store.find_session(c, token_hash, now_ms()))
        if session is None:
            raise ChatError("link_expired")
        request.state.language = session.language
        request.state.conversation = self.chat.tokens.label(session.conversation_id)
        return await self._text(request, session, as_language(content["language"]) or session.language)

    async def _text(self, request: Request, session: store.Session, language: Language) -> Response:
        seconds = self._taken.take(session.conversation_id)
        if seconds:
            raise ChatError("too_many_requests", retry_after=seconds)
        looked_back = await self.chat.look_back(session, language)
        zone = zone_of(request.query_params.get("zone"))
        lines = self._lines(looked_back, language, zone)
        body = "".join(f"{line.rstrip()}\r\n" for line in lines)
        return Response(
            body.encode("utf-8", "replace"),
            headers={
                "Content-Type": "text/plain; charset=utf-8",
                "Content-Language": language,
                "Content-Disposition": f'attachment; filename="{_FILE_NAME}"',
            },
        )

    def _lines(self, looked_back: Mapping[str, Any], language: Language, own: datetime.tzinfo | None) -> Iterator[str]:
        zone = own or self.hours.posted_zone
        name = self.hours.words("zone_own" if own else "zone_posted", language)
        today = datetime.datetime.now(zone)
        yield self._words("title", language)
        yield self._words("heading", language, {"date": self._date(today, language), "zone": name})
        yield self._words("private", language)
        number = (looked_back["state"] or {}).get("tracking_number")
        if number:
            yield self._words("tracking_number", language, {"number": number})
        day = None
        for message in looked_back["messages"]:
            moment = datetime.datetime.fromisoformat(message["at"]).astimezone(zone)
            if moment.date() != day:
                day = moment.date()
                yield from ("", self._date(moment, language))
            who = self._page_words("js_you" if message["from"] == "person" else "js_guide", language)
            yield from ("", f"{moment:%H:%M} {who}")
            # Set in, so that nothing in a text looks like somebody else's.
            for line in self._said(message, language):
                yield f"    {line}"

    def _said(self, message: Mapping[str, Any], language: Language) -> Iterator[str]:
        for line in _LINE_BREAK.split(message["text"]):
            yield "".join(char for char in line if char == "\t" or unicodedata.category(char) != "Cc")
        for button in message.get("buttons") or ():
            yield self._words("choice", language, button)
        for file in message.get("attachments") or ():
            yield self._words("file" if file["url"].startswith("/") else "link", language, file)

    def _date(self, moment: datetime.datetime, language: Language) -> str:
        month = self._page_words("months", language).split(",")[moment.month - 1]
        values = {"year": str(moment.year), "month": month, "day": str(moment.day)}
        return self._page_words("date", language, values)

    # ---- the sheet

    async def sheet(self, request: Request) -> Response:
        """`POST /chat/sheet`, form field `code`: the present code of this conversation, to be printed."""
        if not page_cookie.is_own(request):
            raise ChatError("other_site")
        code = _field(await read_body(request, self.chat.limits), "code")
        session = await self.chat.find_session(request)
        code_hash = self.chat.tokens.resume_code_hash(code)
        present = None
        if code_hash is not None:
            hashed, conversation = code_hash, session.conversation_id
            present = await self.chat.database.run(lambda c: store.present_code(c, conversation, hashed, now_ms()))
        if present is None:
            raise ChatError("unknown_code")
        ends, needs_year = present
        language = session.language
        until = datetime.datetime.fromtimestamp(ends / 1000, datetime.UTC)
        page = self._sheet.render(
            language=language,
            w=self._words.all(language),
            code=code,
            until=self._words("sheet_until", language, {"date": self._date(until, language)}),
            secret=self._words("sheet_secret_year" if needs_year else "sheet_secret", language),
            qr=self.qr(request, code, self._words("sheet_qr", language)),
            address=f"{public_address(request, self.settings)}/chat/",
            office=self._office,
            style=self._style,
            printing=self._printing,
        )
        return Response(page, media_type="text/html", headers={**HEADERS, "Content-Language": language})

    def router(self) -> APIRouter:
        """The routes."""
        router = APIRouter()
        router.add_route(PATH, self.transcript, methods=["GET"])
        router.add_route(f"{_SEALED}/{{sealed}}/{_FILE_NAME}", self.sealed_transcript, methods=["GET"])
        router.add_route("/chat/sheet", self.sheet, methods=["POST"])
        return router


def _field(body: bytes, name: str) -> str:
    try:
        values = parse_qs(body.decode("utf-8"), max_num_fields=20).get(name)
    except ValueError:
        raise ChatError("malformed") from None
    return values[0].strip() if values else ""
