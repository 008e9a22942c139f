"""Numbers that are not to be called stay home, whatever they are read from."""

from __future__ import annotations

import asyncio
import datetime as dt
import decimal
import gzip
import logging
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import revrag
from bulk.conftest import Upload, stopped
from hypothesis import given, settings
from hypothesis import strategies as st
from support.service import Service, at, each, status
from support.upload import QUICK, check, leads, number, outcomes, private, rows

ONE, TWO = number(1), number(2)
BARE = int(ONE.removeprefix("+91"))

LISTS: dict[str, Callable[[], object]] = {
    "list": lambda: [ONE, TWO],
    "tuple of ints": lambda: (BARE, int(TWO[1:])),
    "set": lambda: {ONE, TWO},
    "generator": lambda: (text for text in [ONE, TWO]),
    "notations": lambda: ["98000 00001", "0091-9800000002", f"p:{ONE}", f"{BARE}.0"],
    "floats and decimals": lambda: [float(BARE), decimal.Decimal(TWO[1:])],
    "dict keys": lambda: {ONE: 1, TWO: 2}.keys(),
    "numpy texts": lambda: np.array([ONE, TWO]),
    "numpy ints": lambda: np.array([BARE, BARE + 1]),
    "pandas series": lambda: pd.Series([ONE, TWO], name="x", index=[5, 5]),
    "pandas series of ints": lambda: pd.Series([BARE, BARE + 1]),
    "pandas series of floats": lambda: pd.Series([BARE, BARE + 1], dtype=float),
    "pandas series of arrow": lambda: pd.Series([ONE, TWO], dtype="string[pyarrow]"),
    "pandas frame": lambda: pd.DataFrame({"a": [1, 2], "phone_number": [ONE, TWO]}),
    "pandas index": lambda: pd.Index([ONE, TWO]),
    "polars series": lambda: pl.Series("x", [ONE, TWO]),
    "polars series of ints": lambda: pl.Series([BARE, BARE + 1]),
    "polars categorical": lambda: pl.Series([ONE, TWO, ONE], dtype=pl.Categorical),
    "polars frame": lambda: pl.DataFrame({"phone_number": [ONE, TWO], "a": [1, 2]}),
    "lazy frame": lambda: pl.LazyFrame({"phone_number": [ONE, TWO]}),
    "arrow array": lambda: pa.array([ONE, TWO]),
    "arrow dictionary": lambda: pa.array([ONE, TWO]).dictionary_encode(),
    "chunked array": lambda: pa.chunked_array([[ONE], [], [TWO]]),
    "arrow table": lambda: pa.table({"any": [ONE, TWO]}),
    "stream": lambda: pa.table({"phone_number": [ONE, TWO]}).to_reader(),
    "dicts": lambda: [{"phone_number": ONE, "why": "asked"}, {"phone_number": TWO}],
    "duckdb": lambda: duckdb.sql(f"SELECT * FROM (VALUES ('{ONE}'), ('{TWO}')) t(phone)"),
}


@pytest.mark.parametrize("name", LISTS)
def test_any_list(upload: Upload, service: Service, name: str) -> None:
    report = upload(service, leads(4), exclude=LISTS[name]())
    assert outcomes(report) == ["accepted", "excluded", "excluded", "accepted"]
    assert (report.excluded, report.accepted) == (2, 2)
    check(report, service)


def write(path: Path, text: str) -> None:
    data = text.encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("dnc.csv", f"name,phone_number\nA,{ONE}\nB,{TWO}\n"),
        ("dnc.csv", f"mobile\n{ONE}\n{TWO}\n"),
        ("dnc.csv.gz", f"phone_number;why\n{ONE};x\n{TWO};y\n"),
        ("dnc.txt", f"{ONE}\n{TWO}\n"),
        ("dnc.csv", f"{BARE}\n{BARE + 1}"),
        ("dnc.jsonl", f'{{"phone_number": "{ONE}"}}\n{{"phone_number": {BARE + 1}}}\n'),
    ],
)
def test_files(upload: Upload, service: Service, tmp_path: Path, name: str, text: str) -> None:
    write(tmp_path / name, text)
    for path in (tmp_path / name, str(tmp_path / name)):
        report = upload(service, leads(4), exclude=path)
        assert outcomes(report) == ["accepted", "excluded", "excluded", "accepted"]


