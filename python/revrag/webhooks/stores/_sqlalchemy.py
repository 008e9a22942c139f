"""Deliveries marked in the transaction of their handler, by SQLAlchemy."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from revrag.webhooks import _clock
from revrag.webhooks._session import session_of
from revrag.webhooks.stores._locks import PRUNE_EVERY, PRUNE_ROWS, is_locked, lock_numbers
from revrag.webhooks.stores._store import CLAIM_TTL, DONE_TTL, check_ttls, new_owner

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from sqlalchemy import MetaData
    from sqlalchemy.orm import Session

    from revrag.webhooks.stores._store import State

logger = logging.getLogger("revrag")

CREATIONS = 5


class SqlAlchemyStore:
    """Remembers deliveries in a database of SQLAlchemy's, in the same transaction as the handler.

    The handler works in `store.session()`: what it writes there and the mark are committed
    together, or neither is. It must not commit or roll back itself. While it runs, another delivery
    of its event is answered with 409 on PostgreSQL; on MySQL and SQLite it waits, and gets 409
    where that takes too long. Old marks are removed a few at a time.

    Args:
        engine_or_session: Where the sessions come from: an engine, a `sessionmaker`, a
            `scoped_session` or a session; for asyncio views those of `sqlalchemy.ext.asyncio`. A
            session serves one delivery at a time.
        done_ttl: Seconds for which a handled delivery is remembered.
        clock: What tells the time, in Unix seconds.

    Raises:
        InvalidArgumentError: A time is not positive.
        TypeError: No session comes from that.
        ImportError: SQLAlchemy 2 is not installed.

    Example:
        >>> store = revrag.webhooks.stores.SqlAlchemyStore(engine)
        >>> store.create_tables()
        >>> def call_ended(event: revrag.WebhookEvent) -> None:
        ...     store.session().add(Ended(call_id=event.call.call_id))
        >>> app = revrag.webhooks.wsgi.endpoint(call_ended, verifier, store=store)
    """

    def __init__(
        self,
        engine_or_session: Any,
        *,
        done_ttl: float = DONE_TTL,
        clock: Callable[[], float] = _clock.now,
    ) -> None:
        check_ttls(CLAIM_TTL, done_ttl)
        self._make, self._is_ours, self.is_async = _sessions(engine_or_session)
        self.done_ttl = done_ttl
        self._clock = clock
        self._ended = 0

    @property
    def metadata(self) -> MetaData:
        """The two tables, for Alembic's `target_metadata`."""
        from revrag.webhooks.stores._tables import metadata

        return metadata

    def create_tables(self) -> Awaitable[None] | None:
        """Make the tables that are not there; to be awaited where the engine is asyncio's.

        Migrations may do so instead: see `metadata`.
        """
        if self.is_async:
            return self._create_async()
        for attempt in range(CREATIONS):
            try:
                self.in_session(self._create)
            except Exception:
                # Another worker may be at it, too; then they are there the next time.
                if attempt == CREATIONS - 1:
                    raise
            else:
                break
        return None

    def session(self) -> Any:
        """The session of the delivery that is being handled here.

        In FastAPI it is a dependency, `Depends(store.session)`, declared after the event.

        Raises:
            LookupError: None is.
        """
        return session_of(self)

    def begin(self, keys: Sequence[str]) -> Any:
        """Open a transaction and mark the keys in it; to be awaited where it is asyncio's."""
        session = self._make()
        if self.is_async:
            return self._begin_async(session, keys)
        try:
            return SessionTransaction(self, session, self._mark(session, keys))
        except BaseException as error:
            session.rollback()
            self.close(session)
            if is_locked(error):
                return SessionTransaction(self, None, ["in_progress"])
            raise

    def end(self, transaction: SessionTransaction, keep: bool) -> Awaitable[None] | None:
        """Commit it, or roll it back; to be awaited where it is asyncio's."""
        session, transaction.session = transaction.session, None
        if self.is_async:
            return self._end_async(session, keep)
        if session is None:
            return None
        try:
            if keep:
                session.commit()
                if self._is_time_to_prune():
                    self._prune(session)
            else:
                session.rollback()
        except BaseException:
            session.rollback()
            raise
        finally:
            self.close(session)
        return None

    def in_session(self, work: Callable[..., Any], *given: Any) -> Any:
        """Do something in a transaction of its own, with a blocking session."""
        session = self._make()
        try:
            done = work(session, *given)
            session.commit()
        except BaseException:
            session.rollback()
            raise
        finally:
            self.close(session)
        return done

    async def in_session_async(self, work: Callable[..., Any], *given: Any) -> Any:
        """The same with a session of asyncio's; what is done gets a blocking one."""
        session = self._make()
        try:
            done = await session.run_sync(work, *given)
            await session.commit()
        except BaseException:
            await session.rollback()
            raise
        finally:
            await self.close_async(session)
        return done

    def now(self) -> float:
        """What its clock tells, in Unix seconds."""
        return self._clock()

    def new_session(self) -> Any:
        """A session where its transactions come from."""
        return self._make()

    def _create(self, session: Session) -> None:
        self.metadata.create_all(session.connection())

    async def _create_async(self) -> None:
        for attempt in range(CREATIONS):
            try:
                await self.in_session_async(self._create)
            except Exception:
                if attempt == CREATIONS - 1:
                    raise
            else:
                break

    async def _begin_async(self, session: Any, keys: Sequence[str]) -> SessionTransaction:
        try:
            return SessionTransaction(self, session, await session.run_sync(self._mark, keys))
        except BaseException as error:
            await session.rollback()
            await self.close_async(session)
            if is_locked(error):
                return SessionTransaction(self, None, ["in_progress"])
            raise

    async def _end_async(self, session: Any, keep: bool) -> None:
        if session is None:
            return
        try:
            if keep:
                await session.commit()
                if self._is_time_to_prune():
                    await session.run_sync(self._prune)
            else:
                await session.rollback()
        except BaseException:
            await session.rollback()
            raise
        finally:
            await self.close_async(session)

    def close(self, session: Any) -> None:
        """Close a session that is ours."""
        if self._is_ours:
            session.close()

    async def close_async(self, session: Any) -> None:
        """The same with a session of asyncio's."""
        if self._is_ours:
            await session.close()

    def _mark(self, session: Session, keys: Sequence[str]) -> list[State]:
        from sqlalchemy import insert, select, text, update

        from revrag.webhooks.stores._tables import marks

        dialect = session.get_bind().dialect.name
        plain = [str(key) for key in keys]
        if dialect == "postgresql":
            # Without it, the insert would wait for the other's handler to end.
            held = text(
                "SELECT bool_and(pg_try_advisory_xact_lock(number))"
                " FROM unnest(CAST(:numbers AS bigint[])) AS number"
            )
            if not session.execute(held, {"numbers": lock_numbers(plain)}).scalar():
                return ["in_progress"]
        now = self._clock()
        owner, expires = getattr(keys[0], "owner", None) or new_owner(), now + self.done_ttl
        # The first statement writes: SQLite can't turn a reader into a writer while others write.
        rows = [{"key": key, "owner": owner, "expires": expires} for key in plain]
        session.execute(_or_ignore(insert(marks), dialect).values(rows))
        found = {
            row.key: (row.owner, row.expires)
            for row in session.execute(select(marks).where(marks.c.key.in_(plain)))
        }
        states: list[State] = []
        for key in plain:
            if key not in found:  # another transaction's, which this one can't see
                states.append("in_progress")
                continue
            known, until = found[key]
            if known != owner and until <= now:
                old = update(marks).where(marks.c.key == key, marks.c.owner == known)
                if session.execute(old.values(owner=owner, expires=expires)).rowcount:  # type: ignore[attr-defined]
                    known = owner
            states.append("new" if known == owner else "done")
        return states

    def _is_time_to_prune(self) -> bool:
        self._ended += 1
        return self._ended % PRUNE_EVERY == 0

    def _prune(self, session: Session) -> None:
        """Remove some marks that expired."""
        from sqlalchemy import delete, select
        from sqlalchemy.exc import DBAPIError

        from revrag.webhooks.stores._tables import marks

        now = self._clock()
        try:
            old = select(marks.c.key).where(marks.c.expires <= now).limit(PRUNE_ROWS)
            # In one order, or two that prune could wait for each other.
            keys = sorted(session.execute(old).scalars())
            session.execute(delete(marks).where(marks.c.key.in_(keys), marks.c.expires <= now))
            session.commit()
        except DBAPIError as error:
            session.rollback()
            logger.warning("old marks of webhooks were not removed: %r", error.orig)


