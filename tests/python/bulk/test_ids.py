"""Ids: text as it is, and numbers in digits."""

from __future__ import annotations

import uuid
from decimal import Decimal
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest
import revrag
from bulk.conftest import Upload
from support.service import Service
from support.upload import number

UUID = uuid.UUID("12345678-1234-4678-8234-567812345678")

IDS: dict[str, tuple[pa.Array, str]] = {
    "int": (pa.array([17]), "17"),
    "float": (pa.array([17.0]), "17"),
    "decimal": (pa.array([Decimal(17)], pa.decimal128(38, 10)), "17"),
    "a large decimal": (pa.array([Decimal(10**27)], pa.decimal128(38, 10)), str(10**27)),
    "a negative decimal": (pa.array([Decimal(-17)], pa.decimal128(38, 10)), "-17"),
    "a decimal with a fraction": (pa.array([Decimal("17.5")], pa.decimal128(5, 2)), "17.50"),
    "uuid": (pa.array([UUID.bytes], pa.uuid()), str(UUID)),
    "runs": (pc.run_end_encode(pa.array([17])), "17"),
    "text": (pa.array(["17.0000000000"]), "17.0000000000"),
}


@pytest.mark.parametrize("kind", IDS)
def test_ids(upload: Upload, service: Service, kind: str) -> None:
    column, expected = IDS[kind]
    upload(service, pa.table({"phone_number": [number(0)], "id": column}), app_user_id="id")
    assert service.pushes[0].records[0]["app_user_id"] == expected


def test_ids_and_numbers_of_decimals_in_python(upload: Upload, service: Service) -> None:
    """As database drivers return them."""
    row = {
        "phone_number": Decimal("9800000000.0000000000"),
        "app_user_id": Decimal("17.0000000000"),
        "app_session_id": Decimal("1.5E+3"),
        "price": Decimal("17.0000000000"),
    }
    for source in ([row], pd.DataFrame([row])):
        report = upload(service, source)
        sent = service.pushes[-1].records[0]
        assert (sent["phone_number"], report.repaired) == (number(0), 1)
        assert (sent["app_user_id"], sent["app_session_id"]) == ("17", "1500")
        assert sent["variables"] == {"price": "17.0000000000"}
    with pytest.raises(revrag.InvalidArgumentError, match="phone_number"):
        upload(service, pa.table({"phone_number": pa.array([UUID.bytes], pa.uuid())}))


def test_uuids_of_duckdb(upload: Upload, service: Service, tmp_path: Path) -> None:
    """Its own Parquet says what they are, and knows nothing of Arrow."""
    path = tmp_path / "leads.parquet"
    row = f"'{number(0)}' AS phone_number, uuid '{UUID}' AS id, uuid '{UUID}' AS ref"
    duckdb.sql(f"COPY (SELECT {row}) TO '{path}'")
    for source in (path, duckdb.sql(f"SELECT {row}")):
        upload(service, source, app_user_id="id")
        sent = service.pushes[-1].records[0]
        assert (sent["app_user_id"], sent["variables"]) == (str(UUID), {"ref": str(UUID)})


def test_runs_of_many_rows(upload: Upload, service: Service) -> None:
    """More than fit into a block, and runs across its end."""
    count = 5000
    numbers = pa.array([9_800_000_000 + row for row in range(count)])
    refs = [str(row // 7) for row in range(count)]
    runs = {"phone_number": pc.run_end_encode(numbers), "ref": pc.run_end_encode(pa.array(refs))}
    upload(service, pa.table(runs), concurrency=1)
    assert [stored.phone_number for stored in service.applied] == [
        number(row) for row in range(count)
    ]
    assert [stored.variables["ref"] for stored in service.applied] == refs
