"""Parts of the worker by themselves: cutting and masking texts, settings, words; and the Bot API of ours is strict."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import inspect, select

from messenger import database, keeping, settings, texts
from messenger.render import NAME_THE_BUTTON, SAVE_HOW, Button, Draft, pieces_of
from messenger.sealing import Seal
from messenger.updates import COMMANDS, Event
from messenger.words import LANGUAGES, Words
from tests.postgres import postgres as postgres
from tools.bot_api.server import TOKEN, BotApi

GIVEN = {"TELEGRAM_TOKEN": TOKEN, "GUIDE_WORKER_SECRET": "s" * 40}
WORDING = Path(__file__).resolve().parents[2] / "domain"


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("IOE0912345678", "IOE******5678"),
        ("ioe0912345678", "IOE******5678"),
        ("号码LIN2190012345。", "号码LIN******2345。"),
        ("LIN*190012345", "LIN******2345"),
        ("IOE 0912345678", "IOE******5678"),
        ("IOE091234567", "IOE******4567"),
        ("IOE 0912-345-678", "IOE******5678"),
        ("ioe 0912 345 678", "IOE******5678"),
        ("IOE-09-123-45678", "IOE******5678"),
        ("IOE 091.234.5678", "IOE******5678"),
        ("IOE 0912\u2013345\u2013678", "IOE******5678"),
        ("收據ＩＯＥ０９１２３４５６７８，謝謝", "收據IOE******5678，謝謝"),
        ("ＩＯＥ0912345678", "IOE******5678"),
        ("ＩＯＥ　0912－345－678", "IOE******5678"),
        ("IOE 0912-345-67", "IOE******4567"),
        ("IOE0912345678 and 12 more", "IOE******5678 and 12 more"),
        ("A012345678 and A012-345-678", "A******678 and A******678"),
        ("A 012 345 678, A# 012-345-678, a012345678", "A******678, A******678, A******678"),
        ("我的Ａ０１２３４５６７８。", "我的A******678。"),
        ("full-width：ｆｏｒｍ　ＯＫ", "full-width：ｆｏｒｍ　ＯＫ"),
        ("CA-2345-6789-ABCD", "CA-2345-6789-ABCD"),
        ("fax 202-357-8100, tel 1-800-375-5283", "fax 202-357-8100, tel 1-800-375-5283"),
        ("plan A 1-800-375-5283", "plan A 1-800-375-5283"),
        ("I-485 2026-09-14 $1,440 20528-1225", "I-485 2026-09-14 $1,440 20528-1225"),
    ],
)
def test_masking(text: str, masked: str) -> None:
    assert texts.mask(text) == masked


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("ioe 0912-345-678 and A012345678", "IOE******5678 and A******678"),
        ("call (202) 555-0123 or +1 202.555.0124", "call ******23 or ******24"),
        ("电话２０２－５５５－０１２３，或者13812345678。", "电话******23，或者******78。"),
        ("ann.lee@example.org，邮箱：ann@example.org", "a******，邮箱：a******"),
        ("my SSN is 123-45-6789", "my SSN is ******89"),
        ("from 2026-09-14 on, 20528-1225, $1,440, I-485", "from 2026-09-14 on, 20528-1225, $1,440, I-485"),
    ],
)
def test_masking_of_a_persons_own_words(text: str, masked: str) -> None:
    assert texts.mask_own(text) == masked


@pytest.mark.parametrize(
    "text",
    [
        "短" * 5000,
        "😀" * 3000,
        "word " * 2000,
        "x" * 10_000,
        "\n\n".join(["p" * 1000] * 9),
        "一句话。" * 2500,
        "a",
    ],
)
def test_splitting_loses_nothing_and_is_never_too_long(text: str) -> None:
    parts = texts.split(text)
    assert all(0 < texts.units(part) <= texts.LONGEST for part in parts)
    assert "".join("".join(parts).split()) == "".join(text.split())


def test_paragraphs_stay_whole_where_they_can() -> None:
    paragraphs = [str(number) * 900 for number in range(9)]
    for part in texts.split("\n\n".join(paragraphs)):
        assert set(part.split("\n\n")) <= set(paragraphs)


def test_buttons_stand_under_the_last_piece_only() -> None:
    draft = Draft(["x" * 3000, "y" * 3000], [Button("Yes", payload="/affirm"), Button("Page", url="https://a.example")])
    first, last = pieces_of(draft, https=True)
    assert (len(first.buttons), len(last.buttons)) == (0, 2)
    *_, last = pieces_of(draft, https=False)
    assert [button.title for button in last.buttons] == ["Yes"]
    assert last.text.endswith("Page: https://a.example")


@pytest.mark.parametrize(
    ("more", "wrong"),
    [
        ({"TELEGRAM_TOKEN": "no token"}, "TELEGRAM_TOKEN"),
        ({"GUIDE_WORKER_SECRET": "tiny"}, "GUIDE_WORKER_SECRET"),
        ({"TELEGRAM_API_BASE": "nowhere"}, "TELEGRAM_API_BASE"),
        ({"TELEGRAM_WEBHOOK_URL": "nowhere"}, "TELEGRAM_WEBHOOK_URL"),
        ({"TELEGRAM_WEBHOOK_URL": "https://a.example/x", "TELEGRAM_WEBHOOK_PORT": "x"}, "TELEGRAM_WEBHOOK_PORT"),
        ({"TELEGRAM_WEBHOOK_URL": "https://a.example/x", "TELEGRAM_WEBHOOK_SECRET": "é"}, "TELEGRAM_WEBHOOK_SECRET"),
        ({"TELEGRAM_CHAT_PAUSE_SECONDS": "-1"}, "TELEGRAM_CHAT_PAUSE_SECONDS"),
    ],
)
def test_wrong_settings_are_named_without_their_value(more: dict[str, str], wrong: str) -> None:
    with pytest.raises(settings.BadSettings, match=wrong) as found:
        settings.load({**GIVEN, **more})
    assert all(value not in str(found.value) for value in more.values() if len(value) > 1)


@pytest.mark.parametrize(
    ("base", "expected"),
    [
        ("", "https://api.telegram.org"),
        ("http://127.0.0.1:8082", "http://127.0.0.1:8082"),
        ("http://127.0.0.1:8082/bot", "http://127.0.0.1:8082"),
        ("https://api.example/tg/", "https://api.example/tg"),
    ],
)
def test_the_bot_api_can_be_elsewhere(base: str, expected: str) -> None:
    assert settings.load({**GIVEN, "TELEGRAM_API_BASE": base}).api_base == expected


@pytest.mark.parametrize(
    ("url", "port"), [("https://guide.example.org/telegram/hook", 8081), ("http://127.0.0.1:9123/hook", 9123)]
)
def test_where_updates_arrive(url: str, port: int) -> None:
    webhook = settings.load({**GIVEN, "TELEGRAM_WEBHOOK_URL": url}).webhook
    assert webhook is not None
    assert (webhook.host, webhook.port) == ("127.0.0.1", port)


def test_ids_are_hashed_with_a_key() -> None:
    one, other = (Seal(settings.load({**GIVEN, "GUIDE_WORKER_SECRET": letter * 40})) for letter in "ab")
    assert one.person(42) == one.person(42) != one.person(43)
    assert one.person(42) != other.person(42)
    assert "42" not in one.person(42)[:3]
    assert other.open(one.close({"text": "x"})) is None


# ---- words


def test_descriptions_and_commands_fit() -> None:
    words = Words()
    for language in LANGUAGES:
        assert texts.units(words("description", language)) <= 512
        assert texts.units(words("short_description", language)) <= 120
        for name in yaml.safe_load((WORDING.parent / "web/strings/messenger.yml").read_text(encoding="utf-8")):
            text = words(name, language)
            assert "TELEGRAM_TOKEN" not in text
            if name.startswith("command_"):
                assert len(text) <= 256


def test_every_word_is_said_somewhere() -> None:
    """Each key stands in the worker, or in a page that the front door makes of these words."""
    root = WORDING.parent
    made = [*(root / "messenger").glob("*.py"), *(root / "web" / "continue").glob("*.html")]
    source = "\n".join(path.read_text(encoding="utf-8") for path in made)
    unused = {
        key
        for key in yaml.safe_load((root / "web/strings/messenger.yml").read_text(encoding="utf-8"))
        if f'"{key}"' not in source and f"{{{{{key}}}}}" not in source and key.removeprefix("command_") not in COMMANDS
    }
    assert unused == set()


def test_what_names_the_pages_button_names_the_command() -> None:
    """Whichever reply tells of the button at the top of the page is followed by what it is here."""
    naming = set()
    for path in WORDING.glob("*.yml"):
        for key, variations in yaml.safe_load(path.read_text(encoding="utf-8")).get("responses", {}).items():
            if any('Press "Save' in variation["text"] for variation in variations):
                naming.add(key)
    assert naming == {*NAME_THE_BUTTON, SAVE_HOW}


# ---- the worker's database


def _event(update_id: int, **more: Any) -> Event:
    return Event(update_id, 42, "text", text="hello", message_id=7, **more)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_the_database(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    url = f"sqlite:///{tmp_path / 'm.db'}"
    if kind == "postgresql":
        server = request.getfixturevalue("postgres")
        url = server.url(server.create("messenger"))
    one = database.Database(url)
    seal = Seal(settings.load(GIVEN))
    person = seal.person(42)
    try:
        with one.engine.begin() as connection:
            assert keeping.receive(connection, _event(5), person, seal, 1000)
            assert not keeping.receive(connection, _event(5), person, seal, 1000)
            assert keeping.receive(connection, _event(4), person, seal, 1001)
            row = keeping.next_update(connection, person)
            assert row is not None
            assert row.update_id == 4, "the oldest first, however they came"
            outs = [keeping.Out("send", {"text": "a"}, ({"title": "x", "payload": "/affirm"},), "1")] * 2
            keeping.keep_plan(connection, person, 4, keeping.Plan(outs, {"language": "en"}), seal, 1002, done=True)
            first = keeping.next_out(connection, person)
            assert first is not None
            keeping.begin(connection, first.id, 7, 3)
            keeping.settle(connection, first, 8)
            second = keeping.next_out(connection, person)
            assert second is not None
            assert second.id > first.id
            keyboard = keeping.find_keyboard(connection, person, second.keyboard, seal)
            assert keyboard is not None
            assert keyboard.choices == [{"title": "x", "payload": "/affirm"}]
            assert keeping.find_keyboard(connection, "tg-other", second.keyboard, seal) is None
            assert keeping.messages_of(connection, person, 0) == [7, 8]
            assert keeping.highest(connection) == (8, 8)
            keeping.set_note(connection, "news", 3)
            keeping.set_note(connection, "news", 4)
            assert keeping.note(connection, "news") == 4
            keeping.forget(connection, person)
            assert keeping.find_person(connection, person) is None
            assert not keeping.receive(connection, _event(4), person, seal, 1000), "its number is still known"
        assert len([name for name in inspect(one.engine).get_table_names() if name.startswith("messenger_")]) == 6
    finally:
        one.close()


def test_what_is_no_longer_needed_goes(tmp_path: Path) -> None:
    """Numbers of updates after 72 hours, what a closed chat waits for after 24, people after 31 quiet days."""
    one = database.Database(f"sqlite:///{tmp_path / 'm.db'}")
    seal, limits = Seal(settings.load(GIVEN)), settings.load_limits()
    now = 1_000 * keeping.DAY
    hours = (limits.remember_updates_hours, limits.held_hours, limits.forget_days)
    assert hours == (72, 24, 31)
    here, away, quiet = (seal.person(chat) for chat in (1, 2, 3))

    def arrive(number: int, chat: int, person: str, ago: int) -> None:
        assert keeping.receive(connection, Event(number, chat, "text", text="hello"), person, seal, now - ago)

    def answer(number: int, person: str, ago: int, *kinds: keeping.OutKind, done: bool = True) -> None:
        plan = keeping.Plan([keeping.Out(kind, {"text": "a"}) for kind in kinds])
        keeping.keep_plan(connection, person, number, plan, seal, now - ago, done=done)

    def left(table: Any, column: str) -> set[int]:
        return set(connection.scalars(select(table.c[column])))

    try:
        with one.engine.begin() as connection:
            arrive(10, 1, here, 73 * keeping.HOUR)  # dealt with long ago
            answer(10, here, 73 * keeping.HOUR, "send")
            sent = keeping.next_out(connection, here)
            assert sent is not None
            keeping.settle(connection, sent, 5)
            arrive(11, 1, here, 71 * keeping.HOUR)
            answer(11, here, 71 * keeping.HOUR, "send")  # still to be sent, to somebody who is there
            arrive(12, 1, here, 73 * keeping.HOUR)  # not dealt with
            arrive(20, 2, away, 25 * keeping.HOUR)
            answer(20, away, 25 * keeping.HOUR, "send")
            answer(21, away, 23 * keeping.HOUR, "send")
            keeping.close(connection, away, now)
            arrive(30, 3, quiet, 31 * keeping.DAY + 1)
            answer(30, quiet, 31 * keeping.DAY + 1, "send")
            arrive(31, 1, here, 1)
            assert keeping.tidy(connection, now, *hours) == 1
            assert left(database.inbox, "update_id") == {11, 12, 20, 31}
            assert left(database.outbox, "source") == {11, 21}
            assert set(connection.scalars(select(database.people.c.person))) == {here, away}
            assert keeping.tidy(connection, now, *hours) == 0
    finally:
        one.close()


# ---- the Bot API of ours


def ask(api: BotApi, method: str, token: str = TOKEN, **given: Any) -> tuple[int, str]:
    """Status and description."""
    body = urllib.parse.urlencode(given).encode()
    request = urllib.request.Request(f"{api.url}/bot{token}/{method}", body)
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=5) as answer:
            return int(answer.status), ""
    except urllib.error.HTTPError as error:
        return error.code, str(json.loads(error.read())["description"])


def keyboard(**button: str) -> str:
    """A keyboard with one button."""
    return json.dumps({"inline_keyboard": [[button]]})


REFUSED: list[tuple[str, dict[str, Any], int, str]] = [
    ("noSuchMethod", {}, 404, "Not Found"),
    ("sendMessage", {"chat_id": 2, "text": "x"}, 400, "chat not found"),
    ("sendMessage", {"chat_id": 1, "text": " "}, 400, "text is empty"),
    ("sendMessage", {"chat_id": 1, "text": "😀" * 2049}, 400, "too long"),
    (
        "sendMessage",
        {"chat_id": 1, "text": "x", "reply_markup": keyboard(text="a", callback_data="字" * 22)},
        400,
        "DATA",
    ),
    ("sendMessage", {"chat_id": 1, "text": "x", "reply_markup": keyboard(text="a")}, 400, "button"),
    (
        "sendMessage",
        {"chat_id": 1, "text": "x", "reply_markup": keyboard(text="a", url="http://localhost/")},
        400,
        "URL",
    ),
    ("editMessageText", {"chat_id": 1, "message_id": 99, "text": "x"}, 400, "not found"),
    ("editMessageText", {"chat_id": 1, "message_id": 1, "text": "x"}, 400, "can't be edited"),
    ("editMessageText", {"chat_id": 1, "message_id": 2, "text": "same"}, 400, "message is not modified"),
    ("answerCallbackQuery", {"callback_query_id": "1"}, 400, "query is too old"),
    ("setMyCommands", {"commands": '[{"command": "Start", "description": "x"}]'}, 400, "COMMAND_INVALID"),
    ("setMyDescription", {"description": "x" * 513}, 400, "too long"),
    ("setMyShortDescription", {"short_description": "x", "language_code": "zh-hant"}, 400, "language code"),
]


@pytest.mark.parametrize(("method", "given", "code", "words"), REFUSED)
def test_the_bot_api_refuses_what_telegram_refuses(method: str, given: dict[str, Any], code: int, words: str) -> None:
    with BotApi() as api:
        api.meet(1)
        api.said(1, "hello")
        assert ask(api, "sendMessage", chat_id=1, text="same") == (200, "")
        status, description = ask(api, method, **given)
        assert status == code
        assert words in description
        assert ask(api, "getMe", token="1:wrong") == (401, "Unauthorized")
