"""Playing a turn: interpretation of the message, then the next step."""
from __future__ import annotations

from collections.abc import Sequence

from actions import (
    asking,
    changing,
    commands,
    faq,
    handing_over,
    language,
    origins,
    outcomes,
    papers,
    pressed,
    status,
    telling,
    unclear,
    volunteered,
)
from actions.answering import pend, take_reading
from actions.claims import claims_of
from actions.confirming import resolve
from actions.message import Message
from actions.readers import READERS, Reading, has_none, yes_or_no
from actions.turn import Turn
from actions.words import Words
from triage import Decision
from triage.facts import DELAY, HARDSHIP, NONE, UNRESOLVED, USCIS_ERROR
from triage.interview import BY_SLOT, FREE_TEXT, ON_THE_PAGE, REVIEW

CRISES = ("crisis_self_harm", "crisis_violence", "crisis_detention")
STORED = ("submitted", "prepared")
# Questions beside the interview, which may be answered wherever they are asked.
BESIDE_QUESTIONS = ("stop", "restart", unclear.KIND)
# Events of the front door itself: nobody is waiting for a reply.
GIVING_UP = ("abandon", "undo")
SILENT_EVENTS = ("retry", *GIVING_UP)
# An answer of this many words to a story question may still be a command or a "no".
SHORT_ANSWER = 14
# Letters that may stand beside "none" without saying more ("no, none").
BESIDE_NONE = 3
LONG_STORY = 25
# What can be wrong with a receipt number that is surely meant as one.
NUMBER_PROBLEMS = ("too_short", "too_long", "lookalike", "unknown_prefix")
CLEAR_COMMAND = 0.6
MISSES_BEFORE_A_PERSON = 2
ROUNDS = 4
NAMES = frozenset({"full_name", "representative_name", "signature_name"})


async def play(turn: Turn, conversation: str) -> None:
    """Play one turn: fills ``turn.replies`` and changes ``turn.memory``.

    Args:
        turn: Message, memory and world.
        conversation: Id of the conversation, for idempotency keys.
    """
    event, before, asked = turn.message.event, dict(turn.memory.answers), turn.memory.at.asking
    await _play(turn, conversation)
    origins.note(turn.memory, event, before, asked)


async def _play(turn: Turn, conversation: str) -> None:
    event = turn.message.event
    if event in SILENT_EVENTS:
        await _without_a_person(turn, conversation)
        return
    chosen = event != papers.EVENT and language.follow(turn.message, turn.memory)
    if event == "open":
        _greet(turn)
        await _proceed(turn, conversation, say_question=False)
    elif event == "resume":
        turn.memory.at.pending = None
        _welcome_back(turn)
        await _proceed(turn, conversation)
    elif event == papers.EVENT:
        papers.take(turn)
        await _proceed(turn, conversation)
    else:
        if chosen:
            turn.say("utter_language_switched", name=turn.label(f"named_{turn.language}"))
        await _understand(turn, chosen)
        if turn.withheld and turn.told_once("withheld"):
            turn.say("utter_later_on_the_page")
        await _proceed(turn, conversation)
    turn.vary()


async def _without_a_person(turn: Turn, conversation: str) -> None:
    if turn.message.event == "retry":
        await handing_over.retry(turn, conversation, lambda: _proceed(turn, conversation))
        if turn.replies:
            turn.vary()
        return
    await handing_over.abandon(turn, conversation, also_stored=turn.message.event == "undo")
    turn.memory.erase()


def _welcome_back(turn: Turn) -> None:
    at = turn.memory.at
    if at.outcome in STORED:
        turn.say("utter_after_submitted", tracking_number=at.tracking_number,
                 email=turn.world.content.office.email)
        return
    turn.say("utter_welcome_back")
    if at.waiting:
        turn.say("utter_still_waiting")


def _greet(turn: Turn) -> None:
    state = turn.world.content.office_state(turn.world.today)
    if state.notice:
        turn.say("utter_office_notice" if state.open else "utter_greet_closed", notice=Words(state.notice))
    turn.say("utter_greet")


