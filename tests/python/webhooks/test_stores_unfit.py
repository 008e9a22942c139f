"""Caches that forget what they should remember, and stores of a user's own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import revrag
from revrag import testing
from revrag.webhooks import aws
from revrag.webhooks.stores import DjangoCacheStore, MemoryStore, Store
from support.raw import configure_django


@pytest.fixture
def unfit(tmp_path: Path) -> Iterator[Callable[[str], DjangoCacheStore]]:
    """Make a store of one of Django's own caches."""
    configure_django()
    from django.core.cache import caches

    def make(backend: str) -> DjangoCacheStore:
        options = {"BACKEND": f"django.core.cache.backends.{backend}", "LOCATION": str(tmp_path)}
        caches.settings["unfit"] = options
        return DjangoCacheStore("unfit")

    yield make
    del caches["unfit"]


@pytest.mark.parametrize(
    ("backend", "problem"),
    [
        ("db.DatabaseCache", "two workers"),
        ("dummy.DummyCache", "remembers nothing"),
        ("filebased.FileBasedCache", "two workers"),
    ],
)
def test_a_cache_that_is_unfit_is_refused(backend: str, problem: str, unfit: Any):
    from django.core.exceptions import ImproperlyConfigured

    store = unfit(backend)
    for _ in range(2):
        with pytest.raises(ImproperlyConfigured, match=problem):
            store.claim("a")


def test_a_cache_that_forgets_is_warned_of_with_the_number(
    unfit: Any, caplog: pytest.LogCaptureFixture
):
    store = unfit("locmem.LocMemCache")
    store.claim("a")
    store.claim("b")
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "keeps 300 entries, those of 100 deliveries" in caplog.text


def test_a_memory_that_forgets_is_warned_of_with_the_number(caplog: pytest.LogCaptureFixture):
    store = MemoryStore(max_keys=10)
    for number in range(20):
        store.claim(f"key-{number}")
        store.commit(f"key-{number}")
    (record,) = caplog.records
    assert "keeps 10 keys" in record.getMessage()


class Conditional:
    """A store on a table that knows conditional writes and nothing else, as DynamoDB's do."""

    def __init__(self) -> None:
        self._rows: dict[str, tuple[str, float]] = {}
        self._lock = threading.Lock()
        self.clock = testing.FixedClock()

    def _put(self, key: str, row: tuple[str, float], condition: Callable[[Any], bool]) -> bool:
        with self._lock:
            if not condition(self._rows.get(key)):
                return False
            self._rows[key] = row
            return True

    def claim(self, key: str) -> Any:
        now, owner = self.clock(), getattr(key, "owner", "me")
        row = (owner, now + 100)
        # What a client sent twice is its own.
        if self._put(key, row, lambda row: row is None or row[1] <= now or row[0] == owner):
            return "new"
        return "done" if self._rows[key][0] == "done" else "in_progress"

    def commit(self, key: str) -> None:
        self._put(key, ("done", self.clock() + 1000), lambda _row: True)

    def release(self, key: str) -> None:
        owner = getattr(key, "owner", "me")
        self._put(key, ("", 0), lambda row: row is not None and row[0] == owner)


def test_conditional_writes_are_enough_for_a_store_of_ones_own():
    store = Conditional()
    assert isinstance(store, Store)
    verifier = revrag.WebhookVerifier("whsec")
    told = [503, 200]
    handler = aws.handler(verifier, lambda _event: told.pop(0), store=store)
    sent = testing.delivery(testing.sample_call(), verifier)
    event = {"httpMethod": "POST", "headers": sent.headers, "body": sent.body.decode()}
    assert [handler(event, None)["statusCode"] for _ in range(3)] == [503, 200, 200]
    assert told == []