def test_a_parquet_file_and_a_report(upload: Upload, service: Service, tmp_path: Path) -> None:
    pq.write_table(pa.table({"phone_number": [ONE]}), tmp_path / "dnc.parquet")
    report = upload(service, leads(2), exclude=tmp_path / "dnc.parquet")
    assert outcomes(report) == ["accepted", "excluded"]
    # Those of another upload, as its report has them.
    assert (
        outcomes(upload(service, leads(4), exclude=report)) == ["excluded"] * 2 + ["accepted"] * 2
    )


def test_the_column_has_the_name_that_the_upload_says(upload: Upload, service: Service) -> None:
    source = [{"mobile": number(row), "row": row} for row in range(3)]
    frame = pl.DataFrame({"name": ["a"], "mobile": [ONE], "other": [TWO]})
    report = upload(service, source, phone_number="mobile", exclude=frame)
    assert outcomes(report) == ["accepted", "excluded", "accepted"]


def test_it_is_compared_under_the_same_region(upload: Upload, service: Service) -> None:
    source = [{"phone_number": "(415) 555-2671"}, {"phone_number": "415 555 2672"}]
    report = upload(service, source, region="US", exclude=["+1 415-555-2671"])
    assert outcomes(report) == ["excluded", "accepted"]
    shown = rows(report)
    assert shown[0]["phone_number"] == "(415) 555-2671"
    assert shown[0]["error"] is None


def test_an_empty_list_excludes_nobody(upload: Upload, service: Service) -> None:
    for empty in ([], pd.Series([], dtype=str), pl.Series([], dtype=pl.String), None):
        assert upload(service, leads(2), exclude=empty).accepted == 2


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ([ONE, "12"], "1 of 2 entries .* entry 1 "),
        ([None, ONE], "entry 0 .it is missing."),
        ([ONE, "", float("nan")], "2 of 3 entries"),
        (["9.8E+09"], "scientific"),
        ([dt.date(2026, 1, 1), [ONE]], "2 of 2 entries"),
        (pd.Series([ONE, None]), "entry 1 .it is missing."),
        (pl.Series([ONE, "no number"]), "entry 1 .it contains letters."),
        (["12"] * 9, "9 of 9 entries .*entry 4 .*, …; correct"),
    ],
)
def test_what_cannot_be_read_is_named(
    upload: Upload, service: Service, entries: object, said: str
) -> None:
    with pytest.raises(revrag.InvalidArgumentError, match=said) as info:
        upload(service, leads(2), exclude=entries)
    assert str(info.value).startswith("exclude: ")
    assert not service.pushes
    private(info.value, "98000")


@pytest.mark.parametrize(
    "wrong",
    [
        ONE,
        "98000 00001",
        5,
        b"98",
        {"phone_number": ONE},
        pl.DataFrame({"a": [ONE], "b": [TWO]}),
        pa.array([True]),
        "nowhere.csv",
    ],
)
def test_what_no_list_is(upload: Upload, service: Service, wrong: object) -> None:
    with pytest.raises(revrag.InvalidArgumentError, match=r"^exclude: ") as info:
        upload(service, leads(2), exclude=wrong)
    assert not service.pushes
    private(info.value, "9800000001", "98000 00001")


@pytest.mark.parametrize(
    "options", [{"region": None}, {"on_invalid": "send"}], ids=["no region", "sent as they came"]
)
def test_what_cannot_be_compared_is_refused(
    upload: Upload, service: Service, options: dict[str, Any]
) -> None:
    with pytest.raises(revrag.InvalidArgumentError, match=r"^exclude: "):
        upload(service, leads(2), exclude=[ONE], **options)


def test_what_the_list_raises_is_raised(upload: Upload, service: Service) -> None:
    def broken() -> Any:
        yield ONE
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        upload(service, leads(2), exclude=broken())
    assert not service.pushes


