"""Which USCIS channels a message says were tried, or not: contact center, case status online, InfoPass.

A message is read clause by clause. Every mention of a channel becomes "tried", "not tried", planned or undecided by
the words around it; undecided mentions take the decision of a neighbour ("the phone, the website: never"). Words such
as "only", "all three" or "everything except" then settle the channels that were not named.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import date
from functools import lru_cache

from .clauses import Clause, clauses
from .entity import Entity
from .lexicon import lexicon, loosen
from .norm import Normal, normal
from .retelling import in_plain_words, on_copy

CHANNELS = ("contact_center", "case_status_online", "infopass")
TRIED = "tried"
NOT_TRIED = "not_tried"

_LEX = lexicon("channels")
_CUES = {(channel, kind): _LEX.cue(f"{channel}.{kind}") for channel in CHANNELS for kind in ("strong", "weak", "bare")}
_THERE = _LEX.cue("infopass.there")
_NEGATION = _LEX.cue("negation")
_RESULT = _LEX.cue("result")
_PERFECT = _LEX.cue("perfect")
_HABIT = _LEX.cue("habit")
_TRIED_WORD = _LEX.cue("tried")
_PLAN = _LEX.cue("plan")
_HAD_TO = _LEX.cue("had_to")
_BASE_VERB = re.compile(_LEX.node("base_verb"))
_INFINITIVE = re.compile(_LEX.node("infinitive"))
_QUESTION = _LEX.cue("question")
_THEY_CALLED = _LEX.cue("they_called")
_ONLY = _LEX.cue("only")
_NOTHING_ELSE = _LEX.cue("nothing_else")
_COUNT = _LEX.cue("count_after_only")
_EXCEPT = _LEX.cue("except")
_ALL = _LEX.cue("all")
_NONE = _LEX.cue("none")
_BOTH = _LEX.cue("both")
_ORDERED = _LEX.cue("other.ordered")
_FILING = _LEX.cue("other.filing")
_PHONE_DATA = _LEX.cue("other.phone_data")
_OWNED = re.compile(_LEX.node("other.owned.en"))
_THEIR_CASE = _LEX.cue("other.their_case")
_HEARSAY = _LEX.cue("other.hearsay")
_ELSEWHERE = _LEX.cue("other.elsewhere")
_AGENCY = _LEX.cue("other.agency")
_WISH = _LEX.cue("wish")
_UPCOMING = _LEX.cue("upcoming")
_HOW = re.compile(_LEX.node("how"))
_GOING_TO = re.compile(_LEX.node("going_to"))
_HELPER = re.compile(_LEX.node("helper"))
_ACTS_FOR = re.compile(_LEX.node("acts_for"))
_DID_FOR = re.compile(_LEX.node("did_for"))
_ANSWERED = re.compile(_LEX.node("answered"))
_TOLD_TO = re.compile(_LEX.node("told_to"))
_CAME_OF_IT = re.compile("(?:" + "|".join(_LEX.node("came_of_it.zh")) + ")")
_STATED = re.compile(_LEX.node("stated"))


def _whole(path: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    node = _LEX.node(path)
    english = "|".join(loosen(item) for item in node["en"])
    return re.compile(f"(?:{english})"), re.compile("(?:" + "|".join(node["zh"]) + ")")


_NO_TAIL = _whole("no_tail")
_YES_TAIL = _whole("yes_tail")
_ALL_BARE = _whole("all_bare")
_NONE_BARE = _whole("none_bare")
_BOTH_FIRST = re.compile(_LEX.node("both_first"))
_BEFORE_OTHER_EN = re.compile("(?:" + "|".join(map(loosen, _LEX.node("other.before.en"))) + ")")
_BEFORE_OTHER_ZH = re.compile("(?:" + "|".join(_LEX.node("other.before.zh")) + ")")
_WHOM = re.compile(_LEX.node("other.whom.en"))
_WHOM_VERB = re.compile(_LEX.node("other.whom.verb"))
_DEVICE = re.compile(_LEX.node("other.device.en"))
_OBJECT_EN = re.compile(r"\s*(?:" + "|".join(map(loosen, _LEX.node("other.object.en"))) + ")")
_OBJECT_ZH = re.compile("(?:" + "|".join(_LEX.node("other.object.zh")) + ")")
_TO_OTHER_ZH = re.compile("(?:" + "|".join(_LEX.node("other.to.zh")) + ")$")
_LIGHT_EN = frozenset(_LEX.node("light.en"))
_STOP_EN = frozenset(_LEX.node("light.stop_en"))
_LIGHT_TAIL_EN = frozenset(_LEX.node("light.tail_en"))
_LIGHT_GAP_EN = frozenset(_LEX.node("light.gap_en"))
_LIGHT_ZH = re.compile(_LEX.node("light.zh"))
_LIGHT_GAP_ZH = re.compile(_LEX.node("light.gap_zh"))
_LIGHT_TAIL_ZH = re.compile(_LEX.node("light.tail_zh"))
_IGNORANCE_ZH = re.compile(_LEX.node("light.ignorance_zh"))
# A verb that belongs to another channel: "没看过，电话倒是打了" says nothing about the telephone.
_FOREIGN_VERB = {channel: re.compile(item) for channel, item in _LEX.node("foreign_verb.zh").items()}
_DID_IT = re.compile(_LEX.node("did_it"))
# So many words a negation reaches over, when none of them ends it.
_REACH = 5
_WORD = re.compile(r"[a-z][a-z']*")
_SUBJECT = re.compile(_LEX.node("subject.en"))
_PAST_VERB = re.compile(_LEX.node("past_verb.en"))
_GERUND = re.compile(_LEX.node("gerund.en"))
_CALL_NOUN = re.compile(_LEX.node("call_noun.en"))
_CALL_OWNER = re.compile(_LEX.node("call_owner.en"))
_PAST_TIME = _LEX.cue("past_time")
_WINDOW_PREFIX = re.compile(_LEX.node("window_prefix.zh"))
# So many characters in front of a name may belong to it.
_PREFIX_REACH = 24
_WINDOW_NEGATION = re.compile(_LEX.node("window_negation"))
_SITE_SAYS = re.compile(_LEX.node("site_says"))
_APPOINTMENT = re.compile(_LEX.node("appointment"))
_QUESTION_DID = re.compile(_LEX.node("question_did"))
_ALTERNATIVE = frozenset(_LEX.node("joiners.alternative"))
_NEGATIVE = frozenset(_LEX.node("joiners.negative"))
_LABEL = frozenset(_LEX.node("joiners.label"))
_SUMMARY = frozenset(_LEX.node("joiners.summary"))
_DROPPED = frozenset(_LEX.node("joiners.dropped"))
_CONTRAST = frozenset(_LEX.node("joiners.contrast"))
_JOINING = frozenset(_LEX.node("joiners.list"))
_TRIGGER = re.compile(_LEX.node("trigger"))
_EDGE = " \t\r\n.,!?;:，。！？；：、~～…'\"()（）"


@dataclass
class _Mention:
    channel: str
    start: int
    end: int
    strong: bool
    bare: bool = False
    status: str | None = None
    planned: bool = False
    wished: bool = False
    dropped: bool = False


@dataclass
class _Sentence:
    decided: list[_Mention] = field(default_factory=list)
    open: list[_Mention] = field(default_factory=list)
    planned: list[_Mention] = field(default_factory=list)
    last: str | None = None


def mentions(form: Normal) -> list[tuple[str, int, int]]:
    """All places where a channel is named, without saying whether it was tried.

    Args:
        form: The message in matching form.

    Returns:
        Tuples (channel, start, end), in order.
    """
    copy = in_plain_words(form.raw)
    return [(channel, *copy.span(start, end)) for channel, start, end, _, _ in _spans(normal(copy.text))]


@lru_cache(maxsize=64)
def _spans(form: Normal) -> tuple[tuple[str, int, int, bool, bool], ...]:
    raw: list[_Mention] = []
    for (channel, kind), cue in _CUES.items():
        for hit in cue.finditer(form):
            if hit.end() > hit.start():
                raw.append(_Mention(channel, hit.start(), hit.end(), kind == "strong", kind == "bare"))
    if any(not item.bare for item in raw):
        raw += [_Mention("infopass", hit.start(), hit.end(), True) for hit in _THERE.finditer(form)]
    kept: list[_Mention] = []
    for item in sorted(raw, key=lambda item: (item.bare, item.start - item.end, not item.strong)):
        clash = [other for other in kept if item.start < other.end and other.start < item.end]
        if not clash:
            kept.append(item)
        elif not item.bare:
            for other in clash:
                if other.channel == item.channel and (form.han or item.end > other.end):
                    other.strong = other.strong or item.strong
    kept.sort(key=lambda item: item.start)
    return tuple((item.channel, item.start, item.end, item.strong, item.bare) for item in kept)


def _mentions(form: Normal) -> list[_Mention]:
    return [_Mention(*span) for span in _spans(form)]


def _groups(found: list[_Mention], clause: Clause) -> list[_Mention]:
    groups: list[_Mention] = []
    for item in found:
        if not clause.start <= item.start < clause.end:
            continue
        if groups and groups[-1].channel == item.channel and not item.bare and not groups[-1].bare:
            last = groups[-1]
            last.end = max(last.end, item.end)
            last.strong = last.strong or item.strong
        else:
            groups.append(item)
    return groups


def _windows(form: Normal, clause: Clause, groups: list[_Mention]) -> list[tuple[int, int]]:
    cuts = [clause.start]
    for index in range(1, len(groups)):
        floor = groups[index - 1].end
        cut = max(groups[index].start, floor)
        near = max(floor, cut - _PREFIX_REACH)
        prefix = _WINDOW_PREFIX.search(form.text, near, cut) if form.han else None
        alone = form.latin and _ANSWERED.match(form.text, groups[index].end) is None
        negation = _WINDOW_NEGATION.search(form.text, near, cut) if alone else None
        if negation:
            cut = negation.start()
        elif prefix and not _FOREIGN_VERB[groups[index].channel].search(prefix.group()):
            cut = prefix.start()
        cuts.append(cut)
    cuts.append(max(clause.end, groups[-1].end))
    return [(cuts[index], cuts[index + 1]) for index in range(len(groups))]


def _words_in(text: str, allowed: frozenset[str]) -> bool:
    return all(word in allowed for word in _WORD.findall(text))


def _in_reach(gap: str) -> bool:
    """Whether an English negation before these words still holds behind them."""
    words = _WORD.findall(gap)
    if all(word in _LIGHT_EN for word in words):
        return True
    return len(words) <= _REACH and not any(word in _STOP_EN for word in words)


def _is_han(char: str) -> bool:
    return "\u3400" <= char <= "\u9fff" or char > "\U00020000"


def _own_ignorance_cut(tail: str) -> str:
    """What follows a Chinese negation, up to where the person goes on about what they do not know."""
    further = _IGNORANCE_ZH.search(tail)
    return tail[: further.start()] if further else tail


def _negated(form: Normal, window: tuple[int, int], item: _Mention) -> bool:
    masks = [(hit.start(), hit.end()) for hit in _RESULT.finditer(form, window[0], window[1])]
    for hit in _NEGATION.finditer(form, window[0], window[1]):
        han = _is_han(form.text[hit.start()])
        if any(left < hit.end() and hit.start() < right for left, right in masks):
            continue
        if hit.group() == "neither" and _RESULT.en.match(form.text, hit.start()):
            continue
        if hit.end() <= item.start:
            gap = form.text[hit.end() : item.start]
            if han and _FOREIGN_VERB[item.channel].fullmatch(gap.strip()):
                continue
            if (han and _LIGHT_ZH.fullmatch(gap.strip())) or (not han and _in_reach(gap)):
                return True
        elif hit.start() >= item.end:
            gap = form.text[item.end : hit.start()]
            tail = _own_ignorance_cut(form.text[hit.end() : window[1]]) if han else form.text[hit.end() : window[1]]
            if han and _LIGHT_GAP_ZH.fullmatch(gap.strip()) and _LIGHT_TAIL_ZH.fullmatch(tail.strip(_EDGE)):
                return True
            if not han and _words_in(gap, _LIGHT_GAP_EN) and _words_in(tail, _LIGHT_TAIL_EN):
                return True
        elif (han and not _PERFECT.search(form, item.start, hit.start())) or not han:
            return True
    return False


@lru_cache(maxsize=64)
def _others(form: Normal) -> tuple[tuple[tuple[int, int], ...], tuple[tuple[int, int], ...]]:
    """Where a message speaks of other people's cases or of hearsay, and where of other agencies and firms."""
    told = [*_THEIR_CASE.finditer(form), *_HEARSAY.finditer(form)]
    return tuple(hit.span() for hit in told), tuple(hit.span() for hit in _ELSEWHERE.finditer(form))


