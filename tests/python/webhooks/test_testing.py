"""The helpers for the tests of others, with each framework's own test client."""

from __future__ import annotations

import sys
import types

import fastapi
import flask
import pytest
import revrag
from django.http import HttpRequest
from django.test import Client, override_settings
from django.urls import clear_url_caches, path
from fastapi.testclient import TestClient
from revrag import errors, testing
from revrag.webhooks import django
from revrag.webhooks import flask as flask_helper
from revrag.webhooks.fastapi import webhook
from support.raw import configure_django

configure_django()

VERIFIER = revrag.WebhookVerifier(["whsec", "old"])


def post_to_fastapi(sent: testing.Delivery) -> int:
    app = fastapi.FastAPI()

    @app.post("/revrag")
    def call_ended(event: revrag.WebhookEvent = webhook(VERIFIER)) -> str:
        return event.id

    with TestClient(app) as client:
        return int(client.post("/revrag", **sent.fastapi()).status_code)


def post_to_flask(sent: testing.Delivery) -> int:
    app = flask.Flask("app")

    @app.post("/revrag")
    @flask_helper.webhook(VERIFIER)
    def call_ended(event: revrag.WebhookEvent) -> str:
        return event.id

    return app.test_client().post("/revrag", **sent.flask()).status_code


def post_to_django(sent: testing.Delivery) -> int:
    @django.webhook
    def call_ended(_request: HttpRequest, _event: revrag.WebhookEvent) -> None: ...

    urls = types.ModuleType("urls_of_helpers")
    urls.urlpatterns = [path("revrag", call_ended)]  # type: ignore[attr-defined]
    sys.modules[urls.__name__] = urls
    clear_url_caches()
    with override_settings(
        ROOT_URLCONF=urls.__name__,
        REVRAG_WEBHOOK_SECRET=["whsec", "old"],
        REVRAG_WEBHOOK_STORE="revrag.webhooks.stores.MemoryStore",
    ):
        return Client().post("/revrag", **sent.django()).status_code


@pytest.fixture(params=[post_to_fastapi, post_to_flask, post_to_django])
def post(request: pytest.FixtureRequest):
    return request.param


def test_a_delivery_is_accepted(post):
    call = testing.sample_call(call_status="failed")
    assert post(testing.delivery(call, VERIFIER)) == 200
    assert post(testing.delivery(call.to_dict(), "whsec")) == 200
    assert post(testing.delivery({"any": 1}, "old", event_type="agent.updated")) == 200
    assert post(testing.delivery(call, "another")) == 401
    assert post(testing.delivery({"no": "call"}, "whsec")) == 400


def test_the_clock_stands_still(post, revrag_clock):
    sent = testing.delivery(testing.sample_call(), VERIFIER)
    assert sent.headers["X-Webhook-Timestamp"] == "1780000000"
    revrag_clock.advance(300)
    assert post(sent) == 200
    revrag_clock.advance(1)
    assert post(sent) == 401


def test_what_a_delivery_says():
    call = testing.sample_call()
    assert call.call_id != testing.sample_call().call_id
    assert testing.sample_call(call_id="a") == testing.sample_call(call_id="a")
    sent = testing.delivery(call, VERIFIER, event_id="evt_1", timestamp=1_780_000_000)
    event = VERIFIER.verify(sent.body, sent.headers, now=1_780_000_000)
    assert (event.id, event.call) == ("evt_1", call)
    others = [testing.delivery(call, VERIFIER).headers["X-Webhook-ID"] for _ in range(9)]
    assert len(set(others)) == 9
    with pytest.raises(errors.InvalidArgumentError, match="event_id"):
        testing.delivery(call, VERIFIER, event_id="a\r\nb: c")
    with pytest.raises(errors.InvalidArgumentError):
        testing.sample_call(call_id=None)
