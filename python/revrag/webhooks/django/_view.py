"""The decorator of views."""

from __future__ import annotations

import functools
import inspect
from typing import TYPE_CHECKING, Any, overload

from revrag import WebhookVerifier
from revrag.webhooks._body import in_time, read, read_now
from revrag.webhooks._endpoint import Endpoint, check_handler, take_name
from revrag.webhooks._handling import Refused
from revrag.webhooks._names import mark_view, name_of
from revrag.webhooks._session import session_for

try:
    from asgiref.sync import iscoroutinefunction, sync_to_async
    from django.core.exceptions import RequestDataTooBig
    from django.core.handlers.base import BaseHandler
    from django.db import connections, transaction
    from django.http import HttpResponse
    from django.http.response import HttpResponseBase
    from django.template.response import SimpleTemplateResponse

    from revrag.webhooks.django import _settings
except ImportError as error:
    raise ImportError(
        'revrag.webhooks.django needs Django: pip install "revrag[django]"'
    ) from error

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Unpack

    from revrag.webhooks._admission import Admission
    from revrag.webhooks._answer import Answer
    from revrag.webhooks._options import Options


@overload
def webhook(view: Callable[..., Any], /) -> Callable[..., Any]: ...


@overload
def webhook(
    view: None = None, /, *, verifier: WebhookVerifier | None = None, **options: Unpack[Options]
) -> Callable[[Callable[..., Any]], Callable[..., Any]]: ...


def webhook(
    view: Callable[..., Any] | None = None,
    /,
    *,
    verifier: WebhookVerifier | None = None,
    **options: Unpack[Options],
) -> Callable[..., Any]:
    """Give a view the verified event as its second argument, once per event.

    The view may be a coroutine function. It takes POST only and is exempt from CSRF. What it
    returns is the answer; None is an empty 200. The event counts as handled unless the view raised,
    returned what is no response, or answered with a status of 500 and up: then a redelivery is
    handled. Under `ATOMIC_REQUESTS` the view's transaction is committed before that is written
    down. `request.body` is there for the view where the delivery has a `Content-Length`.

    It decorates functions, methods of class-based views, and, by Django's `method_decorator`, their
    `dispatch`, which exempts them from CSRF, too. It goes below the decorators of Django REST
    framework and Django Ninja.

    Args:
        view: The view, where the decorator stands without parentheses.
        verifier: Checks the signatures. By default made of the setting `REVRAG_WEBHOOK_SECRET`: a
            secret, or several while they rotate.
        **options: See `revrag.webhooks.Options`. By default the store is the setting
            `REVRAG_WEBHOOK_STORE`: a store, its dotted path, or the alias of a cache.

    Raises:
        InvalidArgumentError: An option means nothing.
        ImproperlyConfigured: On a delivery, where a setting is missing or means nothing.

    Example:
        >>> @webhook(verifier=revrag.WebhookVerifier("whsec"), max_body=200_000)
        ... async def call_ended(request: HttpRequest, event: revrag.WebhookEvent) -> None:
        ...     print(event.id)
    """
    # What is wrong with the options is told when the view is decorated.
    made = Endpoint(verifier=verifier or PLACEHOLDER, **options)
    depends_on_settings = verifier is None or options.get("store") is None

    def endpoint() -> Endpoint:
        if not depends_on_settings:
            return made
        # They may change, in tests.
        given: Any = {**options, "verifier": verifier or _settings.verifier()}
        if given.get("store") is None:
            given["store"] = _settings.store()
        return Endpoint(**given)

    def decorate(view: Callable[..., Any]) -> Callable[..., Any]:
        check_handler(view, "the view")
        is_async = bool(iscoroutinefunction(view))
        _ = made.for_asyncio() if is_async else made.for_blocking()
        wrapper = (_wrap_async if is_async else _wrap)(view, endpoint)
        wrapper.csrf_exempt = True  # type: ignore[attr-defined]  # how Django marks it
        mark_view(wrapper)
        _hide_event(wrapper, view)
        return wrapper

    return decorate if view is None else decorate(view)


PLACEHOLDER = WebhookVerifier("checks the other options")


def _wrap(view: Callable[..., Any], make: Callable[[], Endpoint]) -> Callable[..., Any]:
    @functools.wraps(view)
    def wrapper(*args: Any, **kwargs: Any) -> HttpResponseBase:
        endpoint = make().for_blocking()
        owner, request, rest = _split(args)
        # The transaction that Django would open around the view is opened here: it is to be
        # committed before the event is written down as handled. It depends on settings, too.
        run = BaseHandler().make_view_atomic(view)
        try:
            delivery = _receive(endpoint, request, _name(endpoint, view, owner))
            with endpoint.handling(delivery) as turn:
                session = session_for(endpoint.store, view)
                response = _response(run(*owner, request, turn.event, *rest, **session, **kwargs))
                if (render := _renders(response)) is not None:
                    response = render()
                turn.answered(response.status_code)
        except Refused as refusal:
            return _respond(refusal.answer)
        return response

    for alias in connections:
        transaction.non_atomic_requests(using=alias)(wrapper)
    return wrapper


