"""Scripts in processes of their own, each with a time limit."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from support import CAMPAIGN_ID

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
            stdin=subprocess.PIPE,
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

    def say(self, line: str) -> None:
        """Write a line to its standard input."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()

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


@contextlib.contextmanager
def terminated(process: subprocess.Popen[Any], log: Path) -> Iterator[None]:
    """End a process and its children, whatever happens; what it logged shows where a test fails."""
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(5)
        print(log.read_text())


Start = Callable[..., Script]
Run = Callable[..., Finished]
