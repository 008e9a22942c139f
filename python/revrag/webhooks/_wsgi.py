"""A body as WSGI hands it over."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING

from revrag.webhooks import _answer
from revrag.webhooks._endpoint import refused

if TYPE_CHECKING:
    from revrag.webhooks._endpoint import Endpoint

PIECE = 1 << 16


def read(stream: IO[bytes], endpoint: Endpoint) -> bytes:
    """Read a stream to its end, no more than the endpoint allows."""
    body = bytearray()
    try:
        while piece := stream.read(min(PIECE, endpoint.max_body - len(body) + 1)):
            body += piece
            if len(body) > endpoint.max_body:
                raise endpoint.too_large()
    except OSError:
        raise refused(_answer.MALFORMED, "the body could not be read to its end") from None
    return bytes(body)
