"""A webhook endpoint as a plain WSGI app, to be mounted anywhere.

Example:
    >>> def call_ended(event: revrag.WebhookEvent) -> None:
    ...     print(event.call.summary)
    >>> app = endpoint(call_ended, verifier, store=store)
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import logging
from typing import TYPE_CHECKING, Any

from revrag.webhooks import _answer
from revrag.webhooks._body import in_time, read
from revrag.webhooks._endpoint import Endpoint, check_event_handler
from revrag.webhooks._handling import Refused
from revrag.webhooks._reply import Reply, reply_from, reply_of
from revrag.webhooks._session import call_with

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Unpack
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from revrag import WebhookVerifier
    from revrag.webhooks._admission import Admission
    from revrag.webhooks._options import Options

logger = logging.getLogger("revrag")

__all__ = ["endpoint"]


def endpoint(
    handler: Callable[..., Any], verifier: WebhookVerifier, **options: Unpack[Options]
) -> WSGIApplication:
    """Make a WSGI app that gives a handler the verified event, once per event.

    The event counts as handled unless the handler raised, returned what is no answer, or answered
    with a status of 500 and up: then a redelivery is handled. That is written down before the
    answer goes out.

    Args:
        handler: Takes the event; `def` or `async def`. It returns None for an empty 200, a status,
            text, a dict, a list, or a `revrag.webhooks.Reply`. With a parameter `session` it is
            given that of a `SqlAlchemyStore`.
        verifier: Checks the signatures.
        **options: See `revrag.webhooks.Options`. The store must be a blocking one.

    Returns:
        The app. It takes the requests of any path.

    Raises:
        InvalidArgumentError: An option means nothing.

    Example:
        >>> app = endpoint(lambda event: {"heard": event.id}, verifier, max_body=200_000)
    """
    check_event_handler(handler)
    made = Endpoint(verifier=verifier, **options).named_after(handler).for_blocking()

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        reply = handle_delivery(made, handler, functools.partial(receive_delivery, made, environ))
        start_response(f"{reply.status} {reply.phrase}", list(reply.headers.items()))
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [reply.body]

    return app


def handle_delivery(
    endpoint: Endpoint, handler: Callable[..., Any], receive: Callable[[], Admission]
) -> Reply:
    """Receive a delivery and have it handled; what to answer, whatever happens."""
    try:
        with endpoint.handling(receive()) as turn:
            returned = call_with(endpoint.store, handler, turn.event)
            if inspect.isawaitable(returned):
                returned = asyncio.run(_wait(returned))
            reply = reply_of(returned)
            turn.answered(reply.status)
        return reply
    except Refused as refusal:
        return reply_from(refusal.answer)
    except Exception:
        logger.exception("the handler of a webhook failed")
        return reply_from(_answer.FAILED)


def receive_delivery(endpoint: Endpoint, environ: WSGIEnvironment) -> Admission:
    """Check a request, read its body and verify it."""
    length = environ.get("CONTENT_LENGTH") or None
    endpoint.check_request(environ.get("REQUEST_METHOD"), length)
    body = in_time(endpoint, lambda: read_body(endpoint, environ, length), environ)
    return endpoint.check_body(body, environ)


def read_body(endpoint: Endpoint, environ: WSGIEnvironment, length: str | None) -> bytes:
    """A body as its server hands it over; what has neither a length nor an end is empty."""
    stream: Any = environ["wsgi.input"]
    if length is not None:
        # Some servers' streams go on with the connection.
        return _exactly(stream, int(length))
    return read(stream, endpoint) if environ.get("wsgi.input_terminated") else b""


def _exactly(stream: Any, length: int) -> bytes:
    body = bytearray()
    while len(body) < length and (piece := stream.read(length - len(body))):
        body += piece
    return bytes(body)


async def _wait(returned: Any) -> Any:
    return await returned
