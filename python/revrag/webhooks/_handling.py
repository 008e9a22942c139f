"""The path of a verified delivery, for every endpoint: admitted, handled, settled.

Settled on every way out, be it an answer, an exception or a cancellation: a claim that is left
behind keeps redeliveries away until it expires.
"""

from __future__ import annotations

import asyncio
import logging
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from revrag.webhooks._answer import Answer, has_failed
from revrag.webhooks._drive import drive, drive_async

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from types import TracebackType
    from typing import Self

    from revrag import WebhookEvent
    from revrag.webhooks._admission import Admission, Steps
    from revrag.webhooks._endpoint import Endpoint
    from revrag.webhooks.stores._store import Transaction

logger = logging.getLogger("revrag")

transaction_now: ContextVar[Transaction | None] = ContextVar("transaction_now", default=None)


class Refused(Exception):
    """A delivery that is not handled, with the answer to give."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.detail)
        self.answer = answer


class _Turn:
    """A delivery whose handler is about to run."""

    def __init__(self, endpoint: Endpoint, delivery: Admission) -> None:
        self._endpoint = endpoint
        self._delivery = delivery
        self._status: int | None = None
        self.event: WebhookEvent = delivery.event

    def answered(self, status: int) -> None:
        """Say what the handler answered; until then it counts as failed."""
        self._status = status

    def _begun(self, answer: Answer | None) -> None:
        if answer is not None:
            raise Refused(answer)
        transaction_now.set(getattr(self._delivery, "transaction", None))

    def _end(self, raised: BaseException | None) -> Steps[Answer | None]:
        transaction_now.set(None)
        what = None
        if raised is not None:
            what = "raised"
        elif self._status is None:
            what = "returned what is no answer"
        elif has_failed(self._status):
            what = f"answered {self._status}"
        if what is not None:
            logger.warning("webhook %s will be handled again: its handler %s", self.event.id, what)
        return self._delivery.settle(succeeded=what is None)


class Handling(_Turn):
    """The context in which a handler runs, for blocking endpoints.

    Raises:
        Refused: On entering, where the handler is not to run; on leaving, where what it did could
            not be committed.
    """

    def __enter__(self) -> Self:
        try:
            answer = drive(self._endpoint.store, self._delivery.admit())
        except BaseException:  # an interrupt, with claims made or not
            drive(self._endpoint.store, self._delivery.settle(succeeded=False))
            raise
        self._begun(answer)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        raised: BaseException | None,
        _: TracebackType | None,
    ) -> None:
        answer = drive(self._endpoint.store, self._end(raised))
        if answer is not None and raised is None:
            raise Refused(answer)


class HandlingAsync(_Turn):
    """The same for asyncio. A store that blocks is asked in another thread.

    A client that hangs up cancels its handler; the outcome is written down all the same.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        delivery: Admission,
        in_thread: Callable[..., Awaitable[Any]] = asyncio.to_thread,
    ) -> None:
        super().__init__(endpoint, delivery)
        self._in_thread = in_thread

    async def __aenter__(self) -> Self:
        self._begun(await self._drive(self._delivery.admit(), undo=True))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        raised: BaseException | None,
        _: TracebackType | None,
    ) -> None:
        answer = await self._drive(self._end(raised), undo=False)
        if answer is not None and raised is None:
            raise Refused(answer)

    async def _drive(self, steps: Steps[Answer | None], *, undo: bool) -> Answer | None:
        if self._endpoint.is_instant:
            return drive(self._endpoint.store, steps)
        # A task of its own: what a thread or a server is doing can't be cancelled, only undone.
        task = asyncio.create_task(self._take(steps))
        try:
            return await asyncio.shield(task)
        except BaseException:
            if undo:
                _keep(asyncio.create_task(self._undo(task)))
            else:
                _keep(task)
            raise

    async def _take(self, steps: Steps[Answer | None]) -> Answer | None:
        if self._endpoint.is_async:
            return await drive_async(self._endpoint.store, steps)
        taken: Answer | None = await self._in_thread(drive, self._endpoint.store, steps)
        return taken

    async def _undo(self, admission: asyncio.Task[Answer | None]) -> None:
        await asyncio.wait([admission])
        await self._take(self._delivery.settle(succeeded=False))


_under_way: set[asyncio.Task[Any]] = set()


def _keep(task: asyncio.Task[Any]) -> None:
    _under_way.add(task)  # the loop itself would let go of it
    task.add_done_callback(_under_way.discard)
