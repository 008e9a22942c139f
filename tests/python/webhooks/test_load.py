"""Twenty thousand deliveries of five thousand events, fifty at a time, over four processes."""

from __future__ import annotations

import asyncio
import random
from collections import Counter

import pytest
import revrag
from revrag import testing
from support.load import deliver_all
from support.web import Serve

EVENTS = 5_000
COPIES = 4
VERIFIER = revrag.WebhookVerifier("whsec")


def sign(event_id: str) -> testing.Delivery:
    """A delivery of an event whose handler fails now and then."""
    payload = {
        "call_status": "completed",
        "call_id": f"call-{event_id}",
        "variables_fields": {"do": "flaky"},
    }
    return testing.delivery(payload, VERIFIER, event_id=event_id)


def mixed_up() -> list[str]:
    """Every event as often as it is delivered, its copies near each other."""
    ids = [f"evt_{number}" for number in range(EVENTS) for _ in range(COPIES)]
    order = random.Random(5)
    for start in range(0, len(ids), 40):
        block = ids[start : start + 40]
        order.shuffle(block)
        ids[start : start + 40] = block
    return ids


@pytest.mark.timeout(240)
@pytest.mark.parametrize(
    ("framework", "store"),
    [("fastapi", "redis-asyncio"), ("flask", "sqlite"), ("django", "django")],
)
def test_each_event_is_handled_once(framework, store, serve: Serve, redis_url, tmp_path):
    where = {
        "redis-asyncio": f"redis-asyncio:{redis_url}",
        "sqlite": f"sqlite:{tmp_path / 'store.sqlite'}",
        "django": "django",
    }
    web = serve(
        framework,
        workers=4,
        APP_STORE=where[store],
        APP_CACHE=redis_url,
        APP_CLAIM_TTL="600",
        APP_QUIET="1",
    )
    statuses, tries = asyncio.run(deliver_all(web.port, mixed_up(), sign, 50))
    handled = Counter(web.succeeded())
    assert handled == Counter(f"evt_{number}" for number in range(EVENTS))
    assert statuses[200] == EVENTS * COPIES
    assert tries > EVENTS * COPIES
    assert set(statuses) <= {0, 200, 409, 500, 503}
    assert statuses[500] > 100
    # All processes took part.
    assert len({words[2] for words in web.noted() if words[0] == "succeeded"}) == 4
    print(framework, store, dict(statuses))
