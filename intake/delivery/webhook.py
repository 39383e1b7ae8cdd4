"""Delivery by webhook: a signed POST to the agency's own system."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import ssl
from collections.abc import Callable
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from intake.delivery.limits import Limits
from intake.delivery.mail import tls_context
from intake.delivery.parcel import Bounced, NotDelivered, Paper, Parcel
from intake.delivery.settings import DeliverySettings

SIGNATURE = "Intake-Signature"
_LATER = frozenset({408, 425, 429})
_WRONG_SETTING = frozenset({401, 407})


def sign(key: str, timestamp: int, body: bytes) -> str:
    """The value of the header ``Intake-Signature``: HMAC-SHA256 over ``timestamp.body``.

    Args:
        key: Shared secret.
        timestamp: Seconds since 1970; the receiver refuses old ones.
        body: As it is sent.
    """
    digest = hmac.new(key.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={timestamp},v1={digest}"


class WebhookChannel:
    """Sends parcels to an address.

    Args:
        settings: Address and key.
        limits: Numbers.
        clock: The present moment.
    """

    def __init__(self, settings: DeliverySettings, limits: Limits, clock: Callable[[], datetime]) -> None:
        self._url = settings.webhook_url
        self._key = settings.webhook_key.get_secret_value()
        self._limits = limits
        self._clock = clock
        self._tls = tls_context(settings)

    def send(self, parcel: Parcel) -> None:
        """See `Channel`."""
        body = self._body(parcel)
        headers = {
            "Content-Type": "application/json",
            "Idempotency-Key": parcel.identifier,
            SIGNATURE: sign(self._key, int(self._clock().timestamp()), body),
        }
        # Not through proxies or with logins that the machine may have for other things.
        client = httpx.Client(
            verify=self._tls, timeout=self._limits.timeout_seconds, follow_redirects=False, trust_env=False
        )
        try:
            # The head of the answer says everything; the rest is not read.
            with client, client.stream("POST", self._url, content=body, headers=headers) as answer:
                status, retry_after = answer.status_code, answer.headers.get("Retry-After", "")
        except httpx.TimeoutException:
            raise NotDelivered("timeout", channel_down=True) from None
        except httpx.HTTPError as error:
            if _is_certificate(error):
                raise NotDelivered("certificate", needs_somebody=True) from None
            raise NotDelivered("connection", channel_down=isinstance(error, httpx.ConnectError)) from None
        self._judge(status, retry_after)

    def _judge(self, status: int, retry_after: str) -> None:
        kind = f"http_{status}"
        if 200 <= status < 300:
            return
        if status in _LATER or status >= 500:
            raise NotDelivered(kind, retry_after=self._seconds(retry_after))
        if status in _WRONG_SETTING or status < 400:
            # A redirect is not followed: it may lead anywhere with everything a person has told.
            raise NotDelivered(kind, needs_somebody=True)
        raise Bounced(kind)

    def _seconds(self, retry_after: str) -> float:
        """Of a ``Retry-After``, as a number or a date; 0 for none."""
        if retry_after.isdigit():
            seconds = float(retry_after)
        else:
            try:
                seconds = (parsedate_to_datetime(retry_after) - self._clock()).total_seconds()
            except (ValueError, TypeError):
                return 0
        return max(0, min(seconds, self._limits.longest_pause_seconds))

    def _body(self, parcel: Parcel) -> bytes:
        fit, left = parcel.fitting(self._limits.attachments_max_bytes)
        body: dict[str, Any] = {
            "id": parcel.identifier,
            "event": parcel.event,
            "at": parcel.at.isoformat(),
            "tracking_number": parcel.tracking_number,
        }
        if parcel.received_at is not None:
            body["received_at"] = parcel.received_at.isoformat()
        if parcel.request is not None:
            body["request"] = dict(parcel.request)
            body["form"] = {"media_type": "application/pdf", **_content(parcel.form)}
        if parcel.papers:
            body["documents"] = [{**_described(paper), **_content(paper.data)} for paper in fit]
            body["left_out"] = [_described(paper) for paper in left]
        # Escaped, halves of characters survive.
        return json.dumps(body, ensure_ascii=True, separators=(",", ":")).encode()


def _described(paper: Paper) -> dict[str, Any]:
    document = paper.document
    return {
        "document_id": document.document_id,
        "kind": document.kind,
        "label": paper.label,
        "name": document.name,
        "media_type": document.media_type,
        "pages": document.pages,
        "scan": document.scan,
    }


def _content(data: bytes) -> dict[str, Any]:
    return {
        "size": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
        "content": base64.b64encode(data).decode(),
    }


def _is_certificate(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        error = error.__cause__ or error.__context__
    return False
