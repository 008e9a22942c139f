"""Every kind of source, each through the real library: what arrives, and which row it was."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.csv
import pyarrow.feather
import pyarrow.parquet
import pytest
import revrag
from bulk.conftest import Upload
from support.service import Service
from support.upload import check, leads, number, rows

COUNT = 7
NAMES = ["Pankaj", "Zoë", "", 'say "hi"', "Riya\nNair", None, "अ, आ"]
CITIES = ["Pune", None, "Delhi", None, None, "Goa", "Agra"]
COLUMNS: dict[str, list[Any]] = {
    "phone_number": [number(row) for row in range(COUNT)],
    "row": list(range(COUNT)),
    "name": NAMES,
    "city": CITIES,
    "score": [0.5, 1.5, None, 3.25, 4.0, 5.0, -6.5],
    "active": [True, False, None, True, True, False, True],
}
# What each row's variables must be: nulls are left out.
VARIABLES = [
    {name: values[row] for name, values in COLUMNS.items() if name != "phone_number"}
    for row in range(COUNT)
]
VARIABLES = [{name: value for name, value in row.items() if value is not None} for row in VARIABLES]
# CSV has no types, and an empty field is null.
TEXTS = [
    {
        name: {True: "true", False: "false"}.get(value, str(value))
        if name == "active"
        else str(value)
        for name, value in row.items()
        if value != ""
    }
    for row in VARIABLES
]


def table() -> pa.Table:
    return pa.table(COLUMNS)


def chunked() -> pa.Table:
    """Many batches, none of which begins at the start of its buffers."""
    whole = pa.concat_tables([table(), table()])
    return pa.concat_tables([whole.slice(COUNT, 2), whole.slice(2, 3), whole.slice(5, 2)])


def reader() -> pa.RecordBatchReader:
    batches = chunked().to_batches()
    return pa.RecordBatchReader.from_batches(batches[0].schema, iter(batches))


def frame() -> pl.DataFrame:
    return pl.DataFrame(COLUMNS)


def records() -> list[dict[str, Any]]:
    numbers = COLUMNS["phone_number"]
    return [{"phone_number": numbers[row], "variables": VARIABLES[row]} for row in range(COUNT)]


def flat() -> Iterator[dict[str, Any]]:
    for row in range(COUNT):
        yield {name: values[row] for name, values in COLUMNS.items()}


IN_MEMORY: dict[str, Callable[[], object]] = {
    "polars DataFrame": frame,
    "polars DataFrame of many chunks": lambda: pl.concat(
        [frame()[:3], frame()[3:4], frame()[4:]], rechunk=False
    ),
    "polars LazyFrame": lambda: frame().lazy().filter(pl.col("row") >= 0),
    "pyarrow Table": table,
    "pyarrow Table of many chunks": chunked,
    "pyarrow RecordBatch": lambda: table().to_batches()[0],
    "pyarrow RecordBatchReader": reader,
    "DuckDB relation": lambda: duckdb.from_arrow(table()).order('"row"'),
    "pandas DataFrame": lambda: table().to_pandas(types_mapper=pd.ArrowDtype),
    "pandas DataFrame with an index": lambda: (
        table().to_pandas(types_mapper=pd.ArrowDtype).set_index(pd.Index(list("gfedcba")))
    ),
    "list of records": records,
    "tuple of records": lambda: tuple(records()),
    "generator of records": lambda: (record for record in records()),
    "flat dicts": lambda: list(flat()),
    "generator of flat dicts": flat,
}


@pytest.mark.parametrize("source", IN_MEMORY.values(), ids=IN_MEMORY)
def test_in_memory(upload: Upload, service: Service, source: Callable[[], object]) -> None:
    report = upload(service, source(), max_records=3, concurrency=1)
    assert [stored.variables for stored in service.applied] == VARIABLES
    assert [stored.phone_number for stored in service.applied] == COLUMNS["phone_number"]
    assert [row["phone_number"] for row in check(report, service)] == COLUMNS["phone_number"]
    assert (report.total, report.accepted) == (COUNT, COUNT)
    assert [len(push.records) for push in service.pushes] == [3, 3, 1]


def write_csv(path: Path) -> None:
    frame().write_csv(path)


def write_tsv(path: Path) -> None:
    frame().write_csv(path, separator="\t")


def write_lines(path: Path) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in flat()), encoding="utf-8")


def write_records(path: Path) -> None:
    path.write_text("\n".join(json.dumps(row) for row in records()), encoding="utf-8")


def zipped(write: Callable[[Path], None]) -> Callable[[Path], None]:
    def write_zipped(path: Path) -> None:
        plain = path.with_suffix("")
        write(plain)
        content = plain.read_bytes()
        # Two members, as `cat a.gz b.gz` makes them.
        half = len(content) // 2
        path.write_bytes(gzip.compress(content[:half]) + gzip.compress(content[half:]))
        plain.unlink()

    return write_zipped


def write_stream(path: Path) -> None:
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_stream(sink, table().schema) as writer:
        writer.write_table(chunked())


def write_parquet(path: Path) -> None:
    pa.parquet.write_table(chunked(), path, row_group_size=2)


FILES: dict[str, tuple[str, Callable[[Path], None], list[dict[str, Any]]]] = {
    "csv": ("leads.csv", write_csv, TEXTS),
    "csv.gz": ("leads.csv.gz", zipped(write_csv), TEXTS),
    "tsv": ("leads.tsv", write_tsv, TEXTS),
    "tsv.gz": ("leads.tsv.gz", zipped(write_tsv), TEXTS),
    "jsonl": ("leads.jsonl", write_lines, VARIABLES),
    "jsonl.gz": ("leads.jsonl.gz", zipped(write_lines), VARIABLES),
    "ndjson": ("leads.ndjson", write_lines, VARIABLES),
    "ndjson.gz": ("leads.ndjson.gz", zipped(write_lines), VARIABLES),
    "jsonl of records": ("records.jsonl", write_records, VARIABLES),
    "parquet": ("leads.parquet", write_parquet, VARIABLES),
    "parquet by polars": ("leads.parquet", lambda path: frame().write_parquet(path), VARIABLES),
    "arrow file": (
        "leads.arrow",
        lambda path: pa.feather.write_feather(table(), str(path), compression="uncompressed"),
        VARIABLES,
    ),
    "arrow file, compressed": ("leads.arrow", lambda path: frame().write_ipc(path), VARIABLES),
    "arrow stream": ("leads.arrow", write_stream, VARIABLES),
}


@pytest.mark.parametrize("kind", FILES)
def test_files(upload: Upload, service: Service, tmp_path: Path, kind: str) -> None:
    name, write, variables = FILES[kind]
    path = tmp_path / name
    write(path)
    report = upload(service, path, max_records=3, concurrency=1)
    assert [stored.variables for stored in service.applied] == variables
    found = rows(report)
    assert [row["phone_number"] for row in found] == COLUMNS["phone_number"]
    assert [row["run_id"] for row in found] == [stored.run_id for stored in service.applied]


def test_a_path_may_be_a_str(upload: Upload, service: Service, tmp_path: Path) -> None:
    write_csv(tmp_path / "leads.csv")
    assert upload(service, str(tmp_path / "leads.csv")).accepted == COUNT


def test_csv_is_read_as_text(upload: Upload, service: Service, tmp_path: Path) -> None:
    """A byte order mark, CRLF, quotes, leading zeros, and what looks like a number or a date."""
    path = tmp_path / "leads.csv"
    path.write_bytes(
        b"\xef\xbb\xbfphone_number,pin,note,when\r\n"
        b'+919876543210,007,"a, ""b""\r\nc",2026-05-27\r\n'
        b"+919876543211,1e5,,NaN\r\n"
        b'"+919876543212",null, ,true'
    )
    report = upload(service, path)
    assert report.accepted == 3
    assert report.repaired == 0
    assert [stored.variables for stored in service.applied] == [
        {"pin": "007", "note": 'a, "b"\r\nc', "when": "2026-05-27"},
        {"pin": "1e5", "when": "NaN"},
        {"pin": "null", "note": " ", "when": "true"},
    ]


def test_json_keeps_its_types(upload: Upload, service: Service, tmp_path: Path) -> None:
    path = tmp_path / "leads.jsonl"
    variables = {"i": 1, "f": 1.0, "b": True, "t": "1", "l": [1, "a"], "o": {"deep": {"er": 2}}}
    line = json.dumps({"phone_number": number(0), "variables": variables})
    # A blank line is no row.
    path.write_text(f"{line}\n\n{line}\n", encoding="utf-8")
    report = upload(service, path)
    assert report.total == 2
    assert [stored.variables for stored in service.applied] == [variables] * 2
    assert type(service.applied[0].variables["f"]) is float


PLAIN_PANDAS = """
import importlib.abc, json
class Absent(importlib.abc.MetaPathFinder):
    # As where pyarrow is not installed.
    def find_spec(self, name, path, target=None):
        if name.partition(".")[0] == "pyarrow":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Absent())
