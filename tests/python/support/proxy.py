"""A proxy over real sockets."""

from __future__ import annotations

import base64
import socket
import ssl
import threading
from collections.abc import Callable

from support.server import read_request


class Proxy:
    """An HTTP proxy: tunnels for CONNECT, and forwarding for the rest."""

    def __init__(
        self,
        credentials: str | None = None,
        *,
        refusal: str = "",
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.refusal = refusal
        self.tls = tls
        self.wanted = (
            f"Basic {base64.b64encode(credentials.encode()).decode()}" if credentials else None
        )
        self.asked: list[tuple[str, str]] = []
        self.headers: list[dict[str, str]] = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection: socket.socket) -> None:
        if self.tls is not None:
            try:
                connection = self.tls.wrap_socket(connection, server_side=True)
            except OSError:
                return
        with connection, connection.makefile("rb") as stream:
            request = read_request(stream, 0)
            assert request is not None
            self.asked.append((request.method, request.target))
            self.headers.append(request.headers)
            if self.refusal:
                connection.sendall(f"{self.refusal}\r\ncontent-length: 0\r\n\r\n".encode())
                return
            if self.wanted and request.headers.get("proxy-authorization") != self.wanted:
                connection.sendall(b"HTTP/1.1 407 Nope\r\ncontent-length: 0\r\n\r\n")
                return
            # What comes after a CONNECT would carry the key in the clear.
            assert "x-api-key" not in request.headers or request.method != "CONNECT"
            if request.method == "CONNECT":
                host, _, port = request.target.partition(":")
                with socket.create_connection((host, int(port))) as upstream:
                    connection.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
                    back = threading.Thread(target=self.pump, args=(upstream, connection))
                    back.start()
                    self.pump(connection, upstream)
                    back.join()
                return
            origin = request.target.removeprefix("http://")
            host, _, path = origin.partition("/")
            name, _, port = host.partition(":")
            with socket.create_connection((name, int(port))) as upstream:
                lines = [f"{request.method} /{path} HTTP/1.1", f"host: {host}", "connection: close"]
                lines.append(f"x-api-key: {request.headers['x-api-key']}")
                upstream.sendall("\r\n".join(lines).encode() + b"\r\n\r\n")
                upstream.shutdown(socket.SHUT_WR)
                self.pump(upstream, connection)

    @staticmethod
    def pump(source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(1 << 16):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def close(self) -> None:
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


Through = Callable[..., Proxy]
