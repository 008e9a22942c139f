"""What no webhook brought, handed to its handler through the same store."""

from __future__ import annotations

import datetime as dt
import inspect
import logging
import time
from typing import TYPE_CHECKING, Any

from revrag import WebhookEvent, WebhookVerifier
from revrag.errors import InvalidArgumentError
from revrag.webhooks._admission import Admission, TransactionalAdmission
from revrag.webhooks._answer import BUSY, OK, has_failed
from revrag.webhooks._endpoint import Endpoint, check_event_handler
from revrag.webhooks._handling import Refused
from revrag.webhooks._reconciled import Reconciled
from revrag.webhooks._reply import reply_of
from revrag.webhooks._session import call_with

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from revrag import Call, Campaign, Record

logger = logging.getLogger("revrag")

# Statuses of a call that has not ended, as the API and its older pages have them.
UNDER_WAY = frozenset({"queued", "in_progress", "running", "ringing", "scheduled"})
# `since` is as old as what is remembered, and a moment more, where both are the same days.
A_MOMENT = 60.0
# A record may have changed last when its call began: longer than this no call is.
LONGEST = dt.timedelta(days=1)


def _refused(found: Reconciled, refusal: Refused, call_id: str) -> None:
    if refusal.answer == OK:
        found.known += 1
    elif refusal.answer == BUSY:
        found.in_progress += 1
    else:
        found.failed.append(call_id)


def _answered(found: Reconciled, status: int, call_id: str) -> None:
    if has_failed(status):
        found.failed.append(call_id)
    else:
        found.handled += 1


def _raised(found: Reconciled, error: Exception, call_id: str) -> None:
    logger.error("call %s: its handler raised %s", call_id, type(error).__name__)
    found.failed.append(call_id)


class _Reconciling:
    """One reconciliation: which calls, and how each is admitted."""

    def __init__(
        self, store: Any, handler: Any, since: dt.datetime | dt.timedelta, name: str | None
    ) -> None:
        check_event_handler(handler)
        self.since = _moment(since)
        # Nothing is verified: what is handed over comes from the service itself.
        verifier = WebhookVerifier("nothing is signed")
        self.endpoint = Endpoint(verifier=verifier, store=store, name=name).named_after(handler)
        _warn_of_forgotten(store, self.since)
        self.handler = handler

    def concerns(self, record: Record) -> bool:
        """Whether a call of this record may have ended since then."""
        return record.updated_at is None or record.updated_at >= self.since - LONGEST

    def has_ended(self, call: Call) -> bool:
        """Whether this call has ended, and since then."""
        if call.end_time is not None:
            return call.end_time >= self.since
        return str(call.call_status).lower() not in UNDER_WAY

    def admission(self, call: Call) -> Admission:
        """The call as a webhook would have brought it, known by its call alone."""
        ended = call.end_time.timestamp() if call.end_time is not None else time.time()
        about = {"id": f"reconciled-{call.call_id}", "type": "call.ended", "timestamp": int(ended)}
        event = WebhookEvent.from_dict(about | {"payload": call.to_dict()})
        make = TransactionalAdmission if self.endpoint.is_transactional else Admission
        admission = make(event, event.id, event.id, self.endpoint.name or "", "refuse")
        # Nobody else knows it by this id, and nothing was signed.
        admission.keys = [key for key in admission.keys if key.startswith("call:")]
        return admission


def reconcile(
    campaign: Campaign,
    store: Any,
    handler: Callable[[WebhookEvent], Any],
    *,
    since: dt.datetime | dt.timedelta,
    name: str | None,
    **options: Any,
) -> Reconciled:
    """Hand over what no webhook brought; see `Campaign.reconcile`."""
    work = _Reconciling(store, handler, since, name)
    work.endpoint.for_blocking()
    if inspect.iscoroutinefunction(handler):
        raise TypeError("handler is a coroutine function: use reconcile_async")
    timeout = options.get("timeout")

    def records() -> Iterator[Record]:
        return (one for one in campaign.records(timeout=timeout) if work.concerns(one))

    calls, found = campaign.calls(records(), **options), Reconciled()
    for call in calls:
        if not work.has_ended(call):
            continue
        try:
            with work.endpoint.handling(work.admission(call)) as turn:
                status = reply_of(call_with(store, handler, turn.event)).status
                turn.answered(status)
        except Refused as refusal:
            _refused(found, refusal, call.call_id)
        except Exception as error:
            _raised(found, error, call.call_id)
        else:
            _answered(found, status, call.call_id)
    found.missing = calls.missing
    return found


async def reconcile_async(
    campaign: Campaign,
    store: Any,
    handler: Callable[[WebhookEvent], Any],
    *,
    since: dt.datetime | dt.timedelta,
    name: str | None,
    **options: Any,
) -> Reconciled:
    """The asyncio twin of `reconcile`."""
    work = _Reconciling(store, handler, since, name)
    work.endpoint.for_asyncio()
    timeout = options.get("timeout")

    async def records() -> AsyncIterator[Record]:
        async for one in campaign.records(timeout=timeout):
            if work.concerns(one):
                yield one

    calls, found = campaign.calls(records(), **options), Reconciled()
    async for call in calls:
        if not work.has_ended(call):
            continue
        try:
            async with work.endpoint.handling_async(work.admission(call)) as turn:
                returned = call_with(store, handler, turn.event)
                if inspect.isawaitable(returned):
                    returned = await returned
                status = reply_of(returned).status
                turn.answered(status)
        except Refused as refusal:
            _refused(found, refusal, call.call_id)
        except Exception as error:
            _raised(found, error, call.call_id)
        else:
            _answered(found, status, call.call_id)
    found.missing = calls.missing
    return found


def _warn_of_forgotten(store: Any, since: dt.datetime) -> None:
    """Warn where calls are asked for that the store may have forgotten."""
    remembered = getattr(store, "done_ttl", None)  # a store of the caller's may have none
    if remembered is None or time.time() - since.timestamp() < remembered + A_MOMENT:
        return
    logger.warning(
        "reconcile goes back to %s, and the store remembers what was handled for %g hours "
        "(done_ttl): a call that was handled before that is handled again",
        since.isoformat(timespec="minutes"),
        remembered / 3600,
    )


def _moment(since: dt.datetime | dt.timedelta) -> dt.datetime:
    if isinstance(since, dt.timedelta):
        now = dt.datetime.now(dt.UTC)
        # Longer ago than there is a date for.
        return now - min(since, now - dt.datetime(1970, 1, 2, tzinfo=dt.UTC))
    if getattr(since, "tzinfo", None) is not None:
        # The longest time there is before it may be no date.
        return max(since, dt.datetime(1970, 1, 2, tzinfo=dt.UTC))
    raise InvalidArgumentError("since: it must be a datetime with a time zone, or a timedelta")
