"""Fixtures for pytest, there as soon as the package is installed: a sandbox, and a clock.

`-p no:revrag.testing.fixtures` leaves them out.

Example:
    >>> def test_a_lead_is_called(revrag_sandbox):
    ...     campaign = revrag_sandbox.client().campaign(revrag_sandbox.campaign_id)
    ...     pushed = campaign.push([{"phone_number": "+919876543210"}])
    ...     revrag_sandbox.run_until_idle()
    ...     assert campaign.record(pushed.results[0].run_id).status == "completed"
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from revrag.testing._clock import FixedClock
from revrag.webhooks import _clock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from revrag.sandbox import Sandbox

__all__ = ["revrag_clock", "revrag_sandbox", "revrag_sandbox_async"]

MARKER = (
    "revrag_sandbox(**arguments): arguments of revrag.sandbox.Sandbox for this test's sandbox, "
    "over those of its class and module."
)


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line("markers", MARKER)


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


def _arguments(request: pytest.FixtureRequest) -> dict[str, Any]:
    """What the markers say, the nearest last."""
    told: dict[str, Any] = {}
    for marker in reversed(list(request.node.iter_markers("revrag_sandbox"))):
        if marker.args:
            raise pytest.UsageError("revrag_sandbox: its arguments are named, as Sandbox's are")
        told |= marker.kwargs
    usual: dict[str, Any] = {"time": "manual"}
    if "settings" not in told:
        # Where a file says how calls go, it says.
        usual["failure_rate"] = 0
    return usual | told


def _sandbox(request: pytest.FixtureRequest) -> Sandbox:
    # Tests that ask for none load no sandbox.
    from revrag.sandbox import Sandbox

    return Sandbox(**_arguments(request))


@pytest.fixture
def revrag_sandbox(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    """A sandbox of this test's own, whose time stands still until the test moves it.

    Every call is completed unless the test scripts it. `@pytest.mark.revrag_sandbox(…)` gives it
    other arguments of `Sandbox`, or a settings file.

    Example:
        >>> @pytest.mark.revrag_sandbox(window=("11:00", "18:00"))
        ... def test_nobody_is_called_before_eleven(revrag_sandbox):
        ...     campaign = revrag_sandbox.client().campaign(revrag_sandbox.campaign_id)
        ...     pushed = campaign.push([{"phone_number": "+919876543210"}])
        ...     revrag_sandbox.advance(minutes=30)
        ...     assert campaign.record(pushed.results[0].run_id).status == "queued"
    """
    with _sandbox(request) as sandbox:
        yield sandbox


@pytest.fixture
def revrag_sandbox_async(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    """The same for a test that is a coroutine: it awaits `run_until_idle_async` and its kin.

    The fixture itself is none, so it serves pytest-asyncio, anyio and their like without settings.

    Example:
        >>> async def test_a_lead_is_called(revrag_sandbox_async):
        ...     sandbox = revrag_sandbox_async
        ...     campaign = sandbox.client().campaign(sandbox.campaign_id)
        ...     pushed = await campaign.push_async([{"phone_number": "+919876543210"}])
        ...     await sandbox.run_until_delivered_async()
        ...     record = await campaign.record_async(pushed.results[0].run_id)
        ...     assert record.status == "completed"
    """
    with _sandbox(request) as sandbox:
        yield sandbox
