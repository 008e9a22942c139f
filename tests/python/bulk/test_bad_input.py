"""Bad input: each is an error that names row and column and no number; nothing sent is lost."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pytest
import revrag
from bulk.conftest import Upload
from support.service import Service
from support.upload import check, leads, number, private, rows

SECRET = "9876543210"


def failing(
    upload: Upload, service: Service, source: object, **options: Any
) -> tuple[revrag.RevragError, str]:
    """The error of an upload, after all that must hold of any: what it says, and what it tells."""
    with pytest.raises((revrag.InvalidArgumentError, revrag.UploadError)) as info:
        upload(service, source, **options)
    error = info.value
    private(error, SECRET)
    if isinstance(error, revrag.UploadError):
        told = {row["run_id"] for row in rows(error.report)} - {None}
        assert told == {stored.run_id for stored in service.applied}
        assert error.report.unknown == 0
    else:
        # An InvalidArgumentError says that nothing was sent.
        assert not service.pushes
    return error, f"{error} {error.__cause__ or ''}"


def table_lines(count: int, bad: int, line: bytes) -> bytes:
    """A CSV file with one bad row."""
    made = [f"{number(row)},{row}\n".encode() for row in range(count)]
    made[bad] = line
    return b"phone_number,row\n" + b"".join(made)


CSV = {
    "a field too many": b"+919876543210,1,2\n",
    "a field too few": b"+919876543210\n",
    "broken UTF-8": b"+919876543210,\xff\xfe\n",
    "broken UTF-8 in the number": b"+9198765\xc343210,1\n",
}


@pytest.mark.parametrize("bad", [0, 3, 2500])
@pytest.mark.parametrize("kind", CSV)
def test_a_row_of_a_csv_file(
    upload: Upload, service: Service, tmp_path: Path, kind: str, bad: int
) -> None:
    path = tmp_path / "leads.csv"
    path.write_bytes(table_lines(bad + 10, bad, CSV[kind]))
    _, text = failing(upload, service, path, max_records=100)
    assert f"row {bad}" in text
    # What came before it is there or not, and the report says which.
    assert {int(stored.variables["row"]) for stored in service.applied} <= set(range(bad))


def test_it_is_the_row_that_counts_not_the_line(
    upload: Upload, service: Service, tmp_path: Path
) -> None:
    """A quoted field may hold line breaks."""
    path = tmp_path / "leads.csv"
    path.write_bytes(
        b'phone_number,note\n+919876543210,"a\nb\nc"\n+919876543211,x\n+919876543210\n'
    )
    _, text = failing(upload, service, path)
    assert "row 2" in text


def test_a_quote_that_never_ends(upload: Upload, service: Service, tmp_path: Path) -> None:
    path = tmp_path / "leads.csv"
    path.write_bytes(b'phone_number,note\n+919876543211,x\n+919876543210,"never\n')
    try:
        report = upload(service, path)
    except revrag.RevragError as error:
        private(error, SECRET)
    else:
        # Some readers take the rest of the file as the field; then it must be all there.
        assert report.total == 2


JSON = {
    "no JSON": b"{phone_number: +919876543210}",
    "cut short": b'{"phone_number": "+919876543210"',
    "broken UTF-8": b'{"phone_number": "+919876543210", "row": "\xff"}',
}


@pytest.mark.parametrize("bad", [0, 3, 2500])
@pytest.mark.parametrize("kind", JSON)
def test_a_line_of_a_json_file(
    upload: Upload, service: Service, tmp_path: Path, kind: str, bad: int
) -> None:
    lines = [
        f'{{"phone_number": "{number(row)}", "row": {row}}}'.encode() for row in range(bad + 9)
    ]
    lines[bad] = JSON[kind]
    path = tmp_path / "leads.jsonl"
    path.write_bytes(b"\n".join(lines))
    _, text = failing(upload, service, path, max_records=100)
    assert f"row {bad}" in text


CUT: dict[str, Callable[[Path], object]] = {
    "leads.parquet": lambda path: big_frame().write_parquet(path, row_group_size=500),
    "leads.arrow": lambda path: big_frame().write_ipc(path, compression="uncompressed"),
    "leads.csv.gz": lambda path: path.write_bytes(
        gzip.compress(big_frame().write_csv().encode(), 1)
    ),
}


def big_frame() -> pl.DataFrame:
    numbers = [number(row) for row in range(5000)]
    return pl.DataFrame({"phone_number": numbers, "row": range(5000)})


@pytest.mark.parametrize("share", [0.01, 0.5, 0.99])
@pytest.mark.parametrize("name", CUT)
def test_a_file_cut_short(
    upload: Upload, service: Service, tmp_path: Path, name: str, share: float
) -> None:
    path = tmp_path / name
    CUT[name](path)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    error, text = failing(upload, service, path)
    assert name in text, error


def test_a_damaged_page_in_a_parquet_file(upload: Upload, service: Service, tmp_path: Path) -> None:
    """The end of the file is good, so the damage shows late."""
    path = tmp_path / "leads.parquet"
    numbers = [number(row) for row in range(40_000)]
    pl.DataFrame({"phone_number": numbers}).write_parquet(path, row_group_size=4000)
    content = bytearray(path.read_bytes())
    middle = len(content) * 2 // 3
    content[middle : middle + 4000] = bytes(4000)
    path.write_bytes(content)
    _, text = failing(upload, service, path, on_invalid="send", region=None)
    assert "leads.parquet" in text


NOT_WHAT_THEY_SEEM: dict[str, bytes] = {
    "leads.parquet": b"phone_number\n+919876543210\n",
    "leads.arrow": b"phone_number\n+919876543210\n",
    "leads.csv.gz": b"phone_number\n+919876543210\n",
}


@pytest.mark.parametrize("name", NOT_WHAT_THEY_SEEM)
def test_a_file_of_another_kind(
    upload: Upload, service: Service, tmp_path: Path, name: str
) -> None:
    path = tmp_path / name
    path.write_bytes(NOT_WHAT_THEY_SEEM[name])
    _, text = failing(upload, service, path)
    assert name in text or "phone_number" in text


@pytest.mark.parametrize("bad", [0, 3, 2500])
def test_a_generator_that_raises_half_way(upload: Upload, service: Service, bad: int) -> None:
    oops = LookupError("the database is gone")

    def source() -> Iterator[dict[str, Any]]:
        yield from leads(bad)
        raise oops

    with pytest.raises(revrag.UploadError) as info:
        upload(service, source(), max_records=100)
    assert info.value.__cause__ is oops
    assert f"row {bad}" in private(info.value, number(max(bad - 1, 0))[3:])
    check(info.value.report, service)


def test_the_same_for_a_reader_of_batches(upload: Upload, service: Service) -> None:
    def batches() -> Iterator[pa.RecordBatch]:
        for start in (0, 100):
            numbers = [number(row) for row in range(start, start + 100)]
            yield pa.record_batch({"phone_number": numbers, "row": range(start, start + 100)})
        raise LookupError("the database is gone")

    schema = pa.schema({"phone_number": pa.string(), "row": pa.int64()})
    reader = pa.RecordBatchReader.from_batches(schema, batches())
    with pytest.raises(revrag.RevragError) as info:
        upload(service, reader, max_records=50)
    assert "the database is gone" in f"{info.value} {info.value.__cause__}"
    if isinstance(info.value, revrag.UploadError):
        check(info.value.report, service)
    else:
        assert not service.pushes


def test_it_goes_on_with_a_journal(upload: Upload, service: Service, tmp_path: Path) -> None:
    """What broke is mended, and the upload goes on."""
    path, journal = tmp_path / "leads.csv", tmp_path / "leads.journal"
    path.write_bytes(table_lines(3000, 2500, CSV["broken UTF-8"]))
    failing(upload, service, path, journal=journal, max_records=100)
    path.write_bytes(table_lines(3000, 2500, f"{number(2500)},2500\n".encode()))
    report = upload(service, path, journal=journal, max_records=100)
    assert report.accepted == 3000
    assert sorted(int(stored.variables["row"]) for stored in service.applied) == list(range(3000))


def test_an_item_without_a_number(upload: Upload, service: Service) -> None:
    """Its fate is its own: the others go."""
    report = upload(service, [{"variables": {"row": 0}}, *leads(2, start=1)])
    found = check(report, service)
    assert [row["outcome"] for row in found] == ["invalid", "accepted", "accepted"]


def test_an_integer_column_beyond_64_bits(upload: Upload, service: Service) -> None:
    """Polars and pandas make of such a column something else; a phone number it is not."""
    frame = pl.DataFrame(
        {
            "phone_number": pl.Series([98765432109876543210987, 919876543210], dtype=pl.Int128),
            "row": [0, 1],
        }
    )
    error, text = failing(upload, service, frame)
    assert isinstance(error, revrag.InvalidArgumentError)
    assert "phone_number" in text


def test_a_missing_column(upload: Upload, service: Service) -> None:
    frame = pl.DataFrame({"mobile": ["+919876543210"], "name": ["Riya"]})
    error, text = failing(upload, service, frame)
    assert isinstance(error, revrag.InvalidArgumentError)
    assert "phone_number" in text
    assert "mobile" in text


def test_two_columns_of_one_name(upload: Upload, service: Service) -> None:
    """Which of them is meant is not for us to guess."""
    numbers = pa.array(["+919876543210"])
    table = pa.Table.from_arrays([numbers, numbers], names=["phone_number", "phone_number"])
    error, text = failing(upload, service, table)
    assert isinstance(error, revrag.InvalidArgumentError)
    assert "phone_number" in text
