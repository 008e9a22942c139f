"""Each call is handled once, whichever way it comes."""

from __future__ import annotations

import asyncio
import datetime as dt
import functools
import json
import random
import uuid
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import revrag
from revrag.webhooks import gcp, stores, wsgi
from support import CALL, campaign_at
from support.listing import service, uid
from support.server import Serve, reply

VERIFIER = revrag.WebhookVerifier("secret")
LONG_AGO = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)


class Crash(BaseException):
    """The end of a worker, as far as its handler sees it."""


def deliver(app: Callable[..., Any], number: int, event_id: str) -> str:
    """Bring a call's webhook to an endpoint; the answer."""
    import io

    body = json.dumps(CALL | {"call_id": uid(1000 + number)}).encode()
    headers = VERIFIER.sign(body, event_id=event_id)
    environ = {"HTTP_" + name.upper().replace("-", "_"): text for name, text in headers.items()}
    environ |= {"REQUEST_METHOD": "POST", "CONTENT_LENGTH": str(len(body))}
    said: list[str] = []
    list(app(environ | {"wsgi.input": io.BytesIO(body)}, lambda status, *_: said.append(status)))
    return said[0]


@pytest.mark.parametrize("form", ["blocking", "asyncio"])
def test_each_call_is_handled_once(serve: Serve, tmp_path: Path, form: str) -> None:
    """Of the webhooks 30 % are dropped and 10 % come twice; handlers fail and workers crash."""
    count, draw = 300, random.Random(7)
    store = stores.SqliteStore(tmp_path / "seen.sqlite", claim_ttl=0.2)
    handled: Counter[str] = Counter()
    crashes = {uid(1000 + n) for n in draw.sample(range(count), 5)}

    def call_ended(event: revrag.WebhookEvent) -> None:
        assert event.call is not None
        assert event.type == "call.ended"
        assert event.payload == CALL | {"call_id": event.call.call_id}
        if event.call.call_id in crashes:
            crashes.discard(event.call.call_id)
            raise RuntimeError("not now")
        handled[event.call.call_id] += 1

    app = wsgi.endpoint(call_ended, VERIFIER, store=store)
    campaign = campaign_at(serve(service(count)).url)

    def reconcile() -> Any:
        if form == "blocking":
            return campaign.reconcile(store, call_ended, since=LONG_AGO)
        return asyncio.run(campaign.reconcile_async(store, call_ended, since=LONG_AGO))

    for number in range(count):
        if draw.random() < 0.3:
            continue
        for _ in range(2 if draw.random() < 0.1 else 1):
            deliver(app, number, f"evt_{number}")
    brought = len(handled)
    assert 0.5 * count < brought < count
    first = reconcile()
    assert first.handled + len(first.failed) == count - brought
    assert first.known == brought
    second = reconcile()
    assert (second.handled, second.failed) == (len(first.failed), [])
    # Webhooks that come late change nothing.
    for number in range(0, count, 10):
        assert deliver(app, number, f"late_{number}").startswith("200")
    assert handled == Counter({uid(1000 + n): 1 for n in range(count)})


def test_a_crash_in_between(serve: Serve, tmp_path: Path) -> None:
    store = stores.SqliteStore(tmp_path / "seen.sqlite")
    campaign = campaign_at(serve(service(20)).url)
    handled: list[str] = []

    def call_ended(event: revrag.WebhookEvent) -> None:
        assert event.call is not None
        if len(handled) == 7:
            handled.append("crash")
            raise Crash
        handled.append(event.call.call_id)

    with pytest.raises(Crash):
        campaign.reconcile(store, call_ended, since=LONG_AGO)
    again = campaign.reconcile(store, call_ended, since=LONG_AGO)
    assert (again.handled, again.known) == (13, 7)
    assert sorted(set(handled) - {"crash"}) == [uid(1000 + n) for n in range(20)]


