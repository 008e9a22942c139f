"""What is FastAPI's own: when its dependency ends, and what the handler answered."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

import pytest
import redis.asyncio
import revrag
from django.core.cache import caches
from fastapi import APIRouter, BackgroundTasks, Depends, FastAPI, HTTPException, Response
from fastapi.responses import JSONResponse, StreamingResponse
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.retry import Retry
from revrag import WebhookEvent, testing
from revrag.webhooks import EventRegistry
from revrag.webhooks.fastapi import WebhookRoute, webhook
from revrag.webhooks.stores import DjangoCacheStore, MemoryStore, RedisStore, Store
from support.cut import Cut
from support.raw import configure_django
from support.spy import AsyncSpy, Broken, Spy

VERIFIER = revrag.WebhookVerifier("whsec")
HANDLED = ["claim new"] * 3 + ["commit"] * 3
FAILED = ["claim new"] * 3 + ["release"] * 3


def deliver(app: FastAPI, path: str = "/revrag", **options: Any) -> Any:
    sent = testing.delivery(testing.sample_call(), VERIFIER, **options)
    with TestClient(app, raise_server_exceptions=False) as client:
        return client.post(path, **sent.fastapi())


@pytest.fixture(params=[Spy, AsyncSpy])
def spy(request: pytest.FixtureRequest) -> Any:
    return request.param()


class Watched:
    """An app whose answers are noted among the questions to its store."""

    def __init__(self, app: FastAPI, spy: Any) -> None:
        self._app = app
        self._spy = spy

    async def __call__(
        self, scope: Any, receive: Any, send: Callable[..., Awaitable[None]]
    ) -> None:
        async def noting(message: Any) -> None:
            if message["type"] == "http.response.start":
                self._spy.noted.append(f"answer {message['status']}")
            await send(message)

        await self._app(scope, receive, noting)


def test_the_commit_comes_before_the_answer(spy: Any):
    app = FastAPI()

    @app.post("/revrag")
    async def call_ended(
        tasks: BackgroundTasks, event: WebhookEvent = webhook(VERIFIER, store=spy)
    ):
        spy.noted.append("handler")
        tasks.add_task(spy.noted.append, "background")
        return event.id

    answer = deliver(Watched(app, spy), event_id="evt_1")
    assert (answer.status_code, answer.json()) == (200, "evt_1")
    expected = [*HANDLED[:3], "handler", *HANDLED[3:], "answer 200", "background"]
    assert spy.noted == expected


def raise_error(_: Response) -> None:
    raise RuntimeError("as told")


def raise_http_error(_: Response) -> None:
    raise HTTPException(404)


def set_status(response: Response) -> None:
    response.status_code = 503


ANSWERS: dict[str, tuple[Callable[[Response], Any], int, bool]] = {
    "raises": (raise_error, 500, False),
    "raises an HTTPException": (raise_http_error, 404, False),
    "returns a 503": (lambda _: Response(status_code=503), 503, False),
    "returns a 500 as JSON": (lambda _: JSONResponse({}, 500), 500, False),
    "sets a 503": (set_status, 503, False),
    "returns what is no JSON": (lambda _: object(), 500, False),
    "returns a 422": (lambda _: Response(status_code=422), 422, True),
    "returns nothing": (lambda _: None, 200, True),
    "streams": (lambda _: StreamingResponse(iter(["a"])), 200, True),
}


# The status of these is known to a route alone.
OWN_RESPONSES = {"returns a 503", "returns a 500 as JSON"}


@pytest.mark.parametrize("where", ["app", "router", "mounted"])
@pytest.mark.parametrize("kind", ["def", "async def"])
@pytest.mark.parametrize("route", ["WebhookRoute", "APIRoute"])
@pytest.mark.parametrize("case", ANSWERS)
def test_what_a_handler_answers_is_its_success(case: str, route: str, kind: str, where: str):
    do, status, succeeds = ANSWERS[case]
    spy = Spy()

    def call_ended(response: Response, _event: WebhookEvent = webhook(VERIFIER, store=spy)) -> Any:
        return do(response)

    async def call_ended_async(
        response: Response, _event: WebhookEvent = webhook(VERIFIER, store=spy)
    ) -> Any:
        return do(response)

    app, router, inner = FastAPI(), APIRouter(), FastAPI()
    owner = {"app": app.router, "router": router, "mounted": inner.router}[where]
    if route == "WebhookRoute":
        owner.route_class = WebhookRoute
    handler = call_ended if kind == "def" else call_ended_async
    owner.post("/revrag", response_model=None)(handler)
    app.include_router(router, prefix="/router")
    app.mount("/mounted", inner)
    path = "/revrag" if where == "app" else f"/{where}/revrag"
    answer = deliver(app, path)
    assert answer.status_code == status
    succeeds = succeeds or (route == "APIRoute" and case in OWN_RESPONSES)
    assert spy.noted == (HANDLED if succeeds else FAILED)


def test_a_response_whose_status_can_not_be_seen_is_warned_of(caplog: pytest.LogCaptureFixture):
    for route_class in (WebhookRoute, APIRoute):
        app = FastAPI()
        app.router.route_class = route_class
        caplog.clear()

        event_of = webhook(VERIFIER)

        @app.post("/revrag")
        def call_ended(_event: WebhookEvent = event_of) -> JSONResponse:
            return JSONResponse({})

        assert [deliver(app).status_code for _ in range(2)] == [200, 200]
        warned = [each for each in caplog.records if "WebhookRoute" in each.getMessage()]
        assert len(warned) == (route_class is APIRoute)


SPY = Spy()
Verified = Annotated[WebhookEvent, webhook(VERIFIER, store=SPY)]


def test_a_dependency_of_a_dependency_and_an_annotated_one():
    app = FastAPI()

    def summary_of(event: Verified) -> str | None:
        assert event.call is not None
        return event.call.summary

    @app.post("/revrag")
    def call_ended(event: Verified, summary: str = Depends(summary_of)) -> list[str]:
        return [event.type, summary]

    assert deliver(app).json() == ["call.ended", testing.sample_call().summary]
    assert SPY.noted == HANDLED


def test_a_validation_error_beside_it_is_a_failure():
    spy = Spy()
    app = FastAPI()

    @app.post("/revrag")
    def call_ended(needed: int, _event: WebhookEvent = webhook(VERIFIER, store=spy)) -> int:
        return needed

    assert deliver(app).status_code == 422
    assert spy.noted == FAILED


def test_a_cancelled_handler_gives_its_claims_back(spy: Any):
    app = FastAPI()
    started = asyncio.Event()

    @app.post("/revrag")
    async def call_ended(_event: WebhookEvent = webhook(VERIFIER, store=spy)) -> None:
        started.set()
        await asyncio.Event().wait()

    async def main() -> None:
        sent = testing.delivery(testing.sample_call(), VERIFIER)
        headers = [(name.lower().encode(), text.encode()) for name, text in sent.headers.items()]
        scope = {"type": "http", "method": "POST", "path": "/revrag", "query_string": b""}
        scope |= {"headers": headers, "http_version": "1.1", "scheme": "http", "root_path": ""}

        async def receive() -> Any:
            return {"type": "http.request", "body": sent.body, "more_body": False}

        async def send(_: Any) -> None:
            raise AssertionError

        task = asyncio.create_task(app(scope, receive, send))
        await started.wait()
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert spy.noted == FAILED


def test_a_client_that_hangs_up_in_its_body(caplog: pytest.LogCaptureFixture):
    app = FastAPI()

    @app.post("/revrag")
    async def call_ended(_event: WebhookEvent = webhook(VERIFIER)) -> None:
        raise AssertionError

    async def main() -> list[int]:
        scope = {"type": "http", "method": "POST", "path": "/revrag", "query_string": b""}
        scope |= {"headers": [], "http_version": "1.1", "scheme": "http", "root_path": ""}
        messages = [{"type": "http.request", "body": b"{", "more_body": True}]
        messages.append({"type": "http.disconnect"})
        statuses = []

        async def receive() -> Any:
            return messages.pop(0)

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                statuses.append(message["status"])

        await app(scope, receive, send)
        return statuses

    assert asyncio.run(main()) == [400]
    assert "hung up" in caplog.text


def test_a_body_that_a_middleware_read():
    app = FastAPI()

    @app.middleware("http")
    async def reading(request: Any, call_next: Any) -> Any:
        assert await request.body()
        return await call_next(request)

    @app.post("/revrag")
    async def call_ended(event: WebhookEvent = webhook(VERIFIER)) -> str:
        return event.type

    assert deliver(app).json() == "call.ended"


def test_types_that_have_no_handler_are_answered_and_not_claimed():
    spy = Spy()
    events = EventRegistry()
    app = FastAPI()

    @app.post("/revrag")
    async def endpoint(event: WebhookEvent = webhook(VERIFIER, store=spy, types=events)) -> Any:
        return await events.handle_async(event)

    @events.on("call.ended")  # after the endpoint was made
    async def call_ended(event: revrag.webhooks.CallEnded) -> str | None:
        return event.call.summary

    assert deliver(app, event_id="evt_1", event_type="call.rang").json() == {"detail": "OK"}
    assert spy.noted == []
    assert deliver(app, event_id="evt_1").json() == testing.sample_call().summary
    assert spy.noted == HANDLED


def test_nobody_undoes_the_claim_of_a_later_delivery():
    """A handler that outlived its claim fails; the one that runs by now keeps its own claim."""
    clock = testing.FixedClock()
    store = MemoryStore(claim_ttl=300, clock=clock)
    app = FastAPI()
    app.router.route_class = WebhookRoute
    gates = [asyncio.Event() for _ in range(2)]
    started = [asyncio.Event() for _ in range(2)]
    numbers = iter(range(2))

    @app.post("/revrag")
    async def call_ended(
        _event: WebhookEvent = webhook(VERIFIER, store=store, clock=clock),
    ) -> Response:
        number = next(numbers)
        started[number].set()
        await gates[number].wait()
        return Response(status_code=500 if number == 0 else 200)

    async def post() -> int:
        sent = testing.delivery(
            testing.sample_call(), VERIFIER, event_id="evt_1", timestamp=clock()
        )
        scope = {"type": "http", "method": "POST", "path": "/revrag", "query_string": b""}
        headers = [(name.lower().encode(), text.encode()) for name, text in sent.headers.items()]
        scope |= {"headers": headers, "http_version": "1.1", "scheme": "http", "root_path": ""}
        statuses = []

        async def receive() -> Any:
            return {"type": "http.request", "body": sent.body, "more_body": False}

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                statuses.append(message["status"])

        await app(scope, receive, send)
        return statuses[0]

    async def main() -> list[int]:
        first = asyncio.create_task(post())
        await started[0].wait()
        clock.advance(300)
        second = asyncio.create_task(post())
        await started[1].wait()
        gates[0].set()
        answers = [await first, await post()]
        gates[1].set()
        return [*answers, await second, await post()]

    assert asyncio.run(main()) == [500, 409, 200, 200]


@pytest.mark.parametrize("kind", ["redis", "redis-asyncio", "django"])
def test_a_claim_whose_answer_was_lost_is_not_lost(kind: str, redis_url: str):
    """Clients of Redis send again what had no answer: a delivery must not meet its own claim."""
    cut = Cut(redis_url)
    if kind == "redis":
        store: Store = RedisStore(cut.url)
    elif kind == "redis-asyncio":
        store = RedisStore(redis.asyncio.Redis.from_url(cut.url, retry=AsyncRetry(NoBackoff(), 1)))
    else:
        configure_django()
        backend = "django.core.cache.backends.redis.RedisCache"
        caches.settings["cut"] = {
            "BACKEND": backend,
            "LOCATION": cut.url,
            "OPTIONS": {"retry": Retry(NoBackoff(), 1)},
        }
        store = DjangoCacheStore("cut")
    app = FastAPI()

    @app.post("/revrag")
    def call_ended(event: WebhookEvent = webhook(VERIFIER, store=store)) -> str:
        return event.id

    cut.lose_next()
    assert deliver(app, event_id=f"evt_{kind}").json() == f"evt_{kind}"
    cut.close()
    assert cut.lost == 1


@pytest.mark.parametrize("verb", ["commit", "release"])
def test_a_store_that_fails_afterwards_changes_no_answer(
    verb: str, caplog: pytest.LogCaptureFixture
):
    app = FastAPI()
    app.router.route_class = WebhookRoute
    status = 200 if verb == "commit" else 502

    store = Broken(verb)

    @app.post("/revrag")
    def call_ended(_event: WebhookEvent = webhook(VERIFIER, store=store)) -> Response:
        return Response(status_code=status)

    assert deliver(app, event_id="evt_1").status_code == status
    assert f"evt_1: the store failed to {verb} it" in caplog.text


def test_the_log_says_which_check_failed_and_nothing_else_does(caplog: pytest.LogCaptureFixture):
    app = FastAPI()
    handle = webhook(VERIFIER)

    @app.post("/revrag")
    def call_ended(_event: WebhookEvent = handle) -> None: ...

    sent = testing.delivery(testing.sample_call(), "another secret")
    with TestClient(app) as client:
        answer = client.post("/revrag", **sent.fastapi())
    assert (answer.status_code, answer.json()) == (401, {"detail": "Unauthorized"})
    (record,) = (record for record in caplog.records if record.name == "revrag")
    assert "SignatureMismatchError" in record.getMessage()
    for secret in ("919876543210", "whsec", sent.headers["X-Webhook-Signature"]):
        assert secret not in caplog.text


def test_the_openapi_document_can_be_made():
    app = FastAPI()

    @app.post("/revrag")
    def call_ended(_event: WebhookEvent = webhook(VERIFIER)) -> None: ...

    assert "/revrag" in json.dumps(app.openapi())
