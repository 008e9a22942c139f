"""The stores: claims, their end, and that they are atomic."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
import redis.asyncio
from revrag import errors, testing
from revrag.webhooks.stores import (
    DjangoCacheStore,
    Key,
    MemoryStore,
    RedisStore,
    SqliteStore,
    Store,
)
from support.raw import configure_django
from support.script import Run, Start

KINDS = ["memory", "sqlite", "redis", "redis-asyncio", "django"]
Ask = Callable[[str, str], Any]


class Kit:
    """A store, how to ask it whether or not it blocks, and how to let its claims expire."""

    def __init__(self, kind: str, store: Store, expire: Callable[[], None], loop: asyncio.Runner):
        self.kind = kind
        self.store = store
        self.expire = expire
        self._loop = loop

    def __call__(self, verb: str, key: str, store: Store | None = None) -> Any:
        answer = getattr(store or self.store, verb)(key)
        if inspect.isawaitable(answer):
            return self._loop.run(_wait(answer))
        return answer


async def _wait(answer: Any) -> Any:
    return await answer


@pytest.fixture
def make(redis_url: str, tmp_path: Path) -> Iterator[Callable[..., Kit]]:
    """Make a kit of a kind."""
    clock = testing.FixedClock()
    server = redis.Redis.from_url(redis_url)
    server.flushall()
    loop = asyncio.Runner()
    clients: list[redis.asyncio.Redis] = []
    path = tmp_path / "store.sqlite"

    def expire() -> None:
        clock.advance(100)
        # What Redis does at the end of a time, at once.
        server.flushall()

    def build(kind: str, **options: Any) -> Kit:
        options = {"claim_ttl": 100.0, "done_ttl": 1000.0} | options
        match kind:
            case "memory":
                store: Store = MemoryStore(clock=clock, **options)
            case "sqlite":
                store = SqliteStore(path, clock=clock, **options)
            case "redis":
                store = RedisStore(redis_url, **options)
            case "redis-asyncio":
                clients.append(redis.asyncio.Redis.from_url(redis_url))
                store = RedisStore(clients[-1], **options)
            case _:
                from django.core.cache import caches

                configure_django()
                backend = "django.core.cache.backends.redis.RedisCache"
                caches.settings["revrag"] = {"BACKEND": backend, "LOCATION": redis_url}
                store = DjangoCacheStore("revrag", clock=clock, **options)
        return Kit(kind, store, expire, loop)

    build.clock = clock  # type: ignore[attr-defined]
    yield build
    for client in clients:
        loop.run(client.aclose())
    loop.close()
    server.close()


@pytest.fixture(params=KINDS)
def ask(request: pytest.FixtureRequest, make: Callable[..., Kit]) -> Kit:
    """A store of each kind, to be asked: ``ask("claim", "key")``."""
    return make(request.param)


def test_a_key_is_claimed_committed_and_done(ask: Kit):
    assert isinstance(ask.store, Store)
    assert ask("claim", "a") == "new"
    assert ask("claim", "a") == "in_progress"
    assert ask("claim", "b") == "new"
    assert ask("commit", "a") is None
    assert [ask("claim", "a") for _ in range(3)] == ["done"] * 3
    assert ask("claim", "b") == "in_progress"


def test_a_released_key_is_new(ask: Kit):
    assert ask("claim", "a") == "new"
    assert ask("release", "a") is None
    assert ask("claim", "a") == "new"
    ask("commit", "a")
    # A failure that comes late changes nothing about a success.
    ask("release", "a")
    assert ask("claim", "a") == "done"
    ask("release", "never-claimed")


def test_a_claim_expires_and_then_belongs_to_the_next(ask: Kit, make: Callable[..., Kit]):
    assert ask("claim", "a") == "new"
    ask.expire()
    if ask.kind == "memory":
        assert ask("claim", "a") == "new"
        return
    other = make(ask.kind)
    assert ask("claim", "a", other.store) == "new"
    ask("release", "a")  # the first one's, too late
    assert ask("claim", "a") == "in_progress"
    ask("release", "a", other.store)
    assert ask("claim", "a") == "new"


def test_what_was_handled_late_is_handled(ask: Kit):
    assert ask("claim", "a") == "new"
    ask.expire()
    ask("commit", "a")
    assert ask("claim", "a") == "done"


@pytest.mark.parametrize("kind", ["redis", "redis-asyncio", "django"])
def test_servers_forget_by_themselves(kind: str, make: Callable[..., Kit]):
    ask = make(kind, claim_ttl=0.05, done_ttl=0.05)
    assert ask("claim", "a") == "new"
    while ask("claim", "a") != "new":
        pass
    ask("commit", "a")
    while ask("claim", "a") != "new":
        pass


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_done_keys_are_forgotten_in_time(kind: str, make: Any):
    ask = make(kind)
    ask("claim", "a")
    ask("commit", "a")
    make.clock.advance(999.9)
    assert ask("claim", "a") == "done"
    make.clock.advance(0.1)
    assert ask("claim", "a") == "new"


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "redis-asyncio"])
def test_one_of_many_threads_gets_a_claim(kind: str, make: Callable[..., Kit]):
    store = make(kind).store
    claimed: list[str] = []
    start = threading.Barrier(8)

    def claim() -> None:
        start.wait(10)
        for number in range(50):
            if store.claim(f"key-{number}") == "new":
                claimed.append(f"key-{number}")

    threads = [threading.Thread(target=claim) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert Counter(claimed) == Counter(f"key-{number}" for number in range(50))


CLAIM_ALL = """
    from revrag.webhooks.stores import SqliteStore
    store = SqliteStore(sys.argv[1])
    for number in range(200):
        if store.claim(f"key-{number}") == "new":
            print(number)
    store.close()
