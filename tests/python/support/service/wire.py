"""The bytes on the wire, and the sockets under them."""

from __future__ import annotations

import asyncio
import json
import select
import socket
import struct
from http import HTTPStatus
from typing import Any

from .store import Stored

Headers = tuple[tuple[str, str], ...]


async def request(
    reader: asyncio.StreamReader,
) -> tuple[str, str, dict[str, str], bytes] | None:
    """One request, or None at the end of the connection."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.decode("latin-1").rstrip().split("\r\n")
    method, target, _ = first.split()
    pairs = (line.partition(":") for line in lines)
    headers = {name.lower(): value.strip() for name, _, value in pairs}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return method, target, headers, body


def pushed(records: list[dict[str, Any]], applied: list[Stored | str]) -> str:
    """The body of a push that was answered."""
    results = []
    accepted = 0
    for record, one in zip(records, applied, strict=False):
        number = json.dumps(record["phone_number"])
        if isinstance(one, Stored):
            accepted += 1
            results.append(
                f'{{"phone_number": {number}, "accepted": true, "run_id": "{one.run_id}", '
                '"status": "queued", "error": null}'
            )
        else:
            results.append(
                f'{{"phone_number": {number}, "accepted": false, "run_id": null, '
                f'"status": null, "error": {json.dumps(one)}}}'
            )
    rejected = len(results) - accepted
    return f'{{"accepted": {accepted}, "rejected": {rejected}, "results": [{", ".join(results)}]}}'


def detail(what: object) -> bytes:
    """The body of an error."""
    return json.dumps({"detail": what}).encode()


def answer(status: int, body: bytes, headers: Headers = ()) -> bytes:
    """A whole answer."""
    lines = [
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}",
        "content-type: application/json",
        f"content-length: {len(body)}",
        *(f"{name}: {value}" for name, value in headers),
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def bound(port: int) -> socket.socket:
    """A socket at a loopback port, not listening yet."""
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind(("127.0.0.1", port))
    return made


def hung_up(writer: asyncio.StreamWriter) -> bool:
    """Whether the client has closed the connection, read or not."""
    poll = select.poll()
    fd = writer.get_extra_info("socket").fileno()
    if fd < 0:
        return True
    poll.register(fd, select.POLLRDHUP)
    return bool(poll.poll(0))


def reset(writer: asyncio.StreamWriter) -> None:
    """Break the connection with a RST."""
    linger = struct.pack("ii", 1, 0)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    writer.transport.abort()
