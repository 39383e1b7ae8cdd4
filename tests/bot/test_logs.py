"""Nothing that a person wrote reaches a log, whichever way a library logs it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CANARY = "CANARY-IOE0912345678"

WAYS = {
    "structlog error": "structlog.get_logger().error('some.event', text=C, user_message=C, event_info=f'said {C}')",
    "structlog exception": "fail(lambda: structlog.get_logger().exception('some.event', slot_values=C))",
    "structlog bound": "structlog.get_logger().bind(text=C).warning('some.event')",
    "logger error": "logging.getLogger('rasa.core.processor').error(f'message: {C}')",
    "logger arguments": "logging.getLogger('rasa.x').warning('message: %s', C)",
    "logger exception": "fail(lambda: logging.getLogger('rasa.x').exception(f'failed on {C}'))",
    "own logger exception": "fail(lambda: logging.getLogger('bot.channel').exception('turn failed'))",
    "root logger": "logging.error(f'message {C}')",
    "sanic": "logging.getLogger('sanic.error').error(f'body {C}')",
    "access": "logging.getLogger('sanic.access').error(f'GET /{C}') or logging.getLogger('sanic.access').info(C)",
    "debug": "logging.getLogger('rasa.x').debug(C) or logging.getLogger('rasa.x').info(C)",
    "warning": "warnings.warn(f'entity {C} is not in the domain')",
    "cause": "fail(lambda: logging.getLogger('bot.x').error('x', exc_info=wrapped()))",
    "uncaught": "fail_uncaught()",
    "thread": "run_thread()",
    "destructor": "unraisable()",
    "task": "asyncio.run(forgotten())",
}

SCRIPT = """
import asyncio, gc, logging, sys, threading, warnings
from bot import logs
logs.configure()
import structlog
C = sys.argv[1]
def boom(local=C):
    raise ValueError(f'bad value {C}')
def fail(then):
    try:
        boom()
    except ValueError:
        then()
def wrapped():
    try:
        boom()
    except ValueError as error:
        try:
            raise RuntimeError(C) from error
        except RuntimeError as outer:
            return outer
def fail_uncaught():
    boom()
def run_thread():
    thread = threading.Thread(target=boom)
    thread.start()
    thread.join()
def unraisable():
    class Bad:
        def __del__(self):
            boom()
    bad = Bad()
    del bad
async def forgotten():
    async def work():
        boom()
    task = asyncio.get_running_loop().create_task(work())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    del task
    gc.collect()
"""


@pytest.mark.parametrize("way", sorted(WAYS))
def test_a_canary_stays_out(way: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT + WAYS[way], CANARY], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert CANARY not in done.stdout + done.stderr
    if way not in ("access", "debug", "warning"):
        assert done.stderr.strip(), "something has to be heard of it"
        assert "SyntaxError" not in done.stderr


def test_where_it_failed_is_told() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT + WAYS["cause"], CANARY], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert "RuntimeError" in done.stderr
    assert "caused by ValueError" in done.stderr
    assert "boom" in done.stderr
