"""What a store is, and what it is asked about."""

from __future__ import annotations

import itertools
import os
import secrets
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias, runtime_checkable

from revrag.errors import InvalidArgumentError

if TYPE_CHECKING:
    from collections.abc import Awaitable

State: TypeAlias = Literal["new", "in_progress", "done"]
"""What a claim answers."""

CLAIM_TTL = 300.0
DONE_TTL = 3 * 86400.0


@runtime_checkable
class Store(Protocol):
    """Remembers which deliveries are being handled and which were.

    The methods of a store may be coroutine functions: such a store serves asyncio views only. What
    they raise counts as a store that can't be reached.

    A key that an endpoint passes is a `str` of at most 80 ASCII letters, digits and colons.

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
        """Give a claim back, so that the next one is new."""
        ...


class Key(str):
    """A key that knows which delivery asks.

    A claim that expired may belong to another delivery by now, and only its owner may give it back.
    """

    __slots__ = ("owner",)
    owner: str


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
