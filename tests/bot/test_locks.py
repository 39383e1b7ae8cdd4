"""One message at a time for each conversation."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from rasa.core.lock_store import LockError, LockStore
from rasa.utils.endpoints import EndpointConfig
from redis.asyncio.lock import Lock
from redis.exceptions import ConnectionError as RedisConnectionError

from bot import locks
from bot.locks import AtomicRedisLockStore, ConversationLockStore, LocalLockStore


class ReleaseScript:
    """Frees a lock for the one that holds it; redis keeps one script object for all clients."""

    async def __call__(self, keys: list[str], args: list[Any], client: FakeRedis) -> int:
        await asyncio.sleep(0)
        if client.values.get(keys[0]) != args[0]:
            return 0
        del client.values[keys[0]]
        return 1


class FakeRedis:
    """What the lock needs of Redis: SET NX PX and the two scripts, each atomic by nature here."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self.connection_pool = SimpleNamespace(
            get_encoder=lambda: SimpleNamespace(encode=lambda value: value, decode_responses=False)
        )

    def lock(self, name: str, **options: Any) -> Lock:
        return Lock(self, name, **options)

    def register_script(self, _: str) -> Any:
        return ReleaseScript()

    async def set(self, name: str, value: Any, nx: bool = False, px: int | None = None) -> bool:
        await asyncio.sleep(0)
        if nx and name in self.values:
            return False
        self.values[name] = value
        return True


def redis_store() -> AtomicRedisLockStore:
    store = AtomicRedisLockStore("redis://127.0.0.1:1/0")
    store._redis = FakeRedis()
    return store


@pytest.mark.parametrize("make", [LocalLockStore, redis_store])
async def test_one_at_a_time(make: Any) -> None:
    store: LockStore = make()
    inside = 0
    order = []

    async def work(number: int) -> None:
        nonlocal inside
        async with store.lock("c1"):
            inside += 1
            assert inside == 1
            await asyncio.sleep(0.005)
            order.append(number)
            inside -= 1

    started = asyncio.get_running_loop().time()
    await asyncio.gather(*(work(number) for number in range(10)))
    assert sorted(order) == list(range(10))
    assert asyncio.get_running_loop().time() - started < 2
    if isinstance(store, LocalLockStore):
        assert order == list(range(10))
        assert not store._locks


@pytest.mark.parametrize("make", [LocalLockStore, redis_store])
async def test_conversations_do_not_wait_for_each_other(make: Any) -> None:
    store: LockStore = make()
    async with store.lock("c1"), store.lock("c2"):
        pass


@pytest.mark.parametrize("make", [LocalLockStore, redis_store])
async def test_a_busy_conversation_gives_up_in_the_end(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "_WAIT_SECONDS", 0.05)
    store: LockStore = make()
    async with store.lock("c1"):
        with pytest.raises(LockError):
            async with store.lock("c1"):
                pass
    async with store.lock("c1"):
        pass


@pytest.mark.parametrize("make", [LocalLockStore, redis_store])
async def test_an_error_frees_the_conversation(make: Any) -> None:
    store: LockStore = make()
    with pytest.raises(ValueError, match="x"):
        async with store.lock("c1"):
            raise ValueError("x")
    async with store.lock("c1"):
        pass


async def test_a_lock_that_ended_by_itself_is_no_error() -> None:
    store = redis_store()
    async with store.lock("c1"):
        store._redis.values.clear()


async def test_redis_away_is_heard() -> None:
    store = AtomicRedisLockStore("redis://127.0.0.1:1/0")
    with pytest.raises(LockError) as error:
        async with store.lock("c1"):
            pass
    assert RedisConnectionError.__name__ in str(error.value)


def test_the_address_decides() -> None:
    assert isinstance(ConversationLockStore(EndpointConfig(url="")), LocalLockStore)
    assert isinstance(ConversationLockStore(None), LocalLockStore)
    assert isinstance(ConversationLockStore(EndpointConfig(url="redis://127.0.0.1:6379/1")), AtomicRedisLockStore)
