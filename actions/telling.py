"""Facts from the content files as lines that a message can carry."""
from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from actions.words import Words
from actions.world import World
from triage.content import Pointer

DIRECTORY = "usa_gov"


def _lines(world: World, facts: Iterable[tuple[Mapping[str, str], str, Mapping[str, str] | None]]) -> Words:
    """One line each: a name with how to get there, and below it a note."""
    rows = list(facts)

    def lines(language: str) -> str:
        return "\n".join(
            "• " + world.labels.get("contact_line", language, name=name[language], contact=contact)
            + (f"\n  {note[language]}" if note else "") for name, contact, note in rows)

    return Words.by(lines)


def _ways(*ways: str | None) -> str:
    return " · ".join(way for way in ways if way)


def contacts(world: World, pointers: Iterable[Pointer]) -> Words:
    """One line each: name, phone and address."""
    return _lines(world, ((pointer.name, _ways(pointer.phone, pointer.url), None) for pointer in pointers))


def channel_lines(world: World) -> Words:
    """The three USCIS channels with phone, link and what holds today."""
    return _lines(world, ((channel.name, _ways(channel.phone, channel.url), channel.note)
                          for channel in world.content.channels.values()))


def agency(world: World, key: str | None) -> dict[str, Any] | None:
    """Name and contact of another agency, or ``None`` when it is not known which."""
    found = world.content.agencies.get(key or "")
    if found is None:
        return None
    return {"agency": Words(found.name), "contact": _ways(found.phone, found.url)}


def office(world: World) -> dict[str, Any]:
    """How to reach the Ombudsman's office."""
    facts = world.content.office
    return {"phones": " / ".join(facts.phones), "email": facts.email, "fax": facts.fax, "web": facts.web,
            "address": "\n".join(facts.mailing_address), "feedback_email": facts.feedback_email,
            "mail_delay_days": facts.mail_delay_days}


def channel(world: World, key: str) -> dict[str, Any]:
    """One USCIS channel."""
    facts = world.content.channels[key]
    return {"phone": facts.phone or "", "tty": facts.tty or "", "hours": Words(facts.hours) if facts.hours else "",
            "links": " · ".join(dict.fromkeys([facts.url, *(link.url for link in facts.links)])),
            "note": Words(facts.note)}


def number(value: float) -> str:
    """A number of months without a needless ".0"."""
    return f"{value:g}"


def link(world: World, channel_key: str, key: str) -> str:
    """One of the further addresses of a USCIS channel."""
    return next(item.url for item in world.content.channels[channel_key].links if item.key == key)


def directory(world: World) -> str:
    """Where to look up an agency that is not in the table."""
    found = world.content.agencies[DIRECTORY]
    return _ways(found.phone, found.url)
