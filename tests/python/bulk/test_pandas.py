"""pandas frames: what their own types become, and what of a frame is nobody's business."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import revrag
from bulk.conftest import Upload
from support.service import Service
from support.upload import number

NUMBERS = (number(0), number(1))


def framed(**columns: Any) -> pd.DataFrame:
    return pd.DataFrame({"phone_number": list(NUMBERS), **columns})


@pytest.mark.parametrize("in_parquet", [False, True])
@pytest.mark.parametrize(
    ("frequency", "texts"),
    [
        ("M", ["2026-01", "2026-02"]),
        ("D", ["2026-01-31", "1969-02-01"]),
        ("Y", ["2026", "1965"]),
        ("h", ["2026-01-31T08:00", "2026-02-01T09:00"]),
    ],
)
def test_periods_are_iso_8601(
    upload: Upload,
    service: Service,
    tmp_path: Path,
    frequency: str,
    texts: list[str],
    in_parquet: bool,
) -> None:
    """Their ordinals would be read out: January 2026 as 672."""
    frame = framed(when=pd.PeriodIndex(texts, freq=frequency).array)
    source: object = frame
    if in_parquet:
        source = tmp_path / "leads.parquet"
        frame.to_parquet(source)
    if in_parquet and frequency == "h":
        with pytest.raises(revrag.InvalidArgumentError, match="periods"):
            upload(service, source)
        return
    upload(service, source)
    assert [stored.variables["when"] for stored in service.applied] == texts
    upload(service, frame.astype({"when": object}))
    assert [stored.variables["when"] for stored in service.applied][2:] == texts


def test_no_period_is_null(upload: Upload, service: Service) -> None:
    upload(service, framed(when=pd.PeriodIndex(["2026-01", None], freq="M").array))
    assert [stored.variables for stored in service.applied] == [{"when": "2026-01"}, {}]


def test_sparse_columns(upload: Upload, service: Service) -> None:
    frame = framed(score=pd.arrays.SparseArray([0.0, 1.5]))
    upload(service, frame)
    assert [stored.variables["score"] for stored in service.applied] == [0.0, 1.5]


def test_attributes_are_nobodys_business(upload: Upload, service: Service) -> None:
    frame = framed(name=["a", "b"])
    frame.attrs = {"made by": object()}
    assert upload(service, frame).accepted == 2


@pytest.mark.parametrize("name", [7, ("a", "b"), None, float("nan")], ids=str)
def test_names_that_are_no_text(upload: Upload, service: Service, name: object) -> None:
    with pytest.raises(revrag.InvalidArgumentError, match="name"):
        upload(service, framed().assign(value=1).set_axis(["phone_number", name], axis=1))
    assert not service.pushes


@pytest.mark.parametrize("mixed", [False, True])
def test_two_columns_of_one_name(upload: Upload, service: Service, mixed: bool) -> None:
    values = [1, "two"] if mixed else ["a", "b"]
    frame = framed(first=values, second=["c", "d"])
    frame.columns = ["phone_number", "note", "note"]
    if mixed:
        with pytest.raises(revrag.InvalidArgumentError, match="two columns"):
            upload(service, frame)
    else:
        upload(service, frame)
        assert service.applied[0].variables == {"note": "a", "note_2": "c"}


@pytest.mark.parametrize(
    "values",
    [
        pd.to_timedelta([1, 2], unit="D"),
        np.array([1j, 2j]),
        [b"a", b"b"],
        [{1}, {2}],
    ],
    ids=["timedelta", "complex", "bytes", "set"],
)
def test_what_cannot_be_sent(upload: Upload, service: Service, values: Any) -> None:
    """It is the same error as of any other source, and names the column."""
    with pytest.raises(revrag.InvalidArgumentError, match="value"):
        upload(service, framed(value=values))
    assert not service.pushes


@pytest.mark.parametrize("name", [None, "crm_id"])
def test_a_stored_index_is_no_variable(
    upload: Upload, service: Service, tmp_path: Path, name: str | None
) -> None:
    frame = framed(name=["a", "b"]).set_axis(pd.Index([5, 7], name=name))
    frame.to_parquet(tmp_path / "leads.parquet")
    upload(service, tmp_path / "leads.parquet")
    upload(service, pa.Table.from_pandas(frame))
    frame.to_csv(tmp_path / "leads.csv", index_label="")
    upload(service, tmp_path / "leads.csv")
    names = [stored.variables for stored in service.applied]
    assert names == [{"name": "a"}, {"name": "b"}] * 3
    if name:
        upload(service, tmp_path / "leads.parquet", app_user_id=name, variables=[name])
        assert service.pushes[-1].records[1]["variables"] == {name: 7}
