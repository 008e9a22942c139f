"""What is sent again: the requests that reach the server, for every row of the table."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import pytest
import revrag
from revrag import errors
from support import LEAD, PUSHED, STATUS, campaign_at
from support.both import Invoke
from support.server import Act, Serve, close, raw, reply, reset, silence, truncated

GOOD = {"status": reply(200, STATUS), "push": reply(200, PUSHED)}
ARGS = {"status": (), "push": ([LEAD],)}
RETRIES = 2
AT_ONCE = {"retry-after": "0"}

# What the server does, the requests a GET makes of it, and the requests a push does.
TABLE: dict[str, tuple[Act, int, int]] = {
    "429": (reply(429, {}, AT_ONCE), 3, 3),
    "408": (reply(408, {}), 3, 1),
    "500": (reply(500, {}), 3, 1),
    "502": (reply(502, "<html>"), 3, 1),
    "503": (reply(503, {}), 3, 1),
    "504": (reply(504, {}), 3, 1),
    "timeout": (silence, 3, 1),
    "hung up": (close, 3, 1),
    "reset": (reset, 3, 1),
    "garbage": (raw(b"\x00\x01\x02\r\n\r\n"), 3, 1),
    "cut short": (truncated(b'{"accepted": 1}', 5), 3, 1),
    "not json": (reply(200, "<html>"), 3, 1),
    "json of another shape": (reply(200, {"a": 1}), 1, 1),
    "too large": (reply(200, {"a": "x" * 100_000}), 1, 1),
    "400": (reply(400, {}), 1, 1),
    "401": (reply(401, {}), 1, 1),
    "403": (reply(403, {}), 1, 1),
    "404": (reply(404, {}), 1, 1),
    "409": (reply(409, {}), 1, 1),
    "413": (reply(413, {}), 1, 1),
    "422": (reply(422, {}), 1, 1),
    "301": (reply(301, {}, {"location": "/elsewhere"}), 1, 1),
    "302": (reply(302, {}, {"location": "/elsewhere"}), 1, 1),
    "307": (reply(307, {}, {"location": "/elsewhere"}), 1, 1),
    "308": (reply(308, {}, {"location": "/elsewhere"}), 1, 1),
}
# What a push answers with an error of its own kind; all else of the table leaves it unknown.
DEFINITE = {"429", "400", "401", "403", "404", "409", "413", "422", "301", "302", "307", "308"}


def patience(row: str) -> float:
    """Long where an answer comes: the machine may be busy."""
    return 0.3 if row == "timeout" else 10


@pytest.mark.parametrize("method", ["status", "push"])
@pytest.mark.parametrize("row", TABLE)
def test_the_requests_that_reach_the_server(
    invoke: Invoke, serve: Serve, row: str, method: str
) -> None:
    act, reads, pushes = TABLE[row]
    server = serve(act)
    campaign = campaign_at(
        server.url, timeout=patience(row), max_retries=RETRIES, max_response_bytes=50_000
    )
    with pytest.raises(revrag.RevragError) as info:
        invoke(campaign, method, *ARGS[method])
    assert len(server.requests) == (reads if method == "status" else pushes)
    unknown = isinstance(info.value, errors.PushOutcomeUnknownError)
    assert unknown == (method == "push" and row not in DEFINITE)
    assert unknown == (info.value.__cause__ is not None)


@pytest.mark.parametrize("row", [row for row, (_, reads, _) in TABLE.items() if reads > 1])
def test_a_read_succeeds_after_a_bad_moment(invoke: Invoke, serve: Serve, row: str) -> None:
    server = serve(TABLE[row][0], GOOD["status"])
    campaign = campaign_at(server.url, timeout=patience(row), max_retries=1)
    assert invoke(campaign, "status").status == "running"
    assert len(server.requests) == 2


@contextlib.contextmanager
def refusing_once() -> Iterator[tuple[int, list[int]]]:
    """A port that breaks the first TCP connection before TLS, and counts what comes."""
    arrived: list[int] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def run() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                arrived.append(1)
                connection.close()

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        yield listener.getsockname()[1], arrived
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(5)


@pytest.mark.parametrize("method", ["status", "push"])
def test_what_never_connected_is_sent_again(invoke: Invoke, method: str) -> None:
    # A TLS handshake that breaks: the request never left.
    with refusing_once() as (port, arrived):
        campaign = campaign_at(f"https://127.0.0.1:{port}", max_retries=RETRIES)
        with pytest.raises(errors.APIConnectionError, match="nothing was sent"):
            invoke(campaign, method, *ARGS[method])
    assert len(arrived) == 1 + RETRIES


@pytest.mark.parametrize("method", ["status", "push"])
def test_a_rate_limit_passes(invoke: Invoke, serve: Serve, method: str) -> None:
    server = serve(reply(429, {}, AT_ONCE), reply(429, {}), GOOD[method])
    invoke(campaign_at(server.url), method, *ARGS[method])
    assert len(server.requests) == 3
    assert len({request.body for request in server.requests}) == 1


@pytest.mark.parametrize("method", ["status", "push"])
def test_no_retries_when_none_are_wanted(invoke: Invoke, serve: Serve, method: str) -> None:
    server = serve(reply(429, {}, AT_ONCE))
    with pytest.raises(errors.RateLimitError):
        invoke(campaign_at(server.url, max_retries=0), method, *ARGS[method])
    assert len(server.requests) == 1


def test_a_read_waits_as_an_overloaded_service_asks(invoke: Invoke, serve: Serve) -> None:
    # Without the header, two waits are at most 0.5 s and 1 s.
    server = serve(reply(503, {}, {"retry-after": "2"}), GOOD["status"])
    started = time.monotonic()
    invoke(campaign_at(server.url), "status")
    assert time.monotonic() - started >= 2
    assert len(server.requests) == 2


def test_an_overloaded_service_leaves_a_push_unknown(invoke: Invoke, serve: Serve) -> None:
    server = serve(reply(503, {}, AT_ONCE))
    with pytest.raises(errors.PushOutcomeUnknownError):
        invoke(campaign_at(server.url), "push", [LEAD])
    assert len(server.requests) == 1


def test_idle_connections_are_dropped_before_servers_drop_them(serve: Serve) -> None:
    server = serve(reply(200, STATUS))
    campaign = campaign_at(server.url)
    campaign.status()
    campaign.status()
    assert server.connections == 1
    # A moment in which gunicorn still holds a connection.
    time.sleep(1.8)
    campaign.status()
    assert server.connections == 2
