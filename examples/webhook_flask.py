"""A webhook endpoint in Flask.

Install "revrag[flask]" and gunicorn, then, in this folder:

    REVRAG_WEBHOOK_SECRET=… gunicorn webhook_flask:app --workers 2
"""

from __future__ import annotations

import os

from flask import Flask
from revrag import WebhookEvent, WebhookVerifier
from revrag.webhooks import CallEnded, EventRegistry
from revrag.webhooks.flask import webhook
from revrag.webhooks.stores import SqliteStore

app = Flask(__name__)
verifier = WebhookVerifier(os.environ["REVRAG_WEBHOOK_SECRET"])
# The workers of one machine share a file; those of several would share a RedisStore.
store = SqliteStore(os.environ.get("WEBHOOK_STORE", "webhooks.sqlite"))
events = EventRegistry()


@events.on("call.ended")
def call_ended(event: CallEnded) -> None:
    """Runs once for each call, unless it raises: then again when the event is redelivered."""
    print(f"{event.call.call_id} {event.call.call_status}: {event.call.summary}", flush=True)


@app.post("/revrag")
@webhook(verifier, store=store, types=events)
def endpoint(event: WebhookEvent) -> None:
    """Take a delivery; types that have no handler are answered with 200."""
    events.handle(event)
