"""What did not go: as dicts, as files, and as the source's own rows."""

from __future__ import annotations

import copy
import csv
import gzip
import io
import itertools
import json
import pickle
import re
import stat
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq
import pytest
import revrag
from bulk.conftest import Upload, stopped
from hypothesis import given, settings
from hypothesis import strategies as st
from support.service import Service
from support.upload import COLUMNS, check, leads, messy, number, private, rows

LEADS = pl.DataFrame(
    {
        "phone_number": [number(0), "12", number(2), "x", number(4)],
        "name": ["Asha", "=1+1", 'a "b", c', None, "Zoë"],
        "age": [30, 31, None, 33, 34],
    }
)


@pytest.fixture
def report(upload: Upload, service: Service) -> revrag.UploadReport:
    source, _ = messy(400, seed=3)
    return upload(service, source, on_duplicate="reject", limit=300)


# --- as dicts --------------------------------------------------------------------------------


def test_rows_are_those_of_the_table(report: revrag.UploadReport) -> None:
    assert list(report.rows()) == rows(report)
    for outcome in ("invalid", "accepted", "not_sent", "unknown"):
        chosen = list(report.rows(outcome))
        assert chosen == [row for row in rows(report) if row["outcome"] == outcome]
        assert len(chosen) == getattr(report, outcome)
    several = list(report.rows(outcome=("invalid", "rejected")))
    assert several == [row for row in rows(report) if row["outcome"] in ("invalid", "rejected")]
    again = pickle.loads(pickle.dumps(report))
    assert list(again.rows(("invalid", "rejected"))) == several


def test_rows_come_as_they_are_asked_for(upload: Upload, service: Service) -> None:
    report = upload(service, leads(40_000), dry_run=True)
    tracemalloc.start()
    first = list(itertools.islice(report.rows(), 10))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert [row["row"] for row in first] == list(range(10))
    assert most < 100_000


def test_an_outcome_that_is_none(report: revrag.UploadReport) -> None:
    for wrong in ("nope", ["invalid", "nope"], 5, [None]):
        for ask in (
            lambda wrong=wrong: report.rows(wrong),
            lambda wrong=wrong: report.write("x.csv", outcome=wrong),
            lambda wrong=wrong: report.rejects([], outcome=wrong),
        ):
            with pytest.raises(revrag.InvalidArgumentError, match=r"^outcome: "):
                ask()


def test_the_stub_knows_every_outcome(report: revrag.UploadReport) -> None:
    with pytest.raises(revrag.InvalidArgumentError) as info:
        report.rows("nope")  # type: ignore[arg-type]
    stub = Path(revrag.__file__).with_name("_revrag.pyi").read_text("utf-8")
    known = re.findall(r'"(\w+)"', stub.partition("_Outcome: TypeAlias")[2].partition("]")[0])
    told = str(info.value).partition("one of ")[2].partition(", or")[0]
    assert told.split(", ") == known


# --- as files --------------------------------------------------------------------------------


def read_csv(path: Path, delimiter: str = ",") -> list[dict[str, Any]]:
    data = path.read_bytes()
    text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode()
    found = list(csv.DictReader(io.StringIO(text), delimiter=delimiter))
    return [
        {key: None if value == "" else value for key, value in row.items()}
        | ({"row": int(row["row"])} if "row" in row else {})
        for row in found
    ]


def read_lines(path: Path) -> list[dict[str, Any]]:
    data = path.read_bytes()
    text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode()
    return [json.loads(line) for line in text.splitlines()]


READ: dict[str, Callable[[Path], list[dict[str, Any]]]] = {
    "csv": read_csv,
    "tsv": lambda path: read_csv(path, "\t"),
    "csv.gz": read_csv,
    "jsonl": read_lines,
    "ndjson": read_lines,
    "jsonl.gz": read_lines,
    "parquet": lambda path: pq.read_table(path).to_pylist(),
    "arrow": lambda path: pa.ipc.open_file(path).read_all().to_pylist(),
}


