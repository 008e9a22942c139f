"""An inbox: accept events now, handle them later.

The endpoint writes the verified event into the store's database and answers 200 at once. Workers
take events from there, as many at a time as there are workers, try again with growing waits what
failed, and park what keeps failing, to be looked at and run again.

An event leaves the inbox in the transaction of its handler: what the handler writes to that
database and the removal are committed together, or neither is. A worker that is killed leaves the
event to another one.

Example:
    >>> def call_ended(event: revrag.WebhookEvent) -> None:
    ...     print(event.call.summary)
    >>> app = revrag.webhooks.wsgi.endpoint(accept(store), verifier, store=store)
    >>> work(call_ended, store)  # run() does so forever
    0
"""

from __future__ import annotations

import asyncio
import logging
import threading
from typing import TYPE_CHECKING, Any, TypedDict

from revrag.webhooks import _clock
from revrag.webhooks._endpoint import check_event_handler
from revrag.webhooks.inbox._policy import Parked, Policy, parked_of
from revrag.webhooks.inbox._worker import box_of, work_async_on, work_on
from revrag.webhooks.stores import DjangoStore, SqlAlchemyStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import TypeAlias, Unpack

    from revrag import WebhookEvent

    InboxStore: TypeAlias = DjangoStore | SqlAlchemyStore

logger = logging.getLogger("revrag")

__all__ = [
    "Parked",
    "Work",
    "accept",
    "discard",
    "discard_async",
    "parked",
    "parked_async",
    "put",
    "put_async",
    "run",
    "run_again",
    "run_again_async",
    "run_async",
    "work",
    "work_async",
]


class Work(TypedDict, total=False):
    """How workers work: the options of `run`, `work` and their twins.

    Attributes:
        name: Which inbox of the store; one without a name by default.
        ordered: Whether events of one call are handled in the order in which they came. One that
            is tried again, or parked, holds back those after it.
        max_attempts: How often an event is tried before it is parked; 10 by default.
        backoff: How many seconds to wait after the first failure, 5 by default. The wait doubles
            with each, and is drawn between its half and its whole.
        max_backoff: The longest wait in seconds; 3600 by default.
        clock: What tells the time, in Unix seconds.

    Example:
        >>> options: revrag.webhooks.inbox.Work = {"ordered": True, "max_attempts": 5}
        >>> work(print, store, **options)
        0
    """

    name: str
    ordered: bool
    max_attempts: int
    backoff: float
    max_backoff: float
    clock: Callable[[], float]


def accept(store: InboxStore, *, name: str = "") -> Callable[..., Any]:
    """Make the handler of an endpoint that puts every event into an inbox.

    Args:
        store: The store of the endpoint, and of the inbox.
        name: Which inbox of the store.

    Returns:
        A handler, for `asgi.endpoint`, `wsgi.endpoint` and the functions of clouds. In a view of
        your own, call `put`.

    Example:
        >>> app = revrag.webhooks.wsgi.endpoint(accept(store), verifier, store=store)
    """
    _check_store(store)

    def accept_event(event: WebhookEvent) -> None:
        put(event, store, name=name)

    async def accept_event_async(event: WebhookEvent) -> None:
        await put_async(event, store, name=name)

    made = accept_event_async if store.is_async else accept_event
    made.__qualname__ = f"accept({name!r})"
    return made


def put(event: WebhookEvent, store: InboxStore, *, name: str = "") -> None:
    """Put the event that is being handled into an inbox, in the transaction of its delivery.

    Args:
        event: The event.
        store: The store of the endpoint.
        name: Which inbox of the store.

    Raises:
        LookupError: No event is being handled here, with a store of SQLAlchemy's.

    Example:
        >>> @revrag.webhooks.django.webhook
        ... def call_ended(request, event):
        ...     revrag.webhooks.inbox.put(event, store)
    """
    _check_store(store)
    box_of(store, name).put(event)


async def put_async(event: WebhookEvent, store: InboxStore, *, name: str = "") -> None:
    """The same with a store of asyncio's.

    Example:
        >>> @app.post("/revrag")
        ... async def call_ended(
        ...     event: revrag.WebhookEvent = revrag.webhooks.fastapi.webhook(verifier, store=store),
        ... ) -> None:
        ...     await revrag.webhooks.inbox.put_async(event, store)
    """
    _check_store(store)
    await box_of(store, name).put_async(event)


def work(
    handler: Callable[..., Any],
    store: InboxStore,
    *,
    limit: int | None = None,
    **options: Unpack[Work],
) -> int:
    """Handle what is due, and return: for Celery tasks and cron jobs.

    Args:
        handler: Takes the event, and the `session` where it has a parameter of that name. What it
            raises has the event tried again.
        store: The store of the inbox.
        limit: The most events to handle.
        **options: See `Work`.

    Returns:
        How many events were tried.

    Example:
        >>> work(print, store, limit=100)
        0
    """
    check_event_handler(handler)
    name, policy = _options(options)
    box = box_of(_check_store(store, is_async=False), name)
    tried = 0
    while (limit is None or tried < limit) and work_on(box, handler, policy):
        tried += 1
    return tried


async def work_async(
    handler: Callable[..., Any],
    store: InboxStore,
    *,
    limit: int | None = None,
    **options: Unpack[Work],
) -> int:
    """The same with a store of asyncio's, and a handler that may be a coroutine function.

    Example:
        >>> asyncio.run(work_async(print, async_store))
        0
    """
    check_event_handler(handler)
    name, policy = _options(options)
    box = box_of(_check_store(store, is_async=True), name)
    tried = 0
    while (limit is None or tried < limit) and await work_async_on(box, handler, policy):
        tried += 1
    return tried


