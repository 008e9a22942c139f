"""An endpoint in FastAPI."""

from __future__ import annotations

from fastapi import FastAPI, Response
from revrag import WebhookEvent
from revrag.webhooks.fastapi import WebhookRoute, webhook

from support.apps import behaviour

app = FastAPI()
app.router.route_class = WebhookRoute
options = {
    "max_body": behaviour.MAX_BODY,
    "body_timeout": behaviour.BODY_TIMEOUT,
    "on_store_error": behaviour.ON_STORE_ERROR,
}
event_of = webhook(behaviour.verifier, store=behaviour.make_store(), **options)


@app.post("/revrag")
def call_ended(event: WebhookEvent = event_of) -> Response:
    return Response(status_code=behaviour.behave(event))
