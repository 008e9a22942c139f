"""What can't be read or sent costs its row alone, with a reason."""

from __future__ import annotations

import json
from collections import UserDict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import revrag
from bulk.conftest import Upload
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.service import Service
from support.upload import check, leads, number, private, rows

GOOD = {"phone_number": "+919876543210"}


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


def ring() -> list[Any]:
    value: list[Any] = []
    value.append(value)
    return value


class Unreadable(Mapping[str, Any]):
    """A mapping whose database is gone."""

    def __getitem__(self, key: str) -> Any:
        raise LookupError(key)

    def __iter__(self) -> Iterator[str]:
        raise LookupError("9876543210")

    def __len__(self) -> int:
        return 1


# A row, and what its reason says: where it is, and why.
ITEMS: dict[str, tuple[Any, list[str]]] = {
    "an integer beyond 64 bits": (
        GOOD | {"variables": {"size": 2**70}},
        ['column "variables"["size"]: ', "64 bits"],
    ),
    "one as an id": (GOOD | {"app_user_id": -(2**70)}, ['column "app_user_id": ', "64 bits"]),
    "bytes": (GOOD | {"raw": b"9876543210"}, ['column "raw": ', "bytes"]),
    "a set": (GOOD | {"variables": {"tags": [1, {"a"}]}}, ['["tags"][1]: ', "set"]),
    "an object": (GOOD | {"connection": object()}, ['column "connection": ', "object"]),
    "a function": (GOOD | {"f": len}, ['column "f": ']),
    "a complex number": (GOOD | {"z": np.complex128(1)}, ['column "z": ', "complex"]),
    "infinity": (GOOD | {"variables": {"x": float("inf")}}, ['["x"]: ', "infinity"]),
    "a depth": (GOOD | {"x": nested(99)}, ['column "x"', "nested too deeply"]),
    "a ring": (GOOD | {"x": ring()}, ['column "x"', "contains itself"]),
    "a key that is no text": (GOOD | {7: "a"}, ["a key is of type int; keys must be str"]),
    "one in depth": (GOOD | {"variables": {"a": {None: 1}}}, ['["a"]: ', "NoneType"]),
    "variables that are no dict": (
        GOOD | {"variables": "+919876543210"},
        ['column "variables": it must be an object'],
    ),
    "an id of a list": (GOOD | {"app_user_id": ["+919876543210"]}, ['column "app_user_id": ']),
    "an id of a boolean": (GOOD | {"app_session_id": True}, ['"app_session_id": it is a boolean']),
    "an id with a fraction": (GOOD | {"app_user_id": 1.5}, ['column "app_user_id": ']),
    "a lone surrogate": (
        GOOD | {"variables": {"text": "\ud800 9876543210"}},
        ['["text"]: the text holds a lone surrogate'],
    ),
    "one in an id": (GOOD | {"app_user_id": "\udfff"}, ['"app_user_id": ', "lone surrogate"]),
    "one in a key": (GOOD | {"\ud800": 1}, ["a key holds a lone surrogate"]),
    "one in a number": ({"phone_number": "+9198765\ud800"}, ['"phone_number": ', "surrogate"]),
    "a mapping that raises": (GOOD | {"x": Unreadable()}, ['column "x": ', "Unreadable"]),
    "a row that raises": (Unreadable(), ["could not be read"]),
    "text": ("+919876543210", ["it must be a dict, not str"]),
    "None": (None, ["it must be a dict, not NoneType"]),
    "a pair": (("+919876543210", "Riya"), ["it must be a dict, not tuple"]),
}


@pytest.mark.parametrize("bad", [1, 3, 2500])
@pytest.mark.parametrize("kind", ITEMS)
def test_an_item_that_cannot_be_sent(upload: Upload, service: Service, kind: str, bad: int) -> None:
    item, said = ITEMS[kind]
    source = [*leads(bad), item, *leads(5, start=bad + 1)]
    report = upload(service, source, max_records=1000)
    found = check(report, service)
    assert (report.invalid, report.accepted) == (1, bad + 5)
    row = found[bad]
    assert row["outcome"] == "invalid"
    assert all(words in row["error"] for words in said), row["error"]
    # What its number is, the report knows where it can be read.
    has_number = isinstance(item, dict) and item["phone_number"] == GOOD["phone_number"]
    assert row["phone_number"] == (GOOD["phone_number"] if has_number else None)


@pytest.mark.parametrize("kind", ITEMS)
def test_it_does_not_go_out_and_may_stop_all(upload: Upload, service: Service, kind: str) -> None:
    """Such a row can't be sent as it came; where none may be invalid, the row is named."""
    item, said = ITEMS[kind]
    source = [*leads(2), item]
    for options in ({"on_invalid": "send"}, {"region": None}, {"dry_run": True}):
        assert rows(upload(service, source, **options))[2]["outcome"] == "invalid"
    pushes = len(service.pushes)
    with pytest.raises(revrag.InvalidArgumentError, match="row 2") as info:
        upload(service, source, on_invalid="raise")
    assert said[-1] in str(info.value)
    private(info.value, "9876543210")
    assert len(service.pushes) == pushes


