"""Requests of any kind, put to an app as its server would put them."""

from __future__ import annotations

import asyncio
import base64
import io
import threading
from collections.abc import Callable, Iterable
from typing import Any

import django
from django.conf import settings
from django.core.management import call_command

Headers = list[tuple[bytes, bytes]]


class Answer(int):
    """The status of an answer, with its headers and body."""

    headers: dict[str, str]
    body: bytes

    @classmethod
    def of(cls, status: int, headers: Iterable[tuple[str, str]], body: bytes) -> Answer:
        answer = cls(status)
        answer.headers = {name.lower(): text for name, text in headers}
        answer.body = body
        return answer


Call = Callable[[str, Headers, list[bytes]], Answer]


def configure_django(**changes: Any) -> None:
    """Django's settings for this process; the first call makes them."""
    if not settings.configured:
        settings.configure(
            ALLOWED_HOSTS=["*"],
            SECRET_KEY="tests",
            INSTALLED_APPS=["revrag.webhooks.django"],
            LOGGING_CONFIG=None,
            DATABASES={
                "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"},
            },
            MIDDLEWARE=[
                "django.middleware.common.CommonMiddleware",
                "django.middleware.csrf.CsrfViewMiddleware",
            ],
            USE_TZ=True,
            **changes,
        )
        django.setup()
        # In memory, so each process makes its own tables.
        call_command("migrate", verbosity=0)


def wsgi(app: Any, path: str = "/revrag") -> Call:
    """Call a WSGI app."""

    def call(method: str, headers: Headers, pieces: list[bytes]) -> Answer:
        environ: dict[str, Any] = {
            "REQUEST_METHOD": method,
            "SCRIPT_NAME": "",
            "PATH_INFO": path,
            "QUERY_STRING": "",
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": stream_of(pieces),
            "wsgi.errors": io.StringIO(),
            "wsgi.multithread": True,
            "wsgi.multiprocess": True,
            "wsgi.run_once": False,
        }
        for name, value in headers:
            key = name.decode("latin-1").upper().replace("-", "_")
            if key not in {"CONTENT_LENGTH", "CONTENT_TYPE"}:
                key = f"HTTP_{key}"
            text = value.decode("latin-1")
            environ[key] = f"{environ[key]},{text}" if key in environ else text
        if "CONTENT_LENGTH" not in environ:
            environ["wsgi.input_terminated"] = True
        started: list[Any] = []

        def start(status: str, given: Any, _error: object = None) -> Callable[..., object]:
            started.append((int(status[:3]), given))
            return lambda _data: None

        answer = app(environ, start)
        body = b"".join(answer)
        if hasattr(answer, "close"):
            answer.close()
        return Answer.of(*started[-1], body)

    return call


def asgi(app: Any, runner: asyncio.Runner, path: str = "/revrag") -> Call:
    """Call an ASGI app."""

    def call(method: str, headers: Headers, pieces: list[bytes]) -> Answer:
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "root_path": "",
            "headers": [(name.lower(), value) for name, value in headers],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 80),
        }
        return runner.run(_answer(app, scope, pieces))

    return call


async def _answer(app: Any, scope: dict[str, Any], pieces: Iterable[bytes]) -> Answer:
    waiting = [{"type": "http.request", "body": piece, "more_body": True} for piece in pieces]
    is_slow = SLOW in pieces
    if not is_slow:
        waiting.append({"type": "http.request", "body": b"", "more_body": False})
    started: list[dict[str, Any]] = []
    body = bytearray()

    async def receive() -> dict[str, Any]:
        if waiting:
            return waiting.pop(0)
        await asyncio.Event().wait()  # the client stays until it is answered
        raise AssertionError

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            started.append(message)
        else:
            body.extend(message.get("body", b""))

    await app(scope, receive, send)
    pairs = [(name.decode(), text.decode()) for name, text in started[-1].get("headers", [])]
    return Answer.of(started[-1]["status"], pairs, bytes(body))


# A piece after which no other comes, nor an end.
SLOW = b"\0slow"


class Stuck(io.RawIOBase):
    """A stream that gives what has come and then waits for more."""

    def __init__(self, pieces: list[bytes]) -> None:
        self._left = b"".join(pieces)
        self.free = threading.Event()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._left:
            self.free.wait(20)
            return 0
        size = min(len(buffer), len(self._left))
        buffer[:size] = self._left[:size]
        self._left = self._left[size:]
        return size


def stream_of(pieces: list[bytes]) -> Any:
    """A body as a server hands it over."""
    if SLOW in pieces:
        return io.BufferedReader(Stuck(pieces))
    return io.BytesIO(b"".join(pieces))


def function(handler: Any) -> Call:
    """Call a Lambda function behind an HTTP API, as API Gateway does."""

    def call(method: str, headers: Headers, pieces: list[bytes]) -> Answer:
        joined: dict[str, str] = {}
        for name, value in headers:
            key, text = name.decode().lower(), value.decode("latin-1")
            joined[key] = f"{joined[key]},{text}" if key in joined else text
        body = b"".join(pieces)
        answered = handler(
            {
                "version": "2.0",
                "rawPath": "/revrag",
                "headers": joined,
                "requestContext": {"http": {"method": method, "path": "/revrag"}},
                "body": base64.b64encode(body).decode(),
                "isBase64Encoded": True,
            },
            None,
        )
        text = answered["body"].encode()
        return Answer.of(answered["statusCode"], answered["headers"].items(), text)

    return call


def aiohttp(app: Any, runner: asyncio.Runner, path: str = "/revrag") -> Call:
    """Call an aiohttp app, by its own test client."""

    async def post(method: str, headers: Headers, pieces: list[bytes]) -> Answer:
        from aiohttp.test_utils import TestClient, TestServer

        async with TestClient(TestServer(app)) as client:
            named = {name.decode(): value.decode() for name, value in headers}
            async with client.request(
                method, path, headers=named, data=b"".join(pieces)
            ) as response:
                return Answer.of(response.status, response.headers.items(), await response.read())

    return lambda *given: runner.run(post(*given))


def azure(handler: Any) -> Call:
    """Call an Azure function, as its host does: header names are any case, and one each."""
    from azure.functions import HttpRequest

    def call(method: str, headers: Headers, pieces: list[bytes]) -> Answer:
        joined: dict[str, str] = {}
        for name, value in headers:
            key, text = name.decode().lower(), value.decode("latin-1")
            joined[key] = f"{joined[key]},{text}" if key in joined else text
        request = HttpRequest(
            method=method,
            url="https://app.azurewebsites.net/api/revrag",
            headers=joined,
            body=b"".join(pieces),
        )
        answered = handler(request)
        return Answer.of(answered.status_code, answered.headers.items(), answered.get_body())

    return call
