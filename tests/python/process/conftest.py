"""Scripts in processes of their own, each with a time limit, and servers for them to talk to."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from revrag.sandbox import Sandbox

CAMPAIGN_ID = "11111111-1111-1111-1111-111111111111"

# What every script starts with.
PRELUDE = f"""
import asyncio, os, signal, sys, threading, time
import revrag
CAMPAIGN_ID = {CAMPAIGN_ID!r}
LEAD = {{"phone_number": "+919876543210", "variables": {{"first_name": "Pankaj"}}}}
def campaign(url, **options):
    client = revrag.Client("sandbox-key", base_url=url, **options)
    return client.campaign(CAMPAIGN_ID)
def socket_inodes():
    found = set()
    for fd in os.listdir("/proc/self/fd"):
        try:
            target = os.readlink(f"/proc/self/fd/{{fd}}")
        except OSError:
            continue
        if target.startswith("socket:"):
            found.add(target)
    return found
def threads():
    return len(os.listdir("/proc/self/task"))
"""


@dataclass
class Finished:
    """A script that has ended."""

    code: int
    out: str
    err: str
    seconds: float


class Script:
    """A script under way in a process of its own."""

    def __init__(self, body: str, folder: Path, args: tuple[object, ...]) -> None:
        path = folder / f"script_{len(list(folder.iterdir()))}.py"
        path.write_text(PRELUDE + textwrap.dedent(body))
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            [sys.executable, "-X", "faulthandler", "-W", "error", str(path), *map(str, args)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=folder,
            start_new_session=True,
        )

    def line(self) -> str:
        """The next line it prints."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline().strip()
        if not line:
            self.fail(f"the script ended early: {self.finish(5)}")
        return line

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        os.kill(self.process.pid, number)

    def finish(self, limit: float) -> Finished:
        """Wait for its end, at most ``limit`` seconds."""
        try:
            out, err = self.process.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGABRT)  # faulthandler tells where it hangs
            out, err = self.process.communicate(timeout=5)
            self.fail(f"no end within {limit} s\n{out}\n{err}")
        return Finished(self.process.returncode, out, err, time.monotonic() - self.started)

    def kill(self) -> None:
        """End it and its children, whatever they do."""
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            return
        finally:
            self.process.communicate(timeout=5)

    @staticmethod
    def fail(message: str) -> None:
        pytest.fail(message, pytrace=False)


Start = Callable[..., Script]
Run = Callable[..., Finished]


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


class Silent:
    """A server that takes requests and never answers; it knows when a client hangs up."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.arrived = threading.Semaphore(0)
        self.dropped = threading.Semaphore(0)
        self.connections: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections.append(connection)
            threading.Thread(target=self._hold, args=(connection,), daemon=True).start()

    def _hold(self, connection: socket.socket) -> None:
        try:
            if connection.recv(1 << 16):
                self.arrived.release()
            while connection.recv(1 << 16):
                pass
        except OSError:
            pass
        self.dropped.release()

    def close(self) -> None:
        self.listener.close()
        for connection in self.connections:
            connection.close()


@pytest.fixture
def silent() -> Iterator[Silent]:
    """A server that never answers."""
    server = Silent()
    yield server
    server.close()
