"""Fixtures for every test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from revrag.sandbox import Sandbox
from support.script import Finished, Run, Script, Start
from support.silent import Silent


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
