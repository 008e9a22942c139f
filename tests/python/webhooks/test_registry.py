"""Handlers by event type."""

from __future__ import annotations

import asyncio

import pytest
import revrag
from revrag import errors, testing
from revrag.webhooks import CallEnded, EventRegistry


def event_of(event_type: str) -> revrag.WebhookEvent:
    sent = testing.delivery(testing.sample_call(), "whsec", event_type=event_type)
    return revrag.WebhookVerifier("whsec").verify(sent.body, sent.headers)


def test_each_type_has_its_handler():
    events = EventRegistry()

    @events.on("call.ended")
    def call_ended(event: CallEnded) -> int | float | None:
        return event.call.duration

    @events.on("call.rang")
    async def call_rang(event: revrag.WebhookEvent) -> str:
        return event.type

    assert list(events) == ["call.ended", "call.rang"]
    assert ("call.ended" in events, "call.rung" in events) == (True, False)
    assert events.handle(event_of("call.ended")) == 72
    assert events.handle(event_of("call.rung")) is None
    with pytest.raises(TypeError, match="handle_async"):
        events.handle(event_of("call.rang"))

    async def main() -> list[object]:
        kinds = ("call.ended", "call.rang", "call.rung")
        return [await events.handle_async(event_of(kind)) for kind in kinds]

    assert asyncio.run(main()) == [72, "call.rang", None]
    # The decorated function stays what it was.
    assert call_ended(event_of("call.ended")) == 72


def test_a_type_has_one_handler():
    events = EventRegistry()
    events.on("call.ended")(lambda event: event)
    with pytest.raises(errors.InvalidArgumentError, match=r"call\.ended"):
        events.on("call.ended")
