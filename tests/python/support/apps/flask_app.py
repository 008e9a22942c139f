"""An endpoint in Flask."""

from __future__ import annotations

import flask
from revrag import WebhookEvent
from revrag.webhooks.flask import webhook

from support.apps import behaviour

app = flask.Flask(__name__)
options = {
    "max_body": behaviour.MAX_BODY,
    "body_timeout": behaviour.BODY_TIMEOUT,
    "on_store_error": behaviour.ON_STORE_ERROR,
}


@app.post("/revrag")
@webhook(behaviour.verifier, store=behaviour.make_store(), **options)
def call_ended(event: WebhookEvent) -> tuple[str, int]:
    return "", behaviour.behave(event)
