"""Delivers one entry in a process of its own, which can be killed."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from intake.delivery import Deliverer, DeliverySettings, open_channel
from intake.store import Store
from tests.intake.conftest import CONTENT, DOCUMENT, settings_for


def deliver(url: str, now: datetime, settings: dict[str, Any]) -> None:
    """Take one step.

    Args:
        url: The database.
        now: The moment it is all the time.
        settings: Of the delivery.
    """
    delivery = DeliverySettings(**settings)
    limits = delivery.limits(settings_for(url).content_dir)
    store = Store.open(settings_for(url), CONTENT, lambda: now)
    channel = open_channel(delivery, CONTENT, limits, lambda: now)
    assert channel is not None
    Deliverer(store, DOCUMENT, CONTENT, channel, limits, lambda: now).step()
