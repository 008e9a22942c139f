"""A webhook endpoint in Starlette."""

from __future__ import annotations

from common import call_ended, store, verifier
from revrag.webhooks import asgi
from starlette.applications import Starlette
from starlette.routing import Route

app = Starlette(routes=[Route("/revrag", asgi.endpoint(call_ended, verifier, store=store))])
