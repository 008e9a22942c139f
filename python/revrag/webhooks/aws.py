"""A webhook endpoint as a Lambda function.

Example:
    >>> def call_ended(event: revrag.WebhookEvent) -> None:
    ...     print(event.call.summary)
    >>> lambda_handler = handler(verifier, call_ended, store=store)
"""

from __future__ import annotations

import base64
import binascii
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
) -> Callable[[dict[str, Any], Any], dict[str, Any]]:
    """Make the handler of a Lambda function that is invoked over HTTP.

    It takes the events of API Gateway (REST and HTTP APIs), function URLs and Application Load
    Balancers, with or without multi-value headers, and bodies in Base64. The event counts as
    handled unless `handle` raised, returned what is no answer, or answered with a status of 500 and
    up: then a redelivery is handled.

    Args:
        verifier: Checks the signatures.
        handle: Takes the event; `def` or `async def`. It returns None for an empty 200, a status,
            text, a dict, a list, or a `revrag.webhooks.Reply`.
        **options: See `revrag.webhooks.Options`. The store must be a blocking one, and outlive the
            function's instances: the default does not.

    Returns:
        What to name as the function's handler.

    Raises:
        InvalidArgumentError: An option means nothing.

    Example:
        >>> lambda_handler = handler(verifier, print)
        >>> lambda_handler({"httpMethod": "GET", "headers": {}, "body": None}, None)["statusCode"]
        405
    """
    function = Function(verifier, handle, options)

    def lambda_handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
        context = event.get("requestContext") or {}
        method = event.get("httpMethod") or (context.get("http") or {}).get("method")
        reply = function.answer(method, _headers(event), lambda: _body(event))
        answer: dict[str, Any] = {
            "statusCode": reply.status,
            "headers": dict(reply.headers),
            "body": "",
            "isBase64Encoded": False,
        }
        try:
            answer["body"] = reply.body.decode()
        except UnicodeDecodeError:
            answer["body"] = base64.b64encode(reply.body).decode()
            answer["isBase64Encoded"] = True
        if "elb" in context:
            answer["statusDescription"] = f"{reply.status} {reply.phrase}"
            if "multiValueHeaders" in event:
                # A load balancer answers in the form in which it asks.
                answer["multiValueHeaders"] = {
                    name: [text] for name, text in answer.pop("headers").items()
                }
        return answer

    mark_view(lambda_handler)
    return lambda_handler


def _headers(event: dict[str, Any]) -> list[tuple[str, str]]:
    several = event.get("multiValueHeaders")
    if several:
        return [(name, text) for name, texts in several.items() for text in texts or ()]
    return list((event.get("headers") or {}).items())


def _body(event: dict[str, Any]) -> bytes | None:
    body = event.get("body") or ""
    try:
        if event.get("isBase64Encoded"):
            return base64.b64decode(body, validate=True)
        return str(body).encode()
    except (binascii.Error, ValueError):
        return None
