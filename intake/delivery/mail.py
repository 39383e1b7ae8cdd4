"""Delivery by email: SMTP with TLS and a certificate that is checked, never in clear."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

from intake.delivery.letter import Letters
from intake.delivery.limits import Limits
from intake.delivery.parcel import Bounced, NotDelivered, Parcel
from intake.delivery.settings import DeliverySettings

# Of RFC 4954 and RFC 3207: the server wants another login or TLS. That is nothing about the request.
_LOGIN_CODES = frozenset({530, 534, 535, 538})
# Base64 with its line ends makes 78 bytes of 57; the rest is for text and heads.
_ENCODED, _OVERHEAD = 57 / 78, 16 * 1024


class MailChannel:
    """Sends parcels by email.

    Args:
        settings: Server, login and sender.
        recipient: Where the office wants them.
        limits: Numbers.
    """

    def __init__(self, settings: DeliverySettings, recipient: str, limits: Limits) -> None:
        self._settings = settings
        self._recipient = recipient
        self._limits = limits
        self._letters = Letters(settings.mail_from, recipient)
        self._tls = tls_context(settings)

    def send(self, parcel: Parcel) -> None:
        """See `Channel`."""
        with self._connected() as server:
            letter = self._letters.write(parcel, self._most(server))
            with _sending():
                server.send_message(letter, self._settings.mail_from, [self._recipient], *_reports(server, parcel))

    def _most(self, server: smtplib.SMTP) -> int:
        """Bytes of attachments; less than the setting when the server says that it takes less."""
        said = server.esmtp_features.get("size", "")
        most = self._limits.attachments_max_bytes
        return min(most, int((int(said) - _OVERHEAD) * _ENCODED)) if said.isdigit() and int(said) else most

    @contextmanager
    def _connected(self) -> Iterator[smtplib.SMTP]:
        server = self._connect()
        try:
            yield server
        finally:
            # What was accepted is delivered, however the farewell goes.
            try:
                server.quit()
            except (OSError, smtplib.SMTPException):
                server.close()

    def _connect(self) -> smtplib.SMTP:
        settings, timeout = self._settings, self._limits.timeout_seconds
        server: smtplib.SMTP | None = None
        try:
            if settings.smtp_security == "tls":
                server = smtplib.SMTP_SSL(settings.smtp_host, settings.smtp_port, timeout=timeout, context=self._tls)
            else:
                server = smtplib.SMTP(settings.smtp_host, settings.smtp_port, timeout=timeout)
                server.starttls(context=self._tls)
            server.ehlo_or_helo_if_needed()
            if settings.smtp_user:
                server.login(settings.smtp_user, settings.smtp_password.get_secret_value())
            return server
        except (OSError, smtplib.SMTPException) as error:
            if server is not None:
                server.close()
            raise _not_connected(error) from None


def _reports(server: smtplib.SMTP, parcel: Parcel) -> tuple[list[str], list[str]]:
    """What is asked for with MAIL and RCPT about reports, of a server that knows them (RFC 3461).

    Of failures alone, under the parcel's name, and without the whole mail: it would carry everything back that a person
    has told.
    """
    if not server.has_extn("dsn"):
        return [], []
    return [f"ENVID={parcel.identifier}", "RET=HDRS"], ["NOTIFY=FAILURE"]


def tls_context(settings: DeliverySettings) -> ssl.SSLContext:
    """Checks certificates and names; by the authorities of the system or those of the settings."""
    return ssl.create_default_context(cafile=None if settings.ca_file is None else str(settings.ca_file))


def _not_connected(error: Exception) -> NotDelivered:
    if isinstance(error, ssl.SSLCertVerificationError):
        return NotDelivered("certificate", needs_somebody=True)
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return NotDelivered("no_tls_or_login", needs_somebody=True)
    if isinstance(error, smtplib.SMTPAuthenticationError) and error.smtp_code in _LOGIN_CODES:
        return NotDelivered("login", needs_somebody=True)
    if isinstance(error, TimeoutError):
        return NotDelivered("timeout", channel_down=True)
    if isinstance(error, smtplib.SMTPResponseException):
        return NotDelivered(f"smtp_connect_{error.smtp_code}", channel_down=True)
    return NotDelivered("connection", channel_down=True)


@contextmanager
def _sending() -> Iterator[None]:
    """Turn what happens between MAIL and the answer to DATA into what it means."""
    try:
        yield
    except smtplib.SMTPRecipientsRefused as error:
        raise _answered("recipient", next(code for code, _ in error.recipients.values())) from None
    except smtplib.SMTPSenderRefused as error:
        raise _answered("sender", error.smtp_code) from None
    except smtplib.SMTPDataError as error:
        raise _answered("data", error.smtp_code) from None
    except smtplib.SMTPServerDisconnected:
        raise NotDelivered("dropped") from None
    except TimeoutError:
        raise NotDelivered("timeout", channel_down=True) from None
    except (OSError, smtplib.SMTPException):
        raise NotDelivered("connection", channel_down=True) from None


def _answered(step: str, code: int) -> NotDelivered | Bounced:
    kind = f"smtp_{step}_{code}"
    if code in _LOGIN_CODES:
        return NotDelivered(kind, needs_somebody=True)
    return Bounced(kind) if 500 <= code < 600 else NotDelivered(kind)
