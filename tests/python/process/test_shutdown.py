"""Ends: of the interpreter with work under way, and of clients by the hundred."""

from __future__ import annotations

import time

import pytest
from revrag.sandbox import Sandbox
from support.script import Run, Start
from support.silent import Silent

# Each leaves something under way at the end of the script, and says how many requests without an
# answer are part of it.
LEFTOVERS: dict[str, tuple[int, str]] = {
    "sync calls in daemon threads": (
        4,
        """
        for _ in range(4):
            threading.Thread(target=lambda: hanging.push([LEAD]), daemon=True).start()
        """,
    ),
    "loops in daemon threads": (
        4,
        """
        def loop():
            asyncio.run(hanging.status_async())
        for _ in range(4):
            threading.Thread(target=loop, daemon=True).start()
        """,
    ),
    "busy daemon threads": (
        0,
        """
        def keep_busy():
            while True:
                fine.status()
        for _ in range(4):
            threading.Thread(target=keep_busy, daemon=True).start()
        """,
    ),
    "busy loops in daemon threads": (
        0,
        """
        async def keep_busy():
            while True:
                await fine.status_async()
        for _ in range(4):
            threading.Thread(target=lambda: asyncio.run(keep_busy()), daemon=True).start()
        """,
    ),
    "a first call that is still importing": (
        0,
        """
        class Importing:
            def find_spec(self, name, path, target=None):
                if name == "revrag._aio":
                    importing.set()
                    end = time.monotonic() + 0.5
                    while time.monotonic() < end:
                        pass
        importing = threading.Event()
        sys.meta_path.insert(0, Importing())
        for _ in range(2):
            call = lambda: asyncio.run(fine.status_async())
            threading.Thread(target=call, daemon=True).start()
        importing.wait()
        """,
    ),
    "a request whose loop has ended": (
        1,
        """
        # Steps by hand: a task would itself complain of being destroyed.
        async def begin():
            coroutine = hanging.push_async([LEAD])
            coroutine.send(None)
            return coroutine
        held = asyncio.run(begin())
        """,
    ),
    "a generator of records half-read": (
        0,
        """
        def records():
            yield LEAD
            reading.set()
            threading.Event().wait()
        reading = threading.Event()
        threading.Thread(target=lambda: fine.push(records()), daemon=True).start()
        reading.wait()
        """,
    ),
    "a generator of an upload's rows that waits": (
        0,
        """
        def rows():
            yield LEAD
            reading.set()
            threading.Event().wait()
        reading = threading.Event()
        threading.Thread(target=lambda: fine.upload(rows()), daemon=True).start()
        reading.wait()
        """,
    ),
    "a generator of an asyncio upload's rows that waits": (
        0,
        """
        def rows():
            yield LEAD
            reading.set()
            threading.Event().wait()
        reading = threading.Event()
        async def main():
            await fine.upload_async(rows())
        threading.Thread(target=lambda: asyncio.run(main()), daemon=True).start()
        reading.wait()
        """,
    ),
    "a hook of a blocking call that waits": (
        0,
        """
        def slow(event):
            called.set()
            threading.Event().wait()
        called = threading.Event()
        watched = campaign(sys.argv[1], on_request=slow)
        threading.Thread(target=watched.status, daemon=True).start()
        called.wait()
        """,
    ),
    "uploads in daemon threads": (
        2,
        """
        for source in ([LEAD], (LEAD for _ in range(10))):
            threading.Thread(target=hanging.upload, args=(source,), daemon=True).start()
        """,
    ),
    "an upload in the middle of its rows": (
        0,
        """
        def rows():
            for number in range(10**9):
                if number == 2000:
                    reading.set()
                yield LEAD
        reading = threading.Event()
        threading.Thread(target=lambda: fine.upload(rows()), daemon=True).start()
        reading.wait()
        """,
    ),
    "an asyncio upload in the middle of its rows": (
        0,
        """
        def rows():
            for number in range(10**9):
                if number == 2000:
                    reading.set()
                yield LEAD
        async def main():
            await fine.upload_async(rows())
        reading = threading.Event()
        threading.Thread(target=lambda: asyncio.run(main()), daemon=True).start()
        reading.wait()
        """,
    ),
    "an iterator half-read": (
        0,
        """
        for _ in range(5):
            fine.push([LEAD])
        iterator = iter(fine.records(page_size=1))
        next(iterator)
        """,
    ),
    "an async iterator half-read": (
        0,
        """
        async def main():
            async for record in fine.records(page_size=1):
                break
        fine.push([LEAD])
        asyncio.run(main())
        """,
    ),
    "a call from atexit": (
        0,
        """
        import atexit
        atexit.register(lambda: print(fine.status().status))
        """,
    ),
    "a first call from atexit, with a request out": (
        1,
        """
        import atexit
        threading.Thread(target=lambda: hanging.push([LEAD]), daemon=True).start()
        atexit.register(lambda: print(asyncio.run(fine.status_async()).status))
        """,
    ),
    "a loop from atexit": (
        0,
        """
        import atexit
        asyncio.run(fine.status_async())
        atexit.register(lambda: print(asyncio.run(fine.status_async()).status))
        """,
    ),
    "busy daemon threads that log": (
        0,
        """
        import io, logging
        logging.basicConfig(level=logging.DEBUG, stream=io.StringIO())
        def keep_busy(watched):
            while True:
                watched.status()
        for _ in range(4):
            watched = campaign(sys.argv[1], on_request=lambda event: sum(range(10_000)))
            threading.Thread(target=keep_busy, args=(watched,), daemon=True).start()
        time.sleep(0.1)
        """,
    ),
    "daemon threads that get errors": (
        0,
        """
        def keep_busy():
            while True:
                try:
                    fine.record(CAMPAIGN_ID)
                except revrag.NotFoundError:
                    pass
        for _ in range(4):
            threading.Thread(target=keep_busy, daemon=True).start()
        """,
    ),
    "a call from a destructor": (
        0,
        """
        class Last:
            def __del__(self, fine=fine, print=print):
                print(fine.status().status)
        fine.status()  # after the end nothing more is imported
        last = Last()
        """,
    ),
    "a sandbox still running": (
        0,
        """
        from revrag.sandbox import Sandbox
        sandbox = Sandbox()
        sandbox.client().campaign(CAMPAIGN_ID).push([LEAD])
        """,
    ),
    "a sandbox that calls and delivers": (
        1,
        """
        from revrag.sandbox import Sandbox
        options = {"webhook_url": sys.argv[2], "webhook_secret": "whsec"}
        sandbox = Sandbox(dispatch_after=0, call_duration=0, **options)
        sandbox.client().campaign(CAMPAIGN_ID).push([LEAD])
        """,
    ),
    "a hook that is slow": (
        0,
        """
        def slow(event):
            called.set()
            threading.Event().wait()
        called = threading.Event()
        watched = campaign(sys.argv[1], on_request=slow)
        threading.Thread(target=lambda: asyncio.run(watched.status_async()), daemon=True).start()
        called.wait()
        """,
    ),
}
LIMIT = 2
# On a busy machine an exit may wait that long for its turn; what waits for an answer always does.
ROUNDS = 3


