"""Two drivers of the same steps: one for stores that block, one for stores that are awaited."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, TypeVar, cast

from revrag.webhooks._delivery import StoreError

if TYPE_CHECKING:
    from revrag.webhooks._delivery import Steps
    from revrag.webhooks.stores import Store

T = TypeVar("T")


def drive(store: Store, steps: Steps[T]) -> T:
    """Take the steps with a store that blocks."""
    try:
        verb, key = next(steps)
        while True:
            try:
                answer = getattr(store, verb)(key)
            except Exception as error:
                verb, key = steps.throw(_failed(error))
            else:
                verb, key = steps.send(answer)
    except StopIteration as end:
        return cast("T", end.value)


async def drive_async(store: Store, steps: Steps[T]) -> T:
    """Take the steps with a store whose methods are awaited."""
    try:
        verb, key = next(steps)
        while True:
            try:
                answer = await getattr(store, verb)(key)
            except Exception as error:
                verb, key = steps.throw(_failed(error))
            else:
                verb, key = steps.send(answer)
    except StopIteration as end:
        return cast("T", end.value)


def is_async(store: Store) -> bool:
    """Whether a store's methods are to be awaited."""
    found = getattr(store, "is_async", None)
    return bool(inspect.iscoroutinefunction(store.claim) if found is None else found)


def _failed(error: Exception) -> StoreError:
    failed = StoreError("the store raised")
    failed.__cause__ = error
    return failed