async def _understand(turn: Turn, chosen: bool) -> None:
    at, message = turn.memory.at, turn.message
    if pressed.take(turn) if message.event == "payload" else _crisis(turn):
        return
    if at.status is not None and await _status(turn):
        return
    closed = message.elsewhere and at.outcome is None and at.asking in ON_THE_PAGE
    if at.pending and not (closed and at.pending.get("kind") not in BESIDE_QUESTIONS) and resolve(turn):
        return
    message, open_slot = turn.message, at.asking  # what was asked back is played as it was meant
    if chosen and not message.segments and message.event == "text" and message.length <= SHORT_ANSWER:
        return
    if at.outcome is None and open_slot in FREE_TEXT and message.event == "text":
        _own_words(turn, str(open_slot), chosen)
        return
    if closed:
        await _beside_the_page(turn)
        return
    if status.wants_back(turn):
        await status.begin(turn)
        return
    unclear.take_both(turn, open_slot)
    message = turn.message
    if _in_doubt(turn, open_slot):
        return
    command = commands.recognised(turn)
    if command in ("stop", "go_back", "repeat_question") and at.outcome in STORED:
        _after_sending(turn)
        return
    if command and not (chosen and command == "repeat_question"):
        commands.carry_out(turn, command)
        if command == "repeat_question":
            turn.explain = True
        return
    if status.begins(turn) and not _answers(turn, open_slot):
        await status.begin(turn)
        return
    if at.outcome is not None:
        _after_outcome(turn)
        return
    if open_slot and changing.wanted(message) and _about_another(turn, open_slot) and changing.apply(turn):
        return
    answered = _read(turn, open_slot)
    volunteered.take_all(turn, open_slot)
    _tell_noted(turn)
    answered = _faulty_number(turn, open_slot) or answered
    _questions(turn, answered)
    if answered or turn.handled:
        return
    _neither(turn, open_slot)


async def _beside_the_page(turn: Turn) -> None:
    """The open question is answered on the page alone: whatever is said meanwhile, nothing is taken for its answer."""
    message, at = turn.message, turn.memory.at
    command = commands.recognised(turn)
    names = changing.named(turn)
    if command and command != "repeat_question":
        commands.carry_out(turn, command)
    elif status.wants_back(turn) or status.begins(turn):
        await status.begin(turn)
    elif changing.wanted(message) and names and not ON_THE_PAGE.intersection(names) and changing.apply(turn):
        return
    else:
        _questions(turn, answered=False)
        if not turn.handled:
            commands.small_talk(turn)
    if at.asking in ON_THE_PAGE:
        turn.handled = True


def _in_doubt(turn: Turn, slot: str | None) -> bool:
    """Ask back where a wrong guess would cost something; the facts in the message are kept."""
    fits = slot in NAMES | {"mailing_address", "documents"} or _answers(turn, slot)
    return _ask_back(turn, slot, unclear.doubt(turn, slot, fits))


def _ask_back(turn: Turn, slot: str | None, readings: Sequence[str]) -> bool:
    if not readings:
        return False
    unclear.ask(turn, readings)
    unclear.take_facts(turn, slot)
    _tell_noted(turn)
    return True


def _crisis(turn: Turn) -> bool:
    """Say whom to call; a story told along with it goes on being understood."""
    message, at = turn.message, turn.memory.at
    found = [name for name in CRISES if message.cue(name)]
    for name in found:
        lines = telling.contacts(turn.world, turn.world.content.crisis_contacts(name))
        turn.say(f"utter_{name}", contacts=lines)
    if not found:
        return False
    if at.asking or at.outcome is None:
        turn.say("utter_crisis_go_on")
    if at.asking == "grounds" and at.outcome is None:
        volunteered.story(turn)
        volunteered.take_all(turn, "grounds")
    elif at.asking == "problem_description" and message.length > LONG_STORY:
        at.opening = message.text
    return True


async def _status(turn: Turn) -> bool:
    if status.confirming(turn):
        return await status.confirmed(turn)
    command = commands.recognised(turn, CLEAR_COMMAND)
    if command and command != "repeat_question":
        turn.memory.at.status = None
        return False
    topics = faq.topics_in(turn.message, answered=False)
    if turn.message.is_question and topics and not turn.message.first("tracking_number"):
        for intent in topics:
            faq.answer(turn, intent)
        return True
    return await status.read(turn)


