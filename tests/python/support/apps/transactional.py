"""Endpoints whose handlers write to a database, in the transaction of their delivery.

Handlers fail at random. ``APP_DATABASE`` is the URL of a PostgreSQL with the tables.
"""

from __future__ import annotations

import logging
import os
import random
from typing import Any

import revrag
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.ext.asyncio import create_async_engine

logging.disable(logging.CRITICAL)
URL = os.environ["APP_DATABASE"].replace("postgresql:", "postgresql+psycopg:")
INSERT = "INSERT INTO effects (event_id, worker) VALUES"
verifier = revrag.WebhookVerifier("whsec")


def fail_at_times() -> int:
    """Raise, or give the status to answer with."""
    drawn = random.random()
    if drawn < 0.2:
        raise RuntimeError("as drawn")
    return 503 if drawn < 0.4 else 200


def make_fastapi() -> Any:
    """FastAPI with a `SqlAlchemyStore` of asyncio's."""
    from fastapi import Depends, FastAPI, Response
    from revrag.webhooks.fastapi import WebhookRoute, webhook
    from revrag.webhooks.stores import SqlAlchemyStore

    app = FastAPI()
    app.router.route_class = WebhookRoute
    store = SqlAlchemyStore(create_async_engine(URL, pool_size=20, max_overflow=0))
    event_of = webhook(verifier, store=store)
    session_of = Depends(store.session)

    async def call_ended(
        event: revrag.WebhookEvent = event_of, session: Any = session_of
    ) -> Response:
        effect = {"id": event.id, "worker": os.getpid()}
        await session.execute(text(f"{INSERT} (:id, :worker)"), effect)
        return Response(status_code=fail_at_times())

    app.post("/revrag", response_model=None)(call_ended)
    return app


def make_flask() -> Any:
    """Flask with a `SqlAlchemyStore`."""
    import flask
    from revrag.webhooks.flask import webhook
    from revrag.webhooks.stores import SqlAlchemyStore

    app = flask.Flask(__name__)

    @app.post("/revrag")
    @webhook(verifier, store=SqlAlchemyStore(create_engine(URL, pool_size=10)))
    def call_ended(event: revrag.WebhookEvent, session: Any) -> tuple[str, int]:
        effect = {"id": event.id, "worker": os.getpid()}
        session.execute(text(f"{INSERT} (:id, :worker)"), effect)
        return "", fail_at_times()

    return app


def make_django() -> Any:
    """Django with a `DjangoStore`."""
    from django.conf import settings
    from django.core.wsgi import get_wsgi_application
    from django.db import connection
    from django.http import HttpResponse
    from django.urls import path

    url = make_url(URL)
    settings.configure(
        ALLOWED_HOSTS=["*"],
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.postgresql",
                "NAME": url.database,
                "USER": url.username,
                "HOST": url.host,
                "PORT": url.port,
                "CONN_MAX_AGE": 60,
            }
        },
        INSTALLED_APPS=["revrag.webhooks.django"],
        LOGGING_CONFIG=None,
        MIDDLEWARE=["django.middleware.common.CommonMiddleware"],
        REVRAG_WEBHOOK_SECRET="whsec",
        REVRAG_WEBHOOK_STORE="revrag.webhooks.stores.DjangoStore",
        ROOT_URLCONF=__name__,
        SECRET_KEY="tests",
    )
    application = get_wsgi_application()
    from revrag.webhooks.django import webhook

    @webhook
    def call_ended(_request: object, event: revrag.WebhookEvent) -> HttpResponse:
        with connection.cursor() as cursor:
            cursor.execute(f"{INSERT} (%s, %s)", [event.id, os.getpid()])
        return HttpResponse(status=fail_at_times())

    globals()["urlpatterns"] = [path("revrag", call_ended)]
    return application


app = {"fastapi": make_fastapi, "flask": make_flask, "django": make_django}[
    os.environ["APP_FRAMEWORK"]
]()