import pandas as pd
try:
    pd.DataFrame({"a": [1]}).__arrow_c_stream__()
except ImportError:
    pass
else:
    raise AssertionError("pyarrow is there")
"""


@pytest.mark.parametrize("way", ["sync", "async"])
def test_pandas_without_pyarrow(run: Any, service: Service, way: str) -> None:
    run(
        PLAIN_PANDAS
        + """
days = pd.to_datetime(["2026-05-27", None, "2026-05-28", "2026-05-29"])
frame = pd.DataFrame({
    "phone_number": [9800000000, 9800000001, None, 9800000003],   # float64
    "row": [0, 1, 2, 3],
    "name": ["Pankaj", None, "Riya", "Zoë"],
    "score": [0.5, float("nan"), 2.0, 3.5],
    "whole": pd.array([1, None, 3, 4], dtype="Int64"),
    "active": [True, False, True, False],
    "maybe": pd.array([True, None, False, None], dtype="boolean"),
    "when": days,
    "zoned": days.tz_localize("Asia/Kolkata"),
    "kind": pd.Categorical(["a", "b", None, "a"]),
    "mixed": [1, "two", 3.5, {"four": [4]}],
}, index=[5, 5, 6, 7])
assert frame["phone_number"].dtype == "float64"
leads = campaign(sys.argv[1])
if sys.argv[2] == "sync":
    report = leads.upload(frame)