def _own_words(turn: Turn, slot: str, chosen: bool) -> None:
    """A story is stored as written; only commands and emergencies interrupt it."""
    message = turn.message
    short = message.length <= SHORT_ANSWER
    if chosen and message.length <= 2 * SHORT_ANSWER and message.sure("switch_language"):
        return
    if short:
        command = commands.recognised(turn, CLEAR_COMMAND)
        if command:
            commands.carry_out(turn, command)
            turn.explain = command == "repeat_question"
            return
        if message.cue("ask_why") and message.is_question:
            turn.say(f"utter_why_{slot}")
            return
        if message.sure("skip", at_least=CLEAR_COMMAND):
            commands.skip(turn, slot)
            return
        if _short_reaction(turn, slot):
            return
    if len(message.text) > turn.world.content.settings.description_max_chars:
        turn.say("utter_answer_too_long", limit=turn.world.content.settings.description_max_chars)
        turn.hold = True
        return
    turn.put(slot, message.text)
    commands.settle(turn, slot)


def _short_reaction(turn: Turn, slot: str) -> bool:
    """A "yes", "no", "hello" or "I don't know" in the place of a story."""
    message, at, memory = turn.message, turn.memory.at, turn.memory
    optional = bool(BY_SLOT.get(slot) and BY_SLOT[slot].optional)
    if at.not_sent and slot in memory.answers and message.sure("affirm"):
        commands.settle(turn, slot)
        return True
    if at.opening and slot in ("problem_description", "feedback_text") and message.length <= 8 and message.sure(
            "affirm", at_least=CLEAR_COMMAND):
        turn.put(slot, at.opening)
        commands.settle(turn, slot)
        return True
    if optional and message.length <= 6 and (message.sure("unsure", "deny") or _says_only_none(message)):
        memory.skip(slot)
        commands.settle(turn, slot)
        return True
    if slot == "hardship_detail" and _no_hardship(turn):
        return True
    if message.length <= 5 and (message.sure("affirm", "greet", "thank", "unsure", "frustrated", "ask_capabilities",
                                             at_least=CLEAR_COMMAND) or not any(c.isalnum() for c in message.text)):
        at.misses += 1
        turn.explain = turn.handled = True
        return True
    return False


def _says_only_none(message: Message) -> bool:
    """Whether "none" is all that is said: "they promised, but nothing came" has the word in it and is an answer."""
    rest = message.text
    for item in message.all("cue"):
        if item["value"] == "none":
            rest = rest.replace(str(item["text"]), "", 1)
    return rest != message.text and sum(char.isalnum() for char in rest) <= BESIDE_NONE


def _no_hardship(turn: Turn) -> bool:
    message, memory = turn.message, turn.memory
    denied = any(item["value"] == HARDSHIP for item in message.all("ground", "denied"))
    claimed = any(item["value"] == HARDSHIP for item in message.all("ground", "claimed"))
    if claimed or not (denied or (message.length <= 4 and message.sure("deny"))):
        return False
    turn.put("grounds", [name for name in memory.answers.get("grounds", []) if name != HARDSHIP])
    if not memory.answers["grounds"]:
        memory.forget("grounds")
    commands.settle(turn, "hardship_detail")
    return True


def _answers(turn: Turn, slot: str | None) -> bool:
    """Whether the message answers the open question (without storing it)."""
    reader = READERS.get(slot or "")
    if reader is None or slot in NAMES | {"mailing_address", "documents", "grounds"}:
        return False
    reading = reader(turn.message, turn.world.today, turn.memory.answers)
    return bool(reading and reading.values)


def _about_another(turn: Turn, open_slot: str) -> bool:
    names = changing.named(turn)
    if open_slot == REVIEW:
        return True
    if names and names[:1] == turn.memory.at.trail[-1:] and not turn.message.cue("replace"):
        return False  # it was answered just now; the word is part of another answer
    # "The confirmation of my change of address, later": the words name a paper.
    if names and open_slot == "documents" and (
            turn.message.cue("papers_later") or not turn.message.sure("change_answer", at_least=CLEAR_COMMAND)):
        return False
    if names:
        return open_slot not in names
    return bool(turn.memory.answers) and not _answers(turn, open_slot) and turn.message.sure("change_answer")


def _read(turn: Turn, slot: str | None) -> bool:
    """Read the answer to the open question.

    Returns:
        Whether it was answered, or a problem with the answer was told.
    """
    if slot is None:
        return False
    if slot == "grounds":
        return _read_grounds(turn)
    if slot == REVIEW:
        return _read_review(turn)
    context = {**turn.memory.answers, "misses": turn.memory.at.misses, "language": turn.language}
    question = slot in READERS and READERS[slot](turn.message, turn.world.today, context)
    if not isinstance(question, Reading):
        return False
    if slot in NAMES and not turn.message.first("person_name") and _is_no_name(turn):
        return False
    return take_reading(turn, slot, question)


