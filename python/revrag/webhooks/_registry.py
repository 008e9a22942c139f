"""Handlers by event type."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar, overload

from revrag.errors import InvalidArgumentError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from revrag import Call, WebhookEvent


class CallEnded(Protocol):
    """A `WebhookEvent` of the type `call.ended`, which always has its call.

    Example:
        >>> def summary(event: revrag.webhooks.CallEnded) -> str | None:
        ...     return event.call.summary
    """

    @property
    def id(self) -> str:
        """What `X-Webhook-ID` says."""

    @property
    def type(self) -> str:
        """What `X-Webhook-Event` says."""

    @property
    def timestamp(self) -> datetime:
        """When the delivery was sent."""

    @property
    def call(self) -> Call:
        """The call."""

    @property
    def payload(self) -> dict[str, Any]:
        """The body as JSON."""


OfAny = TypeVar("OfAny", bound="Callable[[WebhookEvent], Any]")
OfCall = TypeVar("OfCall", bound="Callable[[CallEnded], Any] | Callable[[WebhookEvent], Any]")


class EventRegistry:
    """The handlers of an endpoint, one per event type.

    Pass it to the endpoint as `types`: events of other types are then answered with 200.

    Example:
        >>> events = revrag.webhooks.EventRegistry()
        >>> @events.on("call.ended")
        ... def call_ended(event: revrag.webhooks.CallEnded) -> str | None:
        ...     return event.call.summary
        >>> "call.ended" in events
        True
    """

    def __init__(self) -> None:
        self._handlers: dict[str, Callable[[Any], Any]] = {}

    def __contains__(self, event_type: object) -> bool:
        return event_type in self._handlers

    def __iter__(self) -> Iterator[str]:
        return iter(self._handlers)

    @overload
    def on(self, event_type: Literal["call.ended"], /) -> Callable[[OfCall], OfCall]: ...

    @overload
    def on(self, event_type: str, /) -> Callable[[OfAny], OfAny]: ...

    def on(self, event_type: str, /) -> Callable[[Any], Any]:
        """Register the decorated function as the handler of an event type.

        Args:
            event_type: As `X-Webhook-Event` says it.

        Raises:
            InvalidArgumentError: The type has a handler already.

        Example:
            >>> @events.on("agent.updated")
            ... async def agent_updated(event: revrag.WebhookEvent) -> None:
            ...     print(event.payload)
        """
        if event_type in self._handlers:
            raise InvalidArgumentError(f"event_type: {event_type!r} has a handler already")

        def register(handler: Callable[[Any], Any]) -> Callable[[Any], Any]:
            self._handlers[event_type] = handler
            return handler

        return register

    def handle(self, event: WebhookEvent) -> Any:
        """Call the handler of an event.

        Args:
            event: The event, as an endpoint gives it.

        Returns:
            What the handler returned; None where the type has none.

        Raises:
            TypeError: The handler is a coroutine function: await `handle_async`.

        Example:
            >>> events.handle(event)
            'Customer confirmed the appointment for Friday.'
        """
        handler = self._handlers.get(event.type)
        if handler is None:
            return None
        if inspect.iscoroutinefunction(handler):
            raise TypeError(f"the handler of {event.type!r} is async: await handle_async() instead")
        return handler(event)

    async def handle_async(self, event: WebhookEvent) -> Any:
        """Call the handler of an event, and await it where it is a coroutine function.

        Args:
            event: The event, as an endpoint gives it.

        Returns:
            What the handler returned; None where the type has none.

        Example:
            >>> asyncio.run(events.handle_async(event))
            'Customer confirmed the appointment for Friday.'
        """
        handler = self._handlers.get(event.type)
        if handler is None:
            return None
        result = handler(event)
        return await result if inspect.isawaitable(result) else result
