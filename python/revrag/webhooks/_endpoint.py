"""What the endpoints of all frameworks have in common: their options, and the checks."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from revrag import WebhookVerifier
from revrag.errors import InvalidArgumentError, WebhookVerificationError
from revrag.webhooks import _answer, _clock
from revrag.webhooks._delivery import Delivery
from revrag.webhooks._drive import is_async
from revrag.webhooks.stores import MemoryStore, Store

if TYPE_CHECKING:
    from collections.abc import Callable, Container

    from revrag.webhooks._answer import Answer
    from revrag.webhooks._delivery import OnStoreError

logger = logging.getLogger("revrag")

MAX_BODY = 1_000_000


class Refused(Exception):
    """A delivery that is not handled, with the answer to give."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.detail)
        self.answer = answer


class Endpoint:
    """The options of an endpoint, checked, and what it does with a request before any handler."""

    def __init__(
        self,
        verifier: WebhookVerifier,
        store: Store,
        *,
        max_body: int = MAX_BODY,
        types: Container[str] | None = None,
        on_store_error: OnStoreError = "refuse",
        clock: Callable[[], float] = _clock.now,
    ) -> None:
        if not isinstance(verifier, WebhookVerifier):
            raise TypeError(f"verifier must be a WebhookVerifier, not {type(verifier).__name__}")
        if not isinstance(store, Store):
            raise TypeError(
                f"store must be one of revrag.webhooks.stores, not {type(store).__name__}"
            )
        self.verifier = verifier
        self.store = store
        self.is_async = is_async(store)
        self.is_instant = isinstance(store, MemoryStore)
        check_options(max_body, types, on_store_error)
        self.max_body = max_body
        self._types = types
        self._on_store_error = on_store_error
        self._clock = clock

    def need_blocking_store(self) -> None:
        """Refuse a store that a blocking view can't await."""
        if self.is_async:
            raise TypeError(
                "store: a blocking view can't await it; pass a blocking one, as RedisStore(url)"
            )

    def check_request(self, method: str | None, length: str | bytes | None) -> None:
        """Check what is known before the body is read."""
        if method != "POST":
            raise refused(_answer.NOT_POST, "the method is not POST")
        if length is not None and not (length.isascii() and length.isdigit()):
            raise refused(_answer.MALFORMED, "the Content-Length is not a number")
        # A longer text than any number of bytes that could be meant; int() has a limit, too.
        if length is not None and (len(length) > 18 or int(length) > self.max_body):
            raise self.too_large()

    def too_large(self) -> Refused:
        """The refusal of a body that is larger than it may be."""
        return refused(_answer.TOO_LARGE, f"the body is larger than {self.max_body} bytes")

    def check_body(self, body: bytes, headers: Any) -> Delivery:
        """Verify a delivery."""
        if len(body) > self.max_body:
            raise self.too_large()
        try:
            event, id_name, signed_name = self.verifier._verify_once(body, headers, self._clock())
        except WebhookVerificationError as error:
            raise refused(_answer.answer_to(error), f"{type(error).__name__}: {error}") from None
        if self._types is not None and event.type not in self._types:
            # Neither claimed nor committed: the type is not signed, and a delivery must not be lost
            # to someone who sends it under another type first.
            logger.info("webhook %s is of a type that has no handler here", event.id)
            raise Refused(_answer.OK)
        return Delivery(event, id_name, signed_name, self._on_store_error)


def check_options(max_body: int, types: Container[str] | None, on_store_error: str) -> None:
    """Refuse options that mean nothing."""
    if max_body < 1:
        raise InvalidArgumentError(f"max_body: {max_body!r} is not a positive number of bytes")
    if on_store_error not in {"refuse", "handle"}:
        raise InvalidArgumentError(
            f'on_store_error: {on_store_error!r} is neither "refuse" nor "handle"'
        )
    if isinstance(types, str):
        raise TypeError("types must be several event types, not a str; write [type]")
    if types is not None and not hasattr(types, "__contains__"):
        raise TypeError(f"types must be a list, a set or a registry, not {type(types).__name__}")


def refused(answer: Answer, reason: str) -> Refused:
    """A refusal, logged."""
    logger.warning("webhook refused with %d: %s", answer.status, reason)
    return Refused(answer)


def note_failure(delivery: Delivery, what: str) -> None:
    """Log that a handler failed."""
    logger.warning("webhook %s will be handled again: its handler %s", delivery.event.id, what)
