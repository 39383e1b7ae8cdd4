"""What the page looks like in its other states, in every script: nothing axe finds wrong, and pictures to look at."""

from __future__ import annotations

import pytest

from tests.page.visitor import Visitor

# Until which question, and what is said there.
STATES: dict[str, tuple[str | None, str | None]] = {
    "start": (None, None),
    "question": ("form_type", None),
    "choices": ("requester_role", None),
    "receipt-error": ("receipt_numbers", "IOE09123"),
    "not-understood": ("filing_date", "qwertz uiop"),
    "consent": ("consent", None),
}
SLOW = {"en": "My I-485 takes too long.", "zh-Hans": "我的I-485太慢了。", "zh-Hant": "我的I-485太慢了。"}


@pytest.mark.parametrize("state", STATES)
def test_state(person: Visitor, state: str) -> None:
    until, said = STATES[state]
    if until == "filing_date":
        person.say(SLOW[person.language])
    elif until:
        person.be_at(until)
    if said:
        person.say(said)
    if until:
        assert person.state()["asking"] == until
    assert person.axe() == []
    assert person.too_wide() == []
    if person.page.locator("#why").count():
        person.page.click("#why > summary")
        assert person.page.inner_text("#why p").strip()
        assert person.axe() == []
    person.shot(state)
