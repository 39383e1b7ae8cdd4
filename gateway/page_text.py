"""Running text for the page: addresses and telephone numbers to press, numbers that never break across lines.

The page's script uses the same pattern, so that an answer looks the same before and after a reload.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

# Groups: email, web address, telephone number, other numbers. Written so that Python and JavaScript read it alike, and
# without a part of any length: the time would grow with the square of what a person writes.
PATTERN = (
    r"([\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,5})"
    r"|(https?:\/\/[!#-;=?-Z_a-z~]{0,300}[\w\/]|(?:[a-z0-9-]{1,40}\.){1,4}gov\b(?:\/[\w\/.-]{0,200}[\w\/])?)"
    r"|((?:\+?1[- ])?\(?\d{3}\)?[- ]\d{3}-\d{4}\b)"
    r"|([A-Z]{3}[\d*]\d{9}|\bA-?\d{9}\b|\b[A-Z]{2}(?:-[A-Z0-9]{4}){3}|\d{4}-\d\d-\d\d|\b[A-Z]{1,2}-\d{2,4}[A-Z]?\b)"
)
# What a person wrote comes back in these, and is nothing to press.
ECHO = r"^utter_(ask_review|noted|changed|status)"
_PATTERN = re.compile(PATTERN, re.ASCII)
_ECHO = re.compile(ECHO)
_ADDRESS = re.compile(r"https?://[^\s\"'),}]+")


@dataclass(frozen=True)
class Piece:
    """A piece of a text: with `href` a link, with `whole` a number that must not break."""

    text: str
    href: str | None = None
    whole: bool = False


def known_hosts(folders: Iterable[Path]) -> str:
    """The names of all hosts that our own content and wording name, as one pattern for the end of a host's name."""
    hosts = {"gov"}
    for folder in folders:
        for path in folder.glob("*.yml"):
            found = (urlsplit(address).hostname for address in _ADDRESS.findall(path.read_text(encoding="utf-8")))
            hosts.update(host for host in found if host and not host.endswith(".gov"))
    return rf"(^|\.)({'|'.join(re.escape(host) for host in sorted(hosts))})$"


def pieces(text: str, key: str | None, hosts: str, fax: str) -> list[Piece]:
    """Cut a text into what it is made of.

    Args:
        key: of the wording; None: a person wrote it, and nothing in it becomes a link.
        hosts: from `known_hosts`; other addresses stay text.
        fax: a number nobody is to call.
    """
    links = key is not None and not _ECHO.search(key)
    made: list[Piece] = []
    end = 0
    for found in _PATTERN.finditer(text):
        made.append(Piece(text[end : found.start()]))
        end = found.end()
        email, address, phone, _ = found.groups()
        href = None
        if links and email:
            href = f"mailto:{email}"
        elif links and address:
            whole = address if "://" in address else f"https://{address}"
            href = whole if re.search(hosts, urlsplit(whole).hostname or "") else None
        elif links and phone and phone != fax:
            digits = re.sub(r"\D", "", phone)
            href = "tel:+" + (digits if len(digits) > 10 else f"1{digits}")
        made.append(Piece(found[0], href, not (email or address)))
    made.append(Piece(text[end:]))
    return [piece for piece in made if piece.text]
