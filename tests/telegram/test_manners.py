"""How the bot behaves in Telegram: buttons, repeated and edited messages, groups, files, commands, numbers, logs."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest

from messenger.updates import COMMANDS
from messenger.words import LANGUAGES, Words
from tests.telegram.people import TAGS, link_of
from tests.telegram.worker import Worker
from tools.bot_api.person import Person
from tools.bot_api.server import units

WORDS = Words()
STORY = {
    "en": "USCIS misspelled my name on the new card, I called them and they did nothing about it.",
    "zh-Hans": "移民局把我新卡上的名字拼错了，我打过电话，他们没有改。",
    "zh-Hant": "移民局把我新卡上的名字拼錯了，我打過電話，他們沒有改。",
}


@pytest.fixture
def person(worker: Worker, language: str) -> Person:
    """Somebody who has said hello."""
    somebody = worker.person(TAGS[language])
    somebody.say("/start")
    return somebody


@pytest.fixture
def someone(worker: Worker) -> Person:
    """Somebody who has said hello in English."""
    somebody = worker.person()
    somebody.say("/start")
    return somebody


# ---- first words, language


def test_what_passes_telegram_is_said_before_anything_else(person: Person, language: str) -> None:
    first = person.last[0].text
    assert first.startswith(WORDS("notice", language)[:40])  # type: ignore[arg-type]
    assert "Telegram" in first.split("\n")[0]


def test_also_without_start(worker: Worker, language: str) -> None:
    somebody = worker.person(TAGS[language])
    somebody.say(STORY[language])
    assert somebody.last[0].text.startswith(WORDS("notice", language)[:40])  # type: ignore[arg-type]
    assert worker.state(somebody)["asking"] == "form_type"


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("zh-hans", "zh-Hans"),
        ("zh-hant", "zh-Hant"),
        ("zh-tw", "zh-Hant"),
        ("zh", "zh-Hans"),
        ("en", "en"),
        ("fr", "en"),
    ],
)
def test_the_first_guess_is_the_language_of_the_profile(worker: Worker, tag: str, expected: str) -> None:
    somebody = worker.person(tag)
    somebody.say("/start")
    assert worker.state(somebody)["language"] == expected


@pytest.mark.parametrize(
    ("tag", "given", "expected"),
    [
        ("en", "zh-Hant_web", "zh-Hant"),
        ("zh-hans", "en_QR1", "en"),
        ("zh-hant", "zh-Hans_Poster2026", "zh-Hans"),
        ("zh-hant", "QR1", "zh-Hant"),
        ("zh-hant", "en_" + "x" * 13, "zh-Hant"),
    ],
)
def test_a_link_to_the_bot_can_name_a_language(worker: Worker, tag: str, given: str, expected: str) -> None:
    somebody = worker.person(tag)
    somebody.say(f"/start {given}")
    assert worker.state(somebody)["language"] == expected


def test_start_again_goes_on_where_one_stopped(worker: Worker, someone: Person) -> None:
    someone.say(STORY["en"])
    someone.say("/start")
    assert worker.state(someone)["asking"] == "form_type"
    assert "Welcome back" in someone.text


def test_the_step_is_told(person: Person, language: str) -> None:
    person.say(STORY[language])
    assert WORDS("step", language, {"step": "2", "steps": "6"}) in person.text  # type: ignore[arg-type]


# ---- buttons (point 38)


def test_buttons_stand_one_in_a_row_and_their_data_is_short(worker: Worker, person: Person, language: str) -> None:
    person.say(STORY[language])
    assert len(person.buttons) >= 4
    for sent in worker.api.in_chat(person.chat):
        for row in sent.keyboard:
            assert len(row) == 1
            assert len(row[0].get("callback_data", "").encode()) <= 64


def test_every_tap_is_answered_at_once_and_the_choice_stays_in_the_text(
    worker: Worker, person: Person, language: str
) -> None:
    person.say(STORY[language])
    asked = person.last[-1]
    data, number = person.find("I-485")
    query = person.press(data, number)
    person.wait()
    assert worker.api.answered[query] - worker.api.asked[query] < 1
    assert asked.text.endswith("✔ I-485")
    assert asked.keyboard == []
    assert worker.state(person)["answers"]["form_type"] == "I-485"


def test_an_old_button_changes_nothing_and_says_so(worker: Worker, person: Person, language: str) -> None:
    person.say(STORY[language])
    data, number = person.find("I-485")
    person.say("N-400")
    before = worker.state(person)
    person.press(data, number)
    person.wait()
    assert person.text == WORDS("stale", language)  # type: ignore[arg-type]
    assert worker.state(person) == before
    assert worker.api.messages[person.chat][number].keyboard == []


def test_the_same_button_twice_is_one_choice(worker: Worker, someone: Person) -> None:
    someone.say(STORY["en"])
    data, number = someone.find("I-485")
    turns = worker.turns(someone)
    someone.press(data, number)
    someone.press(data, number)
    someone.wait()
    time.sleep(0.3)
    assert worker.turns(someone) == turns + 1
    assert len(worker.api.in_chat(someone.chat)) == someone.seen


@pytest.mark.parametrize("data", ["0.0", "ffffffff.0", "1.99", "x", "a|1|2|3", "1.0'; DROP TABLE messenger_people;--"])
def test_buttons_nobody_was_shown_do_nothing(worker: Worker, someone: Person, data: str) -> None:
    before = worker.state(someone)
    someone.press(data, someone.last[-1].message_id)
    someone.wait()
    assert someone.text == WORDS("stale", "en")
    assert worker.state(someone) == before


def test_nobody_presses_the_buttons_of_others(worker: Worker, someone: Person) -> None:
    other = worker.person()
    other.say("/start")
    other.say(STORY["en"])
    data, _ = other.find("I-485")
    someone.press(data, someone.last[-1].message_id)
    someone.wait()
    assert someone.text == WORDS("stale", "en")
    assert "form_type" not in worker.state(other)["answers"]


# ---- repeated and edited messages (point 39)


def test_the_same_update_twice_is_one_turn(worker: Worker, someone: Person) -> None:
    number = worker.api.new_update_id()
    turns = worker.turns(someone)
    someone.send(STORY["en"], number)
    someone.wait()
    someone.send(STORY["en"], number)
    time.sleep(0.5)
    assert worker.turns(someone) == turns + 1
    assert len(worker.api.in_chat(someone.chat)) == someone.seen


def test_a_changed_message_changes_nothing(worker: Worker, person: Person, language: str) -> None:
    person.say(STORY[language])
    before, turns = worker.state(person), worker.turns(person)
    person.edit("N-400")
    person.wait()
    assert person.text == WORDS("edited", language)  # type: ignore[arg-type]
    assert (worker.state(person), worker.turns(person)) == (before, turns)


# ---- groups (point 40)


def _group(worker: Worker, chat: int, kind: str = "group") -> dict[str, Any]:
    worker.api.meet(chat, kind)
    return {"id": chat, "type": kind, "title": "A group"}


@pytest.mark.parametrize("kind", ["group", "supergroup", "channel"])
def test_a_group_gets_one_line_and_is_left(worker: Worker, kind: str) -> None:
    number = {"group": -4001, "supergroup": -100_4002, "channel": -100_4003}[kind]
    chat = _group(worker, number, kind)
    somebody = {"id": 5_559_000_001, "is_bot": False, "first_name": "Somebody"}
    us = {"id": 123456, "is_bot": True, "first_name": "Guide", "username": "case_guide_bot"}
    before = worker.front_door("SELECT count(*) FROM conversations")
    added = {
        "chat": chat,
        "from": somebody,
        "date": 1,
        "old_chat_member": {"status": "left", "user": us},
        "new_chat_member": {"status": "member", "user": us},
    }
    message = {"message_id": 1, "date": 1, "chat": chat, "from": somebody, "text": "I-485 /start @case_guide_bot"}
    worker.api.push({"my_chat_member": added})
    if kind != "channel":
        worker.api.push({"message": message})
        worker.api.push({"message": {**message, "message_id": 2}})
    assert worker.api.wait(lambda: number in worker.api.left)
    time.sleep(0.3)
    (line,) = worker.api.in_chat(number)
    assert "\n" not in line.text
    assert all(WORDS("group", language) in line.text for language in LANGUAGES)
    assert worker.front_door("SELECT count(*) FROM conversations") == before


def _added_to(worker: Worker, chat: int) -> None:
    us = {"id": 123456, "is_bot": True, "first_name": "Guide", "username": "case_guide_bot"}
    worker.api.push(
        {
            "my_chat_member": {
                "chat": _group(worker, chat),
                "from": {"id": 5_559_000_001, "is_bot": False, "first_name": "Somebody"},
                "date": 1,
                "old_chat_member": {"status": "left", "user": us},
                "new_chat_member": {"status": "member", "user": us},
            }
        }
    )


def test_a_group_where_we_may_not_speak_is_left_all_the_same(make_worker: Callable[..., Worker]) -> None:
    worker = make_worker().start()
    worker.api.fault = lambda method, _given: "403" if method == "sendMessage" else None
    _added_to(worker, -4101)
    assert worker.api.wait(lambda: -4101 in worker.api.left)
    time.sleep(0.5)
    assert len(worker.api.of("sendMessage")) == 1
    assert worker.api.in_chat(-4101) == []


def test_a_group_that_has_moved_is_left_where_it_is_now(make_worker: Callable[..., Worker]) -> None:
    worker = make_worker().start()
    worker.api.meet(-100_4103, "supergroup")
    worker.api.migrated[-4102] = -100_4103
    _added_to(worker, -4102)
    assert worker.api.wait(lambda: -100_4103 in worker.api.left)
    time.sleep(0.5)
    (line,) = worker.api.in_chat(-100_4103)
    assert WORDS("group", "en") in line.text
    assert len(worker.api.of("sendMessage")) == 2


# ---- texts (point 41)


def test_a_long_text_is_split_where_a_paragraph_ends(worker: Worker, someone: Person) -> None:
    someone.say("I have no case, I only want to make a suggestion so that USCIS gets better.")
    story = "\n\n".join(f"Paragraph {number}: 我等了很久 😀😀 " + "x" * 212 for number in range(17))
    assert units(story) <= 4096
    someone.say(story)
    assert worker.state(someone)["outcome"] == "feedback"
    someone.say("/review")
    assert len(someone.last) >= 2
    assert all(units(sent.text) <= 4096 for sent in someone.last)
    assert all(sent.text.rstrip()[-1] in "x:.。" for sent in someone.last)
    assert all(sent.protected for sent in someone.last)
    assert "".join(someone.text.split()).count("Paragraph") == 17


def test_signs_of_markup_are_signs_like_any_others(worker: Worker, someone: Person) -> None:
    marks = "_*[]()~`>#+-=|{}.!<b>&amp;</b> <script> \\ %s {name}"
    someone.say(f"USCIS made a mistake {marks} in my case")
    someone.say('/case_delayed{"x":1}')
    assert someone.last
    assert not any(call.parameters.get("parse_mode") for call in worker.api.calls)
    assert not any(call.code == 400 and "parse" in str(call) for call in worker.api.calls)


# ---- what is no text (point 42)

MEDIA: dict[str, dict[str, Any]] = {
    "photo": {"photo": [{"file_id": "a", "file_unique_id": "b", "width": 1, "height": 1}]},
    "document": {"document": {"file_id": "a", "file_unique_id": "b", "file_name": "passport.pdf"}},
    "voice": {"voice": {"file_id": "a", "file_unique_id": "b", "duration": 3}},
    "audio": {"audio": {"file_id": "a", "file_unique_id": "b", "duration": 3}},
    "video": {"video": {"file_id": "a", "file_unique_id": "b", "duration": 3, "width": 1, "height": 1}},
    "animation": {
        "animation": {"file_id": "a", "file_unique_id": "b", "duration": 3, "width": 1, "height": 1},
        "document": {"file_id": "a", "file_unique_id": "b"},
    },
    "video_note": {"video_note": {"file_id": "a", "file_unique_id": "b", "duration": 3, "length": 1}},
    "venue": {"venue": {"location": {"latitude": 1.0, "longitude": 2.0}, "title": "Here", "address": "1 Street"}},
    "poll": {
        "poll": {
            "id": "1", "question": "Yes?", "total_voter_count": 0, "is_closed": False, "is_anonymous": True,
            "options": [{"text": "Yes", "voter_count": 0, "persistent_id": "1"}], "type": "regular",
            "allows_multiple_answers": False, "allows_revoting": True, "members_only": False,
        }
    },
    "dice": {"dice": {"emoji": "🎲", "value": 3}},
    "contact": {"contact": {"phone_number": "+12025550123", "first_name": "Ann"}},
    "location": {"location": {"latitude": 1.0, "longitude": 2.0}},
    "sticker": {
        "sticker": {
            "file_id": "a", "file_unique_id": "b", "type": "regular", "width": 1, "height": 1,
            "is_animated": False, "is_video": False,
        }
    },
}  # fmt: skip


@pytest.mark.parametrize("kind", MEDIA)
def test_what_is_no_text_is_refused_kindly_and_not_fetched(
    worker: Worker, person: Person, language: str, kind: str
) -> None:
    before = worker.state(person)
    person.give(**MEDIA[kind])
    person.wait()
    assert person.text.startswith(WORDS("media", language))  # type: ignore[arg-type]
    assert link_of(person)
    assert worker.state(person) == before
    assert worker.api.of("getFile") == []


def test_a_place_that_is_shared_live_is_answered_once(worker: Worker, someone: Person) -> None:
    someone.give(**MEDIA["location"])
    someone.wait()
    for _ in range(3):
        someone.change(location={"latitude": 1.5, "longitude": 2.0, "live_period": 900})
    someone.change(caption="I-485")
    someone.wait()
    time.sleep(0.3)
    assert someone.text == WORDS("edited", "en")
    assert len(worker.api.in_chat(someone.chat)) == someone.seen


def test_an_album_is_refused_once(worker: Worker, someone: Person) -> None:
    for _ in range(3):
        someone.give(**MEDIA["photo"], media_group_id="77")
    someone.wait()
    time.sleep(0.5)
    assert len(worker.api.in_chat(someone.chat)) == someone.seen == 2


def test_what_is_written_beside_a_picture_is_read(worker: Worker, someone: Person) -> None:
    someone.give(**MEDIA["photo"], caption=STORY["en"])
    someone.wait()
    assert someone.text.startswith(WORDS("media", "en"))
    assert worker.state(someone)["asking"] == "form_type"


# ---- commands (point 44)


def test_commands_and_descriptions_are_registered(worker: Worker) -> None:
    assert worker.api.wait(lambda: ("short_description", "zh") in worker.api.texts)
    for scope in ("default", "all_private_chats"):
        for code, language in (("", "en"), ("zh", "zh-Hans")):
            listed = {item["command"]: item["description"] for item in worker.api.commands[(scope, code)]}
            assert list(listed) == list(COMMANDS)
            assert listed["delete"] == WORDS("command_delete", language)  # type: ignore[arg-type]
    for code in ("", "zh"):
        for name in ("description", "short_description"):
            assert "Telegram" in worker.api.texts[(name, code)], "the privacy notice comes before the first message"


def test_traditional_commands_are_listed_for_the_chat_that_chose_it(worker: Worker) -> None:
    somebody = worker.person("zh-hans")
    somebody.say("/start")
    somebody.say("/language")
    assert somebody.titles() == ["English", "简体中文", "繁體中文"]
    somebody.tap("繁體中文")
    assert worker.state(somebody)["language"] == "zh-Hant"
    key = (f"chat:{somebody.chat}", "")
    assert worker.api.wait(lambda: key in worker.api.commands)
    listed = {item["command"]: item["description"] for item in worker.api.commands[key]}
    assert listed["delete"] == WORDS("command_delete", "zh-Hant")


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("/status", "request_number"),
        ("/back", "grounds"),
        ("/cancel", None),
        ("/help", "form_type"),
        ("/privacy", "form_type"),
        ("/review", "form_type"),
        ("/save", "form_type"),
        ("/resume", "form_type"),
        ("/language", "form_type"),
    ],
)
def test_commands(worker: Worker, person: Person, language: str, command: str, expected: str | None) -> None:
    person.say(STORY[language])
    person.say(command)
    assert worker.state(person)["asking"] == expected
    said = {
        "/help": (WORDS.phone, WORDS("command_delete", language), "/human"),  # type: ignore[arg-type]
        "/privacy": ("Telegram", "/delete"),
        "/review": (WORDS("summary_title", language),),  # type: ignore[arg-type]
        "/save": ("/resume",),
        "/resume": ("/resume ABCD-EFGH-JKMN-PQRS",),
        "/language": (WORDS("choose_language", language),),  # type: ignore[arg-type]
    }
    assert all(part in person.text for part in said.get(command, ()))
    assert person.text.strip()


@pytest.mark.parametrize("command", ["/foo", "/Foo_1 my case is delayed", "/help@another_bot"])
def test_commands_nobody_knows_are_not_taken_for_words(
    worker: Worker, person: Person, language: str, command: str
) -> None:
    before, turns = worker.state(person), worker.turns(person)
    assert person.say(command) == WORDS("unknown_command", language)  # type: ignore[arg-type]
    assert (worker.state(person), worker.turns(person)) == (before, turns)


def test_a_number_behind_the_command_is_used(worker: Worker, person: Person, language: str) -> None:
    person.say("/status CA-2345-6789-ABCD")
    assert "CA-2345-6789-ABCD" in person.text, "it is no number that can have been given out"
    assert worker.state(person)["asking"] == "request_number"
    person.say("/status 12")
    assert worker.state(person)["asking"] == "request_number"


def test_a_person_is_named(worker: Worker, person: Person) -> None:
    person.say("/human")
    assert worker.state(person)["outcome"] == "handed_to_human"
    assert "202-357-8100" in person.text or "855-882-8100" in person.text


def test_a_saved_conversation_goes_on_with_its_code(worker: Worker, someone: Person) -> None:
    someone.say(STORY["en"])
    someone.say("/save")
    code = next(word for word in someone.text.split() if word.count("-") == 3)
    assert someone.last[-1].protected
    other = worker.person("zh-hans")
    other.say("/start")
    other.say(f"/resume {code}")
    assert worker.state(other)["asking"] == "form_type"
    assert worker.state(other)["answers"]["grounds"]
    other.say("/resume ABCD-EFGH-JKMN-PQRS")
    assert worker.state(other)["asking"] == "form_type"


# ---- numbers, logs, erasing (point 45)


def test_receipt_numbers_are_masked_in_what_is_said(worker: Worker, person: Person, language: str) -> None:
    person.say(STORY[language])
    person.say("IOE0912345678")
    person.say("/review")
    assert worker.state(person)["answers"]["receipt_numbers"] == ["IOE0912345678"]
    said = "\n".join(sent.text for sent in worker.api.in_chat(person.chat))
    assert "IOE******5678" in said
    assert "0912345678" not in said
    assert person.last[-1].protected


def test_erasing_erases_here_and_there(worker: Worker, person: Person, language: str) -> None:
    person.say(STORY[language])
    name = worker.seal.person(person.chat)
    ((conversation,),) = worker.front_door("SELECT conversation_id FROM people WHERE person = ?", name)
    person.say("/delete")
    assert worker.state(person), "not before it was confirmed"
    person.tap(0)
    assert person.text == WORDS("deleted", language)  # type: ignore[arg-type]
    assert worker.front_door("SELECT count(*) FROM conversations WHERE id = ?", conversation) == [(0,)]
    assert worker.front_door("SELECT count(*) FROM people WHERE person = ?", name) == [(0,)]
    assert worker.api.wait(lambda: worker.own("SELECT count(*) FROM messenger_people WHERE person = ?", name) == [(0,)])
    for table in ("outbox", "keyboards", "inbox"):
        assert worker.own(f"SELECT count(*) FROM messenger_{table} WHERE person = ?", name) == [(0,)]
    kept = [sent for sent in worker.api.messages[person.chat].values() if not sent.deleted]
    assert [sent.text for sent in kept] == [WORDS("deleted", language)]  # type: ignore[arg-type]
    person.say("/start")
    assert person.last[0].text.startswith(WORDS("notice", language)[:40])  # type: ignore[arg-type]


def test_keeping_everything_after_all(worker: Worker, someone: Person) -> None:
    someone.say(STORY["en"])
    before = worker.state(someone)
    someone.say("/delete")
    someone.tap(1)
    assert someone.text == WORDS("kept", "en")
    assert worker.state(someone) == before


def test_no_text_no_name_and_no_number_in_any_log(worker: Worker, someone: Person) -> None:
    someone.say(f"{STORY['en']} IOE0912345678 CANARYWORD")
    someone.give(**MEDIA["document"], caption="CANARYWORD")
    someone.wait()
    someone.press("CANARYWORD", 1)
    someone.wait()
    logs = [worker.log, *(worker.running.data / "logs").glob("*.log*")]
    said = "\n".join(path.read_text(encoding="utf-8", errors="replace") for path in logs)
    assert "worker started" in said
    for secret in ("CANARYWORD", "misspelled", "0912345678", str(someone.chat), "passport.pdf", "Somebody", ":a-token"):
        assert secret not in said, secret
    for database in (worker.folder / "messenger.db", worker.folder / "messenger.db-wal"):
        content = database.read_bytes()
        for secret in ("CANARYWORD", "misspelled", str(someone.chat)):
            assert secret.encode() not in content, (database.name, secret)


def test_typing_is_shown(worker: Worker, someone: Person) -> None:
    someone.say(STORY["en"])
    assert someone.chat in worker.api.typed


# ---- the webhook (points 36, 37)


def _post(url: str, body: bytes, headers: dict[str, str]) -> int:
    request = urllib.request.Request(url, body, headers, method="POST")
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_webhook_and_its_secret(make_worker: Callable[..., Worker], free_port: int) -> None:
    url = f"http://127.0.0.1:{free_port}/telegram/hook"
    worker = make_worker(TELEGRAM_WEBHOOK_URL=url).start()
    assert worker.api.wait(lambda: worker.api.webhook is not None)
    assert worker.api.webhook == {"url": url, "secret_token": worker.api.webhook["secret_token"]}  # type: ignore[index]
    assert len(worker.api.webhook["secret_token"]) >= 32  # type: ignore[index]
    somebody = worker.person()
    somebody.say("/start")
    somebody.say(STORY["en"])
    assert worker.state(somebody)["asking"] == "form_type"
    turns = worker.turns(somebody)
    update = {"update_id": worker.api.new_update_id(), "message": somebody.message(text="N-400")}
    body = json.dumps(update).encode()
    header = "X-Telegram-Bot-Api-Secret-Token"
    for headers in ({}, {header: ""}, {header: "wrong"}, {header: "x" * 5000}):
        assert _post(url, body, {"Content-Type": "application/json", **headers}) == 403
    assert _post(url, b"x" * 100, {}) == 403
    assert _post(f"{url}/else", body, {header: worker.api.webhook["secret_token"]}) == 404  # type: ignore[index]
    right = {header: worker.api.webhook["secret_token"]}  # type: ignore[index]
    assert _post(url, b"no json", right) == 400
    assert _post(url, b"[]", right) == 400
    time.sleep(0.3)
    assert worker.turns(somebody) == turns
    assert _post(url, body, right) == 200
    somebody.wait()
    assert _post(url, body, right) == 200
    time.sleep(0.3)
    assert worker.turns(somebody) == turns + 1
    assert worker.stop() == 0


@pytest.mark.parametrize("brought", [False, True])
def test_an_update_of_a_kind_nobody_knows_holds_up_nothing(
    make_worker: Callable[..., Worker], free_port: int, brought: bool
) -> None:
    more = {"TELEGRAM_WEBHOOK_URL": f"http://127.0.0.1:{free_port}/telegram/hook"} if brought else {}
    worker = make_worker(**more).start()
    assert not brought or worker.api.wait(lambda: worker.api.webhook is not None)
    somebody = worker.person()
    somebody.say("/start")
    assert somebody.give(poll={"id": "1", "question": "CANARYWORD", "options": [{"words": []}]}) in (0, 200)
    somebody.say(STORY["en"])
    assert worker.state(somebody)["asking"] == "form_type"
    log = worker.log.read_text(encoding="utf-8")
    assert log.count("ALARM an update cannot be read") == 1
    assert "CANARYWORD" not in log


def test_from_a_webhook_back_to_fetching(make_worker: Callable[..., Worker], free_port: int) -> None:
    worker = make_worker(TELEGRAM_WEBHOOK_URL=f"http://127.0.0.1:{free_port}/telegram/hook").start()
    somebody = worker.person()
    assert worker.api.wait(lambda: worker.api.webhook is not None)
    somebody.say("/start")
    assert worker.stop() == 0
    assert worker.api.webhook is not None, "Telegram goes on bringing updates to where nobody is"
    del worker.more["TELEGRAM_WEBHOOK_URL"]
    worker.start()
    assert worker.api.wait(lambda: worker.api.webhook is None)
    somebody.say(STORY["en"])
    assert worker.state(somebody)["asking"] == "form_type"
    assert [call.code for call in worker.api.of("getUpdates") if call.code == 409] == []


def test_somebody_else_takes_the_updates_for_a_while(make_worker: Callable[..., Worker]) -> None:
    """A webhook is named elsewhere: Telegram refuses to be fetched from (409) until it is gone."""
    worker = make_worker()

    def name_a_webhook(method: str, _given: dict[str, Any]) -> None:
        if method == "getUpdates" and not worker.api.of("getUpdates"):
            worker.api.webhook = {"url": "http://127.0.0.1:9/", "secret_token": ""}

    worker.api.fault = name_a_webhook
    worker.start()
    assert worker.api.wait(lambda: any(call.code == 409 for call in worker.api.of("getUpdates")))
    assert worker.lives()
    worker.api.webhook = None
    somebody = worker.person()
    somebody.say("/start")
    assert "somebody else fetches" in worker.log.read_text(encoding="utf-8")


def test_telegram_away_at_the_start_and_later(make_worker: Callable[..., Worker]) -> None:
    worker = make_worker()
    worker.api.pause()
    worker.start()
    time.sleep(2.5)
    assert worker.lives()
    somebody = worker.person()
    worker.api.go_on()
    somebody.send("/start")
    somebody.wait()
    worker.api.pause()
    time.sleep(1)
    assert worker.lives()
    worker.api.go_on()
    somebody.say(STORY["en"])
    assert worker.state(somebody)["asking"] == "form_type"
    assert len(worker.api.in_chat(somebody.chat)) == somebody.seen


def test_a_wrong_token_is_said_and_nothing_breaks(make_worker: Callable[..., Worker]) -> None:
    worker = make_worker(TELEGRAM_TOKEN="99:another")
    worker.start()
    assert worker.api.wait(lambda: any(call.code == 401 for call in worker.api.calls))
    time.sleep(0.5)
    assert worker.lives()
    assert "does not know the token" in worker.log.read_text(encoding="utf-8")
    assert "99:another" not in worker.log.read_text(encoding="utf-8")
