"""Ctrl-C and asyncio cancellation: what is known is told, and the upload goes on from there."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import revrag
from bulk.conftest import Host
from support.script import Start
from support.service import Exchange, Service, always, at, each, first, hold, reset, status
from support.upload import QUICK, check, leads, outcomes

# Interrupted while the third push is on its way; and again at once, with the same journal.
INTERRUPTED = """
url, journal = sys.argv[1:]
leads = campaign(url)
def source():
    return [{"phone_number": f"+9198{row:08d}", "variables": {"row": row}} for row in range(50)]
def upload():
    return leads.upload(
        source(), journal=journal, max_records=10, concurrency=1, settle_after=0.1
    )
def told(report):
    rest = report.total - report.accepted - report.unknown - report.not_sent
    print(report.accepted, report.unknown, rest, flush=True)
before = signal.getsignal(signal.SIGINT)
try:
    upload()
except KeyboardInterrupt as error:
    assert isinstance(error.__cause__, revrag.UploadError), error.__cause__
    told(error.__cause__.report)
assert signal.getsignal(signal.SIGINT) is before
told(upload())
"""


def test_ctrl_c(start: Start, host: Host, tmp_path: Path) -> None:
    service = host(faults=at({2: hold(applied=0.5)}))
    script = start(INTERRUPTED, service.url, tmp_path / "leads.journal")
    for _ in range(3):
        assert service.arrived.acquire(timeout=20)
    script.send(signal.SIGINT)
    assert script.line() == "20 10 0"
    assert script.line() == "50 0 0"
    finished = script.finish(10)
    assert (finished.code, finished.err) == (0, ""), finished
    sent = [stored.variables["row"] for stored in service.applied]
    assert sorted(sent) == list(range(50))


# Where an upload may be when the signal comes: what the service does, and the script's part.
MOMENTS: dict[str, tuple[Callable[[], dict[str, Any]], str]] = {
    "waiting to settle": (
        lambda: {"faults": first(1, reset(applied=1.0))},
        "leads.upload(source, settle_after=600)",
    ),
    "waiting for a rate limit": (
        lambda: {"faults": always(status(429, retry_after="50"))},
        "leads.upload(source)",
    ),
    "in the middle of a scan": (
        lambda: {
            "faults": each(always(reset(applied=1.0)), always(hold(), "records")),
        },
        "leads.upload(source, settle_after=0)",
    ),
    "in the preflight": (
        lambda: {"faults": always(hold(), "status")},
        "leads.upload(source)",
    ),
    "held back by a limit": (
        dict,
        "leads.upload(source * 100, max_records=1, max_records_per_second=1)",
    ),
    "in a generator": (
        dict,
        "leads.upload(slow())",
    ),
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_ctrl_c_at_any_moment(start: Start, host: Host, moment: str) -> None:
    options, call = MOMENTS[moment]
    reached = threading.Semaphore(0)
    kind = {"in the preflight": "status", "in the middle of a scan": "records"}.get(moment, "push")

    def watch(exchange: Exchange, phase: str) -> None:
        if (exchange.kind, phase) == (kind, "arrived"):
            reached.release()

    service = host(watch=watch, **options())
    script = start(
        f"""
        leads = campaign(sys.argv[1])
        source = [{{"phone_number": "+919876543210"}}] * 3
        def slow():
            yield source[0]
            print("in the generator", flush=True)
            time.sleep(60)
            yield source[1]
        print("ready", flush=True)
        try:
            {call}
        except KeyboardInterrupt as error:
            print(type(error.__cause__).__name__, flush=True)
        print(campaign(sys.argv[1]).id, flush=True)
        """,
        service.url,
    )
    assert script.line() == "ready"
    if moment == "in a generator":
        assert script.line() == "in the generator"
    else:
        assert reached.acquire(timeout=20)
    script.send(signal.SIGINT)
    cause = script.line()
    assert cause == "UploadError" or (cause, moment) == ("NoneType", "in the preflight")
    finished = script.finish(10)
    assert (finished.code, finished.err) == (0, ""), finished


async def arrived(service: Service, pushes: int) -> None:
    """Wait until so many pushes have come, without a hold on the loop."""
    for _ in range(pushes):
        assert await asyncio.to_thread(service.arrived.acquire, timeout=20)


def test_a_task_that_is_cancelled(host: Host, tmp_path: Path) -> None:
    service = host(faults=at({2: hold(applied=0.5)}))
    options: dict[str, Any] = {
        "journal": tmp_path / "leads.journal",
        "max_records": 10,
        "concurrency": 1,
        **QUICK,
    }
    campaign = service.campaign()
    caught: list[BaseException] = []

    async def upload() -> None:
        try:
            await campaign.upload_async(leads(50), **options)
        except asyncio.CancelledError as error:
            caught.append(error)
            raise

    async def main() -> None:
        task = asyncio.create_task(upload())
        await arrived(service, 3)
        task.cancel("enough")
        with pytest.raises(asyncio.CancelledError):
            await task
        assert task.cancelled()
        # The journal is free again at once.
        report = await campaign.upload_async(leads(50), **options)
        check(report, service)
        assert report.accepted == 50

    asyncio.run(main())
    (error,) = caught
    assert error.args == ("enough",)
    cause = error.__cause__
    assert isinstance(cause, revrag.UploadError)
    found = outcomes(cause.report)
    assert found[:30] == ["accepted"] * 20 + ["unknown"] * 10
    assert set(found[30:]) <= {"not_sent"}


def test_a_timeout(host: Host, tmp_path: Path) -> None:
    """``asyncio.timeout`` cancels; the report hangs on what it cancelled."""
    service = host(faults=at({1: hold()}))
    campaign = service.campaign()
    options: dict[str, Any] = {
        "journal": tmp_path / "leads.journal",
        "max_records": 10,
        "concurrency": 1,
        **QUICK,
    }

    async def cut_off() -> None:
        async with asyncio.timeout(None) as limit:
            second = asyncio.ensure_future(arrived(service, 2))
            second.add_done_callback(lambda _: limit.reschedule(0))
            await campaign.upload_async(leads(30), **options)

    async def main() -> None:
        with pytest.raises(TimeoutError) as info:
            await cut_off()
        cancelled = info.value.__cause__
        assert isinstance(cancelled, asyncio.CancelledError)
        assert isinstance(cancelled.__cause__, revrag.UploadError)
        assert cancelled.__cause__.report.accepted == 10
        report = await campaign.upload_async(leads(30), **options)
        check(report, service)
        assert report.accepted == 30

    asyncio.run(main())


def test_one_of_two_that_is_cancelled(host: Host) -> None:
    """The other goes on."""
    held, other = host(faults=always(hold())), host()

    async def main() -> None:
        one = asyncio.create_task(held.campaign().upload_async(leads(10)))
        two = asyncio.create_task(other.campaign().upload_async(leads(5000), max_records=20))
        await arrived(held, 1)
        one.cancel()
        with pytest.raises(asyncio.CancelledError):
            await one
        check(await two, other)

    asyncio.run(main())


def test_the_loop_is_free_meanwhile(host: Host) -> None:
    """Other coroutines run while an upload waits, and while its source is read."""
    service = host(faults=first(1, hold()))
    campaign = service.campaign()

    def source() -> Iterator[dict[str, Any]]:
        yield from leads(2000)

    async def ticks() -> AsyncIterator[int]:
        count = 0
        while True:
            await asyncio.sleep(0)
            count += 1
            yield count

    async def main() -> None:
        task = asyncio.create_task(campaign.upload_async(source(), max_records=100))
        await arrived(service, 2)
        async for count in ticks():
            if count == 1000:
                break
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())


def test_a_cancelled_upload_sends_no_more(host: Host) -> None:
    service = host(faults=always(hold()))
    campaign = service.campaign()

    async def main() -> None:
        task = asyncio.create_task(campaign.upload_async(leads(100), max_records=10, concurrency=2))
        await arrived(service, 2)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        # Another upload of the same client goes all the way round; the first is silent.
        service.faults = each()
        await campaign.upload_async(leads(10, start=1000))

    asyncio.run(main())
    firsts = sorted(push.records[0]["variables"]["row"] for push in service.pushes)
    assert firsts == [0, 10, 1000]
