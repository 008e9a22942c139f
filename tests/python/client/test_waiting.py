"""``wait`` outlasts a hiccup, and ``wait_all`` follows many records at once."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import revrag
from revrag import errors
from revrag.sandbox import Sandbox
from support import CAMPAIGN_ID, KEY, LEAD, PAGE, RECORD, RUN_ID
from support.both import Invoke
from support.server import Act, Serve, Server, close, reply, reset

QUEUED = RECORD | {"status": "queued"}
NONE = "00000000-0000-0000-0000-00000000dead"


def leads_at(server: Server, **options: Any) -> revrag.Campaign:
    return revrag.Client(KEY, base_url=server.url, **options).campaign(CAMPAIGN_ID)


HICCUPS: dict[str, list[Act]] = {
    "5xx": [reply(500, {}), reply(502, "<html>"), reply(503, {}), reply(504, {})],
    "429": [reply(429, {}, {"retry-after": "0"})] * 3,
    "connections": [reset, close],
    "garbage": [reply(200, "<html>")],
}


@pytest.mark.parametrize("kind", HICCUPS)
@pytest.mark.parametrize("timeout", [20, None])
def test_a_hiccup(serve: Serve, invoke: Invoke, kind: str, timeout: float | None) -> None:
    server = serve(*HICCUPS[kind], reply(200, QUEUED), *HICCUPS[kind], reply(200, RECORD))
    leads = leads_at(server, max_retries=0)
    assert invoke(leads, "wait", RUN_ID, timeout=timeout, poll_interval=0.05).is_final
    assert len(server.requests) == 2 * len(HICCUPS[kind]) + 2


def test_the_last_failure_is_the_cause(serve: Serve, invoke: Invoke) -> None:
    leads = leads_at(serve(reply(200, QUEUED), reply(503, {"detail": "busy"})), max_retries=0)
    with pytest.raises(errors.WaitTimeoutError, match=r"queued.*503") as info:
        invoke(leads, "wait", RUN_ID, timeout=0.5, poll_interval=0.05)
    assert info.value.record is not None
    assert info.value.record.status == "queued"
    assert info.value.records == [info.value.record]
    assert isinstance(info.value.__cause__, errors.ServerError)


def test_a_failure_that_has_passed_is_no_cause(serve: Serve, invoke: Invoke) -> None:
    leads = leads_at(serve(reply(503, {}), reply(200, QUEUED)), max_retries=0)
    with pytest.raises(errors.WaitTimeoutError) as info:
        invoke(leads, "wait", RUN_ID, timeout=0.5, poll_interval=0.05)
    assert info.value.__cause__ is None


@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_what_a_get_would_not_repeat_is_raised_at_once(
    serve: Serve, invoke: Invoke, status: int
) -> None:
    server = serve(reply(status, {}))
    for method, ids in (("wait", RUN_ID), ("wait_all", [RUN_ID, NONE])):
        with pytest.raises(errors.APIStatusError):
            invoke(leads_at(server), method, ids, timeout=20)
    assert len(server.requests) == 2


def test_the_interval_has_a_floor(serve: Serve, invoke: Invoke) -> None:
    server = serve(reply(200, QUEUED))
    with pytest.raises(errors.WaitTimeoutError):
        invoke(leads_at(server), "wait", RUN_ID, timeout=0.5, poll_interval=0)
    assert 2 <= len(server.requests) <= 11


def test_what_the_service_asks_for_is_waited(serve: Serve, invoke: Invoke) -> None:
    server = serve(reply(429, {}, {"retry-after": "1"}), reply(200, RECORD))
    began = time.monotonic()
    assert invoke(leads_at(server, max_retries=0), "wait", RUN_ID, poll_interval=0).is_final
    assert time.monotonic() - began >= 1


def run_id(number: int) -> str:
    return f"00000000-0000-0000-0000-{number:012}"


def page(items: list[dict[str, Any]], number: int, total: int, *, more: bool) -> Act:
    listing = {"items": items, "total": total, "has_more": more, "page": number, "page_size": 200}
    return reply(200, PAGE | listing)


def test_many_are_one_listing_a_round(serve: Serve, invoke: Invoke) -> None:
    records = [RECORD | {"id": run_id(number)} for number in range(300)]
    waiting = [record | {"status": "queued"} for record in records]
    server = serve(
        page(waiting[:200], 1, 300, more=True),
        page(records[200:], 2, 300, more=False),
        page(records[:200], 1, 300, more=True),
    )
    wanted = [run_id(number) for number in (299, 0, 150, 0, 250)]
    found = invoke(leads_at(server), "wait_all", wanted, timeout=20, poll_interval=0.05)
    assert [record.id for record in found] == wanted
    assert all(record.is_final for record in found)
    pages = [parse_qs(urlsplit(request.target).query)["page"] for request in server.requests]
    assert pages == [["1"], ["2"], ["1"]], "what is final is asked for no more"


def test_a_few_of_very_many_are_asked_for_one_by_one(serve: Serve, invoke: Invoke) -> None:
    listing = page([RECORD | {"id": run_id(n)} for n in range(200)], 1, 100_000, more=True)
    final = [reply(200, RECORD | {"id": run_id(number)}) for number in (1000, 2000)]
    server = serve(listing, *final)
    found = invoke(leads_at(server), "wait_all", [run_id(2000), run_id(1000)], timeout=20)
    assert [record.id for record in found] == [run_id(2000), run_id(1000)]
    assert len(server.requests) == 3


def test_one_that_the_listing_does_not_show_is_asked_for(serve: Serve, invoke: Invoke) -> None:
    """A listing shifts while it is read; only the record's own 404 says that it isn't there."""
    shown = page([RECORD | {"id": run_id(1)}], 1, 1, more=False)
    server = serve(shown, reply(200, RECORD | {"id": run_id(2)}))
    ids = [run_id(1), run_id(2)]
    assert len(invoke(leads_at(server), "wait_all", ids, timeout=20)) == 2
    with pytest.raises(errors.NotFoundError):
        invoke(leads_at(serve(shown, reply(404, {}))), "wait_all", ids, timeout=20)


def test_many_past_the_timeout(serve: Serve, invoke: Invoke) -> None:
    items = [RECORD | {"id": run_id(1)}, QUEUED | {"id": run_id(2)}]
    leads = leads_at(serve(page(items, 1, 2, more=False), reply(503, {})), max_retries=0)
    with pytest.raises(errors.WaitTimeoutError, match=r"1 of 2 records.*503") as info:
        invoke(leads, "wait_all", [run_id(2), run_id(1)], timeout=0.5, poll_interval=0.05)
    assert [r.status for r in info.value.records if r is not None] == ["queued", "completed"]
    assert isinstance(info.value.__cause__, errors.ServerError)


def test_many_of_the_sandbox(invoke: Invoke) -> None:
    with Sandbox(dispatch_after=0, call_duration=0.2, failure_rate=0) as service:
        leads = service.client().campaign(service.campaign_id)
        ids = [outcome.run_id for outcome in leads.push([LEAD] * 250).results]
        before = service.request_count
        found = invoke(leads, "wait_all", ids, timeout=20, poll_interval=0.5)
        assert [record.id for record in found] == ids
        assert service.request_count - before < 20


def test_ids_that_are_none(serve: Serve, invoke: Invoke) -> None:
    server = serve(reply(200, RECORD))
    leads = leads_at(server)
    assert invoke(leads, "wait_all", []) == []
    for bad, said in ((RUN_ID, "pass a list"), ([RUN_ID, None], r"run_ids\[1\]"), (["x"], "UUID")):
        with pytest.raises(errors.InvalidArgumentError, match=said):
            invoke(leads, "wait_all", bad)
    assert server.requests == []
