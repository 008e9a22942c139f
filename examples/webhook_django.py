"""A webhook endpoint in Django, in one file.

Install "revrag[django]" and gunicorn, then, in this folder:

    REVRAG_WEBHOOK_SECRET=… gunicorn webhook_django:application --workers 2
"""

from __future__ import annotations

import os
import secrets
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.urls import path
from revrag.webhooks import CallEnded, EventRegistry
from revrag.webhooks.django import webhook
from revrag.webhooks.stores import SqliteStore

if TYPE_CHECKING:
    from django.http import HttpRequest
    from revrag import WebhookEvent

# A project has these in its settings.py.
settings.configure(
    ALLOWED_HOSTS=["127.0.0.1", "localhost"],
    ROOT_URLCONF=__name__,
    SECRET_KEY=secrets.token_urlsafe(32),
    REVRAG_WEBHOOK_SECRET=os.environ["REVRAG_WEBHOOK_SECRET"],
    # The workers of one machine share a file; those of several would share a cache.
    REVRAG_WEBHOOK_STORE=SqliteStore(os.environ.get("WEBHOOK_STORE", "webhooks.sqlite")),
)
events = EventRegistry()


@events.on("call.ended")
def call_ended(event: CallEnded) -> None:
    """Runs once for each call, unless it raises: then again when the event is redelivered."""
    print(f"{event.call.call_id} {event.call.call_status}: {event.call.summary}", flush=True)


@webhook(types=events)
def endpoint(_request: HttpRequest, event: WebhookEvent) -> None:
    """Take a delivery; types that have no handler are answered with 200."""
    events.handle(event)


urlpatterns = [path("revrag", endpoint)]
application = get_wsgi_application()
