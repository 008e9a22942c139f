"""Faults on order: what a client sees of each, and what the sandbox applied."""

from __future__ import annotations

import http.client
import json
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest
import revrag
from revrag import InvalidArgumentError
from revrag.sandbox import Sandbox

NUMBERS = [f"+91987654321{number}" for number in range(10)]
RECORDS = [{"phone_number": number} for number in NUMBERS]


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(dispatch_after=3600) as sandbox:
        yield sandbox


def campaign(sandbox: Sandbox, **options: Any) -> revrag.Campaign:
    client = sandbox.client(**{"max_retries": 0} | options)
    return client.campaign(sandbox.campaign_id)


def count(sandbox: Sandbox) -> int:
    return campaign(sandbox).status().stats.total_records or 0


def last(sandbox: Sandbox, path: str = "push-bulk") -> Any:
    return next(it for it in reversed(sandbox.requests) if path in it["path"])


def test_a_status_with_any_body_for_the_next_requests(sandbox: Sandbox):
    sandbox.fault("status", "status", status=502, times=2)
    for _ in range(2):
        with pytest.raises(revrag.ServerError, match="502"):
            campaign(sandbox).status()
    assert campaign(sandbox).status().status == "running"
    told = {"X-Odd": "yes", "X-Request-ID": "req-7"}
    sandbox.fault("any", "status", status=418, body={"odd": [1]}, headers=told)
    with pytest.raises(revrag.APIStatusError) as refused:
        campaign(sandbox).status()
    assert (refused.value.status_code, refused.value.body) == (418, {"odd": [1]})
    assert (refused.value.headers["x-odd"], refused.value.request_id) == ("yes", "req-7")
    rule = last(sandbox, "/status")["rule"] or sandbox.requests[-1]["rule"]
    assert rule is not None
    assert rule["name"].endswith(": status")
    assert sandbox.faults == []


def test_a_fault_lets_others_pass_and_begins_later(sandbox: Sandbox):
    sandbox.fault("push", "status", after=1)
    assert campaign(sandbox).push(RECORDS[:1]).accepted == 1
    campaign(sandbox).status()
    with pytest.raises(revrag.PushOutcomeUnknownError):
        campaign(sandbox).push(RECORDS[:1])
    assert count(sandbox) == 1


@pytest.mark.parametrize(("applied", "stored"), [(0, 0), (0.3, 3), (1, 10)])
@pytest.mark.parametrize("kind", ["dropped", "status"])
def test_a_push_is_applied_in_part_as_ordered(
    sandbox: Sandbox, kind: Any, applied: float, stored: int
):
    sandbox.fault("push", kind, applied=applied)
    with pytest.raises(revrag.PushOutcomeUnknownError):
        campaign(sandbox).push(RECORDS)
    assert count(sandbox) == stored
    pushed = [it.phone_number for it in campaign(sandbox).records()]
    assert sorted(str(number) for number in pushed) == NUMBERS[:stored]


def test_a_push_is_applied_late(sandbox: Sandbox):
    sandbox.fault("push", "late", seconds=0.3)
    with pytest.raises(revrag.PushOutcomeUnknownError):
        campaign(sandbox).push(RECORDS)
    assert count(sandbox) == 0
    deadline = time.monotonic() + 20
    while count(sandbox) < 10:
        assert time.monotonic() < deadline


def test_silence_is_applied_and_never_answered(sandbox: Sandbox):
    sandbox.fault("push", "silent")
    with pytest.raises(revrag.PushOutcomeUnknownError):
        campaign(sandbox, timeout=2).push(RECORDS)
    assert count(sandbox) == 10
    assert last(sandbox)["status"] is None


@pytest.mark.parametrize("kind", ["truncated", "malformed"])
def test_an_answer_that_is_none_is_an_unknown_outcome(sandbox: Sandbox, kind: Any):
    sandbox.fault("push", kind)
    with pytest.raises(revrag.PushOutcomeUnknownError):
        campaign(sandbox).push(RECORDS)
    assert count(sandbox) == 10


