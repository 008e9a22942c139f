"""A push that is cut off says what became of it: unknown, nothing sent, or the answer that came."""

from __future__ import annotations

import signal
import socket
import threading

import pytest
from support.cut_off import ANSWER, CHAIN
from support.script import Run, Start
from support.server import Request, Serve, reply
from support.silent import Silent


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
