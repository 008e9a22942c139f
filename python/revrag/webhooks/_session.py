"""The transaction in which a handler runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from revrag.webhooks._handling import transaction_now
from revrag.webhooks._names import wants_session

if TYPE_CHECKING:
    from collections.abc import Callable


def session_of(store: Any) -> Any:
    """The session of the delivery that is being handled here."""
    transaction = transaction_now.get()
    if transaction is None or getattr(transaction, "store", None) is not store:
        raise LookupError(
            "no webhook is being handled here in a transaction of this store; in FastAPI, declare "
            "the session after the event"
        )
    return transaction.session  # type: ignore[attr-defined]  # those of the store have one


def session_for(store: Any, handler: Callable[..., Any]) -> dict[str, Any]:
    """The session as an argument, where a handler has a parameter for it."""
    if hasattr(store, "session") and wants_session(handler):
        return {"session": session_of(store)}
    return {}


def call_with(store: Any, handler: Callable[..., Any], event: Any) -> Any:
    """Call a handler with the event, and with the session where it has a parameter for it."""
    return handler(event, **session_for(store, handler))
