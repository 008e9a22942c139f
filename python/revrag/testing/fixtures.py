"""Fixtures for pytest: `pytest_plugins = ["revrag.testing.fixtures"]` in your conftest.py."""

from __future__ import annotations

import pytest

from revrag.testing._clock import FixedClock
from revrag.webhooks import _clock

__all__ = ["revrag_clock"]


@pytest.fixture
def revrag_clock(monkeypatch: pytest.MonkeyPatch) -> FixedClock:
    """A fixed clock for the endpoints, stores and deliveries of this test that were given none.

    Example:
        >>> def test_a_stale_delivery_is_refused(client, revrag_clock):
        ...     sent = revrag.testing.delivery(revrag.testing.sample_call(), "whsec")
        ...     revrag_clock.advance(301)
        ...     assert client.post("/revrag", **sent.fastapi()).status_code == 401
    """
    clock = FixedClock()
    monkeypatch.setattr(_clock, "source", clock)
    return clock
