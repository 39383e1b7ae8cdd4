"""Mails as mail servers send them back, each about the mail with the given Message-ID."""

from __future__ import annotations

import base64
from collections.abc import Callable

OFFICE = "office@dhs.example"


def _mail(text: str) -> bytes:
    return text.lstrip("\n").replace("\n", "\r\n").encode()


def _head(message_id: str) -> str:
    return f"""Return-Path: <guide@agency.example>
Received: from guide.agency.example (guide.agency.example [192.0.2.5])
	by mx.dhs.example (Postfix) with ESMTPS id 4F5z5X1;
	Tue, 24 Nov 2026 12:02:00 +0000 (UTC)
Message-ID: {message_id}
Date: Tue, 24 Nov 2026 12:00:00 +0000
From: guide@agency.example
To: {OFFICE}
Subject: Request for case assistance
Auto-Submitted: auto-generated
MIME-Version: 1.0
Content-Type: text/plain

A request for case assistance is attached as a PDF file.
"""


def _recipient(address: str, action: str, status: str, diagnostic: str) -> str:
    return f"""Final-Recipient: rfc822; {address}
Original-Recipient: rfc822;{address}
Action: {action}
Status: {status}
Remote-MTA: dns; mx.dhs.example
Diagnostic-Code: smtp; {diagnostic}
"""


def postfix(
    message_id: str,
    *recipients: tuple[str, str, str, str],
    subject: str = "Undelivered Mail Returned to Sender",
    returned: str = "message/rfc822",
) -> bytes:
    """As Postfix writes it; a block for each of `recipients` (address, action, status, diagnostic)."""
    told = recipients or ((OFFICE, "failed", "5.1.1", "550 5.1.1 <office@dhs.example>: Recipient address rejected"),)
    blocks = "\n".join(_recipient(*one) for one in told)
    head = _head(message_id)
    return _mail(f"""
Return-Path: <>
Received: by mail.agency.example (Postfix)
	id 9A1B2C3D; Tue, 24 Nov 2026 12:02:03 +0000 (UTC)
Date: Tue, 24 Nov 2026 12:02:03 +0000 (UTC)
From: MAILER-DAEMON@mail.agency.example (Mail Delivery System)
Subject: {subject}
To: guide@agency.example
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status;
	boundary="8F00A1.1795521723/mail.agency.example"
Message-Id: <20261124120203.9A1B2C3D@mail.agency.example>

This is a MIME-encapsulated message.

--8F00A1.1795521723/mail.agency.example
Content-Description: Notification
Content-Type: text/plain; charset=us-ascii

This is the mail system at host mail.agency.example.

I'm sorry to have to inform you that your message could not
be delivered to one or more recipients. It's attached below.

--8F00A1.1795521723/mail.agency.example
Content-Description: Delivery report
Content-Type: message/delivery-status

Reporting-MTA: dns; mail.agency.example
X-Postfix-Queue-ID: 9A1B2C3D
X-Postfix-Sender: rfc822; guide@agency.example
Arrival-Date: Tue, 24 Nov 2026 12:02:00 +0000 (UTC)

{blocks}
--8F00A1.1795521723/mail.agency.example
Content-Description: Undelivered Message
Content-Type: {returned}

{head}
--8F00A1.1795521723/mail.agency.example--
""")


def exchange(message_id: str) -> bytes:
    """As Exchange writes it, here in Chinese, with the head of the original alone."""
    words = base64.b64encode("您的邮件未能送达以下收件人。找不到该电子邮件地址。".encode()).decode()
    return _mail(f"""
From: <postmaster@dhs.example>
To: <guide@agency.example>
Date: Tue, 24 Nov 2026 12:02:05 +0000
Content-Type: multipart/report; report-type=delivery-status;
	boundary="5cbdcbc8-9d6f-4b6b-a1b5-8e2b6e1a8c11"
MIME-Version: 1.0
Content-Language: zh-CN
Message-ID: <5cbdcbc8-9d6f-4b6b@EXCH01.dhs.example>
In-Reply-To: {message_id}
References: {message_id}
Subject: =?utf-8?B?{base64.b64encode("无法送达: Request for case assistance".encode()).decode()}?=
Auto-Submitted: auto-replied

--5cbdcbc8-9d6f-4b6b-a1b5-8e2b6e1a8c11
Content-Type: text/plain; charset="utf-8"
Content-Transfer-Encoding: base64

{words}

--5cbdcbc8-9d6f-4b6b-a1b5-8e2b6e1a8c11
Content-Type: message/delivery-status

Reporting-MTA: dns;EXCH01.dhs.example
Received-From-MTA: dns;mail.agency.example
Arrival-Date: Tue, 24 Nov 2026 12:02:04 +0000

Original-Recipient: rfc822;{OFFICE}
Final-Recipient: rfc822;Office@DHS.example
Action: failed
Status: 5.1.10
Diagnostic-Code: smtp;550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup

--5cbdcbc8-9d6f-4b6b-a1b5-8e2b6e1a8c11
Content-Type: text/rfc822-headers

{_head(message_id).partition(chr(10) * 2)[0]}

--5cbdcbc8-9d6f-4b6b-a1b5-8e2b6e1a8c11--
""")


