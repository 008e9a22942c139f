"""Deliveries for the endpoints under test: signed here, or by the sandbox.

What the sandbox can't be told to send skips the test.
"""

from __future__ import annotations

from contextlib import ExitStack
from itertools import count
from typing import Any, Protocol

from revrag import testing
from revrag.sandbox import Sandbox

from support import IS_SANDBOXED
from support.orders import cannot
from support.receiver import Arrival, Receiver

SIGNED = {
    "content-type": "Content-Type",
    "x-webhook-id": "X-Webhook-ID",
    "x-webhook-event": "X-Webhook-Event",
    "x-webhook-timestamp": "X-Webhook-Timestamp",
    "x-webhook-signature": "X-Webhook-Signature",
}


class Sender(Protocol):
    """Makes a delivery whose handler does what it says."""

    def __call__(self, do: str = "succeed", **options: Any) -> testing.Delivery: ...

    def named(self, event_id: str) -> str:
        """What the test calls an event."""

    def close(self) -> None: ...


class Signer:
    """Signs calls of its own."""

    def __init__(self) -> None:
        self._count = count()

    def __call__(
        self, do: str = "succeed", *, secret: str = "whsec", **options: Any
    ) -> testing.Delivery:
        call_id = f"call-{next(self._count)}"
        call = testing.sample_call(call_id=call_id, variables_fields={"do": do})
        return testing.delivery(call, secret, **options)

    def named(self, event_id: str) -> str:
        return event_id

    def close(self) -> None:
        pass


class Event:
    """An event of the sandbox: the end of a call whose variables say what to do."""

    def __init__(self, do: str, secret: str, seed: int, stack: ExitStack) -> None:
        self.do, self.secret = do, secret
        self._receiver = stack.enter_context(Receiver())
        self._sandbox = stack.enter_context(
            Sandbox(
                time="manual",
                # What it names its events by.
                seed=seed,
                dispatch_after=0,
                call_duration=0,
                failure_rate=0,
                webhook_url=self._receiver.url,
                webhook_secret=secret,
            )
        )
        campaign = self._sandbox.client().campaign(self._sandbox.campaign_id)
        campaign.push([{"phone_number": "+919876543210", "variables": {"do": do}}])
        self._sandbox.run_until_delivered()

    def sent(self) -> Arrival:
        """The last delivery."""
        return self._receiver.arrivals[-1]

    def again(self) -> None:
        """Have it delivered once more, with the timestamp of now."""
        self._sandbox.resend(self.sent().id)
        self._sandbox.run_until_delivered()


class FromSandbox:
    """Has the sandbox make and sign each delivery.

    It names its events itself: the names of a test stand for those.
    """

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._count = count()
        self._events: dict[str, Event] = {}
        self._names: dict[str, str] = {}

    def __call__(
        self,
        do: str = "succeed",
        *,
        secret: str = "whsec",
        event_id: str | None = None,
        timestamp: float | None = None,
    ) -> testing.Delivery:
        if timestamp is not None:
            cannot("a delivery of another time than now")
        event = None if event_id is None else self._events.get(event_id)
        if event is not None:
            if (do, secret) != (event.do, event.secret):
                cannot("an event's redelivery with another body or secret")
            event.again()
        else:
            event = Event(do, secret, next(self._count), self._stack)
            if event_id is not None:
                self._events[event_id] = event
                self._names[event.sent().id] = event_id
        sent = event.sent()
        return testing.Delivery(sent.body, {SIGNED[name]: sent.headers[name] for name in SIGNED})

    def named(self, event_id: str) -> str:
        return self._names.get(event_id, event_id)

    def close(self) -> None:
        self._stack.close()


def sender() -> Signer | FromSandbox:
    """Who makes the deliveries: these tests, or the sandbox."""
    return FromSandbox() if IS_SANDBOXED else Signer()
