"""Records and calls as columns."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import socket
import threading
import uuid
from collections.abc import Callable
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import revrag
from support import CALL, RECORD, campaign_at
from support.listing import VARIABLES, service, uid
from support.server import Request, Serve, reply


def test_records_are_a_frame(serve: Serve) -> None:
    campaign = campaign_at(serve(service(10)).url)
    frame = pl.DataFrame(campaign.records(page_size=4))
    assert sorted(frame.columns) == sorted(RECORD)
    assert frame["id"].to_list() == [uid(n) for n in range(10)]
    assert frame.schema["created_at"] == pl.Datetime("us", "UTC")
    assert frame["created_at"][0] == dt.datetime(2026, 5, 27, 3, tzinfo=dt.UTC)
    texts = [None if text is None else json.loads(text) for text in frame["variables"]]
    assert texts == [VARIABLES[n % 4] for n in range(10)]
    assert frame["call_history"][3].to_list() == [{"call_id": uid(1003), "status": "completed"}]
    assert frame["attempt_count"].to_list() == [1] * 10
    assert pa.table(campaign.records()).num_rows == 10
    assert len(pd.DataFrame.from_arrow(campaign.records())) == 10
    records = pa.RecordBatchReader.from_stream(campaign.records(page_size=3))  # noqa: F841
    assert duckdb.sql("select count(*), min(id) from records").fetchall() == [(10, uid(0))]


def test_variables_as_a_map_and_as_a_struct(serve: Serve) -> None:
    campaign = campaign_at(serve(service(8)).url)
    maps = pa.table(campaign.records(variables="map", page_size=3))["variables"].to_pylist()
    assert maps[:4] == [[("name", "Riya"), ("n", "1")], [("n", "2.5"), ("tags", '["a"]')], [], None]
    structs = pl.DataFrame(campaign.records(variables="struct", page_size=3))
    assert structs.schema["variables"] == pl.Struct(
        {"name": pl.String, "n": pl.Float64, "tags": pl.String}
    )
    assert structs["variables"].struct.field("n").to_list()[:4] == [1.0, 2.5, None, None]
    with pytest.raises(revrag.InvalidArgumentError, match="variables"):
        campaign.records(variables="xml")  # type: ignore[arg-type]


def test_an_empty_campaign_is_an_empty_frame(serve: Serve) -> None:
    campaign = campaign_at(serve(service(0)).url)
    assert pl.DataFrame(campaign.records()).shape == (0, len(RECORD))
    assert pl.DataFrame(campaign.calls(campaign.records())).shape == (0, len(CALL))


def test_a_refusal_is_raised_as_it_is(serve: Serve) -> None:
    campaign = campaign_at(serve(reply(401, {"detail": "no"})).url)
    with pytest.raises(revrag.AuthenticationError):
        pl.DataFrame(campaign.records())


def test_odd_fields_are_null(serve: Serve) -> None:
    odd = RECORD | {"attempt_count": "many", "created_at": "soon", "variables": "x", "status": 7}
    campaign = campaign_at(serve(reply(200, {"items": [odd, 7], "has_more": False})).url)
    [row] = pl.DataFrame(campaign.records()).to_dicts()
    assert (row["attempt_count"], row["created_at"], row["variables"]) == (None, None, None)
    assert row["status"] == "7"


# --- calls -----------------------------------------------------------------------------------


def of_calls(calls: revrag.CallPager, form: str) -> list[str]:
    async def every() -> list[str]:
        return [call.call_id async for call in calls]

    return [call.call_id for call in calls] if form == "for" else asyncio.run(every())


@pytest.mark.parametrize("form", ["for", "async for"])
def test_calls_of_everything(serve: Serve, form: str) -> None:
    """One that is missing is told, and ends nothing."""
    server = serve(service(150, lost=77))
    campaign = campaign_at(server.url)
    expected = [uid(1000 + n) for n in range(150) if n != 77]
    for calls in (
        campaign.calls(status="completed"),
        campaign.calls(list(campaign.records())),
        campaign.calls(uid(n) for n in range(150)),
        campaign.calls(pl.Series([uid(n) for n in range(150)])),
        campaign.calls(call_ids=[uid(1000 + n) for n in range(150)]),
    ):
        assert of_calls(calls, form) == expected
        assert calls.missing == [uid(1077)]
    calls = campaign.calls([uuid.UUID(int=1), uid(999_999), campaign.record(uid(2))])
    assert of_calls(calls, form) == [uid(1001), uid(1002)]
    assert calls.missing == [uid(999_999)]


def test_calls_are_a_frame(serve: Serve) -> None:
    campaign = campaign_at(serve(service(5)).url)
    frame = pl.DataFrame(campaign.calls(status="completed"))
    assert frame.columns == list(CALL)
    assert frame["duration"].to_list() == [72.0] * 5
    assert frame["transcription"][0].to_list() == CALL["transcription"]["messages"]
    assert frame["custom_variables"][0][0]["value"] == "true"
    messages = pl.DataFrame(campaign.calls(status="completed", by="message"))
    said = CALL["transcription"]["messages"]
    assert messages["content"].to_list() == [message["content"] for message in said] * 5
    assert messages["message"].to_list() == list(range(len(said))) * 5


@pytest.mark.parametrize("column", [pl.Series, pd.Series, list], ids=lambda kind: kind.__module__)
@pytest.mark.parametrize("count", [0, 3])
def test_calls_of_a_column_of_ids(serve: Serve, column: Callable[..., Any], count: int) -> None:
    campaign = campaign_at(serve(service(5)).url)
    runs = column([uid(number) for number in range(count)])
    called = [uid(1000 + number) for number in range(count)]
    assert [call.call_id for call in campaign.calls(runs)] == called
    assert pl.DataFrame(campaign.calls(call_ids=column(called)))["call_id"].to_list() == called


def test_calls_are_bounded(serve: Serve) -> None:
    """No more requests are under way than asked for, and not too many begin in a second."""
    inner, lock, now, most = service(40), threading.Lock(), 0, 0

    def act(connection: socket.socket, request: Request) -> None:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        # Gives the others the time to come.
        threading.Event().wait(0.01)
        with lock:
            now -= 1
        inner(connection, request)

    campaign = campaign_at(serve(act).url)
    assert len(list(campaign.calls([uid(n) for n in range(20)], concurrency=3))) == 20
    assert most <= 3
    started = dt.datetime.now(dt.UTC)
    ids = [uid(1000 + n) for n in range(20)]
    assert len(list(campaign.calls(call_ids=ids, max_per_second=100))) == 20
    assert dt.datetime.now(dt.UTC) - started >= dt.timedelta(seconds=0.18)


def test_what_calls_does_not_take(serve: Serve) -> None:
    campaign = campaign_at(serve(service(1)).url)
    for wrong in (
        {},
        {"source": [], "status": "x"},
        {"source": "abc"},
        {"source": 7},
        {"source": [], "by": "x"},
        {"source": [], "max_per_second": 0},
        {"source": [], "concurrency": 0},
    ):
        with pytest.raises(revrag.InvalidArgumentError):
            campaign.calls(**wrong)  # type: ignore[arg-type]
    for bad in (campaign.calls([7]), campaign.calls(["x"]), campaign.calls(call_ids=["x"])):  # type: ignore[list-item]
        with pytest.raises(revrag.InvalidArgumentError):
            list(bad)
