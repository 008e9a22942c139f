"""An endpoint whose worker is killed: each line of standard input is a delivery to a new worker.

``python -m support.apps.killed KIND DATABASE_URL STORE_PATH``. A worker is a fork, and its server
is this process. It is killed with SIGKILL at its n-th line of Python (``line``), or so many
microseconds after its handler has ended (``timed``); ``whole`` lets it live.
"""

from __future__ import annotations

import io
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from typing import Any

import revrag
from revrag import testing
from revrag.webhooks import wsgi
from revrag.webhooks.stores import DjangoStore, SqlAlchemyStore, SqliteStore

SECRET = "whsec"
KIND, URL, PATH = sys.argv[1:4]
now = [1_780_000_000.0]
at_handler: list[Callable[[str], None]] = []
verifier = revrag.WebhookVerifier(SECRET)


def clock() -> float:
    return now[0]


def tell(moment: str) -> None:
    for each in at_handler:
        each(moment)


def make_django() -> Any:
    import django
    from django.conf import settings
    from django.core.management import call_command
    from django.core.wsgi import get_wsgi_application
    from django.db import connection, connections
    from django.urls import path
    from sqlalchemy import make_url

    url = make_url(URL)
    engine = "postgresql" if url.drivername.startswith("postgresql") else "sqlite3"
    database = {"ENGINE": f"django.db.backends.{engine}", "NAME": url.database}
    if engine == "postgresql":
        database |= {"USER": url.username, "HOST": url.host, "PORT": url.port}
    settings.configure(
        ALLOWED_HOSTS=["*"],
        DATABASES={"default": database},
        INSTALLED_APPS=["revrag.webhooks.django"],
        LOGGING_CONFIG=None,
        ROOT_URLCONF=__name__,
        SECRET_KEY="tests",
    )
    django.setup()
    call_command("migrate", verbosity=0)
    connections.close_all()
    from revrag.webhooks.django import webhook

    @webhook(verifier=verifier, store=DjangoStore(clock=clock), clock=clock)
    def call_ended(_request: object, event: revrag.WebhookEvent) -> None:
        tell("begins")
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO effects VALUES (%s)", [event.call.call_id])
        tell("ends")

    globals()["urlpatterns"] = [path("revrag", call_ended)]
    return get_wsgi_application()


def make_sqlalchemy() -> Any:
    from sqlalchemy import NullPool, create_engine, text

    store = SqlAlchemyStore(create_engine(URL, poolclass=NullPool), clock=clock)
    store.create_tables()

    def call_ended(event: revrag.WebhookEvent, session: Any) -> None:
        tell("begins")
        session.execute(text("INSERT INTO effects VALUES (:call)"), {"call": event.call.call_id})
        tell("ends")

    return wsgi.endpoint(call_ended, verifier, store=store, clock=clock)


def make_claims() -> Any:
    from sqlalchemy import NullPool, create_engine, text

    engine = create_engine(URL, poolclass=NullPool)

    def call_ended(event: revrag.WebhookEvent) -> None:
        tell("begins")
        with engine.begin() as connection:
            insert = text("INSERT INTO effects VALUES (:call)")
            connection.execute(insert, {"call": event.call.call_id})
        tell("ends")

    return wsgi.endpoint(call_ended, verifier, store=SqliteStore(PATH, clock=clock), clock=clock)


def environ_of(asked: dict[str, Any]) -> dict[str, Any]:
    call = testing.sample_call(call_id=asked["id"])
    sent = testing.delivery(call, verifier, event_id=asked["id"], timestamp=clock())
    return {
        "REQUEST_METHOD": "POST",
        "SCRIPT_NAME": "",
        "PATH_INFO": "/revrag",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(sent.body),
        "wsgi.errors": sys.stderr,
        "CONTENT_LENGTH": str(len(sent.body)),
        "CONTENT_TYPE": "application/json",
        **{f"HTTP_{name.upper().replace('-', '_')}": text for name, text in sent.headers.items()},
    }


def deliver(app: Any, asked: dict[str, Any], out: int) -> None:
    """What a worker does."""
    lines = 0
    began = ended = 0
    stop = asked["at"] if asked["how"] == "line" else -1

    def trace(_frame: object, event: str, _arg: object) -> Any:
        nonlocal lines
        if event == "line":
            lines += 1
            if lines == stop:
                os.kill(os.getpid(), signal.SIGKILL)
        return trace

    def at(moment: str) -> None:
        nonlocal began, ended
        if moment == "begins":
            began = lines
        else:
            ended = time.perf_counter_ns()
            if asked["how"] == "timed":
                os.write(out, b"go\n")

    at_handler.append(at)
    environ = environ_of(asked)
    statuses: list[str] = []
    if asked["how"] in {"line", "traced"}:
        sys.settrace(trace)
    body = app(environ, lambda status, *_: statuses.append(status))
    sys.settrace(None)
    took = (time.perf_counter_ns() - ended) // 1000 if ended else 0
    if hasattr(body, "close"):
        body.close()
    told = {"status": int(statuses[0][:3]), "began": began, "lines": lines, "took": took}
    os.write(out, json.dumps(told).encode() + b"\n")


def serve(app: Any, asked: dict[str, Any]) -> str:
    """Have one delivery handled by a worker that may be killed; what it told last."""
    inwards, outwards = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.close(inwards)
            deliver(app, asked, outwards)
            code = 0
        finally:
            os._exit(code)
    os.close(outwards)
    with os.fdopen(inwards) as told:
        line = told.readline()
        if line == "go\n":
            until = time.perf_counter_ns() + asked["at"] * 1000
            while time.perf_counter_ns() < until:
                pass
            os.kill(child, signal.SIGKILL)
            line = told.readline()
    _, how = os.waitpid(child, 0)
    if how == 0 or line:
        return line.strip()
    if os.WIFSIGNALED(how) and os.WTERMSIG(how) == signal.SIGKILL:
        return json.dumps({"status": 0})
    raise RuntimeError(f"a worker ended by itself: {how}")


def main() -> None:
    app = {"django": make_django, "sqlalchemy": make_sqlalchemy, "claims": make_claims}[KIND]()
    print("ready", flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        now[0] = asked["now"]
        print(serve(app, asked), flush=True)


if __name__ == "__main__":
    main()
