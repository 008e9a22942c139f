"""A webhook endpoint on a thread of its own: it keeps what came, and answers as it is told."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from revrag import WebhookVerificationError, WebhookVerifier

SECRET = "whsec_receiver"


@dataclass(frozen=True)
class Arrival:
    """A delivery that arrived."""

    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["x-webhook-id"]

    def is_signed_with(self, *secrets: str) -> bool:
        try:
            WebhookVerifier(list(secrets)).verify_signature(self.body, self.headers)
        except WebhookVerificationError:
            return False
        return True


class Receiver:
    """Answers with what ``answers`` returns for the n-th delivery, counted from 0."""

    def __init__(self, answers: Callable[[int], int] = lambda _: 200) -> None:
        self.arrivals: list[Arrival] = []
        self._lock = threading.Lock()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                with receiver._lock:
                    number = len(receiver.arrivals)
                    receiver.arrivals.append(Arrival(headers, body))
                status = answers(number)
                said = f"answer {number}".encode()
                self.send_response(status)
                self.send_header("content-length", str(len(said)))
                self.end_headers()
                self.wfile.write(said)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            request_queue_size = 256
            daemon_threads = True

        self._server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/webhooks"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    @property
    def ids(self) -> list[str]:
        return [arrival.id for arrival in self.arrivals]

    def __enter__(self) -> Receiver:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)
