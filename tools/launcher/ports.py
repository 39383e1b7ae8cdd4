"""Ports: is each one free, and which ones are."""

from __future__ import annotations

import errno
import socket

from tools.launcher.console import Failure
from tools.launcher.settings import Settings


def check(settings: Settings) -> None:
    """Make sure that every port can be listened on.

    Raises:
        Failure: One can't; the text names the port and the variable that changes it.
    """
    for name, (host, port) in settings.ports.items():
        try:
            family, kind, protocol, _, address = socket.getaddrinfo(
                host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
            )[0]
            with socket.socket(family, kind, protocol) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(address)
                probe.listen(1)
        except socket.gaierror:
            raise Failure(f"HOST={host} is not an address this machine knows.") from None
        except OSError as error:
            raise Failure(_reason(error, name, host, port)) from None


def _reason(error: OSError, name: str, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"Port {port} is in use by another program. Stop that program, or choose another port: "
            f"{name}={port + 10} make run"
        )
    if error.errno == errno.EACCES:
        return f"Port {port} may not be used without special rights. Choose one from 1024 up: {name}=8000 make run"
    if error.errno == errno.EADDRNOTAVAIL:
        return f"HOST={host} is not an address of this machine. Use 127.0.0.1, or 0.0.0.0 for all addresses."
    return f"Port {port} ({name}) can't be listened on: {error.strerror}"


def free(count: int) -> list[int]:
    """Return that many different free loopback ports."""
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]
    finally:
        for probe in probes:
            probe.close()
