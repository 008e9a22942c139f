"""One client in many threads, and the interpreter free meanwhile."""

from __future__ import annotations

from revrag.sandbox import Sandbox
from support.script import Run
from support.silent import Silent


def test_one_client_in_32_threads(run: Run, service: Sandbox) -> None:
    run(
        """
        import concurrent.futures
        leads = campaign(sys.argv[1])
        def work(number):
            assert leads.push([LEAD]).accepted == 1
            return leads.status().status
        with concurrent.futures.ThreadPoolExecutor(32) as pool:
            assert set(pool.map(work, range(320))) == {"running"}
        assert leads.status().stats.total_records == 320
        """,
        service.url,
    )


def test_the_interpreter_is_free_while_a_call_waits(run: Run, silent: Silent) -> None:
    """Another thread counts at 90 % of its speed or more; the best of a few rounds is taken,
    because the machine is shared."""
    run(
        """
        hanging = campaign(sys.argv[1], timeout=0.5, max_retries=0)
        def counted(seconds):
            count, end = 0, time.perf_counter() + seconds
            while time.perf_counter() < end:
                count += 1
            return count
        def blocked():
            try:
                hanging.status()
            except revrag.APITimeoutError:
                pass
        ratios = []
        for _ in range(6):
            alone = counted(0.4)
            thread = threading.Thread(target=blocked)
            thread.start()
            ratios.append(counted(0.4) / alone)
            thread.join()
            if ratios[-1] >= 0.9:
                break
        assert max(ratios) >= 0.9, ratios
        """,
        silent.url,
    )