def _within(spans: tuple[tuple[int, int], ...], window: tuple[int, int]) -> bool:
    return any(window[0] <= start and end <= window[1] for start, end in spans)


def _elsewhere(form: Normal, window: tuple[int, int], item: _Mention) -> bool:
    """Whether the mention is about somebody or something other than USCIS help."""
    text = form.text
    told, elsewhere = _others(form)
    if _within(told, window):
        return True
    if item.channel == "case_status_online":
        owned = _OWNED.search(text, max(0, item.start - 24), item.end) is not None
        if owned and not _evidence(form, (item.end, window[1]), item) and not _negated(form, window, item):
            return True
    elif not item.bare and _within(elsewhere, window) and not _AGENCY.search(form, *window):
        return True
    if item.channel != "case_status_online":
        before = text[max(0, item.start - 40) : item.start]
        doubtful = item.channel == "infopass" or not item.strong
        if doubtful and (_BEFORE_OTHER_EN.search(before) or _BEFORE_OTHER_ZH.search(before)):
            return True
        if _TO_OTHER_ZH.search(before):
            return True
        if _OBJECT_EN.match(text, item.end) or _OBJECT_ZH.match(text, item.end):
            return True
        if _WHOM_VERB.fullmatch(text, item.start, item.end) and _WHOM.match(text, item.end):
            return True
        first = text.find(" ", item.start, item.end)
        if (
            first > 0
            and item.channel == "infopass"
            and not text.startswith(" with ", first)
            and _OBJECT_EN.match(text, first)
        ):
            return True
    if item.channel == "infopass" and _ORDERED.search(form, window[0], window[1]):
        return True
    if item.channel == "contact_center":
        for hit in _THEY_CALLED.finditer(form, window[0], min(len(text), window[1] + 6)):
            helped = _ACTS_FOR.match(hit.group()) and _HELPER.search(text, 0, hit.start())
            if hit.start() < item.end and item.start <= hit.end() and not helped:
                return True
        if not item.strong and (
            _PHONE_DATA.search(form, window[0], window[1]) or _DEVICE.search(text, max(0, item.start - 24), item.start)
        ):
            return True
    if item.channel == "case_status_online" and not item.strong:
        return _FILING.search(form, window[0], window[1]) is not None
    return False


