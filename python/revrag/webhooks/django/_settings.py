"""The verifier and the store that Django's settings name."""

from __future__ import annotations

import functools
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from revrag import WebhookVerifier
from revrag.errors import InvalidArgumentError
from revrag.webhooks.stores import DjangoCacheStore, MemoryStore, Store, TransactionalStore

SECRET = "REVRAG_WEBHOOK_SECRET"  # noqa: S105  # the setting's name
STORE = "REVRAG_WEBHOOK_STORE"


def verifier() -> WebhookVerifier:
    """The verifier for `REVRAG_WEBHOOK_SECRET`."""
    secret = getattr(settings, SECRET, None)
    if not secret:
        raise ImproperlyConfigured(f"set {SECRET} to the signing secret, or pass a verifier")
    if isinstance(secret, str):
        return _verifier(secret)
    return _verifier(*secret)


def store() -> Store | TransactionalStore:
    """The store that `REVRAG_WEBHOOK_STORE` is or names; without it, one in memory."""
    named = getattr(settings, STORE, None)
    if named is None:
        return _memory_store()
    if isinstance(named, str):
        return _cache_store(named) if named in settings.CACHES else _imported(named)
    if isinstance(named, type) or not isinstance(named, Store | TransactionalStore):
        raise ImproperlyConfigured(
            f"{STORE} must be a store, its dotted path, or the alias of a cache"
        )
    return named


@functools.lru_cache(maxsize=8)
def _verifier(*secrets: str) -> WebhookVerifier:
    try:
        return WebhookVerifier(secrets)
    except InvalidArgumentError as error:
        raise ImproperlyConfigured(f"{SECRET}: {error}") from None


@functools.cache
def _memory_store() -> Store:
    return MemoryStore()


@functools.lru_cache(maxsize=8)
def _cache_store(alias: str) -> Store:
    return DjangoCacheStore(alias)


@functools.lru_cache(maxsize=8)
def _imported(path: str) -> Store | TransactionalStore:
    try:
        found: Any = import_string(path)
    except ImportError as error:
        raise ImproperlyConfigured(f"{STORE}: {error}") from error
    # A class or a function that makes one; a class has the methods of a store, too.
    is_made = isinstance(found, Store | TransactionalStore) and not isinstance(found, type)
    store = found() if callable(found) and not is_made else found
    if not isinstance(store, Store | TransactionalStore):
        raise ImproperlyConfigured(f"{STORE}: {path} is no store")
    return store
