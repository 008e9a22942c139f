"""A stop is quick and tells what is known; what never left may still be corrected."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import revrag
from bulk.conftest import Host, Upload, stopped
from revrag.errors import InvalidArgumentError, JournalError
from support.both import asynchronous
from support.script import Start
from support.service import Exchange, Fault, Plan, Service, at, delay, hold, status
from support.upload import QUICK, check, leads, number

# What "within a second" may be on a busy machine.
SOON = 1.6
# Rows enough that some are sent before the source is read to its end, whatever is read ahead.
MANY = 6000


class Blocking:
    """A source that gives some rows, and then nothing until it is let go."""

    def __init__(self, rows: int) -> None:
        self.rows = rows
        self.is_blocked = threading.Event()
        self.freed = threading.Event()

    def __iter__(self) -> Iterator[dict[str, Any]]:
        yield from leads(self.rows)
        self.is_blocked.set()
        # Longer than any test waits.
        self.freed.wait(20)
        yield from leads(5, start=1000)


@pytest.fixture
def blocking() -> Iterator[Callable[[int], Blocking]]:
    """Sources that are let go at the end, whatever happens."""
    made: list[Blocking] = []

    def make(rows: int) -> Blocking:
        made.append(Blocking(rows))
        return made[-1]

    yield make
    for source in made:
        source.freed.set()


class Pipe:
    """A file that is a pipe: it gives some rows, and then nothing, and has no end."""

    def __init__(self, path: Path, rows: int) -> None:
        lines = [json.dumps(lead) for lead in leads(rows)]
        if path.suffix == ".csv":
            lines = ["phone_number,row", *(f"{number(row)},{row}" for row in range(rows))]
        self.path = path
        self.is_written = threading.Event()
        self._content = "".join(f"{line}\n" for line in lines).encode()
        os.mkfifo(path)
        # Opened for both, so that neither side waits for the other.
        self._end = os.open(path, os.O_RDWR)
        self._thread = threading.Thread(target=self._write)

    def _write(self) -> None:
        with open(self._end, "wb", buffering=0, closefd=False) as file:
            file.write(self._content)
        self.is_written.set()

    def __enter__(self) -> Pipe:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        # Whatever nobody has read makes room for what is to be written.
        os.set_blocking(self._end, False)
        while not self.is_written.is_set():
            with contextlib.suppress(BlockingIOError):
                os.read(self._end, 1 << 16)
        self._thread.join()
        os.close(self._end)


def refuses_once(moment: threading.Event) -> Plan:
    """A 400 for every push from a moment on; before it the service takes its time."""

    def plan(exchange: Exchange) -> Fault | None:
        if exchange.kind != "push":
            return None
        return status(400) if moment.is_set() else delay(0.01)

    return plan


Make = Callable[[int], Blocking]


def refused_in_time(report: revrag.UploadReport, service: Service) -> None:
    """Nothing is in doubt after a definite answer."""
    check(report, service)
    assert report.unknown == 0
    assert report.accepted == len(service.applied)


class TestASourceThatBlocks:
    @pytest.mark.parametrize("rows", [0, 25, MANY])
    @pytest.mark.parametrize("is_journalled", [False, True], ids=["no journal", "journal"])
    def test_a_task_that_is_cancelled(
        self, host: Host, blocking: Make, journal: Path, rows: int, is_journalled: bool
    ) -> None:
        service, source = host(), blocking(rows)
        options = {"journal": journal} if is_journalled else {}

        async def main() -> tuple[float, BaseException | None]:
            task = asyncio.create_task(
                service.campaign().upload_async(source, max_records=100, **options, **QUICK)
            )
            assert await asyncio.to_thread(source.is_blocked.wait, 10)
            began = time.monotonic()
            task.cancel()
            with pytest.raises(asyncio.CancelledError) as info:
                await task
            seconds = time.monotonic() - began
            source.freed.set()
            return seconds, info.value.__cause__

        seconds, cause = asyncio.run(main())
        assert seconds < SOON
        assert isinstance(cause, revrag.UploadError)
        found = check(cause.report, service)
        assert {row["outcome"] for row in found} <= {"accepted", "unknown", "not_sent"}

    @pytest.mark.parametrize("concurrency", [1, 4])
    def test_a_service_that_refuses(self, host: Host, blocking: Make, concurrency: int) -> None:
        """A 400 ends it, although the source gives nothing."""
        source = blocking(MANY)
        service = host(faults=refuses_once(source.is_blocked))
        options = {"max_records": 50, "concurrency": concurrency, **QUICK}
        with pytest.raises(revrag.UploadError) as info:
            asynchronous(service.campaign(), "upload", source, **options)
        assert time.monotonic() - service.pushes[-1].arrived < SOON
        assert source.is_blocked.is_set()
        refused_in_time(info.value.report, service)

    @pytest.mark.parametrize("kind", ["jsonl", "csv"])
    def test_a_service_that_refuses_what_a_pipe_gives(
        self, upload: Upload, host: Host, tmp_path: Path, kind: str
    ) -> None:
        """Blocking too, where it is not the caller's own code that blocks."""
        with Pipe(tmp_path / f"leads.{kind}", 3 * MANY) as pipe:
            service = host(faults=refuses_once(pipe.is_written))
            with pytest.raises(revrag.UploadError) as info:
                upload(service, pipe.path, max_records=200, concurrency=1)
            assert time.monotonic() - service.pushes[-1].arrived < SOON
        assert info.value.report.accepted == len(service.applied)

    def test_while_a_push_is_on_its_way(self, host: Host, blocking: Make) -> None:
        """Neither the source nor the service says a word any more."""
        source = blocking(MANY)
        held = threading.Semaphore(0)

        def plan(exchange: Exchange) -> Fault | None:
            if exchange.kind != "push" or not source.is_blocked.is_set():
                return delay(0.005)
            held.release()
            return hold()

        service = host(faults=plan)

        async def main() -> tuple[float, BaseException | None]:
            task = asyncio.create_task(
                service.campaign().upload_async(source, max_records=50, concurrency=1, **QUICK)
            )
            assert await asyncio.to_thread(held.acquire, timeout=20)
            began = time.monotonic()
            task.cancel()
            with pytest.raises(asyncio.CancelledError) as info:
                await task
            seconds = time.monotonic() - began
            source.freed.set()
            return seconds, info.value.__cause__

        seconds, cause = asyncio.run(main())
        assert seconds < SOON
        assert isinstance(cause, revrag.UploadError)
        check(cause.report, service)
        assert cause.report.accepted == len(service.applied) - 50
        assert cause.report.unknown == 50

    def test_a_timeout(self, host: Host, blocking: Make) -> None:
        service, source = host(), blocking(5)

        async def main() -> float:
            began = time.monotonic()
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.2):
                    await service.campaign().upload_async(source, **QUICK)
            return time.monotonic() - began

        assert asyncio.run(main()) < SOON + 0.2

    @pytest.mark.parametrize("way", ["blocking", "asyncio"])
    @pytest.mark.parametrize("block", ["time.sleep(9)", "threading.Event().wait(9)"])
    def test_ctrl_c(self, start: Start, host: Host, block: str, way: str) -> None:
        # Python looks for signals before it waits: one that comes between the two is seen after the
        # wait. So it is the best of a few rounds.
        assert min(self.pressed(start, host(), block, way) for _ in range(3)) < SOON

    def pressed(self, start: Start, service: Service, block: str, way: str) -> float:
        """Press Ctrl-C while the source blocks; the seconds until the upload has ended."""
        call = {
            "blocking": "leads.upload(slow(), max_records=10)",
            "asyncio": "asyncio.run(leads.upload_async(slow(), max_records=10))",
        }[way]
        script = start(
            f"""
            leads = campaign(sys.argv[1])
            def slow():
                for row in range(25):
                    yield {{"phone_number": f"+9198{{row:08d}}", "variables": {{"row": row}}}}
                print("blocked", flush=True)
                {block}
            try:
                {call}
            except KeyboardInterrupt as error:
                print("interrupted", flush=True)
            os._exit(0)
            """,
            service.url,
        )
        assert script.line() == "blocked"
        began = time.monotonic()
        script.send(signal.SIGINT)
        assert script.line() == "interrupted"
        return time.monotonic() - began


