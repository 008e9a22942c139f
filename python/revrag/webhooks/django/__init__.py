"""A webhook endpoint in Django; also the app of `DjangoStore` and of the inbox.

Example:
    >>> @webhook
    ... def call_ended(request: django.http.HttpRequest, event: revrag.WebhookEvent) -> None:
    ...     print(event.call.summary)
"""

from revrag.webhooks.django._view import webhook

__all__ = ["webhook"]