@pytest.mark.timeout(90)
@pytest.mark.parametrize("kind", LEFTOVERS)
def test_the_interpreter_exits_in_time(
    start: Start, service: Sandbox, silent: Silent, kind: str
) -> None:
    hanging, leftover = LEFTOVERS[kind]
    script = """
        fine, hanging = campaign(sys.argv[1]), campaign(sys.argv[2])
        {}
        print("under way", flush=True)
        sys.stdin.readline()
        sys.exit(3)
    """
    taken = []
    while not taken or (min(taken) >= LIMIT and len(taken) < ROUNDS):
        process = start(script.format(leftover.strip()), service.url, silent.url)
        assert process.line() == "under way"
        for _ in range(hanging):
            assert silent.arrived.acquire(timeout=20)
        left = time.monotonic()
        process.say("leave")
        finished = process.finish(20)
        taken.append(time.monotonic() - left)
        assert (finished.code, finished.err) == (3, ""), finished
        asked = "atexit" in kind or "destructor" in kind
        assert finished.out == ("running\n" if asked else "")
    assert min(taken) < LIMIT, taken


def test_an_exit_handler_that_was_there_before_the_import(run: Run, service: Sandbox) -> None:
    """It is called after all that came with the import."""
    finished = run(
        """
        import subprocess
        program = '''if True:
            import asyncio, atexit, sys
            def last():
                print(leads.status().status, asyncio.run(leads.status_async()).status)
            atexit.register(last)
            import revrag
            client = revrag.Client("sandbox-key", base_url=sys.argv[1])
            leads = client.campaign("11111111-1111-1111-1111-111111111111")
            asyncio.run(leads.status_async())
        '''
        subprocess.run([sys.executable, "-W", "error", "-c", program, sys.argv[1]], check=True)
        """,
        service.url,
    )
    assert finished.out == "running running\n"


def test_clients_by_the_hundred_leave_nothing_behind(run: Run, service: Sandbox) -> None:
    run(
        """
        import gc
        def resident():
            with open("/proc/self/statm") as statm:
                return int(statm.read().split()[1]) * os.sysconf("SC_PAGESIZE")
        def use(count):
            for _ in range(count):
                campaign(sys.argv[1]).status()
            gc.collect()
        def settled(count):
            deadline = time.monotonic() + 5
            while time.monotonic() < deadline and count() > bound[count]:
                time.sleep(0.05)
            return count()
        use(50)
        sockets = lambda: len(socket_inodes())
        bound = {sockets: 2, threads: threads(), resident: resident() + (8 << 20)}
        use(500)
        assert settled(sockets) <= bound[sockets], sockets()
        assert threads() <= bound[threads]
        assert resident() <= bound[resident], (resident(), bound[resident])
        """,
        service.url,
    )