def _wrap_async(view: Callable[..., Any], make: Callable[[], Endpoint]) -> Callable[..., Any]:
    @functools.wraps(view)
    async def wrapper(*args: Any, **kwargs: Any) -> HttpResponseBase:
        endpoint = make().for_asyncio()
        owner, request, rest = _split(args)
        try:
            delivery = _receive(endpoint, request, _name(endpoint, view, owner))
            # Django's own threads, which know its connections.
            async with endpoint.handling_async(delivery, sync_to_async(_call)) as turn:
                session = session_for(endpoint.store, view)
                response = _response(
                    await view(*owner, request, turn.event, *rest, **session, **kwargs)
                )
                if (render := _renders(response)) is not None:
                    response = await sync_to_async(render)()
                turn.answered(response.status_code)
        except Refused as refusal:
            return _respond(refusal.answer)
        return response

    return wrapper


def _call(function: Callable[..., Any], *given: Any) -> Any:
    return function(*given)


def _split(args: tuple[Any, ...]) -> tuple[tuple[Any, ...], Any, tuple[Any, ...]]:
    """The view that a method belongs to, if it is one; the request; what else there is."""
    for at, each in enumerate(args[:2]):
        if hasattr(each, "META") and hasattr(each, "method"):
            return args[:at], each, args[at + 1 :]
    raise TypeError(
        "@webhook got no request: of a class-based view, decorate a method that takes one, as "
        '`post`, or the class with @method_decorator(webhook, name="dispatch")'
    )


def _name(endpoint: Endpoint, view: Callable[..., Any], owner: tuple[Any, ...]) -> str:
    if endpoint.name is not None:
        return endpoint.name
    name = name_of(view.__get__(owner[0]) if owner else view)
    take_name(endpoint.store, name, view)
    return name


def _hide_event(wrapper: Callable[..., Any], view: Callable[..., Any]) -> None:
    """Leave the event out of the signature, for frameworks that read it: it is no input."""
    try:
        signature = inspect.signature(view)
    except (TypeError, ValueError):
        return
    names = list(signature.parameters)
    at = 2 if names[:1] == ["self"] else 1
    if len(names) > at and signature.parameters[names[at]].kind is not POSITIONAL:
        return
    kept = [signature.parameters[name] for name in names[:at] + names[at + 1 :]]
    kept = [parameter for parameter in kept if parameter.name != "session"]
    wrapper.__signature__ = signature.replace(parameters=kept)  # type: ignore[attr-defined]


POSITIONAL = inspect.Parameter.POSITIONAL_OR_KEYWORD


def _receive(endpoint: Endpoint, request: Any, name: str) -> Admission:
    """Read the body, no more than is allowed of it, and verify it."""
    length = request.META.get("CONTENT_LENGTH") or None
    endpoint.check_request(request.method, length)
    stream = request.META.get("wsgi.input")

    def read_body() -> bytes:
        if length is not None:
            try:
                return bytes(request.body)  # which Django holds to its length
            except RequestDataTooBig:
                raise endpoint.too_large() from None
        if stream is not None and request.META.get("wsgi.input_terminated"):
            # A chunked body, decoded by the server. Django takes what has no length for empty.
            return read(stream, endpoint)
        return read(request, endpoint)

    # Under ASGI Django has read it before.
    body = (
        read_now(endpoint, read_body)
        if stream is None
        else in_time(endpoint, read_body, request.META)
    )
    return endpoint.check_body(body, request.META, name)


def _response(answered: Any) -> HttpResponseBase:
    if answered is None:
        return HttpResponse()
    if inspect.iscoroutine(answered):
        answered.close()
        raise TypeError(
            "the view is async, and returned a coroutine: of a class-based view, decorate the "
            "method `post` instead of `dispatch`"
        )
    if not isinstance(answered, HttpResponseBase):
        raise TypeError(
            f"the view returned {type(answered).__name__}: return an HttpResponse, or None"
        )
    return answered


def _renders(response: Any) -> Callable[[], Any] | None:
    """How to render what Django would render later: it has failed where that fails."""
    if not isinstance(response, SimpleTemplateResponse) or response.is_rendered:
        return None
    # Django REST framework tells its responses how, once the view has returned.
    if type(response).__module__.startswith("rest_framework.") and not hasattr(
        response, "accepted_renderer"
    ):
        return None
    return response.render


def _respond(answer: Answer) -> HttpResponse:
    return HttpResponse(
        answer.body, status=answer.status, headers=answer.headers, content_type="application/json"
    )