class SessionTransaction:
    """A session's transaction, until it is ended."""

    def __init__(self, store: SqlAlchemyStore, session: Any, states: list[State]) -> None:
        self.store = store
        self.session = session
        self.states = states


def _sessions(given: Any) -> tuple[Callable[[], Any], bool, bool]:
    """How to come by a session, whether it is ours to close, and whether it is asyncio's."""
    try:
        from sqlalchemy import Engine
        from sqlalchemy.orm import Session, scoped_session, sessionmaker
    except ImportError as error:
        raise ImportError(
            'SqlAlchemyStore needs SQLAlchemy 2: pip install "revrag[sqlalchemy]"'
        ) from error
    if isinstance(given, Engine):
        return lambda: Session(given), True, False
    if isinstance(given, sessionmaker):
        return given, True, False
    if isinstance(given, scoped_session):
        return given, False, False
    if isinstance(given, Session):
        return lambda: given, False, False
    try:
        from sqlalchemy.ext import asyncio as aio
    except ImportError:  # it needs greenlet; without that, none of these can have been made
        pass
    else:
        if isinstance(given, aio.AsyncEngine):
            return lambda: aio.AsyncSession(given, expire_on_commit=False), True, True
        if isinstance(given, aio.async_sessionmaker):
            return given, True, True
        if isinstance(given, aio.async_scoped_session):
            return given, False, True
        if isinstance(given, aio.AsyncSession):
            return lambda: given, False, True
    raise TypeError(
        f"engine_or_session must be an engine, a sessionmaker or a session of SQLAlchemy, not "
        f"{type(given).__name__}"
    )


def _or_ignore(insert: Any, dialect: str) -> Any:
    """An insert that leaves alone what is there."""
    if dialect in {"mysql", "mariadb"}:
        return insert.prefix_with("IGNORE")
    if dialect == "sqlite":
        return insert.prefix_with("OR IGNORE")
    if dialect == "postgresql":
        from sqlalchemy.dialects import postgresql

        return postgresql.insert(insert.table).on_conflict_do_nothing()
    raise NotImplementedError(
        f"a SqlAlchemyStore works on PostgreSQL, MySQL, MariaDB and SQLite, not on {dialect}"
    )
