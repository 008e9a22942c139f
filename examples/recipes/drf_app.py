"""Webhook endpoints in Django REST framework."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import common
from django_settings import configure

# Without Django's own users, which webhooks have no use for.
configure(
    __name__,
    INSTALLED_APPS=["rest_framework"],
    REST_FRAMEWORK={"UNAUTHENTICATED_USER": None},
)

from django.core.wsgi import get_wsgi_application
from django.urls import path
from django.utils.decorators import method_decorator
from rest_framework.decorators import api_view, authentication_classes, permission_classes
from rest_framework.response import Response
from rest_framework.views import APIView
from revrag.webhooks.django import webhook

if TYPE_CHECKING:
    from revrag import WebhookEvent


@api_view(["POST"])  # type: ignore[untyped-decorator]  # REST framework has no types
@authentication_classes([])  # type: ignore[untyped-decorator]
@permission_classes([])  # type: ignore[untyped-decorator]
@webhook
def function(_request: Any, event: WebhookEvent) -> Response:
    """The decorator goes below those of REST framework."""
    common.call_ended(event)
    return Response({"handled": event.id})


@method_decorator(webhook, name="dispatch")
class OfClass(APIView):  # type: ignore[misc]
    """The decorator goes around `dispatch`."""

    authentication_classes = ()
    permission_classes = ()

    def post(self, _request: Any, event: WebhookEvent) -> Response:
        """Take a delivery."""
        common.call_ended(event)
        return Response({"handled": event.id})


urlpatterns = [path("revrag", function), path("class", OfClass.as_view())]
app = get_wsgi_application()
