"""A webhook endpoint as a plain ASGI app, to be mounted anywhere.

Example:
    >>> async def call_ended(event: revrag.WebhookEvent) -> None:
    ...     print(event.call.summary)
    >>> app = endpoint(call_ended, verifier, store=store)
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from typing import TYPE_CHECKING, Any

from revrag.webhooks import _answer
from revrag.webhooks._body import read_async
from revrag.webhooks._endpoint import Endpoint, check_event_handler, refused
from revrag.webhooks._handling import Refused
from revrag.webhooks._names import plain
from revrag.webhooks._reply import reply_from, reply_of
from revrag.webhooks._session import call_with

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
    from typing import Unpack

    from revrag import WebhookVerifier
    from revrag.webhooks._admission import Admission
    from revrag.webhooks._options import Options

    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]
    App = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]

logger = logging.getLogger("revrag")

__all__ = ["endpoint"]


def endpoint(
    handler: Callable[..., Any], verifier: WebhookVerifier, **options: Unpack[Options]
) -> App:
    """Make an ASGI app that gives a handler the verified event, once per event.

    The event counts as handled unless the handler raised, returned what is no answer, or answered
    with a status of 500 and up: then a redelivery is handled. That is written down before the
    answer goes out.

    Args:
        handler: Takes the event; `def`, which runs in a thread, or `async def`. It returns None for
            an empty 200, a status, text, a dict, a list, a `revrag.webhooks.Reply`, or a response
            that is an ASGI app with a `status_code`, as Starlette's are. With a parameter
            `session` it is given that of a `SqlAlchemyStore`.
        verifier: Checks the signatures.
        **options: See `revrag.webhooks.Options`.

    Returns:
        The app. It takes the requests of any path.

    Raises:
        InvalidArgumentError: An option means nothing.

    Example:
        >>> app = endpoint(lambda event: {"heard": event.id}, verifier, max_body=200_000)
    """
    check_event_handler(handler)
    made = Endpoint(verifier=verifier, **options).named_after(handler).for_asyncio()
    is_async = inspect.iscoroutinefunction(handler) or inspect.iscoroutinefunction(plain(handler))

    async def call(delivery: Admission) -> Any:
        async with made.handling_async(delivery) as turn:
            if is_async:
                returned = await call_with(made.store, handler, turn.event)
            else:
                returned = await asyncio.to_thread(call_with, made.store, handler, turn.event)
                if inspect.isawaitable(returned):
                    returned = await returned
            status = getattr(returned, "status_code", None)
            if not isinstance(status, int) or not callable(returned):
                returned = reply_of(returned)
                status = returned.status
            turn.answered(status)
        return returned

    async def answer(scope: MutableMapping[str, Any], receive: Receive) -> Any:
        try:
            return await call(await receive_delivery(made, scope, chunks_of(receive)))
        except Refused as refusal:
            return reply_from(refusal.answer)
        except Exception:
            logger.exception("the handler of a webhook failed")
            return reply_from(_answer.FAILED)

    return _App(answer)


class _App:
    """An ASGI app that is no function: Starlette's `Route` takes functions for handlers."""

    def __init__(self, answer: Callable[..., Awaitable[Any]]) -> None:
        self._answer = answer

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _live(receive, send)
            return
        if scope["type"] != "http":
            raise TypeError(f"a webhook endpoint takes no {scope['type']}")
        answer = await self._answer(scope, receive)
        if callable(answer):
            await answer(scope, receive, send)
            return
        headers = [(name.lower().encode(), text.encode()) for name, text in answer.headers.items()]
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": answer.body})


async def receive_delivery(
    endpoint: Endpoint,
    scope: MutableMapping[str, Any],
    chunks: AsyncIterator[bytes],
    name: str | None = None,
) -> Admission:
    """Check a request, read its body and verify it."""
    length = None
    for header, value in scope["headers"]:
        if header == b"content-length":
            length = value
    endpoint.check_request(scope["method"], length)
    return endpoint.check_body(await read_async(chunks, endpoint), scope["headers"], name)


async def chunks_of(receive: Receive) -> AsyncIterator[bytes]:
    """The body of a request, as it comes."""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise refused(_answer.MALFORMED, "the client hung up")
        yield message.get("body", b"")
        if not message.get("more_body", False):
            return


async def _live(receive: Receive, send: Send) -> None:
    """A server asks its app to start and to stop; there is nothing to do."""
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