def gmail(message_id: str) -> bytes:
    """As Gmail writes it: the words are a part of parts."""
    return _mail(f"""
Return-Path: <>
From: Mail Delivery Subsystem <mailer-daemon@googlemail.com>
To: guide@agency.example
Auto-Submitted: auto-replied
Subject: Delivery Status Notification (Failure)
References: {message_id}
In-Reply-To: {message_id}
X-Failed-Recipients: {OFFICE}
Message-ID: <6564a1b2.050a0220.1f7d3.0001.GMR@mx.google.com>
Date: Tue, 24 Nov 2026 04:02:05 -0800 (PST)
Content-Type: multipart/report; boundary="000000000000d4a1f5"; report-type=delivery-status

--000000000000d4a1f5
Content-Type: multipart/related; boundary="000000000000d4a2b1"

--000000000000d4a2b1
Content-Type: text/html; charset="UTF-8"

<html><body><h2>Address not found</h2></body></html>

--000000000000d4a2b1
Content-Type: image/png; name="icon.png"
Content-Transfer-Encoding: base64

iVBORw0KGgo=

--000000000000d4a2b1--

--000000000000d4a1f5
Content-Type: message/delivery-status

Reporting-MTA: dns; googlemail.com
Arrival-Date: Tue, 24 Nov 2026 04:02:04 -0800 (PST)
X-Original-Message-ID: {message_id}

Final-Recipient: rfc822; {OFFICE}
Action: failed
Status: 5.2.1
Diagnostic-Code: smtp; 550-5.2.1 The email account that you tried to reach is inactive.
Last-Attempt-Date: Tue, 24 Nov 2026 04:02:05 -0800 (PST)

--000000000000d4a1f5
Content-Type: message/rfc822

{_head(message_id)}
--000000000000d4a1f5--
""")


def envelope(message_id: str) -> bytes:
    """A report with the envelope id alone, as it is asked for with DSN (RFC 3461) and without anything returned."""
    return _mail(f"""
From: postmaster@dhs.example
To: guide@agency.example
Subject: Delivery failure
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

Failed.

--b
Content-Type: message/delivery-status

Original-Envelope-Id: {message_id.strip("<>").partition("@")[0]}
Reporting-MTA: dns; mx.dhs.example

Final-Recipient: rfc822; {OFFICE}
Action: failed
Status: 5.7.1

--b--
""")


def qmail(message_id: str) -> bytes:
    """In words alone, with a copy of the whole original below."""
    return _mail(f"""
Return-Path: <>
From: MAILER-DAEMON@relay.dhs.example
To: guide@agency.example
Subject: failure notice
Date: 24 Nov 2026 12:02:05 -0000

Hi. This is the qmail-send program at relay.dhs.example.
I'm afraid I wasn't able to deliver your message to the following addresses.
This is a permanent error; I've given up. Sorry it didn't work out.

<{OFFICE}>:
192.0.2.25 does not like recipient.
Remote host said: 550 5.1.1 User unknown
Giving up on 192.0.2.25.

--- Below this line is a copy of the message.

{_head(message_id)}""")


def attached(
    message_id: str, said: str, sender: str = "Mail Delivery System <Mailer-Daemon@relay.dhs.example>"
) -> bytes:
    """In words, with the original attached, but without a report for machines."""
    return _mail(f"""
From: {sender}
To: guide@agency.example
Subject: =?gb2312?B?{base64.b64encode("退信：投递失败".encode("gb2312")).decode()}?=
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="m"

--m
Content-Type: text/plain; charset=gb2312
Content-Transfer-Encoding: 8bit

{said}

--m
Content-Type: message/rfc822

{_head(message_id)}
--m--
""")


