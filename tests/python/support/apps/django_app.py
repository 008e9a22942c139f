"""Endpoints in Django, blocking for WSGI and asyncio for ASGI."""

from __future__ import annotations

import asyncio
import os

import django
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse
from django.urls import path
from revrag import WebhookEvent

from support.apps import behaviour

if not settings.configured:
    settings.configure(
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF=__name__,
        SECRET_KEY="tests",
        LOGGING_CONFIG=None,
        MIDDLEWARE=[
            "django.middleware.security.SecurityMiddleware",
            "django.middleware.common.CommonMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
        ],
        CACHES={
            "default": {
                "BACKEND": "django.core.cache.backends.redis.RedisCache",
                "LOCATION": os.environ.get("APP_CACHE", ""),
            }
        },
        REVRAG_WEBHOOK_SECRET=behaviour.SECRETS,
        REVRAG_WEBHOOK_STORE=behaviour.make_store(),
    )
    django.setup()

from revrag.webhooks.django import webhook  # settings come first

options = {
    "max_body": behaviour.MAX_BODY,
    "body_timeout": behaviour.BODY_TIMEOUT,
    "on_store_error": behaviour.ON_STORE_ERROR,
}


@webhook(**options)
def call_ended(request: HttpRequest, event: WebhookEvent) -> HttpResponse:
    # Django itself takes what has no length for empty.
    assert request.body or "CONTENT_LENGTH" not in request.META
    return HttpResponse(status=behaviour.behave(event))


@webhook(**options)
async def call_ended_async(_request: HttpRequest, event: WebhookEvent) -> HttpResponse:
    return HttpResponse(status=await asyncio.to_thread(behaviour.behave, event))


is_async = os.environ.get("APP_VIEW") == "async"
urlpatterns = [path("revrag", call_ended_async if is_async else call_ended)]
app = get_wsgi_application()
asgi = get_asgi_application()
