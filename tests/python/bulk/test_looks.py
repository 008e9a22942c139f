"""Looks at the listing run beside the sending, are few, and read no more than they need."""

from __future__ import annotations

import threading
import time
from collections import Counter

import pytest
import revrag
from bulk.conftest import Host, Send, Upload
from support.doubt import COUNT, IDS, sent
from support.service import (
    Exchange,
    Fault,
    Service,
    always,
    at,
    delay,
    each,
    every,
    gate,
    hold,
    reset,
    status,
)
from support.upload import check, leads

PAGE = 200


def crowded(service: Service, pages: int) -> None:
    """A campaign with so many pages of other records."""
    for row in range(pages * PAGE):
        service.remember({"phone_number": "+919700000000", "app_session_id": f"other-{row}"})


class TestBesideTheSending:
    @pytest.mark.parametrize("ids", IDS)
    @pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
    def test_few_looks_for_many_losses(
        self, send: Send, host: Host, share: float, ids: str
    ) -> None:
        """A hundred of 250 pushes are lost."""
        lost = {number for number in range(250) if number % 5 in (1, 3)}
        service = host(faults=at(dict.fromkeys(lost, reset(applied=share))))
        report = send(service, IDS[ids](1000), max_records=4, concurrency=2)
        check(report, service)
        assert report.accepted == 1000
        assert service.scans <= 12

    @pytest.mark.parametrize("ids", IDS)
    def test_a_look_under_way_holds_nothing_up(self, send: Send, host: Host, ids: str) -> None:
        """The listing says nothing until every row was on its way; many are in doubt meanwhile."""
        pushes, size = 150, 4

        def watch(exchange: Exchange, phase: str) -> None:
            if (exchange.kind, exchange.number, phase) == ("push", pushes - 1, "arrived"):
                service.open_gate()

        faults = each(every(3, reset(applied=1.0)), always(gate(), "records"))
        service = host(faults=faults, watch=watch)
        # Should it wait for the listing, this is how long.
        late = threading.Timer(5, service.open_gate)
        late.start()
        report = send(service, IDS[ids](pushes * size), max_records=size, settle_after=0.0)
        late.cancel()
        check(report, service)
        assert report.accepted == pushes * size
        assert report.elapsed < 4

    def test_one_look_serves_all_that_is_in_doubt(self, send: Send, host: Host) -> None:
        """Nothing but the wait is between the losses and one look at the end."""
        service = host(faults=every(3, reset(applied=1.0)))
        report = send(service, leads(300), settle_after=0.5)
        check(report, service)
        assert report.accepted == 300
        assert service.scans <= 4


class TestNoMoreThanNeeded:
    PAGES = 20

    @pytest.mark.parametrize("order", ["oldest", "newest"])
    @pytest.mark.parametrize("lost", [0, 1, 3])
    def test_it_ends_when_everything_was_found(
        self, send: Send, host: Host, lost: int, order: str
    ) -> None:
        """What was pushed lately is at one end of the listing or at the other."""
        service = host(faults=at({lost: reset(applied=1.0)}), order=order)
        crowded(service, self.PAGES)
        report = send(service, IDS["tokens"](COUNT))
        check(report, service)
        assert report.accepted == COUNT
        assert len(service.queries) <= 8

    @pytest.mark.parametrize("code", [500, 503, 429])
    def test_a_page_that_failed_is_read_again(self, send: Send, host: Host, code: int) -> None:
        """A page, not the whole listing: each look reads each page once, and what failed again."""
        failing = {number: status(code, retry_after="0") for number in (0, 3, 8, 9, 15)}
        service = host(faults=each(at({1: reset()}), at(failing, "records")))
        crowded(service, self.PAGES)
        report = send(service.campaign(max_retries=0), IDS["tokens"](COUNT))
        check(report, service)
        assert report.accepted == COUNT
        pages = Counter(int(query.get("page", 1)) for query in service.queries)
        assert set(pages) >= set(range(1, self.PAGES + 1))
        # Two looks that agree may be read, or one with its ends first.
        assert len(service.queries) <= 2 * (self.PAGES + 3) + len(failing)

    def test_a_page_that_hangs_is_read_again(self, send: Send, host: Host) -> None:
        service = host(faults=each(at({1: reset()}), at({4: hold()}, "records")))
        crowded(service, self.PAGES)
        report = send(service.campaign(timeout=0.3, max_retries=0), IDS["tokens"](COUNT))
        check(report, service)
        assert report.accepted == COUNT

    def test_a_page_that_fails_for_good(self, send: Send, host: Host) -> None:
        """What the others show is known; nothing is absent."""

        def plan(exchange: Exchange) -> Fault | None:
            return status(500) if exchange.page == 7 else None

        lost = at({1: reset(applied=1.0), 2: reset()})
        service = host(faults=each(lost, plan))
        crowded(service, self.PAGES)
        report = send(service.campaign(max_retries=0), IDS["tokens"](COUNT))
        found = check(report, service)
        assert [row["outcome"] for row in found][10:20] == ["accepted"] * 10
        assert [row["outcome"] for row in found][20:30] == ["unknown"] * 10
        assert sent(service) == COUNT
        assert len(service.queries) < 40 * self.PAGES