def _planned(form: Normal, window: tuple[int, int], item: _Mention) -> bool:
    start, end = window
    stop = max(item.start, start)
    if _TOLD_TO.search(form.text, max(0, stop - 40), stop) or _GOING_TO.match(form.text, item.start):
        return True
    if item.channel == "infopass" and _UPCOMING.search(form, item.end, end):
        return True
    hit = _PLAN.search(form, start, min(end, stop + 1 if form.han else stop))
    if hit is None:
        return (
            item.channel != "case_status_online"
            and _BASE_VERB.match(form.text, item.start) is not None
            and _INFINITIVE.search(form.text, max(start, stop - 16), stop) is not None
            and _HAD_TO.search(form, start, end) is None
        )
    if _is_han(form.text[hit.start()]):
        return _PERFECT.search(form, hit.end(), end) is None
    return _HAD_TO.search(form, start, end) is None


def _asked(form: Normal, clause: Clause, window: tuple[int, int], item: _Mention) -> bool:
    hit = _QUESTION.search(form, clause.start, clause.end)
    if hit is None:
        return False
    if _is_han(form.text[hit.start()]):
        return True
    first = _WORD.search(form.text, clause.start, clause.end)
    if clause.joiner and not clause.mark and _NEGATION.search(form, hit.end(), hit.end() + 7):
        return False  # "… and could never reach anybody"
    return first is not None and (hit.start() == first.start() or (clause.mark in "?？" and clause.mark != ""))


