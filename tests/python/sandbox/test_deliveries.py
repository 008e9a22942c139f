"""A sandbox's webhooks: signed, told at least once, tried again in its time, and logged."""

from __future__ import annotations

import http.server
import json
import os
import random
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from revrag import InvalidArgumentError
from revrag.sandbox import Sandbox
from support.receiver import SECRET, Receiver

# As many as wanted.
COUNT = int(os.environ.get("REVRAG_TEST_DELIVERIES", "1500"))


def told(receiver: Receiver, **settings: Any) -> Sandbox:
    common: dict[str, Any] = {
        "time": "manual",
        "dispatch_after": 0,
        "call_duration": 60,
        "failure_rate": 0,
    }
    return Sandbox(webhook_url=receiver.url, webhook_secret=SECRET, **common | settings)


def push(sandbox: Sandbox, count: int) -> None:
    campaign = sandbox.client().campaign(sandbox.campaign_id)
    numbers = [f"+91987{number:07}" for number in range(count)]
    for start in range(0, count, 1000):
        campaign.push([{"phone_number": number} for number in numbers[start : start + 1000]])


def test_a_delivery_is_signed_and_logged_with_both_sides():
    with Receiver() as receiver, told(receiver) as sandbox:
        push(sandbox, 1)
        sandbox.run_until_delivered()
        (arrival,) = receiver.arrivals
        assert arrival.is_signed_with(SECRET)
        assert not arrival.is_signed_with("whsec_other")
        (entry,) = sandbox.deliveries
        assert (entry["event_id"], entry["attempt"], entry["status"]) == (arrival.id, 1, 200)
        assert entry["request_body"]["text"].encode() == arrival.body
        assert entry["response_body"]["text"] == "answer 0"
        assert (entry["problem"], entry["next_attempt_at"]) == (None, None)
        sent = {name.lower(): value for name, value in entry["request_headers"]}
        assert sent["x-webhook-signature"] == arrival.headers["x-webhook-signature"]
        assert json.loads(arrival.body)["call_status"] == "completed"


def test_it_is_tried_again_in_the_sandboxs_time_with_the_same_id_and_body():
    with Receiver(lambda number: 500 if number < 3 else 204) as receiver, told(receiver) as sandbox:
        push(sandbox, 1)
        before = sandbox.run_until_idle()
        after = sandbox.run_until_delivered()
        assert after - before == timedelta(seconds=0.25 + 1 + 4)
        assert len(receiver.arrivals) == 4
        assert len(set(receiver.ids)) == 1
        assert len({arrival.body for arrival in receiver.arrivals}) == 1
        assert all(arrival.is_signed_with(SECRET) for arrival in receiver.arrivals)
        log = sandbox.deliveries
        assert [(entry["attempt"], entry["status"]) for entry in log] == [
            (1, 500),
            (2, 500),
            (3, 500),
            (4, 204),
        ]
        assert [entry["next_attempt_at"] is None for entry in log] == [False, False, False, True]
        assert (sandbox.webhooks_delivered, sandbox.webhooks_failed) == (1, 0)


@pytest.mark.parametrize("status", [301, 400, 404, 410, 500])
def test_nothing_but_a_2xx_is_a_delivery(status: int):
    with Receiver(lambda number: status if number == 0 else 200) as receiver:  # noqa: SIM117
        with told(receiver) as sandbox:
            push(sandbox, 1)
            sandbox.run_until_delivered()
            assert len(receiver.arrivals) == 2


def test_a_redirect_leads_nowhere():
    # An endpoint may not send a signed delivery, and the sandbox with it, where it likes.
    with Receiver() as elsewhere:

        class Redirecting(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["content-length"]))
                self.send_response(307)
                self.send_header("Location", elsewhere.url)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Redirecting) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            url = f"http://127.0.0.1:{server.server_port}/"
            with Sandbox(time="manual", webhook_url=url, webhook_secret=SECRET) as sandbox:
                push(sandbox, 1)
                sandbox.run_until_delivered()
                assert {it["status"] for it in sandbox.deliveries} == {307}
                assert sandbox.webhooks_failed == 1
            server.shutdown()
        assert elsewhere.arrivals == []


def test_it_is_given_up_in_the_end_and_can_be_sent_by_hand():
    up = threading.Event()
    with Receiver(lambda _: 200 if up.is_set() else 503) as receiver, told(receiver) as sandbox:
        push(sandbox, 1)
        sandbox.run_until_delivered()
        assert len(receiver.arrivals) == 12
        assert (sandbox.webhooks_failed, sandbox.webhooks_waiting) == (1, 0)
        assert sandbox.deliveries[-1]["next_attempt_at"] is None
        up.set()
        sandbox.resend(receiver.ids[0])
        sandbox.run_until_delivered()
        assert len(receiver.arrivals) == 13
        assert len(set(receiver.ids)) == 1
        assert sandbox.webhooks_delivered == 1


