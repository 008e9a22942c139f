"""Who is told of an operation under way: the ``revrag`` logger, ``on_request``, ``progress``.

None of them changes its outcome: what they raise is told by ``sys.unraisablehook``.
"""

from __future__ import annotations

import logging
import sys
from types import CoroutineType
from typing import TYPE_CHECKING, Any, NamedTuple

from revrag._revrag import masked, unraisable

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
        _guarded(
            logger,
            logger.debug,
            "%s status=%s attempt=%d ms=%.1f request_id=%s",
            said,
            event.status,
            event.attempt,
            event.elapsed * 1000,
            event.request_id and masked(event.request_id),
        )
        if self.retry_in is not None:
            _guarded(
                logger,
                logger.warning,
                "%s failed at attempt %d and is sent again in %.2f s: %s",
                said,
                event.attempt,
                self.retry_in,
                event.error,
            )
        if self.hook is not None:
            _guarded(self.hook, self.hook, event)


class Advanced(NamedTuple):
    """An upload that has come further; calling it tells its ``progress``."""

    listener: Callable[[UploadProgress], object]
    progress: UploadProgress
    is_last: bool

    def __call__(self) -> None:
        _guarded(self.listener, self.listener, self.progress)
        if self.is_last:
            _guarded(self.listener, _close, self.listener)


def _close(listener: object) -> None:
    if (close := getattr(listener, "close", None)) is not None:
        close()


def warn_of_unknown(error: BaseException) -> None:
    """Log that a push was cut off which may have been applied."""
    # Nothing can be imported any more, or logged, where the interpreter is about to end.
    errors = sys.modules.get("revrag.errors")
    if errors is not None and isinstance(error, errors.PushOutcomeUnknownError):
        _guarded(logger, logger.warning, "%s", error)


def problem_with(listener: object) -> str | None:
    """Why this can't be a listener, if it can't."""
    from inspect import isasyncgenfunction, iscoroutinefunction

    if not callable(listener):
        return "it must be callable"
    # What a call of it runs is looked at, not whether there is one.
    for function in (listener, getattr(listener, "__call__", None)):  # noqa: B004
        if iscoroutinefunction(function) or isasyncgenfunction(function):
            return (
                "it is a coroutine function, and nobody would await what it makes; pass a plain "
                "function"
            )
    return None


def _guarded(listener: object, call: Callable[..., object], *args: Any) -> None:
    """Call it. What it raises is told, and no more; an interrupt is the caller's."""
    try:
        answer = call(*args)
        if isinstance(answer, CoroutineType):
            answer.close()
            raise TypeError("it made a coroutine, which nobody awaits; pass a plain function")
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:
        if _is_of_a_signal(error):
            raise
        unraisable(error, listener)


def _is_of_a_signal(error: BaseException) -> bool:
    """Whether a signal's handler raised it, which happened to run just then."""
    import signal

    handlers = {_code(signal.getsignal(number)) for number in signal.valid_signals()} - {None}
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code in handlers:
            return True
        trace = trace.tb_next
    return False


def _code(handler: Any) -> object:
    handler = getattr(handler, "func", handler)  # what a functools.partial calls
    if not hasattr(handler, "__code__") and not hasattr(handler, "__func__"):
        # The same of an instance of a class of somebody's own.
        handler = getattr(type(handler), "__call__", None)  # noqa: B004
    return getattr(getattr(handler, "__func__", handler), "__code__", None)
