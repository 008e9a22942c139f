"""A server over real sockets that plays a script, one act per request, and keeps what arrived."""

from __future__ import annotations

import json
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any


@dataclass
class Request:
    """A request as it arrived."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    # The connection it came over, counted from 0.
    connection: int

    def json(self) -> Any:
        return json.loads(self.body)


Act = Callable[[socket.socket, Request], None]


@dataclass(frozen=True)
class Reply:
    """Answers with a status and a body: bytes and str as they are, all else as JSON."""

    status: int
    body: object
    headers: dict[str, str]
    content_type: str

    def __call__(self, connection: socket.socket, _: Request) -> None:
        connection.sendall(answer(self.status, self.body, self.headers, self.content_type))


@dataclass(frozen=True)
class Truncated:
    """Answers 200, with the first bytes of the body only."""

    body: bytes
    keep: int

    def __call__(self, connection: socket.socket, _: Request) -> None:
        whole = answer(200, self.body)
        connection.sendall(whole[: len(whole) - len(self.body) + self.keep])
        raise ConnectionAbortedError


def reply(
    status: int = 200,
    body: object = None,
    headers: dict[str, str] | None = None,
    content_type: str = "application/json",
) -> Act:
    """Answer with a status and a body."""
    return Reply(status, body, headers or {}, content_type)


def truncated(body: bytes, keep: int) -> Act:
    """Answer 200, with the first bytes of the body only."""
    return Truncated(body, keep)


def answer(
    status: int = 200,
    body: object = None,
    headers: dict[str, str] | None = None,
    content_type: str = "application/json",
) -> bytes:
    """The bytes of an answer."""
    body = encoded(body)
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = "Whatever"
    lines = [f"HTTP/1.1 {status} {phrase}", f"content-length: {len(body)}"]
    if content_type:
        lines.append(f"content-type: {content_type}")
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def encoded(body: object) -> bytes:
    """A body's bytes: those of bytes and str as they are, of all else as JSON."""
    if isinstance(body, bytes):
        return body
    return body.encode() if isinstance(body, str) else json.dumps(body).encode()


def raw(data: bytes) -> Act:
    """Send these bytes."""

    def act(connection: socket.socket, _: Request) -> None:
        connection.sendall(data)

    return act


def close(_connection: socket.socket, _: Request) -> None:
    """Hang up without an answer."""
    raise ConnectionAbortedError


def reset(connection: socket.socket, _: Request) -> None:
    """Break the connection with a RST."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    raise ConnectionAbortedError


def silence(connection: socket.socket, _: Request) -> None:
    """Say nothing until the client hangs up."""
    while connection.recv(1 << 16):
        pass
    raise ConnectionAbortedError


@dataclass
class Server:
    """Plays ``acts`` in turn, the last one again and again, on a loopback port."""

    acts: Iterable[Act]
    tls: ssl.SSLContext | None = None
    # What clients will give; it lets everybody in.
    key: str | None = None
    requests: list[Request] = field(default_factory=list)
    connections: int = 0

    def __post_init__(self) -> None:
        self.acts = list(self.acts)
        self._lock = threading.Lock()
        self._open: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        """Where it listens."""
        if self.tls is None:
            return f"http://127.0.0.1:{self.port}"
        return f"https://localhost:{self.port}"

    def close(self) -> None:
        # Wakes the thread that is in accept(); close() alone does not.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            for connection in self._open:
                connection.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                number = self.connections
                self.connections += 1
                self._open.append(connection)
            threading.Thread(target=self._serve, args=(connection, number), daemon=True).start()

    def _serve(self, connection: socket.socket, number: int) -> None:
        try:
            if self.tls is not None:
                connection = self.tls.wrap_socket(connection, server_side=True)
            with connection, connection.makefile("rb") as stream:
                while (request := read_request(stream, number)) is not None:
                    with self._lock:
                        assert isinstance(self.acts, list)
                        act = self.acts[min(len(self.requests), len(self.acts) - 1)]
                        self.requests.append(request)
                    act(connection, request)
        except (OSError, ValueError):
            connection.close()


def read_request(stream: Any, connection: int) -> Request | None:
    """One request from a stream, or None at its end."""
    first = stream.readline().decode("latin-1").split()
    if len(first) != 3:
        return None
    headers = {}
    while line := stream.readline().decode("latin-1").strip():
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    length = int(headers.get("content-length", 0))
    return Request(first[0], first[1], headers, stream.read(length), connection)


Serve = Callable[..., Server]
