"""How a verified delivery is handled once: what to ask the store, and what follows from it.

Nothing here waits: a delivery says which steps to take, and its driver takes them.

What is handled once is keyed by the event's id, which each redelivery repeats, and by what was
signed, since the id was not: a captured delivery that comes under a new id has a known signature.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast, get_args

from revrag.webhooks._answer import BUSY, OK, UNAVAILABLE, Answer
from revrag.webhooks.stores._store import Key, State, new_owner

if TYPE_CHECKING:
    from collections.abc import Generator

    from revrag import WebhookEvent

logger = logging.getLogger("revrag")

STATES = frozenset(get_args(State))
OnStoreError: TypeAlias = Literal["refuse", "handle"]


class StoreError(Exception):
    """A store raised, or answered with no state at all."""


class Delivery:
    """A verified delivery on its way through a store."""

    def __init__(
        self, event: WebhookEvent, id_name: str, signed_name: str, on_store_error: OnStoreError
    ) -> None:
        self.event = event
        self._on_store_error = on_store_error
        self._event_key = Key(f"event:{id_name}")
        self._signed_key = Key(f"signed:{signed_name}")
        self._event_key.owner = self._signed_key.owner = new_owner()
        self._held: list[Key] = []

    def admit(self) -> Steps[Answer | None]:
        """The steps before handling; None if it is to be handled, else the answer."""
        try:
            state = checked((yield "claim", self._event_key))
            if state == "new":
                self._held.append(self._event_key)
                state = checked((yield "claim", self._signed_key))
                if state == "new":
                    self._held.append(self._signed_key)
                    return None
                yield from self._refuse_replay()
            elif state == "done":
                logger.info("webhook %s is a duplicate", self.event.id)
                yield from self._know_signature()
            else:
                logger.info("webhook %s refused with 409: it is being handled", self.event.id)
            return OK if state == "done" else BUSY
        except StoreError as error:
            cause = error.__cause__ or error
            if self._on_store_error == "handle":
                logger.error("webhook handled without deduplication: the store failed: %r", cause)
                return None
            logger.error("webhook refused with 503: the store failed: %r", cause)
            yield from self.settle(succeeded=False)
            return UNAVAILABLE

    def settle(self, *, succeeded: bool) -> Steps[None]:
        """The steps after handling. A store that fails now changes nothing about the outcome."""
        verb: Literal["commit", "release"] = "commit" if succeeded else "release"
        while self._held:
            try:
                yield verb, self._held.pop(0)
            except StoreError as error:
                logger.error(
                    "webhook %s: the store failed to %s it, so its claim will expire: %r",
                    self.event.id,
                    verb,
                    error.__cause__ or error,
                )

    def _refuse_replay(self) -> Steps[None]:
        """Release the id, and never commit it.

        Whoever replays a delivery chooses its id, and could so keep an event that is yet to come
        from being handled.
        """
        logger.warning("webhook %s repeats a signature that came under another id", self.event.id)
        yield from self.settle(succeeded=False)

    def _know_signature(self) -> Steps[None]:
        """Remember the signature of a duplicate, or it could be replayed under a new id."""
        try:
            if checked((yield "claim", self._signed_key)) == "new":
                yield "commit", self._signed_key
        except StoreError as error:
            logger.error("the store failed on a duplicate: %r", error.__cause__ or error)


def checked(state: Any) -> State:
    """What a claim answered, if it is an answer at all."""
    if state not in STATES:
        raise StoreError(f"claim() answered {state!r}")
    return cast("State", state)


if TYPE_CHECKING:
    from typing import TypeVar

    T = TypeVar("T")
    # Each asks a store: a verb and a key.
    Steps = Generator[tuple[Literal["claim", "commit", "release"], Key], Any, T]
