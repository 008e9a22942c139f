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

from revrag.webhooks._body import in_time, read
from revrag.webhooks._endpoint import Endpoint, check_handler, take_name
from revrag.webhooks._handling import Refused
from revrag.webhooks._names import mark_view, name_of
from revrag.webhooks._session import session_for

try:
    from flask import Response, current_app, request
    from flask.views import View
except ImportError as error:
    raise ImportError('revrag.webhooks.flask needs Flask: pip install "revrag[flask]"') from error

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Unpack

    from revrag import WebhookVerifier
    from revrag.webhooks._admission import Admission
    from revrag.webhooks._options import Options

__all__ = ["webhook"]


def webhook(
    verifier: WebhookVerifier, **options: Unpack[Options]
) -> Callable[[Callable[..., Any]], Callable[..., Response]]:
    """Make a decorator that gives a view the verified event, once per event.

    The view may be a coroutine function, where Flask's own extra `async` is installed, or a method
    of a `MethodView`. What it returns is the answer; None is an empty 200. The event counts as
    handled unless the view raised, returned what is no answer, or answered with a status of 500 and
    up: then a redelivery is handled.

    Args:
        verifier: Checks the signatures.
        **options: See `revrag.webhooks.Options`. The store must be a blocking one.

    Raises:
        InvalidArgumentError: An option means nothing.
        TypeError: The view takes no event, as one of a `MethodView` that is decorated whole.

    Example:
        >>> @app.post("/revrag")
        ... @webhook(verifier, store=store, max_body=200_000)
        ... def call_ended(event: revrag.WebhookEvent) -> str:
        ...     return f"thanks for {event.id}"
    """
    endpoint = Endpoint(verifier=verifier, **options).for_blocking()

    def decorate(view: Callable[..., Any]) -> Callable[..., Response]:
        check_handler(view, "the view")

        @functools.wraps(view)
        def wrapper(*args: Any, **kwargs: Any) -> Response:
            owner = args[:1] if args and isinstance(args[0], View) else ()
            rest = args[len(owner) :]
            try:
                with endpoint.handling(_receive(endpoint, _name(endpoint, view, owner))) as turn:
                    run = current_app.ensure_sync(view)
                    session = session_for(endpoint.store, view)
                    answered = run(*owner, turn.event, *rest, **session, **kwargs)
                    response = current_app.make_response("" if answered is None else answered)
                    turn.answered(response.status_code)
            except Refused as refusal:
                answer = refusal.answer
                return Response(
                    answer.body, answer.status, answer.headers, mimetype="application/json"
                )
            return response

        mark_view(wrapper)
        return wrapper

    return decorate


def _name(endpoint: Endpoint, view: Callable[..., Any], owner: tuple[Any, ...]) -> str:
    if endpoint.name is not None:
        return endpoint.name
    name = name_of(view.__get__(owner[0]) if owner else view)
    take_name(endpoint.store, name, view)
    return name


def _receive(endpoint: Endpoint, name: str) -> Admission:
    """Read the body, no more than is allowed of it, and verify it."""
    length = request.headers.get("Content-Length")
    endpoint.check_request(request.method, length)

    def read_body() -> bytes:
        if length is not None:
            # Werkzeug holds it to its length, and keeps it for the view. Someone before us may
            # have read it so.
            return request.get_data(cache=True)
        return read(request.stream, endpoint) or request.get_data(cache=True)

    body = in_time(endpoint, read_body, request.environ)
    return endpoint.check_body(body, request.environ, name)
