"""A client made before a fork works on both sides of it."""

from __future__ import annotations

from collections import defaultdict

import pytest
from revrag.sandbox import Sandbox
from support import PUSHED
from support.script import Run
from support.server import Serve, reply

ROUNDS = 200

FORKING = """
def forked(work, limit=10):
    # The exit code of a child that does `work`; a hang is 99.
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    return waited(pid, limit)
def waited(pid, limit=10):
    deadline = time.monotonic() + limit
    while time.monotonic() < deadline:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.001)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return 99
"""


@pytest.mark.timeout(120)
def test_both_sides_go_on_in_every_round(run: Run, serve: Serve) -> None:
    """Other threads are in the middle of requests at the moment of each fork, and no connection is
    used by both."""
    server = serve(reply(200, PUSHED))
    run(
        FORKING
        + """
leads = campaign(sys.argv[1])
def lead():
    return LEAD | {"app_user_id": str(os.getpid())}
leads.push([lead()])
stopping = threading.Event()
failures = []
def keep_busy():
    while not stopping.is_set():
        try:
            assert leads.push([lead()]).accepted == 1
        except BaseException as error:
            failures.append(error)
busy = [threading.Thread(target=keep_busy) for _ in range(3)]
[thread.start() for thread in busy]
def child():
    inherited = socket_inodes()
    assert leads.push([lead()]).accepted == 1
    assert asyncio.run(leads.push_async([lead()])).accepted == 1
    assert socket_inodes() - inherited, "no connection of its own"
for number in range(int(sys.argv[2])):
    code = forked(child)
    assert code == 0, (number, code)
stopping.set()
[thread.join() for thread in busy]
assert not failures, failures
leads.push([lead()])
""",
        server.url,
        ROUNDS,
        limit=100,
    )
    owners = defaultdict(set)
    for request in server.requests:
        owners[request.connection].add(request.json()["records"][0]["app_user_id"])
    assert all(len(pids) == 1 for pids in owners.values())
    assert len({pid for pids in owners.values() for pid in pids}) == 1 + ROUNDS


def test_no_socket_is_used_by_both(run: Run, service: Sandbox) -> None:
    run(
        FORKING
        + """
leads = campaign(sys.argv[1])
leads.status()
inherited = socket_inodes()
def child():
    leads.status()
    own = socket_inodes() - inherited
    assert own, "the child opened none of its own"
    os.write(pipe, " ".join(own).encode())
reading, pipe = os.pipe()
assert forked(child) == 0
children = set(os.read(reading, 1 << 16).decode().split())
leads.status()
assert children.isdisjoint(socket_inodes())
# The idle connection that the parent had still works, in the parent.
assert inherited <= socket_inodes(), (inherited, socket_inodes())
""",
        service.url,
    )


def test_a_client_unused_before_the_fork(run: Run, service: Sandbox) -> None:
    run(
        FORKING
        + """
leads = campaign(sys.argv[1])
assert forked(lambda: leads.status()) == 0
leads.status()
""",
        service.url,
    )


def test_a_grandchild(run: Run, service: Sandbox) -> None:
    run(
        FORKING
        + """
leads = campaign(sys.argv[1])
leads.status()
def child():
    leads.status()
    assert forked(lambda: leads.status()) == 0
    leads.status()
assert forked(child) == 0
""",
        service.url,
    )


def test_a_fork_in_the_middle_of_an_event_loop(run: Run, service: Sandbox) -> None:
    """The child drops what it inherited of the parent's coroutines without a word."""
    run(
        FORKING
        + """
leads = campaign(sys.argv[1])
async def main():
    out = [asyncio.ensure_future(leads.status_async()) for _ in range(20)]
    await asyncio.sleep(0)
    def child():
        asyncio.events._set_running_loop(None)
        asyncio.run(leads.status_async())
    assert forked(child) == 0
    assert {status.status for status in await asyncio.gather(*out)} == {"running"}
asyncio.run(main())
""",
        service.url,
    )


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_multiprocessing(run: Run, service: Sandbox, method: str) -> None:
    """The client travels by inheritance and by pickle."""
    run(
        """
        import multiprocessing
        def work(leads):
            return leads.push([LEAD]).accepted
        if __name__ == "__main__":
            context = multiprocessing.get_context(sys.argv[2])
            leads = campaign(sys.argv[1])
            leads.status()
            with context.Pool(2) as pool:
                assert pool.map(work, [leads] * 6, chunksize=1) == [1] * 6
            leads.status()
        """,
        service.url,
        method,
    )


def test_a_process_pool_while_a_thread_is_in_a_request(run: Run, service: Sandbox) -> None:
    run(
        """
        import concurrent.futures, multiprocessing
        def work(leads):
            return leads.status().status
        if __name__ == "__main__":
            leads = campaign(sys.argv[1])
            stopping = threading.Event()
            def keep_busy():
                while not stopping.is_set():
                    leads.status()
            busy = threading.Thread(target=keep_busy)
            busy.start()
            context = multiprocessing.get_context("fork")
            for _ in range(5):
                with concurrent.futures.ProcessPoolExecutor(2, mp_context=context) as pool:
                    assert set(pool.map(work, [leads] * 8)) == {"running"}
            stopping.set()
            busy.join()
        """,
        service.url,
    )


@pytest.mark.parametrize("kind", ["used", "unused", "in a request"])
def test_a_child_that_ends_as_any_program(run: Run, service: Sandbox, kind: str) -> None:
    """Through its exit handlers, with what it inherited in its hands."""
    run(
        FORKING
        + """
from revrag.sandbox import Sandbox
leads = campaign(sys.argv[1])
asyncio.run(leads.status_async())
with Sandbox() as sandbox:
    inherited = sandbox.client().campaign(CAMPAIGN_ID)
    inherited.status()
    pid = os.fork()
    if pid == 0:
        if sys.argv[2] != "unused":
            assert leads.status().status == "running"
            assert asyncio.run(inherited.status_async()).status == "running"
        if sys.argv[2] == "in a request":
            def keep_busy():
                while True:
                    leads.status()
            threading.Thread(target=keep_busy, daemon=True).start()
        inherited.client.close()
        del inherited, sandbox
        sys.exit(7)
    assert waited(pid) == 7
    # The sandbox is the parent's, and goes on.
    assert inherited.push([LEAD]).accepted == 1
leads.status()
""",
        service.url,
        kind,
    )


def test_a_fork_within_the_hook_and_within_the_records(run: Run, service: Sandbox) -> None:
    """In the middle of a call: the child leaves it by an exception, or by its end."""
    run(
        FORKING
        + """
def use():
    assert campaign(sys.argv[1]).status().status == "running"
def hook(event):
    assert forked(use) == 0
def records():
    assert forked(use) == 0
    yield LEAD
leads = campaign(sys.argv[1], on_request=hook)
assert leads.push(records()).accepted == 1
assert asyncio.run(leads.push_async(records())).accepted == 1
""",
        service.url,
    )


def test_uploads_on_both_sides(run: Run, service: Sandbox) -> None:
    run(
        FORKING
        + """
leads = campaign(sys.argv[1])
def upload():
    assert leads.upload([LEAD, LEAD]).accepted == 2
upload()
for _ in range(5):
    assert forked(upload) == 0
upload()
""",
        service.url,
    )
    leads = service.client().campaign(service.campaign_id)
    assert leads.status().stats.total_records == 14
