"""A push that is cut off says what became of it: unknown, nothing sent, or the answer that came."""

from __future__ import annotations

import signal
import socket
import textwrap
import threading
from collections.abc import Iterator

import pytest
from support import PUSHED, REJECTION
from support.script import Run, Start
from support.server import Request, Serve, reply
from support.silent import Silent

# One accepted and one rejected.
ANSWER = PUSHED | {"rejected": 1, "results": [*PUSHED["results"], REJECTION]}

# What a user finds in the chain of an exception, as its traceback tells it.
CHAIN = """
import logging
warned = []
class Keep(logging.Handler):
    def emit(self, record):
        warned.append(record.getMessage())
logging.getLogger("revrag").addHandler(Keep())
def chain(error):
    while error is not None:
        yield error
        shown = error.__cause__ is None and not error.__suppress_context__
        error = error.__context__ if shown else error.__cause__
def unknown(error, records=2):
    (found,) = [e for e in chain(error) if isinstance(e, revrag.PushOutcomeUnknownError)]
    assert (found.record_count, found.positions) == (records, range(records))
    assert found.result is None
    for said in ("may already be about to ring", "campaign.find(", "campaign.upload([record])"):
        assert said in str(found), found
    assert not any(digits in str(found) for digits in ("98765", "Pankaj"))
    assert warned == [str(found)]
    warned.clear()
    return found
def nothing_sent(error):
    (found,) = [e for e in chain(error) if isinstance(e, revrag.APIConnectionError)]
    assert not any(isinstance(e, revrag.PushOutcomeUnknownError) for e in chain(error))
    assert "nothing was sent" in str(found), found
    assert warned == []
    return found
def answered(error):
    (found,) = [e for e in chain(error) if isinstance(e, revrag.PushOutcomeUnknownError)]
    assert found.result.accepted == 1 and len(found.result.results) == 2
    assert "1 accepted, 1 rejected" in str(found) and "result" in str(found)
    assert warned == [str(found)]
    warned.clear()
    return found
LEADS = [LEAD, LEAD | {"phone_number": "not-a-number"}]
class SoftTimeLimit(Exception):
    pass
def raise_soft_limit(number, frame):
    raise SoftTimeLimit
signal.signal(signal.SIGUSR1, raise_soft_limit)
"""


@pytest.fixture
def deaf() -> Iterator[str]:
    """The URL of a host that never lets anybody connect: its queue is full."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        address = listener.getsockname()
        waiting = []
        for _ in range(4):
            waiting.append(socket.socket())
            waiting[-1].setblocking(False)
            waiting[-1].connect_ex(address)
        yield f"http://127.0.0.1:{address[1]}"
        for one in waiting:
            one.close()


@pytest.mark.parametrize("how", ["KeyboardInterrupt", "SoftTimeLimit"])
def test_blocking_and_unknown(start: Start, silent: Silent, how: str) -> None:
    script = start(
        CHAIN
        + f"""
try:
    campaign(sys.argv[1]).push(LEADS)
except {how} as error:
    assert error.__cause__ is unknown(error)
    print("told", flush=True)
""",
        silent.url,
    )
    assert silent.arrived.acquire(timeout=20)
    script.send({"KeyboardInterrupt": signal.SIGINT, "SoftTimeLimit": signal.SIGUSR1}[how])
    assert script.line() == "told"
    assert silent.dropped.acquire(timeout=20)
    assert script.finish(20).code == 0


@pytest.mark.parametrize("how", ["KeyboardInterrupt", "SoftTimeLimit"])
def test_blocking_and_nothing_sent(run: Run, deaf: str, how: str) -> None:
    """The connection is never made, so no byte of a body was asked for."""
    run(
        CHAIN
        + f"""
signal.signal(signal.SIGALRM, lambda *_: signal.raise_signal(
    signal.SIGINT if {how!r} == "KeyboardInterrupt" else signal.SIGUSR1))
signal.setitimer(signal.ITIMER_REAL, 0.5)
try:
    campaign(sys.argv[1]).push(LEADS)
except {how} as error:
    assert error.__cause__ is nothing_sent(error)
else:
    raise AssertionError("not cut off")
""",
        deaf,
    )


def test_between_two_tries(start: Start, serve: Serve) -> None:
    """A 429 applied nothing, and the next try is not begun."""
    server = serve(reply(429, {}, {"retry-after": "30"}), reply(200, ANSWER))
    script = start(
        CHAIN
        + """
logging.getLogger("revrag").handlers.clear()
try:
    campaign(sys.argv[1], on_request=lambda event: print(event.status, flush=True)).push(LEADS)
except KeyboardInterrupt as error:
    assert error.__cause__ is nothing_sent(error)