@pytest.mark.parametrize("kind", ITEMS)
def test_what_is_not_sent_costs_nothing(upload: Upload, service: Service, kind: str) -> None:
    """A cursor or a picture beside what is sent does no harm."""
    item, _ = ITEMS[kind]
    if not isinstance(item, dict) or item["phone_number"] != GOOD["phone_number"]:
        return
    row = item | {"name": "Riya"}
    for column in ("app_user_id", "app_session_id"):
        if column in row:
            row[f"old {column}"] = row.pop(column)
    assert upload(service, [row], variables=["name"]).accepted == 1
    assert service.applied[0].variables == {"name": "Riya"}
    # Nor beside a column of variables.
    if "variables" not in row:
        assert upload(service, [row | {"variables": {"name": "Riya"}}]).accepted == 1


@pytest.mark.parametrize("kind", ITEMS)
def test_a_push_names_record_and_key(service: Service, kind: str) -> None:
    """There, nothing is sent."""
    item, _ = ITEMS[kind]
    with pytest.raises(revrag.InvalidArgumentError, match=r"^records\[1\]") as info:
        service.campaign().push([GOOD, item])
    private(info.value, "9876543210")
    assert not service.pushes


def test_rows_of_which_none_is_one(upload: Upload, service: Service) -> None:
    """Then it is the source."""
    for source in (["+919876543210"], [("+919876543210", "Riya")] * 3, [None, 7]):
        with pytest.raises(revrag.InvalidArgumentError, match=r"^row 0: it must be a dict, not"):
            upload(service, source)
    assert not service.pushes


def test_every_mapping_is_a_row(upload: Upload, service: Service) -> None:
    assert upload(service, [UserDict(GOOD), GOOD]).accepted == 2


# What a person's objects may hold. Half surrogates are among the texts.
texts = st.text(st.characters(), max_size=6)
strange = st.one_of(st.binary(max_size=3), st.complex_numbers(), st.just(object()), st.just({1}))
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts | strange,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts | st.integers(), inner),
    max_leaves=6,
)
keys = texts | st.sampled_from(["app_user_id", "variables", "phone_number"]) | st.integers()


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.dictionaries(keys, values, max_size=4) | values, min_size=1, max_size=6))
def test_whatever_rows_hold_the_good_ones_go(
    upload: Upload, service: Service, items: list[Any]
) -> None:
    source = [GOOD, *items, GOOD]
    report = upload(service, source)
    found = rows(report)
    assert (found[0]["outcome"], found[-1]["outcome"]) == ("accepted", "accepted")
    assert len(found) == len(source)
    assert all(row["error"] for row in found if row["outcome"] == "invalid")
    assert report.accepted + report.invalid + report.rejected == len(source)


LINES: dict[str, tuple[str, list[str]]] = {
    "no object": ('["+919876543210"]', ["it is not a JSON object"]),
    "a number": ("919876543210", ["it is not a JSON object"]),
    "null": ("null", ["it is not a JSON object"]),
    "an integer beyond 64 bits": (
        '{"phone_number": "+919876543210", "size": 98765432109876543210}',
        ['column "size": ', "64 bits", "as text"],
    ),
    "infinity": ('{"phone_number": "+919876543210", "x": [Infinity]}', ['column "x": infinity']),
    "half a surrogate pair": (
        r'{"phone_number": "+919876543210", "x": "\ud83d"}',
        ['column "x": the text holds half a surrogate pair'],
    ),
    "one in a key": (r'{"phone_number": "+919876543210", "\ud83d": 1}', ["a key holds half"]),
    "a depth": (
        json.dumps({"phone_number": "+919876543210", "x": nested(500)}),
        ['column "x": it is nested too deeply'],
    ),
    "variables that are no object": (
        '{"phone_number": "+919876543210", "variables": []}',
        ['column "variables": it must be an object'],
    ),
    "an id of a list": (
        '{"phone_number": "+919876543210", "app_user_id": []}',
        ['column "app_user_id": it is a list'],
    ),
}


@pytest.mark.parametrize("bad", [1, 2500])
@pytest.mark.parametrize("kind", LINES)
def test_a_line_of_json(
    upload: Upload, service: Service, tmp_path: Path, kind: str, bad: int
) -> None:
    line, said = LINES[kind]
    lines = [json.dumps(lead) for lead in [*leads(bad), {}, *leads(5, start=bad + 1)]]
    lines[bad] = line
    path = tmp_path / "leads.jsonl"
    path.write_text("\n".join(lines))
    report = upload(service, path, max_records=1000)
    row = check(report, service)[bad]
    assert (report.invalid, report.accepted) == (1, bad + 5)
    assert all(words in row["error"] for words in said), row["error"]
    with pytest.raises(revrag.InvalidArgumentError, match=f"row {bad}"):
        upload(service, path, on_invalid="raise")


