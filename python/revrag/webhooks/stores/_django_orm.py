"""Deliveries marked in the transaction of their handler, by Django's ORM."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from revrag.webhooks import _clock
from revrag.webhooks.stores._locks import PRUNE_EVERY, PRUNE_ROWS, is_locked, lock_numbers
from revrag.webhooks.stores._store import CLAIM_TTL, DONE_TTL, check_ttls, new_owner

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from revrag.webhooks.stores._store import State

logger = logging.getLogger("revrag")


class DjangoStore:
    """Remembers deliveries in Django's database, in the same transaction as the handler's work.

    Add `"revrag.webhooks.django"` to `INSTALLED_APPS` and run `manage.py migrate`. The handler runs
    in an `atomic` block: what it writes to that database and the mark are committed together, or
    neither is. While it runs, another delivery of its event is answered with 409 on PostgreSQL; on
    MySQL and SQLite it waits, and gets 409 where that takes too long. It serves blocking views
    only: Django has no transactions for others. Old marks are removed a few at a time.

    Args:
        using: The database's alias in the setting `DATABASES`: that of the handler's models.
        done_ttl: Seconds for which a handled delivery is remembered.
        clock: What tells the time, in Unix seconds.

    Raises:
        InvalidArgumentError: A time is not positive.
        ImportError: Django is not installed.

    Example:
        >>> store = revrag.webhooks.stores.DjangoStore()
        >>> transaction = store.begin(["key"])
        >>> transaction.states
        ['new']
        >>> store.end(transaction, True)
    """

    is_async = False
    is_thread_bound = True

    def __init__(
        self,
        using: str = "default",
        *,
        done_ttl: float = DONE_TTL,
        clock: Callable[[], float] = _clock.now,
    ) -> None:
        check_ttls(CLAIM_TTL, done_ttl)
        try:
            import django  # noqa: F401  # asked for, not used
        except ImportError as error:
            raise ImportError('DjangoStore needs Django: pip install "revrag[django]"') from error
        self.using = using
        self.done_ttl = done_ttl
        self._clock = clock
        self._ended = 0

    def begin(self, keys: Sequence[str]) -> Any:
        """Open an `atomic` block and mark the keys in it."""
        from django.db import DatabaseError, transaction

        atomic = transaction.atomic(using=self.using)
        atomic.__enter__()
        try:
            states = self._mark(list(keys))
        except BaseException as error:
            atomic.__exit__(type(error), error, error.__traceback__)
            if isinstance(error, DatabaseError) and is_locked(error):
                return _Atomic(None, ["in_progress"])
            raise
        return _Atomic(atomic, states)

    def end(self, transaction: Any, keep: bool) -> None:
        """Commit it, or roll it back where it is not to be kept."""
        from django.db import connections
        from django.db import transaction as transactions

        atomic, transaction.atomic = transaction.atomic, None
        if atomic is None:
            return
        if not keep:
            transactions.set_rollback(True, using=self.using)
        atomic.__exit__(None, None, None)
        if keep and not connections[self.using].in_atomic_block:
            self._ended += 1
            if self._ended % PRUNE_EVERY == 0:
                self._prune()

    def now(self) -> float:
        """What its clock tells, in Unix seconds."""
        return self._clock()

    def _mark(self, keys: list[str]) -> list[State]:
        from django.db import connections

        from revrag.webhooks.django.models import Mark

        connection = connections[self.using]
        if connection.vendor == "postgresql":
            # Without it, the insert would wait for the other's handler to end.
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT bool_and(pg_try_advisory_xact_lock(number))"
                    " FROM unnest(%s::bigint[]) AS number",
                    [lock_numbers(keys)],
                )
                if not cursor.fetchone()[0]:
                    return ["in_progress"]
        marks = Mark.objects.using(self.using)
        now = self._clock()
        owner, expires = getattr(keys[0], "owner", None) or new_owner(), now + self.done_ttl
        # The first statement writes: SQLite can't turn a reader into a writer while others write.
        marks.bulk_create(
            [Mark(key=key, owner=owner, expires=expires) for key in keys], ignore_conflicts=True
        )
        found = {mark.key: mark for mark in marks.filter(key__in=keys)}
        states: list[State] = []
        for key in keys:
            mark = found.get(str(key))
            if mark is not None and mark.owner != owner and mark.expires <= now:
                old = marks.filter(key=key, owner=mark.owner, expires=mark.expires)
                if old.update(owner=owner, expires=expires):
                    mark.owner = owner
            if mark is None:  # another transaction's, which this one can't see
                states.append("in_progress")
            else:
                states.append("new" if mark.owner == owner else "done")
        return states

    def _prune(self) -> None:
        """Remove some marks that expired."""
        from django.db import DatabaseError

        from revrag.webhooks.django.models import Mark

        marks = Mark.objects.using(self.using)
        now = self._clock()
        try:
            old = list(marks.filter(expires__lte=now).values_list("key", flat=True)[:PRUNE_ROWS])
            # In one order, or two that prune could wait for each other.
            marks.filter(key__in=sorted(old), expires__lte=now).delete()
        except DatabaseError as error:
            logger.warning("old marks of webhooks were not removed: %r", error)


class _Atomic:
    """An `atomic` block, until it is left."""

    session = None

    def __init__(self, atomic: Any, states: list[State]) -> None:
        self.atomic = atomic
        self.states = states
