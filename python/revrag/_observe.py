"""Who is told of each request: the ``revrag`` logger and the client's ``on_request``."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from revrag import RequestEvent

logger = logging.getLogger("revrag")


def wants_debug() -> bool:
    """Whether a line per request would be logged."""
    return logger.isEnabledFor(logging.DEBUG)


class Tried(NamedTuple):
    """A try that has ended; calling it tells whoever listens."""

    event: RequestEvent
    retry_in: float | None
    hook: Callable[[RequestEvent], object] | None

    def __call__(self) -> None:
        event = self.event
        said = f"{event.method} {event.path}"
        logger.debug(
            "%s status=%s attempt=%d ms=%.1f request_id=%s",
            said,
            event.status,
            event.attempt,
            event.elapsed * 1000,
            event.request_id,
        )
        if self.retry_in is not None:
            logger.warning(
                "%s failed at attempt %d and is sent again in %.2f s: %s",
                said,
                event.attempt,
                self.retry_in,
                event.error,
            )
        if self.hook is not None:
            try:
                self.hook(event)
            except Exception:
                logger.exception("on_request raised; the request goes on")