def _faulty_number(turn: Turn, slot: str | None) -> bool:
    """Tell what is wrong with a receipt number that was said beside another question, which stays open."""
    items = [item for item in turn.message.all("receipt_number") if item.get("problem") in NUMBER_PROBLEMS]
    if slot == "receipt_numbers" or not items or turn.hold:
        return False
    reading = READERS["receipt_numbers"](turn.message, turn.world.today, turn.memory.answers)
    if reading is None:
        return False
    if reading.pending is not None:
        return pend(turn, dict(reading.pending))
    if reading.problem is None:
        return False
    turn.say(reading.problem, **reading.details)
    turn.handled = True
    return True


def _is_no_name(turn: Turn) -> bool:
    """Whether a short text that could be a name is rather something else that was understood for sure."""
    message = turn.message
    if message.sure("skip", "unsure", "deny", "frustrated", "thank", "greet", "goodbye", "change_answer",
                    at_least=CLEAR_COMMAND):
        return True
    return message.length > 4 and bool(faq.topics_in(message, answered=True))


def _read_grounds(turn: Turn) -> bool:
    at, message, memory = turn.memory.at, turn.message, turn.memory
    variant = at.variant
    if variant == "only_waiting":
        return _read_only_waiting(turn)
    if variant in ("disagreement", "concern"):
        return _read_beyond(turn)
    before = len(turn.noted)
    claims = volunteered.story(turn)
    if not claims.grounds and not claims.concern and not claims.not_received:
        reading = READERS["grounds"](message, turn.world.today, memory.answers)
        if reading is None:
            return False
        volunteered.add_grounds(turn, tuple(reading.values["grounds"]))
    if memory.answers.get("grounds"):
        if at.opening is None or message.length < 8:
            turn.noted = turn.noted[:before]
        commands.settle(turn, "grounds")
    return True


def _read_only_waiting(turn: Turn) -> bool:
    at, message = turn.memory.at, turn.message
    found = claims_of(message)
    claimed = found.grounds
    beyond = tuple(name for name in claimed if name not in (DELAY, UNRESOLVED))
    if beyond or found.not_received:
        at.waiting_only = False
        volunteered.add_grounds(turn, beyond or (USCIS_ERROR,))
    elif UNRESOLVED in claimed and DELAY not in claimed and not message.cue("only"):
        at.waiting_only = False
    elif (DELAY in claimed or message.cue("only", "none") or found.denied or yes_or_no(message) is False
          or at.misses > 0):
        at.waiting_only = True
    else:
        return False
    commands.settle(turn, "grounds")
    return True


def _read_beyond(turn: Turn) -> bool:
    """Answer to: is there, besides the disagreement (or the other agency), something USCIS did wrong?"""
    at, message = turn.memory.at, turn.message
    found = claims_of(message)
    agreed = yes_or_no(message)
    same = found.concern == at.concern or message.cue("only")
    if found.grounds and not (agreed is False and message.sure("deny")):
        volunteered.add_grounds(turn, found.grounds)
    elif found.not_received:
        volunteered.add_grounds(turn, (USCIS_ERROR,))
    elif agreed is True and not same:
        if at.concern == "disagreement":
            volunteered.add_grounds(turn, (USCIS_ERROR,))
        else:
            at.concern = None
    elif same or agreed is False or found.denied or message.cue("none") or at.misses > 0:
        at.concern_settled = True
    else:
        return False
    commands.settle(turn, "grounds")
    return True


def _read_review(turn: Turn) -> bool:
    message, at = turn.message, turn.memory.at
    if message.is_question and faq.topics_in(message, answered=False) and not message.sure("affirm"):
        return False
    corrects = [item for item in message.entities if item["entity"] in changing.BY_ENTITY]
    agreed = yes_or_no(message)
    if corrects and agreed is not True:
        return changing.apply(turn)
    if agreed is True:
        at.reviewed = True
        turn.handled = True
        return True
    if agreed is False:
        changing.choose(turn)
        turn.hold = True
        return True
    return False


