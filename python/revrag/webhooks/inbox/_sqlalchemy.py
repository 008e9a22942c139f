"""An inbox in a database of SQLAlchemy's. All of it takes a blocking session."""

from __future__ import annotations

from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, insert, or_, select, update
from sqlalchemy.exc import DBAPIError

from revrag.webhooks._handling import transaction_now
from revrag.webhooks.inbox._policy import DIED, Gone, Taken, order_key_of, text_of
from revrag.webhooks.stores._locks import is_locked
from revrag.webhooks.stores._sqlalchemy import SessionTransaction
from revrag.webhooks.stores._store import new_owner
from revrag.webhooks.stores._tables import inbox

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence

    from sqlalchemy.orm import Session

    from revrag import WebhookEvent
    from revrag.webhooks.inbox._policy import Policy


def put(session: Session, name: str, event: WebhookEvent, now: float) -> None:
    """Add an event."""
    row = {
        "name": name,
        "event": text_of(event),
        "order_key": order_key_of(event),
        "received": now,
        "due": now,
        "attempts": 0,
        "owner": "",
        "error": "",
        "is_parked": False,
    }
    session.execute(insert(inbox), [row])


def take(session: Session, name: str, policy: Policy) -> Taken | None:
    """Take the next event that is due, for a while."""
    while True:
        now = policy.clock()
        due = (
            select(inbox.c.id, inbox.c.attempts, inbox.c.event)
            .where(inbox.c.name == name, ~inbox.c.is_parked, inbox.c.due <= now)
            .order_by(inbox.c.id)
            .limit(1)
            .with_for_update(skip_locked=True, of=inbox)
        )
        if policy.is_ordered:
            earlier = inbox.alias("earlier")
            before = select(earlier.c.id).where(
                earlier.c.name == name,
                earlier.c.order_key == inbox.c.order_key,
                earlier.c.id < inbox.c.id,
            )
            due = due.where(or_(inbox.c.order_key == "", ~before.exists()))
        row = session.execute(due).first()
        if row is None:
            return None
        # Where rows can't be locked, this is what one of many succeeds in.
        this = update(inbox).where(
            inbox.c.id == row.id, inbox.c.attempts == row.attempts, ~inbox.c.is_parked
        )
        if row.attempts >= policy.max_attempts:
            session.execute(this.values(is_parked=True))
            continue
        owner, attempts = new_owner(), row.attempts + 1
        lease = policy.due_after(attempts, now)
        taken = this.values(attempts=attempts, owner=owner, due=lease, error=DIED)
        if _count(session, taken):
            return Taken(row.id, attempts, row.event, owner)


def lock(session: Session, taken: Taken) -> bool:
    """Lock what was taken, in the transaction of its handler; whether it is still ours."""
    this = update(inbox).where(inbox.c.id == taken.id, inbox.c.owner == taken.owner)
    return bool(_count(session, this.values(owner=taken.owner)))


def remove(session: Session, taken: Taken) -> None:
    """Remove what was handled."""
    session.execute(delete(inbox).where(inbox.c.id == taken.id))


def put_back(session: Session, taken: Taken, due: float, error: str, is_parked: bool) -> None:
    """Have it tried again, or park it."""
    this = update(inbox).where(inbox.c.id == taken.id, inbox.c.owner == taken.owner)
    session.execute(this.values(due=due, error=error, is_parked=is_parked))


def parked(session: Session, name: str) -> list[Any]:
    """The rows that are parked."""
    rows = select(inbox).where(inbox.c.name == name, inbox.c.is_parked).order_by(inbox.c.id)
    return list(session.execute(rows))


def run_again(session: Session, name: str, ids: Sequence[int] | None, now: float) -> int:
    """Have parked events tried again."""
    these = update(inbox).where(inbox.c.name == name, inbox.c.is_parked)
    if ids is not None:
        these = these.where(inbox.c.id.in_(list(ids)))
    return _count(session, these.values(is_parked=False, attempts=0, due=now))


