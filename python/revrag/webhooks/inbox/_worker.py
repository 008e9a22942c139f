"""Taking an event, having it handled, and what follows; blocking and for asyncio."""

from __future__ import annotations

import asyncio
import inspect
import logging
from typing import TYPE_CHECKING, Any

from revrag.webhooks._names import wants_session
from revrag.webhooks.inbox._policy import Gone, Taken, error_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from revrag.webhooks.inbox._policy import Policy

logger = logging.getLogger("revrag")


def box_of(store: Any, name: str) -> Any:
    """The inbox of a store."""
    if hasattr(store, "in_session"):
        from revrag.webhooks.inbox._sqlalchemy import SessionBox

        return SessionBox(store, name)
    from revrag.webhooks.inbox._django import DjangoBox

    return DjangoBox(store, name)


def work_on(box: Any, handler: Callable[..., Any], policy: Policy) -> bool:
    """Try one event; False where none is due."""
    taken = box.take(policy)
    if taken is None:
        return False
    try:
        with box.transaction(taken) as session:
            returned = handler(taken.event, **_session(handler, session))
            if inspect.isawaitable(returned):
                asyncio.run(_wait(returned))
    except Gone:
        return True
    except Exception as error:
        box.put_back(taken, *_after(taken, error, policy))
    except BaseException:
        box.put_back(taken, policy.clock(), "its worker was interrupted", False)
        raise
    return True


async def work_async_on(box: Any, handler: Callable[..., Any], policy: Policy) -> bool:
    """The same for asyncio."""
    taken = await box.take_async(policy)
    if taken is None:
        return False
    try:
        async with box.transaction_async(taken) as session:
            returned = handler(taken.event, **_session(handler, session))
            if inspect.isawaitable(returned):
                await returned
    except Gone:
        return True
    except Exception as error:
        await box.put_back_async(taken, *_after(taken, error, policy))
    except BaseException:
        # Cancelled, but not before the event is free for others.
        back = box.put_back_async(taken, policy.clock(), "its worker was interrupted", False)
        await asyncio.shield(asyncio.ensure_future(back))
        raise
    return True


def _session(handler: Callable[..., Any], session: Any) -> dict[str, Any]:
    return {"session": session} if wants_session(handler) else {}


def _after(taken: Taken, error: Exception, policy: Policy) -> tuple[float, str, bool]:
    is_parked = taken.attempts >= policy.max_attempts
    logger.warning(
        "an event of the inbox is %s: its handler raised %s (%d of %d attempts)",
        "parked" if is_parked else "tried again later",
        type(error).__name__,
        taken.attempts,
        policy.max_attempts,
    )
    return policy.due_after(taken.attempts, policy.clock()), error_text(error), is_parked


async def _wait(returned: Any) -> None:
    await returned
