"""Reading a body: no more of it, and no longer, than the endpoint allows."""

from __future__ import annotations

import asyncio
import contextvars
import io
import threading
from http import HTTPStatus
from typing import IO, TYPE_CHECKING, Any, Generic, TypeVar

from revrag.webhooks import _answer
from revrag.webhooks._endpoint import refused
from revrag.webhooks._handling import Refused

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Callable, Mapping

    from revrag.webhooks._endpoint import Endpoint

PIECE = 1 << 16
# A thread that waits for a body can't be stopped; it ends with its connection.
MAX_WAITING = 200

T = TypeVar("T")


def read(stream: IO[bytes], endpoint: Endpoint) -> bytes:
    """Read a stream to its end."""
    body = bytearray()
    while piece := stream.read(min(PIECE, endpoint.max_body - len(body) + 1)):
        body += piece
        if len(body) > endpoint.max_body:
            raise endpoint.too_large()
    return bytes(body)


def in_time(endpoint: Endpoint, read_body: Callable[[], T], environ: Mapping[str, Any]) -> T:
    """Read a body as WSGI hands it over, but for no longer than the endpoint allows."""
    is_there = isinstance(environ.get("wsgi.input"), io.BytesIO)
    # These servers have time limits of their own, and streams that end with their request.
    if is_there or "uwsgi.version" in environ or "mod_wsgi.version" in environ:
        return read_now(endpoint, read_body)
    if _waiting.locked_out():
        raise refused(_answer.UNAVAILABLE, "too many bodies are waited for")
    waiter = _Waiter(contextvars.copy_context(), read_body)
    waiter.start()
    if not waiter.done.wait(endpoint.body_timeout):
        raise endpoint.too_slow()
    return read_now(endpoint, waiter.result)


async def read_async(chunks: AsyncIterable[bytes], endpoint: Endpoint) -> bytes:
    """Read a body that comes in chunks."""
    body = bytearray()
    try:
        async with asyncio.timeout(endpoint.body_timeout):
            async for chunk in chunks:
                body += chunk
                if len(body) > endpoint.max_body:
                    raise endpoint.too_large()
    except TimeoutError:
        raise endpoint.too_slow() from None
    return bytes(body)


def read_now(endpoint: Endpoint, read_body: Callable[[], T]) -> T:
    """Read a body, and refuse the delivery where that fails."""
    try:
        return read_body()
    except Refused:
        raise
    except Exception as error:
        # Each server has errors of its own for a body that is cut short or badly chunked, and each
        # framework for one that is larger than the app allows.
        if getattr(error, "code", None) == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            raise endpoint.too_large() from None
        reason = f"the body could not be read to its end: {type(error).__name__}"
        raise refused(_answer.MALFORMED, reason) from None


class _Waiting:
    """How many threads wait for a body."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._count = 0

    def add(self, number: int) -> None:
        with self._lock:
            self._count += number

    def locked_out(self) -> bool:
        return self._count >= MAX_WAITING


_waiting = _Waiting()


class _Waiter(threading.Thread, Generic[T]):
    """Reads a body for a thread that can't wait forever."""

    def __init__(self, context: contextvars.Context, read_body: Callable[[], T]) -> None:
        super().__init__(name="revrag-webhook-body", daemon=True)
        self.done = threading.Event()
        self._context = context
        self._read_body = read_body
        self._error: Exception | None = None
        self._body: T

    def run(self) -> None:
        _waiting.add(1)
        try:
            self._body = self._context.run(self._read_body)
        except Exception as error:
            self._error = error
        finally:
            _waiting.add(-1)
            self.done.set()

    def result(self) -> T:
        """What was read, or raise what reading it raised."""
        if self._error is not None:
            raise self._error
        return self._body
