"""A webhook endpoint as an Azure function.

Example:
    >>> def call_ended(event: revrag.WebhookEvent) -> None:
    ...     print(event.call.summary)
    >>> main = handler(verifier, call_ended, store=store)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from revrag.webhooks._function import Function
from revrag.webhooks._names import mark_view

try:
    from azure.functions import HttpRequest, HttpResponse
except ImportError as error:
    raise ImportError(
        'revrag.webhooks.azure needs azure-functions: pip install "revrag[azure]"'
    ) from error

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Unpack

    from revrag import WebhookVerifier
    from revrag.webhooks._options import Options

__all__ = ["handler"]


def handler(
    verifier: WebhookVerifier, handle: Callable[..., Any], **options: Unpack[Options]
) -> Callable[[HttpRequest], HttpResponse]:
    """Make the function of an HTTP trigger.

    The event counts as handled unless `handle` raised, returned what is no answer, or answered with
    a status of 500 and up: then a redelivery is handled.

    Args:
        verifier: Checks the signatures.
        handle: Takes the event; `def` or `async def`. It returns None for an empty 200, a status,
            text, a dict, a list, or a `revrag.webhooks.Reply`.
        **options: See `revrag.webhooks.Options`. The store must be a blocking one, and outlive the
            function's instances: the default does not.

    Returns:
        The function, to be decorated with `app.route`; its parameter is called `req`.

    Raises:
        InvalidArgumentError: An option means nothing.

    Example:
        >>> app = azure.functions.FunctionApp(http_auth_level="ANONYMOUS")
        >>> main = app.route("revrag", methods=["POST"])(handler(verifier, print))
    """
    function = Function(verifier, handle, options)

    def main(req: HttpRequest) -> HttpResponse:
        reply = function.answer(req.method, list(req.headers.items()), req.get_body)
        headers: dict[str, Any] = dict(reply.headers)
        kind = headers.pop("Content-Type", None)
        return HttpResponse(reply.body, status_code=reply.status, headers=headers, mimetype=kind)

    mark_view(main)
    return main
