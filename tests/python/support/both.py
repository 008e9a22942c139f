"""Sync and asyncio, from one test body."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

Invoke = Callable[..., Any]


def sync(target: object, method: str, *args: Any, **options: Any) -> Any:
    """Call the blocking method."""
    return getattr(target, method)(*args, **options)


def asynchronous(target: object, method: str, *args: Any, **options: Any) -> Any:
    """Call its asyncio twin in a loop of its own."""

    async def main() -> Any:
        return await getattr(target, f"{method}_async")(*args, **options)

    return asyncio.run(main())


BOTH = {"sync": sync, "async": asynchronous}
