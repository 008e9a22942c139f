"""Fixtures for every test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from revrag.sandbox import Sandbox
from support.both import BOTH, Invoke
from support.script import Finished, Run, Script, Start
from support.scripted import Scripted, served
from support.server import Act, Serve, Server
from support.silent import Silent

# A machine that is busy is no defect.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start a script: ``start(body, *args)``."""
    scripts: list[Script] = []

    def start(body: str, *args: object) -> Script:
        scripts.append(Script(body, tmp_path, args))
        return scripts[-1]

    yield start
    for script in scripts:
        script.kill()


@pytest.fixture
def run(start: Start) -> Run:
    """Run a script to its end and expect exit code 0 and no word on stderr."""

    def run(body: str, *args: object, limit: float = 20, code: int = 0) -> Finished:
        finished = start(body, *args).finish(limit)
        assert (finished.code, finished.err) == (code, ""), finished
        return finished

    return run


@pytest.fixture
def service() -> Iterator[Sandbox]:
    """The service, answering at once."""
    with Sandbox(dispatch_after=0, call_duration=0.05, failure_rate=0) as sandbox:
        yield sandbox


@pytest.fixture
def silent() -> Iterator[Silent]:
    """A server that never answers."""
    server = Silent()
    yield server
    server.close()


@pytest.fixture(params=BOTH)
def invoke(request: pytest.FixtureRequest) -> Invoke:
    """Call a method, or its asyncio twin: ``invoke(campaign, "push", records)``."""
    return BOTH[request.param]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start a server that plays a script: ``serve(reply(503), reply(200, body))``."""
    servers: list[Server | Scripted] = []

    def serve(*acts: Act, **options: object) -> Server | Scripted:
        servers.append(served(acts, **options))
        return servers[-1]

    yield serve
    for server in servers:
        server.close()


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No proxy and no key from whoever runs the tests."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    for name in ("REVRAG_API_KEY", "REVRAG_BASE_URL", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
