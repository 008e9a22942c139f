"""The Campaign Records API of RevRag, with a Rust core.

Example:
    >>> with revrag.Client() as client:
    ...     campaign = client.campaign("11111111-1111-1111-1111-111111111111")
    ...     campaign.push([{"phone_number": "+919876543210"}]).accepted
    1
"""

from revrag import errors
from revrag._pager import RecordPager
from revrag._revrag import (
    PRODUCTION,
    STAGING,
    Call,
    CallAttempt,
    Campaign,
    CampaignStats,
    CampaignStatus,
    Client,
    CustomVariable,
    Message,
    PushOutcome,
    PushResult,
    Record,
    RecordPage,
    RequestEvent,
    Transcription,
    UploadProgress,
    UploadReport,
    WebhookEvent,
    WebhookVerifier,
    __version__,
)
from revrag.errors import *  # noqa: F403  # re-exported one by one below

# Spelled so that type checkers see it and `typing`, a third of the import's time, stays out.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from revrag._types import CallStatus, CampaignState, RecordInput, RecordStatus

__all__ = [
    "PRODUCTION",
    "STAGING",
    "Call",
    "CallAttempt",
    "CallStatus",
    "Campaign",
    "CampaignState",
    "CampaignStats",
    "CampaignStatus",
    "Client",
    "CustomVariable",
    "Message",
    "PushOutcome",
    "PushResult",
    "Record",
    "RecordInput",
    "RecordPage",
    "RecordPager",
    "RecordStatus",
    "RequestEvent",
    "Transcription",
    "UploadProgress",
    "UploadReport",
    "WebhookEvent",
    "WebhookVerifier",
    "__version__",
    "errors",
    *errors.__all__,
]


def __getattr__(name: str) -> object:
    if name in {"CallStatus", "CampaignState", "RecordInput", "RecordStatus"}:
        from revrag import _types

        return getattr(_types, name)
    raise AttributeError(f"module 'revrag' has no attribute {name!r}")