def _tell_noted(turn: Turn) -> None:
    slots = [slot for slot in dict.fromkeys(turn.noted) if slot in turn.memory.answers and slot in BY_SLOT]
    if slots:
        turn.replies.insert(0, turn.reply("utter_noted", items=changing.noted_items(turn, slots)))
        turn.handled = True


def _questions(turn: Turn, answered: bool) -> None:
    message, at = turn.message, turn.memory.at
    if message.cue("ask_why") and message.is_question and at.asking and not answered:
        slot = at.asking if at.asking != REVIEW else "consent"
        turn.say(f"utter_why_{slot}")
        return
    for intent in faq.topics_in(message, answered or bool(turn.changed)):
        faq.answer(turn, intent)


def _neither(turn: Turn, slot: str | None) -> None:
    """No answer, no fact, no known question: things beside the matter, then helping again."""
    message, at = turn.message, turn.memory.at
    if message.sure("unsure") and slot and slot != REVIEW:
        commands.unsure(turn, slot)
        return
    if message.sure("skip") and slot:
        commands.skip(turn, slot)
        return
    if slot != "grounds" and turn.memory.answers.get("grounds"):
        for intent in faq.BESIDE:
            if message.sure(intent, at_least=faq.SURELY_ASKED if not message.is_question else 0.5):
                faq.answer(turn, intent)
                return
    if changing.wanted(message) and turn.memory.answers and message.sure("change_answer"):
        changing.apply(turn)
        return
    if commands.small_talk(turn):
        if commands.does_not_belong(message):
            at.misses += 1
            _offer_a_person_if_stuck(turn)
        return
    if has_none(message) and slot and BY_SLOT.get(slot) and BY_SLOT[slot].optional:
        turn.memory.skip(slot)
        commands.settle(turn, slot)
        return
    if message.sure("switch_language"):
        turn.say("utter_which_language")
        return
    if turn.meant is not None:
        turn.explain = turn.handled = True  # the person has just said what is meant; it answers nothing here
        return
    if unclear.answer_harmless(turn, slot):
        return
    at.misses += 1
    if _ask_back(turn, slot, unclear.guesses(turn, slot)):
        return
    turn.doubts.append("not_understood")
    if slot and at.misses > MISSES_BEFORE_A_PERSON and BY_SLOT.get(slot) and BY_SLOT[slot].optional:
        # Nobody is kept at a question that may be passed over.
        commands.skip(turn, slot)
        return
    if slot and at.misses == 1 and (slot.endswith("_date") or slot == "date_of_birth"):
        turn.say("utter_invalid_date_unclear")
    else:
        turn.say(f"utter_not_understood_{(at.misses - 1) % 3 + 1}")
    _offer_a_person_if_stuck(turn)
    turn.explain = at.misses % 2 == 1


def _offer_a_person_if_stuck(turn: Turn) -> None:
    if turn.memory.at.misses > MISSES_BEFORE_A_PERSON:
        commands.offer_a_person(turn)


def _after_outcome(turn: Turn) -> None:
    """The talk goes on after an outcome: a new fact reopens it, anything else is answered."""
    message, at, memory = turn.message, turn.memory.at, turn.memory
    if at.outcome in STORED:
        _after_sending(turn)
        return
    if at.outcome == "handed_to_human" and not message.sure("thank", "goodbye", "talk_to_human"):
        at.wants_human = False
        turn.handled = True
    if at.outcome == "cancelled" and not message.sure("thank", "goodbye", "affirm", "deny", "greet"):
        memory.erase()
        turn.handled = False
        at = memory.at
    if at.outcome == "consent_declined":
        _reconsider(turn)
    if at.outcome == "feedback" or at.concern:
        _new_concern(turn)
    elif changing.wanted(message) and changing.named(turn):
        changing.apply(turn)
    volunteered.story(turn)
    if at.waiting_only and {HARDSHIP, USCIS_ERROR} & set(memory.answers.get("grounds", ())):
        at.waiting_only = False
    if message.first("form_type") and changing.wanted(message):
        memory.forget("form_type")
    volunteered.take_all(turn, None)
    _tell_noted(turn)
    _questions(turn, bool(turn.changed))
    if not turn.handled:
        commands.small_talk(turn)


def _new_concern(turn: Turn) -> None:
    at, found = turn.memory.at, claims_of(turn.message)
    if found.grounds or found.not_received or (found.concern and found.concern != at.concern):
        at.concern, at.concern_settled, at.feedback_stored = None, False, False
        turn.memory.forget("feedback_text")


