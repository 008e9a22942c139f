"""What a store is, and what it is asked about."""

from __future__ import annotations

import itertools
import os
import secrets
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias, runtime_checkable

from revrag.errors import InvalidArgumentError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Sequence

State: TypeAlias = Literal["new", "in_progress", "done"]
"""What a claim answers."""

CLAIM_TTL = 300.0
DONE_TTL = 3 * 86400.0
PATIENCE = 10.0  # seconds that a delivery waits for its store, before its handler and after it


@runtime_checkable
class Store(Protocol):
    """Remembers which deliveries are being handled and which were.

    The methods of a store may be coroutine functions: such a store serves asyncio views only. What
    they raise counts as a store that can't be reached. A claim that raised may have been made: it
    is released.

    A key that an endpoint passes is a `Key`: at most 80 ASCII letters, digits and colons.

    Example:
        >>> store = revrag.webhooks.stores.MemoryStore()
        >>> store.claim("key"), store.claim("key")
        ('new', 'in_progress')
        >>> store.commit("key")
        >>> store.claim("key")
        'done'
    """

    def claim(self, key: str) -> State | Awaitable[State]:
        """Claim a key for whoever is about to handle it.

        Returns:
            `"new"`: it is claimed now; commit or release it. `"in_progress"`: someone else has it.
            `"done"`: it was committed.
        """
        ...

    def commit(self, key: str) -> Awaitable[None] | None:
        """Remember that what this key stands for was handled."""
        ...

    def release(self, key: str) -> Awaitable[None] | None:
        """Give a claim back, so that the next one is new, if it is still its owner's."""
        ...


class Transaction(Protocol):
    """An open transaction in which the keys of a delivery were marked as handled.

    Example:
        >>> store = revrag.webhooks.stores.SqlAlchemyStore(engine)
        >>> transaction = store.begin(["key"])
        >>> transaction.states
        ['new']
        >>> store.end(transaction, True)
    """

    @property
    def states(self) -> Sequence[State]:
        """What became of each key, in order.

        `"new"`: it is marked in this transaction. `"done"`: it was marked before.
        `"in_progress"`: another transaction is about to mark it.
        """


@runtime_checkable
class TransactionalStore(Protocol):
    """Remembers which deliveries were handled, in the transaction of their handler.

    The mark and what the handler does are committed together, or not at all. Its methods may be
    coroutine functions: such a store serves asyncio views only.

    Example:
        >>> isinstance(
        ...     revrag.webhooks.stores.SqlAlchemyStore(engine), revrag.webhooks.TransactionalStore
        ... )
        True
    """

    def begin(self, keys: Sequence[str], /) -> Any:
        """Open a transaction and mark the keys in it.

        Returns:
            The `Transaction`, or an awaitable of it.
        """
        ...

    def end(self, transaction: Any, keep: bool, /) -> Awaitable[None] | None:
        """Commit it, or roll it back where it is not to be kept."""
        ...


AnyStore: TypeAlias = Store | TransactionalStore


class Key(str):
    """What a store is asked about: text that knows which delivery asks.

    Attributes:
        owner: Names the delivery. A claim that expired may belong to another one by now, and only
            its owner may give it back.
        until: How long the store may wait, as `time.monotonic()` tells it; one time for all keys.

    Example:
        >>> key = revrag.webhooks.Key("event:1")
        >>> key.owner = "the first delivery"
        >>> store.claim(key)
        'new'
    """

    __slots__ = ("owner", "until")
    owner: str
    until: float


_process = ""
_count = itertools.count()


def new_owner() -> str:
    """A name that no other owner has, in any process."""
    return f"{_process}-{next(_count)}"


def _name_process() -> None:
    global _process
    _process = secrets.token_hex(8)


_name_process()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_name_process)


def owner_of(key: str, store: str) -> str:
    """Who asks. Those who pass plain text are one owner per store and process."""
    owner: str = getattr(key, "owner", "") or f"{store}-{os.getpid()}"
    return owner


def check_ttls(claim_ttl: float, done_ttl: float) -> None:
    """Refuse times that can't be kept."""
    for name, ttl in (("claim_ttl", claim_ttl), ("done_ttl", done_ttl)):
        if not 0 < ttl < 1e9:
            raise InvalidArgumentError(f"{name}: {ttl!r} is not a positive number of seconds")
