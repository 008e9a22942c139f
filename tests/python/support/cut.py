"""A way to Redis on which answers are lost."""

from __future__ import annotations

import socket
import threading
from urllib.parse import urlsplit


class Cut:
    """Passes everything on to a Redis, but hangs up instead of the answer to the next script."""

    def __init__(self, redis_url: str) -> None:
        where = urlsplit(redis_url)
        assert where.hostname is not None
        self._to = (where.hostname, where.port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"redis://127.0.0.1:{self._listener.getsockname()[1]}/0"
        self.lost = 0
        self._armed = False
        threading.Thread(target=self._accept, daemon=True).start()

    def lose_next(self) -> None:
        """Lose the answer to the next script or conditional set."""
        self._armed = True

    def close(self) -> None:
        """Take no more connections."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._pass_on, args=(client,), daemon=True).start()

    def _pass_on(self, client: socket.socket) -> None:
        with client, socket.create_connection(self._to) as server:
            while asked := client.recv(1 << 16):
                server.sendall(asked)
                answer = server.recv(1 << 16)
                if self._armed and (b"EVAL" in asked or b"NX" in asked):
                    self._armed = False
                    self.lost += 1
                    return
                client.sendall(answer)
