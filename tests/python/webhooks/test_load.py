"""Many deliveries of each event, fifty at a time, over four processes, to handlers that fail.

``REVRAG_TEST_EVENTS=5000`` makes them twenty thousand deliveries: ``make test-webhooks``.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections import Counter

import psycopg
import pytest
import revrag
from revrag import testing
from revrag.sandbox import Sandbox
from revrag.webhooks.stores import SqlAlchemyStore
from sqlalchemy import NullPool, create_engine
from support.databases import new_database
from support.load import deliver_all
from support.web import Serve

EVENTS = int(os.environ.get("REVRAG_TEST_EVENTS", "300"))
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


@pytest.mark.timeout(900)
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
    assert statuses[500] > EVENTS / 50
    # All processes took part.
    assert len({words[2] for words in web.noted() if words[0] == "succeeded"}) == 4
    print(framework, store, dict(statuses))


@pytest.mark.timeout(900)
@pytest.mark.parametrize("framework", ["fastapi", "flask", "django"])
def test_each_event_of_the_sandbox_is_handled_once(framework: str, serve: Serve):
    """It delivers some twice, some late, and some again whose answer is lost on the way back."""
    web = serve(framework, workers=4, APP_CLAIM_TTL="600", APP_QUIET="1")
    with Sandbox(
        time="manual",
        max_concurrency=100,
        failure_rate=0,
        webhook_url=f"http://127.0.0.1:{web.port}/revrag",
        webhook_secret="whsec",
    ) as sandbox:
        sandbox.fault("webhook", "dropped", applied=1.0, probability=0.2, seed=1)
        sandbox.fault("webhook", "duplicate", probability=0.5, seed=2)
        sandbox.fault("webhook", "reordered", probability=0.5, seed=3)
        campaign = sandbox.client().campaign(sandbox.campaign_id)
        flaky = {"do": "flaky"}
        for start in range(0, EVENTS, 500):
            numbers = range(start, min(start + 500, EVENTS))
            campaign.push(
                [{"phone_number": f"+91987{it:07}", "variables": flaky} for it in numbers]
            )
        sandbox.run_until_delivered(timeout=800)
        assert sandbox.webhooks_failed == 0
        struck = [one["struck"] for one in sandbox.faults]
        told = {entry["event_id"] for entry in sandbox.deliveries}
    handled = Counter(web.succeeded())
    assert set(handled.values()) == {1}
    assert len(handled) == EVENTS
    assert told <= set(handled)
    assert min(struck) > EVENTS / 20
    print(framework, struck)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("framework", ["fastapi", "flask", "django"])
def test_each_effect_is_there_once(framework: str, serve: Serve, postgres_url: str):
    """With the stores that mark an event in its handler's transaction."""
    url = new_database(postgres_url, f"load_{framework}")
    make_tables(url)
    web = serve(f"{framework}-sql", workers=4, APP_DATABASE=url)
    statuses, tries = asyncio.run(deliver_all(web.port, mixed_up(), sign, 50))
    with psycopg.connect(url) as connection:
        effects = connection.execute("SELECT event_id, worker FROM effects").fetchall()
    assert Counter(event_id for event_id, _ in effects) == Counter(
        f"evt_{number}" for number in range(EVENTS)
    )
    assert statuses[200] == EVENTS * COPIES
    assert set(statuses) <= {0, 200, 409, 500, 503}
    assert statuses[500] > EVENTS / 50
    assert len({worker for _, worker in effects}) > 1
    print(framework, dict(statuses), tries, "tries")


def make_tables(url: str) -> None:
    """The store's tables, and that of the handlers' effects."""
    SqlAlchemyStore(
        create_engine(url.replace("postgresql:", "postgresql+psycopg:"), poolclass=NullPool)
    ).create_tables()
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE effects (event_id text, worker integer)")
