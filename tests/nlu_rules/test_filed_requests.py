"""The cues of somebody who wants a filed request back."""

from __future__ import annotations

from datetime import date

import pytest

from bot.nlu.rules.misc import extract

TODAY = date(2026, 11, 24)
CASES = [
    ("I want to withdraw my request", "withdraw_request"),
    ("please withdraw the request I filed last week", "withdraw_request"),
    ("can I take my request back?", "withdraw_request"),
    ("withdraw my case assistance request CA-2345-6789-ABCD", "withdraw_request"),
    ("I'd like my request to be withdrawn", "withdraw_request"),
    ("revoke that submission", "withdraw_request"),
    ("我想撤回我的请求", "withdraw_request"),
    ("我想撤回我的請求", "withdraw_request"),
    ("把之前的请求撤销", "withdraw_request"),
    ("幫我撤回已提交的求助", "withdraw_request"),
    ("請撤銷我的申請", "withdraw_request"),
    ("我嗰份請求想撤回", "withdraw_request"),
    ("please delete my request", "erase_request"),
    ("erase the request I sent", "erase_request"),
    ("删除我的请求", "erase_request"),
    ("請把我的請求刪掉", "erase_request"),
    ("withdraw my request for evidence", ""),
    ("they withdrew my petition", ""),
    ("my employer withdrew the I-140", ""),
    ("my request was never answered", ""),
    ("移民局让我撤回申请表", ""),
    ("雇主撤销了I-140", ""),
    ("我的请求一直没有回音", ""),
    ("delete my email", ""),
]


@pytest.mark.parametrize(("text", "cue"), CASES)
def test_cues(text: str, cue: str) -> None:
    found = [item.value for item in extract(text, TODAY) if item.entity == "cue"]
    assert [value for value in found if str(value).endswith("_request")] == ([cue] if cue else [])