def _evidence(form: Normal, window: tuple[int, int], item: _Mention) -> bool:
    start, end = window
    return bool(
        _HABIT.search(form, start, end)
        or _PERFECT.search(form, start, end)
        or _TRIED_WORD.search(form, start, end)
        or _RESULT.search(form, start, end)
        or _ONLY.search(form, start, end)
    )


def _decide(form: Normal, clause: Clause, window: tuple[int, int], item: _Mention) -> None:
    text = form.text
    start, end = window
    if _elsewhere(form, window, item):
        item.dropped = True
        return
    if item.bare:
        masked = _RESULT.search(form, item.start, item.end) is not None
        item.status = NOT_TRIED if not masked and _NEGATION.search(form, item.start, item.end) else TRIED
        return
    asked = _asked(form, clause, window, item)
    if _negated(form, window, item):
        if asked and not _PAST_TIME.search(form, start, end):
            item.planned = True
        else:
            item.status = NOT_TRIED
        return
    english = not any(map(_is_han, text[item.start : item.end]))
    if english:
        done = _SUBJECT.search(text, start, end) is not None and _PAST_VERB.search(text, start, end) is not None
    else:
        done = _PERFECT.search(form, start, end) is not None or _HABIT.search(form, start, end) is not None
    how = asked and _HOW.search(text, clause.start, clause.end) is not None
    if how or (asked and not (done and not _QUESTION_DID.search(text, start, end))):
        item.planned = True
        return
    if _planned(form, window, item):
        item.planned = True
        item.wished = _WISH.search(form, start, end) is not None
        return
    if english and not done and _STATED.match(text, item.start) and _GERUND.search(text[item.start : item.end]):
        return
    if not item.strong:
        if _evidence(form, window, item):
            item.status = TRIED
        return
    if not english:
        if (
            item.channel != "case_status_online"
            or done
            or _evidence(form, window, item)
            or _PAST_TIME.search(form, start, end)
        ):
            item.status = TRIED
        return
    span = text[item.start : item.end]
    if _CALL_NOUN.fullmatch(span):
        if _CALL_OWNER.search(text, start, end) or _evidence(form, window, item):
            item.status = TRIED
        return
    if (
        _PAST_VERB.search(span)
        or _HABIT.search(form, start, end)
        or _PAST_VERB.search(text, start, item.start)
        or _SUBJECT.search(text, start, end)
        or _PAST_TIME.search(form, start, end)
        or _GERUND.search(span)
        or _PERFECT.search(form, item.start, item.end)
        or _SITE_SAYS.search(span)
    ):
        item.status = TRIED