def test_a_truncated_answer_ends_in_the_middle(sandbox: Sandbox):
    sandbox.fault("status", "truncated")
    connection = http.client.HTTPConnection(sandbox.url.removeprefix("http://"), timeout=10)
    path = f"/v1/campaigns/{sandbox.campaign_id}/status"
    connection.request("GET", path, headers={"X-API-Key": sandbox.api_key})
    answer = connection.getresponse()
    with pytest.raises(http.client.IncompleteRead) as cut:
        answer.read()
    connection.close()
    assert cut.value.partial.startswith(b'{"campaign_id"')
    assert cut.value.expected is not None
    assert cut.value.expected > 0


@pytest.mark.parametrize("kind", ["delay", "slow"])
def test_an_answer_takes_its_time(sandbox: Sandbox, kind: Any):
    sandbox.fault("push", kind, seconds=0.4)
    begun = time.monotonic()
    assert campaign(sandbox).push(RECORDS).accepted == 10
    assert time.monotonic() - begun >= 0.4
    sandbox.fault("status", kind, seconds=5)
    with pytest.raises(revrag.APITimeoutError):
        campaign(sandbox, timeout=0.2).status()


def test_nobody_is_let_in_for_a_while(sandbox: Sandbox):
    client = campaign(sandbox)
    client.status()
    sandbox.fault("any", "refused", seconds=0.5)
    port = int(sandbox.url.rsplit(":", 1)[1])
    deadline = time.monotonic() + 10
    refused = 0
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
        except ConnectionRefusedError:
            refused += 1
        except ConnectionResetError:
            # It stood in line when the door was shut.
            continue
        else:
            if refused:
                break
    assert refused
    assert client.status().status == "running"


def test_nothing_of_a_push_that_was_refused_arrives(sandbox: Sandbox):
    client = campaign(sandbox)
    sandbox.fault("push", "refused", after=1, seconds=600)
    client.push(RECORDS[:1])
    client.push(RECORDS[:1])
    with pytest.raises(revrag.APIConnectionError):
        client.push(RECORDS)
    # Whoever clears the faults opens the door.
    sandbox.clear_faults()
    assert count(sandbox) == 2


def test_the_door_is_shut_and_open_as_soon_as_that_is_told(sandbox: Sandbox):
    port = int(sandbox.url.rsplit(":", 1)[1])
    for _ in range(20):
        sandbox.fault("any", "refused", seconds=600)
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), timeout=5)
        sandbox.clear_faults()
        socket.create_connection(("127.0.0.1", port), timeout=5).close()


def test_a_rate_limit_tells_when_to_come_again(sandbox: Sandbox):
    sandbox.fault("status", "rate_limit", limit=2, seconds=1)
    client = campaign(sandbox)
    client.status()
    client.status()
    with pytest.raises(revrag.RateLimitError) as refused:
        client.status()
    assert refused.value.retry_after == 1
    # One that heeds it gets through.
    assert campaign(sandbox, max_retries=5).status().status == "running"
    assert sandbox.faults[0]["struck"] >= 1


def test_a_batch_that_is_too_large_is_a_413(sandbox: Sandbox):
    sandbox.fault("push", "largest_batch", limit=4)
    with pytest.raises(revrag.PayloadTooLargeError):
        campaign(sandbox).push(RECORDS[:5])
    assert campaign(sandbox).push(RECORDS[:4]).accepted == 4
    assert count(sandbox) == 4


def test_a_listing_shifts_while_it_is_read(sandbox: Sandbox):
    campaign(sandbox).push(RECORDS)

    def read(shift: int) -> list[str]:
        sandbox.clear_faults()
        sandbox.fault("records", "shifting", shift=shift, after=1, probability=1)
        pages = [campaign(sandbox).records_page(page=page, page_size=5).items for page in (1, 2)]
        return [str(it.phone_number) for page in pages for it in page]

    repeated, missed = read(-1), read(1)
    assert len(repeated) == 10
    assert len(set(repeated)) == 9
    assert len(set(missed)) == 9


def test_a_seed_says_which_requests_are_struck(sandbox: Sandbox):
    def struck(seed: int) -> list[bool]:
        sandbox.clear_faults()
        sandbox.fault("status", "status", probability=0.5, seed=seed)
        seen = []
        for _ in range(40):
            try:
                campaign(sandbox).status()
                seen.append(False)
            except revrag.ServerError:
                seen.append(True)
        return seen

    one = struck(1)
    assert one == struck(1)
    assert one != struck(2)
    assert 8 <= sum(one) <= 32


