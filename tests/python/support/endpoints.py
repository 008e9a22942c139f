"""An endpoint of each kind, that does what a function says, to be called in this process."""

from __future__ import annotations

import asyncio
import itertools
import sys
import types
from collections.abc import Callable
from typing import Any

import fastapi
import flask
import revrag
from revrag.webhooks import Reply, asgi, aws, gcp, wsgi

from support import raw

VERIFIER = revrag.WebhookVerifier("whsec")
# What is done with an event: it raises, or says which status to answer with.
Behave = Callable[[revrag.WebhookEvent], int]
Make = Callable[[Behave, asyncio.Runner, dict[str, Any]], raw.Call]
METHODS = ["GET", "POST", "PUT", "HEAD", "DELETE", "PATCH"]
_count = itertools.count()


def of_fastapi(behave: Behave, runner: asyncio.Runner, options: dict[str, Any]) -> raw.Call:
    from revrag.webhooks.fastapi import WebhookRoute, webhook

    app = fastapi.FastAPI()
    app.router.route_class = WebhookRoute
    event_of = webhook(VERIFIER, **options)

    @app.api_route("/revrag", methods=METHODS)
    async def call_ended(event: revrag.WebhookEvent = event_of) -> fastapi.Response:
        return fastapi.Response(status_code=await asyncio.to_thread(behave, event))

    return raw.asgi(_without_reraising(app), runner)


def _without_reraising(app: Any) -> Any:
    # Starlette answers, and raises again for the server to log.
    async def quiet(scope: Any, receive: Any, send: Any) -> None:
        try:
            await app(scope, receive, send)
        except RuntimeError as error:
            if str(error) != "as told":
                raise

    return quiet


def of_flask(behave: Behave, _runner: asyncio.Runner, options: dict[str, Any]) -> raw.Call:
    from revrag.webhooks.flask import webhook

    app = flask.Flask("any")

    @app.route("/revrag", methods=METHODS)
    @webhook(VERIFIER, **options)
    def call_ended(event: revrag.WebhookEvent) -> tuple[str, int]:
        return "", behave(event)

    return raw.wsgi(app)


def of_django(behave: Behave, _runner: asyncio.Runner, options: dict[str, Any]) -> raw.Call:
    raw.configure_django()
    from django.core.wsgi import get_wsgi_application
    from django.http import HttpResponse
    from revrag.webhooks.django import webhook

    @webhook(verifier=VERIFIER, **options)
    def call_ended(_request: object, event: revrag.WebhookEvent) -> HttpResponse:
        return HttpResponse(status=behave(event))

    return _with_urls(call_ended, lambda: raw.wsgi(get_wsgi_application()))


def of_django_async(behave: Behave, runner: asyncio.Runner, options: dict[str, Any]) -> raw.Call:
    raw.configure_django()
    from django.core.asgi import get_asgi_application
    from django.http import HttpResponse
    from revrag.webhooks.django import webhook

    @webhook(verifier=VERIFIER, **options)
    async def call_ended(_request: object, event: revrag.WebhookEvent) -> HttpResponse:
        return HttpResponse(status=await asyncio.to_thread(behave, event))

    return _with_urls(call_ended, lambda: raw.asgi(get_asgi_application(), runner))


def _with_urls(view: Any, make: Callable[[], raw.Call]) -> raw.Call:
    from django.test import override_settings
    from django.urls import path

    urls = types.ModuleType(f"urls_of_endpoint_{next(_count)}")
    urls.urlpatterns = [path("revrag", view)]  # type: ignore[attr-defined]
    sys.modules[urls.__name__] = urls
    call = None

    def with_urls(*given: Any) -> raw.Answer:
        nonlocal call
        with override_settings(ROOT_URLCONF=urls.__name__):
            call = call or make()
            return call(*given)

    return with_urls


def of_asgi(behave: Behave, runner: asyncio.Runner, options: dict[str, Any]) -> raw.Call:
    async def call_ended(event: revrag.WebhookEvent) -> int:
        return await asyncio.to_thread(behave, event)

    return raw.asgi(asgi.endpoint(call_ended, VERIFIER, **options), runner)


def of_wsgi(behave: Behave, _runner: asyncio.Runner, options: dict[str, Any]) -> raw.Call:
    def call_ended(event: revrag.WebhookEvent) -> Reply:
        return Reply(behave(event))

    return raw.wsgi(wsgi.endpoint(call_ended, VERIFIER, **options))


def of_lambda(behave: Behave, _runner: asyncio.Runner, options: dict[str, Any]) -> raw.Call:
    def call_ended(event: revrag.WebhookEvent) -> int:
        return behave(event)

    return raw.function(aws.handler(VERIFIER, call_ended, **options))


def of_gcp(behave: Behave, _runner: asyncio.Runner, options: dict[str, Any]) -> raw.Call:
    def call_ended(event: revrag.WebhookEvent) -> int:
        return behave(event)

    http_function = gcp.handler(VERIFIER, call_ended, **options)
    app = flask.Flask("any")

    @app.route("/revrag", methods=METHODS)
    def function() -> Any:
        return http_function(flask.request)

    return raw.wsgi(app)


def of_azure(behave: Behave, _runner: asyncio.Runner, options: dict[str, Any]) -> raw.Call:
    from revrag.webhooks import azure

    def call_ended(event: revrag.WebhookEvent) -> int:
        return behave(event)

    return raw.azure(azure.handler(VERIFIER, call_ended, **options))


ENDPOINTS: dict[str, Make] = {
    "fastapi": of_fastapi,
    "django": of_django,
    "django-async": of_django_async,
    "flask": of_flask,
    "asgi": of_asgi,
    "wsgi": of_wsgi,
    "lambda": of_lambda,
    "gcp": of_gcp,
    "azure": of_azure,
}
# They read the body themselves, or it is there before they are called.
READING = {"fastapi", "django", "flask", "asgi", "wsgi"}
