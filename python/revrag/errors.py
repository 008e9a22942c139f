"""Every way to fail.

Each error says in its text what happened and what to do next. Texts repeat the service's own words
with every run of seven or more digits masked; the attributes hold them whole.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any

    from revrag import CampaignStatus, PushResult, Record, UploadReport

__all__ = [
    "APIConnectionError",
    "APIStatusError",
    "APITimeoutError",
    "AuthenticationError",
    "BadRequestError",
    "ErrorDetail",
    "InvalidArgumentError",
    "InvalidPayloadError",
    "InvalidResponseError",
    "JournalError",
    "MalformedHeaderError",
    "MissingHeaderError",
    "NotFoundError",
    "PayloadTooLargeError",
    "PermissionDeniedError",
    "PushOutcomeUnknownError",
    "RateLimitError",
    "RevragError",
    "ServerError",
    "SignatureMismatchError",
    "TimestampOutOfToleranceError",
    "UnprocessableEntityError",
    "UploadError",
    "WaitTimeoutError",
    "WebhookVerificationError",
]


class RevragError(Exception):
    """The root of every error of this package.

    Example:
        >>> try:
        ...     campaign.record("not-a-uuid")
        ... except revrag.RevragError as error:
        ...     print(error)
        run_id: "not-a-uuid" is not a UUID
    """

    def __reduce__(self) -> tuple[Any, ...]:
        state = self.__dict__ | {"__cause__": self.__cause__}
        return (type(self), self.args, state)


class InvalidArgumentError(RevragError, ValueError):
    """An argument can't be used; nothing was sent."""


class APIConnectionError(RevragError):
    """No answer: the connection could not be made, or broke."""


class APITimeoutError(APIConnectionError, TimeoutError):
    """No answer in time."""


class ErrorDetail:
    """One entry of a ``detail`` in its list form.

    Attributes:
        loc: Where in the request, as ``("body", "records", 0, "phone_number")``.
        msg: What is wrong there.
        type: The kind of fault, as ``missing``.
    """

    __slots__ = ("loc", "msg", "type")

    def __init__(self, loc: tuple[str | int, ...], msg: str, type: str) -> None:
        self.loc = loc
        self.msg = msg
        self.type = type

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ErrorDetail):
            return NotImplemented
        return (self.loc, self.msg, self.type) == (other.loc, other.msg, other.type)

    def __hash__(self) -> int:
        return hash((self.loc, self.msg, self.type))

    def __repr__(self) -> str:
        return f"ErrorDetail(loc={self.loc!r}, msg={self.msg!r}, type={self.type!r})"


class _Headers(dict[str, str]):
    """Headers by name, in any case; one that came several times is joined by commas."""

    def __init__(self, pairs: Iterable[tuple[str, str]] = ()) -> None:
        super().__init__()
        for name, value in pairs:
            self[name] = f"{self[name]}, {value}" if name in self else value

    def __getitem__(self, name: str) -> str:
        return super().__getitem__(name.lower())

    def __setitem__(self, name: str, value: str) -> None:
        super().__setitem__(name.lower(), value)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and super().__contains__(name.lower())

    def get(self, name: str, default: Any = None) -> Any:
        """The header of that name, else the default."""
        return super().get(name.lower(), default)


class APIStatusError(RevragError):
    """The service refused. Raised itself for a 3xx and for a 4xx without a class of its own.

    Attributes:
        status_code: The HTTP status.
        request_id: The answer's ``X-Request-ID``, or None.
        headers: The answer's headers, a dict whose names are found in any case.

    Example:
        >>> try:
        ...     campaign.record("00000000-0000-0000-0000-00000000dead")
        ... except revrag.NotFoundError as error:
        ...     error.status_code
        404
    """

    # Makes the body of a refusal that the service gave, which lies there as it came until then.
    _unread: Callable[[], Any] | None = None

    def __init__(
        self,
        message: str = "",
        *,
        status_code: int = 0,
        body: Any = None,
        request_id: str | None = None,
        headers: Iterable[tuple[str, str]] = (),
    ) -> None:
        super().__init__(message)
        self.status_code = status_code
        self.request_id = request_id
        self.headers = _Headers(headers)
        self._body = body

    def __reduce__(self) -> tuple[Any, ...]:
        # What has not been read yet can't be pickled.
        self.body  # noqa: B018
        return super().__reduce__()

    @property
    def body(self) -> Any:
        """The parsed JSON of the body, else its text."""
        if self._unread is not None:
            self._body = self._unread()
            self._unread = None
        return self._body

    @property
    def detail(self) -> Any:
        """The service's ``detail``, text or list as it came; None where the body has none."""
        return self.body.get("detail") if isinstance(self.body, dict) else None

    @property
    def errors(self) -> list[ErrorDetail]:
        """The entries of a ``detail`` in its list form; empty for the text form."""
        detail = self.detail
        entries = detail if isinstance(detail, list) else []
        return [
            ErrorDetail(
                loc=tuple(loc) if isinstance(loc := entry.get("loc"), list) else (),
                msg=str(entry.get("msg", "")),
                type=str(entry.get("type", "")),
            )
            for entry in entries
            if isinstance(entry, dict)
        ]


