"""A webhook endpoint in aiohttp."""

from __future__ import annotations

from typing import Any

from aiohttp import web
from common import call_ended, store, verifier
from revrag.webhooks import asgi

endpoint = asgi.endpoint(call_ended, verifier, store=store)


async def revrag(request: web.Request) -> web.Response:
    """Call the ASGI app with what the request has; it reads the body itself, within its limits."""
    headers = [(name.lower(), value) for name, value in request.raw_headers]
    scope: dict[str, Any] = {"type": "http", "method": request.method, "headers": headers}
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        piece = await request.content.readany()
        more = not request.content.at_eof()
        return {"type": "http.request", "body": piece, "more_body": more}

    async def send(message: Any) -> None:
        sent.append(message)

    await endpoint(scope, receive, send)
    start, body = sent
    named = {name.decode(): value.decode() for name, value in start["headers"]}
    return web.Response(status=start["status"], headers=named, body=body["body"])


app = web.Application()
app.router.add_post("/revrag", revrag)
