"""Deliveries remembered in Redis, for the processes of many machines."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from revrag.webhooks.stores._store import CLAIM_TTL, DONE_TTL, Key, check_ttls, new_owner, owner_of

if TYPE_CHECKING:
    from collections.abc import Awaitable

    import redis
    import redis.asyncio

    from revrag.webhooks.stores._store import State

DONE = "done"
# A client sends a claim again when its answer was lost: a delivery's own claim is no one else's.
CLAIM = """
local found = redis.call('GET', KEYS[1])
if found and not (ARGV[3] == '1' and found == ARGV[1]) then return found end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return false
"""
RELEASE = """
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
"""
TIMEOUT = 5.0  # seconds, for a client made here


class RedisStore:
    """Remembers deliveries in Redis.

    Claims are atomic, and Redis itself forgets what expired. With a client of `redis.asyncio` the
    methods return awaitables, and the store serves asyncio views only.

    A worker that is killed between its handler's end and the mark leaves the event to be handled
    again; `DjangoStore` and `SqlAlchemyStore` don't.

    Args:
        client_or_url: A client of `redis` or `redis.asyncio`, or a URL as `redis://host:6379/0`,
            which makes a blocking client that waits at most 5 seconds.
        claim_ttl: Seconds after which a claim that was neither committed nor released expires.
        done_ttl: Seconds for which a handled delivery is remembered.
        application: The name of your application, where several share the Redis: without it, two
            whose handlers have the same name take each other's events for handled.
        prefix: What the names of its keys begin with, before the application's.

    Raises:
        InvalidArgumentError: A time is not positive.
        ImportError: The package `redis` is not installed.

    Example:
        >>> import redis.asyncio
        >>> client = redis.asyncio.Redis.from_url("redis://127.0.0.1:6379")
        >>> store = revrag.webhooks.stores.RedisStore(client, application="shop")
    """

    def __init__(
        self,
        client_or_url: str | redis.Redis | redis.asyncio.Redis,
        *,
        claim_ttl: float = CLAIM_TTL,
        done_ttl: float = DONE_TTL,
        application: str = "",
        prefix: str = "revrag:webhook:",
    ) -> None:
        check_ttls(claim_ttl, done_ttl)
        self._client: Any = (
            _connect(client_or_url) if isinstance(client_or_url, str) else client_or_url
        )
        self._name = new_owner()
        self._claim_ms = max(1, round(claim_ttl * 1000))
        self._done_ms = max(1, round(done_ttl * 1000))
        self.done_ttl = done_ttl
        self._prefix = f"{prefix}{application}:" if application else prefix
        self.is_async = inspect.iscoroutinefunction(self._client.execute_command)

    def claim(self, key: str) -> State | Awaitable[State]:
        """Answer `"new"`, `"in_progress"` or `"done"`; claim the key where it is new."""
        is_own = int(isinstance(key, Key))
        found = self._client.eval(
            CLAIM, 1, self._prefix + key, self._claimed_by(key), self._claim_ms, is_own
        )
        return _state_later(found) if self.is_async else _state(found)

    def commit(self, key: str) -> Awaitable[None] | None:
        """Remember the key as done."""
        return self._nothing(self._client.set(self._prefix + key, DONE, px=self._done_ms))

    def release(self, key: str) -> Awaitable[None] | None:
        """Give the claim back, if it is still its owner's."""
        return self._nothing(
            self._client.eval(RELEASE, 1, self._prefix + key, self._claimed_by(key))
        )

    def _claimed_by(self, key: str) -> str:
        return f"claimed by {owner_of(key, self._name)}"

    def _nothing(self, answer: Any) -> Awaitable[None] | None:
        return _drop(answer) if self.is_async else None


def _connect(url: str) -> redis.Redis:
    try:
        import redis
        from redis.backoff import NoBackoff
        from redis.retry import Retry
    except ImportError as error:
        raise ImportError('RedisStore needs redis: pip install "revrag[redis]"') from error
    # Once more where a kept connection turns out to be dead; not after a timeout.
    retry = Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,))
    times = {"socket_timeout": TIMEOUT, "socket_connect_timeout": TIMEOUT}
    return redis.Redis.from_url(url, retry=retry, **times)


def _state(found: bytes | str | None) -> State:
    if found is None:
        return "new"
    return "done" if found in (DONE, DONE.encode()) else "in_progress"


async def _state_later(found: Awaitable[bytes | str | None]) -> State:
    return _state(await found)


async def _drop(answer: Awaitable[object]) -> None:
    await answer
