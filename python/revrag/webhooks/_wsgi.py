"""A body as WSGI hands it over."""

from __future__ import annotations

from http import HTTPStatus
from typing import IO, TYPE_CHECKING

from revrag.webhooks import _answer
from revrag.webhooks._endpoint import refused

if TYPE_CHECKING:
    from revrag.webhooks._endpoint import Endpoint

PIECE = 1 << 16


def read(stream: IO[bytes], endpoint: Endpoint) -> bytes:
    """Read a stream to its end, no more than the endpoint allows."""
    body = bytearray()
    while piece := _next(stream, endpoint, min(PIECE, endpoint.max_body - len(body) + 1)):
        body += piece
        if len(body) > endpoint.max_body:
            raise endpoint.too_large()
    return bytes(body)


def _next(stream: IO[bytes], endpoint: Endpoint, size: int) -> bytes:
    try:
        return stream.read(size)
    except Exception as error:
        # Each server has errors of its own for a body that is cut short or badly chunked.
        if getattr(error, "code", None) == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            raise endpoint.too_large() from None
        reason = f"the body could not be read to its end: {type(error).__name__}"
        raise refused(_answer.MALFORMED, reason) from None
