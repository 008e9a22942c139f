"""A webhook endpoint in Bottle."""

from __future__ import annotations

import bottle
from common import call_ended, store, verifier
from revrag.webhooks import wsgi

app = bottle.Bottle()
app.mount("/revrag", wsgi.endpoint(call_ended, verifier, store=store))