def test_a_cursor_is_read_in_the_thread_of_its_owner(service: Service) -> None:
    connection = sqlite3.connect(":memory:")
    found = connection.execute("SELECT ? UNION SELECT ?", (ONE, TWO))
    here = threading.get_ident()

    def numbers() -> Any:
        for (text,) in found:
            assert threading.get_ident() == here
            yield text

    report = service.campaign().upload(leads(4), exclude=numbers(), **QUICK)
    assert report.excluded == 2


def test_both_are_read_beside_each_other(service: Service) -> None:
    async def go() -> revrag.UploadReport:
        source, exclude = iter(leads(4)), iter([ONE])
        return await service.campaign().upload_async(source, exclude=exclude, **QUICK)

    assert asyncio.run(go()).excluded == 1


def test_it_is_neither_sent_nor_logged(
    upload: Upload, service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    secret = "+919899999999"
    report = upload(service, leads(2), exclude=[secret, ONE])
    assert report.excluded == 1
    assert "9899999999" not in caplog.text
    assert all("9899999999" not in str(push.records) for push in service.pushes)
    assert all(ONE not in str(push.records) for push in service.pushes)


# --- with a journal --------------------------------------------------------------------------


def test_what_went_before_it_was_excluded_is_accepted(
    upload: Upload, service: Service, journal: Path
) -> None:
    stopped(upload, service, journal, leads(60))
    went = {stored.variables["row"] for stored in service.applied}
    assert 0 < len(went) < 60
    late = next(row for row in range(60) if row not in went)
    report = upload(service, leads(60), journal=journal, exclude=[number(min(went)), number(late)])
    assert (report.accepted, report.excluded) == (59, 1)
    assert rows(report)[late]["outcome"] == "excluded"
    assert rows(report)[min(went)]["phone_number"] == number(min(went))
    check(report, service)


def test_a_list_may_grow_and_shrink(upload: Upload, service: Service, journal: Path) -> None:
    source = [{**lead, "phone_number": lead["phone_number"][3:]} for lead in leads(4)]
    report = upload(service, source, journal=journal, exclude=[ONE, TWO])
    assert outcomes(report) == ["accepted", "excluded", "excluded", "accepted"]
    assert rows(report)[1]["phone_number"] == ONE[3:]
    report = upload(service, source, journal=journal, exclude=[TWO, number(3)])
    assert outcomes(report) == ["accepted", "accepted", "excluded", "accepted"]
    assert rows(report)[1]["phone_number"] == ONE
    report = upload(service, source, journal=journal)
    assert outcomes(report) == ["accepted"] * 4
    check(report, service)


@pytest.mark.parametrize("applied", [True, False])
@pytest.mark.parametrize("own", [True, False])
def test_a_row_in_doubt_is_looked_for_and_not_sent_again(
    upload: Upload, service: Service, journal: Path, *, applied: bool, own: bool
) -> None:
    source = leads(8)
    for row, lead in enumerate(source):
        lead |= {"app_session_id": f"visit-{row}"} if own else {}
    service.faults = at({1: status(503, applied=float(applied))})
    with pytest.raises(revrag.UploadError):
        upload(service, source, journal=journal, max_records=4, concurrency=1, on_unknown="stop")
    service.faults = each()
    pushes = len(service.pushes)
    report = upload(service, source, journal=journal, exclude=[number(row) for row in range(4, 8)])
    expected = "accepted" if applied else "excluded"
    assert outcomes(report) == ["accepted"] * 4 + [expected] * 4
    assert len(service.pushes) == pushes
    check(report, service)


@settings(max_examples=40, deadline=None)
@given(
    called=st.lists(st.integers(0, 30), max_size=40),
    excluded=st.sets(st.integers(0, 30), max_size=20),
)
def test_exactly_those_of_the_list_stay_home(called: list[int], excluded: set[int]) -> None:
    campaign = revrag.Client("key", base_url="http://127.0.0.1:9").campaign(
        "11111111-1111-1111-1111-111111111111"
    )
    source = [{"phone_number": number(index)[1:]} for index in called]
    report = campaign.upload(source, exclude=[number(index) for index in excluded], dry_run=True)
    assert outcomes(report) == ["excluded" if index in excluded else "not_sent" for index in called]