def discard(session: Session, name: str, ids: Sequence[int]) -> int:
    """Remove parked events."""
    these = delete(inbox).where(inbox.c.name == name, inbox.c.is_parked)
    return _count(session, these.where(inbox.c.id.in_(list(ids))))


def _count(session: Session, statement: Any) -> int:
    return int(session.execute(statement).rowcount)  # type: ignore[attr-defined]


class SessionBox:
    """The rows of one inbox in a database of SQLAlchemy's."""

    def __init__(self, store: Any, name: str) -> None:
        self._store = store
        self._name = name

    def put(self, event: Any) -> None:
        """Add an event, in the transaction that is open."""
        put(self._store.session(), self._name, event, self._store.now())

    async def put_async(self, event: Any) -> None:
        """The same for asyncio."""
        session = self._store.session()
        await session.run_sync(put, self._name, event, self._store.now())

    def take(self, policy: Policy) -> Taken | None:
        """Take the next event that is due, for a while."""
        try:
            taken: Taken | None = self._store.in_session(take, self._name, policy)
        except DBAPIError as error:
            if is_locked(error):
                return None
            raise
        return taken

    async def take_async(self, policy: Policy) -> Taken | None:
        """The same for asyncio."""
        try:
            taken: Taken | None = await self._store.in_session_async(take, self._name, policy)
        except DBAPIError as error:
            if is_locked(error):
                return None
            raise
        return taken

    @contextmanager
    def transaction(self, taken: Taken) -> Iterator[Any]:
        """A transaction that ends with the event's removal; its session.

        Raises:
            Gone: It is another worker's by now.
        """
        session = self._store.new_session()
        try:
            if not lock(session, taken):
                raise Gone
            with self._current(session):
                yield session
            remove(session, taken)
            session.commit()
        except BaseException:
            session.rollback()
            raise
        finally:
            self._store.close(session)

    @asynccontextmanager
    async def transaction_async(self, taken: Taken) -> AsyncIterator[Any]:
        """The same for asyncio."""
        session = self._store.new_session()
        try:
            if not await session.run_sync(lock, taken):
                raise Gone
            with self._current(session):
                yield session
            await session.run_sync(remove, taken)
            await session.commit()
        except BaseException:
            await session.rollback()
            raise
        finally:
            await self._store.close_async(session)

    @contextmanager
    def _current(self, session: Any) -> Iterator[None]:
        token = transaction_now.set(SessionTransaction(self._store, session, []))
        try:
            yield
        finally:
            transaction_now.reset(token)

    def put_back(self, *given: Any) -> None:
        """Have it tried again, or park it."""
        self._store.in_session(put_back, *given)

    async def put_back_async(self, *given: Any) -> None:
        """The same for asyncio."""
        await self._store.in_session_async(put_back, *given)

    def parked(self) -> list[Any]:
        """The rows that are parked."""
        return list(self._store.in_session(parked, self._name))

    async def parked_async(self) -> list[Any]:
        """The same for asyncio."""
        return list(await self._store.in_session_async(parked, self._name))

    def run_again(self, ids: Sequence[int] | None) -> int:
        """Have parked events tried again."""
        return int(self._store.in_session(run_again, self._name, ids, self._store.now()))

    async def run_again_async(self, ids: Sequence[int] | None) -> int:
        """The same for asyncio."""
        now = self._store.now()
        return int(await self._store.in_session_async(run_again, self._name, ids, now))

    def discard(self, ids: Sequence[int]) -> int:
        """Remove parked events."""
        return int(self._store.in_session(discard, self._name, ids))

    async def discard_async(self, ids: Sequence[int]) -> int:
        """The same for asyncio."""
        return int(await self._store.in_session_async(discard, self._name, ids))

    def recover(self) -> None:
        """Nothing: a pool lets go of connections that broke."""