def _full(patterns: tuple[re.Pattern[str], re.Pattern[str]], text: str) -> bool:
    stripped = text.strip(_EDGE)
    return any(pattern.fullmatch(stripped) is not None for pattern in patterns)


def _settle(items: list[_Mention], status: str, sentence: _Sentence) -> None:
    for item in items:
        item.status = status
        item.planned = False
        sentence.decided.append(item)
    items.clear()


def _entity(text: str, item: _Mention, implied: bool = False, generic: bool = False) -> Entity:
    extras: dict[str, object] = {"implied": implied or item.bare}
    if item.bare:
        extras["bare"] = True
    if generic:
        extras["generic"] = True
    return Entity(
        "service_channel", item.channel, item.start, item.end, text[item.start : item.end], item.status, extras
    )


def extract(text: str, today: date) -> list[Entity]:
    """Find the USCIS channels that a message says were or were not tried.

    Args:
        text: The message as typed.
        today: The day of the message; not used, same signature as the other rules.

    Returns:
        At most one ``service_channel`` entity a channel, role ``tried`` or ``not_tried``; what only follows from
        "only" ("I only called") comes as ``other_channel``. Extras: ``implied`` (not
        named itself, follows from "only", "all three", "none" or from a verb alone), ``bare`` (a verb without its
        object, "没打过": the open question may know better), ``generic`` (the whole message is "all three" or
        "都没试过": holds only when channels were asked about). Plans, questions and other people's channels give
        nothing.
    """
    return on_copy(_extract, in_plain_words(text))


