"""A worker of an inbox whose handlers fail and die at random.

``python -m support.apps.inbox_worker KIND DATABASE_URL``.
"""

from __future__ import annotations

import asyncio
import logging
import os
import random
import signal
import sys
from typing import Any

import revrag
from revrag.webhooks import inbox
from revrag.webhooks.stores import DjangoStore, SqlAlchemyStore
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.ext.asyncio import create_async_engine

KIND, URL = sys.argv[1:]
INSERT = "INSERT INTO effects (event_id, worker) VALUES"
HOW: inbox.Work = {"max_attempts": 1000, "backoff": 0.01, "max_backoff": 0.1}
logging.disable(logging.CRITICAL)


def fail_at_times() -> None:
    drawn = 1.0 if "APP_STEADY" in os.environ else random.random()
    if drawn < 0.03:
        os.kill(os.getpid(), signal.SIGKILL)
    if drawn < 0.2:
        raise RuntimeError("as drawn")


def handle(event: revrag.WebhookEvent, session: Any) -> None:
    session.execute(text(f"{INSERT} (:id, :pid)"), {"id": event.id, "pid": os.getpid()})
    fail_at_times()


async def handle_async(event: revrag.WebhookEvent, session: Any) -> None:
    await session.execute(text(f"{INSERT} (:id, :pid)"), {"id": event.id, "pid": os.getpid()})
    fail_at_times()


def handle_in_django(event: revrag.WebhookEvent) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(f"{INSERT} (%s, %s)", [event.id, os.getpid()])
    fail_at_times()


def configure() -> None:
    import django
    from django.conf import settings

    url = make_url(URL)
    engine = "postgresql" if url.drivername.startswith("postgresql") else "sqlite3"
    database = {"ENGINE": f"django.db.backends.{engine}", "NAME": url.database}
    if engine == "postgresql":
        database |= {"USER": url.username, "HOST": url.host, "PORT": url.port}
    settings.configure(
        DATABASES={"default": database},
        INSTALLED_APPS=["revrag.webhooks.django"],
        LOGGING_CONFIG=None,
    )
    django.setup()


if __name__ == "__main__":
    if KIND == "django":
        configure()
        inbox.run(handle_in_django, DjangoStore(), poll_interval=0.02, **HOW)
    elif KIND == "sqlalchemy":
        inbox.run(handle, SqlAlchemyStore(create_engine(URL)), poll_interval=0.02, **HOW)
    else:
        store = SqlAlchemyStore(create_async_engine(URL))
        asyncio.run(inbox.run_async(handle_async, store, poll_interval=0.02, **HOW))
