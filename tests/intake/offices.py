"""Offices that requests are delivered to: a real SMTP server with TLS and a real web server, which can misbehave."""

from __future__ import annotations

import ipaddress
import json
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tools.postgres import free_port

USER, PASSWORD = "guide", "correct horse"


@dataclass(frozen=True)
class Certificate:
    """A certificate for a name, with the authority that vouches for it."""

    file: Path
    authority: Path

    def context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.file)
        return context


def certificate(folder: Path, name: str = "localhost") -> Certificate:
    """Make an authority and a certificate of it."""
    now = datetime.now(UTC)

    def made(
        subject: str, issuer: str, key: ec.EllipticCurvePrivateKey, by: ec.EllipticCurvePrivateKey, ca: bool
    ) -> x509.Certificate:
        names: list[x509.GeneralName] = [x509.DNSName(subject)]
        if subject == "localhost":
            names.append(x509.IPAddress(ipaddress.ip_address("127.0.0.1")))
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
            .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=2))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
        )
        return builder.sign(by, hashes.SHA256())

    authority_key, own_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    authority = made("authority.test", "authority.test", authority_key, authority_key, True)
    own = made(name, "authority.test", own_key, authority_key, False)
    pem = serialization.Encoding.PEM
    secret = own_key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    paths = folder / f"{name}.pem", folder / f"authority-of-{name}.pem"
    paths[0].write_bytes(secret + own.public_bytes(pem))
    paths[1].write_bytes(authority.public_bytes(pem))
    return Certificate(*paths)


@dataclass
class MailOffice:
    """A mail server. What it answers to RCPT and DATA can be set; None is yes.

    Attributes:
        dsn: Whether it knows reports as of RFC 3461.
        asked: What it was asked for about reports.
        mails: What it has taken over.
        on_data: Called with each mail that came in whole, before it is answered.
    """

    port: int
    dsn: bool = False
    asked: list[str] = field(default_factory=list)
    recipient_answer: str | None = None
    data_answer: str | None = None
    drop: bool = False
    on_data: Callable[[EmailMessage], None] | None = None
    mails: list[EmailMessage] = field(default_factory=list)
    envelopes: list[tuple[str | None, list[str]]] = field(default_factory=list)

    async def handle_EHLO(
        self, _server: SMTP, session: Session, _envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        return [*responses[:-1], *(["250-DSN"] if self.dsn else []), responses[-1]]

    async def handle_RCPT(
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if self.recipient_answer:
            return self.recipient_answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:
        assert isinstance(envelope.content, bytes)
        mail = message_from_bytes(envelope.content, policy=default)
        assert isinstance(mail, EmailMessage)
        if self.data_answer:
            return self.data_answer
        self.mails.append(mail)
        self.envelopes.append((envelope.mail_from, envelope.rcpt_tos))
        if self.on_data:
            self.on_data(mail)
        if self.drop:
            server.transport.abort()
        return "250 OK"


class _ReportingServer(SMTP):
    """Takes what is asked for about reports; the library's own server knows none of it."""

    def _getparams(self, params: Sequence[str]) -> dict[str, str | bool] | None:
        office = self.event_handler
        own = [one for one in params if office.dsn and one.partition("=")[0] in ("ENVID", "RET", "NOTIFY")]
        office.asked += own
        return super()._getparams([one for one in params if one not in own])


class _Controller(Controller):
    def factory(self) -> SMTP:
        return _ReportingServer(self.handler, **self.SMTP_kwargs)


def _login(_server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, data: object) -> AuthResult:
    assert isinstance(data, LoginPassword)
    right = data.login == USER.encode() and data.password == PASSWORD.encode()
    return AuthResult(success=right, handled=False)


@contextmanager
def mail_office(
    made: Certificate | None, *, implicit: bool = False, login: bool = False, most: int = 33554432
) -> Iterator[MailOffice]:
    """Run a mail server; without a certificate, it has no TLS."""
    office = MailOffice(free_port())
    options: dict[str, Any] = {"data_size_limit": most, "decode_data": False}
    if login:
        options |= {"authenticator": _login, "auth_required": True}
    if made and implicit:
        options |= {"ssl_context": made.context(), "auth_require_tls": False}
    elif made:
        options |= {"tls_context": made.context(), "require_starttls": True}
    controller = _Controller(office, hostname="127.0.0.1", port=office.port, **options)
    controller.start()
    try:
        yield office
    finally:
        controller.stop()


@dataclass
class WebOffice:
    """A web server that gives the answers it is told, then 204.

    Attributes:
        answers: Status, headers.
        calls: Path, headers, body of each call.
    """

    url: str = ""
    answers: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    calls: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)

    @property
    def bodies(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, _, body in self.calls]


@contextmanager
def web_office(made: Certificate | None = None) -> Iterator[WebOffice]:
    """Run a web server."""
    office = WebOffice()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            office.calls.append((self.path, dict(self.headers), body))
            status, headers = office.answers.pop(0) if office.answers else (204, {})
            if status == 0:
                self.close_connection = True
                return
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if made:
        server.socket = made.context().wrap_socket(server.socket, server_side=True)
    office.url = f"http{'s' if made else ''}://localhost:{server.server_address[1]}/requests"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield office
    finally:
        server.shutdown()
        server.server_close()
