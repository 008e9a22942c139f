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
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import TYPE_CHECKING, Any

from revrag import WebhookEvent, WebhookVerifier
from revrag.webhooks import _answer
from revrag.webhooks._endpoint import Endpoint, refused
from revrag.webhooks._handling import HandlingAsync, Refused
from revrag.webhooks._names import name_of
from revrag.webhooks.asgi import receive_delivery

try:
    from fastapi import Depends, HTTPException, Request, Response
    from fastapi.routing import APIRoute
    from starlette.requests import ClientDisconnect

    if "scope" not in inspect.signature(Depends).parameters:
        raise ImportError("this FastAPI is older than 0.121")
except ImportError as error:
    raise ImportError(
        'revrag.webhooks.fastapi needs FastAPI 0.121 or newer: pip install "revrag[fastapi]"'
    ) from error

if TYPE_CHECKING:
    from typing import Unpack

    from revrag.webhooks._options import Options

logger = logging.getLogger("revrag")

__all__ = ["WebhookRoute", "webhook"]

TURN = "revrag_webhook_turn"
WATCHED = "revrag_webhook_watched"


class WebhookRoute(APIRoute):
    """A route that tells `webhook` which status a handler's own `Response` has.

    FastAPI tells dependencies what a handler raised, but shows the responses that it returns to
    routes alone. Without this route, a `Response` of 500 and up that a handler returns itself
    counts as handled; what it raises, and what it sets in FastAPI's `response.status_code`, is
    known anyway.

    Example:
        >>> router = fastapi.APIRouter(route_class=WebhookRoute)
        >>> @router.post("/revrag")
        ... async def call_ended(
        ...     event: revrag.WebhookEvent = webhook(verifier, store=store),
        ... ) -> fastapi.Response:
        ...     return fastapi.Response(status_code=503)  # to be delivered again
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """FastAPI's handler of the route, whose answer is told to the delivery."""
        handle = super().get_route_handler()

        async def watched(request: Request) -> Response:
            setattr(request.state, WATCHED, True)
            response = await handle(request)
            turn: HandlingAsync | None = getattr(request.state, TURN, None)
            if turn is not None:
                turn.answered(response.status_code)
            return response

        return watched


def webhook(verifier: WebhookVerifier, **options: "Unpack[Options]") -> Any:
    """Make a dependency that gives a handler the verified event, once per event.

    The event counts as handled when the handler returned, and is written down before the answer
    goes out. It does not where the handler raised, returned what is no answer, or set a status of
    500 and up: then a redelivery is handled. The status of a `Response` that the handler returns
    itself counts on a `WebhookRoute`. The raw body is read; `event.payload` is its JSON.

    Args:
        verifier: Checks the signatures.
        **options: See `revrag.webhooks.Options`.

    Returns:
        The default value of a parameter, as `Depends` returns one.

    Raises:
        InvalidArgumentError: An option means nothing.

    Example:
        >>> @app.post("/revrag")
        ... def call_ended(event: revrag.WebhookEvent = webhook(verifier, store=store)) -> None:
        ...     print(event.id)
    """
    endpoint = Endpoint(verifier=verifier, **options).for_asyncio()
    watch = _Watch()

    async def verified(request: Request, response: Response) -> AsyncIterator[WebhookEvent]:
        try:
            name = endpoint.name or _name(request)
            delivery = await receive_delivery(endpoint, request.scope, _chunks(request), name)
            async with endpoint.handling_async(delivery) as turn:
                is_watched = getattr(request.state, WATCHED, False)
                if is_watched:
                    setattr(request.state, TURN, turn)
                else:
                    watch.check(request)
                yield turn.event
                if not is_watched:
                    turn.answered(response.status_code or 200)
        except Refused as refusal:
            answer = refusal.answer
            raise HTTPException(answer.status, answer.detail, answer.headers) from None

    return Depends(verified, scope="function")


def _name(request: Request) -> str:
    handler = request.scope.get("endpoint")
    return request.url.path if handler is None else name_of(handler)


async def _chunks(request: Request) -> AsyncIterator[bytes]:
    try:
        async for chunk in request.stream():
            yield chunk
    except ClientDisconnect:
        raise refused(_answer.MALFORMED, "the client hung up") from None
    except RuntimeError:
        # That is Starlette's: someone read the stream and kept nothing.
        raise refused(
            _answer.MALFORMED, "the body was read before; the endpoint must do so"
        ) from None


class _Watch:
    """Warns, once, of a handler whose answers can't be seen."""

    def __init__(self) -> None:
        self._is_done = False

    def check(self, request: Request) -> None:
        if self._is_done:
            return
        self._is_done = True
        handler = request.scope.get("endpoint")
        returns = getattr(handler, "__annotations__", {}).get("return", Any)
        # It may be text, and mean what can't be looked up from here.
        is_response = isinstance(returns, type) and issubclass(returns, Response)
        if is_response or returns is Any or (isinstance(returns, str) and "Response" in returns):
            logger.warning(
                "the status of a Response that %s may return counts on a WebhookRoute alone: make "
                "its router APIRouter(route_class=WebhookRoute), or annotate what else it returns "
                "and raise an HTTPException to have an event handled again",
                name_of(handler),
            )
