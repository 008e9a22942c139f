"""The ``revrag`` logger and the ``on_request`` hook."""

from __future__ import annotations

import re

import pytest
from support import PUSHED, STATUS
from support.script import Run
from support.server import Serve, reply, reset

# The records of the `revrag` logger, as (level, text), and the threads that made them.
LOGGING = """
import logging
lines, made_in = [], set()
class Keep(logging.Handler):
    def emit(self, record):
        lines.append(f"{record.levelname} {record.getMessage()}")
        made_in.add(record.thread)
logger = logging.getLogger("revrag")
logger.addHandler(Keep())
def call(leads, method, *args):
    # The same, blocking and asyncio.
    if sys.argv[2] == "sync":
        return getattr(leads, method)(*args)
    async def main():
        return await getattr(leads, method + "_async")(*args)
    return asyncio.run(main())
"""
PREFIX = "/v1/campaigns/11111111-1111-1111-1111-111111111111"
both = pytest.mark.parametrize("way", ["sync", "async"])


@both
def test_a_line_per_request_and_a_warning_per_retry(run: Run, serve: Serve, way: str) -> None:
    server = serve(
        reply(200, PUSHED, {"x-request-id": "req-1"}),
        reply(503, {"detail": "busy"}, {"x-request-id": "req-2"}),
        reset,
        reply(200, STATUS),
        reply(404, {}),
    )
    finished = run(
        LOGGING
        + """
logger.setLevel(logging.DEBUG)
leads = campaign(sys.argv[1])
call(leads, "push", [LEAD])
call(leads, "status")
try:
    call(leads, "record", CAMPAIGN_ID)
except revrag.NotFoundError:
    pass
print(*lines, sep="\\n")
assert made_in == {threading.get_ident()}, "a thread of its own made a line"
""",
        server.url,
        way,
    )
    told = re.sub(r"ms=\d+\.\d", "ms=#", finished.out)
    told = re.sub(r"again in \d\.\d\d s", "again in # s", told).splitlines()
    busy = "the service answered 503 Service Unavailable: busy [request id req-2]"
    push, status = f"POST {PREFIX}/records/push-bulk", f"GET {PREFIX}/status"
    record = f"GET {PREFIX}/records/11111111-1111-1111-1111-111111111111"
    assert told[:3] == [
        f"DEBUG {push} status=200 attempt=1 ms=# request_id=req-1",
        f"DEBUG {status} status=503 attempt=1 ms=# request_id=req-2",
        f"WARNING {status} failed at attempt 1 and is sent again in # s: {busy}",
    ]
    assert told[3] == f"DEBUG {status} status=None attempt=2 ms=# request_id=None"
    assert told[4].startswith(f"WARNING {status} failed at attempt 2 and is sent again in # s: ")
    assert told[5:] == [
        f"DEBUG {status} status=200 attempt=3 ms=# request_id=None",
        f"DEBUG {record} status=404 attempt=1 ms=# request_id=None",
    ]


@both
def test_warnings_alone(run: Run, serve: Serve, way: str) -> None:
    """At its usual level the logger tells of retries only."""
    server = serve(reply(429, {}, {"retry-after": "0"}), reply(200, STATUS))
    finished = run(
        LOGGING + 'call(campaign(sys.argv[1]), "status"); print(*lines, sep="\\n")', server.url, way
    )
    assert re.fullmatch(r"WARNING GET \S+ failed at attempt 1 and is sent again .*\n", finished.out)


@both
def test_it_costs_nothing_when_off(run: Run, serve: Serve, way: str) -> None:
    """No record is made, the logger is asked once, and turning it on is noticed."""
    server = serve(reply(200, STATUS))
    run(
        LOGGING
        + """
leads = campaign(sys.argv[1])
call(leads, "status")
entered = []
def trace(frame, event, arg):
    ours = frame.f_code.co_filename.endswith("_observe.py")
    if event == "call" and (ours or frame.f_locals.get("self") is logger):
        entered.append(frame.f_code.co_name)
sys.setprofile(trace)
call(leads, "status")
sys.setprofile(None)
assert entered == ["isEnabledFor"], entered
assert not lines
for level, more in ((logging.DEBUG, 1), (logging.INFO, 0), (logging.NOTSET, 0)):
    logger.setLevel(level)
    before = len(lines)
    call(leads, "status")
    assert len(lines) - before == more, (level, lines)
logging.getLogger().setLevel(logging.DEBUG)
call(leads, "status")
logging.disable()
call(leads, "status")
assert len(lines) == 2, lines
""",
        server.url,
        way,
    )


@both
def test_a_handler_and_a_hook_may_use_the_client(run: Run, serve: Serve, way: str) -> None:
    """They run in the caller's thread, where nothing of the client is locked."""
    server = serve(reply(200, STATUS))
    run(
        LOGGING
        + """
logger.setLevel(logging.DEBUG)
other = campaign(sys.argv[1])
class Busy(logging.Handler):
    def emit(self, record):
        if not nested:
            nested.append(record)
            other.status()
nested, told = [], []
logger.addHandler(Busy())
def hook(event):
    told.append(threading.get_ident())
    if len(told) == 1:
        assert leads.status().status == "running"
leads = campaign(sys.argv[1], on_request=hook)
assert call(leads, "status").status == "running"
assert nested
assert told == [threading.get_ident()] * 2
""",
        server.url,
        way,
    )


def test_handlers_do_not_deadlock_threads_and_loops(run: Run, serve: Serve) -> None:
    """A handler that holds a lock of its own and waits, beside threads and loops that log."""
    server = serve(reply(200, STATUS))
    run(
        LOGGING
        + """
import concurrent.futures
logger.setLevel(logging.DEBUG)
class Slow(logging.Handler):
    def emit(self, record):
        with lock:
            time.sleep(0.001)
lock = threading.Lock()
logger.addHandler(Slow())
leads = campaign(sys.argv[1], on_request=lambda event: logger.info("%s", event.status))
def work(number):
    if number % 2:
        return leads.status().status
    async def main():
        statuses = await asyncio.gather(*(leads.status_async() for _ in range(5)))
        return statuses[0].status
    return asyncio.run(main())
with concurrent.futures.ThreadPoolExecutor(8) as pool:
    assert set(pool.map(work, range(40))) == {"running"}
assert len(lines) == 2 * (20 + 100), len(lines)
""",
        server.url,
        "both",
    )


@both
def test_the_hook_is_told_of_each_try(run: Run, serve: Serve, way: str) -> None:
    server = serve(reply(503, {}), reply(200, STATUS, {"x-request-id": "req-2"}))
    run(
        LOGGING
        + """
events = []
call(campaign(sys.argv[1], on_request=events.append), "status")
first, second = events
assert (first.method, first.status, first.attempt, first.request_id) == ("GET", 503, 1, None)
assert "503" in first.error
assert (second.status, second.attempt, second.request_id, second.error) == (200, 2, "req-2", None)
assert second.path.endswith("/status")
assert 0 < second.elapsed < 20
assert events == [revrag.RequestEvent(e.method, e.path, e.status, e.attempt, e.elapsed,
                                      e.request_id, e.error) for e in events]
assert len({first, second, first}) == 2
""",
        server.url,
        way,
    )
