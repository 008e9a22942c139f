"""Types of the public signatures."""

from __future__ import annotations

from typing import (
    TYPE_CHECKING,
    Any,
    Literal,
    NotRequired,
    Protocol,
    Required,
    TypeAlias,
    TypedDict,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from os import PathLike
    from uuid import UUID

    from revrag._revrag import UploadProgress

RecordStatus: TypeAlias = Literal[
    "queued",
    "in_progress",
    "completed",
    "failed",
    "retry_pending",
    "follow_up_pending",
    "rescheduled",
    "dnc",
]
"""The documented statuses of a record; the service may add to them."""

CampaignState: TypeAlias = Literal["running", "paused", "completed", "cancelled"]
"""The documented statuses of a campaign; the service may add to them."""

CallStatus: TypeAlias = Literal["completed", "failed"]
"""The documented statuses of a call; the service may add to them."""


class _ArrowStream(Protocol):
    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...


class _ArrowArray(Protocol):
    def __arrow_c_array__(self, requested_schema: object | None = None) -> object: ...


class _LazyFrame(Protocol):
    """What tells a polars LazyFrame."""

    def collect_schema(self) -> Any: ...


class RecordInput(TypedDict):
    """One record of a push: a mapping with the documented keys.

    Example:
        >>> record: revrag.RecordInput = {
        ...     "phone_number": "+919876543210",
        ...     "variables": {"first_name": "Pankaj"},
        ...     "app_user_id": "user_12345",
        ... }
        >>> campaign.push([record]).accepted
        1
    """

    phone_number: Required[str]
    variables: NotRequired[Mapping[str, Any] | None]
    app_user_id: NotRequired[str | int | UUID | None]
    app_session_id: NotRequired[str | int | UUID | None]


UploadSource: TypeAlias = (
    "_ArrowStream | _ArrowArray | _LazyFrame | Iterable[RecordInput | Mapping[str, Any]]"
    " | str | PathLike[str]"
)
"""What can be uploaded: a table, rows, or a file."""

NumberSource: TypeAlias = (
    "_ArrowStream | _ArrowArray | _LazyFrame"
    " | Iterable[str | int | RecordInput | Mapping[str, Any]] | str | PathLike[str]"
)
"""What numbers can be read from: themselves, a table with a column of them, or a file."""


class UploadOptions(TypedDict, total=False):
    """What `Campaign.upload` takes beside its source, each by its name.

    What each means, and what holds where it is left out, is told there.

    Example:
        >>> nightly: revrag.UploadOptions = {"required": ["name"], "max_invalid": 0.05}
        >>> checked: revrag.UploadOptions = {**nightly, "dry_run": True}
        >>> rows = [{"phone_number": "98765 43210", "name": "Riya"}]
        >>> campaign.upload(rows, **checked).not_sent
        1
    """

    phone_number: str
    variables: Iterable[str] | Mapping[str, str] | None
    app_user_id: str | None
    app_session_id: str | None
    key: str | Iterable[str] | None
    name: str | None
    existing: Literal["campaign", "journal", "caller"]
    region: str | None
    on_invalid: Literal["reject", "send", "raise"]
    on_duplicate: Literal["keep", "reject"]
    required: Iterable[str]
    exclude: NumberSource | None
    limit: int | None
    max_invalid: float | None
    max_records: int
    max_bytes: int
    concurrency: int
    max_records_per_second: float | None
    journal: str | PathLike[str] | None
    on_unknown: Literal["settle", "leave", "stop"]
    settle_after: float
    give_up_after: float
    progress: bool | Callable[[UploadProgress], object] | None
    dry_run: bool
    delimiter: str | None
    encoding: str | None
    sheet: str | None
    max_field_bytes: int
