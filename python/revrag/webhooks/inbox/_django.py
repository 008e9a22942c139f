"""An inbox in Django's database."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from revrag.webhooks.inbox._policy import DIED, Gone, Taken, order_key_of, text_of
from revrag.webhooks.stores._locks import is_locked
from revrag.webhooks.stores._store import new_owner

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from revrag import WebhookEvent
    from revrag.webhooks.inbox._policy import Policy
    from revrag.webhooks.stores import DjangoStore


class DjangoBox:
    """The rows of one inbox."""

    def __init__(self, store: DjangoStore, name: str) -> None:
        self._store = store
        self._name = name

    @property
    def _rows(self) -> Any:
        from revrag.webhooks.django.models import InboxEvent

        return InboxEvent.objects.using(self._store.using).filter(name=self._name)

    def put(self, event: WebhookEvent) -> None:
        """Add an event, in the transaction that is open."""
        now = self._store.now()
        self._rows.create(
            name=self._name,
            event=text_of(event),
            order_key=order_key_of(event),
            received=now,
            due=now,
        )

    def take(self, policy: Policy) -> Taken | None:
        """Take the next event that is due, for a while."""
        from django.db import DatabaseError, connections, transaction

        features = connections[self._store.using].features
        try:
            if not features.has_select_for_update_skip_locked:
                return self._take(policy, self._rows)
            with transaction.atomic(using=self._store.using):
                of = {"of": ("self",)} if features.has_select_for_update_of else {}
                return self._take(policy, self._rows.select_for_update(skip_locked=True, **of))
        except DatabaseError as error:
            if is_locked(error):
                return None
            raise

    def _take(self, policy: Policy, rows: Any) -> Taken | None:
        from django.db.models import Exists, OuterRef, Q

        while True:
            now = policy.clock()
            due = rows.filter(is_parked=False, due__lte=now).order_by("id")
            if policy.is_ordered:
                earlier = self._rows.filter(order_key=OuterRef("order_key"), id__lt=OuterRef("id"))
                due = due.filter(Q(order_key="") | ~Exists(earlier))
            row = due.first()
            if row is None:
                return None
            # Where rows can't be locked, this is what one of many succeeds in.
            this = self._rows.filter(id=row.id, attempts=row.attempts, is_parked=False)
            if row.attempts >= policy.max_attempts:
                this.update(is_parked=True)
                continue
            owner, attempts = new_owner(), row.attempts + 1
            lease = policy.due_after(attempts, now)
            if this.update(attempts=attempts, owner=owner, due=lease, error=DIED):
                return Taken(row.id, attempts, row.event, owner)

    @contextmanager
    def transaction(self, taken: Taken) -> Iterator[None]:
        """A transaction that ends with the event's removal."""
        from django.db import transaction

        with transaction.atomic(using=self._store.using):
            this = self._rows.filter(id=taken.id, owner=taken.owner)
            if not this.update(owner=taken.owner):  # which locks it
                raise Gone
            yield
            this.delete()

    def put_back(self, taken: Taken, due: float, error: str, is_parked: bool) -> None:
        """Have it tried again, or park it."""
        self._rows.filter(id=taken.id, owner=taken.owner).update(
            due=due, error=error, is_parked=is_parked
        )

    def parked(self) -> list[Any]:
        """The rows that are parked."""
        return list(self._rows.filter(is_parked=True).order_by("id"))

    def run_again(self, ids: Sequence[int] | None) -> int:
        """Have parked events tried again."""
        rows = self._rows.filter(is_parked=True)
        if ids is not None:
            rows = rows.filter(id__in=list(ids))
        return int(rows.update(is_parked=False, attempts=0, due=self._store.now()))

    def discard(self, ids: Sequence[int]) -> int:
        """Remove parked events."""
        return int(self._rows.filter(is_parked=True, id__in=list(ids)).delete()[0])

    def recover(self) -> None:
        """Let go of connections that broke; Django itself does so between requests."""
        from django.db import close_old_connections

        close_old_connections()
