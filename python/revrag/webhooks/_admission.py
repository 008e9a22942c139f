"""How a verified delivery is handled once: what to ask the store, and what follows from it.

Nothing here waits: a delivery says which steps to take, and its driver takes them.

What is handled once is keyed by the event's id, which each redelivery repeats; by what was signed,
since the id was not: a captured delivery that comes under a new id has a known signature; and by
the call, which is in the signed body: a captured delivery that failed may come under a new id
before its redelivery does, and then has neither in common with it. The endpoint's name is part of
each, so that two endpoints may share a store.
"""

from __future__ import annotations

import hashlib
import logging
import time
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast, get_args

from revrag.webhooks._answer import BUSY, OK, UNAVAILABLE, Answer
from revrag.webhooks.stores._store import PATIENCE, Key, State, new_owner

if TYPE_CHECKING:
    from collections.abc import Generator

    from revrag import WebhookEvent
    from revrag.webhooks.stores._store import Transaction

logger = logging.getLogger("revrag")

STATES = frozenset(get_args(State))
OnStoreError: TypeAlias = Literal["refuse", "handle"]


class StoreError(Exception):
    """A store raised, or answered with no state at all."""

    @property
    def reason(self) -> BaseException:
        """What the store raised."""
        return self.__cause__ or self


class Admission:
    """A verified delivery on its way through a store of claims."""

    def __init__(
        self,
        event: WebhookEvent,
        id_name: str,
        signed_name: str,
        endpoint_name: str,
        on_store_error: OnStoreError,
    ) -> None:
        self.event = event
        self._on_store_error = on_store_error
        parts = [("event", id_name), ("signed", signed_name)]
        if event.call is not None and event.call.call_id is not None:
            # The type is not signed, but two types may tell of one call.
            parts.append(("call", f"{event.type}\0{event.call.call_id}"))
        owner, until = new_owner(), time.monotonic() + PATIENCE
        self.keys = [key_of(kind, f"{endpoint_name}\0{text}") for kind, text in parts]
        for key in self.keys:
            key.owner, key.until = owner, until
        self._held: list[Key] = []
        self._is_store_gone = False

    def admit(self) -> Steps[Answer | None]:
        """The steps before handling; None if it is to be handled, else the answer."""
        first, *others = self.keys
        try:
            state = yield from self._claim(first)
            if state == "new":
                for key in others:
                    state = yield from self._claim(key)
                    if state != "new":
                        # Its id is released, and never committed. Whoever replays a delivery
                        # chooses its id, and could so keep an event that is yet to come from being
                        # handled.
                        self._note_repeat()
                        yield from self.settle(succeeded=False)
                        return OK if state == "done" else BUSY
                return None
            if state == "done":
                logger.info("webhook %s is a duplicate", self.event.id)
                yield from self._know(others)
                return OK
            logger.info("webhook %s refused with 409: it is being handled", self.event.id)
            return BUSY
        except StoreError as error:
            self._is_store_gone = True
            if self._on_store_error == "handle":
                logger.error(
                    "webhook handled without deduplication: the store failed: %r", error.reason
                )
                return None
            logger.error("webhook refused with 503: the store failed: %r", error.reason)
            yield from self.settle(succeeded=False)
            return UNAVAILABLE

    def settle(self, *, succeeded: bool) -> Steps[Answer | None]:
        """The steps after handling; an answer that takes the place of the handler's, or None.

        A store that fails now changes nothing about the outcome.
        """
        verb: Literal["commit", "release"] = "commit" if succeeded else "release"
        if not self._is_store_gone:
            # The handler may have taken long. But whoever has waited in vain waits no longer.
            for key in self._held:
                key.until = time.monotonic() + PATIENCE
        while self._held:
            try:
                yield verb, (self._held.pop(0),)
            except StoreError as error:
                logger.error(
                    "webhook %s: the store failed to %s it, so its claim will expire: %r",
                    self.event.id,
                    verb,
                    error.reason,
                )
        return None

    def _claim(self, key: Key) -> Steps[State]:
        # Held from before it is asked for: a claim may be made and its answer lost.
        self._held.append(key)
        state = checked((yield "claim", (key,)))
        if state != "new":
            self._held.remove(key)
        return state

    def _know(self, keys: list[Key]) -> Steps[None]:
        """Remember the signature of a duplicate, or it could be replayed under a new id."""
        try:
            for key in keys:
                state = yield from self._claim(key)
                if state == "new":
                    yield "commit", (key,)
                    self._held.remove(key)
        except StoreError as error:
            self._is_store_gone = True
            logger.error("the store failed on a duplicate: %r", error.reason)
            yield from self.settle(succeeded=False)

    def _note_repeat(self) -> None:
        logger.warning(
            "webhook %s repeats a signature or a call that came under another id", self.event.id
        )


class TransactionalAdmission(Admission):
    """A verified delivery whose marks are committed together with what its handler does."""

    transaction: Transaction | None = None

    def admit(self) -> Steps[Answer | None]:
        """The steps before handling; None if it is to be handled, else the answer."""
        try:
            transaction: Transaction = yield "begin", (self.keys,)
            states = [checked(state) for state in transaction.states]
            if all(state == "new" for state in states):
                self.transaction = transaction
                return None
            if "in_progress" in states:
                logger.info("webhook %s refused with 409: it is being handled", self.event.id)
                yield "end", (transaction, False)
                return BUSY
            is_duplicate = states[0] == "done"
            if is_duplicate:
                logger.info("webhook %s is a duplicate", self.event.id)
            else:
                self._note_repeat()
            # The signature of a duplicate is kept; the id of a replay is not.
            yield "end", (transaction, is_duplicate)
            return OK
        except StoreError as error:
            logger.error("webhook refused with 503: the store failed: %r", error.reason)
            return UNAVAILABLE

    def settle(self, *, succeeded: bool) -> Steps[Answer | None]:
        """The steps after handling; an answer that takes the place of the handler's, or None."""
        transaction, self.transaction = self.transaction, None
        if transaction is None:
            return None
        try:
            yield "end", (transaction, succeeded)
        except StoreError as error:
            logger.error(
                "webhook %s: its transaction failed to %s: %r",
                self.event.id,
                "commit, so it will be handled again" if succeeded else "roll back",
                error.reason,
            )
            return UNAVAILABLE if succeeded else None
        return None


def key_of(kind: str, text: str) -> Key:
    """A key of bounded length and plain characters."""
    return Key(f"{kind}:{hashlib.sha256(text.encode(errors='surrogatepass')).hexdigest()}")


def checked(state: Any) -> State:
    """What a claim answered, if it is an answer at all."""
    if state not in STATES:
        raise StoreError(f"claim() answered {state!r}")
    return cast("State", state)


if TYPE_CHECKING:
    from typing import TypeVar

    T = TypeVar("T")
    # Each asks a store: a method, and what to pass to it.
    Steps = Generator[tuple[str, tuple[Any, ...]], Any, T]