def _reconsider(turn: Turn) -> None:
    message = turn.message
    way = message.first("delivery")
    if way and way["value"] != "online":
        turn.put("delivery", way["value"])
        turn.handled = True
    elif message.sure("affirm"):
        if message.elsewhere:
            turn.memory.forget("consent")  # it is asked for again, on the page
        else:
            turn.put("consent", True)
        turn.handled = True


def _after_sending(turn: Turn) -> None:
    message = turn.message
    topics = faq.topics_in(message, answered=False)
    for intent in topics:
        faq.answer(turn, intent)
    if topics or commands.small_talk(turn):
        return
    if (changing.wanted(message) or claims_of(message).grounds or _brings_facts(message)
            or message.sure("stop", "go_back")):
        turn.say("utter_after_submitted", tracking_number=turn.memory.at.tracking_number,
                 email=turn.world.content.office.email)


def _brings_facts(message: Message) -> bool:
    return any(item["entity"] != "cue" or item["value"] not in ("yes", "no", "hedged") for item in message.entities)


async def _proceed(turn: Turn, conversation: str, say_question: bool = True) -> None:
    """Decide what comes next, and say it."""
    at = turn.memory.at
    decision = turn.decide()
    for _ in range(ROUNDS):
        if not decision.ready:
            break
        hand_over = handing_over.give_feedback if decision.rule == "feedback" else handing_over.send
        sent = await hand_over(turn, conversation)
        turn.hold = turn.hold or at.not_sent
        decision = turn.decide()
        if not sent:
            break
    handing_over.settle_waiting(turn)
    if decision.outcome == "cancelled" and at.outcome != "cancelled":
        turn.abandoned = await handing_over.abandon(turn, conversation)
    _record(turn, decision)
    if at.pending and at.pending.get("kind") in BESIDE_QUESTIONS:
        return
    if at.status is not None:
        _ask_status(turn, decision)
        return
    if decision.outcome is not None and not (at.forced and decision.outcome not in ("cancelled", "handed_to_human")):
        _conclude(turn, decision)
        return
    at.outcome = None
    slot = at.forced or decision.question
    if slot is None:
        return
    handed_over = asking.LAST_BEFORE_SENDING.get(slot)
    if handed_over and handed_over not in at.offered:
        at.offered = [*at.offered, handed_over]
    variant = None if at.forced else decision.variant
    if not say_question:
        at.asking, at.variant = slot, variant
    elif turn.hold and (at.asking == slot or at.pending):
        at.asking = slot
    elif turn.explain and at.asking == slot:
        asking.explain(turn, slot, variant, decision)
    else:
        asking.ask(turn, slot, variant, decision)


def _record(turn: Turn, decision: Decision) -> None:
    memory, facts = turn.memory, turn.memory.facts()
    if facts.by_company and "date_of_birth" not in memory.answers:
        memory.answers["date_of_birth"] = NONE
    elif not facts.by_company and memory.answers.get("date_of_birth") == NONE:
        memory.forget("date_of_birth")
    memory.at.grounds = list(decision.grounds)
    checked = DELAY in facts.grounds and facts.settled("form_type") and facts.settled("filing_date")
    if checked or decision.outcome == "wait_until":
        memory.answers["delay_verified"] = decision.delay.verified
    else:
        memory.answers.pop("delay_verified", None)


def _ask_status(turn: Turn, decision: Decision) -> None:
    at = turn.memory.at
    if status.confirming(turn):
        status.ask_to_confirm(turn)
        return
    slot = "request_proof" if (at.status or {}).get("number") else "request_number"
    if at.asking == slot and turn.replies and turn.replies[-1].key.startswith("utter_invalid"):
        return
    asking.ask(turn, slot, None, decision)


def _conclude(turn: Turn, decision: Decision) -> None:
    at = turn.memory.at
    fresh = at.outcome != decision.outcome
    at.outcome = decision.outcome
    at.asking = at.variant = at.pending = None
    if decision.outcome == "cancelled":
        turn.memory.erase()
        turn.memory.at.outcome, turn.memory.at.stopped = "cancelled", True
    if fresh or (turn.changed and not turn.replies):
        outcomes.tell(turn, decision)
    elif not turn.replies:
        turn.say(f"utter_continue_after_outcome_{at.turns % 3 + 1}")

