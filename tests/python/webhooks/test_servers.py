"""Each framework's endpoint behind a real server with several worker processes."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import threading
import time
from dataclasses import replace

import pytest
from support import IS_SANDBOXED
from support.web import FRAMEWORKS, Serve, Web

pytestmark = pytest.mark.parametrize("framework", FRAMEWORKS)


def wait_for(web: Web, word: str, event_id: str) -> list[str]:
    """The line in which a handler notes something of an event; the test's timeout bounds this."""
    while True:
        for words in web.noted():
            if words[:2] == [word, event_id]:
                return words
        time.sleep(0.01)


def test_what_is_answered(framework, serve: Serve, send):
    web = serve(framework)
    good = send(event_id="evt_good")

    accepted = web.deliver(good)
    assert accepted.status == 200
    assert web.succeeded() == ["evt_good"]
    assert [web.deliver(good).status for _ in range(4)] == [200] * 4
    # A redelivery: the same id, another signature.
    again = send(event_id="evt_good")
    assert web.deliver(again).status == 200
    # Replays of both: another id, the same signature, spelled in another way.
    for sent in (good, again):
        timestamp, signature = sent.headers["X-Webhook-Signature"].split(",")
        spelled = f"v1={'0' * 64}, V1={signature[3:].upper()} ,{timestamp}".replace("V1", "v1")
        replayed = {**sent.headers, "X-Webhook-ID": "evt_other", "X-Webhook-Signature": spelled}
        assert web.deliver(replace(sent, headers=replayed)).status == 200
    assert web.succeeded() == ["evt_good"]
    # What was replayed did not use up its id.
    assert web.deliver(send(event_id="evt_other")).status == 200
    assert web.succeeded() == ["evt_good", "evt_other"]

    malformed = [
        web.deliver(replace(good, headers=headers))
        for headers in (
            {},
            {**good.headers, "X-Webhook-Timestamp": "soon"},
            {**good.headers, "X-Webhook-Signature": "t=1"},
        )
    ]
    assert [answer.status for answer in malformed] == [400] * 3
    unauthorized = [
        web.deliver(send(secret="another")),
        web.deliver(replace(good, body=good.body + b" ")),
    ]
    if not IS_SANDBOXED:  # whose deliveries are always of now
        unauthorized += [web.deliver(send(timestamp=time.time() + by)) for by in (-400, 400)]
    assert {answer.status for answer in unauthorized} == {401}
    # Nothing tells which check failed.
    for alike in (malformed, unauthorized):
        assert len({answer.body for answer in alike}) == 1
        assert len({tuple(sorted(answer.headers)) for answer in alike}) == 1

    for method in ("GET", "PUT", "DELETE", "PATCH"):
        refused = web.request(method)
        assert (refused.status, refused.headers["allow"]) == (405, refused.headers["allow"])
        assert "POST" in refused.headers["allow"]


def test_bodies_in_chunks_and_too_large(framework, serve: Serve, send):
    web = serve(framework, APP_MAX_BODY="4000")
    sent = send(event_id="evt_chunks")
    pieces = [sent.body[:7], sent.body[7:500], sent.body[500:]]
    assert len(sent.body) < 4000
    assert web.request("POST", iter(pieces), sent.headers).status == 200
    assert web.succeeded() == ["evt_chunks"]

    for broken in (b"zz\r\n{}\r\n0\r\n\r\n", b"5\r\n{}"):
        with socket.create_connection(("127.0.0.1", web.port), timeout=20) as connection:
            head = b"POST /revrag HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
            connection.sendall(head + broken)
            connection.shutdown(socket.SHUT_WR)
            # To one who has hung up there may be no answer.
            assert connection.recv(100)[9:12] in {b"400", b""}

    large = replace(sent, body=sent.body + b" " * 4000)
    assert web.deliver(large).status == 413
    assert web.request("POST", iter([large.body]), sent.headers).status == 413
    # It is refused by what it says, before its body comes.
    with socket.create_connection(("127.0.0.1", web.port), timeout=20) as connection:
        connection.sendall(b"POST /revrag HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n{")
        # Django's ASGI handler reads a body before any view runs.
        if framework == "django-async":
            connection.sendall(b" " * 999_999)
        assert connection.recv(100).startswith(b"HTTP/1.1 413 ")


