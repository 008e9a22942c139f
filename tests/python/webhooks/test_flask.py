"""What is Flask's own."""

from __future__ import annotations

from typing import Any

import flask
import pytest
import redis.asyncio
import revrag
from flask.views import MethodView
from revrag import WebhookEvent, testing
from revrag.webhooks.flask import webhook
from revrag.webhooks.stores import RedisStore
from support.spy import AsyncSpy, Broken, Spy

VERIFIER = revrag.WebhookVerifier("whsec")
HANDLED = ["claim new"] * 3 + ["commit"] * 3
FAILED = ["claim new"] * 3 + ["release"] * 3


@pytest.fixture
def app() -> flask.Flask:
    return flask.Flask("app")


def deliver(app: flask.Flask, path: str = "/revrag", **options: Any) -> Any:
    sent = testing.delivery(testing.sample_call(), VERIFIER, **options)
    return app.test_client().post(path, **sent.flask())


def raise_error() -> None:
    raise RuntimeError("as told")


ANSWERS: dict[str, tuple[Any, int, bool]] = {
    "raises": (raise_error, 500, False),
    "aborts": (lambda: flask.abort(404), 404, False),
    "returns a 503": (lambda: ("", 503), 503, False),
    "returns a response": (lambda: flask.Response(status=500), 500, False),
    "returns what is no answer": (lambda: object(), 500, False),
    "returns a 422": (lambda: ("", 422), 422, True),
    "returns nothing": (lambda: None, 200, True),
    "returns a dict": (lambda: {"a": 1}, 200, True),
}


@pytest.mark.parametrize("kind", ["def", "async def"])
@pytest.mark.parametrize("case", ANSWERS)
def test_what_a_view_answers_is_its_success(case: str, kind: str, app: flask.Flask):
    do, status, succeeds = ANSWERS[case]
    spy = Spy()

    def call_ended(_event: WebhookEvent) -> Any:
        return do()

    async def call_ended_async(_event: WebhookEvent) -> Any:
        return do()

    view = call_ended if kind == "def" else call_ended_async
    app.post("/revrag")(webhook(VERIFIER, store=spy)(view))
    assert deliver(app).status_code == status
    assert spy.noted == (HANDLED if succeeds else FAILED)


def test_variables_of_the_url(app: flask.Flask):
    @app.post("/<tenant>/revrag")
    @webhook(VERIFIER)
    def call_ended(event: WebhookEvent, tenant: str) -> list[str]:
        return [tenant, event.type]

    assert app.url_map.bind("").match("/a/revrag", "POST")[0] == "call_ended"
    assert deliver(app, "/acme/revrag").json == ["acme", "call.ended"]


@pytest.mark.parametrize("kind", ["def", "async def"])
def test_a_method_of_a_view(kind: str, app: flask.Flask):
    spy = Spy()

    class Blocking(MethodView):
        @webhook(VERIFIER, store=spy)
        def post(self, event: WebhookEvent, tenant: str) -> list[str]:
            return [type(self).__name__, tenant, event.type]

    class Awaited(MethodView):
        @webhook(VERIFIER, store=spy)
        async def post(self, event: WebhookEvent, tenant: str) -> list[str]:
            return [type(self).__name__, tenant, event.type]

    view = Blocking if kind == "def" else Awaited
    app.add_url_rule("/<tenant>/revrag", view_func=view.as_view("call_ended"))
    assert deliver(app, "/acme/revrag").json == [view.__name__, "acme", "call.ended"]
    assert spy.noted == HANDLED


def test_a_view_that_is_decorated_whole_is_refused_with_the_right_place():
    class CallEnded(MethodView):
        decorators = [webhook(VERIFIER)]  # noqa: RUF012  # as Flask has it

        def post(self) -> str:
            raise AssertionError

    with pytest.raises(TypeError, match="decorate the method `post`"):
        CallEnded.as_view("call_ended")


def test_a_body_that_was_read_before(app: flask.Flask):
    @app.before_request
    def reading() -> None:
        assert flask.request.get_data()

    @app.post("/revrag")
    @webhook(VERIFIER)
    def call_ended(_event: WebhookEvent) -> None: ...

    assert deliver(app).status_code == 200


def test_a_limit_of_the_app_is_kept(app: flask.Flask):
    app.config["MAX_CONTENT_LENGTH"] = 100

    @app.post("/revrag")
    @webhook(VERIFIER)
    def call_ended(_event: WebhookEvent) -> None: ...

    answer = deliver(app)
    assert (answer.status_code, answer.is_json) == (413, True)


def test_a_store_that_is_awaited_is_refused(redis_url: str):
    for store in (AsyncSpy(), RedisStore(redis.asyncio.Redis.from_url(redis_url))):
        with pytest.raises(TypeError, match="blocking"):
            webhook(VERIFIER, store=store)


@pytest.mark.parametrize("verb", ["commit", "release"])
def test_a_store_that_fails_afterwards_changes_no_answer(verb: str, app: flask.Flask):
    status = 200 if verb == "commit" else 502

    @app.post("/revrag")
    @webhook(VERIFIER, store=Broken(verb))
    def call_ended(_event: WebhookEvent) -> tuple[str, int]:
        return "", status

    assert deliver(app).status_code == status


def test_answers_of_the_endpoint(app: flask.Flask):
    @app.route("/revrag", methods=["GET", "POST"])
    @webhook(VERIFIER, max_body=3000)
    def call_ended(_event: WebhookEvent) -> None: ...

    client = app.test_client()
    answers = [
        client.get("/revrag"),
        client.post("/revrag"),
        client.post("/revrag", data=b" " * 3001),
    ]
    assert [(answer.status_code, answer.json) for answer in answers] == [
        (405, {"detail": "Method Not Allowed"}),
        (400, {"detail": "Bad Request"}),
        (413, {"detail": answers[2].json["detail"]}),
    ]
    assert answers[0].headers["Allow"] == "POST"