def test_json_as_python_writes_it(upload: Upload, service: Service, tmp_path: Path) -> None:
    """NaN is null; of two of one key the last counts."""
    path = tmp_path / "leads.jsonl"
    path.write_text('{"phone_number": "+919876543210", "a": NaN, "b": 1, "b": [NaN, 1e20]}')
    upload(service, path)
    assert service.applied[0].variables == {"b": [None, 1e20]}


def test_ids_of_a_table_that_are_none(upload: Upload, service: Service) -> None:
    ids = pa.array([17.0, 1.5, None])
    table = pa.table({"phone_number": [number(row) for row in range(3)], "app_user_id": ids})
    found = rows(upload(service, table))
    assert [row["outcome"] for row in found] == ["accepted", "invalid", "accepted"]
    assert 'column "app_user_id": ' in found[1]["error"]


def test_one_odd_cell_of_a_frame(upload: Upload, service: Service) -> None:
    numbers = [number(row) for row in range(3)]
    frame = pd.DataFrame({"phone_number": numbers, "note": ["a", {1}, "c"]})
    found = rows(upload(service, frame))
    assert [row["outcome"] for row in found] == ["accepted", "invalid", "accepted"]
    assert 'column "note": ' in found[1]["error"]
    # Of which no cell can be sent, it is the column, unless it stays home.
    frame["note"] = [{1}, {2}, {3}]
    with pytest.raises(revrag.InvalidArgumentError, match=r"row 0.*note.*set"):
        upload(service, frame)
    assert upload(service, frame, variables=[]).accepted == 3


STRANGE: list[Any] = [
    True,
    None,
    ["+919876543210"],
    {"a": 1},
    b"9876543210",
    {1},
    float("inf"),
    object(),
]


@pytest.mark.parametrize("number", STRANGE, ids=lambda value: type(value).__name__)
def test_a_number_of_a_strange_type_costs_its_row(
    upload: Upload, service: Service, number: Any
) -> None:
    """The others go; where even that must not be, it is the row that is named."""
    source = [*leads(2), {"phone_number": number, "row": 2}, *leads(2, start=3)]
    for options in ({}, {"on_invalid": "send"}, {"region": None}):
        report = upload(service, source, **options)
        found = rows(report)
        assert [row["outcome"] for row in found].count("accepted") == 4
        assert (found[2]["outcome"], found[2]["phone_number"]) == ("invalid", None)
        assert found[2]["error"]
    with pytest.raises(revrag.InvalidArgumentError, match=r"row 2.*phone_number"):
        upload(service, source, on_invalid="raise")


NULS: dict[str, tuple[dict[str, Any], str]] = {
    "a text": ({"variables": {"name": "Ri\0ya"}}, "name"),
    "in depth": ({"variables": {"tags": [{"a": ["\0"]}]}}, "tags"),
    "a key": ({"variables": {"o": {"a\0": 1}}}, "o"),
    "a user id": ({"app_user_id": "17\0"}, "app_user_id"),
    "a session id": ({"app_session_id": "17\0"}, "app_session_id"),
}


@pytest.mark.parametrize("kind", NULS)
def test_a_nul_keeps_its_row_home(upload: Upload, service: Service, kind: str) -> None:
    given, named = NULS[kind]
    bad = {"phone_number": "+919876543210", **given}
    report = upload(service, [*leads(1), bad, *leads(1, start=2)])
    found = rows(report)
    assert [row["outcome"] for row in found] == ["accepted", "invalid", "accepted"]
    assert "NUL" in found[1]["error"]
    assert named in found[1]["error"]
    # The text that JSON's escape is made of is another.
    fine = {"phone_number": "+919876543210", "variables": {"a": "\\u0000 \\\\u0000"}}
    assert upload(service, [fine]).accepted == 1
    with pytest.raises(revrag.InvalidArgumentError, match=r"row 1.*NUL"):
        upload(service, [*leads(1), bad], on_invalid="raise")
    before = len(service.pushes)
    upload(service, [bad], on_invalid="send", on_unknown="leave")
    assert service.pushes[before].records[0]["phone_number"] == "+919876543210"


def test_a_nul_in_a_file_and_a_table(upload: Upload, service: Service, tmp_path: Path) -> None:
    path = tmp_path / "leads.csv"
    path.write_bytes(b"phone_number,name\n+919876543210,Ri\0ya\n+919876543211,Zo\n")
    report = upload(service, path)
    assert [row["outcome"] for row in rows(report)] == ["invalid", "accepted"]
    table = pa.table({"phone_number": ["+919876543210"], "o": [{"a": ["\0"]}]})
    assert upload(service, table).invalid == 1