def test_a_body_that_comes_too_slowly(framework, serve: Serve, send):
    if framework == "django-async":
        pytest.skip("Django's ASGI handler reads a body before any view runs")
    web = serve(framework, APP_BODY_TIMEOUT="1.5")
    with contextlib.ExitStack() as stack:
        # As many at a time as there are of them: they hold up nobody else.
        slow = [
            stack.enter_context(socket.create_connection(("127.0.0.1", web.port), timeout=20))
            for _ in range(6)
        ]
        for connection in slow:
            connection.sendall(b"POST /revrag HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{")
        assert [connection.recv(12)[9:] for connection in slow] == [b"408"] * len(slow)
    assert web.deliver(send(event_id="evt_1")).status == 200


def test_a_failed_handler_is_called_again_and_a_busy_one_is_not(framework, serve: Serve, send):
    web = serve(framework)
    for number, do in enumerate(["raise", "500", "503"]):
        failed = web.deliver(send(do, event_id=f"evt_{number}"))
        assert failed.status == (503 if do == "503" else 500)
        assert web.deliver(send(event_id=f"evt_{number}")).status == 200
    assert web.succeeded() == ["evt_0", "evt_1", "evt_2"]
    # A handler that refuses has not failed.
    assert web.deliver(send("422", event_id="evt_refused")).status == 422
    assert web.deliver(send("422", event_id="evt_refused")).status == 200
    assert [words[0] for words in web.noted()].count("answered") == 3

    held = send("hold", event_id="evt_held")
    statuses = []
    thread = threading.Thread(target=lambda: statuses.append(web.deliver(held).status))
    thread.start()
    wait_for(web, "held", "evt_held")
    replayed = replace(held, headers={**held.headers, "X-Webhook-ID": "evt_free"})
    for busy in (held, send(event_id="evt_held"), replayed):
        answer = web.deliver(busy)
        assert answer.status == 409
        assert int(answer.headers["retry-after"]) > 0
    web.open_gate()
    thread.join(20)
    assert statuses == [200]
    assert web.deliver(held).status == 200
    assert web.succeeded()[3:] == ["evt_held"]


def test_a_worker_killed_in_a_handler_leaves_the_event_to_a_redelivery(
    framework, serve: Serve, send, tmp_path
):
    clock = tmp_path / "clock"
    clock.write_text("1000")
    web = serve(framework, APP_CLOCK=str(clock), APP_CLAIM_TTL="300")

    def deliver_and_lose() -> None:
        with socket.create_connection(("127.0.0.1", web.port), timeout=25) as connection:
            held = send("hold", event_id="evt_1")
            lines = [f"{name}: {text}" for name, text in held.headers.items()]
            head = "\r\n".join(["POST /revrag HTTP/1.1", "Host: x", *lines])
            connection.sendall(f"{head}\r\nContent-Length: {len(held.body)}\r\n\r\n".encode())
            connection.sendall(held.body)
            with contextlib.suppress(ConnectionResetError):
                assert connection.recv(1) == b""

    thread = threading.Thread(target=deliver_and_lose)
    thread.start()
    _, _, pid = wait_for(web, "held", "evt_1")
    os.kill(int(pid), signal.SIGKILL)
    thread.join(25)
    # Other workers go on; the killed one is replaced.
    clock.write_text("1299")
    assert web.deliver(send(event_id="evt_1")).status == 409
    clock.write_text("1300")
    assert web.deliver(send(event_id="evt_1")).status == 200
    assert web.deliver(send(event_id="evt_1")).status == 200
    assert web.succeeded() == ["evt_1"]


def test_secrets_rotate_without_a_gap(framework, serve: Serve, send):
    web = serve(framework, APP_SECRETS="new,old")
    for number in range(10):
        sent = send(secret=("new", "old")[number % 2], event_id=f"evt_{number}")
        assert web.deliver(sent).status == 200
        assert web.deliver(sent).status == 200
    assert web.succeeded() == [f"evt_{number}" for number in range(10)]
    assert web.deliver(send(secret="older")).status == 401


@pytest.mark.parametrize("on_error", ["refuse", "handle"])
def test_a_store_out_of_reach(framework, on_error, serve: Serve, send):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        # It listens, and no Redis answers; closed, it would be free for others.
        taken.listen(0)
        port = taken.getsockname()[1]
        web = serve(
            framework,
            APP_STORE=f"redis:redis://127.0.0.1:{port}/0?socket_timeout=0.2",
            APP_ON_STORE_ERROR=on_error,
        )
        answer = web.deliver(send(event_id="evt_1"))
    if on_error == "refuse":
        assert (answer.status, web.succeeded()) == (503, [])
        assert int(answer.headers["retry-after"]) > 0
    else:
        assert (answer.status, web.succeeded()) == (200, ["evt_1"])
