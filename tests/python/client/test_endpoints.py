"""What each method sends, and what it makes of the reference's answers."""

from __future__ import annotations

import asyncio
import datetime as dt
import decimal
import types
import uuid
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
import revrag
from revrag.sandbox import Sandbox
from support import (
    CALL,
    CALL_ID,
    CAMPAIGN_ID,
    KEY,
    LEAD,
    OUTCOME,
    PAGE,
    PUSHED,
    RECORD,
    REJECTION,
    RUN_ID,
    STATUS,
    campaign_at,
)
from support.both import Invoke
from support.server import Serve, reply

PREFIX = f"/v1/campaigns/{CAMPAIGN_ID}"


def test_push(invoke: Invoke, serve: Serve) -> None:
    server = serve(reply(200, {"accepted": 1, "rejected": 1, "results": [OUTCOME, REJECTION]}))
    records = [LEAD, {"phone_number": "not-a-number", "app_user_id": None}]
    pushed = invoke(campaign_at(server.url), "push", records)
    assert (pushed.accepted, pushed.rejected) == (1, 1)
    first, second = pushed.results
    assert (first.run_id, first.status, first.error, first.accepted) == (
        RUN_ID,
        "queued",
        None,
        True,
    )
    assert (second.run_id, second.status, second.accepted) == (None, None, False)
    assert second.error == REJECTION["error"]
    (request,) = server.requests
    assert (request.method, request.target) == ("POST", f"{PREFIX}/records/push-bulk")
    assert request.headers["x-api-key"] == KEY
    assert request.headers["content-type"] == "application/json"
    assert request.headers["user-agent"].startswith("revrag/")
    # None at the top level is left out.
    assert request.json() == {"records": [LEAD, {"phone_number": "not-a-number"}]}


SENT: dict[str, tuple[object, object]] = {
    "str": ("नमस्ते 👋 \x01\u2028", "नमस्ते 👋 \x01\u2028"),
    "int": (2**64 - 1, 2**64 - 1),
    "negative": (-(2**63), -(2**63)),
    "float": (0.1, 0.1),
    "bool": (True, True),
    "none": (None, None),
    "nested": ({"a": [1, {"b": (2, None)}]}, {"a": [1, {"b": [2, None]}]}),
    "datetime": (
        dt.datetime(2026, 5, 27, 3, 5, tzinfo=dt.timezone(dt.timedelta(hours=5, minutes=30))),
        "2026-05-27T03:05:00+05:30",
    ),
    "naive datetime": (dt.datetime(2026, 5, 27, 3, 5), "2026-05-27T03:05:00"),  # noqa: DTZ001
    "date": (dt.date(2026, 5, 27), "2026-05-27"),
    "decimal": (decimal.Decimal("10.50"), "10.50"),
    "uuid": (uuid.UUID(RUN_ID), RUN_ID),
    "nan": (float("nan"), None),
    "NaT": (pd.NaT, None),
    "NA": (pd.NA, None),
    "numpy nan": (np.float64("nan"), None),
    "numpy int": (np.int64(7), 7),
    "numpy uint": (np.uint8(7), 7),
    "numpy float": (np.float32(0.5), 0.5),
    "numpy bool": (np.bool_(True), True),
    "numpy str": (np.str_("x"), "x"),
    "numpy date": (np.datetime64("2026-05-27"), "2026-05-27"),
    "pandas timestamp": (pd.Timestamp("2026-05-27T03:05:00Z"), "2026-05-27T03:05:00+00:00"),
    "decimal nan": (decimal.Decimal("nan"), None),
    "time": (dt.time(9, 5), "09:05:00"),
    "period": (pd.Period("2026-01", freq="M"), "2026-01"),
    "mapping": (
        types.MappingProxyType({"a": types.MappingProxyType({"b": None})}),
        {"a": {"b": None}},
    ),
    "null in a list": ([1, None, float("nan")], [1, None, None]),
    "a str of its own": (type("Text", (str,), {})("x"), "x"),
}


@pytest.mark.parametrize("kind", SENT)
def test_what_may_be_a_variable(serve: Serve, kind: str) -> None:
    server = serve(reply(200, PUSHED))
    value, expected = SENT[kind]
    campaign_at(server.url).push([LEAD | {"variables": {"value": value}}])
    assert server.requests[0].json()["records"][0]["variables"] == {"value": expected}


