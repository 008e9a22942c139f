"""Webhook endpoints: verified, typed, handled once.

The endpoints are in `revrag.webhooks.fastapi`, `.django` and `.flask`, and import their framework;
what remembers the handled deliveries is in `revrag.webhooks.stores`.
"""

from revrag.webhooks._registry import CallEnded, EventRegistry
from revrag.webhooks.stores import State, Store

__all__ = ["CallEnded", "EventRegistry", "State", "Store"]
