"""What a person leaves with, for each outcome."""
from __future__ import annotations

from datetime import timedelta
from typing import Any

from actions import telling
from actions.turn import Turn
from triage import Decision


def tell(turn: Turn, decision: Decision) -> None:
    """Say the outcome of ``decision``."""
    _TELL.get(decision.outcome or "", _plain)(turn, decision)


def _plain(turn: Turn, decision: Decision) -> None:
    helpers = telling.contacts(turn.world, turn.world.content.legal_help.places)
    turn.say(f"utter_outcome_{decision.outcome}", helpers=helpers, **telling.office(turn.world))


def _stored(turn: Turn, decision: Decision) -> None:
    number = turn.memory.at.tracking_number
    on_paper, has_pdf = decision.outcome == "prepared", turn.world.intake.makes_pdf
    key = f"utter_outcome_{decision.outcome}"
    if on_paper:
        key += f"_{turn.memory.answers['delivery']}" if has_pdf else "_without_pdf"
    turn.say(key, tracking_number=number, copy=turn.label("pdf_attached") if has_pdf else "",
             online_form=turn.world.content.office.online_form, **telling.office(turn.world),
             attachments=_files(turn, on_paper) if has_pdf else [])
    if turn.similar:
        first = min(turn.similar, key=lambda item: item.received_at)
        numbers = dict.fromkeys(item.receipt_number for item in turn.similar)
        turn.say("utter_similar_request", receipt_numbers=turn.world.labels.joined(numbers),
                 date=turn.day(first.received_at[:10]))


def _files(turn: Turn, on_paper: bool) -> list[dict[str, Any]]:
    """What there is of a stored request to take along; what is signed and sent comes without a reading copy in it."""
    def file(label: str, kind: str) -> dict[str, Any]:
        return {"title": turn.label(f"attachment_{label}"), "url": f"guide:{kind}/{turn.memory.at.tracking_number}"}

    if turn.memory.at.official:
        if on_paper:
            return [file("official_sign", "official"), file("copy", "request")]
        return [file("pdf", "request"), file("official", "official")]
    if on_paper and turn.language != turn.world.content.office.request_language:
        return [file("pdf", "request"), file("english", "english")]
    return [file("pdf", "request")]


def _cancelled(turn: Turn, decision: Decision) -> None:
    turn.say(_CANCELLED[turn.abandoned])


def _try_uscis_first(turn: Turn, decision: Decision) -> None:
    turn.say("utter_outcome_try_uscis_first", channels=telling.channel_lines(turn.world))
    window = decision.window
    if decision.rule == "contact_window" and window.contact_since:
        until = window.answer_until or turn.world.today + timedelta(days=turn.world.policy.contact_min_wait_days)
        turn.say("utter_outcome_try_window", answer_until=turn.day(until),
                 contact_since=turn.day(window.contact_since),
                 attachments=[{"title": turn.label("attachment_calendar"),
                               "url": f"guide:comeback/{until.isoformat()}"}])


def _wait_until(turn: Turn, decision: Decision) -> None:
    check, answers = decision.delay, turn.memory.answers
    form = answers["form_type"]
    if check.ask_from is None or check.months is None:
        raise ValueError("waiting without a day to wait for")
    turn.say("utter_outcome_wait_until", form=form, ask_from=turn.day(check.ask_from),
             months=telling.number(check.months), filed=turn.day(answers["filing_date"]),
             as_of=turn.day(turn.world.content.posted_times[form].as_of),
             attachments=[{"title": turn.label("attachment_calendar"),
                           "url": f"guide:calendar/{check.ask_from.isoformat()}"}])


def _other_agency(turn: Turn, decision: Decision) -> None:
    known = telling.agency(turn.world, turn.memory.at.agency)
    if known:
        turn.say("utter_outcome_other_agency", **known)
    else:
        turn.say("utter_outcome_other_agency_unknown", contact=telling.directory(turn.world))


# By what giving the request up came to.
_CANCELLED = {"nothing": "utter_outcome_cancelled", "withdrawn": "utter_outcome_cancelled_withdrawn",
              "unknown": "utter_outcome_cancelled_unknown"}
_TELL = {
    "submitted": _stored,
    "prepared": _stored,
    "cancelled": _cancelled,
    "try_uscis_first": _try_uscis_first,
    "wait_until": _wait_until,
    "other_agency": _other_agency,
}
