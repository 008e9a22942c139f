"""A webhook endpoint in a FastAPI router, which answers with responses of its own."""

from __future__ import annotations

import common
from fastapi import APIRouter, FastAPI, Response
from revrag import WebhookEvent
from revrag.webhooks.fastapi import WebhookRoute, webhook

# On this route, a response of 500 and up has the event handled again.
router = APIRouter(route_class=WebhookRoute)


@router.post("/revrag")
def call_ended(
    event: WebhookEvent = webhook(common.verifier, store=common.store),
) -> Response:
    """Take a delivery."""
    common.call_ended(event)
    return Response(status_code=202)


app = FastAPI()
app.include_router(router)
