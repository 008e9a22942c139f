"""What a service says of its limits is learned: when, how many at once, how large."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
import revrag
from bulk.conftest import Host, Send, Upload
from revrag import errors
from support.script import Run
from support.service import Exchange, Fault, Service, always, at, delay, each, first, reset, status
from support.upload import check, leads


def refused(service: Service, code: int) -> int:
    """Pushes that a limit of the service refused."""
    return sum(push.refused == code for push in service.pushes)


class TestRateLimits:
    def test_it_holds_back_every_push_until_its_moment(self, upload: Upload, host: Host) -> None:
        """One of four is answered 429; the others know of it too."""
        moments: list[float] = []

        def watch(exchange: Exchange, phase: str) -> None:
            if (exchange.kind, exchange.number, phase) == ("push", 6, "answered"):
                moments.append(time.monotonic())

        service = host(
            faults=each(at({6: status(429, retry_after="1")}), always(delay(0.03))), watch=watch
        )
        report = upload(service, leads(1000), max_records=10, concurrency=4)
        check(report, service)
        assert report.accepted == 1000
        # Those on their way by then have arrived soon after.
        quiet = [
            push.arrived - moments[0]
            for push in service.pushes
            if 0.2 < push.arrived - moments[0] < 0.95
        ]
        assert not quiet, quiet

    @pytest.mark.parametrize("concurrency", [1, 4, 8])
    def test_a_limit_for_all_clients(self, upload: Upload, host: Host, concurrency: int) -> None:
        """An upload outlasts a rate limit that it is told of, whatever ``max_retries`` says."""
        service = host(rate=(6, 1.0))
        campaign = service.campaign(max_retries=0)
        report = upload(campaign, leads(150), max_records=10, concurrency=concurrency)
        check(report, service)
        assert report.accepted == 150
        # Each window is run into by no more than were in flight.
        assert refused(service, 429) <= 3 * concurrency
        assert service.scans == 0

    @pytest.mark.parametrize(
        ("count", "told"), [(6, {"retry_after": "0"}), (2, {})], ids=["0", "not told"]
    )
    def test_a_streak_of_them(
        self, upload: Upload, host: Host, count: int, told: dict[str, str]
    ) -> None:
        """Each with a moment that is now: there is a floor."""
        service = host(faults=first(count, status(429, **told)))
        campaign = service.campaign(max_retries=count)
        report = upload(campaign, leads(40), max_records=10, concurrency=1)
        check(report, service)
        assert report.accepted == 40
        began, taken = service.pushes[0].arrived, service.pushes[count].arrived
        assert taken - began > 0.01 * count

    def test_so_many_at_once_and_no_more(self, upload: Upload, host: Host) -> None:
        """The width halves, and grows again with care."""
        service = host(busy_above=3, faults=always(delay(0.01)))
        campaign = service.campaign(max_retries=8)
        report = upload(campaign, leads(400), max_records=5, concurrency=12)
        check(report, service)
        assert report.accepted == 400
        assert refused(service, 429) <= 60

    def test_the_width_grows_again(self, upload: Upload, host: Host) -> None:
        """One 429 early on is no reason to go one by one for good."""
        service = host(faults=each(at({0: status(429, retry_after="0")}), always(delay(0.01))))
        report = upload(service, leads(600), max_records=5, concurrency=4)
        check(report, service)
        assert service.most_in_flight == 4
        late = service.pushes[60:]
        spread = late[-1].arrived - late[0].arrived
        # One by one, each would take its 10 ms.
        assert spread < 0.01 * len(late) * 0.8

    def test_one_that_lasts_for_ever_ends(self, upload: Upload, host: Host) -> None:
        service = host(faults=always(status(429, retry_after="0")))
        campaign = service.campaign(max_retries=1)
        with pytest.raises(revrag.UploadError) as info:
            upload(campaign, leads(1000), max_records=10, give_up_after=1.0)
        assert isinstance(info.value.__cause__, errors.RateLimitError)
        report = info.value.report
        check(report, service)
        assert report.not_sent == report.total
        assert len(service.pushes) <= 60


class TestPace:
    @pytest.mark.parametrize("share", [0.0, 0.5])
    def test_what_goes_again_keeps_it_too(self, upload: Upload, host: Host, share: float) -> None:
        """Rows that were lost are rows on the wire."""
        rate, size = 100.0, 10
        lost = at(dict.fromkeys((1, 3, 4, 6), reset(applied=share)))
        service = host(faults=lost)
        report = upload(
            service, leads(80), max_records=size, concurrency=4, max_records_per_second=rate
        )
        check(report, service)
        assert report.accepted == 80
        began, rows = service.pushes[0].arrived, 0
        for push in service.pushes:
            # What left may have been held up on its way, by a busy machine.
            assert rows <= (push.arrived - began + 0.15) * rate + size
            rows += len(push.records)

    def test_after_a_rate_limit_too(self, upload: Upload, host: Host) -> None:
        rate, size = 100.0, 10
        service = host(faults=first(3, status(429, retry_after="0")))
        upload(
            service.campaign(max_retries=5),
            leads(60),
            max_records=size,
            concurrency=4,
            max_records_per_second=rate,
        )
        taken = service.pushes[3:]
        seconds = taken[-1].arrived - taken[0].arrived
        assert sum(len(push.records) for push in taken[:-1]) <= (seconds + 0.15) * rate + size


class TestSizes:
    @pytest.mark.parametrize("limit", [{"max_batch": 30}, {"max_body": 3000}], ids=str)
    def test_a_413_is_learned_once(self, send: Send, host: Host, limit: dict[str, int]) -> None:
        service = host(**limit)
        report = send(service, leads(1000), max_records=100)
        check(report, service)
        assert report.accepted == 1000
        # The way down, and a few in between.
        assert refused(service, 413) <= 8

    def test_with_several_in_flight(self, upload: Upload, host: Host) -> None:
        service = host(max_batch=30)
        report = upload(service, leads(2000), max_records=100, concurrency=4)
        check(report, service)
        assert report.accepted == 2000
        # Those that were cut before the first answer meet it as well.
        assert refused(service, 413) <= 40

    def test_what_is_taken_is_used(self, send: Send, host: Host) -> None:
        """Having met one limit, chunks are not cut to crumbs."""
        service = host(max_batch=60)
        report = send(service, leads(1200), max_records=100)
        check(report, service)
        taken = [len(push.records) for push in service.pushes if push.refused is None]
        assert len(taken) <= 1200 / 60 * 2 + 4

    def test_one_large_row_says_nothing_of_the_others(self, send: Send, host: Host) -> None:
        service = host(max_body=6000)
        source = leads(400)
        source[17]["variables"]["name"] = "x" * 8000
        report = send(service, source, max_records=40)
        found = check(report, service)
        assert [row["row"] for row in found if row["outcome"] == "rejected"] == [17]
        taken = [push for push in service.pushes if push.refused is None]
        assert len(taken) <= 60

    def test_a_limit_is_learned_for_what_goes_again(self, send: Send, host: Host) -> None:
        """What is lost and proven absent is cut by what is known by then."""
        service = host(max_batch=15, faults=at({4: reset(), 9: reset()}))
        report = send(service, leads(300), max_records=60)
        check(report, service)
        assert report.accepted == 300
        assert refused(service, 413) <= 10

    def test_a_part_is_written_not_its_chunk(self, run: Run, host: Host, tmp_path: Path) -> None:
        """A chunk of many answers costs a few pages of the journal for each."""
        size, rows = 5, 3000
        service = host(max_batch=size)
        finished = run(
            """
            import json
            def written():
                with open("/proc/self/io") as file:
                    return int(next(line for line in file if line.startswith("wchar")).split()[1])
            url, journal, rows = sys.argv[1:]
            source = [{"phone_number": f"+9198{row:08d}", "row": row} for row in range(int(rows))]
            before = written()
            report = campaign(url).upload(source, journal=journal, max_records=len(source))
            print(json.dumps([report.accepted, written() - before]))
            """,
            service.url,
            tmp_path / "leads.journal",
            rows,
        )
        accepted, written = json.loads(finished.out)
        assert accepted == rows
        assert written < rows / size * 60_000


class TestAllRefused:
    @pytest.mark.parametrize("nameless", [True, False], ids=["nameless", "named"])
    def test_a_service_that_takes_no_row(self, send: Send, host: Host, nameless: bool) -> None:
        """Its schema is another: it does not get the whole source row by row."""
        service = host(nameless=nameless)
        source: list[dict[str, Any]] = leads(4000)
        for lead in source:
            lead["variables"]["service"] = "names"
        report = send(service, source, max_records=100)
        found = check(report, service)
        assert {row["outcome"] for row in found} <= {"rejected", "not_sent"}
        assert len(service.pushes) <= 600

    def test_it_is_an_error_with_its_cause(self, upload: Upload, host: Host) -> None:
        service = host(faults=always(status(422, detail="Another schema.")))
        with pytest.raises(revrag.UploadError, match=r"422|schema") as info:
            upload(service, leads(4000), max_records=100)
        assert isinstance(info.value.__cause__, errors.UnprocessableEntityError)
        check(info.value.report, service)
        assert len(service.pushes) <= 600

    def test_some_bad_rows_are_no_reason(self, send: Send, host: Host) -> None:
        service = host(nameless=True)
        source = leads(600)
        for lead in source[::60]:
            lead["variables"]["service"] = "names"
        report = send(service, source, max_records=60)
        check(report, service)
        assert (report.accepted, report.rejected) == (590, 10)


def test_lost_and_limited_at_once(send: Send, host: Host) -> None:
    """All of it together, and each row is still itself."""

    def plan(exchange: Exchange) -> Fault | None:
        if exchange.kind != "push":
            return status(429, retry_after="0") if exchange.number % 5 == 4 else None
        acts = {3: reset(applied=0.5), 5: status(429, retry_after="0"), 8: status(502, applied=1.0)}
        return acts.get(exchange.number % 11)

    service = host(max_batch=25, faults=plan)
    report = send(service.campaign(max_retries=4), leads(600), max_records=60, concurrency=3)
    check(report, service)
    assert report.accepted == 600
