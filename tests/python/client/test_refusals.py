"""What an exception has of a service's refusal: headers, body, and nothing of the key."""

from __future__ import annotations

import pickle
import subprocess
import sys
from typing import Any

import pytest
import revrag
from revrag import errors
from support import CAMPAIGN_ID, campaign_at
from support.both import Invoke
from support.server import Serve, reply


def caught(invoke: Invoke, target: object, method: str) -> Any:
    with pytest.raises(errors.APIStatusError) as info:
        invoke(target, method)
    return info.value


def test_headers_of_a_refusal(invoke: Invoke, serve: Serve) -> None:
    sent = {"X-RateLimit-Remaining": "0", "Via": "1.1 a"}
    error = caught(invoke, campaign_at(serve(reply(404, {}, sent)).url), "status")
    assert error.headers["x-ratelimit-remaining"] == "0"
    assert error.headers["X-RateLimit-Remaining"] == error.headers.get("X-RATELIMIT-REMAINING")
    assert "VIA" in error.headers
    assert error.headers.get("absent") is None
    again = pickle.loads(pickle.dumps(error))
    assert again.headers == error.headers
    assert again.headers["VIA"] == "1.1 a"
    assert errors.APIStatusError("x").headers == {}


def test_a_body_is_made_when_somebody_asks_and_then_stays(invoke: Invoke, serve: Serve) -> None:
    campaign = campaign_at(serve(reply(403, {"detail": [{"msg": "no"}], "more": [1]})).url)
    error = caught(invoke, campaign, "status")
    again = pickle.loads(pickle.dumps(error))
    assert error.body == again.body == {"detail": [{"msg": "no"}], "more": [1]}
    assert error.body is error.body
    assert error.errors[0].msg == "no"


def taken_by_a_refusal(serve: Serve, size: int) -> tuple[int, int]:
    """The memory that a refusal's body takes when it is read, and when it was asked for, too."""
    server = serve(reply(500, b"x" * size))
    script = """
import re, sys, revrag
def peak():
    with open("/proc/self/status") as status:
        return int(re.search(r"VmHWM:\\s+(\\d+) kB", status.read())[1]) * 1024
campaign = revrag.Client("sandbox-key", base_url=sys.argv[1], max_retries=0).campaign(sys.argv[2])
idle = peak()
try:
    campaign.status()
except revrag.ServerError as error:
    taken = peak() - idle
    print(taken, len(error.body), peak() - idle)
"""
    finished = subprocess.run(
        [sys.executable, "-c", script, server.url, CAMPAIGN_ID],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert not finished.returncode, finished.stderr
    read, length, asked = map(int, finished.stdout.split())
    assert length == size
    return read, asked


def test_a_refusals_text_is_made_when_somebody_asks(serve: Serve) -> None:
    size = 60_000_000
    read, asked = taken_by_a_refusal(serve, size)
    assert asked - read > size / 2


def test_a_large_refusal_takes_twice_its_size_at_most(serve: Serve) -> None:
    size = 60_000_000
    assert taken_by_a_refusal(serve, size)[0] < 2 * size


KEY = "k/&y+1"
ECHOES = {
    "as it is": KEY,
    "json": r"k\/\u0026y+1",
    "json, twice": r"k\\/\\u0026y\\u002B1",
    "a url": "k%2F%26y%2b1",
    "html": "k/&amp;y+1",
}


@pytest.mark.parametrize("form", ECHOES)
def test_a_key_that_is_echoed_is_hidden(invoke: Invoke, serve: Serve, form: str) -> None:
    echo = f'{{"detail": "not your key: {ECHOES[form]}, friend"}}'
    server = serve(
        reply(401, echo, {"x-echo": ECHOES[form], "x-request-id": ECHOES[form]}), key=KEY
    )
    client = revrag.Client(KEY, base_url=server.url, max_retries=0)
    error = caught(invoke, client.campaign(CAMPAIGN_ID), "status")
    assert error.detail == "not your key: ***, friend"
    assert error.headers["x-echo"] == error.request_id == "***"
    assert "y+1" not in str(error)
