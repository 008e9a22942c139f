"""One contract, which every endpoint keeps: all answers, all bad input."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import revrag
from revrag import testing
from revrag.webhooks.stores import MemoryStore
from support import raw
from support.endpoints import ENDPOINTS, READING, VERIFIER
from support.spy import Broken, Spy

NOW = 1_780_000_000
MAX_BODY = 5_000
Sent = testing.Delivery


class Kit:
    """An endpoint of a kind, the events that its handler saw, and what it does next."""

    def __init__(self, kind: str, runner: asyncio.Runner, **options: Any) -> None:
        self.kind = kind
        self.seen: list[str] = []
        self.next: list[int | Exception] = []
        self.hold: threading.Event | None = None
        self.held = threading.Event()
        given = {"store": MemoryStore(), "max_body": MAX_BODY, "clock": lambda: NOW} | options
        self.call = ENDPOINTS[kind](self._behave, runner, given)

    def _behave(self, event: revrag.WebhookEvent) -> int:
        self.seen.append(event.id)
        if self.hold is not None:
            self.held.set()
            assert self.hold.wait(20)
        told = self.next.pop(0) if self.next else 200
        if isinstance(told, Exception):
            raise told
        return told

    def post(self, sent: Sent, body: bytes | None = None, **changes: str) -> raw.Answer:
        """Deliver, with another body or other headers where they are given."""
        body = sent.body if body is None else body
        headers = sent.headers | {name.replace("_", "-"): text for name, text in changes.items()}
        headers.setdefault("Content-Length", str(len(body)))
        pairs = [(name.encode(), text.encode()) for name, text in headers.items() if text]
        return self.call("POST", pairs, [body])


@pytest.fixture(params=ENDPOINTS)
def make(request: pytest.FixtureRequest) -> Iterator[Callable[..., Kit]]:
    """Make an endpoint of each kind."""
    with asyncio.Runner() as runner:
        yield lambda **options: Kit(request.param, runner, **options)


@pytest.fixture
def kit(make: Callable[..., Kit]) -> Kit:
    return make()


def delivery(event_id: str = "evt_1", call_id: str = "call_1", **options: Any) -> Sent:
    call = testing.sample_call(call_id=call_id)
    options = {"timestamp": NOW} | options
    return testing.delivery(call, options.pop("secret", VERIFIER), event_id=event_id, **options)


def test_an_event_is_handled_once(kit: Kit):
    first, again = delivery(), delivery(timestamp=NOW - 1)
    assert [kit.post(sent) for sent in (first, first, again, again)] == [200] * 4
    assert kit.seen == ["evt_1"]
    assert kit.post(delivery("evt_2", "call_2")) == 200
    assert kit.seen == ["evt_1", "evt_2"]


@pytest.mark.parametrize("failure", [500, 503, 599, RuntimeError("as told")])
def test_a_failure_is_handled_again(kit: Kit, failure: Any):
    kit.next = [failure]
    status = failure if isinstance(failure, int) else 500
    assert kit.post(delivery()) == status
    assert kit.post(delivery(timestamp=NOW - 1)) == 200
    assert kit.post(delivery()) == 200
    assert kit.seen == ["evt_1"] * 2


@pytest.mark.parametrize("status", [204, 404, 422, 499])
def test_any_other_answer_is_a_success(kit: Kit, status: int):
    kit.next = [status]
    assert kit.post(delivery()) == status
    assert kit.post(delivery()) == 200
    assert kit.seen == ["evt_1"]


@pytest.mark.parametrize("failure", [500, 503, RuntimeError("as told")])
def test_a_replay_of_what_failed_is_not_handled_beside_its_redelivery(kit: Kit, failure: Any):
    """Whoever captured it replays it under an id of their own before it is redelivered."""
    captured = delivery()
    kit.next = [failure]
    assert kit.post(captured) >= 500
    assert kit.post(captured, X_Webhook_ID="evt_chosen") == 200
    assert kit.post(delivery(timestamp=NOW - 1)) == 200
    assert kit.seen == ["evt_1", "evt_chosen"]  # once without success, once with it
    # What was chosen is not taken from the event that it belongs to, where that came first.
    assert kit.post(delivery("evt_2", "call_2")) == 200
    assert kit.post(captured, X_Webhook_ID="evt_3") == 200
    assert kit.post(delivery("evt_3", "call_3")) == 200
    assert kit.seen[2:] == ["evt_2", "evt_3"]


def test_a_busy_event_and_its_replay_get_409(kit: Kit):
    kit.hold = threading.Event()
    captured = delivery()
    if kit.kind in {"fastapi", "asgi", "django-async"}:
        pytest.skip("its loop is busy in this process: test_servers.py")
    statuses: list[int] = []
    thread = threading.Thread(target=lambda: statuses.append(kit.post(captured)))
    thread.start()
    assert kit.held.wait(20)
    for busy in (
        kit.post(captured),
        kit.post(delivery(timestamp=NOW - 1)),
        kit.post(captured, X_Webhook_ID="evt_chosen"),
        kit.post(delivery("evt_9", timestamp=NOW - 1)),  # the call alone is known
    ):
        assert busy == 409
        assert int(busy.headers["retry-after"]) > 0
    kit.hold.set()
    thread.join(20)
    assert (statuses, kit.seen) == ([200], ["evt_1"])
    assert kit.post(captured, X_Webhook_ID="evt_chosen") == 200
    assert kit.seen == ["evt_1"]


def test_bad_deliveries_are_alike(kit: Kit):
    good = delivery()
    for status, refused in (
        (
            400,
            [
                kit.post(good, X_Webhook_ID=""),
                kit.post(good, X_Webhook_Event=""),
                kit.post(good, X_Webhook_Signature=""),
                kit.post(good, X_Webhook_Signature="t=1"),
                kit.post(good, X_Webhook_Timestamp="soon"),
                kit.post(testing.delivery({"no": "call"}, VERIFIER, timestamp=NOW)),
            ],
        ),
        (
            401,
            [
                kit.post(delivery(secret="another")),
                kit.post(delivery(timestamp=NOW - 301)),
                kit.post(delivery(timestamp=NOW + 301)),
                kit.post(good, body=good.body + b" "),
                kit.post(good, body=b""),
            ],
        ),
    ):
        assert refused == [status] * len(refused)
        assert len({answer.body for answer in refused}) == 1
        assert len({tuple(sorted(answer.headers)) for answer in refused}) == 1
    assert kit.seen == []


@pytest.mark.parametrize("method", ["GET", "PUT", "HEAD", "DELETE", "PATCH"])
def test_only_posts_are_taken(kit: Kit, method: str):
    answer = kit.call(method, [], [])
    assert answer == 405
    assert answer.headers["allow"] == "POST"


def test_large_bodies(kit: Kit):
    sent = delivery()
    assert kit.post(sent, body=b" " * (MAX_BODY + 1)) == 413
    headers = [(name.encode(), text.encode()) for name, text in sent.headers.items()]
    # Without a length, and with one that lies.
    assert kit.call("POST", headers, [b" " * MAX_BODY, b" "]) == 413
    short = [*headers, (b"content-length", b"7")]
    assert kit.call("POST", short, [b" " * MAX_BODY, b" " * MAX_BODY]) in {400, 401, 413}
    assert kit.seen == []


def test_a_body_in_pieces_and_without_a_length(kit: Kit):
    sent = delivery()
    headers = [(name.encode(), text.encode()) for name, text in sent.headers.items()]
    assert kit.call("POST", headers, [sent.body[:9], sent.body[9:800], sent.body[800:]]) == 200
    assert kit.seen == ["evt_1"]


@pytest.mark.parametrize("with_length", [True, False])
def test_a_slow_body_gets_408(make: Callable[..., Kit], with_length: bool):
    kit = make(body_timeout=0.1)
    if kit.kind not in READING:
        pytest.skip("the body is there before the endpoint is called")
    sent = delivery()
    headers = [(name.encode(), text.encode()) for name, text in sent.headers.items()]
    if with_length:
        headers.append((b"content-length", str(len(sent.body)).encode()))
    assert kit.call("POST", headers, [sent.body[:100], raw.SLOW]) == 408
    assert kit.post(sent) == 200


@pytest.mark.parametrize("verb", ["claim", "commit", "release"])
@pytest.mark.parametrize("on_store_error", ["refuse", "handle"])
def test_a_store_that_fails(make: Callable[..., Kit], verb: str, on_store_error: str):
    store = Broken(verb)
    kit = make(store=store, on_store_error=on_store_error)
    if verb == "release":
        kit.next = [503]
    answer = kit.post(delivery())
    if verb == "claim" and on_store_error == "refuse":
        assert answer == 503
        assert int(answer.headers["retry-after"]) > 0
        # It may have been made, and its answer lost.
        assert store.noted == ["release"]
        assert kit.seen == []
    else:
        assert answer == (503 if verb == "release" else 200)
        assert kit.seen == ["evt_1"]


def test_a_claim_whose_answer_is_lost_is_not_left_behind(make: Callable[..., Kit]):
    class Lossy(Spy):
        lost = 0

        def claim(self, key: str) -> Any:
            state = super().claim(key)
            self.lost += 1
            if self.lost == 2:
                raise ConnectionError("the answer was lost")
            return state

    kit = make(store=Lossy())
    assert kit.post(delivery()) == 503
    assert kit.post(delivery(timestamp=NOW - 1)) == 200
    assert kit.seen == ["evt_1"]


def test_two_endpoints_share_a_store(make: Callable[..., Kit]):
    store = MemoryStore()
    first, second = make(store=store, name="first"), make(store=store, name="second")
    alike = make(store=store, name="first")
    sent = delivery()
    assert [kit.post(sent) for kit in (first, second, alike)] == [200] * 3
    assert (first.seen, second.seen, alike.seen) == (["evt_1"], ["evt_1"], [])


def test_a_store_that_is_falsy_is_a_store(make: Callable[..., Kit]):
    class Empty(Spy):
        def __len__(self) -> int:
            return 0

    store = Empty()
    assert make(store=store).post(delivery()) == 200
    assert store.noted == ["claim new"] * 3 + ["commit"] * 3


def test_types_without_a_handler_are_answered_and_not_claimed(make: Callable[..., Kit]):
    store = Spy()
    kit = make(store=store, types=["call.ended"])
    assert kit.post(delivery(event_type="call.rang")) == 200
    assert (kit.seen, store.noted) == ([], [])
    assert kit.post(delivery()) == 200
    assert kit.seen == ["evt_1"]


def test_nothing_secret_is_logged(kit: Kit, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.DEBUG)
    kit.next = [RuntimeError("as told")]
    sent = delivery()
    kit.post(sent)
    kit.post(sent, body=b"{}")
    for secret in ("919876543210", "Pankaj", "whsec", sent.headers["X-Webhook-Signature"]):
        assert secret not in caplog.text
