"""Who is told of an operation under way: the ``revrag`` logger, ``on_request``, ``progress``."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, NamedTuple

from revrag._revrag import masked

if TYPE_CHECKING:
    from collections.abc import Callable

    from revrag import RequestEvent, UploadProgress

logger = logging.getLogger("revrag")
# Whoever wants to read it sets logging up; nobody else is bothered.
logger.addHandler(logging.NullHandler())


def left_out(kind: str, count: int, total: int) -> None:
    """Tell of what stands in a list of the service's and is not what the list is of."""
    logger.warning(
        "%d of %d entries in a list of the service's are no %s, and are left out; "
        "to_dict() has them",
        count,
        total,
        kind,
    )


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
            event.request_id and masked(event.request_id),
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


class Advanced(NamedTuple):
    """An upload that has come further; calling it tells its ``progress``."""

    listener: Callable[[UploadProgress], object]
    progress: UploadProgress
    is_last: bool

    def __call__(self) -> None:
        try:
            self.listener(self.progress)
            if self.is_last and (close := getattr(self.listener, "close", None)) is not None:
                close()
        except Exception:
            logger.exception("progress raised; the upload goes on")
