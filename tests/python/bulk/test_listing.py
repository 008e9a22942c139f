"""A listing that is late, endless, miscounted, full of oddities, or under another clock."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from bulk.conftest import Host, Send
from support.doubt import CHUNK, COUNT, IDS, SHARES, chunk, sent, with_ids, with_tokens
from support.service import at, late, reset
from support.upload import check, leads


@pytest.mark.parametrize("ids", IDS)
@pytest.mark.parametrize("share", SHARES)
class TestLag:
    @pytest.mark.parametrize("lost", [0, 1, 3])
    def test_a_first_look_that_is_empty(
        self, send: Send, host: Host, lost: int, share: str, ids: str
    ) -> None:
        """One empty page with a total of 0, and then the truth."""
        service = host(faults=at({lost: reset(applied=SHARES[share])}), blind=1)
        report = send(service, IDS[ids](COUNT))
        check(report, service)
        assert report.accepted == COUNT

    def test_an_empty_look_is_no_count(self, send: Send, host: Host, share: str, ids: str) -> None:
        """Nothing was there before, and nothing seems to be; it takes another look to say so."""
        service = host(faults=at({0: reset(applied=SHARES[share])}), blind=1)
        report = send(service, IDS[ids](CHUNK))
        check(report, service)
        assert report.accepted == CHUNK

    def test_longer_than_anybody_waits(self, send: Send, host: Host, share: str, ids: str) -> None:
        service = host(faults=at({1: reset(applied=SHARES[share])}), lag=60)
        report = send(service, IDS[ids](COUNT))
        check(report, service)
        assert (report.accepted, sent(service)) == (COUNT - CHUNK, COUNT)
        for row in chunk(report, 1):
            assert row["outcome"] == "unknown"
            assert "listing" in row["error"]

    def test_shorter_than_the_wait(self, send: Send, host: Host, share: str, ids: str) -> None:
        service = host(faults=at({1: reset(applied=SHARES[share])}), lag=0.3)
        report = send(service, IDS[ids](COUNT), settle_after=0.6)
        check(report, service)
        assert report.accepted == COUNT


TOTALS: dict[str, Callable[[int], int | None]] = {
    "too many": lambda count: count + 7,
    "too few": lambda count: max(count - 7, 0),
    "none": lambda _: None,
    "always 0": lambda _: 0,
    "absurd": lambda _: 1 << 62,
}


@pytest.mark.parametrize("ids", IDS)
@pytest.mark.parametrize("share", SHARES)
class TestCompleteness:
    @pytest.mark.parametrize("others", [0, 500])
    def test_a_page_that_repeats(
        self, send: Send, host: Host, others: int, share: str, ids: str
    ) -> None:
        """It ends, and nothing is absent for not being on the first page."""
        service = host(faults=at({1: reset(applied=SHARES[share])}), repeats=True)
        for lead in leads(others, start=1000):
            service.remember(lead)
        report = send(service, IDS[ids](COUNT))
        found = check(report, service)
        assert {row["outcome"] for row in found} <= {"accepted", "unknown"}
        assert len(service.queries) < 100
        assert all(row["error"] for row in found if row["outcome"] == "unknown")
        if others:
            assert (report.unknown, sent(service)) == (CHUNK, COUNT)

    @pytest.mark.parametrize("total", TOTALS)
    def test_a_total_that_never_comes(
        self, send: Send, host: Host, total: str, share: str, ids: str
    ) -> None:
        """What was found is accepted whatever the total says."""
        service = host(faults=at({1: reset(applied=SHARES[share])}), total=TOTALS[total])
        report = send(service, IDS[ids](COUNT))
        found = check(report, service)
        assert {row["outcome"] for row in found} <= {"accepted", "unknown"}
        assert len(service.queries) < 100
        assert all(row["error"] for row in found if row["outcome"] == "unknown")
        if share == "after" and ids == "tokens":
            assert report.accepted == COUNT


ODD: dict[str, dict[str, Any]] = {
    "nothing, the control": {},
    "a call without an id": {"call_history": [{"status": "completed"}]},
    "calls that are none": {"call_history": [None, "x"]},
    "no list of calls": {"call_history": {}},
    "an integer id": {"id": 17},
    "attempts as text": {"attempt_count": "1", "max_attempts": "many"},
    "times that are none": {"next_attempt_at": "", "dnc_at": "never"},
    "half a pair": {"app_session_id": "\ud83d", "variables": {"name": "\udc00"}},
    "no number": {"phone_number": None},
    "no status": {"status": None},
    "ids that are numbers": {"app_session_id": 5, "app_user_id": 1.5},
    "variables that are a list": {"variables": [1, 2]},
}


class TestOddRecords:
    @pytest.mark.parametrize("ids", IDS)
    @pytest.mark.parametrize("kind", ODD)
    def test_of_others(self, send: Send, host: Host, kind: str, ids: str) -> None:
        """Settling is about our own records."""
        service = host(faults=at({1: reset(applied=0.5), 3: reset()}))
        service.odd(**ODD[kind])
        report = send(service, IDS[ids](COUNT))
        check(report, service)
        assert report.accepted == COUNT

    def test_an_item_that_is_none(self, send: Send, host: Host) -> None:
        service = host(faults=at({1: reset(applied=0.5)}))
        service.remember({"phone_number": "+919700000000"}).raw = "null"
        report = send(service, with_tokens(COUNT))
        found = check(report, service)
        assert {row["outcome"] for row in found} <= {"accepted", "unknown"}
        assert report.accepted >= COUNT - CHUNK // 2


@pytest.mark.parametrize("share", SHARES)
class TestClocks:
    """Whose a record is, our oldest one tells; a ``Date`` alone is no proof."""

    @pytest.mark.parametrize("ahead", [-90_000.0, -5400.0, 5400.0, 90_000.0])
    def test_a_date_from_elsewhere(self, send: Send, host: Host, share: str, ahead: float) -> None:
        """The same rows were uploaded half an hour ago; a proxy's clock is far off."""
        service = host(faults=at({1: reset(applied=SHARES[share])}), date_skew=ahead)
        source = with_ids(COUNT)
        for lead in source:
            service.remember(lead, age=1800)
        report = send(service, source)
        check(report, service)
        assert report.accepted == COUNT

    def test_no_date_at_all(self, send: Send, host: Host, share: str) -> None:
        service = host(faults=at({1: reset(applied=SHARES[share])}), date=False)
        source = with_ids(COUNT)
        for lead in source:
            service.remember(lead)
        report = send(service, source)
        check(report, service)
        assert report.accepted == COUNT


def test_an_overloaded_service(send: Send, host: Host) -> None:
    """It applies a push well after the client gave up on it, and within another timeout."""
    service = host(faults=at({1: late(0.3), 2: late(0.3)}))
    report = send(service.campaign(timeout=0.6), with_tokens(COUNT))
    check(report, service)
    assert (report.accepted, sent(service)) == (COUNT, COUNT)
