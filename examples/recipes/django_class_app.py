"""Webhook endpoints in Django's class-based views."""

from __future__ import annotations

from typing import TYPE_CHECKING

import common
from django_settings import configure

configure(__name__)

from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.csrf import csrf_exempt
from revrag.webhooks.django import webhook

if TYPE_CHECKING:
    from revrag import WebhookEvent


@method_decorator(webhook, name="dispatch")
class Whole(View):
    """The decorator around `dispatch` exempts the view from CSRF, too."""

    def post(self, _request: HttpRequest, event: WebhookEvent) -> HttpResponse:
        """Take a delivery."""
        common.call_ended(event)
        return HttpResponse()


@method_decorator(csrf_exempt, name="dispatch")
class ByMethod(View):
    """On a method it can't; Django looks at `dispatch` for that."""

    @webhook
    def post(self, _request: HttpRequest, event: WebhookEvent) -> HttpResponse:
        """Take a delivery."""
        common.call_ended(event)
        return HttpResponse()


urlpatterns = [path("revrag", Whole.as_view()), path("method", ByMethod.as_view())]
app = get_wsgi_application()
