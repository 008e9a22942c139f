"""Whatever is sent to a sandbox gets a documented answer, or none, and changes nothing."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from revrag.sandbox import Sandbox

GOOD = b'{"records": [{"phone_number": "+919876543210"}]}'


@pytest.fixture
def patience() -> float:
    return 30


@pytest.fixture
def sandbox(patience: float) -> Iterator[Sandbox]:
    with Sandbox(dispatch_after=3600, request_timeout=patience) as sandbox:
        yield sandbox
        # Whatever came before, it goes on, and holds what was rightly pushed.
        connection = http.client.HTTPConnection(sandbox.url.removeprefix("http://"), timeout=10)
        connection.request("GET", path(sandbox, "status"), headers=key(sandbox))
        answer = connection.getresponse()
        assert answer.status == 200
        assert json.loads(answer.read())["stats"]["total_records"] == 0
        connection.close()


def path(sandbox: Sandbox, end: str = "records/push-bulk") -> str:
    return f"/v1/campaigns/{sandbox.campaign_id}/{end}"


def key(sandbox: Sandbox) -> dict[str, str]:
    return {"X-API-Key": sandbox.api_key}


def send(
    sandbox: Sandbox,
    body: Any,
    *,
    method: str = "POST",
    at: str | None = None,
    headers: dict[str, str] | None = None,
) -> tuple[int, Any]:
    connection = http.client.HTTPConnection(sandbox.url.removeprefix("http://"), timeout=30)
    sent = key(sandbox) | {"Content-Type": "application/json"} | (headers or {})
    connection.request(method, at or path(sandbox), body, sent)
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    return answer.status, json.loads(text) if text else None


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", "json_invalid"),
        (b"{", "json_invalid"),
        (b"records", "json_invalid"),
        (GOOD + b"x", "json_invalid"),
        (GOOD.replace(b"9876", b"98\xff76"), "json_invalid"),
        (GOOD.replace(b"+9198", b"\\ud800"), "json_invalid"),
        (b'{"records": ' + b"[" * 100_000, "json_invalid"),
        (b'{"records": [{"phone_number": "1", "variables": ' + b'{"a":' * 100_000, "json_invalid"),
        (b'{"records": ' + b"[" * 200 + b"]" * 200 + b"}", "json_invalid"),
        (b'{"records": [1e999]}', "json_invalid"),
        (b"[]", "model_attributes_type"),
        (b"null", "model_attributes_type"),
        (b"{}", "missing"),
        (b'{"records": null}', "list_type"),
        (b'{"records": []}', "too_short"),
        (b'{"records": [null]}', "model_attributes_type"),
        (b'{"records": [{"phone_number": 919876543210}]}', "string_type"),
        (b'{"records": [{"phone_number": "1", "variables": [1]}]}', "dict_type"),
    ],
    ids=lambda value: value[:50].decode("latin-1") if isinstance(value, bytes) else value,
)
def test_a_body_of_another_shape_is_a_422(sandbox: Sandbox, body: bytes, kind: str):
    status, answer = send(sandbox, body)
    assert status == 422
    assert answer["detail"][0]["type"] == kind
    assert answer["detail"][0]["loc"][0] == "body"


def test_of_a_key_given_twice_the_last_counts(sandbox: Sandbox):
    twice = b'{"records": [{"phone_number": "+919876543210"}], "records": [{"phone_number": "x"}]}'
    status, answer = send(sandbox, twice)
    assert (status, answer["accepted"]) == (200, 0)
    assert [it["phone_number"] for it in answer["results"]] == ["x"]


def test_of_a_records_key_given_twice_the_last_counts():
    record = (
        '{"phone_number": "+919876543210", "phone_number": "+919876543211", '
        '"variables": {"a": 1, "b": {"x": 1, "x": 2}, "a": 3}, '
        '"app_user_id": "first", "app_user_id": "last"}'
    )
    with Sandbox(dispatch_after=3600) as sandbox:
        status, answer = send(sandbox, f'{{"records": [{record}]}}'.encode())
        assert (status, answer["accepted"]) == (200, 1)
        run_id = answer["results"][0]["run_id"]
        stored = sandbox.client().campaign(sandbox.campaign_id).record(run_id)
        # As Python's json has it, and with it the service.
        sent = json.loads(record)
        assert (stored.phone_number, stored.app_user_id) == (sent["phone_number"], "last")
        assert stored.variables == sent["variables"]


def test_it_listens_on_this_machine_alone(sandbox: Sandbox):
    port = int(sandbox.url.rpartition(":")[2])
    assert sandbox.url.startswith("http://127.0.0.1:")
    # Whoever listens on every address listens on this one, too.
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.2", port), timeout=5).close()


def test_a_million_faults_are_not_all_told(sandbox: Sandbox):
    status, answer = send(sandbox, b'{"records": [' + b"{}," * 1_000_000 + b"{}]}")
    assert status == 422
    assert len(answer["detail"]) == 1000


def test_a_hundred_megabytes_are_a_413(sandbox: Sandbox):
    assert send(sandbox, b" " * 100_000_000)[0] == 413
    pieces = (b" " * 1_000_000 for _ in range(100))
    assert send(sandbox, pieces)[0] == 413
    # Who asks before sending is told at once.
    with raw(sandbox) as peer:
        peer.sendall(head(sandbox, 100_000_000, "Expect: 100-continue"))
        assert peer.recv(99).startswith(b"HTTP/1.1 413")


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "", "json"])
def test_another_content_type_is_a_422(sandbox: Sandbox, kind: str):
    status, answer = send(sandbox, GOOD, headers={"Content-Type": kind})
    assert (status, answer["detail"][0]["loc"]) == (422, ["body"])


@pytest.mark.parametrize("given", ["", "wrong", "sandbox-key ", "sandbox-keysandbox-key", "é"])
def test_another_key_is_a_401(sandbox: Sandbox, given: str):
    if given.strip() == sandbox.api_key:
        # A header's value has no spaces around it.
        given = f"x{given}"
    status, answer = send(sandbox, GOOD, headers={"X-API-Key": given})
    assert (status, answer) == (401, {"detail": "Missing or invalid API key"})


@pytest.mark.parametrize(
    ("method", "at", "status"),
    [
        ("GET", None, 405),
        ("DELETE", None, 405),
        ("BREW", None, 405),
        ("POST", "/v1/campaigns", 404),
        ("POST", "/../../etc/passwd", 404),
        ("GET", "/recordings/..%2f..%2fetc%2fpasswd", 404),
        ("GET", "/recordings/%00.wav", 404),
        ("GET", "/v1/campaigns/%ff%fe/status", 404),
        ("GET", f"/v1/campaigns/{'9' * 5000}/status", 404),
        ("POST", "//", 404),
        ("POST", "*", 404),
    ],
)
def test_unknown_methods_and_paths(sandbox: Sandbox, method: str, at: str | None, status: int):
    assert send(sandbox, GOOD, method=method, at=at)[0] == status


@contextlib.contextmanager
def raw(sandbox: Sandbox) -> Iterator[socket.socket]:
    port = int(sandbox.url.rsplit(":", 1)[1])
    with socket.create_connection(("127.0.0.1", port), timeout=20) as peer:
        yield peer


def head(sandbox: Sandbox, length: int, *more: str) -> bytes:
    lines = [
        f"POST {path(sandbox)} HTTP/1.1",
        "Host: localhost",
        f"X-API-Key: {sandbox.api_key}",
        "Content-Type: application/json",
        f"Content-Length: {length}",
        *more,
    ]
    return "\r\n".join([*lines, "", ""]).encode()


def rest(peer: socket.socket) -> bytes:
    """What is still said, until the connection is closed."""
    said = b""
    with contextlib.suppress(ConnectionResetError):
        while piece := peer.recv(65536):
            said += piece
    return said


@pytest.mark.parametrize("cut", [10, 60, -1])
def test_a_request_that_is_cut_off_is_none(sandbox: Sandbox, cut: int):
    whole = head(sandbox, len(GOOD)) + GOOD
    with raw(sandbox) as peer:
        peer.sendall(whole[:cut])
        peer.shutdown(socket.SHUT_WR)
        assert b" 200 " not in rest(peer)


@pytest.mark.parametrize("patience", [0.5])
@pytest.mark.parametrize("cut", [10, 60, -1])
def test_a_slow_request_is_cut_off(sandbox: Sandbox, cut: int):
    whole = head(sandbox, len(GOOD)) + GOOD
    with raw(sandbox) as peer:
        peer.sendall(whole[:cut])
        said = rest(peer)
        assert not said or said.startswith(b"HTTP/1.1 408"), said


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"x" * 500,
        b"GET /\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
        b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"GET / HTTP/1.1\r\nA: " + b"x" * 1_000_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"A: x\r\n" * 10_000 + b"\r\n",
        b"\x00" * 1000,
    ],
    ids=lambda sent: sent[:24].decode("latin-1"),
)
def test_what_is_no_http_is_turned_away(sandbox: Sandbox, sent: bytes):
    with raw(sandbox) as peer:
        with contextlib.suppress(ConnectionResetError, BrokenPipeError):
            peer.sendall(sent)
        said = rest(peer)
        assert not said or said.startswith((b"HTTP/1.1 4", b"HTTP/1.0 4")), said[:99]


def test_the_log_is_bounded_and_keeps_no_body_whole(sandbox: Sandbox):
    connection = http.client.HTTPConnection(sandbox.url.removeprefix("http://"), timeout=10)
    for _ in range(1010):
        connection.request("POST", path(sandbox), b"x" * 20_000, key(sandbox))
        connection.getresponse().read()
    connection.close()
    log = sandbox.requests
    assert (len(log), log[0]["id"], log[-1]["id"]) == (1000, 11, 1010)
    body = log[-1]["request_body"]
    assert (body["bytes"], body["is_cut"], len(body["text"])) == (20_000, True, 8192)
