"""What the endpoints of all frameworks have in common: their options, and the checks."""

from __future__ import annotations

import asyncio
import inspect
import logging
import weakref
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from revrag import WebhookVerifier
from revrag.errors import InvalidArgumentError, WebhookVerificationError
from revrag.webhooks import _answer, _clock
from revrag.webhooks._admission import Admission, TransactionalAdmission
from revrag.webhooks._drive import is_async
from revrag.webhooks._handling import Handling, HandlingAsync, Refused
from revrag.webhooks._names import is_view, name_of, others_needed, plain
from revrag.webhooks.stores import MemoryStore
from revrag.webhooks.stores._store import Store, TransactionalStore

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Container
    from typing import Self

    from revrag.webhooks._admission import OnStoreError
    from revrag.webhooks._answer import Answer

logger = logging.getLogger("revrag")

MAX_BODY = 1_000_000
BODY_TIMEOUT = 10.0


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """The options of an endpoint, checked, and what it does with a request before any handler."""

    verifier: WebhookVerifier
    store: Any = None  # made here, where none is given
    name: str | None = None
    max_body: int = MAX_BODY
    body_timeout: float = BODY_TIMEOUT
    types: Container[str] | None = None
    on_store_error: OnStoreError = "refuse"
    clock: Callable[[], float] = _clock.now
    is_async: bool = field(init=False, default=False)
    is_instant: bool = field(init=False, default=False)
    is_transactional: bool = field(init=False, default=False)

    def __post_init__(self) -> None:
        if not isinstance(self.verifier, WebhookVerifier):
            raise TypeError(
                f"verifier must be a WebhookVerifier, not {type(self.verifier).__name__}"
            )
        store: Any = MemoryStore() if self.store is None else self.store
        check_options(self)
        # A class has the methods of its instances, too.
        if isinstance(store, type) or not isinstance(store, Store | TransactionalStore):
            raise TypeError(
                f"store must be one of revrag.webhooks.stores, not {type(store).__name__}"
            )
        found = {
            "store": store,
            "is_async": is_async(store),
            "is_instant": isinstance(store, MemoryStore),
            "is_transactional": isinstance(store, TransactionalStore),
        }
        if found["is_transactional"] and self.on_store_error == "handle":
            raise InvalidArgumentError(
                'on_store_error: without its transaction nothing can be handled; leave it "refuse"'
            )
        for name, value in found.items():
            object.__setattr__(self, name, value)

    def named_after(self, handler: Any) -> Self:
        """The same endpoint, called by its handler's name unless it has one of its own.

        Raises:
            InvalidArgumentError: The handler has no name of its own.
        """
        if self.name is not None:
            return self
        name = name_of(handler)
        take_name(self.store, name, handler)
        return replace(self, name=name)

    def for_blocking(self) -> Self:
        """Refuse a store that a blocking view can't await."""
        if self.is_async:
            raise TypeError(
                "store: a blocking view can't await it; pass a blocking one, as RedisStore(url)"
            )
        return self

    def for_asyncio(self) -> Self:
        """Refuse a store whose transaction can't leave its thread."""
        if getattr(self.store, "is_thread_bound", False):
            raise TypeError(
                f"store: an async view can't share the transaction of a "
                f"{type(self.store).__name__}; make the view a plain def"
            )
        return self

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

    def too_slow(self) -> Refused:
        """The refusal of a body that takes longer than it may."""
        return refused(
            _answer.TOO_SLOW, f"the body had not arrived after {self.body_timeout:g} seconds"
        )

    def check_body(self, body: bytes, headers: Any, name: str | None = None) -> Admission:
        """Verify a delivery."""
        if len(body) > self.max_body:
            raise self.too_large()
        try:
            event, id_name, signed_name = self.verifier._verify_once(body, headers, self.clock())
        except WebhookVerificationError as error:
            raise refused(_answer.answer_to(error), f"{type(error).__name__}: {error}") from None
        if self.types is not None and event.type not in self.types:
            # Neither claimed nor committed: the type is not signed, and a delivery must not be lost
            # to someone who sends it under another type first.
            logger.info("webhook %s is of a type that has no handler here", event.id)
            raise Refused(_answer.OK)
        make = TransactionalAdmission if self.is_transactional else Admission
        return make(event, id_name, signed_name, name or self.name or "", self.on_store_error)

    def handling(self, delivery: Admission) -> Handling:
        """The context in which the handler of a delivery runs."""
        return Handling(self, delivery)

    def handling_async(
        self,
        delivery: Admission,
        in_thread: Callable[..., Awaitable[Any]] = asyncio.to_thread,
    ) -> HandlingAsync:
        """The same for asyncio."""
        return HandlingAsync(self, delivery, in_thread)


