"""What a handler returned, as an answer, where no framework makes one of it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

    from revrag.webhooks._answer import Answer

Content: TypeAlias = "str | bytes | dict[str, Any] | list[Any] | None"


@dataclass(frozen=True)
class Reply:
    """An answer of a handler that no framework stands behind.

    Where it needs no header of its own, a handler may as well return the status, the content
    alone, or None for an empty 200.

    Attributes:
        status: The status; with 500 and up the event is handled again.
        content: Text, bytes, or a dict or list that becomes JSON; None for no content.
        headers: Headers to send along.

    Raises:
        TypeError: The content is none of these.

    Example:
        >>> revrag.webhooks.Reply(202, {"queued": True}).body
        b'{"queued": true}'
    """

    status: int = 200
    content: Content = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = field(init=False, repr=False, default=b"")

    def __post_init__(self) -> None:
        if not 200 <= self.status <= 599:
            raise TypeError(f"status: {self.status!r} is no HTTP status from 200 to 599")
        is_empty = self.status in {HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED}
        kind = None if is_empty else "text/plain; charset=utf-8"
        body = b""
        if isinstance(self.content, bytes):
            body, kind = self.content, "application/octet-stream"
        elif isinstance(self.content, str):
            body = self.content.encode()
        elif isinstance(self.content, dict | list):
            body, kind = json.dumps(self.content).encode(), "application/json"
        elif self.content is not None:
            raise TypeError(f"content: {type(self.content).__name__} can't be sent")
        headers = dict(self.headers)
        if kind and not any(name.lower() == "content-type" for name in headers):
            headers["Content-Type"] = kind
        if not is_empty and not any(name.lower() == "content-length" for name in headers):
            headers["Content-Length"] = str(len(body))
        object.__setattr__(self, "status", int(self.status))
        object.__setattr__(self, "headers", headers)
        object.__setattr__(self, "body", body)

    @property
    def phrase(self) -> str:
        """The status in words."""
        try:
            return HTTPStatus(self.status).phrase
        except ValueError:
            return "Unknown"


def reply_of(returned: Any) -> Reply:
    """What a handler returned, as an answer.

    Raises:
        TypeError: It is none.
    """
    if isinstance(returned, Reply):
        return returned
    if isinstance(returned, int) and not isinstance(returned, bool):
        return Reply(returned)
    if returned is None or isinstance(returned, str | bytes | dict | list):
        return Reply(content=returned)
    raise TypeError(
        f"a handler returned {type(returned).__name__}: return None, a status, text, a dict, "
        "a list or a revrag.webhooks.Reply"
    )


def reply_from(answer: Answer) -> Reply:
    """The answer that is given instead of a handler's."""
    return Reply(answer.status, {"detail": answer.detail}, answer.headers)
