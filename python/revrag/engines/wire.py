"""Messages between driver and tasks: JSON under a code that only who knows a secret can make."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import struct
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import socket

HEAD = struct.Struct(">I32s")
# A message has some thousand keys at most.
LARGEST = 64 << 20


class Wire:
    """One end of a connection.

    Each message counts up, and its code is over the count and over what both ends drew at first: it
    can be neither made, nor repeated, nor sent back by somebody else.
    """

    def __init__(self, connection: socket.socket, secret: bytes, *, is_driver: bool) -> None:
        self._connection = connection
        drawn = secrets.token_bytes(32)
        connection.sendall(drawn)
        others = self._receive(32)
        both = drawn + others if is_driver else others + drawn
        key = hmac.digest(secret, both, hashlib.sha256)
        sides = [hmac.digest(key, side, hashlib.sha256) for side in (b"driver", b"task")]
        self._out, self._in = sides if is_driver else sides[::-1]
        self._sent = self._received = 0

    def send(self, message: Any) -> None:
        """Sends one message."""
        body = json.dumps(message, separators=(",", ":")).encode()
        code = self._code(self._out, self._sent, body)
        self._connection.sendall(HEAD.pack(len(body), code) + body)
        self._sent += 1

    def receive(self) -> Any:
        """The next message; raises an ``OSError`` where there is none, or none of ours."""
        length, code = HEAD.unpack(self._receive(HEAD.size))
        # Nothing large is read for somebody who knows no secret.
        if length > (LARGEST if self._received else 1 << 16):
            raise ConnectionError("the message is too large")
        body = self._receive(length)
        if not hmac.compare_digest(code, self._code(self._in, self._received, body)):
            raise ConnectionError("the other end does not know the job's secret")
        self._received += 1
        return json.loads(body)

    def close(self) -> None:
        """Hangs up."""
        self._connection.close()

    @staticmethod
    def _code(key: bytes, count: int, body: bytes) -> bytes:
        return hmac.digest(key, count.to_bytes(8, "big") + body, hashlib.sha256)

    def _receive(self, length: int) -> bytes:
        parts = bytearray()
        while len(parts) < length:
            part = self._connection.recv(min(length - len(parts), 1 << 20))
            if not part:
                raise ConnectionError("the other end hung up")
            parts += part
        return bytes(parts)