def _extract(text: str) -> list[Entity]:
    form = normal(text)
    if _TRIGGER.search(form.text) is None:
        return []
    if _full(_ALL_BARE, form.text) or _full(_NONE_BARE, form.text):
        status = TRIED if _full(_ALL_BARE, form.text) else NOT_TRIED
        return [
            _entity(text, _Mention(channel, 0, len(text), False, status=status), implied=True, generic=True)
            for channel in CHANNELS
        ]
    found = _mentions(form)
    parts = clauses(text)
    sentences: dict[int, _Sentence] = {}
    everything: str | None = None
    everything_at: tuple[int, int] = (0, len(text))
    others: str | None = None
    by_only = False
    excepted: list[_Mention] = []
    except_cue = False
    past_open: list[_Mention] = []
    asked: list[_Mention] = []
    for number, clause in enumerate(parts):
        sentence = sentences.setdefault(clause.sentence, _Sentence())
        groups = _groups(found, clause)
        exception = _EXCEPT.search(form, clause.start, clause.end)
        nothing_else = _NOTHING_ELSE.search(form, clause.start, clause.end)
        if nothing_else is not None and number and _SITE_SAYS.search(form.text, parts[number - 1].start, clause.start):
            nothing_else = None  # "it says received and nothing else"
        none = _NONE.search(form, clause.start, clause.end) if nothing_else is None else None
        every = _ALL.search(form, clause.start, clause.end)
        if exception is not None:
            except_cue = True
            after = [
                item for item in groups if item.start >= exception.end() or not _is_han(form.text[exception.start()])
            ]
            excepted.extend(item for item in after if item.start >= exception.start())
        if nothing_else is not None:
            others, by_only = NOT_TRIED, False
        _unfulfilled(sentence, clause)
        named = bool(groups or sentence.open or sentence.decided)
        if none is not None and not (named and none.group()[0] in _SUMMARY and not except_cue):
            everything, everything_at = NOT_TRIED, none.span()
        elif every is not None and not (named and every.group()[0] in _SUMMARY and not except_cue):
            everything, everything_at = TRIED, every.span()
        if not groups:
            if _full(_YES_TAIL, form.text[clause.start : clause.end]):
                sentence.last = sentence.last or TRIED
            if _DID_FOR.match(form.text, clause.start) and sentence.last == NOT_TRIED:
                sentence.decided[-1].status = sentence.last = TRIED
            if asked and _DID_IT.match(form.text, clause.start, clause.end):
                _settle(asked, TRIED, sentence)
            # "Called? No."
            if asked and _full(_NO_TAIL, form.text[clause.start : clause.end]):
                _settle(asked, NOT_TRIED, sentence)
            _tail(form, clause, sentence, past_open, none is not None, every is not None)
            past_open, asked = [*sentence.open], []
            continue
        windows = _windows(form, clause, groups)
        labelled = _labelled(form, parts, number)
        shared = _shared(form, groups, windows)
        for item, window in zip(groups, windows, strict=True):
            if exception is not None and item in excepted and (none or every or nothing_else or everything):
                continue
            _decide(form, clause, window, item)
            if item.dropped:
                continue
            if item.status is None and not item.planned and _came_of_it(form, parts, number, item):
                item.status = TRIED
            if shared is not None and (item.status is None or item.status != shared):
                item.status = shared
            if none is not None and item.status is None and not item.planned:
                item.status = NOT_TRIED
            if every is not None and item.status is None and not item.planned:
                item.status = TRIED
            if (
                item.status is None
                and not item.planned
                and clause.joiner not in _CONTRAST
                and sentence.last
                and not labelled
                and not _told_later(found, parts, number, item)
            ):
                item.status = sentence.last
            if clause.joiner in _NEGATIVE and not _told_of_result(form, parts, number):
                item.status = NOT_TRIED
            if (
                clause.joiner in _ALTERNATIVE
                and sentence.last == NOT_TRIED
                and not _SUBJECT.search(form.text, clause.start, clause.end)
            ):
                item.status = NOT_TRIED
            if item.status is not None:
                sentence.decided.append(item)
                sentence.last = item.status
                if sentence.open and clause.joiner in _CONTRAST:
                    _settle(sentence.open, TRIED if item.status == NOT_TRIED else NOT_TRIED, sentence)
                elif sentence.open and (_both(form, window) or _both_named(form, parts, number)):
                    _settle(sentence.open, item.status, sentence)
            elif item.planned:
                sentence.planned.append(item)
            else:
                sentence.open.append(item)
        only = _ONLY.search(form, clause.start, clause.end)
        if only is not None and (exception is None or only.start() <= exception.start() < only.end()):
            told = _others_by_only(form, clause, groups, only, others)
            by_only = by_only or told != others
            others = told
        past_open = [*sentence.open]
        asked = [item for item in groups if not item.dropped] if clause.mark and clause.mark in "?？" else []
    told_apart = excepted if except_cue else []
    return _collect(text, form, found, sentences, everything, everything_at, others, by_only, told_apart)


