"""What a handler is called, and what it wants to be given."""

from __future__ import annotations

import functools
import inspect
from typing import Any

from revrag.errors import InvalidArgumentError


def plain(handler: Any) -> Any:
    """The function under partials, methods and decorators that keep it."""
    while True:
        if isinstance(handler, functools.partial):
            handler = handler.func
        elif inspect.ismethod(handler):
            handler = handler.__func__
        elif hasattr(handler, "__wrapped__"):
            handler = handler.__wrapped__
        else:
            return handler


def name_of(handler: Any) -> str:
    """The module and name of a handler; of a view's method, with its class.

    Raises:
        InvalidArgumentError: It has none that tells it from others.
    """
    while isinstance(handler, functools.partial):
        handler = handler.func
    owner = getattr(handler, "__self__", None)
    if inspect.ismethod(handler) and owner is not None:
        kind = owner if isinstance(owner, type) else type(owner)
        if kind.__module__.startswith("revrag."):
            raise InvalidArgumentError(
                f"name: {kind.__qualname__}.{handler.__name__} may serve several endpoints; "
                "pass a name="
            )
        return f"{kind.__module__}.{kind.__qualname__}.{handler.__name__}"
    if inspect.isroutine(handler) or isinstance(handler, type):
        name = f"{handler.__module__}.{handler.__qualname__}"
        code = getattr(handler, "__code__", None)
        return f"{name}:{code.co_firstlineno}" if "<lambda>" in name and code else name
    return f"{type(handler).__module__}.{type(handler).__qualname__}"


def wants_session(handler: Any) -> bool:
    """Whether a handler has a parameter `session`, for that of its transaction."""
    return _has_session(plain(handler))


@functools.lru_cache(maxsize=256)
def _has_session(function: Any) -> bool:
    try:
        return "session" in inspect.signature(function).parameters
    except (TypeError, ValueError):
        return False


def mark_view(function: Any) -> None:
    """Note that a function is called with a request, whatever its signature says.

    Decorators that keep what they decorate keep the mark.
    """
    function.__revrag_view__ = True


def is_view(handler: Any) -> bool:
    """Whether a function was noted by `mark_view`."""
    return bool(getattr(handler, "__revrag_view__", False))


def others_needed(handler: Any) -> list[str]:
    """The names of what a handler must be given besides its event and its session."""
    try:
        # As it is called: a decorator may give the function under it more.
        signature = inspect.signature(handler, follow_wrapped=False)
        given = list(signature.parameters.values())
    except (TypeError, ValueError):  # not every callable of C has one
        return []
    variadic = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return [
        each.name
        for each in given[1:]
        if each.default is each.empty and each.kind not in variadic and each.name != "session"
    ]
