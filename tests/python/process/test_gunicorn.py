"""A real gunicorn that loads the application, and uses the client, before it forks its workers."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from support import PUSHED
from support.script import PRELUDE, terminated
from support.server import Serve, reply

# Each process says who it is, so that the service knows whose each connection is.
SHARED = (
    PRELUDE
    + """
leads = campaign(os.environ["SERVICE"])
def lead():
    return LEAD | {"app_user_id": str(os.getpid())}
assert leads.push([lead()]).accepted == 1
"""
)
DJANGO = (
    SHARED
    + """
import django.conf, django.core.wsgi, django.http, django.urls
django.conf.settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], SECRET_KEY="x")
def push(request):
    assert leads.push([lead()]).accepted == 1
    return django.http.HttpResponse(str(os.getpid()))
urlpatterns = [django.urls.path("", push)]
app = django.core.wsgi.get_wsgi_application()
"""
)
FASTAPI = (
    SHARED
    + """
import fastapi
app = fastapi.FastAPI()
@app.get("/")
async def push():
    pushes = await asyncio.gather(*(leads.push_async([lead()]) for _ in range(3)))
    assert [pushed.accepted for pushed in pushes] == [1] * 3
    return os.getpid()
"""
)
# The master uses the client too, after its forks.
CONFIGURATION = """
preload_app = True
workers = 2
bind = "127.0.0.1:0"
control_socket_disable = True
def child_exit(server, worker):
    import app
    assert app.leads.push([app.lead()]).accepted == 1
"""
SERVERS = {
    "django": (DJANGO, "sync"),
    "django in threads": (DJANGO, "gthread"),
    "fastapi": (FASTAPI, "uvicorn_worker.UvicornWorker"),
}


@pytest.mark.timeout(120)
@pytest.mark.parametrize("kind", SERVERS)
def test_gunicorn_with_preload(tmp_path: Path, serve: Serve, kind: str) -> None:
    application, worker_class = SERVERS[kind]
    (tmp_path / "app.py").write_text(application)
    (tmp_path / "gunicorn.conf.py").write_text(CONFIGURATION)
    service = serve(reply(200, PUSHED))
    log = tmp_path / "log"
    with log.open("w") as writing:
        master = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", "--worker-class", worker_class, "app:app"],
            cwd=tmp_path,
            env=os.environ | {"SERVICE": service.url},
            stdin=subprocess.DEVNULL,
            stdout=writing,
            stderr=writing,
            start_new_session=True,
        )
    with terminated(master, log):
        url = eventually(lambda: re.search(r"Listening at: (http://\S+)", log.read_text()))[1]

        def pushers() -> dict[int, int]:
            """How often each process has pushed."""
            counted: dict[int, int] = defaultdict(int)
            for request in list(service.requests):
                counted[int(request.json()["records"][0]["app_user_id"])] += 1
            return counted

        def ask_both() -> set[int]:
            """Requests until two workers have answered."""
            with ThreadPoolExecutor(8) as pool:
                return eventually(lambda: at_least_two(set(pool.map(ask, [url] * 8))))

        first = ask_both()
        assert master.pid not in first
        os.kill(min(first), signal.SIGKILL)
        eventually(lambda: pushers()[master.pid] == 2)
        second = ask_both()
        assert min(first) not in second
        assert second - first, "another worker, forked later"

        owners = defaultdict(set)
        for request in service.requests:
            owners[request.connection].add(request.json()["records"][0]["app_user_id"])
        assert all(len(pids) == 1 for pids in owners.values()), owners
        assert {int(pid) for pids in owners.values() for pid in pids} == {
            master.pid, *first, *second,
        }  # fmt: skip

        master.terminate()
        assert master.wait(20) == 0
        assert not re.search(r"Traceback|panicked", log.read_text()), log.read_text()


def ask(url: str) -> int:
    with urllib.request.urlopen(url, timeout=20) as answer:
        return int(answer.read())


def at_least_two(found: set[int]) -> set[int] | None:
    return found if len(found) >= 2 else None


def eventually(look: Callable[[], Any]) -> Any:
    """What ``look`` finds, within 20 seconds."""
    deadline = time.monotonic() + 20
    while not (found := look()):
        assert time.monotonic() < deadline, "never"
        time.sleep(0.02)
    return found
