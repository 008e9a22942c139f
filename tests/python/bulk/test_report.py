"""The report: its counters, its rows in every library, and how it reads."""

from __future__ import annotations

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import revrag
from bulk.conftest import Upload
from support.service import Service
from support.upload import COLUMNS, OUTCOMES, check, leads, messy, number, rows


@pytest.fixture
def report(upload: Upload, service: Service) -> revrag.UploadReport:
    source, _ = messy(300, seed=1)
    source += [{"phone_number": 9812345678, "row": 300}, {"phone_number": 9812345678, "row": 301}]
    return upload(service, source, on_duplicate="reject")


def test_the_counters(report: revrag.UploadReport, service: Service) -> None:
    assert report.total == 302
    assert sum(getattr(report, name) for name in OUTCOMES) == 302
    assert report.accepted == len(service.applied)
    assert report.repaired == 1
    assert report.duplicate == 1
    assert report.invalid > 0
    assert report.rejected > 0
    assert (report.unknown, report.not_sent) == (0, 0)
    assert isinstance(report.elapsed, float)
    assert report.elapsed > 0
    check(report, service)


def test_tokens_are_the_upload_and_the_row(report: revrag.UploadReport, service: Service) -> None:
    assert report.upload_id
    for stored in service.applied:
        assert stored.session == f"{report.upload_id}-{stored.variables['row']}"


def test_another_upload_has_another_id(upload: Upload, service: Service) -> None:
    ids = {upload(service, leads(1)).upload_id for _ in range(5)}
    assert len(ids) == 5


def test_in_polars(report: revrag.UploadReport) -> None:
    frame = pl.DataFrame(report)
    assert frame.columns == COLUMNS
    assert frame["row"].dtype.is_integer()
    assert frame["row"].to_list() == list(range(302))
    accepted = frame.filter(pl.col("outcome") == "accepted")
    assert accepted["run_id"].null_count() == 0
    assert len(accepted) == report.accepted


def test_in_pyarrow(report: revrag.UploadReport) -> None:
    table = pa.table(report)
    assert table.column_names == COLUMNS
    assert table.num_rows == 302
    assert pa.RecordBatchReader.from_stream(report).read_all() == table


def test_in_pandas(report: revrag.UploadReport) -> None:
    frame = pd.DataFrame.from_arrow(report)
    assert list(frame.columns) == COLUMNS
    assert len(frame) == 302


def test_it_can_be_read_again(report: revrag.UploadReport) -> None:
    assert rows(report) == rows(report)
    assert pl.DataFrame(report).equals(pl.DataFrame(report))


def test_a_join_with_the_source(upload: Upload, service: Service) -> None:
    """What the column ``row`` is for."""
    numbers = [number(0), "no number", number(2)]
    source = pl.DataFrame({"phone_number": numbers, "name": ["a", "b", "c"]})
    report = upload(service, source)
    joined = source.with_row_index("row").join(
        pl.DataFrame(report).select(pl.col("row").cast(pl.UInt32), "outcome"), on="row"
    )
    assert joined.filter(pl.col("outcome") == "invalid")["name"].to_list() == ["b"]


def test_it_reads_like_a_receipt(report: revrag.UploadReport) -> None:
    """Counts and no personal data."""
    for text in (str(report), repr(report)):
        assert str(report.accepted) in text
        assert "accepted" in text
        assert report.upload_id in text
        for stored in ("9812345678", "no number", "Zoë"):
            assert stored not in text


def test_an_empty_report_has_the_columns(upload: Upload, service: Service) -> None:
    report = upload(service, [])
    assert pl.DataFrame(report).columns == COLUMNS
    assert str(report)


def test_a_large_report_comes_in_order(upload: Upload, service: Service) -> None:
    source = leads(20_000)
    report = upload(service, source, max_records=333)
    found = check(report, service)
    assert [row["phone_number"] for row in found] == [lead["phone_number"] for lead in source]
