"""Every type of column: what it becomes, and which can't be sent."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet
import pytest
import revrag
from bulk.conftest import Upload
from support.service import Service
from support.upload import number, private, rows

INDIA = dt.timezone(dt.timedelta(hours=5, minutes=30))
ZONED = dt.datetime(2026, 5, 27, 8, 30, 15, 250_000, INDIA)
MOMENT = ZONED.replace(tzinfo=None)
WORDS = ["Pankaj", None, "Zoë"]
UUID = uuid.UUID("12345678-1234-4678-8234-567812345678")
UUIDS = pa.array([UUID.bytes, None, UUID.bytes], pa.uuid())


def dictionary(values: list[Any], index: pa.DataType, value: pa.DataType) -> pa.Array:
    return pa.array(values, value).dictionary_encode().cast(pa.dictionary(index, value))


EQUAL: dict[str, tuple[pa.Array, list[Any]]] = {
    "string": (pa.array(WORDS), WORDS),
    "large_string": (pa.array(WORDS, pa.large_string()), WORDS),
    "string_view": (pa.array(WORDS, pa.string_view()), WORDS),
    "dictionary": (dictionary(WORDS, pa.int8(), pa.string()), WORDS),
    "dictionary of large": (dictionary(WORDS, pa.int32(), pa.large_string()), WORDS),
    "dictionary of ints": (dictionary([7, None, 9], pa.int8(), pa.int64()), [7, None, 9]),
    "bool": (pa.array([True, None, False]), [True, None, False]),
    "null": (pa.nulls(3), [None, None, None]),
    "list": (pa.array([[1, 2], None, []]), [[1, 2], None, []]),
    # Left out there, nulls would move the others to other places.
    "list with nulls": (pa.array([[1, None, 2], [None], []]), [[1, None, 2], [None], []]),
    "list with NaN": (pa.array([[0.5, float("nan")], None, []]), [[0.5, None], None, []]),
    "list of nothing": (pa.array([[None], None, []]), [[None], None, []]),
    "list of structs with nulls": (
        pa.array([[{"a": 1, "b": None}, None], None, []]),
        [[{"a": 1}, None], None, []],
    ),
    "map": (
        pa.array([[("a", 1), ("b", None)], None, []], pa.map_(pa.string(), pa.int8())),
        [{"a": 1}, None, {}],
    ),
    "uuid": (UUIDS, [str(UUID), None, str(UUID)]),
    "list of uuids": (
        pa.ListArray.from_arrays([0, 2, 2, 2], UUIDS, mask=pa.array([False, True, False])),
        [[str(UUID), None], None, []],
    ),
    "struct of uuid": (
        pa.StructArray.from_arrays([UUIDS], ["id"], mask=pa.array([False, False, True])),
        [{"id": str(UUID)}, {}, None],
    ),
    "map of uuids": (
        pa.MapArray.from_arrays([0, 1, 2, 3], ["a", "b", "c"], UUIDS),
        [{"a": str(UUID)}, {}, {"c": str(UUID)}],
    ),
    "bool8": (
        pa.ExtensionArray.from_storage(pa.bool8(), pa.array([1, None, 0], pa.int8())),
        [True, None, False],
    ),
    "runs": (pc.run_end_encode(pa.array(["a", None, "a"])), ["a", None, "a"]),
    "runs of ints": (pc.run_end_encode(pa.array([7, 7, None])), [7, 7, None]),
    "date64": (
        pa.array([MOMENT.date(), None, dt.date(1960, 2, 29)], pa.date64()),
        ["2026-05-27", None, "1960-02-29"],
    ),
    "list of date64": (
        pa.array([[MOMENT.date()], None, []], pa.list_(pa.date64())),
        [["2026-05-27"], None, []],
    ),
    "large_list": (pa.array([[1], None, []], pa.large_list(pa.int8())), [[1], None, []]),
    "fixed_size_list": (
        pa.array([[1, 2], None, [3, 4]], pa.list_(pa.int8(), 2)),
        [[1, 2], None, [3, 4]],
    ),
    "list of strings": (pa.array([["a"], None, ["b", "c"]]), [["a"], None, ["b", "c"]]),
    "struct": (
        pa.array([{"a": 1, "b": "x"}, None, {"a": 3, "b": None}]),
        [{"a": 1, "b": "x"}, None, {"a": 3}],
    ),
    "struct of list of struct": (
        pa.array([{"a": [{"b": 1}, {"b": None}]}, None, {"a": None}]),
        [{"a": [{"b": 1}, {}]}, None, {}],
    ),
    "date32": (pa.array([MOMENT.date(), None, MOMENT.date()]), ["2026-05-27", None, "2026-05-27"]),
    "decimal128": (
        pa.array([Decimal("1.50"), None, Decimal("-0.01")], pa.decimal128(10, 2)),
        ["1.50", None, "-0.01"],
    ),
    "decimal256": (
        pa.array(
            [Decimal("1.50"), None, Decimal("12345678901234567890123456789012345678901.25")],
            pa.decimal256(50, 2),
        ),
        ["1.50", None, "12345678901234567890123456789012345678901.25"],
    ),
    **{
        str(kind): (pa.array([0, None, limit], kind), [0, None, limit])
        for kind, limit in (
            (pa.int8(), -(2**7)),
            (pa.int16(), -(2**15)),
            (pa.int32(), -(2**31)),
            (pa.int64(), -(2**63)),
            (pa.uint8(), 2**8 - 1),
            (pa.uint16(), 2**16 - 1),
            (pa.uint32(), 2**32 - 1),
            (pa.uint64(), 2**64 - 1),
        )
    },
    "float16": (pa.array(np.array([0.5, np.nan, -2.0], np.float16)), [0.5, None, -2.0]),
    "float32": (pa.array([0.5, float("nan"), None], pa.float32()), [0.5, None, None]),
    "float64": (pa.array([0.1, float("nan"), 1e300]), [0.1, None, 1e300]),
}


def sent(service: Service) -> list[Any]:
    return [stored.variables.get("value") for stored in service.applied]


@pytest.mark.parametrize("kind", EQUAL)
def test_values(upload: Upload, service: Service, kind: str) -> None:
    column, expected = EQUAL[kind]
    table = pa.table({"phone_number": [number(row) for row in range(3)], "value": column})
    assert upload(service, table).accepted == 3
    assert sent(service) == expected
    # Nulls are left out.
    absent = ["value" not in stored.variables for stored in service.applied]
    assert absent == [value is None for value in expected]


TIMES: dict[str, tuple[pa.DataType, dt.datetime]] = {
    **{f"timestamp[{unit}]": (pa.timestamp(unit), MOMENT) for unit in ("ms", "us", "ns")},
    **{
        f"timestamp[{unit}, India]": (pa.timestamp(unit, "Asia/Kolkata"), ZONED)
        for unit in ("ms", "us", "ns")
    },
    "timestamp[us, UTC]": (pa.timestamp("us", "UTC"), ZONED),
    "timestamp[us, +05:30]": (pa.timestamp("us", "+05:30"), ZONED),
    "timestamp[s]": (pa.timestamp("s"), MOMENT.replace(microsecond=0)),
    "date64": (pa.date64(), MOMENT.replace(hour=0, minute=0, second=0, microsecond=0)),
}


@pytest.mark.parametrize("kind", TIMES)
def test_times_are_iso_8601(upload: Upload, service: Service, kind: str) -> None:
    """The same moment; with a zone where the column has one, without where it has none."""
    type_, moment = TIMES[kind]
    given = moment.date() if kind == "date64" else moment
    table = pa.table(
        {"phone_number": [number(0), number(1)], "value": pa.array([given, None], type_)}
    )
    upload(service, table)
    text, absent = sent(service)
    assert absent is None
    assert dt.datetime.fromisoformat(text) == moment
    assert " " not in text


BAD: dict[str, tuple[Callable[[], pa.Array], str]] = {
    "duration": (lambda: pa.array([dt.timedelta(1)] * 2), "duration"),
    "binary": (lambda: pa.array([b"a", b"b"]), "binary"),
    "large_binary": (lambda: pa.array([b"a", b"b"], pa.large_binary()), "binary"),
    "fixed_size_binary": (lambda: pa.array([b"a", b"b"], pa.binary(1)), "binary"),
    "list of durations": (lambda: pa.array([[dt.timedelta(1)], []]), "duration"),
    "struct of binary": (lambda: pa.array([{"raw": b"a"}, None]), "binary"),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_column_that_cannot_be_sent(upload: Upload, service: Service, kind: str) -> None:
    column, word = BAD[kind]
    table = pa.table({"phone_number": [number(0), number(1)], "value": column()})
    with pytest.raises(revrag.InvalidArgumentError, match=r"(?i)\bvalue\b") as info:
        upload(service, table)
    assert word in private(info.value, number(0)[3:]).lower()
    assert not service.pushes


@pytest.mark.parametrize("kind", BAD)
def test_a_column_that_cannot_be_sent_but_is_not_asked_for(
    upload: Upload, service: Service, kind: str
) -> None:
    column, _ = BAD[kind]
    numbers = [number(0), number(1)]
    table = pa.table({"phone_number": numbers, "value": column(), "name": ["a", "b"]})
    assert upload(service, table, variables=["name"]).accepted == 2
    assert upload(service, table, variables=[]).accepted == 2
    assert [stored.variables for stored in service.applied][2:] == [{}, {}]


PHONES: dict[str, pa.Array] = {
    "string": pa.array([number(0), None]),
    "large_string": pa.array([number(0), None], pa.large_string()),
    "string_view": pa.array([number(0), None], pa.string_view()),
    "dictionary": dictionary([number(0), None], pa.int16(), pa.string()),
    "int64": pa.array([919800000000, None]),
    "uint64": pa.array([919800000000, None], pa.uint64()),
    "float64": pa.array([919800000000.0, None]),
    "decimal128": pa.array([Decimal(919800000000), None], pa.decimal128(15, 0)),
    "decimal128 of Oracle": pa.array([Decimal(919800000000), None], pa.decimal128(38, 10)),
    "decimal256": pa.array([Decimal(919800000000), None], pa.decimal256(60, 20)),
    "runs of ints": pc.run_end_encode(pa.array([919800000000, None])),
    "runs of text": pc.run_end_encode(pa.array([number(0), None])),
    "dictionary of ints": dictionary([919800000000, None], pa.int8(), pa.int64()),
}


@pytest.mark.parametrize("kind", PHONES)
def test_phone_numbers(upload: Upload, service: Service, kind: str) -> None:
    report = upload(service, pa.table({"phone_number": PHONES[kind], "n": [1, 2]}))
    assert [stored.phone_number for stored in service.applied] == [number(0)]
    assert (report.accepted, report.invalid) == (1, 1)


@pytest.mark.parametrize(
    "column",
    [[True], [b"+919876543210"], [dt.date(2026, 1, 1)], [["+919876543210"]]],
    ids=["bool", "binary", "date", "list"],
)
def test_a_column_that_holds_no_phone_numbers(
    upload: Upload, service: Service, column: list[Any]
) -> None:
    with pytest.raises(revrag.InvalidArgumentError, match="phone_number") as info:
        upload(service, pa.table({"phone_number": column}))
    private(info.value, "9876543210")
    assert not service.pushes


def test_polars(upload: Upload, service: Service) -> None:
    frame = pl.DataFrame(
        {
            "phone_number": [number(0), number(1)],
            "category": pl.Series(["a", None], dtype=pl.Categorical),
            "choice": pl.Series(["x", "y"], dtype=pl.Enum(["x", "y"])),
            "price": pl.Series([Decimal("1.5"), None], dtype=pl.Decimal(10, 2)),
            "parts": [[1, 2], []],
            "fixed": pl.Series([[1, 2], [3, 4]], dtype=pl.Array(pl.Int8, 2)),
            "inner": [{"a": 1, "b": None}, {"a": 2, "b": "z"}],
            "day": [MOMENT.date(), None],
            "nothing": [None, None],
        }
    )
    assert upload(service, frame).accepted == 2
    assert [stored.variables for stored in service.applied] == [
        {"category": "a", "choice": "x", "price": "1.50", "parts": [1, 2], "fixed": [1, 2]}
        | {"inner": {"a": 1}, "day": "2026-05-27"},
        {"choice": "y", "parts": [], "fixed": [3, 4], "inner": {"a": 2, "b": "z"}},
    ]


def test_nulls_and_empty_lists_within_columns_of_polars(upload: Upload, service: Service) -> None:
    rows = [{"a": [], "b": None, "c": [None]}, {"a": [], "b": None, "c": []}]
    frame = pl.DataFrame(
        {
            "phone_number": [number(0), number(1)],
            "inner": rows,
            "lists": [[], [None]],
            "deep": [[[]], [[None], []]],
            "structs": [[{"a": None}], []],
        }
    )
    expected = [
        {"inner": {"a": [], "c": [None]}, "lists": [], "deep": [[]], "structs": [{}]},
        {"inner": {"a": [], "c": []}, "lists": [None], "deep": [[None], []], "structs": []},
    ]
    for source in (frame, frame.lazy()):
        upload(service, source)
        assert [stored.variables for stored in service.applied][-2:] == expected


def test_pandas(upload: Upload, service: Service) -> None:
    frame = pd.DataFrame(
        {
            "phone_number": [9800000000, None],
            "name": ["a", None],
            "whole": pd.array([1, None], dtype="Int64"),
            "kind": pd.Categorical(["x", None]),
            "when": pd.to_datetime([MOMENT, None]),
        }
    )
    report = upload(service, frame)
    assert (report.accepted, report.invalid, report.repaired) == (1, 1, 1)
    variables = service.applied[0].variables
    assert dt.datetime.fromisoformat(variables.pop("when")) == MOMENT
    assert variables == {"name": "a", "whole": 1, "kind": "x"}


def test_python_values(upload: Upload, service: Service) -> None:
    """All that ``push`` takes, with nulls left out."""
    given = {
        "text": "a",
        "whole": 1,
        "real": 0.5,
        "flag": True,
        "nothing": None,
        "nan": float("nan"),
        "nat": pd.NaT,
        "na": pd.NA,
        "list": [1, "two", None, float("nan")],
        "dict": {"a": {"b": None, "c": 1}},
        "mapping": MappingProxyType({"a": MappingProxyType({"b": None, "c": [None]})}),
        "time": dt.time(9, 5),
        "period": pd.Period("2026-01", freq="M"),
        "numpy nan": np.float32("nan"),
        "numpy NaT": np.datetime64("NaT"),
        "decimal nan": Decimal("nan"),
        "day": dt.date(2026, 5, 27),
        "moment": ZONED,
        "decimal": Decimal("1.50"),
        "uuid": uuid.UUID(int=1),
        "numpy int": np.int64(7),
        "numpy float": np.float32(0.5),
        "numpy bool": np.bool_(True),
        "numpy str": np.str_("s"),
    }
    expected = {
        "text": "a",
        "whole": 1,
        "real": 0.5,
        "flag": True,
        "list": [1, "two", None, None],
        "dict": {"a": {"c": 1}},
        "mapping": {"a": {"c": [None]}},
        "time": "09:05:00",
        "period": "2026-01",
        "day": "2026-05-27",
        "moment": ZONED.isoformat(),
        "decimal": "1.50",
        "uuid": str(uuid.UUID(int=1)),
        "numpy int": 7,
        "numpy float": 0.5,
        "numpy bool": True,
        "numpy str": "s",
    }
    upload(service, [{"phone_number": number(0), "variables": given}])
    upload(service, [MappingProxyType({"phone_number": number(0), **given})])
    assert [stored.variables for stored in service.applied] == [expected, expected]


def test_parquet_keeps_its_types(upload: Upload, service: Service, tmp_path: Path) -> None:
    # The others pyarrow can't write.
    others = {"float16", "runs", "runs of ints", "bool8"}
    columns = {name: column for name, (column, _) in EQUAL.items() if name not in others}
    numbers = [number(row) for row in range(3)]
    path = tmp_path / "leads.parquet"
    pa.parquet.write_table(pa.table({"phone_number": numbers, **columns}), path)
    assert upload(service, path).accepted == 3
    for row, stored in enumerate(service.applied):
        for name in columns:
            assert stored.variables.get(name) == EQUAL[name][1][row], name


def test_infinity_costs_its_row(upload: Upload, service: Service) -> None:
    """JSON has no infinity."""
    values = [0.0, float("inf"), 1.0]
    table = pa.table({"phone_number": [number(row) for row in range(3)], "value": values})
    found = rows(upload(service, table))
    assert [row["outcome"] for row in found] == ["accepted", "invalid", "accepted"]
    assert found[1]["error"] == 'column "value": infinity can\'t be sent as JSON'
    assert found[1]["phone_number"] == number(1)
    with pytest.raises(revrag.InvalidArgumentError, match=r"row 1.*value.*infinity") as info:
        upload(service, table, on_invalid="raise")
    private(info.value, number(1)[3:])


@pytest.mark.parametrize("value", [Decimal("Infinity"), Decimal("-Infinity"), np.float32("inf")])
def test_infinity_of_any_kind(upload: Upload, service: Service, value: object) -> None:
    (row,) = rows(upload(service, [{"phone_number": number(0), "value": value}]))
    assert row["outcome"] == "invalid"
    assert row["error"] == 'column "value": infinity can\'t be sent as JSON'
    with pytest.raises(revrag.InvalidArgumentError, match="infinity"):
        service.campaign().push([{"phone_number": number(0), "variables": {"value": value}}])


def test_the_report_has_the_numbers_as_text(upload: Upload, service: Service) -> None:
    table = pa.table({"phone_number": pa.array([919800000000, 12])})
    found = rows(upload(service, table))
    assert [row["phone_number"] for row in found] == [number(0), "12"]
