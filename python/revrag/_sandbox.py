"""Types of the sandbox's signatures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NotRequired, Required, TypeAlias, TypedDict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date, time
    from uuid import UUID

Outcome: TypeAlias = Literal[
    "completed", "no_answer", "busy", "failed", "voicemail", "callback", "dnc", "follow_up"
]
"""How a sandbox's call ends."""


class Turn(TypedDict):
    """A turn of a conversation."""

    role: str
    content: str


class ScriptLine(TypedDict, total=False):
    """How a scripted call goes. What is not said goes as usual."""

    outcome: Required[Outcome]
    duration: float
    after: float
    transcript: Sequence[Turn]
    summary: str
    variables: Mapping[str, object]
    reason: str


class RareSettings(TypedDict, total=False):
    """A campaign's settings but for those that `Sandbox` names itself."""

    name: str
    agent_id: str | UUID
    from_number: str
    variables: Sequence[str]
    timezone: str
    window: tuple[str | time, str | time] | None
    active_days: Sequence[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]]
    first_attempt_on: date | str | None
    dial_first_attempt_immediately: bool
    end_date: date | str | None
    max_attempts: int
    retry_on: Sequence[Literal["no_answer", "busy", "failed", "voicemail"]]
    retry_delay: float
    callback_delay: float
    max_callbacks: int
    follow_up_delay: float
    max_follow_ups: int
    outcomes: Mapping[Outcome, float]
    last_digits: bool


class CampaignSettings(RareSettings):
    """A campaign's settings. What is not said is as `Sandbox.add_campaign` tells."""

    max_concurrency: NotRequired[int]
    dispatch_after: NotRequired[float]
    call_duration: NotRequired[float]
    failure_rate: NotRequired[float]


FaultEndpoint: TypeAlias = Literal[
    "any", "push", "records", "record", "status", "call", "recording", "webhook"
]
"""Which requests a fault is for."""

FaultKind: TypeAlias = Literal[
    "status",
    "malformed",
    "dropped",
    "silent",
    "late",
    "delay",
    "slow",
    "truncated",
    "refused",
    "rate_limit",
    "largest_batch",
    "shifting",
    "duplicate",
    "reordered",
]
"""What goes wrong."""


class FaultOptions(TypedDict, total=False):
    """What can be said of a fault."""

    times: int
    after: int
    probability: float
    seed: int
    status: int
    body: object
    headers: Mapping[str, str]
    seconds: float
    applied: float
    limit: int
    shift: int


class OrderedFault(FaultOptions):
    """A fault that may still strike."""

    id: Required[int]
    endpoint: Required[FaultEndpoint]
    kind: Required[FaultKind]
    seen: Required[int]
    struck: Required[int]


class LoggedBody(TypedDict):
    """A body: its beginning, where it is long."""

    text: str
    bytes: int
    is_cut: bool


class Rule(TypedDict):
    """A rule that refuses requests, and what would have passed it."""

    name: str
    passes: str


class LoggedRequest(TypedDict):
    """A request to the sandbox, and its answer."""

    id: int
    request_id: str
    at: str
    seconds: float
    method: str
    path: str
    status: int | None
    request_body: LoggedBody
    response_body: LoggedBody
    rule: Rule | None


class LoggedDelivery(TypedDict):
    """An attempt to deliver a webhook."""

    id: int
    event_id: str
    attempt: int
    at: str
    seconds: float
    method: str
    url: str
    request_headers: list[list[str]]
    request_body: LoggedBody
    status: int | None
    response_body: LoggedBody
    problem: str | None
    next_attempt_at: str | None
