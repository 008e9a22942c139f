"""A webhook endpoint as a Google Cloud function, or a service of Cloud Run functions.

Example:
    >>> def call_ended(event: revrag.WebhookEvent) -> None:
    ...     print(event.call.summary)
    >>> revrag_webhook = handler(verifier, call_ended, store=store)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from revrag.webhooks._function import Function
from revrag.webhooks._names import mark_view

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Unpack

    from revrag import WebhookVerifier
    from revrag.webhooks._options import Options

__all__ = ["handler"]


def handler(
    verifier: WebhookVerifier, handle: Callable[..., Any], **options: Unpack[Options]
) -> Callable[[Any], tuple[bytes, int, dict[str, str]]]:
    """Make an HTTP function for Google's Functions Framework.

    The event counts as handled unless `handle` raised, returned what is no answer, or answered with
    a status of 500 and up: then a redelivery is handled.

    Args:
        verifier: Checks the signatures.
        handle: Takes the event; `def` or `async def`. It returns None for an empty 200, a status,
            text, a dict, a list, or a `revrag.webhooks.Reply`.
        **options: See `revrag.webhooks.Options`. The store must be a blocking one, and outlive the
            function's instances: the default does not.

    Returns:
        The function, which takes a Flask request; name it as the entry point, or decorate it with
        `functions_framework.http`.

    Raises:
        InvalidArgumentError: An option means nothing.

    Example:
        >>> revrag_webhook = handler(verifier, print, max_body=200_000)
    """
    function = Function(verifier, handle, options)

    def http_function(request: Any) -> tuple[bytes, int, dict[str, str]]:
        reply = function.answer(request.method, list(request.headers.items()), request.get_data)
        return reply.body, reply.status, dict(reply.headers)

    mark_view(http_function)
    return http_function