"""


def test_one_of_many_processes_gets_a_claim_of_a_file(tmp_path: Path, start: Start):
    # All of them make the file, at once.
    scripts = [start(CLAIM_ALL, tmp_path / "store.sqlite") for _ in range(5)]
    finished = [script.finish(25) for script in scripts]
    assert [(each.code, each.err) for each in finished] == [(0, "")] * 5
    claimed = Counter(number for each in finished for number in each.out.split())
    assert claimed == Counter(str(number) for number in range(200))


def test_a_file_store_survives_a_fork(tmp_path: Path, run: Run):
    finished = run(
        """
        from revrag.webhooks.stores import MemoryStore, SqliteStore
        store, memory = SqliteStore(sys.argv[1]), MemoryStore()
        print(store.claim("before"), memory.claim("before"), flush=True)
        child = os.fork()
        if child == 0:
            print(store.claim("before"), store.claim("child"), memory.claim("child"), flush=True)
            store.commit("child")
            store.close()
            os._exit(0)
        os.waitpid(child, 0)
        print(store.claim("child"), store.claim("before"))
        store.release("before")
        print(store.claim("before"))
        store.close()
        """,
        tmp_path / "store.sqlite",
    )
    assert finished.out.split() == [
        *("new", "new"),
        *("in_progress", "new", "new"),
        *("done", "in_progress"),
        "new",
    ]


def test_memory_is_bounded():
    clock = testing.FixedClock()
    store = MemoryStore(max_keys=10, clock=clock)
    for number in range(25):
        assert store.claim(f"key-{number}") == "new"
        store.commit(f"key-{number}")
    # The oldest are forgotten, the newest are not.
    assert [store.claim(f"key-{number}") for number in (14, 15, 24)] == ["new", "done", "done"]


def test_a_file_is_bounded(tmp_path: Path):
    path = tmp_path / "store.sqlite"
    clock = testing.FixedClock()
    store = SqliteStore(path, done_ttl=1000, clock=clock)
    sizes = []
    for round_ in range(6):
        for number in range(1000):
            store.claim(f"key-{round_}-{number}")
            store.commit(f"key-{round_}-{number}")
        clock.advance(1000)
        sizes.append(path.stat().st_size)
    store.close()
    assert sizes[-1] <= 1.2 * max(sizes[:3])


def test_a_file_can_be_closed_and_used_again(tmp_path: Path):
    store = SqliteStore(tmp_path / "store.sqlite")
    store.close()
    assert store.claim("a") == "new"
    store.close()
    store.close()
    assert store.claim("a") == "in_progress"
    store.close()


def test_a_file_that_can_not_be_made(tmp_path: Path):
    store = SqliteStore(tmp_path / "nowhere" / "store.sqlite")
    with pytest.raises(sqlite3.OperationalError):
        store.claim("a")


@pytest.mark.parametrize("ttl", [0, -1, float("nan"), float("inf")])
def test_times_that_can_not_be_kept(ttl: float):
    for options in ({"claim_ttl": ttl}, {"done_ttl": ttl}):
        with pytest.raises(errors.InvalidArgumentError, match="seconds"):
            MemoryStore(**options)


def test_arguments_that_mean_nothing():
    with pytest.raises(errors.InvalidArgumentError, match="max_keys"):
        MemoryStore(max_keys=0)
    with pytest.raises(errors.InvalidArgumentError, match="MemoryStore"):
        SqliteStore(":memory:")


def test_waits_for_a_locked_file_do_not_add_up(tmp_path: Path):
    """Threads that wait for each other, and a delivery that asks for several keys, wait once."""
    path = tmp_path / "store.sqlite"
    store = SqliteStore(path)
    store.claim("first")
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    waited: list[float] = []

    def ask() -> None:
        key = Key("key")
        key.owner = "me"
        started = time.monotonic()
        key.until = started + 1.0
        for verb in ("claim", "claim", "release", "release"):
            with contextlib.suppress(sqlite3.OperationalError, TimeoutError):
                getattr(store, verb)(key)
        waited.append(time.monotonic() - started)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    holder.execute("ROLLBACK")
    holder.close()
    store.close()
    assert len(waited) == 4
    # One after the other they would have waited for four seconds, and each four times.
    assert max(waited) < 3


def test_applications_that_share_a_redis_are_told_apart(redis_url: str):
    stores = [RedisStore(redis_url, application=name) for name in ("shop", "crm", "crm")]
    assert [store.claim("shared") for store in stores] == ["new", "new", "in_progress"]
