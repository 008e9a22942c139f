"""A webhook endpoint in Flask.

Example:
    >>> app = flask.Flask("app")
    >>> verifier = revrag.WebhookVerifier("whsec")
    >>> store = revrag.webhooks.stores.MemoryStore()
    >>> @app.post("/revrag")
    ... @webhook(verifier, store=store)
    ... def call_ended(event: revrag.WebhookEvent) -> None:
    ...     print(event.call.summary)
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from revrag.webhooks import _answer, _clock
from revrag.webhooks._drive import drive
from revrag.webhooks._endpoint import MAX_BODY, Endpoint, Refused, note_failure
from revrag.webhooks._wsgi import read
from revrag.webhooks.stores import MemoryStore

try:
    from flask import Response, current_app, request
    from werkzeug.exceptions import RequestEntityTooLarge
except ImportError as error:
    raise ImportError('revrag.webhooks.flask needs Flask: pip install "revrag[flask]"') from error

if TYPE_CHECKING:
    from collections.abc import Callable, Container

    from revrag import WebhookVerifier
    from revrag.webhooks._delivery import Delivery, OnStoreError
    from revrag.webhooks.stores import Store

__all__ = ["webhook"]


def webhook(
    verifier: WebhookVerifier,
    *,
    store: Store | None = None,
    max_body: int = MAX_BODY,
    types: Container[str] | None = None,
    on_store_error: OnStoreError = "refuse",
    clock: Callable[[], float] = _clock.now,
) -> Callable[[Callable[..., Any]], Callable[..., Response]]:
    """Make a decorator that gives a view the verified event, once per event.

    The view may be a coroutine function, where Flask's own extra `async` is installed. What it
    returns is the answer; None is an empty 200. The event counts as handled unless the view raised
    or answered with a status of 500 and up: then a redelivery is handled.

    Args:
        verifier: Checks the signatures.
        store: Remembers what was handled. By default in this process: with several workers, pass
            one that they share. It must be a blocking one.
        max_body: The largest body that is read, in bytes.
        types: The event types that have a handler here, or an `EventRegistry`; others are answered
            with 200. By default all have.
        on_store_error: What to do where the store can't be reached: `"refuse"` with 503, or
            `"handle"` without deduplication.
        clock: What tells the time, in Unix seconds.

    Raises:
        InvalidArgumentError: An option means nothing.

    Example:
        >>> @app.post("/revrag")
        ... @webhook(verifier, store=store, max_body=200_000)
        ... def call_ended(event: revrag.WebhookEvent) -> str:
        ...     return f"thanks for {event.id}"
    """
    endpoint = Endpoint(
        verifier,
        MemoryStore() if store is None else store,
        max_body=max_body,
        types=types,
        on_store_error=on_store_error,
        clock=clock,
    )
    endpoint.need_blocking_store()

    def decorate(view: Callable[..., Any]) -> Callable[..., Response]:
        @functools.wraps(view)
        def wrapper(*args: Any, **kwargs: Any) -> Response:
            try:
                delivery = _receive(endpoint)
                answer = drive(endpoint.store, delivery.admit())
            except Refused as refusal:
                answer = refusal.answer
            if answer is not None:
                return Response(
                    answer.body, answer.status, answer.headers, mimetype="application/json"
                )
            try:
                answered = current_app.ensure_sync(view)(delivery.event, *args, **kwargs)
                response = current_app.make_response("" if answered is None else answered)
            except BaseException:
                note_failure(delivery, "raised")
                drive(endpoint.store, delivery.settle(succeeded=False))
                raise
            if failed := _answer.has_failed(response.status_code):
                note_failure(delivery, f"answered {response.status_code}")
            drive(endpoint.store, delivery.settle(succeeded=not failed))
            return response

        return wrapper

    return decorate


def _receive(endpoint: Endpoint) -> Delivery:
    """Read the body, no more than is allowed of it, and verify it."""
    endpoint.check_request(request.method, request.headers.get("Content-Length"))
    # Someone before us may have read it, with `get_data()`, which keeps it.
    kept = request.__dict__.get("_cached_data")
    if kept is not None:
        return endpoint.check_body(bytes(kept), request.environ)
    try:
        stream = request.stream
    except RequestEntityTooLarge:  # than the app allows
        raise endpoint.too_large() from None
    return endpoint.check_body(read(stream, endpoint), request.environ)