class TestOptions:
    @pytest.mark.parametrize("seconds", [1e19, 1e300, float("inf"), float("nan"), -1.0])
    def test_a_wait_that_is_none(self, upload: Upload, service: Service, seconds: float) -> None:
        """Refused as what it is, before anything is sent."""
        with pytest.raises(InvalidArgumentError, match="settle_after"):
            upload(service, leads(1), settle_after=seconds)
        assert service.pushes == []

    @pytest.mark.parametrize("seconds", [0, 0.0, 5, 86_400.0])
    def test_a_wait_that_is_one(self, upload: Upload, service: Service, seconds: float) -> None:
        assert upload(service, leads(1), settle_after=seconds).accepted == 1


CORRECTIONS: dict[str, Callable[[dict[str, Any]], object]] = {
    "another name": lambda lead: lead["variables"].update(name="Corrected"),
    "another number": lambda lead: lead.update(phone_number=number(777)),
    "another variable": lambda lead: lead["variables"].update(city="Pune"),
    "no valid number": lambda lead: lead.update(phone_number="no number"),
}


class TestCorrections:
    """Stopped at the fourth push: rows from 40 on have never left."""

    @pytest.mark.parametrize("row", [40, 45, 60, 99])
    @pytest.mark.parametrize("kind", CORRECTIONS)
    def test_a_row_that_never_left(
        self, upload: Upload, service: Service, journal: Path, kind: str, row: int
    ) -> None:
        stopped(upload, service, journal, leads(100))
        source = leads(100)
        CORRECTIONS[kind](source[row])
        report = upload(service, source, journal=journal)
        found = check(report, service)
        if kind == "no valid number":
            assert (report.accepted, found[row]["outcome"]) == (99, "invalid")
        else:
            assert report.accepted == 100
            (there,) = [one for one in service.applied if one.variables["row"] == row]
            sent = {name: source[row][name] for name in ("phone_number", "variables")}
            assert {name: there.record[name] for name in sent} == sent

    def test_all_of_them_at_once(self, upload: Upload, service: Service, journal: Path) -> None:
        stopped(upload, service, journal, leads(100))
        source = leads(100)
        for lead in source[40:]:
            lead["variables"]["name"] = "Corrected"
        report = upload(service, source, journal=journal, max_records=7)
        check(report, service)
        assert report.accepted == 100
        assert sum(one.variables["name"] == "Corrected" for one in service.applied) == 60

    def test_an_invalid_row_among_them(
        self, upload: Upload, service: Service, journal: Path
    ) -> None:
        """It stayed home, and goes out once it is valid."""
        source = leads(100)
        for row in (50, 77):
            source[row]["phone_number"] = "no number"
        stopped(upload, service, journal, source)
        report = upload(service, leads(100), journal=journal)
        check(report, service)
        assert report.accepted == 100

    @pytest.mark.parametrize("row", [0, 15, 29])
    def test_a_row_that_left_is_what_it_was(
        self, upload: Upload, service: Service, journal: Path, row: int
    ) -> None:
        """The control: somebody was called by it."""
        stopped(upload, service, journal, leads(100))
        source = leads(100)
        source[row]["variables"]["name"] = "Corrected"
        with pytest.raises(JournalError, match=rf"row {row}\b"):
            upload(service, source, journal=journal)

    def test_a_row_in_doubt_is_what_it_was(self, upload: Upload, host: Host, journal: Path) -> None:
        """It may have left."""
        service = host(faults=at({1: status(500, applied=0.5), 2: status(400)}))
        options = {"journal": journal, "max_records": 10, "concurrency": 1}
        with pytest.raises(revrag.UploadError):
            upload(service, leads(60), on_unknown="stop", **options)
        source = leads(60)
        source[15]["variables"]["name"] = "Corrected"
        with pytest.raises(JournalError, match=r"row 15\b"):
            upload(service, source, **options)

    def test_after_an_interruption(self, host: Host, journal: Path) -> None:
        """What was read ahead and not sent is not held against anybody."""
        service = host(faults=at({2: hold(applied=0.0)}))
        options: dict[str, Any] = {
            "journal": journal,
            "max_records": 10,
            "concurrency": 1,
            **QUICK,
        }
        campaign = service.campaign()

        async def main() -> None:
            task = asyncio.create_task(campaign.upload_async(leads(200), **options))
            for _ in range(3):
                assert await asyncio.to_thread(service.arrived.acquire, timeout=10)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

        asyncio.run(main())
        source = leads(200)
        for lead in source[40:]:
            lead["variables"]["name"] = "Corrected"
        report = campaign.upload(source, **options)
        check(report, service)
        assert report.accepted == 200