@pytest.mark.parametrize(
    "make",
    [
        lambda lead: [lead],
        lambda lead: (lead,),
        lambda lead: iter([lead]),
        lambda lead: (one for one in [lead]),
        lambda lead: {0: lead}.values(),
        lambda lead: [types.MappingProxyType(lead)],
        lambda lead: pd.DataFrame([lead]).to_dict("records"),
    ],
)
def test_any_iterable_of_mappings_is_a_push(invoke: Invoke, serve: Serve, make: Any) -> None:
    server = serve(reply(200, PUSHED))
    assert invoke(campaign_at(server.url), "push", make(LEAD)).accepted == 1
    assert server.requests[0].json() == {"records": [LEAD]}


def test_null_of_any_kind_at_the_top_is_left_out(serve: Serve) -> None:
    server = serve(reply(200, PUSHED))
    for null in (None, float("nan"), np.float32("nan"), pd.NA, pd.NaT, decimal.Decimal("nan")):
        lead = {**LEAD, "app_user_id": null, "app_session_id": null}
        campaign_at(server.url).push([lead | {"variables": null}])
        expected = {key: LEAD[key] for key in ("phone_number",)}
        assert server.requests[-1].json()["records"] == [expected]


@pytest.mark.parametrize(
    ("given", "at"),
    [
        ({"variables": {"name": "Ri\0ya"}}, "name"),
        ({"variables": {"a": [{"b\0": 1}]}}, '"a"'),
        ({"app_user_id": "17\0"}, "app_user_id"),
        ({"phone_number": "+91\0"}, "phone_number"),
    ],
)
def test_a_nul_is_refused(invoke: Invoke, serve: Serve, given: dict[str, Any], at: str) -> None:
    server = serve(reply(200, PUSHED))
    with pytest.raises(revrag.InvalidArgumentError, match="NUL") as info:
        invoke(campaign_at(server.url), "push", [LEAD, LEAD | given])
    assert "records[1]" in str(info.value)
    assert at in str(info.value)
    assert not server.requests


def test_ids_of_whole_decimals_are_digits(serve: Serve) -> None:
    server = serve(reply(200, PUSHED))
    campaign_at(server.url).push([LEAD | {"app_user_id": decimal.Decimal("17.0000000000")}])
    assert server.requests[0].json()["records"][0]["app_user_id"] == "17"


def test_record(invoke: Invoke, serve: Serve) -> None:
    server = serve(reply(200, RECORD))
    for run_id in (RUN_ID, uuid.UUID(RUN_ID)):
        record = invoke(campaign_at(server.url), "record", run_id)
        assert record.to_dict() == RECORD
        assert record.call_history[0].call_id == CALL_ID
        assert record.created_at == dt.datetime(2026, 5, 27, 3, tzinfo=dt.UTC)
        assert record.is_final
    assert {(r.method, r.target) for r in server.requests} == {
        ("GET", f"{PREFIX}/records/{RUN_ID}")
    }


@pytest.mark.parametrize(
    ("options", "query"),
    [
        ({}, "page=1&page_size=50"),
        (
            {"status": "completed", "page": 3, "page_size": 200},
            "status=completed&page=3&page_size=200",
        ),
        ({"status": "a b&c=d/é"}, "status=a+b%26c%3Dd%2F%C3%A9&page=1&page_size=50"),
    ],
)
def test_one_page(invoke: Invoke, serve: Serve, options: dict[str, Any], query: str) -> None:
    server = serve(reply(200, PAGE))
    page = invoke(campaign_at(server.url), "records_page", **options)
    assert (page.total, page.has_more, page.page, page.page_size) == (100, True, 1, 50)
    assert [record.id for record in page.items] == [RUN_ID]
    assert server.requests[0].target == f"{PREFIX}/records?{query}"


def pages(count: int) -> Iterator[Any]:
    for number in range(1, count + 1):
        items = [RECORD | {"id": f"00000000-0000-0000-0000-{number:012}"}]
        told = {"items": items, "total": count, "page": number, "has_more": number < count}
        yield reply(200, PAGE | told)


