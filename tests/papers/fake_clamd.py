"""A malware scanner for tests that speaks clamd's protocol (zINSTREAM) on a TCP port or a socket file."""

from __future__ import annotations

import io
import os
import socketserver
import struct
import threading
import time
from pathlib import Path

import pikepdf

from tests.papers.files import EICAR


class FakeClamd:
    """Finds the industry's test file, and nothing else.

    Attributes:
        mode: `work`, `silent` (takes everything and never answers), `error` (says that it can't), `hang_up`.
        seen: Sizes of the streams it was given.
    """

    def __init__(self, path: Path | None = None, port: int = 0) -> None:
        self.mode = "work"
        self.seen: list[int] = []
        fake = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                if fake.mode == "hang_up":
                    return
                command = b""
                while not command.endswith(b"\0"):
                    piece = self.rfile.read(1)
                    if not piece:
                        return
                    command += piece
                if command != b"zINSTREAM\0":
                    self.wfile.write(b"UNKNOWN COMMAND\0")
                    return
                data = b""
                while length := struct.unpack(">I", self.rfile.read(4))[0]:
                    data += self.rfile.read(length)
                fake.seen.append(len(data))
                if fake.mode == "silent":
                    time.sleep(30)
                elif fake.mode == "error":
                    self.wfile.write(b"INSTREAM size limit exceeded. ERROR\0")
                elif EICAR in data or EICAR in _unpacked(data):
                    self.wfile.write(b"stream: Win.Test.EICAR_HDB-1 FOUND\0")
                else:
                    self.wfile.write(b"stream: OK\0")

        if path is not None:
            self._server: socketserver.BaseServer = _Unix(os.fspath(path), Handler)
            self.url = f"unix://{path}"
        else:
            self._server = _Tcp(("127.0.0.1", port), Handler)
            self.port = int(self._server.server_address[1])  # type: ignore[index]
            self.url = f"tcp://127.0.0.1:{self.port}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def stop(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()


class _Tcp(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


class _Unix(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True


def _unpacked(data: bytes) -> bytes:
    """A scanner looks into the packed parts of a PDF."""
    if not data.startswith(b"%PDF"):
        return b""
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(data)) as document:
        document.save(out, compress_streams=False, stream_decode_level=pikepdf.StreamDecodeLevel.generalized)
    return out.getvalue()
