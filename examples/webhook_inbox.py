"""A webhook endpoint in FastAPI that accepts events at once, and a worker that handles them later.

Install "revrag[fastapi,sqlalchemy]", greenlet, aiosqlite and uvicorn, then, in this folder:

    REVRAG_WEBHOOK_SECRET=… uvicorn webhook_inbox:app --workers 2
"""

from __future__ import annotations

import asyncio
import os
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from fastapi import FastAPI
from revrag import WebhookEvent, WebhookVerifier
from revrag.webhooks import CallEnded, EventRegistry, inbox
from revrag.webhooks.fastapi import webhook
from revrag.webhooks.stores import SqlAlchemyStore
from sqlalchemy.ext.asyncio import create_async_engine

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

verifier = WebhookVerifier(os.environ["REVRAG_WEBHOOK_SECRET"])
path = os.environ.get("WEBHOOK_STORE", "webhooks.sqlite")
# In earnest, postgresql+psycopg://…, where workers take events beside each other.
store = SqlAlchemyStore(create_async_engine(f"sqlite+aiosqlite:///{path}"))
events = EventRegistry()


@events.on("call.ended")
async def call_ended(event: CallEnded) -> None:
    """Runs until it succeeds; a failure is tried again later."""
    print(f"{event.call.call_id} {event.call.call_status}: {event.call.summary}", flush=True)


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    """Work on the inbox while the app runs."""
    await prepare()
    worker = asyncio.create_task(
        inbox.run_async(events.handle_async, store, poll_interval=0.1, backoff=1.0)
    )
    yield
    worker.cancel()
    await asyncio.wait([worker])


async def prepare() -> None:
    """Make the tables; with a migration there is no need to."""
    created = store.create_tables()
    if created is not None:
        await created


app = FastAPI(lifespan=lifespan)


@app.post("/revrag")
async def endpoint(
    event: WebhookEvent = webhook(verifier, store=store, types=events),
) -> None:
    """Accept an event: it is stored before the answer goes out."""
    await inbox.put_async(event, store)
