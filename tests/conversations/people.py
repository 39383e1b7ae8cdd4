"""People who talk to the assistant: how each answers every question, in three scripts."""

from __future__ import annotations

from tests.conversations.client import Chat

ANSWERS: dict[str, dict[str, str]] = {
    "en": {
        "grounds": "USCIS made a mistake, they printed the wrong name on my card",
        "hardship_detail": "I lost my job because the work card did not come and the rent is due since March.",
        "form_type": "it was the I-485",
        "filing_date": "January 15, 2022",
        "contact_center": "yes, I phoned them",
        "contact_center_date": "on September 14, 2026",
        "contact_center_detail": "They opened a service request and sent me a form letter.",
        "case_status_online": "never looked online",
        "case_status_online_date": "October 2, 2026",
        "case_status_online_detail": "It says the case was received.",
        "infopass": "no, I haven't been to their office",
        "infopass_date": "July 7, 2026",
        "infopass_detail": "The officer told me to wait.",
        "receipt_numbers": "ioe 0912-345-678",
        "requester_role": "I'm the applicant myself",
        "full_name": "Amara Okafor",
        "date_of_birth": "March 27, 1985",
        "representative_name": "Henry Stone",
        "a_number": "A012-345-678",
        "email": "amara.okafor@example.org",
        "phone": "415-555-0132",
        "mailing_address": "12 Pine Street, Oakland, CA 94607",
        "problem_description": "My card shows another woman's name. I sent it back in June and nothing has happened.",
        "documents": "I will send the copies later",
        "delivery": "online, right here",
        "consent": "yes, I agree",
        "signature_name": "Amara Okafor",
        "review": "everything is right, send it",
        "feedback_text": "Please put the waiting time of every office on one page and keep it up to date.",
        "request_proof": "March 27, 1985",
    },
    "zh-Hans": {
        "grounds": "移民局把我卡上的名字印错了",
        "hardship_detail": "工卡一直没到，我丢了工作，三月份起就付不出房租。",
        "form_type": "交的是I-485",
        "filing_date": "2022年1月15日",
        "contact_center": "打过电话",
        "contact_center_date": "2026年9月14日",
        "contact_center_detail": "他们开了服务请求，后来寄来一封套话的信。",
        "case_status_online": "没在网上查过",
        "case_status_online_date": "2026年10月2日",
        "case_status_online_detail": "网上写着案件已收到。",
        "infopass": "没去过他们办公室",
        "infopass_date": "2026年7月7日",
        "infopass_detail": "窗口的人让我接着等。",
        "receipt_numbers": "ioe 0912-345-678",
        "requester_role": "我自己就是申请人",
        "full_name": "赵明华",
        "date_of_birth": "1985年3月27日",
        "representative_name": "孙立",
        "a_number": "A012-345-678",
        "email": "zhao.mh@example.org",
        "phone": "415-555-0132",
        "mailing_address": "12 Pine Street, Oakland, CA 94607",
        "problem_description": "卡上印的是别人的名字，六月份寄回去以后就没有下文了。",
        "documents": "复印件以后再寄",
        "delivery": "就在网上交",
        "consent": "同意",
        "signature_name": "赵明华",
        "review": "都对，发送吧",
        "feedback_text": "希望把每个办公室的等候时间放在同一页上，并且及时更新。",
        "request_proof": "1985年3月27日",
    },
    "zh-Hant": {
        "grounds": "移民局把我卡上的名字印錯了",
        "hardship_detail": "工卡一直沒到，我丟了工作，三月起就付不出房租。",
        "form_type": "交的是I-485",
        "filing_date": "民國111年1月15日",
        "contact_center": "有打過電話",
        "contact_center_date": "2026年9月14日",
        "contact_center_detail": "他們開了服務請求，後來寄來一封制式回信。",
        "case_status_online": "沒有上網查過",
        "case_status_online_date": "2026年10月2日",
        "case_status_online_detail": "網頁上寫案件已收到。",
        "infopass": "沒去過他們辦公室",
        "infopass_date": "2026年7月7日",
        "infopass_detail": "櫃台的人叫我繼續等。",
        "receipt_numbers": "ioe 0912-345-678",
        "requester_role": "我就是申請人本人",
        "full_name": "林曉嵐",
        "date_of_birth": "民國74年3月27日",
        "representative_name": "陳立德",
        "a_number": "A012-345-678",
        "email": "lin.xl@example.org",
        "phone": "415-555-0132",
        "mailing_address": "12 Pine Street, Oakland, CA 94607",
        "problem_description": "卡上印的是別人的名字，六月寄回去以後就沒有下文了。",
        "documents": "影本以後再寄",
        "delivery": "就在線上送出",
        "consent": "同意",
        "signature_name": "林曉嵐",
        "review": "都對，送出吧",
        "feedback_text": "希望把每個辦公室的等候時間放在同一頁上，並且隨時更新。",
        "request_proof": "1985年3月27日",
    },
}
MOST_TURNS = 45


def go_on(chat: Chat, language: str, until: str | None = None, **own: str) -> Chat:
    """Answer whatever is asked until an outcome, or until ``until`` is asked.

    Args:
        chat: An open conversation.
        language: Language of the answers.
        until: Slot (or ``review``) at which to stop.
        own: Answers that differ from the usual ones.
    """
    asked: list[str] = []
    for _ in range(MOST_TURNS):
        if chat.outcome or chat.asking == until:
            return chat
        slot = str(chat.asking)
        assert asked.count(slot) < 2, f"{slot} is asked again and again"
        asked.append(slot)
        chat.say(own.get(slot) or ANSWERS[language][slot])
    raise AssertionError(f"no end, asking {chat.asking}")
