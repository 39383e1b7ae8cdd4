"""Agencies other than USCIS: + the problem is theirs, - they are only mentioned beside a matter of USCIS."""

from __future__ import annotations

from datetime import date

import pytest

from bot.nlu.rules.agencies import extract

TODAY = date(2026, 11, 24)

CASES: list[tuple[str, str]] = [
    # English
    ("The IRS still has not sent my tax refund", "irs+"),
    ("my tax refund is late", "irs+"),
    ("The consulate in Guangzhou refused my visa", "state+"),
    ("my visa interview at the embassy was cancelled", "state+"),
    ("NVC hasn't answered in months", "nvc+"),
    ("National Visa Center lost my documents", "nvc+"),
    ("my hearing at the immigration court was moved", "eoir+"),
    ("ICE wants me to check in every month", "ice+"),
    ("CBP took my phone at the airport", "cbp+"),
    ("my I-94 is wrong, CBP made the error", "cbp+"),
    ("The passport office lost my birth certificate", "passport+"),
    ("I'm waiting for my U.S. passport", "passport+"),
    ("Social Security won't give me a number", "ssa+"),
    ("the DMV refuses to renew my license", "dmv+"),
    ("my PERM has been stuck at the Department of Labor", "dol+"),
    ("Medicaid cancelled my coverage", "state_benefits+"),
    ("The DMV will not accept my work permit because USCIS printed the wrong name", "dmv-"),
    ("my green card has a typo so the DMV won't renew my license", "dmv-"),
    ("I can't get a Social Security card because my EAD never came", "ssa-"),
    ("Nothing to do with USCIS, it's the IRS", "irs+"),
    ("my passport photo", ""),
    ("I need ice cream", ""),
    ("my I-485 is pending", ""),
    ("hello", ""),
    # Chinese, both scripts, and mixed
    ("國稅局的退稅支票沒來", "irs+"),
    ("退税一直没到", "irs+"),
    ("领事馆拒签了", "state+"),
    ("AIT 一直不給我面談時間", "state+"),
    ("大使館的簽證面試約不到", "state+"),
    ("国家签证中心没回音", "nvc+"),
    ("移民法庭开庭日期改了", "eoir+"),
    ("移民法官什麼時候判", "eoir+"),
    ("海关把我扣在机场", "cbp+"),
    ("美国护照申请两个月没消息", "passport+"),
    ("社安局說查不到我", "ssa+"),
    ("社安卡没寄来", "ssa+"),
    ("车管局不给我换驾照", "dmv+"),
    ("考駕照的問題", "dmv+"),
    ("劳工部的PERM等了一年", "dol+"),
    ("失業金沒發", "state_benefits+"),
    ("移民局把名字印错了，车管局不认", "dmv-"),
    ("工卡没到，驾照换不了", "dmv-"),
    ("绿卡没批，领事馆让我等", "state-"),
    ("跟移民局无关，是国税局的事", "irs+"),
    ("名字跟护照上不一样", ""),
    ("我的绿卡没来", ""),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_agencies(text: str, expected: str) -> None:
    found = [item.value + ("+" if item.extras["primary"] else "-") for item in extract(text, TODAY)]
    assert found == expected.split()
