"""Event loops: one after the other, side by side, cut off, and closed."""

from __future__ import annotations

import signal

import pytest
from revrag.sandbox import Sandbox
from support.script import Run, Start
from support.silent import Silent


@pytest.mark.parametrize("policy", ["asyncio", "uvloop"])
def test_one_client_over_ten_loops_in_turn(run: Run, service: Sandbox, policy: str) -> None:
    run(
        """
        leads = campaign(sys.argv[1])
        factory = None
        if sys.argv[2] == "uvloop":
            import uvloop
            factory = uvloop.new_event_loop
        async def main():
            statuses = await asyncio.gather(*(leads.status_async() for _ in range(5)))
            return {status.status for status in statuses}
        for _ in range(10):
            with asyncio.Runner(loop_factory=factory) as runner:
                assert runner.run(main()) == {"running"}
        """,
        service.url,
        policy,
    )


def test_two_loops_in_two_threads_at_once(run: Run, service: Sandbox) -> None:
    run(
        """
        leads = campaign(sys.argv[1])
        results = []
        async def main():
            for _ in range(50):
                results.append((await leads.status_async()).status)
        pair = [threading.Thread(target=asyncio.run, args=(main(),)) for _ in range(2)]
        [thread.start() for thread in pair]
        [thread.join() for thread in pair]
        assert results == ["running"] * 100
        """,
        service.url,
    )


def test_tasks_and_groups(run: Run, service: Sandbox) -> None:
    run(
        """
        leads = campaign(sys.argv[1])
        async def main():
            # On a busy machine every callback may be slow, and in debug mode asyncio says so.
            asyncio.get_running_loop().slow_callback_duration = 3600
            task = asyncio.create_task(leads.status_async(), name="status")
            assert (await task).status == "running"
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(leads.push_async([LEAD])) for _ in range(5)]
            assert [task.result().accepted for task in tasks] == [1] * 5
            try:
                async with asyncio.TaskGroup() as group:
                    group.create_task(leads.status_async())
                    group.create_task(leads.record_async("not-a-uuid"))
            except* revrag.InvalidArgumentError as found:
                assert len(found.exceptions) == 1
            assert (await leads.status_async()).stats.total_records == 5
        asyncio.run(main(), debug=True)
        """,
        service.url,
    )


def test_a_failing_group_and_a_timeout_drop_their_requests(start: Start, silent: Silent) -> None:
    """Both are cut off once the request is known to have arrived."""
    script = start(
        """
        leads = campaign(sys.argv[1])
        async def main():
            arrived = asyncio.Event()
            asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, arrived.set)
            asyncio.get_running_loop().slow_callback_duration = 3600
            async def fail():
                await arrived.wait()
                raise LookupError
            try:
                async with asyncio.TaskGroup() as group:
                    pushing = group.create_task(leads.push_async([LEAD]))
                    group.create_task(fail())
            except* LookupError:
                assert pushing.cancelled()
            arrived.clear()
            try:
                async with asyncio.timeout(None) as bound:
                    waiting = asyncio.create_task(arrived.wait())
                    now = asyncio.get_running_loop().time
                    waiting.add_done_callback(lambda _: bound.reschedule(now()))
                    await leads.status_async()
            except TimeoutError:
                return
            raise AssertionError("no timeout")
        asyncio.run(main(), debug=True)
        """,
        silent.url,
    )
    for _ in range(2):
        assert silent.arrived.acquire(timeout=10)
        script.send(signal.SIGUSR1)
        assert silent.dropped.acquire(timeout=10)
    finished = script.finish(10)
    assert (finished.code, finished.err) == (0, "")


def test_cancelling_drops_the_request(start: Start, silent: Silent) -> None:
    script = start(
        """
        leads = campaign(sys.argv[1])
        async def main():
            task = asyncio.create_task(leads.push_async([LEAD]))
            loop = asyncio.get_running_loop()
            loop.add_signal_handler(signal.SIGUSR1, task.cancel, "enough")
            try:
                await task
            except asyncio.CancelledError as error:
                assert error.args == ("enough",)
            assert task.cancelled()
            assert len(asyncio.all_tasks()) == 1
        asyncio.run(main())
        """,
        silent.url,
    )
    assert silent.arrived.acquire(timeout=10)
    script.send(signal.SIGUSR1)
    assert silent.dropped.acquire(timeout=10)
    finished = script.finish(10)
    assert (finished.code, finished.err) == (0, "")


def test_a_coroutine_is_lazy_and_warns_as_any_other(run: Run, silent: Silent) -> None:
    run(
        """
        import inspect, warnings
        leads = campaign(sys.argv[1])
        coroutine = leads.status_async()
        assert inspect.iscoroutine(coroutine)
        assert coroutine.__qualname__ == "Campaign.status_async"
        coroutine.close()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            leads.status_async()
        assert "'Campaign.status_async' was never awaited" in str(caught[0].message)
        """,
        silent.url,
    )
    assert not silent.arrived.acquire(timeout=0.2)


def test_a_loop_closed_while_a_request_is_out(run: Run, silent: Silent, service: Sandbox) -> None:
    """The answer of a request whose loop is gone vanishes quietly."""
    run(
        """
        import logging
        leads, fine = campaign(sys.argv[1], timeout=0.3, max_retries=0), campaign(sys.argv[2])
        for _ in range(3):
            loop = asyncio.new_event_loop()
            # Steps by hand: a task would itself complain of being destroyed.
            async def begin():
                coroutine = leads.status_async()
                coroutine.send(None)
                return coroutine
            held = loop.run_until_complete(begin())
            loop.close()
            time.sleep(0.5)
            fine.status()
            assert asyncio.run(fine.status_async()).status == "running"
            held.close()
        """,
        silent.url,
        service.url,
    )


def test_sync_methods_inside_a_running_loop(run: Run, service: Sandbox) -> None:
    run(
        """
        leads = campaign(sys.argv[1])
        async def main():
            assert leads.push([LEAD]).accepted == 1
            assert len(list(leads.records())) == 1
            assert len([record async for record in leads.records()]) == 1
        asyncio.run(main())
        """,
        service.url,
    )


def test_context_variables_reach_the_hook(run: Run, service: Sandbox) -> None:
    run(
        """
        import contextvars
        name = contextvars.ContextVar("name", default="?")
        seen = []
        def note(event):
            seen.append((name.get(), event.status))
        leads = campaign(sys.argv[1], on_request=note)
        async def one(text):
            name.set(text)
            await leads.status_async()
        async def main():
            await asyncio.gather(one("a"), one("b"))
        asyncio.run(main())
        name.set("c")
        leads.status()
        assert sorted(seen) == [("a", 200), ("b", 200), ("c", 200)], seen
        """,
        service.url,
    )


def test_jupyter(service: Sandbox) -> None:
    """A real kernel: its loop runs all the time."""
    import nbformat
    from nbclient import NotebookClient

    source = f"""
import revrag
client = revrag.Client("sandbox-key", base_url={service.url!r})
leads = client.campaign("11111111-1111-1111-1111-111111111111")
assert leads.push([{{"phone_number": "+919876543210"}}]).accepted == 1
assert (await leads.status_async()).stats.total_records == 1
assert [record.phone_number async for record in leads.records()] == ["+919876543210"]
leads.status()
"""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])
    NotebookClient(notebook, timeout=20, kernel_name="python3").execute()
    shown = notebook.cells[0].outputs[0]["data"]
    assert "<table>" in shown["text/html"]