class BadRequestError(APIStatusError):
    """400: the campaign does not accept pushes."""


class AuthenticationError(APIStatusError):
    """401: the API key is missing or not valid here."""


class PermissionDeniedError(APIStatusError):
    """403: the API key may not do that."""


class NotFoundError(APIStatusError):
    """404: there is no such campaign, record or call in the API key's workspace."""


class PayloadTooLargeError(APIStatusError):
    """413: the push is too large for one request."""


class UnprocessableEntityError(APIStatusError):
    """422: the request does not match the API's schema; ``errors`` tells where."""


class RateLimitError(APIStatusError):
    """429, still after every retry.

    Attributes:
        retry_after: Seconds the service asked to wait, or None.
    """

    def __init__(
        self, message: str = "", *, retry_after: float | None = None, **fields: Any
    ) -> None:
        super().__init__(message, **fields)
        self.retry_after = retry_after


class ServerError(APIStatusError):
    """5xx: the service failed."""


class InvalidResponseError(RevragError):
    """The service's 2xx answer is not what the API documents, is too large, or was cut short.

    Also that of a listing that can't be proven complete (``Campaign.find``).

    Attributes:
        status_code: The HTTP status.
        request_id: The answer's ``X-Request-ID``, or None.
    """

    def __init__(
        self, message: str = "", *, status_code: int = 0, request_id: str | None = None
    ) -> None:
        super().__init__(message)
        self.status_code = status_code
        self.request_id = request_id


class PushOutcomeUnknownError(RevragError):
    """A push that may have been applied: its phones may ring. ``__cause__`` says why.

    It is not sent again. Look for its records with ``Campaign.find`` before pushing any of them
    again: what it finds is queued, and that it finds nothing is proof only once the service has had
    minutes to finish, and where it shows what is looked for. ``Campaign.upload([record])`` in place
    of a push finds out by itself.

    A push that is cut off (Ctrl-C, a signal handler that raises, a timeout or cancellation of
    asyncio) raises what Python raises, with this error in its chain of causes; where nothing was
    sent, with an ``APIConnectionError`` that says so.

    Attributes:
        record_count: How many records the push held.
        result: The answer, where it came too late for the caller; otherwise None.
    """

    def __init__(
        self, message: str = "", *, record_count: int = 0, result: PushResult | None = None
    ) -> None:
        super().__init__(message)
        self.record_count = record_count
        self.result = result

    @property
    def positions(self) -> range:
        """The positions of its records in what was pushed, from 0: each may have been applied."""
        return range(self.record_count)


class WaitTimeoutError(RevragError, TimeoutError):
    """Something was not done in time. ``__cause__`` is why the last poll had no answer, if so.

    Attributes:
        record: The record as it was last seen, or None if it never was; of ``wait``.
        records: All records that were waited for, each as it was last seen, or None.
        status: The campaign's status as it was last seen, or None if it never was; of ``watch``.
    """

    def __init__(
        self,
        message: str = "",
        *,
        record: Record | None = None,
        records: Sequence[Record | None] = (),
        status: CampaignStatus | None = None,
    ) -> None:
        super().__init__(message)
        self.record = record
        self.records = list(records)
        self.status = status


class UploadError(RevragError):
    """An upload stopped before its end; it can be resumed.

    Attributes:
        report: What is known of every row that was read.

    Example:
        >>> def leads():
        ...     yield {"phone_number": "+919876543210"}
        ...     raise OSError("the database is gone")
        >>> try:
        ...     campaign.upload(leads())
        ... except revrag.UploadError as error:
        ...     error.report.total, error.report.accepted, type(error.__cause__).__name__
        (1, 0, 'OSError')
    """

    report: UploadReport

    def __init__(self, message: str = "", *, report: UploadReport | None = None) -> None:
        super().__init__(message)
        if report is not None:
            self.report = report


class JournalError(RevragError):
    """A journal that is none, is another campaign's, or is in use."""


class WebhookVerificationError(RevragError):
    """A webhook delivery that can't be trusted or read, whatever its bytes."""


class MissingHeaderError(WebhookVerificationError):
    """One of the four webhook headers is absent."""


class MalformedHeaderError(WebhookVerificationError):
    """A webhook header can't be read, or two of them contradict each other."""


class TimestampOutOfToleranceError(WebhookVerificationError):
    """The delivery is too old, or too far in the future."""


class SignatureMismatchError(WebhookVerificationError):
    """No signature of the delivery fits any secret."""


class InvalidPayloadError(WebhookVerificationError):
    """The signature fits, and the body is not an event."""


# A reload keeps the classes: those that are raised stay those that are caught.
_kept = globals().get("_kept") or {name: globals()[name] for name in __all__}
globals().update(_kept)
