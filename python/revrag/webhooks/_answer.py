"""What an endpoint answers with; within one status always the same."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from http import HTTPStatus

from revrag.errors import (
    SignatureMismatchError,
    TimestampOutOfToleranceError,
    WebhookVerificationError,
)


@dataclass(frozen=True)
class Answer:
    """An answer that is given instead of the handler's."""

    status: HTTPStatus
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def detail(self) -> str:
        """The status in words."""
        return self.status.phrase

    @property
    def body(self) -> bytes:
        """The same as JSON."""
        return json.dumps({"detail": self.detail}).encode()


OK = Answer(HTTPStatus.OK)
MALFORMED = Answer(HTTPStatus.BAD_REQUEST)
UNAUTHORIZED = Answer(HTTPStatus.UNAUTHORIZED)
NOT_POST = Answer(HTTPStatus.METHOD_NOT_ALLOWED, {"Allow": "POST"})
BUSY = Answer(HTTPStatus.CONFLICT, {"Retry-After": "5"})
TOO_SLOW = Answer(HTTPStatus.REQUEST_TIMEOUT)
TOO_LARGE = Answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
FAILED = Answer(HTTPStatus.INTERNAL_SERVER_ERROR)
UNAVAILABLE = Answer(HTTPStatus.SERVICE_UNAVAILABLE, {"Retry-After": "30"})


def answer_to(error: WebhookVerificationError) -> Answer:
    """The answer to a delivery that was not verified."""
    if isinstance(error, SignatureMismatchError | TimestampOutOfToleranceError):
        return UNAUTHORIZED
    return MALFORMED


def has_failed(status: int) -> bool:
    """Whether a handler that answers with this status has failed."""
    return status >= HTTPStatus.INTERNAL_SERVER_ERROR
