"""The chat page: rendered here from what was said, so that it works without a script; `web/chat` has its parts.

Every form of the page is answered with a redirection to the page, or with the page itself and what went wrong in it.
The page's script sends the same forms, and puts the parts of the answer in their places.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import logging
import re
import secrets
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

import jinja2
import yaml
from fastapi import APIRouter
from sqlalchemy.exc import SQLAlchemyError
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from gateway import page_cookie, page_text, store, waiting
from gateway.answers import Answers
from gateway.bodies import Message, parse_birth_year, parse_message, read_body
from gateway.chat import Chat
from gateway.documents import Documents
from gateway.downloads import Downloads
from gateway.errors import ChatError
from gateway.hours import Hours
from gateway.language import DEFAULT, LANGUAGES, Language, as_language, from_header, from_tag
from gateway.page_headers import page_headers
from gateway.settings import CONTENT, ROOT, WEB
from gateway.strings import Strings
from gateway.transfer import Transfer
from gateway.turnstile import now_ms
from triage.content import Content

log = logging.getLogger("gateway.pages")

_ASSETS = {
    "chat.css": "text/css; charset=utf-8",
    "chat.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}
_NAMES: tuple[tuple[Language, str], ...] = (("zh-Hans", "简体中文"), ("zh-Hant", "繁體中文"), ("en", "English"))
_FOREVER = "public, max-age=31536000, immutable"
_CHANGE = re.compile(r'/change_answer\{"answer_name": "(\w{1,40})"\}')
_SWITCH = re.compile(r'/switch_language\{"language":"([\w-]{2,7})"\}')
_MEBI = 1024 * 1024
_ASKS_FOR_PAPERS = "documents"
_REVIEW = "review"
# Outcomes that the last step leads to; any other ends the way before it.
_SENT = ("submitted", "prepared")
# Fields of a message in a form, and in the interface. In a form none is called `id`: that would hide the form's own.
_FIELDS = {"message": "id", "text": "text", "payload": "payload"}
_LAST = "/chat/#last"
# Beside which field of the form for a code the person is told what is wrong.
_WRONG = {
    "unknown_code": "code",
    "code_locked": "code",
    "too_many_codes": "code",
    "bad_birth_year": "born",
    "birth_year_needed": "born",
}
_LONGEST_CODE = 60
# What a form did, told by the page it leads to; each is a word of the page.
_TOLD = ("papers_added", "papers_removed")
_ERASED = "erased"
# From when on the page itself, without a script, tells that the session ends.
_ENDS_SOON_SECONDS = 3600


@dataclass(frozen=True)
class Shown:
    """What a page has to show besides the conversation.

    Attributes:
        status: of the answer.
        problem: what went wrong, in the person's language.
        told: what was done.
        saved: a code to go on with, and until when.
        wrong: the field that the problem belongs to; it is told there, too.
        code: what was given as a code and opened nothing.
        draft: what the person wrote and could not be sent.
        erased: everything is gone.
        fresh: the conversation has just been opened.
    """

    status: int = 200
    problem: str | None = None
    told: str | None = None
    saved: tuple[str, int] | None = None
    wrong: str = ""
    code: str = ""
    draft: str = ""
    erased: bool = False
    fresh: bool = False


class Pages:
    """Reads everything once at start. A word that is missing stops the start, not the person.

    Args:
        transfer: makes links into Telegram.
        errors: the sentences for refusals.
        frame_ancestors: who may show the page in a frame.
    """

    def __init__(
        self,
        chat: Chat,
        documents: Documents,
        downloads: Downloads,
        transfer: Transfer,
        errors: Strings,
        frame_ancestors: str = "'none'",
    ) -> None:
        self._chat = chat
        self._documents = documents
        self._downloads = downloads
        self._transfer = transfer
        self._errors = errors
        self._headers = page_headers(frame_ancestors)
        self._assets = {name: (WEB / "chat" / name).read_bytes() for name in _ASSETS}
        self._addresses = {
            name: f"/chat/assets/{name}?v={hashlib.sha256(content).hexdigest()[:16]}"
            for name, content in self._assets.items()
        }
        self._words = Strings(WEB / "strings" / "page.yml")
        self._answers = Answers(ROOT / "domain", Content.load(CONTENT))
        self._hosts = page_text.known_hosts([CONTENT, ROOT / "domain"])
        office: dict[str, Any] = yaml.safe_load((CONTENT / "office.yml").read_text(encoding="utf-8"))
        phone = str(office["toll_free"])
        self._office = {"phone": phone, "link": "tel:+" + re.sub(r"\D", "", phone)}
        self._fax = str(office["fax"])
        self._hours = Hours.load()
        page: dict[str, Any] = yaml.safe_load((CONTENT / "page.yml").read_text(encoding="utf-8"))
        self._exit = str(page["exit"]["url"])
        loader = jinja2.FileSystemLoader(WEB / "chat")
        environment = jinja2.Environment(
            loader=loader,
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._template = environment.get_template("page.html")
        self._script_words = {
            language: json.dumps(
                {key[3:]: text for key, text in self._words.all(language).items() if key.startswith("js_")},
                ensure_ascii=False,
                separators=(",", ":"),
            )
            for language in LANGUAGES
        }

    def standing(self, payload: str, language: Language) -> str | None:
        """The title of a button that is on every page; None for any other payload."""
        if payload == "/go_back":
            return self._words("back", language)
        change, switch = _CHANGE.fullmatch(payload), _SWITCH.fullmatch(payload)
        if change and self._answers.is_question(change[1]):
            return self._words("change_answer", language, {"label": self._answers.label(change[1], language)})
        chosen = as_language(switch[1]) if switch else None
        return self._words("switch_language", chosen) if chosen else None

    # ---- the page

    async def page(self, request: Request) -> Response:
        """`GET /chat/`: the conversation of this browser; opens one where somebody looks at the page.

        `?language=…` (or `?lang=…`) changes the language from there on; `?told=…` tells what a form of ours has done.
        """
        asked = from_tag(request.query_params.get("language") or request.query_params.get("lang") or "")
        session = await self._session(request)
        if session is not None and asked is not None and not _is_prefetch(request):
            if asked != session.language:
                payload = f'/switch_language{{"language":"{asked}"}}'
                await self._say(request, {"message": f"language-{secrets.token_hex(8)}", "payload": payload})
            return RedirectResponse(_LAST, 303)
        language = asked or self._guess(request)
        request.state.language = session.language if session else language
        told = self._told(request)
        if session is None and told == _ERASED:
            return await self._render(request, None, Shown(told=self._words(_ERASED, language), erased=True))
        if session is not None or not _is_looked_at(request):
            said = self._words(told, session.language) if session is not None and told in _TOLD else None
            return await self._render(request, session, Shown(told=said))
        try:
            return await self._begin(request, language, Shown(fresh=True, problem=self._lost(request, language)))
        except ChatError as error:
            return await self.refused(request, error)

    def _told(self, request: Request) -> str | None:
        """What a form of ours has done; a link from elsewhere cannot have the page say so."""
        return request.query_params.get("told") if page_cookie.is_own(request) else None

    def _lost(self, request: Request, language: Language) -> str | None:
        """What a person has to hear whose conversation is not open any more."""
        return self._words("session_over", language) if page_cookie.read(request) else None

    async def _begin(self, request: Request, language: Language, shown: Shown) -> Response:
        opened = await self._chat.start(request, language)
        session = store.Session(opened.finished.conversation_id, opened.finished.language)
        request.state.language = session.language
        request.state.expires_at = opened.expires_at
        response = await self._render(request, session, shown)
        page_cookie.put(response, request, opened.token)
        return response

    async def leave(self, request: Request) -> Response:
        """`GET /chat/leave`: away from here at once; this browser forgets the conversation."""
        response = RedirectResponse(self._exit, 303, headers={"Referrer-Policy": "no-referrer"})
        if page_cookie.is_own(request) and page_cookie.read(request):
            page_cookie.drop(response, request)
            response.headers["Clear-Site-Data"] = '"cache", "storage"'
            # After the answer: nobody waits for the database to get away.
            response.background = BackgroundTask(self._end, request)
        return response

    async def _end(self, request: Request) -> None:
        try:
            token_hash = self._chat.token_hash(request)
            await self._chat.database.run(lambda c: store.end_session(c, token_hash))
        except ChatError:
            return
        except (SQLAlchemyError, sqlite3.Error) as error:
            log.error("a session was left but not ended", extra={"reason": type(error).__name__})

    # ---- forms

    async def begin(self, request: Request) -> Response:
        """`POST /chat/begin`: a new conversation."""
        fields = await self._fields(request)
        language = as_language(fields.get("language")) or self._guess(request)
        opened = await self._chat.start(request, language)
        return self._to_page(request, opened.token)

    async def say(self, request: Request) -> Response:
        """`POST /chat/say`: an answer, typed or pressed; without a conversation, one is opened first.

        An answer to a conversation that is over is no answer to a new one: the person hears of it, and keeps the text.
        """
        fields = await self._fields(request)
        draft = fields.get("text", "")
        token = None
        try:
            _message(fields, self._chat)
            if await self._session(request) is None:
                language = as_language(fields.get("language")) or self._guess(request)
                lost = self._lost(request, language)
                if lost is not None:
                    return await self._begin(request, language, Shown(401, lost, draft=draft, fresh=True))
                token = (await self._chat.start(request, language)).token
                if "payload" in fields:
                    return self._to_page(request, token)
            await self._say(request, fields, token)
        except ChatError as error:
            response = await self.refused(request, error, draft)
            if token is not None:
                page_cookie.put(response, request, token)
            return response
        return self._to_page(request, token)

    async def _say(self, request: Request, fields: Mapping[str, str], token: str | None = None) -> None:
        if token is None:
            token_hash = self._chat.token_hash(request)
        else:
            token_hash = self._chat.tokens.read_session(token, now_ms()) or ""
        await self._chat.say(request, token_hash, _message(fields, self._chat))

    async def code(self, request: Request) -> Response:
        """`POST /chat/code`: save; the page shows the code, once. Here the year of birth is always needed.

        The code is kept nowhere, so that no redirection could lead to it; the same form sent again shows the same code.
        """
        fields = await self._fields(request)
        session = await self._chat.find_session(request)
        try:
            birth_year = parse_birth_year(fields.get("birth_year", ""))
        except ChatError as error:
            return await self.refused(request, error, wrong="year")
        saved = await self._chat.new_code(session, birth_year, fields.get("message"))
        told = self._words("saved", session.language, {"date": self._date(saved[1], session.language)})
        return await self._render(request, session, Shown(told=told, saved=saved))

    async def resume(self, request: Request) -> Response:
        """`POST /chat/resume`: go on with a code, and the year of birth if that is needed."""
        fields = await self._fields(request)
        code, typed = fields.get("code", ""), fields.get("birth_year", "").strip()
        try:
            opened = await self._chat.go_on(request, code, parse_birth_year(typed or None))
        except ChatError as error:
            if error.code not in _WRONG:
                raise
            return await self.refused(request, error, wrong=_WRONG[error.code], code=code)
        return self._to_page(request, opened.token)

    async def renew(self, request: Request) -> Response:
        """`POST /chat/renew`: more time."""
        await self._fields(request)
        token, _ = await self._chat.renew(await self._chat.find_session(request), self._chat.token_hash(request))
        return self._to_page(request, token)

    async def erase(self, request: Request) -> Response:
        """`POST /chat/erase`: everything goes."""
        await self._fields(request)
        session = await self._chat.find_session(request)
        await self._chat.erase(session)
        response = RedirectResponse(f"/chat/?told={_ERASED}&language={session.language}#banner", 303)
        page_cookie.drop(response, request)
        return response

    async def upload(self, request: Request) -> Response:
        """`POST /chat/upload`: a paper."""
        self._own(request)
        await self._documents.upload(request)
        return RedirectResponse("/chat/?told=papers_added#banner", 303)

    async def remove(self, request: Request) -> Response:
        """`POST /chat/remove`: take a paper away."""
        fields = await self._fields(request)
        session = await self._chat.find_session(request)
        await self._documents.take_away(session, fields.get("document", ""))
        return RedirectResponse("/chat/?told=papers_removed#banner", 303)

    def _own(self, request: Request) -> None:
        if not page_cookie.is_own(request):
            raise ChatError("other_site")

    async def _fields(self, request: Request) -> dict[str, str]:
        """The fields of a form of our own page."""
        self._own(request)
        body = await read_body(request, self._chat.limits)
        media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        try:
            if media_type == "multipart/form-data":
                raise ChatError("malformed")
            found = parse_qs(body.decode("utf-8"), keep_blank_values=True, max_num_fields=20)
        except ValueError:
            raise ChatError("malformed") from None
        # A browser writes line ends as the form standard has them.
        return {name: values[0].replace("\r\n", "\n") for name, values in found.items()}

    def _to_page(self, request: Request, token: str | None) -> Response:
        response = RedirectResponse(_LAST, 303)
        if token is not None:
            page_cookie.put(response, request, token)
        return response

    # ---- rendering

    async def refused(
        self, request: Request, error: ChatError, draft: str = "", wrong: str = "", code: str = ""
    ) -> Response:
        """The page with what went wrong, in the person's language; `wrong` and the others as in `Shown`."""
        session = await self._session(request)
        language = session.language if session else self._language(request)
        problem = self._errors(error.code, language, error.values)
        shown = Shown(error.status, problem=problem, wrong=wrong, code=code[:_LONGEST_CODE], draft=draft)
        response = await self._render(request, session, shown)
        response.headers.update(error.headers)
        return response

    async def _session(self, request: Request) -> store.Session | None:
        try:
            return await self._chat.find_session(request)
        except ChatError:
            return None

    def _guess(self, request: Request) -> Language:
        return from_header(request.headers.get("accept-language")) or DEFAULT

    def _language(self, request: Request) -> Language:
        return as_language(getattr(request.state, "language", None)) or self._guess(request)

    def _date(self, milliseconds: int, language: Language) -> str:
        return self._answers.day(milliseconds, self._words("months", language), self._words("date", language))

    async def _render(self, request: Request, session: store.Session | None, shown: Shown) -> Response:
        language = session.language if session else self._language(request)
        looked_back = await self._chat.look_back(session, language) if session else {"messages": [], "state": None}
        state: dict[str, Any] = looked_back["state"] or {}
        seconds_left = self._seconds_left(request, session)
        context = {
            "language": language,
            "languages": _NAMES,
            "w": self._words.all(language),
            "script_words": self._script_words[language],
            "find": page_text.PATTERN,
            "echo": page_text.ECHO,
            "hosts": self._hosts,
            "fax": self._fax,
            "assets": self._addresses,
            "office": self._office,
            "hours": self._hours.told(language, datetime.datetime.now(datetime.UTC)),
            "session": session is not None,
            "seconds_left": seconds_left,
            "ends_in": self._ends_in(seconds_left, language) if 0 < seconds_left <= _ENDS_SOON_SECONDS else None,
            "most_chars": self._chat.limits.message_max_chars,
            "fresh_id": secrets.token_hex(16),
            "fresh": shown.fresh,
            # Without a script the conversation needs the cookie, which a frame in another site is not given.
            "framed": _is_framed(request),
            "problem": shown.problem,
            "told": shown.told,
            "saved": await self._saved(request, session, shown.saved[0], language) if shown.saved else None,
            "wrong": shown.wrong,
            "code": shown.code,
            "draft": shown.draft,
            "erased": shown.erased,
            "known": _is_known(request, len(looked_back["messages"]), language),
            "messages": [self._message(message) for message in looked_back["messages"]],
            "choices": _choices(looked_back["messages"]),
            "downloads": self._downloads.listed(request, session, language, looked_back) if session else [],
            **self._position(state, language),
            **(await self._beside(session, state, language) if session else {}),
        }
        return self._answer(request, self._template.render(context), shown.status, language)

    async def _saved(
        self, request: Request, session: store.Session | None, code: str, language: Language
    ) -> dict[str, Any]:
        # The sheet is a page of its own, which a frame in another site sends no session to.
        sheet = "authorization" not in request.headers
        picture = self._downloads.qr(request, code, self._words("qr_label", language))
        telegram = await self._transfer.to_telegram(session.conversation_id) if session else None
        minutes = {"minutes": str(self._chat.limits.transfer_minutes)}
        told = self._words("go_on_in_telegram", language, minutes)
        return {"code": code, "qr": picture, "sheet": sheet, "telegram": telegram, "in_telegram": told}

    def _seconds_left(self, request: Request, session: store.Session | None) -> int:
        if session is None:
            return 0
        expires_at = getattr(request.state, "expires_at", None) or self._chat.expires_at(request)
        return max(0, (expires_at - now_ms()) // 1000)

    def _ends_in(self, seconds: int, language: Language) -> str:
        return self._words("ends_in", language, {"minutes": str(max(1, seconds // 60))})

    def _message(self, message: dict[str, Any]) -> dict[str, Any]:
        key = str(message.get("key", "")) if message["from"] == "guide" else None
        return {
            "from": message["from"],
            "language": message.get("language"),
            "pieces": page_text.pieces(message["text"], key, self._hosts, self._fax),
            "attachments": message.get("attachments") or [],
        }

    def _position(self, state: Mapping[str, Any], language: Language) -> dict[str, Any]:
        step, steps, asking = state.get("step"), state.get("steps") or 0, state.get("asking")
        outcome = state.get("outcome")
        if outcome and outcome not in _SENT:
            steps = 0
        name = self._words("step_done" if outcome else f"step_{step}", language) if steps else ""
        values = {"step": str(step), "steps": str(steps), "name": name}
        return {
            "step": step,
            "steps": steps,
            "step_text": self._words("step", language, values),
            "why": self._answers.why(asking, language) if asking else None,
            "reviewing": asking == _REVIEW,
            "tracking_number": state.get("tracking_number"),
        }

    async def _beside(self, session: store.Session, state: Mapping[str, Any], language: Language) -> dict[str, Any]:
        papers = await self._documents.overview(session)
        waits = await self._chat.database.run(lambda c: waiting.is_on_its_way(c, session.conversation_id))
        for paper in papers["documents"]:
            paper["shown_state"] = self._words(f"papers_{paper['state']}", language)
            paper["shown_size"] = f"{max(1, round(paper['size'] / 1024))} KB"
            paper["remove"] = self._words("papers_remove", language, {"name": paper["name"]})
        sizes = {"size": str(papers["most_bytes"] // _MEBI), "most": str(papers["most"])}
        months, date = self._words("months", language), self._words("date", language)
        return {
            "answers": [
                {
                    "label": answer.label,
                    "pieces": page_text.pieces(answer.value, None, self._hosts, self._fax),
                    "changeable": answer.changeable,
                    "change": self._words("change_answer", language, {"label": answer.label}),
                    "payload": f'/change_answer{{"answer_name": "{answer.slot}"}}',
                }
                for answer in self._answers.listed(state, language, months, date)
            ],
            "waits": waits or any(paper["state"] == "waiting_for_scan" for paper in papers["documents"]),
            "papers": {
                **papers,
                "open": state.get("asking") == _ASKS_FOR_PAPERS,
                "hint": self._words("papers_hint", language, sizes),
                "kinds": list(self._documents.kinds(language).items()),
            },
        }

    def _answer(self, request: Request, body: str, status: int, language: Language) -> Response:
        return Response(
            body,
            status,
            media_type="text/html",
            headers={**self._headers, "Content-Language": language, "Vary": "Accept-Language, Cookie"},
        )

    # ---- files and routes

    async def asset(self, request: Request) -> Response:
        """`GET /chat/assets/{name}`."""
        name = request.path_params["name"]
        if name not in self._assets:
            raise ChatError("not_found")
        headers = {"Content-Type": _ASSETS[name], "Cache-Control": _FOREVER if request.url.query else "no-cache"}
        return Response(self._assets[name], headers=headers)

    async def to_page(self, request: Request) -> Response:
        """From the bare address to the page."""
        return RedirectResponse("/chat/")

    def router(self) -> APIRouter:
        """The routes."""
        router = APIRouter()
        router.add_route("/chat", self.to_page, methods=["GET"])
        router.add_route("/chat/", self.page, methods=["GET"])
        router.add_route("/chat/leave", self.leave, methods=["GET"])
        for endpoint in (
            self.begin,
            self.say,
            self.code,
            self.resume,
            self.renew,
            self.erase,
            self.upload,
            self.remove,
        ):
            router.add_route(f"/chat/{endpoint.__name__}", endpoint, methods=["POST"])
        router.add_route("/chat/assets/{name}", self.asset, methods=["GET"])
        return router


def _is_known(request: Request, said: int, language: Language) -> bool:
    """Whether the page's script has shown everything that was said, so that it need not travel again."""
    query = request.query_params
    return query.get("said") == str(said) and query.get("shown") == language


def _message(fields: Mapping[str, str], chat: Chat) -> Message:
    # A pressed button comes with whatever stands in the box beside it.
    given = {
        name: fields[field]
        for field, name in _FIELDS.items()
        if field in fields and not (field == "text" and "payload" in fields)
    }
    return parse_message(given, chat.limits)


def _is_prefetch(request: Request) -> bool:
    purpose = request.headers.get("sec-purpose") or request.headers.get("purpose") or ""
    return "prefetch" in purpose


def _is_looked_at(request: Request) -> bool:
    """Whether a browser shows this to somebody: no program, no preview, no frame in another site."""
    navigates = request.headers.get("sec-fetch-mode") == "navigate"
    return navigates and not _is_framed(request) and not _is_prefetch(request)


def _is_framed(request: Request) -> bool:
    """Whether this is shown in a frame in another site."""
    headers = request.headers
    return headers.get("sec-fetch-dest") != "document" and headers.get("sec-fetch-site") == "cross-site"


def _choices(messages: list[dict[str, Any]]) -> list[dict[str, str]]:
    """The buttons of what was said last."""
    last = max((at for at, message in enumerate(messages) if message["from"] == "person"), default=-1)
    found: dict[str, dict[str, str]] = {}
    for message in messages[last + 1 :]:
        for button in message.get("buttons") or ():
            # The name of a language stands in that language.
            switch = _SWITCH.fullmatch(button["payload"])
            found[button["payload"]] = {**button, "language": switch[1] if switch else message["language"]}
    return list(found.values())
