"""An application that takes webhooks, and remembers what it accepted."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

from revrag import WebhookVerifier


class Taken(NamedTuple):
    """A delivery that was accepted."""

    event_id: str
    call: dict[str, Any]
    at: float


class Application:
    """An endpoint at ``/revrag`` on a loopback port.

    Args:
        secret: The signing secret; what is not signed with it is a failure of the test.
        answer: The status for a delivery of this number, counted from 0.
        port: The port; 0 takes a free one.
    """

    def __init__(
        self, secret: str, answer: Callable[[int], int] = lambda _: 200, port: int = 0
    ) -> None:
        self.verifier = WebhookVerifier(secret)
        self.answer = answer
        self.taken: list[Taken] = []
        self.bad: list[str] = []
        self.seen = 0
        self.changed = threading.Condition()
        application = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(application.take(body, dict(self.headers)))
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None: ...

        class Server(ThreadingHTTPServer):
            request_queue_size = 128
            daemon_threads = True

            def handle_error(self, *_: object) -> None:
                """Whoever is killed hangs up."""

        self._server = Server(("127.0.0.1", port), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/revrag"
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def take(self, body: bytes, headers: dict[str, str]) -> int:
        """Take a delivery; the status it is answered with."""
        with self.changed:
            status = self.answer(self.seen)
            self.seen += 1
            try:
                event = self.verifier.verify(body, headers)
            except Exception as error:
                self.bad.append(repr(error))
                status = 401
            if 200 <= status < 300:
                self.taken.append(Taken(event.id, json.loads(body), time.time()))
            self.changed.notify_all()
            return status

    def wait(self, count: int, limit: float = 60) -> None:
        """Wait until so many calls were accepted."""
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.calls) >= count, limit), len(self.calls)

    @property
    def calls(self) -> set[str]:
        """The calls that were accepted."""
        return {taken.call["call_id"] for taken in self.taken}

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
