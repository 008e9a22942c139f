"""``watch`` follows a campaign until nothing is left to do, and draws it where that is wanted."""

from __future__ import annotations

import asyncio
import os
import pty
import time
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest
import revrag
from revrag import errors
from revrag.sandbox import Sandbox
from support import CAMPAIGN_ID, LEAD, STATUS, campaign_at
from support.script import Run, Start
from support.server import Act, Serve, close, reply, reset
from support.silent import Silent

STATS = dict.fromkeys(STATUS["stats"], 0)
OPEN = ("queued", "in_progress", "rescheduled", "retry_pending", "follow_up_pending")
Watched = Callable[..., list[revrag.CampaignStatus]]


def status(state: str = "running", **counts: int) -> dict[str, Any]:
    return STATUS | {"status": state, "stats": STATS | {"total_records": 9} | counts}


def says(*args: str, **counts: int) -> Act:
    return reply(200, status(*args, **counts))


def blocking(watch: revrag.CampaignWatch) -> list[revrag.CampaignStatus]:
    return list(watch)


def awaiting(watch: revrag.CampaignWatch) -> list[revrag.CampaignStatus]:
    async def main() -> list[revrag.CampaignStatus]:
        return [status async for status in watch]

    return asyncio.run(main())


@pytest.fixture(params=[blocking, awaiting])
def watched(request: pytest.FixtureRequest) -> Watched:
    """All statuses, as soon as watching has ended."""

    def watched(url: str, **options: Any) -> list[revrag.CampaignStatus]:
        leads = revrag.Client("sandbox-key", base_url=url, max_retries=0).campaign(CAMPAIGN_ID)
        seen = request.param(leads.watch(**{"poll_interval": 0.05, "timeout": 20} | options))
        assert isinstance(seen, list)
        return seen

    return watched


def test_each_change_once(serve: Serve, watched: Watched) -> None:
    first, second, last = (
        says(queued=9),
        says(queued=3, in_progress=3, completed=3),
        says(completed=9),
    )
    server = serve(first, first, second, second, second, last)
    seen = watched(server.url)
    assert [one.stats.queued for one in seen] == [9, 3, 0]
    assert [one.stats.completed for one in seen] == [0, 3, 9]
    assert len(server.requests) == 6


@pytest.mark.parametrize("name", OPEN)
def test_what_is_left_to_do(serve: Serve, watched: Watched, name: str) -> None:
    server = serve(says("paused", **{name: 1}), says("paused", failed=7, dnc=2))
    assert len(watched(server.url)) == 2


@pytest.mark.parametrize("state", ["completed", "cancelled"])
def test_a_campaign_that_has_ended(serve: Serve, watched: Watched, state: str) -> None:
    server = serve(says(state, queued=9))
    assert [one.status for one in watched(server.url)] == [state]


def test_counts_that_are_not_there_are_no_end(serve: Serve, watched: Watched) -> None:
    server = serve(
        reply(200, STATUS | {"stats": None}),
        reply(200, STATUS | {"stats": {"queued": "some"}}),
        says(),
    )
    assert len(watched(server.url)) == 3


def test_the_sandbox_to_its_end(watched: Watched) -> None:
    with Sandbox(dispatch_after=0, call_duration=0.1, max_concurrency=2, failure_rate=0) as service:
        with service.client() as client:
            client.campaign(service.campaign_id).push([LEAD] * 8)
        seen = watched(service.url)
    assert seen[-1].stats.completed == 8
    assert len(seen) > 2


HICCUPS: dict[str, list[Act]] = {
    "5xx": [reply(500, {}), reply(503, {})],
    "429": [reply(429, {}, {"retry-after": "0"})] * 2,
    "connections": [reset, close],
    "garbage": [reply(200, "<html>")] * 2,
}


@pytest.mark.parametrize("kind", HICCUPS)
@pytest.mark.parametrize("timeout", [20, None])
def test_a_hiccup(serve: Serve, watched: Watched, kind: str, timeout: float | None) -> None:
    server = serve(*HICCUPS[kind], says(queued=1), *HICCUPS[kind], says())
    assert len(watched(server.url, timeout=timeout)) == 2
    assert len(server.requests) == 6


@pytest.mark.parametrize("code", [401, 403, 404])
def test_a_refusal_is_raised_at_once(serve: Serve, watched: Watched, code: int) -> None:
    server = serve(says(queued=1), reply(code, {}))
    with pytest.raises(errors.APIStatusError):
        watched(server.url)
    assert len(server.requests) == 2


def test_the_time_is_over(serve: Serve, watched: Watched) -> None:
    server = serve(says(queued=4, retry_pending=1))
    began = time.monotonic()
    with pytest.raises(
        errors.WaitTimeoutError, match=r'5 records are not done .*"running"'
    ) as info:
        watched(server.url, timeout=0.3)
    assert 0.3 <= time.monotonic() - began < 5
    assert info.value.status == revrag.CampaignStatus.from_dict(status(queued=4, retry_pending=1))
    assert (info.value.record, info.value.records) == (None, [])
    assert info.value.__cause__ is None


