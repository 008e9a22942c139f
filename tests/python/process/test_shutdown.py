"""Ends: of the interpreter with work under way, and of clients by the hundred."""

from __future__ import annotations

import pytest
from revrag.sandbox import Sandbox
from support.script import Run, Start
from support.silent import Silent

# Each leaves something under way at the end of the script.
LEFTOVERS = {
    "sync calls in daemon threads": """
        for _ in range(4):
            threading.Thread(target=lambda: hanging.push([LEAD]), daemon=True).start()
    """,
    "loops in daemon threads": """
        def loop():
            asyncio.run(hanging.status_async())
        for _ in range(4):
            threading.Thread(target=loop, daemon=True).start()
    """,
    "busy daemon threads": """
        def keep_busy():
            while True:
                fine.status()
        for _ in range(4):
            threading.Thread(target=keep_busy, daemon=True).start()
    """,
    "busy loops in daemon threads": """
        async def keep_busy():
            while True:
                await fine.status_async()
        for _ in range(4):
            threading.Thread(target=lambda: asyncio.run(keep_busy()), daemon=True).start()
    """,
    "an iterator half-read": """
        for _ in range(5):
            fine.push([LEAD])
        iterator = iter(fine.records(page_size=1))
        next(iterator)
    """,
    "an async iterator half-read": """
        async def main():
            async for record in fine.records(page_size=1):
                break
        fine.push([LEAD])
        asyncio.run(main())
    """,
    "a call from atexit": """
        import atexit
        atexit.register(lambda: print(fine.status().status))
    """,
    "a loop from atexit": """
        import atexit
        asyncio.run(fine.status_async())
        atexit.register(lambda: print(asyncio.run(fine.status_async()).status))
    """,
    "a loop from an atexit handler that was there first": """
        # Registered before the first coroutine, so called after all that came with it.
        import atexit
        atexit.register(lambda: print(asyncio.run(fine.status_async()).status))
        asyncio.run(fine.status_async())
    """,
    "a sandbox still running": """
        from revrag.sandbox import Sandbox
        sandbox = Sandbox()
        sandbox.client().campaign(CAMPAIGN_ID).push([LEAD])
    """,
    "a hook that is slow": """
        watched = campaign(sys.argv[1], on_request=lambda event: time.sleep(0.2))
        def loop():
            asyncio.run(watched.status_async())
        threading.Thread(target=loop, daemon=True).start()
    """,
}


@pytest.mark.parametrize("leftover", LEFTOVERS.values(), ids=LEFTOVERS)
def test_the_interpreter_exits_in_time(
    start: Start, service: Sandbox, silent: Silent, leftover: str
) -> None:
    script = start(
        f"""
        fine, hanging = campaign(sys.argv[1]), campaign(sys.argv[2])
        {leftover}
        time.sleep(0.3)
        print("leaving", flush=True)
        left = time.monotonic()
        sys.exit(3)
        """,
        service.url,
        silent.url,
    )
    assert script.line() == "leaving"
    finished = script.finish(2)
    assert (finished.code, finished.err) == (3, ""), finished


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
