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
    "no_file": HTTPStatus.BAD_REQUEST,
    "empty_file": HTTPStatus.BAD_REQUEST,
    "bad_kind": HTTPStatus.BAD_REQUEST,
    "bad_birth_year": HTTPStatus.BAD_REQUEST,
    "birth_year_needed": HTTPStatus.BAD_REQUEST,
    "no_session": HTTPStatus.UNAUTHORIZED,
    "other_site": HTTPStatus.FORBIDDEN,
    "not_found": HTTPStatus.NOT_FOUND,
    "no_conversation": HTTPStatus.NOT_FOUND,
    "unknown_case": HTTPStatus.NOT_FOUND,
    "not_available": HTTPStatus.NOT_FOUND,
    "unknown_code": HTTPStatus.NOT_FOUND,
    "link_expired": HTTPStatus.NOT_FOUND,
    "no_document": HTTPStatus.NOT_FOUND,
    "method_not_allowed": HTTPStatus.METHOD_NOT_ALLOWED,
    "already_sent": HTTPStatus.CONFLICT,
    "moved_on": HTTPStatus.CONFLICT,
    "not_open": HTTPStatus.CONFLICT,
    "code_locked": HTTPStatus.LOCKED,
    "text_too_long": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "body_too_large": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "file_too_large": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "too_many_documents": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "picture_too_large": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "too_many_pages": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "file_too_complex": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "wrong_type": HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    "wrong_form": HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    "wrong_file_type": HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    "damaged_file": HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    "encrypted_file": HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    "dynamic_file": HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    "infected_file": HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    "too_many_messages": HTTPStatus.TOO_MANY_REQUESTS,
    "too_many_sessions": HTTPStatus.TOO_MANY_REQUESTS,
    "too_many_codes": HTTPStatus.TOO_MANY_REQUESTS,
    "too_many_lookups": HTTPStatus.TOO_MANY_REQUESTS,
    "too_many_requests": HTTPStatus.TOO_MANY_REQUESTS,
    "internal": HTTPStatus.INTERNAL_SERVER_ERROR,
    "scan_unavailable": HTTPStatus.SERVICE_UNAVAILABLE,
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