def test_only_what_has_ended_since(serve: Serve) -> None:
    campaign = campaign_at(serve(service(3)).url)
    store, events = stores.MemoryStore(), []
    ended = dt.datetime.fromisoformat(CALL["end_time"])
    later = ended + dt.timedelta(seconds=1)
    assert campaign.reconcile(store, events.append, since=later, name="a").handled == 0
    assert campaign.reconcile(store, events.append, since=ended, name="a").handled == 3
    assert campaign.reconcile(store, events.append, since=ended, name="b").handled == 3
    assert [event.timestamp for event in events] == [ended] * 6


def test_what_reconcile_does_not_take(serve: Serve) -> None:
    server = serve(reply(500))
    campaign, store = campaign_at(server.url), stores.MemoryStore()
    naive = dt.datetime(2026, 1, 1)  # noqa: DTZ001
    with pytest.raises(revrag.InvalidArgumentError, match="since"):
        campaign.reconcile(store, print, since=naive)
    with pytest.raises(TypeError, match="store"):
        campaign.reconcile(object(), print, since=LONG_AGO)  # type: ignore[arg-type]

    async def handler(_: revrag.WebhookEvent) -> None: ...

    with pytest.raises(TypeError, match="reconcile_async"):
        campaign.reconcile(store, handler, since=LONG_AGO)
    assert not server.requests
    assert uuid.UUID(uid(1))


def view_of_flask() -> Callable[..., Any]:
    flask = pytest.importorskip("revrag.webhooks.flask")

    @flask.webhook(VERIFIER, store=stores.MemoryStore())
    def call_ended(_event: revrag.WebhookEvent) -> None: ...

    return call_ended


def app_of_wsgi() -> Callable[..., Any]:
    return wsgi.endpoint(print, VERIFIER, store=stores.MemoryStore())


def function_of_a_cloud() -> Callable[..., Any]:
    return gcp.handler(VERIFIER, print, store=stores.MemoryStore())


def of_two() -> Callable[..., Any]:
    def call_ended(_event: revrag.WebhookEvent, database: object) -> object:
        return database

    return call_ended


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (view_of_flask, "is a view"),
        (app_of_wsgi, "needs"),
        (function_of_a_cloud, "is a view"),
        (of_two, "needs database"),
    ],
)
def test_a_handler_of_more_than_an_event_is_refused(
    serve: Serve, make: Callable[[], Callable[..., Any]], words: str
) -> None:
    server, store = serve(reply(500)), stores.MemoryStore()
    campaign = campaign_at(server.url)
    with pytest.raises(TypeError, match=words):
        campaign.reconcile(store, make(), since=LONG_AGO)
    with pytest.raises(TypeError, match=words):
        asyncio.run(campaign.reconcile_async(store, make(), since=LONG_AGO))
    with pytest.raises(TypeError, match=words):
        wsgi.endpoint(make(), VERIFIER)
    assert not server.requests


def test_going_back_further_than_the_store_remembers_is_warned_of(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    campaign = campaign_at(serve(service(1)).url)
    hours = stores.MemoryStore(done_ttl=3600)
    campaign.reconcile(hours, print, since=dt.timedelta(hours=1))
    assert not caplog.records
    campaign.reconcile(hours, print, since=dt.timedelta(minutes=62))
    assert "remembers what was handled for 1 hours" in caplog.text


def given_more(function: Callable[..., Any]) -> Callable[[revrag.WebhookEvent], Any]:
    """A decorator that gives a function what it needs besides."""

    @functools.wraps(function)
    def wrapper(event: revrag.WebhookEvent) -> Any:
        return function(event, "database")

    return wrapper


def test_a_handler_is_judged_as_it_is_called(serve: Serve) -> None:
    @given_more
    def call_ended(event: revrag.WebhookEvent, database: str) -> None:
        seen.append((event, database))

    seen: list[tuple[revrag.WebhookEvent, str]] = []
    campaign, store = campaign_at(serve(service(1)).url), stores.MemoryStore()
    assert campaign.reconcile(store, call_ended, since=LONG_AGO).handled == 1
    assert [database for _, database in seen] == ["database"]
    assert wsgi.endpoint(call_ended, VERIFIER)
    patched = mock.patch("os.sep", "/")(lambda event, *_: event)
    assert wsgi.endpoint(patched, VERIFIER)
