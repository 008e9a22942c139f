"""Deliveries remembered in a cache of Django's."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from revrag.webhooks import _clock
from revrag.webhooks.stores._store import CLAIM_TTL, DONE_TTL, Key, check_ttls, new_owner, owner_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from revrag.webhooks.stores._store import State

logger = logging.getLogger("revrag")

DONE = "done"
# A claim with less time left than this is not deleted but left to expire: looking and deleting are
# two steps, and in between it could become someone else's.
MARGIN = 1.0
UNFIT = {
    "db.DatabaseCache": "two workers can claim one key",
    "dummy.DummyCache": "it remembers nothing",
    "filebased.FileBasedCache": "two workers can claim one key",
}
MAX_ENTRIES = 300  # Django's own default
KEYS = 3  # of the delivery of a call


class DjangoCacheStore:
    """Remembers deliveries in one of Django's caches.

    The cache must be shared by all workers, add keys atomically, and keep what it was given: Redis
    or Memcached with room enough. Django's caches in a database, in files and of nothing are
    refused; the one in memory is warned of, with the number of deliveries that it remembers.

    A worker that is killed between its handler's end and the mark leaves the event to be handled
    again; `DjangoStore` and `SqlAlchemyStore` don't.

    Args:
        alias: The cache's name in the setting `CACHES`.
        claim_ttl: Seconds after which a claim that was neither committed nor released expires.
        done_ttl: Seconds for which a handled delivery is remembered.
        prefix: What the names of its keys begin with.
        clock: What tells how old a claim is, in Unix seconds.

    Raises:
        InvalidArgumentError: A time is not positive.
        ImportError: Django is not installed.
        ImproperlyConfigured: On first use, where the cache is unfit.

    Example:
        >>> store = revrag.webhooks.stores.DjangoCacheStore("default", done_ttl=86400)
        >>> store.claim("key")
        'new'
    """

    def __init__(
        self,
        alias: str = "default",
        *,
        claim_ttl: float = CLAIM_TTL,
        done_ttl: float = DONE_TTL,
        prefix: str = "revrag:webhook:",
        clock: Callable[[], float] = _clock.now,
    ) -> None:
        check_ttls(claim_ttl, done_ttl)
        try:
            import django  # noqa: F401  # asked for, not used
        except ImportError as error:
            raise ImportError(
                'DjangoCacheStore needs Django: pip install "revrag[django]"'
            ) from error
        self._alias = alias
        self._name = new_owner()
        self._claim_ttl = claim_ttl
        self.done_ttl = done_ttl
        self._prefix = prefix
        self._clock = clock
        self._is_checked = False

    def claim(self, key: str) -> State:
        """Answer `"new"`, `"in_progress"` or `"done"`; claim the key where it is new."""
        cache, name = self._cache(), self._prefix + key
        value = f"{self._clock() + self._claim_ttl} {owner_of(key, self._name)}"
        # What was there may expire between the two; then it is free to be claimed.
        for _ in range(3):
            if cache.add(name, value, self._claim_ttl):
                return "new"
            found = cache.get(name)
            if found == value and isinstance(key, Key):
                return "new"  # the cache's client had sent it twice, its answer being lost
            if found is not None:
                return "done" if found == DONE else "in_progress"
        return "in_progress"

    def commit(self, key: str) -> None:
        """Remember the key as done."""
        self._cache().set(self._prefix + key, DONE, self.done_ttl)

    def release(self, key: str) -> None:
        """Give the claim back, if it is still its owner's."""
        cache, name = self._cache(), self._prefix + key
        until, _, owner = str(cache.get(name, DONE)).partition(" ")
        if owner == owner_of(key, self._name) and float(until) - self._clock() > min(
            MARGIN, self._claim_ttl / 2
        ):
            cache.delete(name)

    def _cache(self) -> Any:
        # Looked up each time: Django gives each thread its own.
        from django.core.cache import caches

        cache = caches[self._alias]
        if not self._is_checked:
            self._check(cache)
            self._is_checked = True
        return cache

    def _check(self, cache: Any) -> None:
        from django.conf import settings
        from django.core.cache.backends.locmem import LocMemCache
        from django.core.exceptions import ImproperlyConfigured
        from django.utils.module_loading import import_string

        for path, problem in UNFIT.items():
            if isinstance(cache, import_string(f"django.core.cache.backends.{path}")):
                raise ImproperlyConfigured(
                    f"the cache {self._alias!r} is a {type(cache).__name__}, and {problem}: "
                    "webhooks would be handled twice; take DjangoStore, or a cache in Redis or "
                    "Memcached"
                )
        if isinstance(cache, LocMemCache):
            options = settings.CACHES.get(self._alias, {}).get("OPTIONS", {})
            entries = int(options.get("MAX_ENTRIES", MAX_ENTRIES))
            logger.warning(
                "the cache %r is a %s, which is not shared between processes and keeps %d entries, "
                "those of %d deliveries: what it forgot is handled twice; take DjangoStore, or a "
                "cache in Redis or Memcached",
                self._alias,
                type(cache).__name__,
                entries,
                entries // KEYS,
            )
