"""The service in miniature, for trying things out, for tests and for demos.

Example:
    >>> from revrag.sandbox import Sandbox
    >>> with Sandbox() as service:
    ...     service.client().campaign(service.campaign_id).status().status
    'running'
"""

from revrag._revrag import Handset, Sandbox
from revrag._sandbox import (
    CampaignSettings,
    FaultEndpoint,
    FaultKind,
    FaultOptions,
    LoggedBody,
    LoggedDelivery,
    LoggedRequest,
    OrderedFault,
    Outcome,
    Rule,
    ScriptLine,
    Turn,
)

__all__ = [
    "CampaignSettings",
    "FaultEndpoint",
    "FaultKind",
    "FaultOptions",
    "Handset",
    "LoggedBody",
    "LoggedDelivery",
    "LoggedRequest",
    "OrderedFault",
    "Outcome",
    "Rule",
    "Sandbox",
    "ScriptLine",
    "Turn",
]
