"""A small store that speaks the S3 protocol and checks every signature (AWS Signature Version 4)."""

from __future__ import annotations

import hashlib
import hmac
import threading
import urllib.parse
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from xml.sax.saxutils import escape

BUCKET, REGION, KEY_ID, SECRET = "papers", "us-east-1", "AKIDEXAMPLE", "wJalrXUtnFEMI-secret"


class FakeS3:
    """Keeps objects in memory.

    Attributes:
        objects: Key to content and the moment it came.
        broken: Answer 503 to everything.
        refused: Requests whose signature was wrong.
    """

    def __init__(self) -> None:
        self.objects: dict[str, tuple[bytes, datetime]] = {}
        self.broken = False
        self.refused = 0
        fake = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _answer(self, status: int, body: bytes = b"", **headers: str) -> None:
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name.replace("_", "-"), value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            def _take(self) -> tuple[bytes, str, dict[str, str]] | None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                path, _, query = self.path.partition("?")
                if fake.broken:
                    self._answer(503, b"<Error><Code>SlowDown</Code></Error>")
                    return None
                if not _signed(self.command, path, query, self.headers, body):
                    fake.refused += 1
                    self._answer(403, b"<Error><Code>SignatureDoesNotMatch</Code></Error>")
                    return None
                bucket, _, key = urllib.parse.unquote(path).lstrip("/").partition("/")
                if bucket != BUCKET:
                    self._answer(404, b"<Error><Code>NoSuchBucket</Code></Error>")
                    return None
                return body, key, dict(urllib.parse.parse_qsl(query, keep_blank_values=True))

            def do_PUT(self) -> None:
                if (taken := self._take()) is not None:
                    body, key, _ = taken
                    fake.objects[key] = body, datetime.now(UTC)
                    self._answer(200, ETag=f'"{hashlib.md5(body).hexdigest()}"')

            def do_GET(self) -> None:
                if (taken := self._take()) is None:
                    return
                _, key, query = taken
                if not key:
                    return self._answer(200, fake._list(query.get("prefix", "")), Content_Type="application/xml")
                if key not in fake.objects:
                    return self._answer(404, b"<Error><Code>NoSuchKey</Code></Error>")
                body, at = fake.objects[key]
                moment = at.strftime("%a, %d %b %Y %H:%M:%S GMT")
                self._answer(200, body, ETag=f'"{hashlib.md5(body).hexdigest()}"', Last_Modified=moment)

            def do_DELETE(self) -> None:
                if (taken := self._take()) is not None:
                    fake.objects.pop(taken[1], None)
                    self._answer(204)

            def do_POST(self) -> None:
                if (taken := self._take()) is None:
                    return
                body, _, query = taken
                if "delete" not in query:
                    return self._answer(400)
                deleted = ""
                for part in body.decode().split("<Key>")[1:]:
                    key = part.partition("</Key>")[0]
                    fake.objects.pop(key, None)
                    deleted += f"<Deleted><Key>{escape(key)}</Key></Deleted>"
                self._answer(200, f"<DeleteResult>{deleted}</DeleteResult>".encode(), Content_Type="application/xml")

            def log_message(self, *_: Any) -> None:
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def _list(self, prefix: str) -> bytes:
        items = "".join(
            f"<Contents><Key>{escape(key)}</Key><Size>{len(body)}</Size><ETag>x</ETag>"
            f"<LastModified>{at.strftime('%Y-%m-%dT%H:%M:%S.000Z')}</LastModified></Contents>"
            for key, (body, at) in sorted(self.objects.items())
            if key.startswith(prefix)
        )
        return f"<ListBucketResult><IsTruncated>false</IsTruncated>{items}</ListBucketResult>".encode()

    def stop(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()


def _signed(method: str, path: str, query: str, headers: Any, body: bytes) -> bool:
    """Whether a request carries the signature that its content and our secret give."""
    given = headers.get("Authorization", "")
    if not given.startswith("AWS4-HMAC-SHA256 "):
        return False
    parts = dict(part.strip().split("=", 1) for part in given.removeprefix("AWS4-HMAC-SHA256 ").split(","))
    key_id, day, region, service, ending = parts["Credential"].split("/")
    payload = headers["x-amz-content-sha256"]
    if key_id != KEY_ID or payload != hashlib.sha256(body).hexdigest():
        return False
    names = parts["SignedHeaders"].split(";")
    signed_headers = "".join(f"{name}:{' '.join(headers[name].split())}\n" for name in names)
    asked = "&".join(sorted(one if "=" in one else f"{one}=" for one in query.split("&"))) if query else ""
    canonical = "\n".join((method, path, asked, signed_headers, ";".join(names), payload))
    scope = f"{day}/{region}/{service}/{ending}"
    text = "\n".join(("AWS4-HMAC-SHA256", headers["x-amz-date"], scope, hashlib.sha256(canonical.encode()).hexdigest()))
    key = f"AWS4{SECRET}".encode()
    for part in (day, region, service, ending):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.compare_digest(hmac.digest(key, text.encode(), "sha256").hex(), parts["Signature"])