def _unfulfilled(sentence: _Sentence, clause: Clause) -> None:
    """What one wished to do but did not ("I would go there, but it is far away")."""
    if clause.joiner in _CONTRAST | _DROPPED and clause.mark not in ("?", "？"):
        _settle([item for item in sentence.planned if item.wished], NOT_TRIED, sentence)
        sentence.planned = [item for item in sentence.planned if not item.wished]


def _came_of_it(form: Normal, parts: tuple[Clause, ...], number: int, item: _Mention) -> bool:
    """Whether the next clause tells what came of it ("先上网查，一直没变")."""
    if number + 1 >= len(parts) or not item.strong or not _is_han(form.text[item.end - 1]):
        return False
    following = parts[number + 1]
    return following.sentence == parts[number].sentence and (
        _CAME_OF_IT.match(form.text, following.start, following.end) is not None
    )


def _told_later(found: list[_Mention], parts: tuple[Clause, ...], number: int, item: _Mention) -> bool:
    """Whether one of the next two clauses says by a verb alone what was done ("现场的话，要请假，一直没去")."""
    for clause in parts[number + 1 : number + 3]:
        if clause.sentence == parts[number].sentence:
            here = [other for other in found if clause.start <= other.start < clause.end]
            if here:
                return here[0].bare and here[0].channel == item.channel
    return False


def _labelled(form: Normal, parts: tuple[Clause, ...], number: int) -> bool:
    """Whether the next clause is the yes or no to this one ("visit: no")."""
    if number + 1 >= len(parts) or parts[number + 1].sentence != parts[number].sentence:
        return False
    following = parts[number + 1]
    words = form.text[following.start : following.end]
    return following.joiner in _LABEL and (_full(_NO_TAIL, words) or _full(_YES_TAIL, words))


def _both(form: Normal, window: tuple[int, int]) -> bool:
    return _BOTH.search(form, window[0], window[1]) is not None


def _both_named(form: Normal, parts: tuple[Clause, ...], number: int) -> bool:
    """Whether "both" or "neither" stands in front of the two names ("both the website and the phone say …")."""
    before = parts[number - 1] if number else None
    return (
        before is not None
        and before.sentence == parts[number].sentence
        and _BOTH_FIRST.match(form.text, before.start) is not None
    )


def _told_of_result(form: Normal, parts: tuple[Clause, ...], number: int) -> bool:
    """Whether "neither … nor …" speaks of what came of both ("neither the line nor the site was of any use")."""
    start = parts[number - 1].start if number else parts[number].start
    return any(
        hit.start() < parts[number].start < hit.end() for hit in _RESULT.finditer(form, start, parts[number].end)
    )


def _shared(form: Normal, groups: list[_Mention], windows: list[tuple[int, int]]) -> str | None:
    """Decision that one predicate at the end gives to several channels ("电话网站都没试")."""
    if len(groups) < 2:
        return None
    last, window = groups[-1], windows[-1]
    both = _BOTH.search(form, last.end, window[1]) if last.end < window[1] else None
    if both is None:
        return None
    if _NEGATION.search(form, last.end, window[1]) and not _RESULT.search(form, last.end, window[1]):
        return NOT_TRIED
    return TRIED if _evidence(form, (last.end, window[1]), last) else None


def _others_by_only(
    form: Normal, clause: Clause, groups: list[_Mention], only: re.Match[str], others: str | None
) -> str | None:
    if _COUNT.search(form, only.end(), clause.end):
        return others
    statuses = {item.status for item in groups if not item.dropped}
    if statuses == {TRIED}:
        return NOT_TRIED
    if statuses == {NOT_TRIED} and only.start() <= min(item.start for item in groups):
        return TRIED
    return others


