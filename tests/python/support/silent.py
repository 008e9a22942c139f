"""A server that never answers."""

from __future__ import annotations

import socket
import threading


class Silent:
    """A server that takes requests and never answers; it knows when a client hangs up."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.arrived = threading.Semaphore(0)
        self.dropped = threading.Semaphore(0)
        self.connections: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections.append(connection)
            threading.Thread(target=self._hold, args=(connection,), daemon=True).start()

    def _hold(self, connection: socket.socket) -> None:
        try:
            if connection.recv(1 << 16):
                self.arrived.release()
            while connection.recv(1 << 16):
                pass
        except OSError:
            pass
        self.dropped.release()

    def close(self) -> None:
        self.listener.close()
        for connection in self.connections:
            connection.close()
