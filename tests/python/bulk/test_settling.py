"""Unknown outcomes, settled by a listing that nobody promised to be kind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
import revrag
from bulk.conftest import Host, Upload
from support.service import (
    Fault,
    Service,
    always,
    at,
    drawn,
    each,
    first,
    garbage,
    hold,
    late,
    reset,
    status,
    truncate,
)
from support.upload import check, leads, number, outcomes, rows

COUNT = 900
# Every third chunk is lost after it was applied, every third half-way, every third before.
LOST = at({n: (reset(applied=1.0), status(500, applied=0.5), reset())[n % 3] for n in range(9)})

# How it lists, and whether a scan can ever be sure of it.
LISTINGS: dict[str, tuple[dict[str, Any], bool]] = {
    "oldest first": ({"order": "oldest"}, True),
    "newest first": ({"order": "newest"}, True),
    "oldest first, others pushing": ({"order": "oldest", "writers": 12}, True),
    "newest first, others pushing": ({"order": "newest", "writers": 8}, True),
    "moving between pages, then calm": ({"order": "restless", "calm_after": 8}, True),
    "shuffled anew for every page": ({"order": "shuffled"}, False),
    "moving between pages all the time": ({"order": "restless"}, False),
    "newest first, others always pushing": ({"order": "newest", "writers": 1 << 30}, False),
}


def with_sessions(count: int) -> list[dict[str, Any]]:
    """Leads with the caller's own ids."""
    made = leads(count)
    for row, lead in enumerate(made):
        lead["app_session_id"] = f"visit-{row}"
        lead["app_user_id"] = f"user-{row % 50}"
    return made


SOURCES: dict[str, Callable[[int], list[dict[str, Any]]]] = {
    "tokens": leads,
    "own ids": with_sessions,
}


def yesterday(service: Service, source: list[dict[str, Any]]) -> None:
    """The very same leads, pushed a day ago."""
    for lead in source:
        service.remember(lead)


@pytest.mark.parametrize("ids", SOURCES)
@pytest.mark.parametrize("listing", LISTINGS)
def test_a_hostile_listing(upload: Upload, host: Host, listing: str, ids: str) -> None:
    """No row is lost or sent twice. Where a scan can't be sure, a row is unknown at worst."""
    options, settles = LISTINGS[listing]
    service = host(faults=LOST, seed=len(listing), **options)
    source = SOURCES[ids](COUNT)
    yesterday(service, source)
    report = upload(service, source, max_records=100)
    found = check(report, service)
    assert {row["outcome"] for row in found} <= {"accepted", "unknown"}
    if settles:
        assert report.accepted == COUNT
    assert service.scans >= 1