def test_the_last_failure_is_the_cause(serve: Serve, watched: Watched) -> None:
    server = serve(reply(503, {"detail": "busy"}))
    with pytest.raises(errors.WaitTimeoutError, match=r"could not be read.*503") as info:
        watched(server.url, timeout=0.3)
    assert info.value.status is None
    assert isinstance(info.value.__cause__, errors.ServerError)


def test_a_poll_without_an_answer_is_dropped_in_time(silent: Silent, watched: Watched) -> None:
    with pytest.raises(errors.WaitTimeoutError):
        watched(silent.url, timeout=0.3)
    assert silent.dropped.acquire(timeout=20)


def test_a_timeout_of_nothing_asks_once(serve: Serve, watched: Watched) -> None:
    server = serve(says(queued=1))
    with pytest.raises(errors.WaitTimeoutError):
        watched(server.url, timeout=0)
    assert len(server.requests) == 1


def test_each_iteration_watches_anew(serve: Serve) -> None:
    watch = campaign_at(serve(says(queued=1), says()).url).watch(poll_interval=0.05, timeout=20)
    assert watch.last is None
    assert len(list(watch)) == 2
    assert len(list(watch)) == 1
    assert watch.last == revrag.CampaignStatus.from_dict(status())


def test_one_that_is_left_early_asks_no_more(serve: Serve) -> None:
    server = serve(says(queued=1))
    with closing(iter(campaign_at(server.url).watch(poll_interval=0.05))) as steps:
        next(steps)
    assert len(server.requests) == 1


@pytest.mark.parametrize("bad", [{"poll_interval": -1}, {"timeout": float("nan")}])
def test_what_is_no_time(bad: dict[str, float]) -> None:
    with pytest.raises(errors.InvalidArgumentError, match=next(iter(bad))):
        campaign_at("http://127.0.0.1:9").watch(**bad)  # type: ignore[arg-type]


def test_a_cancelled_one_goes_away(serve: Serve) -> None:
    async def main() -> None:
        first = asyncio.Event()

        async def follow() -> None:
            async for _ in campaign_at(serve(says(queued=1)).url).watch(poll_interval=3600):
                first.set()

        task = asyncio.ensure_future(follow())
        await first.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())


# --- Drawing ------------------------------------------------------------------------------------

SHOW = """
leads = campaign(sys.argv[1])
assert leads.watch(poll_interval=0.05, timeout=20).show().stats.completed == 12
"""
WITHOUT_TQDM = 'import sys\nsys.modules["tqdm"] = sys.modules["tqdm.auto"] = None\n'
GROWS = [
    says(queued=9),
    says(queued=2, in_progress=3, failed=1, completed=3),
    reply(200, STATUS | {"stats": STATS | {"total_records": 12, "completed": 12}}),
]


def test_a_bar_by_tqdm(start: Start, serve: Serve) -> None:
    finished = start(SHOW, serve(*GROWS).url).finish(20)
    assert (finished.code, finished.out) == (0, ""), finished
    assert "0/9" in finished.err
    assert "12/12" in finished.err
    assert "running" in finished.err


def test_one_line_elsewhere(start: Start, serve: Serve) -> None:
    finished = start(WITHOUT_TQDM + SHOW, serve(*GROWS).url).finish(20)
    assert (finished.code, finished.out) == (0, ""), finished
    assert finished.err == "running: 12/12 records done\n"


def test_the_line_at_a_terminal(start: Start, serve: Serve) -> None:
    ours, theirs = pty.openpty()
    path = os.ttyname(theirs)
    body = f"sys.stderr = open({path!r}, 'w')\n" + SHOW
    assert start(WITHOUT_TQDM + body, serve(*GROWS).url).finish(20).code == 0
    drawn = os.read(ours, 65536).decode()
    os.close(ours)
    os.close(theirs)
    assert drawn.split("\r\x1b[K")[1:] == [
        "running: 0/9 records done, queued 9",
        "running: 4/9 records done, queued 2, in_progress 3, failed 1",
        "running: 12/12 records done\r\n",
    ]


def test_progress_while_it_is_iterated(run: Run, serve: Serve) -> None:
    run(
        WITHOUT_TQDM
        + """
import io
sys.stderr = io.StringIO()
leads = campaign(sys.argv[1])
watch = leads.watch(poll_interval=0.05, timeout=20, progress=True)
assert len(list(watch)) == 3
async def main():
    return [status async for status in watch]
assert len(asyncio.run(main())) == 1
shown, sys.stderr = sys.stderr.getvalue(), sys.__stderr__
assert shown == "running: 12/12 records done\\n" * 2, shown
""",
        serve(*GROWS).url,
    )
