"""Who comes too soon gets the day to come back, for the calendar as well."""

from __future__ import annotations

import dataclasses

import pytest

from tests.actions import talk as talking
from tests.actions.talk import Talk

ANSWERS = {
    "grounds": ["not_received"],
    "form_type": "I-765",
    "contact_center": "tried",
    "contact_center_date": "2026-11-16",
    "contact_center_detail": "They said to wait.",
    "case_status_online": "not_tried",
}


@pytest.mark.parametrize(("binding", "outcome"), [(True, "try_uscis_first"), (False, None)])
def test_the_day_to_come_back(monkeypatch: pytest.MonkeyPatch, binding: bool, outcome: str | None) -> None:
    world = talking.world()
    policy = dataclasses.replace(world.policy, contact_window_binding=binding)
    monkeypatch.setattr(talking, "world", lambda: dataclasses.replace(world, policy=policy))
    talk = Talk(asking="infopass", answers=dict(ANSWERS), told=("privacy",))
    talk.press('/inform{"infopass": "not_tried"}')
    files = [file["url"] for reply in talk.replies for file in reply.attachments]
    assert (talk.memory.at.outcome, files) == (outcome, ["guide:comeback/2027-01-15"] if binding else [])
