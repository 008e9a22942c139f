"""Ctrl-C ends a blocked call within 0.3 s, and the client goes on working."""

from __future__ import annotations

import select
import signal
import time
from typing import Any

import pytest
from jupyter_client.manager import start_new_kernel
from revrag.sandbox import Sandbox
from support import CAMPAIGN_ID, PUSHED, STATUS
from support.script import Run, Script, Start
from support.server import Serve, Server, reply, silence
from support.silent import Silent

LIMIT = 0.3
# On a busy machine a process may wait that long for its turn; what waits for an answer always does.
ROUNDS = 8
# A loop of asyncio's looks for signals before it waits: one that comes between the two is seen when
# something else wakes the loop. So people press it again.
MISSED = 10

CALLS = {
    "push": "leads.push([LEAD])",
    "record": "leads.record(CAMPAIGN_ID)",
    "iteration": "list(leads.records())",
    "page": "leads.records_page()",
    "status": "leads.status()",
    "wait": "leads.wait(CAMPAIGN_ID)",
    "watch": "list(leads.watch())",
    "call": "leads.client.call(CAMPAIGN_ID)",
    "upload": "leads.upload([LEAD])",
    "a loop": "asyncio.run(leads.push_async([LEAD]))",
}


def interrupt(script: Script) -> float:
    """Press Ctrl-C; the seconds until the script says that it was interrupted."""
    sent = time.monotonic()
    script.send(signal.SIGINT)
    if not select.select([script.process.stdout], [], [], MISSED)[0]:
        script.send(signal.SIGINT)
    assert script.line() == "interrupted"
    return time.monotonic() - sent


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_ctrl_c_drops_the_request(start: Start, silent: Silent, call: str) -> None:
    script = start(
        f"""
        leads = campaign(sys.argv[1])
        while sys.stdin.readline() == "again\\n":
            try:
                {call}
            except KeyboardInterrupt:
                print("interrupted", flush=True)
        """,
        silent.url,
    )
    taken = []
    while not taken or (min(taken) >= LIMIT and len(taken) < ROUNDS):
        script.say("again")
        assert silent.arrived.acquire(timeout=20)
        taken.append(interrupt(script))
        assert silent.dropped.acquire(timeout=20)
    script.say("enough")
    finished = script.finish(20)
    assert (finished.code, finished.err) == (0, "")
    assert min(taken) < LIMIT, taken


def test_the_interrupted_client_works_afterwards(start: Start, serve: Serve) -> None:
    """With the next request, on a connection of its own."""
    server = serve(silence, reply(200, PUSHED), silence, reply(200, STATUS))
    script = start(
        """
        leads = campaign(sys.argv[1])
        for call in (lambda: leads.push([LEAD]), leads.status):
            print("ready", flush=True)
            try:
                call()
            except KeyboardInterrupt:
                print("interrupted", flush=True)
            answer = call()
        print(answer.status, flush=True)
        """,
        server.url,
    )
    for number in (1, 3):
        assert script.line() == "ready"
        arrived(server, number)
        interrupt(script)
    assert script.line() == "running"
    assert script.finish(20).code == 0
    assert [request.connection for request in server.requests] == [0, 1, 1, 2]


def arrived(server: Server, number: int) -> None:
    """Wait for the server's request of that number, from 1."""
    deadline = time.monotonic() + 20
    while len(server.requests) < number:
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize(
    "call",
    [
        "leads.wait(run_id, poll_interval=3600)",
        "list(leads.watch(poll_interval=3600))",
        "leads.watch(poll_interval=3600).show()",
    ],
)
def test_a_signal_between_two_polls(start: Start, call: str) -> None:
    with Sandbox(dispatch_after=3600) as service:
        script = start(
            f"""
            leads = campaign(sys.argv[1], on_request=lambda event: print("polled", flush=True))
            run_id = leads.push([LEAD]).results[0].run_id
            while True:
                try:
                    {call}
                except KeyboardInterrupt:
                    print("interrupted", flush=True)
            """,
            service.url,
        )
        assert script.line() == "polled"  # the push
        taken = []
        while not taken or (min(taken) >= LIMIT and len(taken) < ROUNDS):
            assert script.line() == "polled"
            taken.append(interrupt(script))
        assert min(taken) < LIMIT, taken


