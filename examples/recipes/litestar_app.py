"""A webhook endpoint in Litestar."""

from __future__ import annotations

from common import call_ended, store, verifier
from litestar import Litestar
from litestar import asgi as asgi_route
from litestar.types import Receive, Scope, Send
from revrag.webhooks import asgi

endpoint = asgi.endpoint(call_ended, verifier, store=store)


@asgi_route("/revrag", is_mount=True, copy_scope=True)
async def revrag(scope: Scope, receive: Receive, send: Send) -> None:
    """Pass a delivery to the endpoint."""
    await endpoint(scope, receive, send)  # type: ignore[arg-type]  # it has types of its own


app = Litestar([revrag])
