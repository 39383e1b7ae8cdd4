"""Facts from the content files as lines that a message can carry."""
from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from actions.world import World
from triage.content import Pointer

DIRECTORY = "usa_gov"


def _line(world: World, language: str, name: str, contact: str) -> str:
    return "• " + world.labels.get("contact_line", language, name=name, contact=contact)


def contacts(world: World, language: str, pointers: Iterable[Pointer]) -> str:
    """One line each: name, phone and address."""
    lines = []
    for pointer in pointers:
        ways = " · ".join(way for way in (pointer.phone, pointer.url) if way)
        lines.append(_line(world, language, pointer.name[language], ways))
    return "\n".join(lines)


def channel_lines(world: World, language: str) -> str:
    """The three USCIS channels with phone, link and what holds today."""
    lines = []
    for channel in world.content.channels.values():
        ways = " · ".join(way for way in (channel.phone, channel.url) if way)
        lines.append(_line(world, language, channel.name[language], ways) + "\n  " + channel.note[language])
    return "\n".join(lines)


def agency(world: World, language: str, key: str | None) -> dict[str, Any] | None:
    """Name and contact of another agency, or ``None`` when it is not known which."""
    found = world.content.agencies.get(key or "")
    if found is None:
        return None
    return {"agency": found.name[language], "contact": " · ".join(way for way in (found.phone, found.url) if way)}


def office(world: World) -> dict[str, Any]:
    """How to reach the Ombudsman's office."""
    facts = world.content.office
    return {"phones": " / ".join(facts.phones), "email": facts.email, "fax": facts.fax, "web": facts.web,
            "address": "\n".join(facts.mailing_address), "feedback_email": facts.feedback_email,
            "mail_delay_days": facts.mail_delay_days}


def channel(world: World, language: str, key: str) -> dict[str, str]:
    """One USCIS channel."""
    facts = world.content.channels[key]
    return {"phone": facts.phone or "", "tty": facts.tty or "", "hours": facts.hours[language] if facts.hours else "",
            "links": " · ".join(dict.fromkeys([facts.url, *(link.url for link in facts.links)])),
            "note": facts.note[language]}


def number(value: float) -> str:
    """A number of months without a needless ".0"."""
    return f"{value:g}"


def link(world: World, channel_key: str, key: str) -> str:
    """One of the further addresses of a USCIS channel."""
    return next(item.url for item in world.content.channels[channel_key].links if item.key == key)


def directory(world: World) -> str:
    """Where to look up an agency that is not in the table."""
    found = world.content.agencies[DIRECTORY]
    return " · ".join(way for way in (found.phone, found.url) if way)
