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
    WebhookEvent,
    WebhookVerifier,
    __version__,
)
from revrag._types import CallStatus, CampaignState, RecordInput, RecordStatus
from revrag.errors import *  # noqa: F403  # re-exported one by one below

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
    "WebhookEvent",
    "WebhookVerifier",
    "__version__",
    "errors",
    *errors.__all__,
]