def test_all_pages(serve: Serve) -> None:
    server = serve(*pages(3))
    pager = campaign_at(server.url).records(status="queued", page_size=1)
    assert [record.id[-1] for record in pager] == ["1", "2", "3"]
    assert [request.target.split("?")[1] for request in server.requests] == [
        f"status=queued&page={page}&page_size=1" for page in (1, 2, 3)
    ]
    assert "status='queued'" in repr(pager)

    async def main(pager: revrag.RecordPager) -> list[str]:
        return [record.id[-1] async for record in pager]

    assert asyncio.run(main(campaign_at(serve(*pages(3)).url).records())) == ["1", "2", "3"]


def test_a_page_without_items_ends_the_listing(serve: Serve) -> None:
    server = serve(reply(200, PAGE | {"items": [], "has_more": True}))
    assert list(campaign_at(server.url).records()) == []
    assert len(server.requests) == 1


def test_the_page_size_of_a_listing_is_checked_at_once(serve: Serve) -> None:
    with pytest.raises(revrag.InvalidArgumentError, match="page_size"):
        campaign_at(serve().url).records(page_size=201)


def test_status(invoke: Invoke, serve: Serve) -> None:
    server = serve(reply(200, STATUS))
    status = invoke(campaign_at(server.url), "status")
    assert status.to_dict() == STATUS
    assert (status.status, status.stats.completed) == ("running", 70)
    assert server.requests[0].target == f"{PREFIX}/status"


def test_call(invoke: Invoke, serve: Serve) -> None:
    server = serve(reply(200, CALL))
    call = invoke(campaign_at(server.url).client, "call", CALL_ID)
    assert call.to_dict() == CALL
    assert call.transcription.messages[1].content == "Yes, Friday works."
    assert call.custom_variables[0].value is True
    assert server.requests[0].target == f"/v1/campaigns/trigger/status/{CALL_ID}"


def test_a_path_prefix_is_kept(invoke: Invoke, serve: Serve) -> None:
    server = serve(reply(200, STATUS))
    invoke(campaign_at(f"{server.url}/gateway/revrag/"), "status")
    assert server.requests[0].target == f"/gateway/revrag{PREFIX}/status"


@pytest.mark.parametrize(
    ("status", "attempts", "final"),
    [
        ("completed", 1, True),
        ("dnc", 0, True),
        ("failed", 3, True),
        ("failed", 2, False),
        ("queued", 0, False),
        ("retry_pending", 1, False),
        ("a status of tomorrow", 3, False),
    ],
)
def test_waiting_until_final(
    invoke: Invoke, serve: Serve, status: str, attempts: int, final: bool
) -> None:
    first = RECORD | {"status": status, "attempt_count": attempts}
    server = serve(reply(200, first), reply(200, RECORD))
    record = invoke(campaign_at(server.url), "wait", RUN_ID, timeout=10, poll_interval=0.01)
    assert record.status == (status if final else "completed")
    assert len(server.requests) == (1 if final else 2)


def test_waiting_outlasts_a_bad_moment(invoke: Invoke, serve: Serve) -> None:
    server = serve(reply(503, {}), reply(200, RECORD))
    assert invoke(campaign_at(server.url), "wait", RUN_ID, timeout=10).is_final
    assert len(server.requests) == 2


def test_connections_are_used_again(invoke: Invoke, serve: Serve) -> None:
    server = serve(reply(200, STATUS))
    campaign = campaign_at(server.url)
    for _ in range(20):
        invoke(campaign, "status")
    # One that is not back in the pool yet is not waited for.
    assert server.connections < 5


def test_a_lead_is_followed_to_the_end_of_its_call(invoke: Invoke) -> None:
    with Sandbox(dispatch_after=0.01, call_duration=0.01, failure_rate=0) as service:
        campaign = service.client().campaign(service.campaign_id)
        pushed = invoke(campaign, "push", [LEAD])
        record = invoke(campaign, "wait", pushed.results[0].run_id, timeout=10, poll_interval=0.01)
        call = invoke(campaign.client, "call", record.call_history[0].call_id)
    assert (record.status, call.to_number) == ("completed", LEAD["phone_number"])
    assert call.app_session_id == LEAD["app_session_id"]
