"""A webhook endpoint in Django.

Example:
    >>> @webhook
    ... def call_ended(request: django.http.HttpRequest, event: revrag.WebhookEvent) -> None:
    ...     print(event.call.summary)
"""

from __future__ import annotations

import asyncio
import functools
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, overload

from revrag.webhooks import _answer, _clock
from revrag.webhooks._drive import drive, drive_async
from revrag.webhooks._endpoint import (
    MAX_BODY,
    Endpoint,
    Refused,
    check_options,
    note_failure,
    refused,
)
from revrag.webhooks._wsgi import read

try:
    from asgiref.sync import iscoroutinefunction, sync_to_async
    from django.db import connections, transaction
    from django.http import HttpResponse

    from revrag.webhooks import _django_settings
except ImportError as error:
    raise ImportError(
        'revrag.webhooks.django needs Django: pip install "revrag[django]"'
    ) from error

if TYPE_CHECKING:
    from collections.abc import Callable, Container

    from django.http import HttpRequest
    from django.http.response import HttpResponseBase

    from revrag import WebhookVerifier
    from revrag.webhooks._answer import Answer
    from revrag.webhooks._delivery import Delivery, OnStoreError, Steps
    from revrag.webhooks.stores import Store

__all__ = ["webhook"]


@overload
def webhook(view: Callable[..., Any], /) -> Callable[..., Any]: ...


@overload
def webhook(
    view: None = None,
    /,
    *,
    verifier: WebhookVerifier | None = None,
    store: Store | None = None,
    max_body: int = MAX_BODY,
    types: Container[str] | None = None,
    on_store_error: OnStoreError = "refuse",
    clock: Callable[[], float] = _clock.now,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]: ...


def webhook(
    view: Callable[..., Any] | None = None,
    /,
    *,
    verifier: WebhookVerifier | None = None,
    store: Store | None = None,
    max_body: int = MAX_BODY,
    types: Container[str] | None = None,
    on_store_error: OnStoreError = "refuse",
    clock: Callable[[], float] = _clock.now,
) -> Callable[..., Any]:
    """Give a view the verified event as its second argument, once per event.

    The view may be a coroutine function. It takes POST only and is exempt from CSRF. What it
    returns is the answer; None is an empty 200. The event counts as handled unless the view raised
    or answered with a status of 500 and up: then a redelivery is handled. Under `ATOMIC_REQUESTS`
    the view's transaction is committed before that is written down.

    Args:
        view: The view, where the decorator stands without parentheses.
        verifier: Checks the signatures. By default made of the setting `REVRAG_WEBHOOK_SECRET`: a
            secret, or several while they rotate.
        store: Remembers what was handled. By default the setting `REVRAG_WEBHOOK_STORE`: a store,
            its dotted path, or the alias of a cache; without it, the cache `default`.
        max_body: The largest body that is read, in bytes.
        types: The event types that have a handler here, or an `EventRegistry`; others are answered
            with 200. By default all have.
        on_store_error: What to do where the store can't be reached: `"refuse"` with 503, or
            `"handle"` without deduplication.
        clock: What tells the time, in Unix seconds.

    Raises:
        InvalidArgumentError: An option means nothing.
        ImproperlyConfigured: On a delivery, where a setting is missing or means nothing.

    Example:
        >>> @webhook(verifier=revrag.WebhookVerifier("whsec"), max_body=200_000)
        ... async def call_ended(request: HttpRequest, event: revrag.WebhookEvent) -> None:
        ...     print(event.id)
    """
    check_options(max_body, types, on_store_error)

    def make(is_async: bool) -> Callable[[], Endpoint]:
        def endpoint() -> Endpoint:
            made = Endpoint(
                verifier or _django_settings.verifier(),
                store or _django_settings.store(),
                max_body=max_body,
                types=types,
                on_store_error=on_store_error,
                clock=clock,
            )
            if not is_async:
                made.need_blocking_store()
            return made

        if verifier is None or store is None:
            return endpoint  # settings may change, in tests
        made = endpoint()
        return lambda: made

    def decorate(view: Callable[..., Any]) -> Callable[..., Any]:
        is_async = bool(iscoroutinefunction(view))
        wrap = _wrap_async if is_async else _wrap
        wrapper = wrap(view, make(is_async))
        wrapper.csrf_exempt = True  # type: ignore[attr-defined]  # how Django marks it
        return wrapper

    return decorate if view is None else decorate(view)


