"""A webhook endpoint in front of a Quart app."""

from __future__ import annotations

from typing import Any

from common import call_ended, store, verifier
from quart import Quart
from revrag.webhooks import asgi

quart_app = Quart(__name__)
endpoint = asgi.endpoint(call_ended, verifier, store=store)


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Pass deliveries to the endpoint, and everything else to Quart."""
    is_delivery = scope["type"] == "http" and scope["path"] == "/revrag"
    await (endpoint if is_delivery else quart_app)(scope, receive, send)
