"""How a verified delivery is handled once: what to ask the store, and what follows from it.

Nothing here waits: a delivery says which steps to take, and its driver takes them.

What is handled once is keyed by the event's id, which each redelivery repeats, and by what was
signed, since the id was not: a captured delivery that comes under a new id has a known signature.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from revrag.webhooks._answer import BUSY, OK, UNAVAILABLE, Answer
from revrag.webhooks.stores._store import Key, new_owner

if TYPE_CHECKING:
    from collections.abc import Generator

    from revrag import WebhookEvent

logger = logging.getLogger("revrag")

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
        owner = new_owner()
        self._event_key = Key(f"event:{id_name}", owner)
        self._signed_key = Key(f"signed:{signed_name}", owner)
        self._held: list[Key] = []

    def admit(self) -> Steps[Answer | None]:
        """The steps before handling; None if it is to be handled, else the answer."""
        try:
            return (yield from self._admit())
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

    def _admit(self) -> Steps[Answer | None]:
        state = yield from self._claim(self._event_key)
        if state == "done":
            logger.info("webhook %s is a duplicate", self.event.id)
            yield from self._know_signature()
            return OK
        if state == "in_progress":
            logger.info("webhook %s refused with 409: it is being handled", self.event.id)
            return BUSY
        state = yield from self._claim(self._signed_key)
        if state == "new":
            return None
        # The id is released, never committed: whoever replays a delivery chooses its id, and could
        # so keep an event that is yet to come from being handled.
        yield from self.settle(succeeded=False)
        logger.warning("webhook %s repeats a signature that came under another id", self.event.id)
        return OK if state == "done" else BUSY

    def _know_signature(self) -> Steps[None]:
        """Remember the signature of a duplicate, or it could be replayed under a new id."""
        try:
            if (yield from self._claim(self._signed_key)) == "new":
                yield from self.settle(succeeded=True)
        except StoreError as error:
            logger.error("the store failed on a duplicate: %r", error.__cause__ or error)

    def _claim(self, key: Key) -> Steps[str]:
        state = yield "claim", key
        if state == "new":
            self._held.append(key)
        elif state not in {"in_progress", "done"}:
            raise StoreError(f"claim() answered {state!r}")
        return str(state)


if TYPE_CHECKING:
    from typing import TypeVar

    T = TypeVar("T")
    # Each asks a store: a verb and a key.
    Steps = Generator[tuple[Literal["claim", "commit", "release"], Key], Any, T]
