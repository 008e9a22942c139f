"""An upload that goes on from its journal: what was known stays, what was lost is settled."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
import revrag
from bulk.conftest import Host, Upload, stopped
from support.service import Service, at, reset
from support.upload import check, leads, messy, number, rows


def test_after_a_stop(upload: Upload, service: Service, journal: Path) -> None:
    before = stopped(upload, service, journal, leads(100))
    assert before.accepted == 30
    report = upload(service, leads(100), journal=journal)
    check(report, service)
    assert report.accepted == 100
    assert report.upload_id == before.upload_id
    assert rows(report)[:30] == rows(before)[:30]
    # Nothing that was known went again.
    assert sum(len(push.records) for push in service.pushes) == 110


def test_when_it_was_done(upload: Upload, service: Service, journal: Path) -> None:
    source, expected = messy(300, seed=2)
    once = upload(service, source, journal=journal, max_records=40)
    sent = len(service.pushes)
    again = upload(service, source, journal=journal, max_records=40)
    assert rows(again) == rows(once)
    assert [row["outcome"] for row in check(again, service)] == expected
    assert (again.upload_id, again.repaired) == (once.upload_id, once.repaired)
    assert len(service.pushes) == sent


def test_it_counts_the_same(upload: Upload, service: Service, journal: Path) -> None:
    """Repairs, invalid rows and duplicates of before are in the report too."""
    numbers = [9800000000 + row for row in range(40)]
    frame = pl.DataFrame({"phone_number": [*numbers, 12, numbers[0]], "row": range(42)})
    stopped(upload, service, journal, frame, on_duplicate="reject")
    report = upload(service, frame, journal=journal, on_duplicate="reject")
    check(report, service)
    assert (report.accepted, report.invalid, report.duplicate) == (40, 1, 1)
    assert report.repaired == 40


def test_a_duplicate_of_a_row_before_the_stop(
    upload: Upload, service: Service, journal: Path
) -> None:
    source = [*leads(60)]
    source[55]["phone_number"] = source[2]["phone_number"]
    stopped(upload, service, journal, source, on_duplicate="reject")
    report = upload(service, source, journal=journal, on_duplicate="reject")
    assert check(report, service)[55]["outcome"] == "duplicate"
    assert report.accepted == 59


def test_a_number_that_a_later_row_has_left_with(
    upload: Upload, service: Service, journal: Path
) -> None:
    """A row that was invalid is corrected to it: it is the second of that number now."""
    source = [*leads(60)]
    source[1]["phone_number"] = "12"
    stopped(upload, service, journal, source, on_duplicate="reject")
    source[1]["phone_number"] = source[5]["phone_number"]
    for _ in range(2):
        report = upload(service, source, journal=journal, on_duplicate="reject")
        told = check(report, service)
        assert (told[1]["outcome"], told[5]["outcome"]) == ("duplicate", "accepted")
        assert (report.accepted, report.duplicate) == (59, 1)


def test_lost_chunks_are_settled(upload: Upload, host: Host, journal: Path) -> None:
    """Stopped with half of a chunk there: the other half goes out, with the same tokens."""
    service = host(faults=at({2: reset(applied=0.5)}))
    with pytest.raises(revrag.UploadError) as info:
        upload(
            service,
            leads(50),
            journal=journal,
            max_records=10,
            concurrency=1,
            on_unknown="stop",
        )
    assert info.value.report.unknown == 10
    report = upload(service, leads(50), journal=journal)
    check(report, service)
    assert report.accepted == 50
    assert sum(len(push.records) for push in service.pushes) == 55


def test_own_ids_are_settled_too(upload: Upload, host: Host, journal: Path) -> None:
    """By the clock of the first run, not of the second."""
    service = host(faults=at({2: reset(applied=0.5)}), skew=-7200)
    source = [{**lead, "app_session_id": "visit"} for lead in leads(50)]
    for lead in source:
        service.remember(lead)
    options = {"journal": journal, "max_records": 10, "concurrency": 1}
    with pytest.raises(revrag.UploadError):
        upload(service, source, on_unknown="stop", **options)
    report = upload(service, source, **options)
    check(report, service)
    assert report.accepted == 50


def test_left_rows_are_settled_when_asked(upload: Upload, host: Host, journal: Path) -> None:
    service = host(faults=at({1: reset(applied=0.5)}))
    options = {"journal": journal, "max_records": 10, "concurrency": 1}
    assert upload(service, leads(30), on_unknown="leave", **options).unknown == 10
    report = upload(service, leads(30), **options)
    check(report, service)
    assert report.accepted == 30


def test_the_cuts_are_kept(upload: Upload, service: Service, journal: Path) -> None:
    """Other sizes and another concurrency are for what was not cut yet."""
    stopped(upload, service, journal, leads(100))
    report = upload(service, leads(100), journal=journal, max_records=7, concurrency=3)
    check(report, service)
    assert report.accepted == 100


def test_after_a_413(upload: Upload, host: Host, journal: Path) -> None:
    service = host(max_batch=4)
    before = stopped(upload, service, journal, leads(40))
    check(before, service)
    report = upload(service, leads(40), journal=journal)
    check(report, service)
    assert report.accepted == 40


def test_rejections_stay(upload: Upload, service: Service, journal: Path) -> None:
    source, expected = messy(400, seed=9)
    stopped(upload, service, journal, source)
    report = upload(service, source, journal=journal)
    assert [row["outcome"] for row in check(report, service)] == expected


def test_appended_rows_are_sent(upload: Upload, service: Service, journal: Path) -> None:
    upload(service, leads(25), journal=journal, max_records=10)
    report = upload(service, leads(60), journal=journal, max_records=10)
    check(report, service)
    assert (report.total, report.accepted) == (60, 60)
    assert sum(len(push.records) for push in service.pushes) == 60


def test_appended_after_a_stop(upload: Upload, service: Service, journal: Path) -> None:
    stopped(upload, service, journal, leads(50))
    report = upload(service, leads(80), journal=journal)
    check(report, service)
    assert report.accepted == 80


def test_it_may_be_another_kind_of_source(upload: Upload, service: Service, journal: Path) -> None:
    """What counts is the rows."""
    source = leads(60)
    stopped(upload, service, journal, iter(source))
    report = upload(service, source, journal=journal)
    check(report, service)
    assert report.accepted == 60


def test_a_file(upload: Upload, service: Service, journal: Path) -> None:
    path = journal.with_name("leads.csv")
    frame = pl.DataFrame({"phone_number": [number(n) for n in range(80)], "row": range(80)})
    frame.write_csv(path)
    stopped(upload, service, journal, path)
    report = upload(service, path, journal=str(journal))
    assert report.accepted == 80
    sent = sorted(int(stored.variables["row"]) for stored in service.applied)
    assert sent == list(range(80))
