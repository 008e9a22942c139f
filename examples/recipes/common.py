"""What all recipes share."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from revrag import WebhookVerifier
from revrag.webhooks.stores import SqliteStore

if TYPE_CHECKING:
    from revrag import WebhookEvent

verifier = WebhookVerifier(os.environ.get("REVRAG_WEBHOOK_SECRET", "whsec"))
store = SqliteStore(os.environ.get("WEBHOOK_STORE", "webhooks.sqlite"))


def call_ended(event: WebhookEvent) -> None:
    """Handle an event; it runs once for each, unless it raises."""
    print(f"handled {event.id}", flush=True)
