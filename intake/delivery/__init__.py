"""Delivers stored requests to the office: takes what is due from the outbox and sends it by email or webhook."""

from intake.delivery.limits import Limits
from intake.delivery.settings import DeliverySettings
from intake.delivery.worker import Deliverer, open_channel

__all__ = ["Deliverer", "DeliverySettings", "Limits", "open_channel"]
