"""A webhook endpoint in Django Ninja."""

from __future__ import annotations

from typing import TYPE_CHECKING

import common
from django_settings import configure

configure(__name__)

from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse
from django.urls import path
from ninja import NinjaAPI
from revrag.webhooks.django import webhook

if TYPE_CHECKING:
    from revrag import WebhookEvent

api = NinjaAPI()


@api.post("/revrag")
@webhook
def call_ended(request: HttpRequest, event: WebhookEvent) -> HttpResponse | None:  # noqa: ARG001  # Ninja knows the request by its name
    """The decorator goes below Ninja's; the view returns an HttpResponse, or None."""
    common.call_ended(event)
    return None


urlpatterns = [path("", api.urls)]
app = get_wsgi_application()