def _tail(
    form: Normal, clause: Clause, sentence: _Sentence, past_open: list[_Mention], none: bool, every: bool
) -> None:
    words = form.text[clause.start : clause.end]
    waiting = sentence.open or past_open
    if _full(_NO_TAIL, words) or none:
        if waiting:
            _settle(waiting, NOT_TRIED, sentence)
        if sentence.planned and clause.joiner in _CONTRAST | {",", "，", "and", "yet"}:
            _settle(sentence.planned, NOT_TRIED, sentence)
    elif _full(_YES_TAIL, words) or every:
        if waiting:
            _settle(waiting, TRIED, sentence)
    elif waiting and _BOTH.search(form, clause.start, clause.end):
        negated = _NEGATION.search(form, clause.start, clause.end)
        if negated and not _RESULT.search(form, clause.start, clause.end):
            _settle(waiting, NOT_TRIED, sentence)
        elif _TRIED_WORD.search(form, clause.start, clause.end):
            _settle(waiting, TRIED, sentence)


def _collect(
    text: str,
    form: Normal,
    found: list[_Mention],
    sentences: dict[int, _Sentence],
    everything: str | None,
    everything_at: tuple[int, int],
    others: str | None,
    by_only: bool,
    excepted: list[_Mention],
) -> list[Entity]:
    result: dict[str, Entity] = {}
    if excepted and (everything is not None or others is not None):
        general = everything or others or NOT_TRIED
        opposite = NOT_TRIED if general == TRIED else TRIED
        for item in excepted:
            item.status = opposite
            result[item.channel] = _entity(text, item)
        everything = general
        others = None
    elif excepted:
        for item in excepted:
            item.status = item.status or NOT_TRIED
    decided = [item for sentence in sentences.values() for item in sentence.decided if not item.dropped]
    weak = _never_went(form, decided)
    for wanted in (TRIED, NOT_TRIED):
        for item in decided:
            if weak and item.channel == "infopass" and wanted == TRIED:
                continue
            if item.status == wanted and item.channel not in result:
                result[item.channel] = _entity(text, item)
    if decided and all(item.status == NOT_TRIED for item in decided):
        # "Website and phone. Not the office."
        for sentence in sentences.values():
            named = [item for item in sentence.open if item.status is None and item.end <= decided[0].start]
            if named and _only_names(form, named, decided[0].start):
                _settle(sentence.open, TRIED, sentence)
        decided = [item for sentence in sentences.values() for item in sentence.decided if not item.dropped]
        for item in decided:
            if item.channel not in result:
                result[item.channel] = _entity(text, item)
    still_open = [item for sentence in sentences.values() for item in sentence.open if item.status is None]
    if still_open and not decided and everything is None and _only_names(form, still_open):
        for item in still_open:
            item.status, item.bare = TRIED, True
            result.setdefault(item.channel, _entity(text, item))
    if others is not None and result:
        # "Website, phone, office: I only used the website."
        for item in still_open:
            if item.status is None and not item.planned and item.channel not in result:
                item.status = others
                result[item.channel] = _entity(text, item)
    if everything is not None and (not decided or everything == TRIED or excepted):
        for channel in CHANNELS:
            if channel not in result:
                result[channel] = _entity(
                    text, _Mention(channel, *everything_at, False, status=everything), implied=True
                )
    if others is not None and result:
        for channel in CHANNELS:
            if channel not in result:
                other = _entity(text, _Mention(channel, 0, len(text), False, status=others), implied=True)
                result[channel] = replace(other, entity="other_channel") if by_only else other
    return sorted(result.values(), key=lambda entity: (entity.start, CHANNELS.index(entity.value)))


def _never_went(form: Normal, decided: list[_Mention]) -> bool:
    """Whether an appointment was only asked for, and nobody went ("no slot, so I never went")."""
    asked, went = [], []
    for item in decided:
        if item.channel == "infopass":
            about = _APPOINTMENT.search(form.text, item.start, item.end)
            (asked if about and item.status == TRIED else went).append(item)
    return bool(asked and went) and all(item.status == NOT_TRIED for item in went)


def _only_names(form: Normal, items: list[_Mention], end: int | None = None) -> bool:
    rest = form.text[:end]
    for item in sorted(items, key=lambda item: -item.start):
        rest = rest[: item.start] + " " + rest[item.end :]
    return all(word in _JOINING for word in re.findall(r"[a-z]+|[\u3400-\u9fff]", rest))