def _wrap(view: Callable[..., Any], make: Callable[[], Endpoint]) -> Callable[..., Any]:
    not_atomic = frozenset(getattr(view, "_non_atomic_requests", ()))

    @functools.wraps(view)
    def wrapper(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        endpoint = make()
        try:
            delivery = _receive(endpoint, request)
            answer = drive(endpoint.store, delivery.admit())
        except Refused as refusal:
            answer = refusal.answer
        if answer is not None:
            return _respond(answer)
        try:
            with ExitStack() as stack:
                for alias, options in connections.settings.items():
                    if options["ATOMIC_REQUESTS"] and alias not in not_atomic:
                        stack.enter_context(transaction.atomic(using=alias))
                response = _response(view(request, delivery.event, *args, **kwargs))
        except BaseException:
            note_failure(delivery, "raised")
            drive(endpoint.store, delivery.settle(succeeded=False))
            raise
        drive(endpoint.store, delivery.settle(succeeded=_has_succeeded(delivery, response)))
        return response

    # Django would commit after the view, when the event has been written down as handled.
    for alias in connections:
        transaction.non_atomic_requests(using=alias)(wrapper)
    return wrapper


def _wrap_async(view: Callable[..., Any], make: Callable[[], Endpoint]) -> Callable[..., Any]:
    @functools.wraps(view)
    async def wrapper(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        endpoint = make()
        try:
            delivery = _receive(endpoint, request)
            answer = await _admit(endpoint, delivery)
        except Refused as refusal:
            answer = refusal.answer
        if answer is not None:
            return _respond(answer)
        try:
            response = _response(await view(request, delivery.event, *args, **kwargs))
        except BaseException:
            note_failure(delivery, "raised")
            await _settle(endpoint, delivery, succeeded=False)
            raise
        await _settle(endpoint, delivery, succeeded=_has_succeeded(delivery, response))
        return response

    return wrapper


def _receive(endpoint: Endpoint, request: HttpRequest) -> Delivery:
    """Read the body, no more than is allowed of it, and verify it."""
    length = request.META.get("CONTENT_LENGTH") or None
    endpoint.check_request(request.method, length)
    if not hasattr(request, "_body"):
        if getattr(request, "_read_started", False):
            raise refused(_answer.MALFORMED, "the body was read before; the endpoint must do so")
        stream: Any = request
        if length is None and request.META.get("wsgi.input_terminated"):
            # A chunked body, decoded by the server. Django takes what has no length for empty.
            stream = request.META["wsgi.input"]
        request._body = read(stream, endpoint)  # the view may want `request.body`
    return endpoint.check_body(request.body, request.META)


def _response(answered: Any) -> HttpResponseBase:
    return HttpResponse() if answered is None else answered


def _respond(answer: Answer) -> HttpResponse:
    return HttpResponse(
        answer.body, status=answer.status, headers=answer.headers, content_type="application/json"
    )


def _has_succeeded(delivery: Delivery, response: HttpResponseBase) -> bool:
    failed = _answer.has_failed(response.status_code)
    if failed:
        note_failure(delivery, f"answered {response.status_code}")
    return not failed


async def _admit(endpoint: Endpoint, delivery: Delivery) -> Answer | None:
    try:
        answer: Answer | None = await _drive(endpoint, delivery.admit())
    except BaseException:  # cancelled, with claims made or not
        await _settle(endpoint, delivery, succeeded=False)
        raise
    return answer


async def _drive(endpoint: Endpoint, steps: Steps[Any]) -> Any:
    if endpoint.is_async:
        return await drive_async(endpoint.store, steps)
    if endpoint.is_instant:
        return drive(endpoint.store, steps)
    return await sync_to_async(drive)(endpoint.store, steps)


_settling: set[asyncio.Task[None]] = set()


async def _settle(endpoint: Endpoint, delivery: Delivery, *, succeeded: bool) -> None:
    # A client that hangs up cancels the view; its outcome must be written down all the same.
    task = asyncio.create_task(_drive(endpoint, delivery.settle(succeeded=succeeded)))
    _settling.add(task)  # the loop itself would let go of it
    task.add_done_callback(_settling.discard)
    await asyncio.shield(task)
