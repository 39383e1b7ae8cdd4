"""Refusals of the front door. Each has a code, a status and a sentence in `web/strings/errors.yml`."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

STATUS = {
    "malformed": HTTPStatus.BAD_REQUEST,
    "bad_message_id": HTTPStatus.BAD_REQUEST,
    "text_or_payload": HTTPStatus.BAD_REQUEST,
    "empty_text": HTTPStatus.BAD_REQUEST,
    "unknown_payload": HTTPStatus.BAD_REQUEST,
    "no_session": HTTPStatus.UNAUTHORIZED,
    "not_found": HTTPStatus.NOT_FOUND,
    "not_available": HTTPStatus.NOT_FOUND,
    "unknown_code": HTTPStatus.NOT_FOUND,
    "link_expired": HTTPStatus.NOT_FOUND,
    "method_not_allowed": HTTPStatus.METHOD_NOT_ALLOWED,
    "text_too_long": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "body_too_large": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "wrong_type": HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    "too_many_messages": HTTPStatus.TOO_MANY_REQUESTS,
    "too_many_sessions": HTTPStatus.TOO_MANY_REQUESTS,
    "too_many_codes": HTTPStatus.TOO_MANY_REQUESTS,
    "too_many_requests": HTTPStatus.TOO_MANY_REQUESTS,
    "internal": HTTPStatus.INTERNAL_SERVER_ERROR,
    "not_ready": HTTPStatus.SERVICE_UNAVAILABLE,
}


class ChatError(Exception):
    """A request that is refused.

    Args:
        code: a key of `STATUS`.
        retry_after: seconds to wait before trying again, sent as `Retry-After`.
        close: end the connection afterwards, because its body was not read to the end.
        values: what stands for `{name}` in the sentence.
    """

    def __init__(
        self, code: str, *, retry_after: int | None = None, close: bool = False, values: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(code)
        self.code = code
        self.values = values or {}
        self.status = STATUS[code]
        self.headers: dict[str, str] = {}
        if retry_after is not None:
            self.headers["Retry-After"] = str(retry_after)
        if self.status == HTTPStatus.UNAUTHORIZED:
            self.headers["WWW-Authenticate"] = "Bearer"
        if close:
            self.headers["Connection"] = "close"
