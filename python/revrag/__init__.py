"""The Campaign Records API of RevRag, with a Rust core.

Example:
    >>> with revrag.Client() as client:
    ...     campaign = client.campaign("11111111-1111-1111-1111-111111111111")
    ...     campaign.push([{"phone_number": "+919876543210"}]).accepted
    1
"""

from revrag import _interpreter

_interpreter.refuse_subinterpreters()

from revrag import _revrag

_interpreter.keep(_revrag)

from revrag import errors
from revrag._calls import CallPager
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
    UploadRejects,
    UploadReport,
    WebhookEvent,
    WebhookVerifier,
    __version__,
    row_key,
)
from revrag._watch import CampaignWatch
from revrag.errors import *  # noqa: F403  # re-exported one by one below

# Spelled so that type checkers see it and `typing`, a third of the import's time, stays out.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from revrag._types import (
        CallStatus,
        CampaignState,
        RecordInput,
        RecordStatus,
        UploadOptions,
    )

__all__ = [
    "PRODUCTION",
    "STAGING",
    "Call",
    "CallAttempt",
    "CallPager",
    "CallStatus",
    "Campaign",
    "CampaignState",
    "CampaignStats",
    "CampaignStatus",
    "CampaignWatch",
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
    "UploadOptions",
    "UploadProgress",
    "UploadRejects",
    "UploadReport",
    "WebhookEvent",
    "WebhookVerifier",
    "__version__",
    "errors",
    "row_key",
    *errors.__all__,
]


_TYPES = frozenset({"CallStatus", "CampaignState", "RecordInput", "RecordStatus", "UploadOptions"})
_SUBMODULES = frozenset({"sandbox", "testing", "webhooks"})


def __getattr__(name: str) -> object:
    if name in _TYPES:
        from revrag import _types

        return getattr(_types, name)
    if name in _SUBMODULES:
        from importlib import import_module

        return import_module(f"revrag.{name}")
    raise AttributeError(f"module 'revrag' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *_SUBMODULES})


def _imported_by_name() -> None:
    """Show freezers, PyInstaller for one, what the extension imports. Never called."""
    import atexit
    import builtins
    import collections.abc
    import json
    import threading

    from revrag import (
        _aio,
        _calls,
        _frames,
        _html,
        _observe,
        _pager,
        _progress,
        _turn,
        _watch,
        errors,
    )
    from revrag.webhooks import _reconcile

    del atexit, builtins, collections, json, threading
    del _aio, _calls, _frames, _html, _observe, _pager, _progress, _reconcile, _turn, _watch, errors


_interpreter.remember(_revrag)
