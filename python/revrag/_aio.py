"""The asyncio side of an operation: a coroutine around a future that Rust resolves."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


async def drive(start: Callable[[asyncio.Future[Any]], Any]) -> Any:
    """Start an operation, await its future, and drop the operation if the await is cut off."""
    future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    operation = start(future)
    try:
        return await future
    except BaseException as error:
        if not (future.done() and not future.cancelled() and future.exception() is error):
            operation.cut_off(error)
        raise
    finally:
        operation.cancel()


async def ready(value: Any) -> Any:
    """Return a value that is already there."""
    return value


def resolve(future: asyncio.Future[Any], value: Any, error: BaseException | None) -> None:
    """Give a future its outcome, unless it was cancelled meanwhile."""
    if future.done():
        return
    if error is None:
        future.set_result(value)
    else:
        future.set_exception(error)
