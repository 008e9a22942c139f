"""Two drivers of the same steps: one for stores that block, one for stores that are awaited."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, TypeVar, cast

from revrag.webhooks._admission import StoreError

if TYPE_CHECKING:
    from revrag.webhooks._admission import Steps

T = TypeVar("T")


def drive(store: Any, steps: Steps[T]) -> T:
    """Take the steps with a store that blocks."""
    try:
        verb, given = next(steps)
        while True:
            try:
                answer = getattr(store, verb)(*given)
            except Exception as error:
                verb, given = steps.throw(_failed(error))
            else:
                verb, given = steps.send(answer)
    except StopIteration as end:
        return cast("T", end.value)


async def drive_async(store: Any, steps: Steps[T]) -> T:
    """Take the steps with a store whose methods are awaited."""
    try:
        verb, given = next(steps)
        while True:
            try:
                answer = await getattr(store, verb)(*given)
            except Exception as error:
                verb, given = steps.throw(_failed(error))
            else:
                verb, given = steps.send(answer)
    except StopIteration as end:
        return cast("T", end.value)


def is_async(store: Any) -> bool:
    """Whether a store's methods are to be awaited."""
    found = getattr(store, "is_async", None)
    if found is not None:
        return bool(found)
    return inspect.iscoroutinefunction(getattr(store, "begin", None) or store.claim)


def _failed(error: Exception) -> StoreError:
    if isinstance(error, StoreError):
        return error
    failed = StoreError("the store raised")
    failed.__cause__ = error
    return failed
