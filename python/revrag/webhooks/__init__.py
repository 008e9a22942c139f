"""Webhook endpoints: verified, typed, handled once.

The endpoints are in `revrag.webhooks.fastapi`, `.django` and `.flask`, which import their
framework; in `.asgi` and `.wsgi`, for any other; and in `.aws`, `.gcp` and `.azure` for functions.
What remembers the handled deliveries is in `revrag.webhooks.stores`; `revrag.webhooks.inbox` takes
events now and handles them later.
"""

from revrag.webhooks._options import Options
from revrag.webhooks._reconciled import Reconciled
from revrag.webhooks._registry import CallEnded, EventRegistry
from revrag.webhooks._reply import Reply
from revrag.webhooks.stores import Key, State, Store, Transaction, TransactionalStore

__all__ = [
    "CallEnded",
    "EventRegistry",
    "Key",
    "Options",
    "Reconciled",
    "Reply",
    "State",
    "Store",
    "Transaction",
    "TransactionalStore",
]

_SUBMODULES = frozenset(
    {"asgi", "aws", "azure", "django", "fastapi", "flask", "gcp", "inbox", "stores", "wsgi"}
)


def __getattr__(name: str) -> object:
    if name in _SUBMODULES:
        from importlib import import_module

        return import_module(f"revrag.webhooks.{name}")
    raise AttributeError(f"module 'revrag.webhooks' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *_SUBMODULES})