def read_receipt(message_id: str) -> bytes:
    """Somebody has opened the mail."""
    return _mail(f"""
From: {OFFICE}
To: guide@agency.example
Subject: Read: Request for case assistance
In-Reply-To: {message_id}
MIME-Version: 1.0
Content-Type: multipart/report; report-type=disposition-notification; boundary="r"

--r
Content-Type: text/plain

Your message was read.

--r
Content-Type: message/disposition-notification

Final-Recipient: rfc822;{OFFICE}
Original-Message-ID: {message_id}
Disposition: manual-action/MDN-sent-manually; displayed

--r
Content-Type: message/rfc822

{_head(message_id)}
--r--
""")


def answer(message_id: str) -> bytes:
    """A person at the office answers, and quotes a bounce of their own."""
    return _mail(f"""
From: Case Assistance <{OFFICE}>
To: guide@agency.example
Subject: RE: Request for case assistance
In-Reply-To: {message_id}
References: {message_id}

We have your request. Another mail to you came back with 550 5.1.1 user unknown.

Message-ID: {message_id}
""")


_MIXED = "550 5.1.1 user unknown"
# Name → mail for a Message-ID, and the kind of failure that is read in it; None: it says nothing of ours.
MAILS: dict[str, tuple[Callable[[str], bytes], str | None]] = {
    "postfix": (postfix, "mail_5.1.1"),
    "postfix_head_only": (lambda name: postfix(name, returned="text/rfc822-headers"), "mail_5.1.1"),
    "postfix_gave_up_after_days": (
        lambda name: postfix(name, (OFFICE, "failed", "4.4.1", "connect to mx.dhs.example: Connection timed out")),
        "mail_4.4.1",
    ),
    "exchange_in_chinese": (exchange, "mail_5.1.10"),
    "gmail": (gmail, "mail_5.2.1"),
    "envelope_id_alone": (envelope, "mail_5.7.1"),
    "qmail": (qmail, "mail_5.1.1"),
    "original_attached": (lambda name: attached(name, "收件人不存在 (550 5.1.1)"), "mail_5.1.1"),
    "original_attached_code_alone": (lambda name: attached(name, "554 delivery error: no such user"), "mail_failed"),
    "ours_among_several": (
        lambda name: postfix(
            name, ("else@other.example", "delivered", "2.0.0", "250 ok"), (OFFICE, "failed", "5.2.2", "552 full")
        ),
        "mail_5.2.2",
    ),
    "all_behind_a_list": (
        lambda name: postfix(
            name, ("a@dhs.example", "failed", "5.1.1", _MIXED), ("b@dhs.example", "failed", "5.1.1", _MIXED)
        ),
        "mail_5.1.1",
    ),
    "one_behind_a_list": (
        lambda name: postfix(
            name, ("a@dhs.example", "failed", "5.1.1", _MIXED), ("b@dhs.example", "relayed", "2.0.0", "250")
        ),
        None,
    ),
    "others_failed_ours_arrived": (
        lambda name: postfix(
            name, (OFFICE, "delivered", "2.0.0", "250 ok"), ("x@other.example", "failed", "5.1.1", _MIXED)
        ),
        None,
    ),
    "delayed": (
        lambda name: postfix(
            name, (OFFICE, "delayed", "4.4.1", "timed out"), subject="Delayed Mail (still being retried)"
        ),
        None,
    ),
    "delayed_in_words": (lambda name: attached(name, "451 4.7.1 greylisted; will retry for 5 days"), None),
    "both_codes_in_words": (lambda name: attached(name, "451 4.7.1 then 550 5.7.1"), None),
    "no_code_in_words": (lambda name: attached(name, "您的邮件没有送达。"), None),
    "delivered": (lambda name: postfix(name, (OFFICE, "delivered", "2.0.0", "250 ok")), None),
    "read_receipt": (read_receipt, None),
    "answer_of_a_person": (answer, None),
    "words_of_a_person": (
        lambda name: attached(name, "550 5.1.1 user unknown", "A. Person <a.person@dhs.example>"),
        None,
    ),
}
JUNK = [
    b"",
    b"\n\n\n",
    b"\xff\xfe\x00\x01" * 50,
    b"Content-Type: multipart/report; boundary=\n\n--\n--\n",
    b"Content-Type: multipart/report; report-type=delivery-status\n\nno parts",
    b"Content-Type: message/delivery-status\n\nAction: failed\nStatus: 5.1.1\n",
    b"Content-Type: multipart/mixed; boundary=x\n\n" * 3 + b"--x\n" * 2000,
    b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(3000)),
    b"From: mailer-daemon@x\nContent-Type: text/plain; charset=utf-16\n\n550 5.1.1\nMessage-ID: <>\n",
]