@pytest.mark.parametrize("ids", SOURCES)
def test_a_scan_reads_every_page_and_filters_nothing(upload: Upload, host: Host, ids: str) -> None:
    service = host(faults=first(1, reset(applied=1.0)))
    upload(service, SOURCES[ids](500), max_records=500)
    pages = {int(query.get("page", 1)) for query in service.queries}
    size = int(service.queries[0].get("page_size", 50))
    assert pages == set(range(1, -(-500 // size) + 1))
    assert not any("status" in query for query in service.queries)


LOSSES: dict[str, Fault] = {
    "reset before": reset(),
    "reset half-way": reset(applied=0.5),
    "reset after": reset(applied=1.0),
    **{
        f"{code} {when}": status(code, applied=share)
        for code in (408, 500, 502, 503, 504)
        for when, share in (("before", 0.0), ("after", 1.0))
    },
    "timeout before": hold(applied=0.0),
    "timeout after": hold(),
    "truncated": truncate(),
    "no JSON": garbage(),
}


@pytest.mark.parametrize("ids", SOURCES)
@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss(upload: Upload, host: Host, loss: str, ids: str) -> None:
    service = host(faults=at({0: LOSSES[loss], 2: LOSSES[loss]}))
    timed = LOSSES[loss].act == "hold"
    campaign = service.campaign(timeout=0.5 if timed else 30)
    report = upload(campaign, SOURCES[ids](40), max_records=10)
    check(report, service)
    assert report.accepted == 40
    # Only what was not there goes again. (On a busy machine, more may time out than was meant to.)
    sent = sum(len(push.records) for push in service.pushes)
    assert timed or sent == 40 + round(20 * (1 - LOSSES[loss].applied))


def test_tokens_stay_the_same(upload: Upload, host: Host) -> None:
    """What goes out again carries the token it had."""
    service = host(faults=at({0: reset(), 1: reset(applied=0.3), 2: reset()}))
    upload(service, leads(30), max_records=30)
    tokens: dict[int, set[str]] = {}
    for push in service.pushes:
        for record in push.records:
            tokens.setdefault(record["variables"]["row"], set()).add(record["app_session_id"])
    # What goes again goes in halves.
    assert len(service.pushes) > 4
    assert {len(seen) for seen in tokens.values()} == {1}


def test_one_scan_serves_all_unknown_chunks(upload: Upload, host: Host) -> None:
    service = host(faults=first(20, reset(applied=1.0)))
    report = upload(service, leads(200), max_records=10)
    check(report, service)
    assert report.accepted == 200
    assert service.scans <= 10


def test_no_scan_without_need(upload: Upload, service: Service) -> None:
    upload(service, leads(50), max_records=10)
    assert service.queries == []


def test_what_the_service_had_rejected_is_rejected_again(upload: Upload, host: Host) -> None:
    service = host(faults=at({0: reset(applied=1.0)}))
    source = leads(10)
    source[4]["variables"]["service"] = "rejects"
    report = upload(service, source)
    found = check(report, service)
    assert [row["row"] for row in found if row["outcome"] == "rejected"] == [4]
    assert [len(push.records) for push in service.pushes] == [10, 1]


def test_it_waits_for_the_service_to_finish(upload: Upload, host: Host) -> None:
    """A push that is applied after the client gave up on it, within ``settle_after``."""
    service = host(faults=at({0: late(), 3: late()}))
    campaign = service.campaign(timeout=0.3)
    report = upload(campaign, leads(40), max_records=10, settle_after=2.0)
    check(report, service)
    assert report.accepted == 40


def test_reads_that_fail_are_tried_again(upload: Upload, host: Host) -> None:
    lost = at({0: reset(applied=1.0)})
    service = host(faults=each(lost, drawn(3, pushes=0.0, reads=0.3)))
    report = upload(service.campaign(max_retries=10), leads(900), max_records=300)
    check(report, service)
    assert report.accepted == 900


def test_a_listing_that_cannot_be_read(upload: Upload, host: Host) -> None:
    """Nothing is sent on a guess; what was lost is unknown."""

    plan = each(at({1: reset(applied=0.5)}), always(status(500), "records"))
    service = host(faults=plan)
    campaign = service.campaign(max_retries=0)
    try:
        report = upload(campaign, leads(30), max_records=10, concurrency=1)
    except revrag.UploadError as error:
        report = error.report
    found = check(report, service)
    assert [row["outcome"] for row in found][10:20] == ["unknown"] * 10
    assert [row["outcome"] for row in found][:10] == ["accepted"] * 10
    # The ten were sent once.
    tens = [push for push in service.pushes if push.records[0]["variables"]["row"] == 10]
    assert len(tens) == 1


class TestOnUnknown:
    FAULTS = staticmethod(at({1: reset(applied=0.5)}))

    def test_leave(self, upload: Upload, host: Host) -> None:
        service = host(faults=self.FAULTS)
        report = upload(
            service, leads(40), max_records=10, concurrency=1, on_unknown="leave", settle_after=600
        )
        assert outcomes(report) == ["accepted"] * 10 + ["unknown"] * 10 + ["accepted"] * 20
        check(report, service)
        assert service.queries == []
        assert len(service.pushes) == 4

    def test_stop(self, upload: Upload, host: Host) -> None:
        service = host(faults=self.FAULTS)
        with pytest.raises(revrag.UploadError) as info:
            upload(
                service,
                leads(40),
                max_records=10,
                concurrency=1,
                on_unknown="stop",
                settle_after=600,
            )
        report = info.value.report
        found = outcomes(report)
        assert found[:20] == ["accepted"] * 10 + ["unknown"] * 10
        assert set(found[20:]) <= {"not_sent"}
        check(report, service)
        assert isinstance(info.value.__cause__, revrag.RevragError)

    def test_an_unknown_row_says_why(self, upload: Upload, host: Host) -> None:
        service = host(faults=always(reset(applied=1.0)))
        report = upload(service, leads(3), on_unknown="leave")
        for row in rows(report):
            assert row["error"]
            assert row["phone_number"] not in row["error"]


class TestOwnIds:
    def test_they_are_sent_as_they_are(self, upload: Upload, service: Service) -> None:
        source = with_sessions(5)
        upload(service, source)
        assert [stored.record for stored in service.applied] == source

    def test_yesterdays_are_not_todays(self, upload: Upload, host: Host) -> None:
        """The same number, ids and variables, a day ago: nobody was called today."""
        service = host(faults=at({0: reset()}))
        source = with_sessions(20)
        yesterday(service, source)
        yesterday(service, source)
        report = upload(service, source)
        check(report, service)
        assert (report.accepted, len(service.applied)) == (20, 20)

    @pytest.mark.parametrize("skew", [-90_000.0, 90_000.0])
    def test_it_is_the_services_clock_that_counts(
        self, upload: Upload, host: Host, skew: float
    ) -> None:
        service = host(faults=at({0: reset(applied=0.5)}), skew=skew)
        source = with_sessions(20)
        yesterday(service, source)
        report = upload(service, source)
        check(report, service)
        assert report.accepted == 20

    def test_records_that_are_known_are_a_clock(self, upload: Upload, host: Host) -> None:
        """Those that were accepted tell when the upload was, where no ``Date`` does."""
        service = host(faults=at({1: reset(applied=0.5)}), date=False)
        source = with_sessions(30)
        yesterday(service, source)
        report = upload(service, source, max_records=10, concurrency=1)
        check(report, service)
        assert report.accepted == 30

    def test_without_any_clock_they_stay_unknown(self, upload: Upload, host: Host) -> None:
        service = host(faults=at({0: reset(applied=0.5)}), date=False)
        source = with_sessions(10)
        yesterday(service, source)
        report = upload(service, source)
        check(report, service)
        assert report.unknown == 10
        assert len(service.pushes) == 1

    def test_tokens_need_no_clock(self, upload: Upload, host: Host) -> None:
        service = host(faults=at({1: reset(applied=0.5)}), date=False)
        report = upload(service, leads(30), max_records=10)
        check(report, service)
        assert report.accepted == 30

    @pytest.mark.parametrize("applied", [0.0, 1.0])
    def test_rows_that_are_alike_are_a_multiset(
        self, upload: Upload, host: Host, applied: float
    ) -> None:
        """Three rows with the same everything are three calls, however many of them were lost."""
        same = {
            "phone_number": number(0),
            "app_user_id": "u",
            "app_session_id": "s",
            "variables": {"name": "Riya"},
        }
        service = host(faults=at({0: reset(applied=applied), 1: reset(applied=1 - applied)}))
        yesterday(service, [same] * 3)
        report = upload(service, [same] * 3, max_records=1, concurrency=1)
        assert report.accepted == 3
        ids = [row["run_id"] for row in rows(report)]
        assert sorted(ids) == sorted(stored.run_id for stored in service.applied)
        assert len(set(ids)) == 3

    def test_rows_alike_but_for_one_thing(self, upload: Upload, host: Host) -> None:
        """Half of a chunk was applied: exactly that half is found."""
        base = {"phone_number": number(0), "app_user_id": "u", "app_session_id": "s"}
        source = [
            {**base, "variables": {"row": 0}},
            {**base, "variables": {"row": 1}},
            {**base, "phone_number": number(1), "variables": {"row": 2}},
            {**base, "app_user_id": "v", "variables": {"row": 3}},
            {**base, "app_session_id": "t", "variables": {"row": 4}},
            {**base, "variables": {"row": 5, "deep": {"b": [1, {"c": 2}], "a": 1.5}}},
            {**base, "variables": {"row": 6, "deep": {"a": 1.5, "b": [1, {"c": 3}]}}},
            {**base, "variables": {"row": 7, "text": "é"}},
        ]
        service = host(faults=at({0: status(503, applied=0.5)}))
        report = upload(service, source)
        check(report, service)
        assert report.accepted == 8
        assert [len(push.records) for push in service.pushes] == [8, 2, 2]

    def test_rows_with_and_without(self, upload: Upload, host: Host) -> None:
        source = with_sessions(40)
        for lead in source[::2]:
            del lead["app_session_id"]
        service = host(faults=at({0: reset(applied=0.4), 1: reset(applied=1.0)}))
        report = upload(service, source, max_records=20)
        check(report, service)
        assert report.accepted == 40
        sessions = Counter(stored.session for stored in service.applied)
        assert set(sessions.values()) == {1}

    def test_other_writers_use_the_same_ids(self, upload: Upload, host: Host) -> None:
        """Others push the same session ids for other people meanwhile."""
        service = host(faults=at({0: reset()}), writers=3)
        source = [
            {"phone_number": number(row), "app_session_id": "theirs", "variables": {"row": row}}
            for row in range(20)
        ]
        report = upload(service, source)
        check(report, service)
        # Nothing of the upload was ever seen, and others have pushed: there is no proof.
        assert report.unknown == 20
