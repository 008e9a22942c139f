"""A service that keeps failing is not fed, and one row that makes it fail costs itself alone."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import revrag
from bulk.conftest import Host, Send, Upload
from revrag.errors import InvalidArgumentError
from support.doubt import sent
from support.service import (
    Exchange,
    Fault,
    Service,
    always,
    at,
    dies,
    each,
    every,
    first,
    garbage,
    hold,
    poison,
    reset,
    status,
)
from support.upload import check, leads, outcomes

ROWS = 20_000
# Of them, as many as may leave while nothing comes back.
FEW = 400

DEATHS: dict[str, Fault] = {
    "resets": reset(),
    "500": status(500),
    "503": status(503),
    "silence": hold(applied=0.0),
    "garbage": garbage(applied=0.0),
    "resets after applying": reset(applied=1.0),
    "500 half-way": status(500, applied=0.5),
}


class Source:
    """Many rows, and how many were read."""

    def __init__(self) -> None:
        self.read = 0

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for row in range(ROWS):
            self.read += 1
            yield {"phone_number": f"+9198{row:08d}", "variables": {"row": row}}


def given_up(
    upload: Upload, service: Service, source: object, **options: Any
) -> tuple[revrag.UploadError, float]:
    """The error of an upload that gave up, and the seconds that it took."""
    campaign = service.campaign(timeout=0.3, max_retries=0)
    began = time.monotonic()
    with pytest.raises(revrag.UploadError) as info:
        upload(campaign, source, max_records=10, give_up_after=1.0, **options)
    return info.value, time.monotonic() - began


class TestDead:
    @pytest.mark.parametrize("death", DEATHS)
    def test_it_gets_few_rows(self, upload: Upload, host: Host, death: str) -> None:
        """Three chunks are answered, and then nothing is, for good."""
        service = host(faults=dies(3, DEATHS[death]))
        error, seconds = given_up(upload, service, Source())
        found = check(error.report, service)
        assert isinstance(error.__cause__, revrag.RevragError)
        assert error.report.accepted >= 30
        assert {row["outcome"] for row in found} <= {"accepted", "unknown", "not_sent"}
        assert sent(service) <= FEW
        assert error.report.unknown <= FEW
        assert seconds < 6
        for row in found:
            assert row["error"] or row["outcome"] != "unknown", row

    def test_what_was_proven_absent_was_not_sent(self, upload: Upload, host: Host) -> None:
        """The listing can be read all the time: at most the last probe is in doubt."""
        service = host(faults=dies(3, reset()))
        error, _ = given_up(upload, service, leads(300))
        check(error.report, service)
        assert error.report.accepted == 30
        assert error.report.unknown <= 40
        assert error.report.not_sent == error.report.total - 30 - error.report.unknown

    @pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
    def test_nothing_can_be_read_either(self, upload: Upload, host: Host, share: float) -> None:
        lost = reset(applied=share)
        service = host(faults=each(dies(3, lost), always(status(500), "records")))
        error, seconds = given_up(upload, service, Source())
        found = check(error.report, service)
        assert error.report.accepted == 30
        assert {row["outcome"] for row in found} <= {"accepted", "unknown", "not_sent"}
        assert error.report.unknown == sent(service) - 30 <= FEW
        assert seconds < 6

    def test_from_the_first_push_on(self, upload: Upload, host: Host) -> None:
        service = host(faults=dies(0, status(502)))
        error, _ = given_up(upload, service, Source())
        check(error.report, service)
        assert error.report.accepted == 0
        assert sent(service) <= FEW

    def test_a_journal_goes_on(self, host: Host, journal: Any, upload: Upload) -> None:
        """Once it is back, everything is sent once."""
        service = host(faults=dies(3, reset(applied=0.5)))
        source = leads(400)
        given_up(upload, service, source, journal=journal)
        service.faults = each()
        report = upload(service, source, journal=journal, max_records=10)
        check(report, service)
        assert report.accepted == 400

    @pytest.mark.parametrize("concurrency", [1, 4, 16])
    def test_it_probes_less_and_less(self, upload: Upload, host: Host, concurrency: int) -> None:
        """With backoff: the pushes of the second half are no more than those of the first."""
        service = host(faults=dies(concurrency, reset()))
        given_up(upload, service, Source(), concurrency=concurrency)
        began, ended = service.pushes[0].arrived, service.pushes[-1].arrived
        middle = (began + ended) / 2
        late = [push for push in service.pushes if push.arrived > middle]
        assert len(late) <= len(service.pushes) / 2
        assert all(len(push.records) <= 10 for push in late)


class TestAwayForAWhile:
    @pytest.mark.parametrize("applied", [0.0, 0.5, 1.0])
    @pytest.mark.parametrize("lost", [3, 8])
    def test_it_comes_back(self, send: Send, host: Host, lost: int, applied: float) -> None:
        """Within the bound, nobody hears of it."""
        faults = at(dict.fromkeys(range(3, 3 + lost), reset(applied=applied)))
        service = host(faults=faults)
        report = send(service, leads(200), concurrency=2, give_up_after=20.0)
        check(report, service)
        assert report.accepted == 200

    def test_every_other_push_is_no_streak(self, send: Send, host: Host) -> None:
        """A service that loses half of what it is sent is slow, not dead."""
        service = host(faults=every(2, reset(applied=1.0)))
        report = send(service, leads(400), give_up_after=1.0)
        check(report, service)
        assert report.accepted == 400


POISONS: dict[str, Callable[[], Fault]] = {
    "500": lambda: status(500),
    "resets": reset,
}


class TestPoison:
    @pytest.mark.parametrize("ids", ["tokens", "own ids"])
    @pytest.mark.parametrize("row", [0, 57, 199])
    @pytest.mark.parametrize("kind", POISONS)
    def test_one_row(self, upload: Upload, host: Host, kind: str, row: int, ids: str) -> None:
        """Every request with it fails: it is alone in the end, and every other row is accepted."""
        service = host(faults=poison(row, POISONS[kind]()))
        source = leads(200)
        if ids == "own ids":
            for at, lead in enumerate(source):
                lead["app_session_id"] = f"visit-{at}"
        report = self.ended(upload, service, source, max_records=50)
        found = check(report, service)
        assert report.accepted == 199
        assert found[row]["outcome"] in ("unknown", "not_sent", "rejected")
        assert found[row]["error"]
        # Halves, and then itself a few times.
        tried = [push for push in service.pushes if holds(push.records, row)]
        assert len(tried) <= 40
        assert len(tried[-1].records) == 1

    def test_one_that_takes_too_long(self, upload: Upload, host: Host) -> None:
        """Whatever is with it in a request times out with it."""
        service = host(faults=poison(5, hold(applied=0.0)))
        campaign = service.campaign(timeout=0.15, max_retries=0)
        report = self.ended(upload, campaign, leads(24), max_records=8)
        check(report, service)
        assert report.accepted == 23

    @pytest.mark.parametrize("kind", POISONS)
    def test_alone_in_the_source(self, upload: Upload, host: Host, kind: str) -> None:
        service = host(faults=poison(0, POISONS[kind]()))
        report = self.ended(upload, service, leads(1))
        check(report, service)
        assert outcomes(report)[0] in ("unknown", "not_sent", "rejected")
        assert len(service.pushes) <= 30

    def test_a_chunk_too_slow_as_a_whole(self, upload: Upload, host: Host) -> None:
        """The service takes four rows within the timeout, and no more: halves get through."""

        def plan(exchange: Exchange) -> Fault | None:
            is_slow = exchange.kind == "push" and len(exchange.records) > 4
            return hold(applied=0.0) if is_slow else None

        service = host(faults=plan)
        for lead in leads(3, start=1000):
            service.remember(lead)
        campaign = service.campaign(timeout=0.15, max_retries=0)
        report = self.ended(upload, campaign, leads(16), max_records=16, give_up_after=20.0)
        check(report, service)
        assert report.accepted == 16

    @staticmethod
    def ended(
        upload: Upload, to: Service | revrag.Campaign, source: object, **options: Any
    ) -> revrag.UploadReport:
        """Whether the one row is an error or a line of the report is not settled here."""
        try:
            return upload(to, source, **{"give_up_after": 1.0, **options})
        except revrag.UploadError as error:
            return error.report


def holds(records: list[dict[str, Any]], row: int) -> bool:
    return any(record["variables"]["row"] == row for record in records)


class TestBound:
    @pytest.mark.parametrize("bound", [-1.0, float("nan"), 1e19])
    def test_what_is_none(self, upload: Upload, service: Service, bound: float) -> None:
        with pytest.raises(InvalidArgumentError, match="give_up_after"):
            upload(service, leads(1), give_up_after=bound)
        assert not service.pushes

    @pytest.mark.parametrize("bound", ["600", []])
    def test_another_type(self, upload: Upload, service: Service, bound: object) -> None:
        with pytest.raises((TypeError, InvalidArgumentError)):
            upload(service, leads(1), give_up_after=bound)
        assert not service.pushes

    def test_a_service_at_its_best_never_meets_it(self, upload: Upload, service: Service) -> None:
        report = upload(service, leads(100), max_records=5, give_up_after=0.01)
        check(report, service)
        assert report.accepted == 100

    def test_a_source_that_takes_its_time_is_not_the_service(
        self, upload: Upload, host: Host
    ) -> None:
        """The bound counts from the first loss of a streak, not from the start."""
        service = host(faults=first(1, reset(applied=1.0)))

        def slow() -> Iterator[dict[str, Any]]:
            for lead in leads(6):
                time.sleep(0.1)
                yield lead

        report = upload(service, slow(), max_records=1, give_up_after=0.5)
        check(report, service)
        assert report.accepted == 6
