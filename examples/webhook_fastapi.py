"""A webhook endpoint in FastAPI.

Install "revrag[fastapi]" and uvicorn, then, in this folder:

    REVRAG_WEBHOOK_SECRET=… uvicorn webhook_fastapi:app --workers 2
"""

from __future__ import annotations

import os

from fastapi import FastAPI
from revrag import WebhookEvent, WebhookVerifier
from revrag.webhooks import CallEnded, EventRegistry
from revrag.webhooks.fastapi import webhook
from revrag.webhooks.stores import SqliteStore

app = FastAPI()
verifier = WebhookVerifier(os.environ["REVRAG_WEBHOOK_SECRET"])
# The workers of one machine share a file; those of several would share a RedisStore.
store = SqliteStore(os.environ.get("WEBHOOK_STORE", "webhooks.sqlite"))
events = EventRegistry()


@events.on("call.ended")
async def call_ended(event: CallEnded) -> None:
    """Runs once for each call, unless it raises: then again when the event is redelivered."""
    print(f"{event.call.call_id} {event.call.call_status}: {event.call.summary}", flush=True)


@app.post("/revrag")
async def endpoint(
    event: WebhookEvent = webhook(verifier, store=store, types=events),
) -> None:
    """Take a delivery; types that have no handler are answered with 200."""
    await events.handle_async(event)
