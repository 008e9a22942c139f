"""What a type checker makes of the public API; checked by mypy, never run."""

from collections.abc import Coroutine
from datetime import datetime
from pathlib import Path
from typing import Any, assert_type
from uuid import UUID

import polars as pl
import revrag
from revrag import Client, WebhookEvent, WebhookVerifier
from revrag.sandbox import Sandbox


def reading(client: Client) -> None:
    campaign = client.campaign(UUID(int=1))
    pushed = campaign.push([{"phone_number": "+919876543210", "variables": {"n": 1}}])
    assert_type(pushed, revrag.PushResult)
    assert_type(pushed.results[0].run_id, str | None)
    record = campaign.record(pushed.results[0].run_id)
    assert_type(record, revrag.Record)
    assert_type(record.created_at, datetime | None)
    assert_type(record.is_final, bool)
    assert_type(client.call(record.call_history[0].call_id), revrag.Call)
    assert_type(campaign.status().stats.completed, int)
    assert_type(campaign.wait(record.id, timeout=None, poll_interval=1), revrag.Record)
    assert_type(campaign.records_page(status="a status of tomorrow"), revrag.RecordPage)
    for listed in campaign.records(status="completed"):
        assert_type(listed, revrag.Record)
    with client as same:
        assert_type(same, Client)


async def awaiting(client: Client) -> None:
    campaign = client.campaign("11111111-1111-1111-1111-111111111111")
    pushing: Coroutine[Any, Any, revrag.PushResult] = campaign.push_async([])
    assert_type(await pushing, revrag.PushResult)
    assert_type(await campaign.status_async(), revrag.CampaignStatus)
    assert_type(await campaign.record_async("x"), revrag.Record)
    assert_type(await campaign.wait_async("x"), revrag.Record)
    assert_type(await campaign.records_page_async(), revrag.RecordPage)
    assert_type(await client.call_async("x"), revrag.Call)
    async for listed in campaign.records():
        assert_type(listed, revrag.Record)
    async with client as same:
        assert_type(same, Client)


def receiving(verifier: WebhookVerifier, body: bytes, headers: dict[str, str]) -> None:
    event = verifier.verify(body, headers)
    assert_type(event, WebhookEvent)
    assert_type(event.call, revrag.Call | None)
    assert_type(event.timestamp, datetime)
    assert_type(verifier.sign(body, event_id="evt_1"), dict[str, str])
    verifier.verify_signature(body, [(b"x-webhook-id", b"evt_1")], now=datetime.now().astimezone())


def failing(error: revrag.RevragError) -> None:
    if isinstance(error, revrag.RateLimitError):
        assert_type(error.retry_after, float | None)
    if isinstance(error, revrag.UnprocessableEntityError):
        assert_type(error.errors[0].loc, tuple[str | int, ...])
    if isinstance(error, revrag.UploadError):
        assert_type(error.report, revrag.UploadReport)
    if isinstance(error, revrag.WaitTimeoutError):
        assert_type(error.record, revrag.Record | None)


async def uploading(campaign: revrag.Campaign, path: Path) -> None:
    rows: list[revrag.RecordInput] = [{"phone_number": "+919876543210"}]
    assert_type(campaign.upload(path, journal=path), revrag.UploadReport)
    assert_type(campaign.upload(rows, variables={"name": "first_name"}), revrag.UploadReport)
    report = await campaign.upload_async(iter(rows), on_invalid="send", progress=True)
    assert_type(report, revrag.UploadReport)
    assert_type(report.accepted, int)
    campaign.upload(pl.DataFrame(report), progress=lambda seen: seen.elapsed)
    campaign.upload(pl.LazyFrame(), required=["first_name"])
    nightly: revrag.UploadOptions = {"key": "id", "exclude": [919876543210], "max_invalid": 5}
    campaign.upload(rows, **nightly)
    campaign.upload(rows, on_unknwon="stop")  # type: ignore[call-arg]
    campaign.upload(5)  # type: ignore[arg-type]
    campaign.upload(rows, on_unknown="never")  # type: ignore[arg-type]


def sandboxed() -> None:
    with Sandbox(seed=1, time="manual", window=("09:00", "21:00"), max_attempts=3) as sandbox:
        sandbox.script("+919876543210", ["no_answer", {"outcome": "callback", "after": 60}])
        assert_type(sandbox.advance(hours=3), datetime)
        assert_type(sandbox.add_campaign(active_days=["mon"], failure_rate=0.5), str)
        sandbox.script("+919876543210", ["lost"])  # type: ignore[list-item]
        sandbox.add_campaign(windows=None)  # type: ignore[call-arg]
        assert_type(sandbox.client(max_retries=0), Client)


def refused(client: Client) -> None:
    Client(5)  # type: ignore[arg-type]
    client.campaign(5)  # type: ignore[arg-type]
    client.campaign("x").records_page("queued")  # type: ignore[call-arg]
    WebhookVerifier("x").verify({}, {})  # type: ignore[arg-type]
