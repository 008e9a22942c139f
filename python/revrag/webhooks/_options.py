"""The options that every endpoint takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    from collections.abc import Callable, Container

    from revrag.webhooks._admission import OnStoreError
    from revrag.webhooks.stores._store import AnyStore


class Options(TypedDict, total=False):
    """The options of an endpoint: the same for every framework, each by keyword.

    Attributes:
        store: Remembers what was handled. By default in this process's memory: with several
            workers, pass one that they share. A blocking endpoint needs a blocking store.
        name: What the endpoint is called in the store, which several may share. By default the
            module and name of its handler; what was handled under another name is not known.
        max_body: The largest body that is read, in bytes; 1,000,000 by default. A larger one is
            answered with 413.
        body_timeout: How many seconds a body may take to arrive where the endpoint reads it, 10 by
            default; then it is answered with 408.
        types: The event types that have a handler here, or an `EventRegistry`; others are answered
            with 200. By default all have.
        on_store_error: What to do where the store can't be reached: `"refuse"` with 503, which is
            the default, or `"handle"` without deduplication.
        clock: What tells the time, in Unix seconds; `time.time` by default.

    Example:
        >>> options: revrag.webhooks.Options = {"max_body": 200_000, "types": ["call.ended"]}
        >>> app = revrag.webhooks.wsgi.endpoint(print, verifier, **options)
    """

    store: AnyStore | None
    name: str | None
    max_body: int
    body_timeout: float
    types: Container[str] | None
    on_store_error: OnStoreError
    clock: Callable[[], float]
