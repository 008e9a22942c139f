"""What the endpoints under test do, whatever their framework: as the event tells them."""

from __future__ import annotations

import logging
import os
import random
from collections.abc import Callable
from pathlib import Path

import redis.asyncio
import revrag
from revrag.webhooks.stores import DjangoCacheStore, MemoryStore, RedisStore, SqliteStore, Store

SECRETS = os.environ.get("APP_SECRETS", "whsec").split(",")
MAX_BODY = int(os.environ.get("APP_MAX_BODY", "10000"))
BODY_TIMEOUT = float(os.environ.get("APP_BODY_TIMEOUT", "10"))
ON_STORE_ERROR = os.environ.get("APP_ON_STORE_ERROR", "refuse")

verifier = revrag.WebhookVerifier(SECRETS)


def make_store() -> Store:
    """The store that ``APP_STORE`` tells of, as ``kind:where``."""
    kind, _, where = os.environ["APP_STORE"].partition(":")
    ttl = float(os.environ.get("APP_CLAIM_TTL", "300"))
    if kind == "memory":
        return MemoryStore(claim_ttl=ttl)
    if kind == "sqlite":
        return SqliteStore(where, claim_ttl=ttl, **clock())
    if kind == "redis":
        return RedisStore(where, claim_ttl=ttl)
    if kind == "redis-asyncio":
        return RedisStore(redis.asyncio.Redis.from_url(where), claim_ttl=ttl)
    assert kind == "django"
    return DjangoCacheStore(claim_ttl=ttl)


def clock() -> dict[str, Callable[[], float]]:
    """A clock that a file tells, if there is to be one."""
    path = os.environ.get("APP_CLOCK")
    return {} if path is None else {"clock": lambda: float(Path(path).read_text())}


def note(*words: object) -> None:
    """Append a line to the log that all workers share."""
    file = os.open(os.environ["APP_LOG"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    try:
        os.write(file, (" ".join(map(str, words)) + "\n").encode())
    finally:
        os.close(file)


def behave(event: revrag.WebhookEvent) -> int:
    """Do what the event says; the status to answer with."""
    assert event.call is not None
    what = (event.call.variables_fields or {}).get("do", "succeed")
    if what == "flaky":
        what = random.choice(["succeed", "succeed", "succeed", "raise", "503"])
    if what == "hold":
        # Until the test opens it for writing, and for good if that is its end.
        note("held", event.id, os.getpid())
        Path(os.environ["APP_GATE"]).read_text()
        what = "succeed"
    if what == "raise":
        raise RuntimeError("as told")
    if what == "succeed":
        note("succeeded", event.id, os.getpid())
        return 200
    note("answered", event.id, what)
    return int(what)


if "APP_QUIET" in os.environ:
    logging.disable(logging.CRITICAL)
