"""What a type checker makes of the webhook endpoints."""

from __future__ import annotations

from typing import Any, assert_type

import redis
import redis.asyncio
import revrag
from django.http import HttpRequest
from flask import Response
from revrag import testing
from revrag.webhooks import CallEnded, EventRegistry, Store
from revrag.webhooks import django as django_helper
from revrag.webhooks import fastapi as fastapi_helper
from revrag.webhooks import flask as flask_helper
from revrag.webhooks.stores import (
    DjangoCacheStore,
    MemoryStore,
    RedisStore,
    SqliteStore,
    State,
)

verifier = revrag.WebhookVerifier("whsec")


class OwnStore:
    """A store that a user wrote, to be awaited."""

    async def claim(self, key: str) -> State:
        return "new" if key else "done"

    async def commit(self, key: str) -> None: ...

    async def release(self, key: str) -> None: ...


stores: list[Store] = [
    MemoryStore(claim_ttl=1, done_ttl=2.5),
    SqliteStore("file"),
    RedisStore("redis://host"),
    RedisStore(redis.Redis()),
    RedisStore(redis.asyncio.Redis()),
    DjangoCacheStore("default"),
    OwnStore(),
]
assert_type(MemoryStore().claim("key"), State)

events = EventRegistry()


@events.on("call.ended")
def call_ended(event: CallEnded) -> str | None:
    assert_type(event.call, revrag.Call)
    return event.call.summary


@events.on("call.ended")
def call_ended_too(event: revrag.WebhookEvent) -> int:
    assert_type(event.call, revrag.Call | None)
    return 1


@events.on("call.rang")
async def call_rang(event: revrag.WebhookEvent) -> None:
    assert_type(event.call, revrag.Call | None)


def use(event: revrag.WebhookEvent) -> None:
    assert_type(call_ended_too(event), int)


assert_type(fastapi_helper.webhook(verifier, store=stores[0], types=events), Any)
event_of: revrag.WebhookEvent = fastapi_helper.webhook(verifier, on_store_error="handle")
ended: CallEnded = fastapi_helper.webhook(verifier, types=["call.ended"])


@flask_helper.webhook(verifier, store=stores[0], max_body=1000, types={"call.ended"})
def in_flask(event: CallEnded) -> tuple[str, int]:
    return event.id, 200


assert_type(in_flask(), Response)


@django_helper.webhook
def in_django(request: HttpRequest, event: revrag.WebhookEvent) -> None: ...


@django_helper.webhook(verifier=verifier, store=stores[0], types=events)
async def in_django_async(request: HttpRequest, event: revrag.WebhookEvent) -> None: ...


sent = testing.delivery(testing.sample_call(), verifier, event_id="evt_1", timestamp=0.5)
assert_type(sent, testing.Delivery)
assert_type(sent.headers, dict[str, str])
