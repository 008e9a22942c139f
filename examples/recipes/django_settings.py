"""A Django project in a few lines."""

from __future__ import annotations

import secrets
from typing import Any

import django
from common import store, verifier
from django.conf import settings


def configure(urls: str, **more: Any) -> None:
    """Make the settings, unless there are some."""
    if not settings.configured:
        settings.configure(
            ALLOWED_HOSTS=["*"],
            MIDDLEWARE=["django.middleware.csrf.CsrfViewMiddleware"],
            ROOT_URLCONF=urls,
            SECRET_KEY=secrets.token_urlsafe(32),
            REVRAG_WEBHOOK_SECRET="whsec",
            REVRAG_WEBHOOK_STORE=store,
            **more,
        )
        django.setup()


__all__ = ["configure", "verifier"]