@pytest.mark.parametrize(
    ("endpoint", "kind", "options", "problem"),
    [
        ("pushes", "status", {}, "endpoint: .*pushes"),
        ("push", "explode", {}, "kind: .*explode"),
        ("push", "dropped", {"seconds": 1}, "seconds: a fault of kind dropped has no such"),
        ("push", "delay", {"seconds": -1}, "seconds: it must be from 0"),
        ("push", "status", {"status": 99}, "status: it must be from 200"),
        ("push", "status", {"applied": 2}, "applied: it must be a share"),
        ("push", "status", {"probability": 1.5}, "probability: it must be from 0 to 1"),
        ("push", "status", {"times": 0}, "times: it must be at least 1"),
        ("push", "status", {"headers": {"a b": "c"}}, "headers: .*can't be sent"),
        ("push", "status", {"headers": {"Content-Length": "3"}}, "headers: .*can't be sent"),
        ("push", "status", {"colour": "red"}, "colour"),
        ("push", "shifting", {}, "endpoint: a fault of kind shifting"),
        ("webhook", "status", {}, "endpoint: a fault of kind status"),
        ("push", "duplicate", {}, "endpoint: a fault of kind duplicate"),
    ],
    ids=str,
)
def test_a_fault_that_cannot_be_is_refused_by_name(
    sandbox: Sandbox, endpoint: Any, kind: Any, options: Any, problem: str
):
    with pytest.raises(InvalidArgumentError, match=problem):
        sandbox.fault(endpoint, kind, **options)
    assert sandbox.faults == []


def test_every_refusal_names_its_rule_and_what_would_pass(sandbox: Sandbox):
    ours, client = sandbox.campaign_id, campaign(sandbox)
    base = f"/v1/campaigns/{ours}"
    json_type = {"content-type": "application/json"}

    def send(method: str, path: str, body: bytes | None = None, **headers: str) -> int:
        connection = http.client.HTTPConnection(sandbox.url.removeprefix("http://"), timeout=10)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body, {"x-api-key": sandbox.api_key} | named)
        status = connection.getresponse().status
        connection.close()
        return status

    push = f"{base}/records/push-bulk"
    good = json.dumps({"records": RECORDS}).encode()
    table: list[tuple[int, str, tuple[Any, ...], dict[str, str]]] = [
        (401, "api_key", ("GET", f"{base}/status"), {"x_api_key": "wrong"}),
        (404, "campaign", ("GET", "/v1/campaigns/x/status"), {}),
        (404, "campaign", ("GET", "/v1/campaigns/%ff/status"), {}),
        (404, "record", ("GET", f"{base}/records/x"), {}),
        (404, "call", ("GET", "/v1/campaigns/trigger/status/x"), {}),
        (404, "path", ("GET", "/v2"), {}),
        (405, "method", ("PUT", push, good), json_type),
        (422, "query", ("GET", f"{base}/records?page=0"), {}),
        (422, "content_type", ("POST", push, good), {"content-type": "text/plain"}),
        (422, "body", ("POST", push, b"{"), json_type),
        (404, "recording", ("GET", "/recordings/x.wav"), {}),
    ]
    for status, rule, request, headers in table:
        assert send(*request, **headers) == status
        entry = sandbox.requests[-1]
        assert entry["status"] == status
        assert entry["rule"] is not None
        assert (entry["rule"]["name"], bool(entry["rule"]["passes"])) == (rule, True), entry
    sandbox.set_campaign_status("paused")
    assert send("POST", push, good, **json_type) == 400
    assert (sandbox.requests[-1]["rule"] or {})["name"] == "campaign_status"
    assert client.status().stats.total_records == 0
    assert sandbox.requests[-1]["rule"] is None


def test_requests_that_another_fault_strikes_do_not_count(sandbox: Sandbox):
    sandbox.fault("status", "status", status=502)
    sandbox.fault("status", "status", status=503, after=1)
    client = campaign(sandbox)
    with pytest.raises(revrag.ServerError, match="502"):
        client.status()
    client.status()
    with pytest.raises(revrag.ServerError, match="503"):
        client.status()