@pytest.mark.parametrize("ending", READ)
def test_a_file_holds_the_rows(report: revrag.UploadReport, tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"report.{ending}"
    path.write_text("what was there before")
    report.write(path)
    # An empty text and none are one in a CSV.
    expected = [row | {"phone_number": row["phone_number"] or None} for row in rows(report)]
    found = [row | {"phone_number": row["phone_number"] or None} for row in READ[ending](path)]
    assert found == expected
    assert list(tmp_path.iterdir()) == [path]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    report.write(str(path), outcome="invalid")
    found = [row | {"phone_number": row["phone_number"] or None} for row in READ[ending](path)]
    assert found == [row for row in expected if row["outcome"] == "invalid"]


def test_columns_are_there_without_rows(upload: Upload, service: Service, tmp_path: Path) -> None:
    report = upload(service, [])
    report.write(tmp_path / "report.csv")
    assert (tmp_path / "report.csv").read_text() == ",".join(COLUMNS) + "\n"


def test_what_cannot_be_written_leaves_what_was_there(
    report: revrag.UploadReport, tmp_path: Path
) -> None:
    with pytest.raises(revrag.InvalidArgumentError, match=r"^path: its name must end in \.csv"):
        report.write(tmp_path / "report.pdf")
    with pytest.raises(FileNotFoundError):
        report.write(tmp_path / "nowhere" / "report.csv")
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(OSError, match="directory"):
        report.write(tmp_path / "folder.csv")
    kept = tmp_path / "rejects.csv"
    kept.write_text("kept")
    source, _ = messy(400, seed=4)
    with pytest.raises(revrag.InvalidArgumentError, match="very source"):
        report.rejects(source).write(kept)
    assert kept.read_text() == "kept"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder.csv", "rejects.csv"]


# --- the source's own rows -------------------------------------------------------------------


def as_csv(folder: Path) -> Path:
    (folder / "leads.csv").write_text(LEADS.write_csv())
    return folder / "leads.csv"


def as_jsonl(folder: Path) -> Path:
    LEADS.write_ndjson(folder / "leads.jsonl")
    return folder / "leads.jsonl"


def as_parquet(folder: Path) -> Path:
    LEADS.write_parquet(folder / "leads.parquet")
    return folder / "leads.parquet"


def as_workbook(folder: Path) -> Path:
    # A formula has no value until a spreadsheet has opened it.
    frame = LEADS.to_pandas().replace("=1+1", "'=1+1")
    frame.to_excel(folder / "leads.xlsx", index=False)
    return folder / "leads.xlsx"


SOURCES: dict[str, Callable[[Path], object]] = {
    "list": lambda _: LEADS.to_dicts(),
    "tuple": lambda _: tuple(LEADS.to_dicts()),
    "polars": lambda _: LEADS,
    "lazy": lambda _: LEADS.lazy(),
    "arrow": lambda _: LEADS.to_arrow(),
    "pandas": lambda _: LEADS.to_pandas(),
    "csv": as_csv,
    "jsonl": as_jsonl,
    "parquet": as_parquet,
    "workbook": as_workbook,
}


@pytest.mark.parametrize("name", SOURCES)
def test_any_source(upload: Upload, service: Service, tmp_path: Path, name: str) -> None:
    source = SOURCES[name](tmp_path)
    report = upload(service, source)
    table = pa.table(report.rejects(source))
    assert table.column_names == ["outcome", "error", "phone_number", "name", "age"]
    found = table.to_pylist()
    assert [row["outcome"] for row in found] == ["invalid", "invalid"]
    assert [row["error"] for row in found] == [row["error"] for row in report.rows("invalid")]
    assert [
        (
            row["phone_number"],
            (row["name"] or "").lstrip("'") or None,
            str(row["age"]).removesuffix(".0"),
        )
        for row in found
    ] == [
        ("12", "=1+1", "31"),
        ("x", None, "33"),
    ]
    # As often as wanted, in any library, after a pickle.
    again = pickle.loads(pickle.dumps(report)).rejects(source)
    assert pl.DataFrame(again).rows() == pl.DataFrame(report.rejects(source)).rows()
    assert pd.DataFrame.from_arrow(again).shape == (2, 5)
    assert len(duckdb.sql("SELECT * FROM again").fetchall()) == 2


@pytest.mark.parametrize("ending", READ)
def test_written_and_put_right(
    upload: Upload, service: Service, tmp_path: Path, ending: str
) -> None:
    path = tmp_path / f"rejects.{ending}"
    report = upload(service, LEADS)
    report.rejects(LEADS).write(path)
    found = READ[ending](path)
    assert [(row["phone_number"], row["name"]) for row in found] == [("12", "=1+1"), ("x", None)]
    for row, right in zip(found, (number(1), number(3)), strict=True):
        row["phone_number"] = right
    assert upload(service, found, variables=["name", "age"]).accepted == 2
    assert sorted(stored.phone_number for stored in service.applied) == [
        number(row) for row in range(5)
    ]
    assert all("outcome" not in stored.variables for stored in service.applied)


def test_the_stream_itself_can_be_uploaded(upload: Upload, service: Service) -> None:
    source = leads(5)
    report = upload(service, source, exclude=[number(1), number(3)])
    assert upload(service, report.rejects(source)).accepted == 2
    sent = sorted(service.applied, key=lambda stored: stored.variables["row"])
    assert [stored.variables for stored in sent] == [lead["variables"] for lead in source]


def test_columns_of_these_names(upload: Upload, service: Service) -> None:
    source = pl.DataFrame(
        {"error": ["e"], "phone_number": ["12"], "outcome": ["o"], "error_2": [1]}
    )
    frame = pl.DataFrame(upload(service, source).rejects(source))
    assert frame.columns == ["outcome", "error", "error_3", "phone_number", "outcome_2", "error_2"]
    assert frame.row(0)[2:] == ("e", "12", "o", 1)


def test_dicts_of_many_shapes(upload: Upload, service: Service) -> None:
    source: list[dict[str, Any]] = [
        {"phone_number": 12, "variables": {"a": 1, "tags": [1, None], "deep": {"x": True}}},
        {"phone_number": "x", "variables": {"a": 1.5, "tags": ["t"], "deep": {"y": None}}},
        {"phone_number": "y", "n": 2**63, "mixed": 5, "empty": {}},
        {"phone_number": "z", "n": None, "mixed": [1], "other": None},
    ]
    found = pa.table(upload(service, source).rejects(source)).to_pylist()
    assert [row["phone_number"] for row in found] == ["12", "x", "y", "z"]
    assert [row["variables"] and row["variables"]["a"] for row in found] == [1.0, 1.5, None, None]
    assert found[0]["variables"]["tags"] == ["1", None]
    assert found[0]["variables"]["deep"] == {"x": True, "y": None}
    assert [row["n"] for row in found] == [None, None, 2**63, None]
    assert [row["mixed"] for row in found] == [None, None, "5", "[1]"]
    assert [row["other"] for row in found] == [None] * 4


def test_a_pandas_frame_whose_slices_differ(upload: Upload, service: Service) -> None:
    """Its types are those of all slices: the first has numbers, a later one texts."""
    count = 40_000
    values: list[Any] = [1] * count
    values[-1] = "one"
    phones = ["12" if row in (5, count - 1) else number(row) for row in range(count)]
    frame = pd.DataFrame({"phone_number": phones, "value": pd.Series(values, dtype=object)})
    report = upload(service, frame, dry_run=True)
    found = pa.table(report.rejects(frame, outcome="invalid")).to_pylist()
    assert [row["value"] for row in found] == ["1", "one"]


def test_a_file_is_read_as_the_upload_read_it(
    upload: Upload, service: Service, tmp_path: Path
) -> None:
    path = tmp_path / "kunden.csv"
    path.write_bytes(f"Vorname|Telefon\nJürgen|12\nZoë|{number(1)}\n".encode("windows-1252"))
    options = {"phone_number": "Telefon", "encoding": "windows-1252", "delimiter": "|"}
    report = upload(service, path, **options)
    for known in (report, pickle.loads(pickle.dumps(report))):
        (row,) = pa.table(known.rejects(path)).to_pylist()
        assert (row["Vorname"], row["Telefon"]) == ("Jürgen", "12")


def test_what_was_not_read_was_not_sent(upload: Upload, service: Service, journal: Path) -> None:
    service.state = "paused"
    with pytest.raises(revrag.UploadError) as info:
        upload(service, leads(3))
    report = info.value.report
    assert report.total == 0
    found = pa.table(report.rejects(leads(3))).to_pylist()
    assert [row["outcome"] for row in found] == ["not_sent"] * 3
    assert {row["error"] for row in found} == {"the upload ended before it read this row"}
    service.state = "running"
    report = stopped(upload, service, journal, leads(60))
    if report is not None:
        rest = pa.table(report.rejects(leads(60))).num_rows
        assert rest == 60 - report.accepted


def test_all_that_did_not_go_and_nothing_else(upload: Upload, service: Service) -> None:
    source, _ = messy(500, seed=8)
    report = upload(service, source, on_duplicate="reject", exclude=[number(1)])
    check(report, service)
    found = pa.table(report.rejects(source)).to_pylist()
    expected = [row for row in rows(report) if row["outcome"] != "accepted"]
    assert [row["variables"]["row"] for row in found] == [row["row"] for row in expected]
    assert [(row["outcome"], row["error"]) for row in found] == [
        (row["outcome"], row["error"]) for row in expected
    ]
    only = pa.table(report.rejects(source, outcome="rejected"))
    assert only.num_rows == report.rejected


def test_a_source_that_was_read_up(upload: Upload, service: Service) -> None:
    report = upload(service, iter(leads(2)))
    for source in (iter(leads(2)), pa.table({"phone_number": ["1"]}).to_reader()):
        with pytest.raises(revrag.InvalidArgumentError, match="read once alone"):
            report.rejects(source)


@pytest.mark.parametrize("change", ["reversed", "grown at the top", "cut short", "other"])
def test_another_source_is_not_taken_for_it(
    upload: Upload, service: Service, tmp_path: Path, change: str
) -> None:
    source = leads(50)
    source[7]["phone_number"] = "12"
    report = upload(service, source)
    changed = copy.deepcopy(source)
    if change == "reversed":
        changed.reverse()
    elif change == "grown at the top":
        changed.insert(0, {"phone_number": number(99)})
    elif change == "cut short":
        changed.pop()
    else:
        changed = leads(50, start=1000)
    with pytest.raises(revrag.InvalidArgumentError, match="very source that was uploaded") as info:
        report.rejects(changed).write(tmp_path / "rejects.csv")
    private(info.value, "98000")
    with pytest.raises(pa.ArrowInvalid, match="very source"):
        pa.table(report.rejects(changed))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("how", ["existing", "dry", "not sent"])
def test_rows_in_another_order_are_not_taken_for_others(
    upload: Upload, service: Service, how: str
) -> None:
    source = [{"id": at, "phone_number": number(at) if at % 3 else "12"} for at in range(9)]
    options: dict[str, Any] = {"key": "id", "name": "june"} if how == "existing" else {}
    if how == "existing":
        upload(service, source, **options)
    report = upload(service, source, dry_run=how == "dry", limit=1, **options)
    assert pa.table(report.rejects(source)).num_rows >= 3
    # One that is not valid, and one that did not go.
    changed = [*source[:3], source[4], source[3], *source[5:]]
    # Those that are not valid are each other's likeness, but for the key.
    alike = [source[3], *source[1:3], source[0], *source[4:]]
    for other in [changed, alike] if how == "existing" else [changed]:
        with pytest.raises(pa.ArrowInvalid, match="very source that was uploaded"):
            pa.table(report.rejects(other))


def test_what_the_source_raises(upload: Upload, service: Service, tmp_path: Path) -> None:
    class Broken(list[Any]):
        def __iter__(self) -> Any:
            yield from list.__iter__(self)
            raise LookupError("gone")

    report = upload(service, leads(3))
    with pytest.raises(LookupError, match="gone"):
        report.rejects(Broken(leads(3))).write(tmp_path / "rejects.csv")
    assert not list(tmp_path.iterdir())


cells = st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


@settings(max_examples=40, deadline=None)
@given(
    names=st.lists(st.text("abcoutcomeerror_2", min_size=1, max_size=8), max_size=4, unique=True),
    values=st.lists(st.tuples(cells, cells, cells, cells, st.booleans()), max_size=20),
)
def test_any_texts(names: list[str], values: list[tuple[Any, ...]]) -> None:
    columns: dict[str, list[Any]] = {
        name: [row[at] for row in values] for at, name in enumerate(names)
    }
    columns["phone_number"] = ["12" if row[4] else number(at) for at, row in enumerate(values)]
    source = pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String))
    campaign = revrag.Client("key", base_url="http://127.0.0.1:9").campaign(
        "11111111-1111-1111-1111-111111111111"
    )
    report = campaign.upload(source, dry_run=True, variables=[])
    frame = pl.DataFrame(report.rejects(source, outcome="invalid"))
    assert frame.columns[:2] == ["outcome", "error"]
    assert len(set(frame.columns)) == len(columns) + 2
    expected = source.filter(pl.Series([bool(row[4]) for row in values], dtype=pl.Boolean))
    assert frame.select(frame.columns[2:]).rows() == expected.rows()


def test_the_source_is_not_written_over(
    upload: Upload, service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    leads = Path("leads.csv")
    leads.write_text(f"phone_number\n{number(0)}\n12\n")
    before = leads.read_text()
    rejects = upload(service, str(leads)).rejects(leads)
    for name in ("leads.csv", "./leads.csv", tmp_path / "leads.csv"):
        with pytest.raises(revrag.InvalidArgumentError, match="the file of the source"):
            rejects.write(name)
    assert leads.read_text() == before
    rejects.write("rejects.csv")
    assert Path("rejects.csv").read_text().count("\n") == 2
