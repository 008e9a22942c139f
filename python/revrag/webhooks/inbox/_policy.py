"""When to try again, and what is known of an event that waits. Values in, values out."""

from __future__ import annotations

import hashlib
import json
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from revrag import WebhookEvent
from revrag.errors import InvalidArgumentError

if TYPE_CHECKING:
    from collections.abc import Callable

DIED = "its worker ended while it handled the event"
LONGEST = 2000  # characters of an error that are kept


class Gone(Exception):
    """What was taken is another worker's by now."""


@dataclass(frozen=True)
class Policy:
    """When an event is tried again."""

    max_attempts: int
    backoff: float
    max_backoff: float
    is_ordered: bool
    clock: Callable[[], float]

    def __post_init__(self) -> None:
        if self.max_attempts < 1:
            raise InvalidArgumentError(f"max_attempts: {self.max_attempts!r} is less than 1")
        if not 0 <= self.backoff <= self.max_backoff < 1e9:
            raise InvalidArgumentError(
                f"backoff: {self.backoff!r} seconds are not between 0 and max_backoff"
            )

    def due_after(
        self, attempts: int, now: float, draw: Callable[[], float] = random.random
    ) -> float:
        """When an event that failed so many times is due again."""
        wait = min(self.max_backoff, self.backoff * 2.0 ** min(attempts - 1, 60))
        return now + wait * (0.5 + draw() / 2)


@dataclass(frozen=True)
class Taken:
    """An event that a worker has taken."""

    id: int
    attempts: int
    text: str
    owner: str

    @property
    def event(self) -> WebhookEvent:
        """The event."""
        return WebhookEvent.from_dict(json.loads(self.text))


@dataclass(frozen=True)
class Parked:
    """An event whose handler kept failing.

    Attributes:
        id: Its number in the inbox.
        event: The event.
        attempts: How often it was tried.
        error: What its handler raised last.
        received: When it came, in Unix seconds.

    Example:
        >>> for parked in revrag.webhooks.inbox.parked(store):
        ...     print(parked.id, parked.attempts, parked.error)
    """

    id: int
    event: WebhookEvent
    attempts: int
    error: str
    received: float


def text_of(event: WebhookEvent) -> str:
    """An event as it is stored."""
    return json.dumps(event.to_dict())


def order_key_of(event: WebhookEvent) -> str:
    """What events of one call have in common; empty where there is no call."""
    if event.call is None or event.call.call_id is None:
        return ""
    return hashlib.sha256(event.call.call_id.encode(errors="surrogatepass")).hexdigest()


def error_text(error: BaseException) -> str:
    """An exception as it is stored. PostgreSQL stores no NUL."""
    return f"{type(error).__name__}: {error}".replace("\0", "\ufffd")[:LONGEST]


def parked_of(row: Any) -> Parked:
    """A row as it is shown."""
    event = WebhookEvent.from_dict(json.loads(row.event))
    return Parked(row.id, event, row.attempts, row.error, row.received)
