"""The app's name in Django."""

from __future__ import annotations

from django.apps import AppConfig


class RevragWebhooks(AppConfig):
    """The tables of `DjangoStore` and of the inbox."""

    name = "revrag.webhooks.django"
    label = "revrag_webhooks"
    verbose_name = "RevRag webhooks"
    default_auto_field = "django.db.models.BigAutoField"
