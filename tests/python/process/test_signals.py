"""Ctrl-C ends a blocked call within 0.3 s, and the client goes on working."""

from __future__ import annotations

import signal
import time

import pytest
from revrag.sandbox import Sandbox
from support.script import Run, Start
from support.silent import Silent

CALLS = {
    "push": "leads.push([LEAD])",
    "record": "leads.record(CAMPAIGN_ID)",
    "iteration": "list(leads.records())",
    "status": "leads.status()",
    "wait": "leads.wait(CAMPAIGN_ID)",
    "call": "leads.client.call(CAMPAIGN_ID)",
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_ctrl_c_drops_the_request(
    start: Start, silent: Silent, service: Sandbox, call: str
) -> None:
    script = start(
        f"""
        before = signal.getsignal(signal.SIGINT)
        leads = campaign(sys.argv[1])
        print("ready", flush=True)
        try:
            {call}
        except KeyboardInterrupt:
            print("interrupted", flush=True)
        assert signal.getsignal(signal.SIGINT) is before
        leads = campaign(sys.argv[2])
        print(leads.push([LEAD]).accepted, flush=True)
        """,
        silent.url,
        service.url,
    )
    assert script.line() == "ready"
    assert silent.arrived.acquire(timeout=10)
    sent = time.monotonic()
    script.send(signal.SIGINT)
    assert script.line() == "interrupted"
    assert time.monotonic() - sent < 0.3
    assert silent.dropped.acquire(timeout=2)
    assert script.line() == "1"
    assert script.finish(5).code == 0


def test_the_interrupted_client_itself_works_afterwards(start: Start, silent: Silent) -> None:
    script = start(
        """
        leads = campaign(sys.argv[1], max_retries=0)
        for _ in range(3):
            print("ready", flush=True)
            try:
                leads.status()
            except KeyboardInterrupt:
                print("interrupted", flush=True)
        """,
        silent.url,
    )
    for _ in range(3):
        assert script.line() == "ready"
        assert silent.arrived.acquire(timeout=10)
        script.send(signal.SIGINT)
        assert script.line() == "interrupted"
    assert script.finish(5).code == 0


def test_a_signal_between_two_polls_of_wait(start: Start) -> None:
    with Sandbox(dispatch_after=3600) as service:
        script = start(
            """
            leads = campaign(sys.argv[1], on_request=lambda event: print("polled", flush=True))
            run_id = leads.push([LEAD]).results[0].run_id
            try:
                leads.wait(run_id, poll_interval=60)
            except KeyboardInterrupt:
                print("interrupted", flush=True)
            """,
            service.url,
        )
        for _ in ("push", "record"):
            assert script.line() == "polled"
        sent = time.monotonic()
        script.send(signal.SIGINT)
        assert script.line() == "interrupted"
        assert time.monotonic() - sent < 0.3


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
    assert silent.arrived.acquire(timeout=10)
    script.send(signal.SIGALRM)
    assert script.line() == "running"
    assert script.line() == "raised"
    assert script.finish(5).code == 0
