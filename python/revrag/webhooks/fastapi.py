"""A webhook endpoint in FastAPI.

Example:
    >>> app = fastapi.FastAPI()
    >>> verifier = revrag.WebhookVerifier("whsec")
    >>> store = revrag.webhooks.stores.MemoryStore()
    >>> @app.post("/revrag")
    ... async def call_ended(event: revrag.WebhookEvent = webhook(verifier, store=store)) -> None:
    ...     print(event.call.summary)
"""

# FastAPI reads the annotations of a dependency, so they are no text here.
import inspect
import logging
from collections.abc import Callable, Container
from typing import TYPE_CHECKING, Any

from revrag import WebhookEvent, WebhookVerifier
from revrag.webhooks import _answer, _clock
from revrag.webhooks._answer import Answer
from revrag.webhooks._delivery import Delivery, OnStoreError
from revrag.webhooks._drive import drive, drive_async
from revrag.webhooks._endpoint import MAX_BODY, Endpoint, Refused, note_failure, refused
from revrag.webhooks.stores import MemoryStore, Store

try:
    import anyio
    import anyio.to_thread
    from fastapi import Depends, HTTPException, Request
    from starlette.requests import ClientDisconnect
    from starlette.responses import Response

    if "scope" not in inspect.signature(Depends).parameters:
        raise ImportError("this FastAPI is older than 0.121")
except ImportError as error:
    raise ImportError(
        'revrag.webhooks.fastapi needs FastAPI 0.121 or newer: pip install "revrag[fastapi]"'
    ) from error

if TYPE_CHECKING:
    from contextlib import AsyncExitStack

    from revrag.webhooks._delivery import Steps

logger = logging.getLogger("revrag")

__all__ = ["webhook"]

# Where FastAPI keeps what it leaves between a handler's end and the answer: its generators with
# `scope="function"`. They would do, too, but take as long as the verification.
EXITS = "fastapi_function_astack"


def webhook(
    verifier: WebhookVerifier,
    *,
    store: Store | None = None,
    max_body: int = MAX_BODY,
    types: Container[str] | None = None,
    on_store_error: OnStoreError = "refuse",
    clock: Callable[[], float] = _clock.now,
) -> Any:
    """Make a dependency that gives a handler the verified event, once per event.

    The event counts as handled when the handler returned, and is written down before the answer
    goes out. It does not where the handler raised or answered with a status of 500 and up: then a
    redelivery is handled.

    Args:
        verifier: Checks the signatures.
        store: Remembers what was handled. By default in this process: with several workers, pass
            one that they share.
        max_body: The largest body that is read, in bytes.
        types: The event types that have a handler here, or an `EventRegistry`; others are answered
            with 200. By default all have.
        on_store_error: What to do where the store can't be reached: `"refuse"` with 503, or
            `"handle"` without deduplication.
        clock: What tells the time, in Unix seconds.

    Returns:
        The default value of a parameter, as `Depends` returns one.

    Raises:
        InvalidArgumentError: An option means nothing.

    Example:
        >>> @app.post("/revrag")
        ... def call_ended(event: revrag.WebhookEvent = webhook(verifier, store=store)) -> None:
        ...     print(event.id)
    """
    endpoint = Endpoint(
        verifier,
        MemoryStore() if store is None else store,
        max_body=max_body,
        types=types,
        on_store_error=on_store_error,
        clock=clock,
    )

    async def verified(request: Request) -> WebhookEvent:
        try:
            delivery = await _receive(endpoint, request)
            if endpoint.is_instant:
                answer = drive(endpoint.store, delivery.admit())
            else:
                answer = await _admit(endpoint, delivery)
        except Refused as refusal:
            answer = refusal.answer
        if answer is not None:
            raise HTTPException(answer.status, answer.detail, answer.headers)
        exits: AsyncExitStack = request.scope[EXITS]
        settlement = _Settlement(endpoint, delivery)
        if endpoint.is_instant:
            exits.push(settlement)
        else:
            exits.push_async_exit(settlement)
        return delivery.event

    return Depends(verified)


class _Settlement:
    """What is left to do, between the end of the handler and the answer."""

    __slots__ = ("_delivery", "_endpoint")

    def __init__(self, endpoint: Endpoint, delivery: Delivery) -> None:
        self._endpoint = endpoint
        self._delivery = delivery

    def __enter__(self) -> None: ...

    async def __aenter__(self) -> None: ...

    def __exit__(self, raised: type[BaseException] | None, *_: object) -> None:
        drive(self._endpoint.store, self._steps(raised))

    async def __aexit__(self, raised: type[BaseException] | None, *_: object) -> None:
        await _settle(self._endpoint, self._steps(raised))

    def _steps(self, raised: type[BaseException] | None) -> "Steps[None]":
        status = _answered() if raised is None else 500
        if failed := _answer.has_failed(status):
            note_failure(self._delivery, "raised" if raised else f"answered {status}")
        return self._delivery.settle(succeeded=not failed)


async def _receive(endpoint: Endpoint, request: Request) -> Delivery:
    """Read the body, no more than is allowed of it, and verify it."""
    length = None
    for name, value in request.scope["headers"]:
        if name == b"content-length":
            length = value
    endpoint.check_request(request.method, length)
    try:
        # The server holds a body to its length.
        body = await (request.body() if length is not None else _read(endpoint, request))
    except ClientDisconnect:
        raise refused(_answer.MALFORMED, "the client hung up") from None
    except RuntimeError:
        # That is Starlette's: someone read the stream and kept nothing.
        raise refused(
            _answer.MALFORMED, "the body was read before; the endpoint must do so"
        ) from None
    return endpoint.check_body(body, request.scope["headers"])


async def _read(endpoint: Endpoint, request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > endpoint.max_body:
            raise endpoint.too_large()
    return bytes(body)


async def _admit(endpoint: Endpoint, delivery: Delivery) -> Answer | None:
    try:
        answer: Answer | None = await _drive(endpoint, delivery.admit())
    except BaseException:  # cancelled, with claims made or not
        await _settle(endpoint, delivery.settle(succeeded=False))
        raise
    return answer


async def _settle(endpoint: Endpoint, steps: "Steps[None]") -> None:
    # A client that hangs up must not keep the outcome from being written down.
    with anyio.CancelScope(shield=True):
        await _drive(endpoint, steps)


async def _drive(endpoint: Endpoint, steps: "Steps[Any]") -> Any:
    if endpoint.is_async:
        return await drive_async(endpoint.store, steps)
    return await anyio.to_thread.run_sync(drive, endpoint.store, steps)


def _answered() -> int:
    """The status of the answer that FastAPI is about to send.

    FastAPI tells its exits what a handler raised, not what it returned. But the function that calls
    them holds the answer at that moment, and is on the stack.
    """
    frame = inspect.currentframe()
    while frame is not None:
        if frame.f_globals.get("__name__") == "fastapi.routing":
            for value in frame.f_locals.values():
                if isinstance(value, Response):
                    return value.status_code
        frame = frame.f_back
    logger.error("this FastAPI hides its answers: an answer of 500 and up counts as handled")
    return 200