else:
    report = asyncio.run(leads.upload_async(frame))
assert (report.total, report.accepted, report.invalid, report.repaired) == (4, 3, 1, 3), report
assert "pyarrow" not in sys.modules
""",
        service.url,
        way,
    )
    stored = service.applied
    assert [one.phone_number for one in stored] == [number(0), number(1), number(3)]
    whens = [one.variables.pop("when", None) for one in stored]
    assert [str(when)[:10] for when in whens] == ["2026-05-27", "None", "2026-05-29"]
    zoned = [one.variables.pop("zoned", None) for one in stored]
    assert zoned[1] is None
    assert pd.Timestamp(zoned[0]) == pd.Timestamp("2026-05-27", tz="Asia/Kolkata")
    assert [one.variables for one in stored] == [
        {"row": 0, "name": "Pankaj", "score": 0.5, "whole": 1, "active": True, "maybe": True}
        | {"kind": "a", "mixed": 1},
        {"row": 1, "active": False, "kind": "b", "mixed": "two"},
        {"row": 3, "name": "Zoë", "score": 3.5, "whole": 4, "active": False}
        | {"kind": "a", "mixed": {"four": [4]}},
    ]


EMPTY: dict[str, Callable[[Path], object]] = {
    "polars DataFrame": lambda _: frame().clear(),
    "polars LazyFrame": lambda _: frame().clear().lazy(),
    "pyarrow Table": lambda _: table().slice(0, 0),
    "pandas DataFrame": lambda _: table().to_pandas()[:0],
    "DuckDB relation": lambda _: duckdb.from_arrow(table()).filter('"row" < 0'),
    "list": lambda _: [],
    "generator": lambda _: iter(()),
}


@pytest.mark.parametrize("source", EMPTY.values(), ids=EMPTY)
def test_an_empty_source_gives_a_report(
    upload: Upload, service: Service, tmp_path: Path, source: Callable[[Path], object]
) -> None:
    report = upload(service, source(tmp_path))
    assert (report.total, report.accepted, rows(report)) == (0, 0, [])
    assert not service.pushes


EMPTY_FILES: dict[str, Callable[[Path], object]] = {
    "leads.csv": lambda path: path.write_text("phone_number,name\n"),
    "leads.jsonl": lambda path: path.write_text(""),
    "leads.jsonl.gz": lambda path: path.write_bytes(gzip.compress(b"")),
    "leads.parquet": lambda path: pa.parquet.write_table(table().slice(0, 0), path),
    "leads.arrow": lambda path: frame().clear().write_ipc(path),
}


@pytest.mark.parametrize("name", EMPTY_FILES)
def test_an_empty_file_gives_a_report(
    upload: Upload, service: Service, tmp_path: Path, name: str
) -> None:
    EMPTY_FILES[name](tmp_path / name)
    report = upload(service, tmp_path / name)
    assert (report.total, rows(report), service.pushes) == (0, [], [])


def test_without_a_valid_row_there_is_a_report(upload: Upload, service: Service) -> None:
    report = upload(service, [{"phone_number": "no number"}] * 3)
    assert (report.total, report.invalid) == (3, 3)
    assert not service.pushes


def test_a_generator_is_read_as_it_is_sent(upload: Upload, service: Service) -> None:
    """Far from all of it is held: what is read ahead of what has arrived is bounded."""
    count = 40_000
    ahead = 0

    def generate() -> Iterator[dict[str, Any]]:
        nonlocal ahead
        for row in range(count):
            if row % 500 == 0:
                ahead = max(ahead, row - len(service.store))
            yield {"phone_number": number(row), "variables": {"row": row}}

    assert upload(service, generate(), max_records=200).accepted == count
    assert ahead < count / 2


def test_a_reader_of_batches_is_read_as_it_is_sent(upload: Upload, service: Service) -> None:
    count, size, ahead = 60_000, 500, 0

    def batches() -> Iterator[pa.RecordBatch]:
        nonlocal ahead
        for start in range(0, count, size):
            ahead = max(ahead, start - len(service.store))
            numbers = [number(row) for row in range(start, start + size)]
            yield pa.record_batch({"phone_number": numbers, "row": range(start, start + size)})

    schema = pa.schema({"phone_number": pa.string(), "row": pa.int64()})
    report = upload(service, pa.RecordBatchReader.from_batches(schema, batches()))
    assert report.accepted == count
    assert ahead < count / 2


NO_SOURCES: dict[str, object] = {
    "a number": 42,
    "None": None,
    "bytes": b"+919876543210",
    "one record": {"phone_number": "+919876543210"},
    "an unknown ending": "leads.xlsx",
    "items that are no dicts": ["+919876543210"],
    "a column": pl.Series("phone_number", ["+919876543210"]),
}


@pytest.mark.parametrize("source", NO_SOURCES.values(), ids=NO_SOURCES)
def test_what_is_no_source(upload: Upload, service: Service, source: object) -> None:
    with pytest.raises((revrag.InvalidArgumentError, TypeError)) as info:
        upload(service, source)
    assert "919876543210" not in str(info.value)
    assert not service.pushes


def test_a_file_that_is_not_there(upload: Upload, service: Service, tmp_path: Path) -> None:
    with pytest.raises((revrag.InvalidArgumentError, OSError), match=r"missing\.parquet"):
        upload(service, tmp_path / "missing.parquet")
    assert not service.pushes


def test_many_rows_of_many_batches_keep_their_row(upload: Upload, service: Service) -> None:
    whole = pl.DataFrame({"phone_number": [number(row) for row in range(5000)], "row": range(5000)})
    chunks = [whole[start : start + 333] for start in range(0, 5000, 333)]
    report = upload(service, pl.concat(chunks, rechunk=False), max_records=70)
    assert report.accepted == 5000
    check(report, service)


def test_leads_as_the_readme_has_them(upload: Upload, service: Service) -> None:
    check(upload(service, leads(10)), service)