""",
        server.url,
    )
    assert script.line() == "429"
    script.send(signal.SIGINT)
    assert script.finish(20).code == 0
    assert len(server.requests) == 1


@pytest.mark.parametrize("place", ["list", "generator"])
def test_while_records_are_read(run: Run, silent: Silent, place: str) -> None:
    run(
        CHAIN
        + """
signal.signal(signal.SIGALRM, signal.default_int_handler)
def leads():
    yield LEAD
    signal.raise_signal(signal.SIGINT)
records = [LEAD] * 300_000 if sys.argv[2] == "list" else leads()
if sys.argv[2] == "list":
    signal.setitimer(signal.ITIMER_REAL, 0.05)
try:
    campaign(sys.argv[1]).push(records)
except KeyboardInterrupt as error:
    assert error.__cause__ is nothing_sent(error)
else:
    raise AssertionError("not cut off")
""",
        silent.url,
        place,
    )
    assert not silent.arrived.acquire(blocking=False)


# What interrupts a push in the moment of its end, when the answer has come.
AT_THE_END = {
    "a hook": "leads = campaign(sys.argv[1], on_request=lambda e: signal.raise_signal({number}))",
    "a log handler": """
class Raising(logging.Handler):
    def emit(self, record):
        if record.levelno == logging.DEBUG:
            signal.raise_signal({number})
logging.getLogger("revrag").addHandler(Raising())
logging.getLogger("revrag").setLevel(logging.DEBUG)
warned = [text for text in warned if "status=200" not in text]
leads = campaign(sys.argv[1])
""",
}


@pytest.mark.parametrize("how", ["KeyboardInterrupt", "SoftTimeLimit"])
@pytest.mark.parametrize("place", AT_THE_END)
def test_the_answer_had_come(run: Run, serve: Serve, how: str, place: str) -> None:
    number = {"KeyboardInterrupt": "signal.SIGINT", "SoftTimeLimit": "signal.SIGUSR1"}[how]
    run(
        CHAIN
        + AT_THE_END[place].replace("{number}", number)
        + f"""
try:
    leads.push(LEADS)
except {how} as error:
    warned[:] = [text for text in warned if "status=200" not in text]
    assert error.__cause__ is answered(error)
else:
    raise AssertionError("not cut off")
""",
        serve(reply(200, ANSWER)).url,
    )


def test_a_refusal_had_come(run: Run, serve: Serve) -> None:
    """Then it is the cause: nothing was applied."""
    run(
        CHAIN
        + """
leads = campaign(sys.argv[1], on_request=lambda e: signal.raise_signal(signal.SIGUSR1))
try:
    leads.push(LEADS)
except SoftTimeLimit as error:
    assert isinstance(error.__cause__, revrag.BadRequestError)
    assert warned == []
else:
    raise AssertionError("not cut off")
""",
        serve(reply(400, {"detail": "no"})).url,
    )


def test_an_interrupt_that_has_a_cause_keeps_it(start: Start, silent: Silent) -> None:
    script = start(
        CHAIN
        + """
def handler(number, frame):
    raise SoftTimeLimit from LookupError("why")
signal.signal(signal.SIGUSR1, handler)
try:
    campaign(sys.argv[1]).push(LEADS)
except SoftTimeLimit as error:
    assert error.__cause__ is unknown(error)
    assert isinstance(error.__cause__.__cause__, LookupError)
    print("told", flush=True)
""",
        silent.url,
    )
    assert silent.arrived.acquire(timeout=20)
    script.send(signal.SIGUSR1)
    assert script.line() == "told"


def test_an_exception_that_another_thread_sends(start: Start, serve: Serve) -> None:
    """As the time limits of thread pools do, Dramatiq's for one: it comes at the push's end."""
    arrived, sent = threading.Event(), threading.Event()

    def late(connection: socket.socket, request: Request) -> None:
        arrived.set()
        assert sent.wait(20)
        reply(200, ANSWER)(connection, request)

    script = start(
        CHAIN
        + """
import ctypes
def work():
    try:
        campaign(sys.argv[1]).push(LEADS)
    except SoftTimeLimit as error:
        assert error.__cause__ is answered(error)
        print("told", flush=True)
thread = threading.Thread(target=work)
thread.start()
sys.stdin.readline()
ident, error = ctypes.c_ulong(thread.ident), ctypes.py_object(SoftTimeLimit)
assert ctypes.pythonapi.PyThreadState_SetAsyncExc(ident, error) == 1
print("sent", flush=True)
""",
        serve(late).url,
    )
    assert arrived.wait(20)
    script.say("send")
    assert script.line() == "sent"
    sent.set()
    assert script.line() == "told"


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