_names: weakref.WeakKeyDictionary[Any, dict[str, Callable[[], Any]]] = weakref.WeakKeyDictionary()


def take_name(store: Any, name: str, handler: Any) -> None:
    """Warn of a name that another handler has on this store, if it is still there."""
    handler = plain(handler)
    try:
        names = _names.setdefault(store, {})
        other = names.get(name, lambda: None)()
        if other is handler:
            return
        names[name] = weakref.ref(handler)
    except TypeError:  # not everything can be referred to weakly
        return
    if other is not None:
        # It is no error: an app that is made anew, in tests for example, has its handlers anew.
        logger.warning(
            "two handlers on one store are called %s: an event that one of them handled never "
            "reaches the other; pass each a name=",
            name,
        )


def check_options(given: Any) -> None:
    """Refuse options that mean nothing."""
    if given.max_body < 1:
        raise InvalidArgumentError(
            f"max_body: {given.max_body!r} is not a positive number of bytes"
        )
    if not 0 < given.body_timeout < 1e6:
        raise InvalidArgumentError(
            f"body_timeout: {given.body_timeout!r} is not a positive number of seconds"
        )
    if given.on_store_error not in {"refuse", "handle"}:
        raise InvalidArgumentError(
            f'on_store_error: {given.on_store_error!r} is neither "refuse" nor "handle"'
        )
    if given.name is not None and not (isinstance(given.name, str) and given.name):
        raise InvalidArgumentError(f"name: {given.name!r} is no name")
    types = given.types
    if isinstance(types, str):
        raise TypeError("types must be several event types, not a str; write [type]")
    if types is not None and not hasattr(types, "__contains__"):
        raise TypeError(f"types must be a list, a set or a registry, not {type(types).__name__}")


def check_handler(handler: Any, what: str = "the handler") -> None:
    """Refuse what can't be called with an event."""
    if not callable(handler):
        raise TypeError(f"{what} must be a function, not {type(handler).__name__}")
    try:
        parameters = inspect.signature(handler).parameters.values()
    except (TypeError, ValueError):  # not every callable of C has one
        return
    positional = (
        inspect.Parameter.POSITIONAL_ONLY,
        inspect.Parameter.POSITIONAL_OR_KEYWORD,
        inspect.Parameter.VAR_POSITIONAL,
    )
    if not any(parameter.kind in positional for parameter in parameters):
        raise TypeError(
            f"{what} takes no event; of a class-based view, decorate the method `post` instead"
        )


def check_event_handler(handler: Any, what: str = "the handler") -> None:
    """Refuse what needs more than an event, as a view that wants a request."""
    check_handler(handler, what)
    if is_view(handler):
        raise TypeError(
            f"{what} is a view, which is called with a request; pass the function that it calls "
            "with the event, and the same name= to both"
        )
    missing = others_needed(handler)
    if missing:
        raise TypeError(
            f"{what} is called with the event alone, and needs {', '.join(missing)} as well; "
            "pass a function of the event"
        )


def refused(answer: Answer, reason: str) -> Refused:
    """A refusal, logged."""
    logger.warning("webhook refused with %d: %s", answer.status, reason)
    return Refused(answer)
