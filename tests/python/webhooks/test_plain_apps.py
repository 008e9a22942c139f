"""What is the plain apps' own: what a handler may return, and the life of a server."""

from __future__ import annotations

import asyncio
from typing import Any
from wsgiref.validate import validator

import pytest
import revrag
from revrag import errors, testing
from revrag.webhooks import EventRegistry, Reply, asgi, wsgi
from revrag.webhooks.stores import MemoryStore
from starlette.responses import JSONResponse
from support import raw
from support.spy import AsyncSpy, Spy

VERIFIER = revrag.WebhookVerifier("whsec")
HANDLED = ["claim new"] * 3 + ["commit"] * 3
FAILED = ["claim new"] * 3 + ["release"] * 3


def request_of(sent: testing.Delivery) -> tuple[str, raw.Headers, list[bytes]]:
    pairs = [(name.encode(), text.encode()) for name, text in sent.headers.items()]
    return "POST", [*pairs, (b"Content-Length", str(len(sent.body)).encode())], [sent.body]


def delivery(**options: Any) -> testing.Delivery:
    return testing.delivery(testing.sample_call(call_id="call_1"), VERIFIER, **options)


RETURNED: dict[str, tuple[Any, int, bytes, str | None]] = {
    "nothing": (None, 200, b"", "text/plain; charset=utf-8"),
    "a status": (204, 204, b"", None),
    "text": ("naïve", 200, "naïve".encode(), "text/plain; charset=utf-8"),
    "bytes": (b"\0", 200, b"\0", "application/octet-stream"),
    "a dict": ({"a": 1}, 200, b'{"a": 1}', "application/json"),
    "a list": ([1], 200, b"[1]", "application/json"),
    "a reply": (Reply(202, "ok", {"Content-Type": "text/x"}), 202, b"ok", "text/x"),
    "a failure": (Reply(503, "later"), 503, b"later", "text/plain; charset=utf-8"),
    "no answer": (object(), 500, b'{"detail": "Internal Server Error"}', "application/json"),
    "a truth": (True, 500, b'{"detail": "Internal Server Error"}', "application/json"),
    "no status": (99, 500, b'{"detail": "Internal Server Error"}', "application/json"),
}


@pytest.mark.parametrize("case", RETURNED)
@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize("kind", ["asgi", "wsgi"])
def test_what_a_handler_returns(case: str, is_async: bool, kind: str):
    returned, status, body, content_type = RETURNED[case]

    def call_ended(_event: revrag.WebhookEvent) -> Any:
        return returned

    async def call_ended_async(_event: revrag.WebhookEvent) -> Any:
        return returned

    handler = call_ended_async if is_async else call_ended
    spy = Spy()
    with asyncio.Runner() as runner:
        if kind == "asgi":
            call = raw.asgi(asgi.endpoint(handler, VERIFIER, store=spy), runner)
        else:
            # It checks what PEP 3333 asks of an app.
            call = raw.wsgi(validator(wsgi.endpoint(handler, VERIFIER, store=spy)))
        answer = call(*request_of(delivery()))
    assert (answer, answer.body, answer.headers.get("content-type")) == (status, body, content_type)
    assert answer.headers.get("content-length") == (None if status == 204 else str(len(body)))
    assert spy.noted == (FAILED if status >= 500 else HANDLED)


@pytest.mark.parametrize(("status", "expected"), [(201, HANDLED), (500, FAILED)])
def test_a_response_of_starlette_is_an_answer(status: int, expected: list[str]):
    spy = AsyncSpy()

    async def call_ended(event: revrag.WebhookEvent) -> JSONResponse:
        return JSONResponse({"heard": event.type}, status)

    with asyncio.Runner() as runner:
        call = raw.asgi(asgi.endpoint(call_ended, VERIFIER, store=spy), runner)
        answer = call(*request_of(delivery()))
    assert (answer, answer.body) == (status, b'{"heard":"call.ended"}')
    assert spy.noted == expected


@pytest.mark.parametrize("store", [MemoryStore, AsyncSpy, Spy])
def test_of_many_deliveries_at_once_one_is_handled(store: Any):
    handled: list[str] = []

    async def main() -> list[int]:
        gate, refused = asyncio.Event(), asyncio.Event()

        async def call_ended(event: revrag.WebhookEvent) -> None:
            handled.append(event.id)
            await gate.wait()

        app = asgi.endpoint(call_ended, VERIFIER, store=store())
        statuses: list[int] = []

        async def deliver(sent: testing.Delivery) -> None:
            async def receive() -> Any:
                return {"type": "http.request", "body": sent.body}

            async def send(message: Any) -> None:
                if "status" in message:
                    statuses.append(message["status"])
                if len(statuses) == 19:
                    refused.set()

            headers = [
                (name.lower().encode(), text.encode()) for name, text in sent.headers.items()
            ]
            await app({"type": "http", "method": "POST", "headers": headers}, receive, send)

        sent = delivery(event_id="evt_1")
        others = [delivery(event_id=f"evt_{number}") for number in range(2, 20)]
        tasks = [asyncio.create_task(deliver(each)) for each in (sent, sent, *others)]
        await refused.wait()
        gate.set()
        await asyncio.gather(*tasks)
        return statuses

    # All are of one call.
    assert asyncio.run(main()) == [409] * 19 + [200]
    assert len(handled) == 1


def test_a_server_starts_and_stops_it():
    app = asgi.endpoint(print, VERIFIER)
    told: list[str] = []
    messages = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]

    async def receive() -> Any:
        return messages.pop(0)

    async def send(message: Any) -> None:
        told.append(message["type"])

    asyncio.run(app({"type": "lifespan"}, receive, send))
    assert told == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    with pytest.raises(TypeError, match="websocket"):
        asyncio.run(app({"type": "websocket"}, receive, send))


def test_handlers_that_can_not_be_told_apart_are_named(caplog: pytest.LogCaptureFixture):
    events = EventRegistry()
    with pytest.raises(errors.InvalidArgumentError, match="pass a name="):
        wsgi.endpoint(events.handle, VERIFIER)
    assert wsgi.endpoint(events.handle, VERIFIER, name="calls")

    def make() -> Any:
        return lambda _event: None

    store = MemoryStore()
    handlers = [make(), make()]
    wsgi.endpoint(handlers[0], VERIFIER, store=store)
    assert caplog.records == []
    wsgi.endpoint(handlers[1], VERIFIER, store=store)
    assert "two handlers on one store" in caplog.text
    with pytest.raises(TypeError, match="no event"):
        wsgi.endpoint(lambda: None, VERIFIER)


def test_an_interrupt_gives_the_claims_back():
    spy = Spy()

    def call_ended(_event: revrag.WebhookEvent) -> None:
        raise KeyboardInterrupt

    call = raw.wsgi(wsgi.endpoint(call_ended, VERIFIER, store=spy))
    with pytest.raises(KeyboardInterrupt):
        call(*request_of(delivery()))
    assert spy.noted == FAILED
