"""Rails: how many rows go, and when an upload is taken for a mistake."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import revrag
from bulk.conftest import Host, Upload, stopped
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.sandboxed import hosted
from support.service import Service, at, each, status
from support.upload import QUICK, check, leads, number, outcomes, private, rows


def sent(service: Service) -> list[int]:
    return [stored.variables["row"] for stored in service.applied]


# --- limit -----------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", [0, 1, 7, 10, 11])
def test_the_first_rows_go(upload: Upload, service: Service, limit: int) -> None:
    report = upload(service, leads(10), limit=limit, max_records=3)
    assert sorted(sent(service)) == list(range(min(limit, 10)))
    assert (report.accepted, report.not_sent) == (min(limit, 10), max(10 - limit, 0))
    for row in check(report, service)[limit:]:
        assert row["phone_number"] == number(row["row"])
        assert row["error"].startswith(f"it is beyond limit={limit}; ")


def test_rows_that_stay_home_take_no_place(upload: Upload, service: Service) -> None:
    source = leads(6)
    source[0]["phone_number"] = "12"
    source[2]["phone_number"] = source[1]["phone_number"]
    options = {"on_duplicate": "reject", "exclude": [number(3)]}
    report = upload(service, source, limit=2, **options)
    assert outcomes(report) == [
        "invalid",
        "accepted",
        "duplicate",
        "excluded",
        "accepted",
        "not_sent",
    ]


def test_a_row_that_the_service_refuses_took_its_place(upload: Upload, service: Service) -> None:
    source = leads(3)
    source[0]["variables"]["service"] = "rejects"
    report = upload(service, source, limit=2)
    assert outcomes(report) == ["rejected", "accepted", "not_sent"]


def test_the_next_call_goes_on(upload: Upload, service: Service, journal: Path) -> None:
    source = leads(25)
    for accepted in (10, 20, 25, 25):
        report = upload(service, source, journal=journal, limit=10, max_records=4)
        assert (report.accepted, report.not_sent) == (accepted, 25 - accepted)
        check(report, service)
    assert sorted(sent(service)) == list(range(25))


def test_the_next_call_may_have_no_limit(upload: Upload, service: Service, journal: Path) -> None:
    upload(service, leads(25), journal=journal, limit=3)
    report = upload(service, leads(30), journal=journal)
    assert report.accepted == 30
    assert len(check(report, service)) == 30


def test_without_a_journal_the_text_says_so(upload: Upload, service: Service) -> None:
    report = upload(service, leads(2), limit=1)
    assert "upload it without the rows that went before it" in rows(report)[1]["error"]


def test_rows_in_doubt_take_a_place_too(upload: Upload, service: Service, journal: Path) -> None:
    """A call with a limit calls no more people than that, whatever was under way before."""
    service.faults = at({0: status(503), 1: status(400)})
    with pytest.raises(revrag.UploadError):
        upload(service, leads(8), journal=journal, max_records=4, on_unknown="stop")
    service.faults = each()
    service.remember({"phone_number": "+919700000000", "variables": {}})
    report = upload(service, leads(8), journal=journal, limit=2)
    assert len(service.applied) <= 2
    assert report.accepted == len(service.applied)
    check(report, service)
    report = upload(service, leads(8), journal=journal)
    assert (report.accepted, sorted(sent(service))) == (8, list(range(8)))


def test_a_dry_run_shows_the_limit(upload: Upload, service: Service) -> None:
    report = upload(service, leads(3), limit=2, dry_run=True)
    assert [row["error"] is None for row in rows(report)] == [True, True, False]
    assert not service.pushes


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    count=st.integers(0, 40),
    limits=st.lists(st.integers(0, 15), min_size=1, max_size=5),
    size=st.integers(1, 9),
)
def test_any_limits_in_turn(
    tmp_path_factory: pytest.TempPathFactory, count: int, limits: list[int], size: int
) -> None:
    service, journal = hosted(), tmp_path_factory.mktemp("limits") / "leads.journal"
    try:
        gone = 0
        for limit in limits:
            gone = min(count, gone + limit)
            options: dict[str, Any] = {"journal": journal, "limit": limit, "max_records": size}
            report = service.campaign().upload(leads(count), **QUICK | options)
            assert (report.accepted, report.not_sent) == (gone, count - gone)
            assert sorted(sent(service)) == list(range(gone))
    finally:
        service.close()


# --- max_invalid -----------------------------------------------------------------------------

Make = Callable[[list[dict[str, Any]]], object]


def once(source: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    return iter(source)


def file(source: list[dict[str, Any]]) -> pl.DataFrame:
    return pl.DataFrame(source)


def wrong(count: int, bad: int) -> list[dict[str, Any]]:
    return [
        {"phone_number": f"Kumar {row}" if row < bad else number(row), "mobile": number(row)}
        for row in range(count)
    ]


@pytest.mark.parametrize("make", [list, once, file])
@pytest.mark.parametrize("most", [0.1, 10, 0.0, 0])
def test_too_many_are_stopped_before_the_first_byte(
    upload: Upload, service: Service, make: Make, most: float
) -> None:
    with pytest.raises(revrag.InvalidArgumentError) as info:
        upload(service, make(wrong(100, bad=11)), max_invalid=most)
    assert not service.pushes
    text = private(info.value, "Kumar", "98000")
    assert "11 of the 100 rows" in text
    assert 'phone_number="mobile"' in text
    assert 'row 0 "xxxxx #" (it contains letters)' in text
    assert "nothing was sent" in text


@pytest.mark.parametrize("make", [list, once, file])
@pytest.mark.parametrize("most", [0.1, 10, 1.0, None])
def test_as_many_as_may_be_are_sent(
    upload: Upload, service: Service, make: Make, most: float | None
) -> None:
    report = upload(service, make(wrong(100, bad=10)), max_invalid=most, variables=[])
    assert (report.accepted, report.invalid) == (90, 10)


def test_of_a_stream_the_first_rows_are_judged_together(upload: Upload, service: Service) -> None:
    """A bad beginning is not the whole: its 900 bad rows come first."""
    source = ({"phone_number": "12" if row < 900 else number(row)} for row in range(10_000))
    report = upload(service, source, max_invalid=0.1, variables=[], max_records=5000)
    assert (report.accepted, report.invalid) == (9100, 900)


def test_a_stream_that_goes_bad_is_stopped(upload: Upload, service: Service) -> None:
    source = ({"phone_number": number(row) if row < 20_000 else "12"} for row in range(60_000))
    with pytest.raises(revrag.UploadError) as info:
        upload(service, source, max_invalid=0.05, variables=[], max_records=5000)
    report = info.value.report
    assert report.accepted == len(service.applied)
    assert 10_000 <= report.accepted <= 20_000
    assert report.total < 60_000
    assert isinstance(info.value.__cause__, revrag.InvalidArgumentError)
    assert "nothing more is sent" in str(info.value)


def test_a_stream_that_is_bad_from_the_beginning_is_not_begun(
    upload: Upload, service: Service
) -> None:
    source = ({"phone_number": "12" if row % 2 else number(row)} for row in range(50_000))
    with pytest.raises(revrag.InvalidArgumentError, match="rows read are not valid"):
        upload(service, source, max_invalid=0.05, variables=[])
    assert not service.pushes


def test_a_dry_run_is_stopped_too(upload: Upload, service: Service) -> None:
    with pytest.raises(revrag.InvalidArgumentError, match="max_invalid"):
        upload(service, wrong(10, bad=1), max_invalid=0, dry_run=True)


def test_a_journal_is_free_afterwards(upload: Upload, service: Service, journal: Path) -> None:
    for _ in range(2):
        with pytest.raises(revrag.InvalidArgumentError, match="max_invalid"):
            upload(service, wrong(10, bad=2), max_invalid=1, journal=journal)
    report = upload(service, wrong(10, bad=1), max_invalid=1, journal=journal)
    assert (report.accepted, report.invalid) == (9, 1)


def test_an_upload_goes_on_under_its_rails(upload: Upload, service: Service, journal: Path) -> None:
    stopped(upload, service, journal, wrong(60, bad=3))
    report = upload(service, wrong(60, bad=3), journal=journal, max_invalid=0.05)
    assert (report.accepted, report.invalid) == (57, 3)


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("max_invalid", 1.5, "from 0.0 to 1.0"),
        ("max_invalid", -0.1, "from 0.0 to 1.0"),
        ("max_invalid", float("nan"), "from 0.0 to 1.0"),
        ("max_invalid", -1, "at least 0"),
        ("max_invalid", True, "a count of rows"),
        ("limit", -1, "at least 0"),
    ],
)
def test_what_no_rail_is(upload: Upload, host: Host, option: str, value: Any, said: str) -> None:
    service = host()
    with pytest.raises(revrag.InvalidArgumentError, match=said) as info:
        upload(service, leads(1), **{option: value})
    assert str(info.value).startswith(f"{option}: ")
    assert not service.pushes
    assert not service.queries
