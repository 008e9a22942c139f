"""Requests of any kind, put to an app as its server would put them."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable, Iterable
from typing import Any

import django
from django.conf import settings
from django.core.management import call_command

Headers = list[tuple[bytes, bytes]]
Call = Callable[[str, Headers, list[bytes]], int]


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


def wsgi(app: Any) -> Call:
    """Call a WSGI app; the status of its answer."""

    def call(method: str, headers: Headers, pieces: list[bytes]) -> int:
        environ: dict[str, Any] = {
            "REQUEST_METHOD": method,
            "SCRIPT_NAME": "",
            "PATH_INFO": "/revrag",
            "QUERY_STRING": "",
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(b"".join(pieces)),
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
        statuses: list[str] = []

        def start(status: str, _headers: object, _error: object = None) -> Callable[..., object]:
            statuses.append(status)
            return lambda _data: None

        answer = app(environ, start)
        b"".join(answer)
        if hasattr(answer, "close"):
            answer.close()
        return int(statuses[-1][:3])

    return call


def asgi(app: Any, runner: asyncio.Runner) -> Call:
    """Call an ASGI app; the status of its answer."""

    def call(method: str, headers: Headers, pieces: list[bytes]) -> int:
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": "/revrag",
            "raw_path": b"/revrag",
            "query_string": b"",
            "root_path": "",
            "headers": [(name.lower(), value) for name, value in headers],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 80),
        }
        return runner.run(_answer(app, scope, pieces))

    return call


async def _answer(app: Any, scope: dict[str, Any], pieces: Iterable[bytes]) -> int:
    waiting = [{"type": "http.request", "body": piece, "more_body": True} for piece in pieces]
    waiting.append({"type": "http.request", "body": b"", "more_body": False})
    statuses: list[int] = []

    async def receive() -> dict[str, Any]:
        if waiting:
            return waiting.pop(0)
        await asyncio.Event().wait()  # the client stays until it is answered
        raise AssertionError

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    await app(scope, receive, send)
    return statuses[-1]