@pytest.mark.parametrize("source", ["list", "generator", "mapping"])
def test_ctrl_c_while_records_are_read(run: Run, serve: Serve, source: str) -> None:
    """A push of many records is at work for a while before anything is sent."""
    server = serve(reply(200, PUSHED))
    run(
        """
        import collections
        class Mapping(collections.UserDict):
            def items(self):
                return list(super().items())
        leads = campaign(sys.argv[1])
        lead = LEAD | {"variables": {f"name_{i}": i for i in range(20)}}
        records = {
            "list": lambda: [lead] * 100_000,  # nothing but the client itself looks for signals
            "generator": lambda: (lead for _ in range(100_000)),
            "mapping": lambda: [Mapping(lead)] * 100_000,
        }[sys.argv[2]]()
        signal.signal(signal.SIGALRM, signal.default_int_handler)
        try:
            signal.setitimer(signal.ITIMER_REAL, 0.05)
            leads.push(records)
        except KeyboardInterrupt:
            pass
        else:
            raise AssertionError("swallowed")
        """,
        server.url,
        source,
    )
    assert server.requests == []


def test_a_signal_while_the_hook_runs(run: Run, service: Sandbox) -> None:
    run(
        """
        interrupt = lambda event: signal.raise_signal(signal.SIGINT)
        leads = campaign(sys.argv[1], on_request=interrupt)
        try:
            leads.status()
        except KeyboardInterrupt:
            pass
        else:
            raise AssertionError("swallowed")
        assert campaign(sys.argv[1]).status().status == "running"
        """,
        service.url,
    )


def test_a_handler_may_use_the_client_itself(
    start: Start, silent: Silent, service: Sandbox
) -> None:
    script = start(
        """
        leads, other = campaign(sys.argv[1]), campaign(sys.argv[2])
        def handler(number, frame):
            print(other.status().status, flush=True)
            raise TimeoutError
        signal.signal(signal.SIGALRM, handler)
        print("ready", flush=True)
        try:
            leads.status()
        except TimeoutError:
            print("raised", flush=True)
        """,
        silent.url,
        service.url,
    )
    assert script.line() == "ready"
    assert silent.arrived.acquire(timeout=20)
    script.send(signal.SIGALRM)
    assert script.line() == "running"
    assert script.line() == "raised"
    assert script.finish(20).code == 0


def test_no_signal_handler_is_installed(run: Run, service: Sandbox) -> None:
    """As the kernel has it: which signals are caught, and which ignored."""
    run(
        """
        def handled():
            # Signals from 32 on are the C library's own.
            with open("/proc/self/status") as status:
                lines = [line.split() for line in status if line.startswith("Sig")]
            return {name: int(mask, 16) & 0x7FFFFFFF for name, mask in lines if name != "SigQ:"}
        before = handled()
        assert before.keys() >= {'SigCgt:', 'SigIgn:', 'SigBlk:'}
        from revrag.sandbox import Sandbox
        leads = campaign(sys.argv[1])
        leads.push([LEAD])
        asyncio.run(leads.status_async())
        with Sandbox() as sandbox:
            sandbox.client().campaign(CAMPAIGN_ID).status()
            assert handled() == before
        revrag.WebhookVerifier("secret").sign(b"{}", event_id="evt_1")
        leads.client.close()
        assert handled() == before
        """,
        service.url,
    )


def test_an_interrupted_notebook_cell(silent: Silent, service: Sandbox) -> None:
    """A real kernel, interrupted as the button does it."""
    manager, kernel = start_new_kernel(kernel_name="python3")
    try:

        def answer(asked: str) -> dict[str, Any]:
            # What its start was asked for may be answered late, and more than once.
            while True:
                message = kernel.get_shell_msg(timeout=20)
                if message["parent_header"]["msg_id"] == asked:
                    return message["content"]

        def execute(source: str) -> dict[str, Any]:
            return answer(kernel.execute(source))

        assert (
            execute(f"""
import revrag
def leads(url):
    return revrag.Client("sandbox-key", base_url=url).campaign({CAMPAIGN_ID!r})
hanging, fine = leads({silent.url!r}), leads({service.url!r})
""")["status"]
            == "ok"
        )
        # An error would make the kernel drop what is asked of it next.
        push = "hanging.push([{'phone_number': '+919876543210'}])"
        asked = kernel.execute(push, stop_on_error=False)
        assert silent.arrived.acquire(timeout=20)
        manager.interrupt_kernel()
        assert answer(asked)["ename"] == "KeyboardInterrupt"
        assert silent.dropped.acquire(timeout=20)
        assert execute("assert fine.status().status == 'running'")["status"] == "ok"
    finally:
        kernel.stop_channels()
        manager.shutdown_kernel(now=True)
