"""A push of asyncio's that is cut off says what became of it, whoever cuts it off."""

from __future__ import annotations

import signal
import textwrap

import pytest
from support.cut_off import ANSWER, CHAIN
from support.script import Run, Start
from support.server import Serve, reply
from support.silent import Silent

# How a coroutine's caller cuts it off once the request has arrived, and what is raised then.
CUTS = {
    "timeout": (
        "TimeoutError",
        """
        async with asyncio.timeout(None) as bound:
            arrived.add_done_callback(lambda _: bound.reschedule(loop.time()))
            await leads.push_async(LEADS)
        """,
    ),
    "wait_for": (
        "TimeoutError",
        "await asyncio.wait_for(leads.push_async(LEADS), 1.0)",
    ),
    "cancel": (
        "asyncio.CancelledError",
        """
        task = asyncio.create_task(leads.push_async(LEADS))
        arrived.add_done_callback(lambda _: task.cancel())
        await task
        """,
    ),
    "cancel from above": (
        "asyncio.CancelledError",
        """
        async def inner():
            await leads.push_async(LEADS)
        task = asyncio.create_task(inner())
        arrived.add_done_callback(lambda _: task.cancel())
        await task
        """,
    ),
    "a result that is asked for": (
        "asyncio.CancelledError",
        """
        task = asyncio.create_task(leads.push_async(LEADS))
        arrived.add_done_callback(lambda _: task.cancel())
        await asyncio.wait([task])
        task.result()
        """,
    ),
    "a group": (
        "asyncio.CancelledError",
        """
        async def fail():
            await arrived
            raise LookupError
        try:
            async with asyncio.TaskGroup() as group:
                task = group.create_task(leads.push_async(LEADS))
                group.create_task(fail())
        except* LookupError:
            pass
        assert task.cancelled()
        task.result()
        """,
    ),
    "gather": (
        "asyncio.CancelledError",
        """
        task = asyncio.gather(leads.push_async(LEADS), asyncio.sleep(0))
        arrived.add_done_callback(lambda _: task.cancel())
        await task
        """,
    ),
    "an exception thrown in": (
        "LookupError",
        """
        coroutine = leads.push_async(LEADS)
        coroutine.send(None)
        await arrived
        coroutine.throw(LookupError())
        """,
    ),
}


def indented(body: str) -> str:
    """A body, for a block within a function."""
    return textwrap.indent(textwrap.dedent(body), " " * 8)


@pytest.mark.parametrize("policy", ["asyncio", "uvloop"])
@pytest.mark.parametrize("cut", CUTS)
def test_asyncio_and_unknown(start: Start, silent: Silent, cut: str, policy: str) -> None:
    kind, body = CUTS[cut]
    script = start(
        CHAIN
        + f"""
async def main():
    leads = campaign(sys.argv[1])
    loop = asyncio.get_running_loop()
    arrived = loop.create_future()
    loop.add_signal_handler(signal.SIGUSR2, lambda: arrived.done() or arrived.set_result(None))
    try:
{indented(body)}
    except {kind} as error:
        unknown(error)
        print("told", flush=True)
    else:
        raise AssertionError("not cut off")
factory = None
if {policy!r} == "uvloop":
    import uvloop
    factory = uvloop.new_event_loop
with asyncio.Runner(loop_factory=factory) as runner:
    runner.run(main())
""",
        silent.url,
    )
    assert silent.arrived.acquire(timeout=20)
    script.send(signal.SIGUSR2)
    assert script.line() == "told"
    assert silent.dropped.acquire(timeout=20)
    finished = script.finish(20)
    assert (finished.code, finished.err) == (0, "")


def test_ctrl_c_in_asyncio_run(start: Start, silent: Silent) -> None:
    script = start(
        CHAIN
        + """
try:
    asyncio.run(campaign(sys.argv[1]).push_async(LEADS))
except KeyboardInterrupt as error:
    unknown(error)
    print("told", flush=True)
""",
        silent.url,
    )
    assert silent.arrived.acquire(timeout=20)
    script.send(signal.SIGINT)
    assert script.line() == "told"


@pytest.mark.parametrize("end", ["coroutine.close()", "del coroutine"])
def test_a_coroutine_that_is_thrown_away_is_in_the_log(
    start: Start, silent: Silent, end: str
) -> None:
    """Nobody is there to be told otherwise."""
    script = start(
        CHAIN
        + f"""
async def main():
    coroutine = campaign(sys.argv[1]).push_async(LEADS)
    coroutine.send(None)
    sys.stdin.readline()
    {end}
    assert len(warned) == 1 and "about to ring" in warned[0], warned
asyncio.run(main())
""",
        silent.url,
    )
    assert silent.arrived.acquire(timeout=20)
    script.say("go on")
    finished = script.finish(20)
    assert (finished.code, finished.err) == (0, "")


def test_asyncio_and_nothing_sent(run: Run, deaf: str) -> None:
    run(
        CHAIN
        + """
async def main():
    try:
        async with asyncio.timeout(0.3):
            await campaign(sys.argv[1]).push_async(LEADS)
    except TimeoutError as error:
        nothing_sent(error)
    else:
        raise AssertionError("not cut off")
asyncio.run(main())
""",
        deaf,
    )


# Cut off when the answer is in the process, and the awaiter has not seen it.
TOO_LATE = {
    # It waits for its turn in the loop, which is kept busy.
    "in the loop": """
    task = asyncio.create_task(leads.push_async(LEADS))
    await asyncio.sleep(0)
    os.read(pipe, 1)
    time.sleep(0.3)
    task.cancel()
    await task
    """,
    # Its future is resolved, and the task is cancelled before its next step.
    "in the future": """
    task = asyncio.create_task(leads.push_async(LEADS))
    resolve = revrag._aio.resolve
    def resolve_and_cancel(*args):
        resolve(*args)
        task.cancel()
    revrag._aio.resolve = resolve_and_cancel
    await task
    """,
}


@pytest.mark.parametrize("place", TOO_LATE)
def test_asyncio_and_the_answer_had_come(run: Run, serve: Serve, place: str) -> None:
    run(
        CHAIN
        + f"""
import revrag._aio
pipe, end = os.pipe()
os.write(end, b"x")
leads = campaign(sys.argv[1])
async def main():
    try:
{indented(TOO_LATE[place])}
    except asyncio.CancelledError as error:
        assert error.__cause__ is answered(error)
    else:
        raise AssertionError("not cut off")
asyncio.run(main())
""",
        serve(reply(200, ANSWER)).url,
    )
