"""Web servers with several worker processes, and a Redis, for the endpoints under test."""

from __future__ import annotations

import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

import pytest
import redis
from revrag import testing

ROOT = Path(__file__).parents[1]
FRAMEWORKS = ["fastapi", "django", "django-async", "flask"]

UVICORN = ["uvicorn", "--log-level", "warning", "--no-access-log"]
GUNICORN = ["gunicorn", "--worker-class", "gthread", "--threads", "4", "--log-level", "warning"]
# What serves each, and its app.
SERVERS = {
    "fastapi": (UVICORN, "support.apps.fastapi_app:app"),
    "django": (GUNICORN, "support.apps.django_app:app"),
    "django-async": (UVICORN, "support.apps.django_app:asgi"),
    "flask": (GUNICORN, "support.apps.flask_app:app"),
    "fastapi-sql": (UVICORN, "support.apps.transactional:app"),
    "django-sql": (GUNICORN, "support.apps.transactional:app"),
    "flask-sql": (GUNICORN, "support.apps.transactional:app"),
}


class Answered(NamedTuple):
    """An answer."""

    status: int
    headers: dict[str, str]
    body: bytes


class Web:
    """A server with an endpoint at ``/revrag``, on a free port."""

    def __init__(
        self,
        framework: str,
        folder: Path,
        workers: int,
        settings: dict[str, str],
        named: Callable[[str], str] = str,
    ) -> None:
        self._named = named
        server, app = SERVERS[framework]
        self.log = folder / "handled.log"
        self.gate = folder / "gate"
        self.errors = folder / "errors.log"
        self.clock = folder / "clock"
        os.mkfifo(self.gate)
        self.log.touch()
        # Listening from now on: no request is refused while the workers start.
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = self._socket.getsockname()[1]
        number = str(self._socket.fileno())
        where = ["--bind", f"fd://{number}"] if server is GUNICORN else ["--fd", number]
        view = "async" if framework == "django-async" else "sync"
        environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "PYTHONFAULTHANDLER": "1",
            "APP_LOG": str(self.log),
            "APP_GATE": str(self.gate),
            "APP_VIEW": view,
            "APP_FRAMEWORK": framework.removesuffix("-sql"),
            **settings,
        }
        with self.errors.open("wb") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "-m", *server, *where, "--workers", str(workers), app],
                cwd=folder,
                env=environment,
                stdout=errors,
                stderr=errors,
                pass_fds=[self._socket.fileno()],
                start_new_session=True,
            )

    def deliver(self, sent: testing.Delivery) -> Answered:
        """Deliver it, over a connection of its own."""
        return self.request("POST", sent.body, sent.headers)

    def request(
        self,
        method: str = "POST",
        body: bytes | Iterable[bytes] | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answered:
        """Make one request; a body in pieces goes in chunks."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request(
                method, "/revrag", body, headers or {}, encode_chunked=not isinstance(body, bytes)
            )
            answer = connection.getresponse()
            names = {name.lower(): text for name, text in answer.getheaders()}
            return Answered(answer.status, names, answer.read())
        except OSError as error:
            pytest.fail(f"{error!r}\n{self.errors.read_text()[-5000:]}")
        finally:
            connection.close()

    def noted(self) -> list[list[str]]:
        """The lines that the handlers wrote: a word, what the test calls the event, and more."""
        lines = (line.split() for line in self.log.read_text().splitlines())
        return [[word, self._named(event_id), *more] for word, event_id, *more in lines]

    def succeeded(self) -> list[str]:
        """The events that were handled."""
        return [words[1] for words in self.noted() if words[0] == "succeeded"]

    def open_gate(self) -> None:
        """Let the handler that is held go on."""
        self.gate.write_text("")

    def stop(self) -> None:
        """End the server and its workers."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(10)
        self._socket.close()


Serve = Callable[..., Web]


def start_redis(folder: Path) -> tuple[str, subprocess.Popen[bytes]]:
    """A Redis on a free port that keeps nothing; its URL and process."""
    program = shutil.which("redis-server")
    if program is None:
        if "CI" in os.environ:
            pytest.fail("CI has to install redis-server")
        pytest.skip("there is no redis-server here: apt-get install redis-server")
    for _ in range(5):
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = str(free.getsockname()[1])
        # Someone else may take the port meanwhile; then it ends, and another is tried.
        process = subprocess.Popen(
            [program, "--port", port, "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)],
            stdout=subprocess.PIPE,
        )
        assert process.stdout is not None
        for line in process.stdout:
            if b"Ready to accept connections" in line:
                url = f"redis://127.0.0.1:{port}/0"
                redis.Redis.from_url(url).ping()
                return url, process
        process.wait(10)
    pytest.fail("redis-server does not start")