def run(
    handler: Callable[..., Any],
    store: InboxStore,
    *,
    stop: threading.Event | None = None,
    poll_interval: float = 1.0,
    **options: Unpack[Work],
) -> None:
    """Handle events as they come, until told to stop.

    Run as many of it, in as many processes, as there is to do.

    Args:
        handler: Takes the event, and the `session` where it has a parameter of that name. What it
            raises has the event tried again.
        store: The store of the inbox.
        stop: Set, it ends the work after the event that is being handled. Without it, work ends
            with an interrupt.
        poll_interval: How many seconds to wait where nothing is due.
        **options: See `Work`.

    Example:
        >>> stop = threading.Event()
        >>> worker = threading.Thread(target=run, args=(print, store), kwargs={"stop": stop})
        >>> worker.start(); stop.set(); worker.join()
    """
    _check_work(handler, store, options, is_async=False)
    stop = stop or threading.Event()
    while not stop.is_set():
        tried = 0
        try:
            tried = work(handler, store, limit=1, **options)
        except Exception as error:
            _note_trouble(error)
            box_of(store, "").recover()
        if not tried:
            stop.wait(poll_interval)


async def run_async(
    handler: Callable[..., Any],
    store: InboxStore,
    *,
    poll_interval: float = 1.0,
    **options: Unpack[Work],
) -> None:
    """The same with a store of asyncio's, until it is cancelled: a task of FastAPI's lifespan.

    Example:
        >>> async def main() -> None:
        ...     worker = asyncio.create_task(run_async(print, async_store))
        ...     worker.cancel()
        >>> asyncio.run(main())
    """
    _check_work(handler, store, options, is_async=True)
    while True:
        try:
            tried = await work_async(handler, store, limit=1, **options)
        except Exception as error:
            _note_trouble(error)
            tried = 0
        if not tried:
            await asyncio.sleep(poll_interval)


def parked(store: InboxStore, *, name: str = "") -> list[Parked]:
    """What is parked, the oldest first.

    Example:
        >>> parked(store)
        []
    """
    return [parked_of(row) for row in box_of(_check_store(store, is_async=False), name).parked()]


async def parked_async(store: InboxStore, *, name: str = "") -> list[Parked]:
    """The same with a store of asyncio's.

    Example:
        >>> asyncio.run(parked_async(async_store))
        []
    """
    rows = await box_of(_check_store(store, is_async=True), name).parked_async()
    return [parked_of(row) for row in rows]


def run_again(store: InboxStore, ids: Iterable[int] | None = None, *, name: str = "") -> int:
    """Have parked events tried again, all of them or some, with all their attempts.

    Returns:
        How many there were.

    Example:
        >>> run_again(store)
        0
    """
    box = box_of(_check_store(store, is_async=False), name)
    return int(box.run_again(_listed(ids)))


async def run_again_async(
    store: InboxStore, ids: Iterable[int] | None = None, *, name: str = ""
) -> int:
    """The same with a store of asyncio's.

    Example:
        >>> asyncio.run(run_again_async(async_store, [17]))
        0
    """
    box = box_of(_check_store(store, is_async=True), name)
    return int(await box.run_again_async(_listed(ids)))


def discard(store: InboxStore, ids: Iterable[int], *, name: str = "") -> int:
    """Remove parked events that are not to be handled.

    Returns:
        How many there were.

    Example:
        >>> discard(store, [17])
        0
    """
    return int(box_of(_check_store(store, is_async=False), name).discard(list(ids)))


async def discard_async(store: InboxStore, ids: Iterable[int], *, name: str = "") -> int:
    """The same with a store of asyncio's.

    Example:
        >>> asyncio.run(discard_async(async_store, [17]))
        0
    """
    return int(await box_of(_check_store(store, is_async=True), name).discard_async(list(ids)))


def _options(given: Work) -> tuple[str, Policy]:
    known = {*Work.__annotations__}
    for name in given:
        if name not in known:
            raise TypeError(f"there is no option {name!r}; there are {', '.join(sorted(known))}")
    policy = Policy(
        max_attempts=given.get("max_attempts", 10),
        backoff=given.get("backoff", 5.0),
        max_backoff=given.get("max_backoff", 3600.0),
        is_ordered=given.get("ordered", False),
        clock=given.get("clock", _clock.now),
    )
    return given.get("name", ""), policy


def _check_store(store: Any, *, is_async: bool | None = None) -> Any:
    if not isinstance(store, DjangoStore | SqlAlchemyStore):
        raise TypeError(
            f"store must be a DjangoStore or a SqlAlchemyStore, not {type(store).__name__}"
        )
    if is_async is not None and store.is_async != is_async:
        twin = "its twin with _async" if store.is_async else "its twin without _async"
        raise TypeError(f"store: it is not of this kind; call {twin}")
    return store


def _check_work(handler: Any, store: Any, options: Work, *, is_async: bool) -> None:
    """Tell at once what would be wrong each time."""
    check_event_handler(handler)
    _options(options)
    _check_store(store, is_async=is_async)


def _listed(ids: Iterable[int] | None) -> Sequence[int] | None:
    return None if ids is None else list(ids)


def _note_trouble(error: Exception) -> None:
    logger.error("the inbox can't be worked on now, and is asked again: %r", error)
