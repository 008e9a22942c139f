"""Deliveries remembered in this process."""

from __future__ import annotations

import logging
import os
import threading
import weakref
from collections import OrderedDict
from math import inf
from typing import TYPE_CHECKING

from revrag.errors import InvalidArgumentError
from revrag.webhooks import _clock
from revrag.webhooks.stores._store import CLAIM_TTL, DONE_TTL, check_ttls, new_owner, owner_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from revrag.webhooks.stores._store import State

logger = logging.getLogger("revrag")


class MemoryStore:
    """Remembers deliveries in the memory of one process, for tests and for a single worker.

    Args:
        claim_ttl: Seconds after which a claim that was neither committed nor released expires.
        done_ttl: Seconds for which a handled delivery is remembered.
        max_keys: The most keys that are remembered as done; past that, the oldest is forgotten,
            with a warning. A delivery of a call takes three.
        clock: What tells the time, in seconds.

    Raises:
        InvalidArgumentError: An argument is not positive.

    Example:
        >>> store = revrag.webhooks.stores.MemoryStore(done_ttl=86400)
        >>> store.claim("key")
        'new'
        >>> store.release("key")
        >>> store.claim("key")
        'new'
    """

    def __init__(
        self,
        *,
        claim_ttl: float = CLAIM_TTL,
        done_ttl: float = DONE_TTL,
        max_keys: int = 300_000,
        clock: Callable[[], float] = _clock.now,
    ) -> None:
        check_ttls(claim_ttl, done_ttl)
        if max_keys < 1:
            raise InvalidArgumentError(f"max_keys: {max_keys!r} is less than 1")
        self._name = new_owner()
        self._claim_ttl = claim_ttl
        self.done_ttl = done_ttl
        self._max_keys = max_keys
        self._clock = clock
        self._has_warned = False
        self._claims: OrderedDict[str, tuple[str, float]] = OrderedDict()
        self._done: OrderedDict[str, float] = OrderedDict()
        # No key expires before that.
        self._due = inf
        self._new_lock()
        _stores.add(self)

    def claim(self, key: str) -> State:
        """Answer `"new"`, `"in_progress"` or `"done"`; claim the key where it is new."""
        with self._lock:
            now = self._clock()
            if now >= self._due:
                self._expire(now)
            if key in self._done:
                return "done"
            if key in self._claims:
                return "in_progress"
            self._claims[str(key)] = (owner_of(key, self._name), now + self._claim_ttl)
            self._due = min(self._due, now + self._claim_ttl)
            return "new"

    def commit(self, key: str) -> None:
        """Remember the key as done."""
        with self._lock:
            self._claims.pop(key, None)
            expires = self._clock() + self.done_ttl
            self._done[str(key)] = expires
            self._done.move_to_end(key)
            self._due = min(self._due, expires)
            if len(self._done) > self._max_keys:
                self._done.popitem(last=False)
                self._warn()

    def release(self, key: str) -> None:
        """Give the claim back, if it is still its owner's."""
        with self._lock:
            owner, _ = self._claims.get(key, ("", 0.0))
            if owner == owner_of(key, self._name):
                del self._claims[key]

    def _warn(self) -> None:
        if not self._has_warned:
            self._has_warned = True
            logger.warning(
                "a MemoryStore keeps %d keys, and begins to forget deliveries that it should "
                "remember for %g seconds: pass a larger max_keys, or a store on disk",
                self._max_keys,
                self.done_ttl,
            )

    def _expire(self, now: float) -> None:
        # All claims live equally long, and all done keys do: the oldest expires first.
        while self._claims and next(iter(self._claims.values()))[1] <= now:
            self._claims.popitem(last=False)
        while self._done and next(iter(self._done.values())) <= now:
            self._done.popitem(last=False)
        self._due = min(
            next(iter(self._claims.values()), ("", inf))[1], next(iter(self._done.values()), inf)
        )

    def _new_lock(self) -> None:
        self._lock = threading.Lock()


_stores: weakref.WeakSet[MemoryStore] = weakref.WeakSet()


def _forked() -> None:
    # A thread that held a lock when the process forked is not there to give it back.
    for store in _stores:
        store._new_lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)