class TestAfterATimeout:
    @pytest.mark.parametrize("settle_after", [0.0, 0.05])
    def test_it_looks_no_sooner_than_another_timeout(
        self, send: Send, host: Host, settle_after: float
    ) -> None:
        """What is slow may still be at it."""
        moments: dict[str, float] = {}

        def watch(exchange: Exchange, phase: str) -> None:
            if phase == "arrived" and exchange.kind == "records":
                moments.setdefault("look", time.monotonic())

        timeout = 0.5
        service = host(faults=at({3: hold()}), watch=watch)
        report = send(service.campaign(timeout=timeout), leads(COUNT), settle_after=settle_after)
        check(report, service)
        assert report.accepted == COUNT
        # It arrived, timed out, and another timeout passed.
        assert moments["look"] - service.pushes[3].arrived >= 1.9 * timeout

    def test_a_loss_at_once_need_not_wait_so_long(self, send: Send, host: Host) -> None:
        service = host(faults=at({3: reset(applied=1.0)}))
        report = send(service.campaign(timeout=30), leads(COUNT))
        check(report, service)
        assert report.elapsed < 5


class TestProgress:
    PAGES = 8

    def told(self, upload: Upload, host: Host, share: float) -> list[revrag.UploadProgress]:
        service = host(faults=each(at({3: reset(applied=share)}), always(delay(0.12), "records")))
        crowded(service, self.PAGES)
        seen: list[revrag.UploadProgress] = []
        report = upload(service, leads(40), max_records=10, concurrency=1, progress=seen.append)
        check(report, service)
        assert report.accepted == 40
        return seen

    def test_it_tells_what_is_looked_for(self, upload: Upload, host: Host) -> None:
        seen = self.told(upload, host, 0.0)
        assert {one.settling for one in seen} == {0, 10}
        assert (seen[0].settling, seen[-1].settling) == (0, 0)
        looking = [one for one in seen if one.settling]
        assert any(one.pages > 0 for one in looking)
        assert any(one.total_pages == self.PAGES + 1 for one in looking)
        for one in seen:
            assert isinstance(one.pages, int)
            assert one.total_pages is None or 0 <= one.pages <= one.total_pages
        # Rows in doubt are read and not yet of any outcome.
        assert all(one.accepted + one.settling <= one.read for one in seen)

    def test_pages_grow_within_a_look(self, upload: Upload, host: Host) -> None:
        pages = [one.pages for one in self.told(upload, host, 0.0) if one.settling]
        assert len(set(pages)) >= 2

    def test_nothing_in_doubt(self, upload: Upload, service: Service) -> None:
        seen: list[revrag.UploadProgress] = []
        upload(service, leads(20), max_records=5, progress=seen.append)
        assert {(one.settling, one.pages, one.total_pages) for one in seen} == {(0, 0, None)}