def test_while_a_secret_is_rotated_both_sign():
    with Receiver() as receiver, told(receiver) as sandbox:
        sandbox.rotate_webhook_secret("whsec_new", overlap=3600)
        push(sandbox, 1)
        sandbox.run_until_delivered()
        (arrival,) = receiver.arrivals
        assert arrival.headers["x-webhook-signature"].count("v1=") == 2
        assert arrival.is_signed_with(SECRET)
        assert arrival.is_signed_with("whsec_new")
        sandbox.advance(hours=1)
        sandbox.resend(arrival.id)
        sandbox.run_until_delivered()
        late = receiver.arrivals[-1]
        assert late.is_signed_with("whsec_new")
        assert not late.is_signed_with(SECRET)


def test_deliveries_come_twice_late_or_overtaken_when_ordered():
    with Receiver() as receiver, told(receiver) as sandbox:
        sandbox.fault("webhook", "duplicate")
        push(sandbox, 1)
        sandbox.run_until_delivered()
        assert len(receiver.arrivals) == 2
        assert len(set(receiver.ids)) == 1
        # The first of two is overtaken by the second.
        sandbox.fault("webhook", "reordered")
        sandbox.update_campaign(max_concurrency=1)
        push(sandbox, 3)
        sandbox.run_until_idle()
        sandbox.run_until_delivered()
        overtaken = [entry["event_id"] for entry in sandbox.deliveries if entry["problem"]][-1]
        order = receiver.ids[2:]
        assert sorted(set(order)) == sorted(order)
        assert order.index(overtaken) > 0
        # Its answer is lost on the way back: it comes again.
        sandbox.fault("webhook", "dropped", applied=1)
        push(sandbox, 1)
        sandbox.run_until_delivered()
        assert receiver.ids[-1] == receiver.ids[-2]
        sandbox.fault("webhook", "dropped")
        push(sandbox, 1)
        count = len(receiver.arrivals)
        sandbox.run_until_delivered()
        assert len(receiver.arrivals) == count + 1
        assert sandbox.deliveries[-1]["attempt"] == 2


def test_what_was_to_be_told_outlives_the_sandbox(tmp_path: Path):
    file = tmp_path / "sandbox.db"
    with Receiver(lambda _: 500) as down, told(down, state=file) as sandbox:
        push(sandbox, 20)
        sandbox.run_until_idle()
        sandbox.advance(seconds=2)
        assert sandbox.webhooks_waiting == 20
        before = set(down.ids)
    with Receiver() as receiver, told(receiver, state=file) as sandbox:
        assert sandbox.webhooks_waiting == 20
        sandbox.run_until_delivered()
        assert sorted(receiver.ids) == sorted(set(receiver.ids))
        assert set(receiver.ids) >= before
        assert len(receiver.ids) == 20


def test_a_machine_without_certificates_has_a_sandbox(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere/ca.pem")
    with Receiver() as receiver, told(receiver) as sandbox:
        push(sandbox, 1)
        sandbox.run_until_delivered()
        assert len(receiver.arrivals) == 1


def test_a_webhook_stays_on_this_machine_unless_allowed():
    for url in ("http://example.com/x", "http://10.0.0.1/", "http://127.0.0.1@example.com/"):
        with pytest.raises(InvalidArgumentError, match="allow_remote_webhooks"):
            Sandbox(webhook_url=url, webhook_secret="s")
        with Sandbox() as sandbox, pytest.raises(InvalidArgumentError, match="another machine"):
            sandbox.set_webhook(url, "s")
        Sandbox(webhook_url=url, webhook_secret="s", allow_remote_webhooks=True).stop()
    # What a snapshot brings is checked, too.
    with Sandbox(
        time="manual",
        webhook_url="http://192.0.2.1/",
        webhook_secret="s",
        allow_remote_webhooks=True,
    ) as far:
        taken = far.snapshot()
    with Sandbox(time="manual") as sandbox:
        sandbox.restore(taken)
        push(sandbox, 1)
        sandbox.run_until_delivered()
        assert sandbox.webhooks_failed == 1
        assert "another machine" in (sandbox.deliveries[-1]["problem"] or "")


def test_waiting_for_deliveries_ends_in_time():
    with Receiver(lambda _: threading.Event().wait(0.5) or 200) as receiver:  # noqa: SIM117
        with told(receiver) as sandbox:
            push(sandbox, 100)
            with pytest.raises(TimeoutError, match="still to be delivered"):
                sandbox.run_until_delivered(timeout=0.2)


def test_no_event_is_lost_where_every_tenth_attempt_fails():
    rng, lock = random.Random(11), threading.Lock()

    def answer(_: int) -> int:
        with lock:
            return 500 if rng.random() < 0.1 else 200

    with Receiver(answer) as receiver, told(receiver, max_concurrency=COUNT) as sandbox:
        push(sandbox, COUNT)
        sandbox.run_until_delivered(timeout=0.05 * COUNT)
        assert len(set(receiver.ids)) == COUNT
        assert all(arrival.is_signed_with(SECRET) for arrival in receiver.arrivals)
        assert sandbox.webhooks_delivered == COUNT
        assert len(sandbox.deliveries) == 1000
