"""The small parts alone: languages, limits, tokens, words, the schema against its migrations."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from gateway.database import migrate, open_engine
from gateway.errors import STATUS
from gateway.language import from_header, from_tag
from gateway.limits import SlidingWindow
from gateway.settings import WEB
from gateway.strings import Strings
from gateway.tables import metadata
from gateway.tokens import CODE_ALPHABET, Tokens

KEY = "k" * 40


@pytest.mark.parametrize(
    ("tag", "language"),
    [
        ("en", "en"),
        ("en-GB", "en"),
        ("zh", "zh-Hans"),
        ("zh-CN", "zh-Hans"),
        ("zh-SG", "zh-Hans"),
        ("zh_Hans_HK", "zh-Hans"),
        ("zh-Hant", "zh-Hant"),
        ("zh-TW", "zh-Hant"),
        ("ZH-hk", "zh-Hant"),
        ("zh-MO", "zh-Hant"),
        ("yue", "zh-Hant"),
        ("fr", None),
        ("", None),
        ("*", None),
    ],
)
def test_tags(tag: str, language: str | None) -> None:
    assert from_tag(tag) == language


@pytest.mark.parametrize(
    ("header", "language"),
    [
        (None, None),
        ("", None),
        ("fr-FR, de;q=0.5", None),
        ("fr, zh-TW;q=0.8, en;q=0.7", "zh-Hant"),
        ("en;q=0, zh;q=0.1", "zh-Hans"),
        ("en;q=x, zh-HK", "zh-Hant"),
        ("zh-CN,zh;q=0.9", "zh-Hans"),
        (";;;,,,q=1", None),
    ],
)
def test_headers(header: str | None, language: str | None) -> None:
    assert from_header(header) == language


def test_sliding_window() -> None:
    now = [0.0]
    window = SlidingWindow(2, 60, lambda: now[0])
    assert [window.take("a"), window.take("a"), window.take("a"), window.take("b")] == [0, 0, 60, 0]
    now[0] = 59.5
    assert window.take("a") == 1
    now[0] = 60
    assert window.take("a") == 0
    now[0] = 200
    window.add("c")
    assert list(window._events) == ["c"], "what is over is forgotten"


def test_session_tokens() -> None:
    tokens = Tokens(KEY)
    token, token_hash = tokens.new_session(1000)
    assert tokens.read_session(token, 999) == token_hash
    assert tokens.read_session(token, 1000) is None, "expired"
    assert Tokens("x" * 40).read_session(token, 1) is None, "another key"
    for bad in ("", "=", "ä", token[:-1], token + "AAAA", token.swapcase()):
        assert tokens.read_session(bad, 1) is None


def test_resume_codes() -> None:
    tokens = Tokens(KEY)
    code, code_hash = tokens.new_resume_code()
    assert len(CODE_ALPHABET) ** 16 > 2**60
    assert not set("01OIL") & set(CODE_ALPHABET)
    fullwidth = "".join(chr(ord(char) + 0xFEE0) for char in code)
    for typed in (code, code.lower(), code.replace("-", ""), f" {code} \n", code.replace("-", "—"), fullwidth):
        assert tokens.resume_code_hash(typed) == code_hash
    assert Tokens("x" * 40).resume_code_hash(code) != code_hash
    assert tokens.new_resume_code()[0] != code
    assert tokens.new_resume_code("a form") == tokens.new_resume_code("a form"), "a form sent again"
    others = (tokens.new_resume_code("another form"), Tokens("x" * 40).new_resume_code("a form"))
    assert tokens.new_resume_code("a form")[0] not in {code for code, _ in others}


def test_sealed_links() -> None:
    tokens = Tokens(KEY)
    sealed = tokens.seal({"value": "CA-1"})
    assert tokens.unseal(sealed) == {"value": "CA-1"}
    for bad in ("", "x", sealed[:-2], Tokens("x" * 40).seal({"value": "CA-1"}), "é"):
        assert tokens.unseal(bad) is None


def test_every_refusal_has_its_words() -> None:
    words = Strings(WEB / "strings" / "errors.yml")
    assert set(words.all("en")) == set(STATUS)


def test_a_missing_script_stops_the_start(tmp_path: Path) -> None:
    path = tmp_path / "words.yml"
    path.write_text("hello: {en: Hello, zh-Hans: 您好}", encoding="utf-8")
    with pytest.raises(ValueError, match="hello has no text in zh-Hant"):
        Strings(path)


def test_the_migrations_make_the_tables_of_the_code(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'new.db'}")
    migrate(engine)
    migrate(engine)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": "gateway_version"})
        assert compare_metadata(context, metadata) == []
    engine.dispose()
